"""What each line of a contract claims, when it is due, and what can measure it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, board, claims, parse_contract, stages


def _claims(text: str, provers: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Claim]:
    contract = parse_contract(text)
    found = {
        claim.address.removeprefix(f"{contract.product}/"): claim
        for claim in claims(contract, provers=provers or {})
    }
    assert len(found) == len(claims(contract)), "addresses are unique"
    return found


def test_every_line_of_a_permission_is_a_claim(generative: str) -> None:
    block = "search_fares: {effect: read, roles: [traveller, clerk]"
    further = (
        ", deny: [head_clerk], schema: fares.json, data: [public, internal],"
        " arguments: {from: {most_characters: 3}, to: {pattern: '[A-Z]+'}}"
    )
    made = _claims(generative.replace(block, block + further))
    path = "tools/search_fares"
    assert {address: made[address].sentence for address in made if address.startswith(path)} == {
        path: "Search fares runs only for traveller, clerk",
        f"{path}/deny": "Search fares never runs for head clerk",
        f"{path}/arguments": "Search fares never runs with a value of from, to that the contract rules out",
        f"{path}/schema": "Search fares never runs with arguments that break fares.json",
        f"{path}/data": "Nothing but public or internal data flows into search fares",
    }


def test_every_kind_of_claim_has_a_line_that_makes_it(generative: str, predictive: str) -> None:
    kinds = {claim.kind for text in (generative, predictive) for claim in _claims(text).values()}
    assert kinds == set(ClaimKind)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("answer/quality/groundedness", "Groundedness of answer is at least 90 %"),
        ("answer/quality/groundedness/every_slice", "Groundedness of answer is at least 75 % in every slice"),
        (
            "answer/quality/groundedness/baseline",
            "Groundedness of answer is no more than 2 percentage points worse than launched",
        ),
        (
            "answer/quality/under_refusal/baseline",
            "Under-refusal of answer on unanswerable is no more than 1 percentage point worse than launched",
        ),
        ("answer/quality/rating/baseline", "Rating of answer is no more than 0.082 worse than launched"),
        ("answer/outcomes/resolved/change", "Resolved of answer is above the 50 % of before"),
        (
            "answer/outcomes/time_to_resolution/change",
            "Median time to resolution of answer is below the 2 h of before",
        ),
        ("answer/limits/timeout", "Timeout of answer never goes beyond 10 s without an incident"),
        (
            "answer/fallbacks/vendor-talk-1",
            "When what comes before it fails, answer falls back to vendor/talk 1",
        ),
        (
            "data/sources/bookings",
            "Bookings is never in records, is never learned from, is read only within own bookings",
        ),
        ("data/pii/record", "No name, email, card gets into a record without being pseudonymised"),
        ("data/vendor", "The vendor does not train on what it is sent and keeps nothing of it"),
        (
            "tools/move/approval",
            "Move never runs without the approval of clerk and head clerk above 200 EUR for its exact "
            "arguments",
        ),
        ("tools/move/limits/per_user", "Move never goes beyond 3,000 EUR/d for one user"),
        (
            "guards/off_topic",
            "When the guard off topic cannot check, the call goes on, and the gap is recorded",
        ),
        ("guards/pii", "When the guard PII cannot check, the output is held back"),
        ("abuse/rudeness", "Success rate of rudeness attacks is at most 5 %"),
        (
            "fairness/gap/quality/groundedness",
            "The largest difference of quality/groundedness between groups of language is at most 6 %",
        ),
        (
            "rollout/harms/move/reliability/latency_p95",
            "Move/reliability/latency_p95 gets worse by no more than 80 ms in any stage",
        ),
        (
            "decisions/autonomy",
            "Autonomy: propose stays the choice until move/trust/undo is at most 1 % for 90 d or calls is "
            "at least 100,000/month",
        ),
        ("labels/sample/thumbs_down", "100 % of calls of the kind thumbs down are labelled"),
        ("attest/on_duty/drill", "A test page for on duty is answered by engineering"),
    ],
)
def test_a_claim_is_a_sentence_with_its_threshold(generative: str, address: str, sentence: str) -> None:
    assert _claims(generative)[address].sentence == sentence


def test_a_claim_carries_what_a_prover_needs(generative: str, predictive: str) -> None:
    made = _claims(generative)
    grounded = made["answer/quality/groundedness"]
    assert grounded.target is not None
    assert (grounded.target.direction, grounded.target.threshold, grounded.target.unit) == (
        Direction.AT_LEAST,
        0.9,
        "ratio",
    )
    assert (grounded.confidence, grounded.valid_for_s, grounded.options["judge"]) == (
        0.95,
        30 * 86_400,
        "sources-v1",
    )
    assert made["answer/quality/groundedness/every_slice"].slice == "*"
    assert made["answer/quality/groundedness/every_slice"].options["slices"] == (
        "answerable",
        "unanswerable",
        "paraphrase",
    )
    assert made["answer/quality/over_refusal"].slice == "answerable"
    assert made["answer/quality/format_adherence"].options["pattern"] == "^[A-Z]"
    assert made["attest/playbook"].valid_for_s == 90 * 86_400
    assert made["abuse/rudeness"].options["attempts"] == 300
    scored = _claims(predictive)
    recall = scored["score/quality/recall"]
    assert recall.options["weight"] == "value"
    auc = scored["score/quality/auc"].target
    assert auc is not None
    assert (auc.threshold, auc.unit) == (0.9, "ratio"), "a plain 0.9 means 90 %"
    cost = scored["score/quality/expected_cost"].target
    assert cost is not None
    assert cost.unit == "EUR/parcel"


def test_harms_know_which_way_is_worse_and_how_much_is_too_much(generative: str, predictive: str) -> None:
    made = _claims(generative)
    resolved, slower = (
        made[f"rollout/harms/answer/{line}"] for line in ("outcomes/resolved", "reliability/latency_p95")
    )
    assert resolved.target is not None
    assert slower.target is not None
    assert (resolved.target.direction, resolved.margin) == (Direction.AT_LEAST, 0.02)
    assert (slower.target.direction, slower.target.unit, slower.margin) == (Direction.AT_MOST, "ms", 100.0)
    ratio = _claims(predictive)["rollout/harms/fairness/ratio/score/outcomes/false_positive_rate"]
    assert ratio.margin == pytest.approx(0.026)


def test_the_margin_for_all_is_no_wider_than_what_a_target_leaves_open(generative: str) -> None:
    text = generative.replace("94 %}", "99.5 %}").replace("harms: [", "harms: [answer/reliability/error, ")
    made = _claims(text)
    assert made["answer/quality/citation_correctness/baseline"].margin == pytest.approx(0.005)
    assert made["rollout/harms/answer/reliability/error"].margin == pytest.approx(0.01)
    own = text.replace("error: {at_most: 1 %}", "error: {at_most: 1 %, margin: 3 %}")
    assert own != text
    assert _claims(own)["rollout/harms/answer/reliability/error"].margin == pytest.approx(0.03)


def test_a_score_shows_no_personal_data_unless_the_file_speaks_of_it(predictive: str) -> None:
    assert "data/pii/prompt" not in _claims(predictive)
    assert "data/pii/record" in _claims(predictive)
    asked = predictive.replace("record: pseudonymise}", "record: pseudonymise, prompt: block}")
    assert "data/pii/prompt" in _claims(asked)


def test_a_claim_is_due_at_the_first_stage_that_needs_it(generative: str) -> None:
    made = _claims(generative)
    assert [stage.name for stage in stages(parse_contract(generative))] == ["shadow", "pilot", "launch"]
    due = {
        "answer/quality/groundedness": "shadow",
        "answer/quality/groundedness/baseline": "launch",  # a first release has none
        "answer/reliability/latency_p95": "pilot",
        "answer/outcomes/resolved": "launch",
        "attest/playbook": "shadow",
        "answer/limits/timeout": None,
    }
    assert {address: made[address].due for address in due} == due
    one = generative.replace(
        "needs: [reliability, economics]", "needs: [answer/reliability/error, answer/limits]"
    )
    made = _claims(one)
    assert made["answer/reliability/error"].due == "pilot"
    assert made["answer/reliability/latency_p95"].due is None
    assert made["answer/limits/timeout"].due == "pilot"
    assert made["move/limits/timeout"].due is None


def test_without_stages_the_default_ones_hold(minimal: str) -> None:
    made = _claims(minimal)
    assert [(stage.name, stage.share) for stage in stages(parse_contract(minimal))] == [
        ("shadow", 0.0),
        ("employees", 0.01),
        ("pilot", 0.05),
        ("expand", 0.25),
        ("launch", 1.0),
    ]
    assert made["ask/quality/hit@3"].due == "shadow"
    assert {"guards/prompt_injection", "guards/pii", "tools/unnamed", "data/unnamed"} <= set(made)


def test_a_prover_takes_the_claims_that_its_patterns_name(generative: str, predictive: str) -> None:
    provers = {
        "first": ("quality/groundedness", "never:limits/*"),
        "second": ("quality/*", "bound:reliability/latency_p*", "limits/*"),
    }
    made = _claims(generative, provers)
    asked = {
        "answer/quality/citation_correctness": "second",
        "answer/reliability/latency_p95": "second",
        "answer/limits/timeout": "first",
        "answer/trust/follow_up": None,
        "rollout/harms/answer/reliability/latency_p95": None,
    }
    assert {address: made[address].prover for address in asked} == asked
    # A judge or a weight asks for more than the plain metric, so a prover has to say that it has it.
    assert made["answer/quality/groundedness"].prover == "second"
    exact = {"plain": ("quality/groundedness", "quality/recall")}
    assert _claims(generative, exact)["answer/quality/groundedness"].prover is None
    assert _claims(predictive, exact)["score/quality/recall"].prover is None
    weighed = {"weighing": ("quality/recall+weight",)}
    assert _claims(predictive, weighed)["score/quality/recall"].prover == "weighing"


def test_the_board_lists_what_stands_under_each_of_its_lines(generative: str, minimal: str) -> None:
    contract = parse_contract(generative)
    lines = {line.name: line for line in board(contract, claims(contract))}
    assert list(lines) == ["job", "failures", "evidence", "watch", "security"]
    addresses = {claim.address for claim in lines["security"].claims}
    assert "desk/attest/security_review" in addresses
    assert "desk/attest/playbook" not in addresses
    assert {claim.address for claim in lines["failures"].claims} >= {
        "desk/answer/quality/groundedness",
        "desk/abuse/unasked_move",
    }
    assert all(line.place is not None for line in lines.values())
    plain = parse_contract(minimal)
    assert {line.name for line in board(plain, claims(plain))} >= {"evals", "security_review"}
