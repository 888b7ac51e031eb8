"""A change of a contract is told in terms of claims, and which way it moves them."""

from __future__ import annotations

import functools

import pytest

from launchworthy.contract import Change, Way, contract_diff, parse_contract

_parsed = functools.cache(parse_contract)  # most tests begin from the same contract


def _diff(text: str, *changes: tuple[str, str]) -> tuple[Change, ...]:
    new = text
    for old_text, new_text in changes:
        assert new.count(old_text) == 1, old_text
        new = new.replace(old_text, new_text)
    return contract_diff(_parsed(text), parse_contract(new))


LOOSENED, TIGHTENED, CHANGED, ADDED, DROPPED = (
    Way.LOOSENED,
    Way.TIGHTENED,
    Way.CHANGED,
    Way.ADDED,
    Way.DROPPED,
)


@pytest.mark.parametrize(
    ("old", "new", "address", "way", "what", "before", "after"),
    [
        (
            "94 %}",
            "90 %}",
            "answer/quality/citation_correctness",
            LOOSENED,
            "target",
            "at least 94 %",
            "at least 90 %",
        ),
        (
            "94 %}",
            "96 %}",
            "answer/quality/citation_correctness",
            TIGHTENED,
            "target",
            "at least 94 %",
            "at least 96 %",
        ),
        (
            "\n      error: {at_most: 1 %}",
            "\n      error: {at_most: 2 %}",
            "answer/reliability/error",
            LOOSENED,
            "target",
            "at most 1 %",
            "at most 2 %",
        ),
        (
            "unanswerable, margin: 1 %",
            "unanswerable, margin: 3 %",
            "answer/quality/under_refusal/baseline",
            LOOSENED,
            "margin",
            "1 %",
            "3 %",
        ),
        (
            "10 %, slice: answerable",
            "10 %, slice: paraphrase",
            "answer/quality/over_refusal",
            CHANGED,
            "slice",
            "answerable",
            "paraphrase",
        ),
        ("confidence: 95 %", "confidence: 90 %", "proof/confidence", LOOSENED, "all claims", "95 %", "90 %"),
        ("valid_for: 30d", "valid_for: 10d", "proof/valid_for", TIGHTENED, "all claims", "30 d", "10 d"),
        (
            "playbook: {by: help, every: 90d",
            "playbook: {by: help, every: 365d",
            "attest/playbook",
            LOOSENED,
            "valid for",
            "90 d",
            "365 d",
        ),
        (
            "needs: [reliability, economics]",
            "needs: [reliability]",
            "answer/economics/margin",
            LOOSENED,
            "due",
            "pilot",
            "no stage",
        ),
        (
            "needs: [outcomes, trust,",
            "needs: [outcomes, answer/limits, trust,",
            "answer/limits/timeout",
            TIGHTENED,
            "due",
            "no stage",
            "launch",
        ),
        ("attempts: 700", "attempts: 600", "abuse/unasked_move", LOOSENED, "attempts", "700", "600"),
        ("labels: 150", "labels: 300", "proof/judges/sources-v1", TIGHTENED, "labels", "150", "300"),
        ("timeout: 12s", "timeout: 14s", "move/limits/timeout", LOOSENED, "limit", "12 s", "14 s"),
        ("traces: 60d", "traces: 30d", "data/retention/traces", TIGHTENED, "kept", "60 d", "30 d"),
        (
            "search_fares: {effect: read, roles: [traveller, clerk]}",
            "search_fares: {effect: read, roles: [clerk]}",
            "tools/search_fares",
            TIGHTENED,
            "roles",
            "traveller, clerk",
            "clerk",
        ),
        (
            "roles: [clerk], scope: own_bookings}",
            "roles: [clerk]}",
            "tools/get_booking",
            LOOSENED,
            "scope",
            "own_bookings",
            "none",
        ),
        (
            "bookings: {class: confidential, may: [see]",
            "bookings: {class: confidential, may: [see, store]",
            "data/sources/bookings",
            LOOSENED,
            "may",
            "see",
            "see, store",
        ),
        (
            "fail: closed}\n  pii",
            "fail: open}\n  pii",
            "guards/prompt_injection",
            LOOSENED,
            "fail",
            "closed",
            "open",
        ),
        (
            "checks: [input, retrieval, tool_output]",
            "checks: [input]",
            "guards/prompt_injection",
            LOOSENED,
            "checks",
            "input, retrieval, tool_output",
            "input",
        ),
        (
            "find: [name, email, card], prompt: redact",
            "find: [name, email, card], prompt: block",
            "data/pii/prompt",
            TIGHTENED,
            "action",
            "redact",
            "block",
        ),
        (
            "      - {by: head_clerk, above: 200 EUR, expires: 1h}\n",
            "",
            "tools/move/approval",
            LOOSENED,
            "approval",
            "by head clerk",
            "none",
        ),
        (
            "above: 200 EUR",
            "above: 400 EUR",
            "tools/move/approval",
            LOOSENED,
            "approval by head clerk",
            "above 200 EUR",
            "above 400 EUR",
        ),
        (
            "above: 200 EUR, expires: 1h",
            "expires: 1h",
            "tools/move/approval",
            TIGHTENED,
            "approval by head clerk",
            "above 200 EUR",
            "always",
        ),
        (
            "expires: 10m",
            "expires: 30m",
            "tools/move/approval",
            LOOSENED,
            "approval by clerk expires",
            "10 min",
            "30 min",
        ),
        (
            "preview: [train, price]",
            "preview: [train]",
            "tools/move/approval",
            LOOSENED,
            "approval by clerk sees",
            "train, price",
            "train",
        ),
        (
            "share: 5 %, for: 10d",
            "share: 20 %, for: 10d",
            "rollout/stages/pilot",
            LOOSENED,
            "share",
            "5 %",
            "20 %",
        ),
        (
            "share: 5 %, for: 10d",
            "share: 5 %, for: 20d",
            "rollout/stages/pilot",
            TIGHTENED,
            "for",
            "10 d",
            "20 d",
        ),
        (", approve: product}", "}", "rollout/stages/pilot", LOOSENED, "approval", "product", "none"),
        (
            "until: 2027-03-01",
            "until: 2027-06-01",
            "answer/trust/follow_up",
            LOOSENED,
            "waiver",
            "until 2027-03-01 by product",
            "until 2027-06-01 by product",
        ),
        (
            "vendor/talk-2",
            "vendor/talk-3",
            "release/model",
            CHANGED,
            "release",
            "name: vendor/talk-2, temperature: 0.2",
            "name: vendor/talk-3, temperature: 0.2",
        ),
        ("chosen: propose", "chosen: act", "decisions/autonomy", CHANGED, "chosen", "propose", "act"),
        (
            "before: 50 %}",
            "before: 55 %}",
            "answer/outcomes/resolved/change",
            TIGHTENED,
            "target",
            "at least 50 %",
            "at least 55 %",
        ),
    ],
)
def test_a_change_says_what_moved_and_which_way(
    generative: str, old: str, new: str, address: str, way: Way, what: str, before: str, after: str
) -> None:
    found = _diff(generative, (old, new))
    assert Change(address=f"desk/{address}", way=way, what=what, before=before, after=after) in found, found
    back = contract_diff(parse_contract(generative.replace(old, new)), parse_contract(generative))
    opposite = {LOOSENED: TIGHTENED, TIGHTENED: LOOSENED}.get(way, way)
    assert Change(address=f"desk/{address}", way=opposite, what=what, before=after, after=before) in back


def test_lines_that_come_and_go_are_added_and_dropped(generative: str) -> None:
    [added] = _diff(
        generative,
        ("    trust:\n      follow_up", "    trust:\n      appeal: {at_most: 1 %}\n      follow_up"),
    )
    assert (added.way, added.address, added.before) == (ADDED, "desk/answer/trust/appeal", None)
    assert added.after == "Appeal of answer is at most 1 %"
    dropped = _diff(generative, ("      calls_avoided: {at_least: 30 %}\n", ""))
    assert [(each.way, each.after) for each in dropped] == [(DROPPED, None)]


def test_words_order_and_layout_change_nothing(generative: str) -> None:
    assert contract_diff(parse_contract(generative), parse_contract(generative)) == ()
    assert (
        _diff(
            generative, ("# A travel desk", "# The desk"), ("learn what a ticket", "find out what a ticket")
        )
        == ()
    )
    assert (
        _diff(
            generative, ("class: public, may: [see, store, learn]", "may: [learn, store, see], class: public")
        )
        == ()
    )
    assert _diff(generative, ("roles: [traveller, clerk]}", "roles: [clerk, traveller]}")) == ()


def test_a_product_that_is_renamed_promises_the_same(minimal: str) -> None:
    assert _diff(minimal, ("product: handbook", "product: manual")) == ()


def test_the_gravest_comes_first(generative: str) -> None:
    found = _diff(
        generative,
        ("94 %}", "96 %}"),
        ("\n      error: {at_most: 1 %}", "\n      error: {at_most: 2 %}"),
        ("      calls_avoided: {at_least: 30 %}\n", "      new_event: {at_least: 1 %}\n"),
    )
    order = [each.way for each in found]
    assert order == sorted(order, key=list(Way).index)
    assert order[0] is LOOSENED
    assert {LOOSENED, DROPPED, TIGHTENED, ADDED} == set(order)
