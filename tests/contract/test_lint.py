"""Every code is triggered by one change of a sound contract, and its sentence carries the numbers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from launchworthy.contract import CODES, Lint, Severity, lint_file, lint_text

TODAY = date(2026, 11, 24)
HERE = Path(__file__).parent / "contracts"
SHARED = Path(__file__).parents[3] / "shared" / "contracts"
E, W = Severity.ERROR, Severity.WARNING

Change = tuple[str, str]


def _lint(text: str, *changes: Change) -> Lint:
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return lint_text(text, today=TODAY, file="c.yaml")


_NOTE = "approval: unattended, limits: {total: 1000/d}"

# Code, severity, base, what is changed, and part of the sentence.
CASES: list[tuple[str, Severity, str, tuple[Change, ...], str]] = [
    (
        "LW201",
        E,
        "minimal",
        (("product: handbook", "product: " + "x" * 1_000_000),),
        "a contract has at most 1,000,000",
    ),
    ("LW202", E, "minimal", (("handbook", "hand\x07book"),), "the control character U+0007"),
    ("LW203", E, "minimal", (("owners: {", "owners: {]"),), "this is not YAML"),
    (
        "LW204",
        E,
        "minimal",
        (("product: handbook", "product: a\nproduct: b"),),
        "stands here twice, first in line 2",
    ),
    ("LW205", E, "minimal", (("handbook", "[" * 30 + "]" * 30),), "nested deeper than 24"),
    ("LW206", E, "minimal", (("handbook", "&name handbook"),), "anchors and aliases"),
    ("LW210", E, "minimal", (("owners:", "owner:"),), 'did you mean "owners"?'),
    ("LW211", E, "minimal", (("product: handbook\n", ""),), "the contract has no product"),
    (
        "LW212",
        E,
        "minimal",
        (("owners: {product: ida@example.org}", "owners: ida"),),
        "'ida' is not a block of keys",
    ),
    (
        "LW213",
        E,
        "generative",
        (("kind: generative", "kind: chatty"),),
        "it is one of generative, predictive",
    ),
    ("LW214", E, "minimal", (("3s", "3 seconds"),), "has the unknown unit 'seconds'"),
    ("LW215", E, "minimal", (("0.02 EUR", "2s"),), "2s is not money, such as 0.02 USD"),
    (
        "LW216",
        E,
        "generative",
        (("holdout: 50 %", "holdout: 150 %"),),
        "150 % is out of range; it is from 0 % to 100 %",
    ),
    ("LW217", E, "minimal", (("handbook", "hand/book"),), "'hand/book' is not a name"),
    ("LW218", E, "generative", (("route_to: help}", "other: ask}"),), "answer/no_answer routes to nobody"),
    (
        "LW219",
        E,
        "minimal",
        (("at_least: 75 %", "at_most: 75 %"),),
        "hit@3 is good when high; write at_least",
    ),
    (
        "LW220",
        E,
        "generative",
        (("latency_p50:", "latency_half:"),),
        'unknown metric "latency_half" in reliability',
    ),
    (
        "LW221",
        E,
        "generative",
        (("watched_by: abuse/unasked_move", "watched_by: abuse/unasked"),),
        'nothing stands at "abuse/unasked"',
    ),
    ("LW222", E, "generative", (("by: head_clerk", "by: boss"),), '"boss" is not a role'),
    ("LW223", E, "generative", (("page: product}", "page: ops}"),), '"ops" is not an owner'),
    (
        "LW224",
        E,
        "generative",
        (("  move:\n    file:", "  moves:\n    file:"),),
        'there is no workflow "moves"; did you mean "move"?',
    ),
    ("LW225", E, "generative", (("judge: sources-v1", "judge: sources-v2"),), 'did you mean "sources-v1"?'),
    (
        "LW226",
        E,
        "generative",
        (("10 %, slice: answerable", "10 %, slice: answered"),),
        'gold/answer has no slice "answered"',
    ),
    (
        "LW228",
        W,
        "generative",
        (
            (
                "75 %, judge: sources-v1}",
                "75 %, judge: sources-v1}\n      completeness: {at_least: 70 %, judge: sources-v1}",
            ),
        ),
        "sources-v1 has no rubric, and completeness has none of its own",
    ),
    (
        "LW227",
        W,
        "generative",
        (("fallbacks: [retry_once,", "fallbacks: [rout,"),),
        '"rout" is taken as a word of your own; did you mean "route"?',
    ),
    (
        "LW227",
        W,
        "predictive",
        (("fallbacks: [rules]", "fallbacks: [previous-modle, rules]"),),
        'did you mean "previous_model"?',
    ),
    (
        "LW227",
        W,
        "generative",
        (("inject: [model_timeout, index_down]", "inject: [model_timeot, index_down]"),),
        'did you mean "model_timeout"?',
    ),
    (
        "LW227",
        W,
        "generative",
        (("covers: [data_flow, access]", "covers: [data_flwo, access]"),),
        'did you mean "data_flow"?',
    ),
    (
        "LW230",
        E,
        "generative",
        (("roles: [clerk], approval: unattended, limits: {total: 1000/d}}", "roles: [clerk]}"),),
        "note may write without an approval",
    ),
    (
        "LW231",
        E,
        "generative",
        (("approval: unattended, limits: {total: 1000/d}", "approval: unattended"),),
        "acts unattended, cannot be undone and has no volume limit",
    ),
    (
        "LW232",
        E,
        "generative",
        (("share: 5 %", "share: 0 %"),),
        "pilot has a share of 0 %, shadow before it 0 %",
    ),
    (
        "LW233",
        W,
        "predictive",
        (("rollout:\n", "rollout:\n  stages: [{name: a, share: 0 %}, {name: b, share: 12.5 %}]\n"),),
        "b is the last stage and has a share of 12.5 %: 87.5 % never get the release; add a stage with "
        "share: 100 %",
    ),
    (
        "LW234",
        E,
        "generative",
        (("fares: {class: public, may: [see, store, learn]}", "fares: {class: public, may: [see, learn]}"),),
        "fares may be learned from but not stored",
    ),
    (
        "LW235",
        E,
        "predictive",
        (("traces: 90d", "traces: 20d"),),
        "data/retention/traces is 20 d, but score/predicts/horizon settles after 30 d",
    ),
    ("LW236", W, "generative", (("until: 2027-03-01", "until: 2026-11-23"),), "ended on 2026-11-23"),
    (
        "LW236",
        W,
        "generative",
        (("until: 2027-03-01", "until: 2028-03-01"),),
        "lasts until 2028-03-01, more than a year",
    ),
    (
        "LW237",
        E,
        "generative",
        (
            (
                "  pii: {find: [name, email, card], prompt: redact, response: block, record: pseudonymise}\n",
                "",
            ),
        ),
        "bookings holds personal data",
    ),
    (
        "LW238",
        W,
        "minimal",
        (("product: handbook", "product: handbook\nkind: predictive"),),
        "the product is predictive, but none of its workflows `predicts` anything; add predicts:",
    ),
    (
        "LW238",
        W,
        "minimal",
        (("product: handbook", "product: handbook\nkind: predictive"),),
        "hit@3 is measured on answers or rankings",
    ),
    (
        "LW240",
        E,
        "generative",
        (("98 %, pattern", "99.9 %, pattern"),),
        "at least 99.9 % at 95 % confidence takes 2,995 items without an error, and gold/answer keeps back "
        "50 % of 1,000, which is 500; 5,990 items are needed",
    ),
    (
        "LW240",
        E,
        "generative",
        (("unanswerable: 300", "unanswerable: 70"),),
        "gold/answer/slices/unanswerable keeps back 50 % of 70, which is 35",
    ),
    (
        "LW240",
        E,
        "generative",
        (("every_slice: 75 %", "every_slice: 90 %"), ("paraphrase: 100", "paraphrase: 40")),
        "gold/answer/slices/paraphrase keeps back 50 % of 40, which is 20",
    ),
    (
        "LW240",
        E,
        "generative",
        (("98 %, pattern", "100 %, pattern"),),
        "no number of items proves at least 100 %",
    ),
    (
        "LW240",
        E,
        "predictive",
        (("at_least: 88 %", "at_least: 99 %"),),
        "takes 299 items without an error, and gold/look keeps back 40 % of 300, which is 120",
    ),
    (
        "LW240",
        E,
        "predictive",
        (("slices: {domestic: 5000, abroad: 2000}", "slices: {domestic: 5000, abroad: 2000, lost: 3}"),),
        "score/quality/recall: at least 60 % at 95 % confidence takes 6 items without an error, and "
        "gold/score/slices/lost has 3 in all; 6 items are needed",
    ),
    (
        "LW240",
        E,
        "predictive",
        (
            ("weight: value", "weight: value, every_slice: 50 %"),
            ("slices: {domestic: 5000, abroad: 2000}", "slices: {domestic: 5000, abroad: 4}"),
        ),
        "takes 5 items without an error, and gold/score/slices/abroad has 4 in all",
    ),
    (
        "LW240",
        E,
        "predictive",
        (("slices: {domestic: 5000, abroad: 2000}", "slices: {domestic: 1, abroad: 1}"),),
        "score/quality/precision: at least 30 % at 95 % confidence takes 3 items without an error, and "
        "gold/score has 2 in all",
    ),
    (
        "LW241",
        E,
        "generative",
        (("attempts: 700", "attempts: 300"),),
        "at most 0.5 % at 95 % confidence takes 598 attempts of which none succeeds, and 300 are planned; "
        "write attempts: 598, or at_most: 1 %",
    ),
    (
        "LW241",
        E,
        "generative",
        (("rudeness: {at_most: 5 %}", "rudeness: {at_most: 0.5 %}"),),
        "300 are planned by default",
    ),
    (
        "LW241",
        E,
        "generative",
        (("rudeness: {at_most: 5 %}", "rudeness: {at_most: 0 %}"),),
        "no number of attempts proves at most 0 %",
    ),
    (
        "LW242",
        E,
        "generative",
        (("timeout: 10s", "timeout: 4s"),),
        "answer/limits/timeout: calls end at 4 s, below the 5 s that answer/reliability/latency_p95 allows",
    ),
    (
        "LW242",
        E,
        "predictive",
        (("timeout: 100ms", "timeout: 50ms"),),
        "below the 60 ms that score/reliability/latency_p99 allows",
    ),
    (
        "LW242",
        E,
        "generative",
        (
            (
                "cost_per_active_user: {at_most",
                "cost_per_action: {at_most: 0.06 EUR}\n      cost_per_active_user: {at_most",
            ),
        ),
        "calls are stopped at 0.05 EUR, below the 0.06 EUR",
    ),
    (
        "LW243",
        E,
        "generative",
        (("latency_p50: {at_most: 2s}", "latency_p50: {at_most: 6s}"),),
        "answer/reliability/latency_p95 is at most 5 s, below the 6 s of latency_p50",
    ),
    (
        "LW243",
        E,
        "generative",
        (("1500ms", "5500ms"),),
        "first_token_p95 is at most 5.5 s, above the 5 s of latency_p95",
    ),
    (
        "LW244",
        E,
        "generative",
        (("at_most: 0.10 EUR", "at_most: 0.08 EUR"),),
        "0.05 EUR ÷ 60 % = 0.0833 EUR; raise it to 0.0834 EUR, or lower answer/limits/cost_per_action to "
        "0.048 EUR",
    ),
    (
        "LW244",
        E,
        "predictive",
        (("at_most: 4 EUR", "at_most: 3.5 EUR"),),
        "1 EUR a review ÷ precision 30 % + 0.001 EUR a call ÷ (recall 60 % × base rate 0.5 %) = 3.67 EUR",
    ),
    (
        "LW245",
        E,
        "generative",
        (("usage: 0.50 EUR/resolved", "usage: 0.20 EUR/resolved"),),
        "a resolved sells for 0.2 EUR/resolved and may cost 0.1 EUR (answer/economics/cost_per_success), "
        "which leaves 50 %; lower the cost to 0.08 EUR, or charge 0.25 EUR",
    ),
    ("LW245", E, "generative", (("at_most: 0.50 EUR/month", "at_most: 9 EUR/month"),), "which leaves 55 %"),
    (
        "LW245",
        E,
        "generative",
        (("included: 60/month", "included: 150/month"),),
        "a seat that uses all that is included, 150 resolved a month, pays 20 EUR and may cost 15 EUR: 25 "
        "% is left",
    ),
    (
        "LW245",
        W,
        "generative",
        (
            ("included: 60/month", "included: 90/month"),
            ("  heavy_users: {above: p99, margin: {at_least: 40 %}, cap: 2000/month}\n", ""),
        ),
        "pricing/margin is at least 60 %, but a seat that uses all that is included, 90 resolved a month",
    ),
    ("LW245", E, "predictive", (("usage: 8 EUR", "usage: 5 EUR"),), "which leaves 20 %"),
    (
        "LW246",
        E,
        "predictive",
        (("precision: {at_least: 30 %}", "precision: {at_least: 25 %}"),),
        "score/decide/capacity/stop is 500 a day, but recall 60 % × base rate 0.5 % × 50,000 a day ÷ "
        "precision 25 % = 600 stop a day; it takes a precision of 30 %, or a recall of 50 %, or room for "
        "600/d",
    ),
    (
        "LW246",
        E,
        "predictive",
        (("frequency: 500/d", "frequency: 400/d"),),
        "look/frequency is 400 a day, but",
    ),
    (
        "LW247",
        E,
        "generative",
        (("labels: 150", "labels: 2000"),),
        "1 judge needs 2,000 labelled items within the 30 d for which evidence counts, and raters labels "
        "400 items a week in 800/week, 2 for each: 1,714 by then",
    ),
    (
        "LW247",
        W,
        "generative",
        (("random: 2 %", "random: 10 %"),),
        "10 % of 2,150 calls a day is 1,505 items a week",
    ),
    (
        "LW248",
        E,
        "predictive",
        (("average_precision: {at_least: 0.3}", "average_precision: {at_least: 0.005}"),),
        "with a base rate of 0.5 % a random order already reaches 0.5 %",
    ),
    (
        "LW248",
        E,
        "predictive",
        (("at_most: 0.71 %", "at_most: 0.6 %"),),
        "pick out 0.7 % of the others; write 0.71 %",
    ),
    (
        "LW248",
        E,
        "predictive",
        (("auc: {at_least: 0.9}", "specificity: {at_least: 99.9 %}"),),
        "score/quality/specificity is at least 99.9 %",
    ),
    (
        "LW248",
        E,
        "generative",
        (("every_slice: 75 %", "every_slice: 95 %"),),
        "all cannot be worse than the worst",
    ),
    (
        "LW249",
        E,
        "generative",
        (("agreement: {at_least: 0.65}", "agreement: {at_least: 0.3}"),),
        "answer/quality/groundedness is at least 90 %, but sources-v1 and people need to agree only to 0.3 "
        "beyond chance, and then agree on 87.4 % of items",
    ),
    (
        "LW249",
        E,
        "generative",
        (("  agreement: {at_least: 0.6}", "  agreement: {at_least: 67 %}"),),
        "raters need to agree on no more than 67 % of items",
    ),
    (
        "LW250",
        E,
        "generative",
        (("looks: 10", "looks: 2"),),
        "read 3 times or more; 2 are allowed; write looks: 3, or refresh within 60d",
    ),
    (
        "LW239",
        E,
        "generative",
        (("note: {effect: write, roles: [clerk],", "note: {effect: write, roles: [clerk], deny: [clerk],"),),
        "is for clerk and denied to the same: nobody may ever call it",
    ),
    (
        "LW239",
        E,
        "generative",
        (("limits: {total: 1000/d}}", "limits: {per_call: 5/d, total: 1000/d}}"),),
        "one call is not 5/d, which is over time",
    ),
    (
        "LW239",
        E,
        "generative",
        (("limits: {total: 1000/d}}", "limits: {total: 9 EUR/page}}"),),
        "9 EUR/page is over no time, so it cannot be counted",
    ),
    (
        "LW239",
        E,
        "generative",
        (("above: 200 EUR", "above: 200 USD"),),
        "its amount is limited in EUR and in USD",
    ),
    (
        "LW239",
        E,
        "generative",
        ((_NOTE, _NOTE + ", arguments: {stars: {at_least: 5, at_most: 3}}"),),
        "stars is at least 5 and at most 3: nothing is",
    ),
    (
        "LW239",
        E,
        "generative",
        ((_NOTE, _NOTE + ", arguments: {stars: {at_most: 2/d}}"),),
        "stars is one value, and 2/d is over time",
    ),
    (
        "LW239",
        E,
        "generative",
        ((_NOTE, _NOTE + ', arguments: {kind: {one_of: [fare, delay], pattern: "f.*"}}'),),
        "kind may be delay, which its own limits rule out",
    ),
    (
        "LW239",
        E,
        "generative",
        (
            (
                "roles: [clerk], scope: own_bookings}",
                "roles: [clerk], scope: own_bookings, arguments: {client: {scope: own_client}}}",
            ),
        ),
        "client names own_client, but the tool is within own_bookings",
    ),
    (
        "LW217",
        E,
        "generative",
        ((_NOTE, _NOTE + ', arguments: {kind: {pattern: "(a+)+"}}'),),
        "the pattern repeats what can be split in several ways",
    ),
    (
        "LW252",
        E,
        "generative",
        (("total: 400/d", "total: 100/d"),),
        "tools/move/limits/total is 100/d, but move/frequency is 150/d",
    ),
    (
        "LW252",
        E,
        "predictive",
        (("limits: {total: 500/d}", "limits: {total: 400/d}"),),
        "tools/stop/limits/total is 400/d, but",
    ),
    (
        "LW252",
        E,
        "generative",
        (("per_call: 900 EUR", "per_call: 4000 EUR"),),
        "one call may reach 4,000 EUR, but a user no more than 3,000 EUR/d",
    ),
    ("LW252", E, "generative", (("above: 200 EUR", "above: 900 EUR"),), "nobody would ever be asked"),
    (
        "LW252",
        E,
        "generative",
        (("cap: 2000/month", "cap: 50/month"),),
        "pricing/heavy_users/cap is 50/month, but 60/month are included",
    ),
    (
        "LW257",
        W,
        "generative",
        (("holdout: 50 %", "holdout: 50 %\n    sealed: 10 %"),),
        "answer/quality/under_refusal: the launch gate needs 36 without an error, and 58 with one to show at "
        "most 8 % at 95 % confidence, and gold/answer/slices/unanswerable seals 10 % of 300, which is 30; "
        "580 items in all seal 58, or seal a larger share",
    ),
    (
        "LW257",
        W,
        "generative",
        (("holdout: 50 %", "holdout: 50 %\n    sealed: 10 %"),),
        "answer/quality/groundedness/every_slice: the launch gate needs 11 without an error",
    ),
    (
        "LW253",
        W,
        "generative",
        (("98 %, pattern", "99.1 %, pattern"),),
        "is proven only if not one item is wrong: gold/answer keeps back 50 % of 1,000, which is 500, and "
        "one error already takes 526",
    ),
    (
        "LW253",
        W,
        "predictive",
        (("slices: {domestic: 5000, abroad: 2000}", "slices: {domestic: 5000, abroad: 2000, lost: 7}"),),
        "is proven only if not one item is wrong: gold/score/slices/lost has 7 in all, and one error already "
        "takes 10",
    ),
    (
        "LW254",
        W,
        "predictive",
        (("stops: {signal: stop, at_most: 1 %", "stops: {signal: stop, at_most: 2 %"),),
        "monitors/stops is silent up to 2 %, but score/decide/capacity/stop is 500 a day, which is 1 % of "
        "50,000",
    ),
    (
        "LW254",
        W,
        "generative",
        (
            (
                "signal: answer/reliability/error, at_most: 1 %",
                "signal: answer/reliability/error, at_most: 3 %",
            ),
        ),
        "monitors/errors is silent up to 3 %, but answer/reliability/error is at most 1 %",
    ),
    (
        "LW255",
        W,
        "generative",
        (("at_least: 60 %, before: 50 %", "at_least: 60 %, before: 62 %"),),
        "before it was 62 %: the target asks for no change",
    ),
    (
        "LW229",
        E,
        "generative",
        (("off_topic: {checks: [input],", "competitors: {checks: [output],"),),
        "guards/competitors has no `terms`, so it would find nothing",
    ),
    (
        "LW229",
        E,
        "generative",
        (("off_topic: {checks: [input],", "topic: {uses: semantic, checks: [input],"),),
        'guards/topic: there is no built-in guard "semantic"',
    ),
    (
        "LW229",
        E,
        "generative",
        (("off_topic: {checks: [input],", "tone: {uses: judge:gentle, checks: [output],"),),
        'guards/tone: there is no judge "gentle"',
    ),
    (
        "LW229",
        E,
        "generative",
        (("off_topic: {checks: [input],", "moderation: {mode: live, checks: [input],"),),
        "guards/moderation estimates and has no calibration, so it can be in shadow only",
    ),
    (
        "LW229",
        E,
        "generative",
        (("off_topic: {checks: [input],", "length: {options: {max_character: 10}, checks: [input],"),),
        "guards/length has no option max_character",
    ),
    (
        "LW227",
        W,
        "generative",
        (("off_topic: {checks: [input],", "prompt_injections: {checks: [input],"),),
        '"prompt_injections" is taken as a word of your own',
    ),
    (
        "LW255",
        W,
        "generative",
        (("at_most: 15m, before: 2h", "at_most: 15m, before: 10m"),),
        "answer/outcomes/time_to_resolution is at most 15 min, but before it was 10 min",
    ),
]


@pytest.mark.parametrize("name", ["minimal", "generative", "predictive"])
def test_a_sound_contract_has_neither_errors_nor_warnings(texts: dict[str, str], name: str) -> None:
    assert _lint(texts[name]).problems == ()


@pytest.mark.parametrize(
    "path", [HERE / "generative.yaml", *sorted(SHARED.glob("*.yaml"))], ids=lambda path: path.stem
)
def test_the_specification_by_example_has_no_errors(path: Path) -> None:
    found = lint_file(path, today=TODAY)
    assert found.errors == ()
    assert {problem.code for problem in found.warnings} <= {"LW247", "LW253"}


@pytest.mark.parametrize(
    ("code", "severity", "base", "changes", "sentence"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_one_change_triggers_one_code_at_the_line_that_was_changed(
    texts: dict[str, str],
    code: str,
    severity: Severity,
    base: str,
    changes: tuple[Change, ...],
    sentence: str,
) -> None:
    found = _lint(texts[base], *changes)
    told = [str(problem) for problem in found.problems]
    own = [problem for problem in found.problems if problem.code == code and sentence in str(problem)]
    assert own, told
    assert own[0].severity is severity
    assert own[0].hint or code in ("LW201", "LW203", "LW212", "LW215"), "no remedy"
    assert (severity is E) == bool(found.errors), told


def test_every_code_is_triggered_and_no_other_is_known() -> None:
    # LW256 is said of a gold file, with `lint` as a command.
    assert {*(case[0] for case in CASES), "LW256"} == set(CODES)


def test_language_references_and_arithmetic_are_told_together(generative: str) -> None:
    found = _lint(
        generative,
        ("owners:\n", "ownrs: {}\nowners:\n"),
        ("watched_by: abuse/unasked_move", "watched_by: abuse/unasked"),
        ("timeout: 10s", "timeout: 4s"),
        ("attempts: 700", "attempts: 300"),
    )
    assert [problem.code for problem in found.problems] == ["LW210", "LW242", "LW221", "LW241"]
    lines = [problem.place.line for problem in found.problems]
    assert lines == sorted(lines)


def test_no_sum_is_made_of_a_line_that_cannot_be_read(generative: str) -> None:
    assert [p.code for p in _lint(generative, ("attempts: 700", "attempts: many")).problems] == ["LW212"]
    assert [p.code for p in _lint(generative, ("confidence: 95 %", "confidence: high")).problems] == ["LW214"]
    assert [p.code for p in _lint(generative, ("holdout: 50 %", "holdout: half")).problems] == ["LW214"]
    assert [
        p.code
        for p in _lint(generative, ("latency_p50: {at_most: 2s}", "latency_p50: {at_most: soon}")).problems
    ] == ["LW214"]


def test_no_sum_is_made_of_figures_in_different_units(generative: str) -> None:
    found = _lint(generative, ("at_least: 60 %, before: 50 %", "at_least: 60 %, before: 9h"))
    assert [problem.code for problem in found.problems] == ["LW215"]


def test_a_remedy_in_numbers_is_one(generative: str, predictive: str) -> None:
    """Doing what a hint says ends the finding, though its numbers are rounded."""
    for text, broken, mended in (
        (generative, ("unanswerable: 300", "unanswerable: 70"), ("unanswerable: 70", "unanswerable: 116")),
        (
            generative,
            ("at_most: 0.10 EUR", "at_most: 0.08 EUR"),
            ("at_most: 0.08 EUR", "at_most: 0.0834 EUR"),
        ),
        (generative, ("attempts: 700", "attempts: 300"), ("attempts: 300", "attempts: 598")),
        (generative, ("looks: 10", "looks: 2"), ("looks: 2", "looks: 3")),
        (generative, ("98 %, pattern", "99.1 %, pattern"), ("paraphrase: 100", "paraphrase: 152")),
        (predictive, ("at_most: 0.71 %", "at_most: 0.6 %"), ("at_most: 0.6 %", "at_most: 0.71 %")),
        (predictive, ("at_most: 4 EUR", "at_most: 3.5 EUR"), ("at_most: 3.5 EUR", "at_most: 3.67 EUR")),
    ):
        assert _lint(text, broken).problems
        assert _lint(text, broken, mended).problems == ()


def test_a_word_of_ones_own_is_doubted_only_where_a_known_one_is_close(generative: str) -> None:
    own = ("fallbacks: [retry_once,", "fallbacks: [ask_a_clerk, cheaper_model, retry-once, rules,")
    drilled = ("inject: [model_timeout, index_down]", "inject: [model-timeout, trains_stop, gpu_lost]")
    covered = ("covers: [data_flow, access]", "covers: [threats, physical_access, key_rotation]")
    assert _lint(generative, own, drilled, covered).problems == ()


def test_what_is_missing_because_its_line_is_broken_is_not_missed(predictive: str) -> None:
    found = _lint(predictive, ("predicts: {label: lost", "predicts: {lable: lost"))
    assert "LW238" not in {problem.code for problem in found.problems}


def test_a_prediction_anywhere_is_enough_and_other_workflows_may_answer_in_words(predictive: str) -> None:
    found = _lint(predictive, ("accuracy: {at_least: 88 %}", "groundedness: {at_least: 88 %}"))
    assert found.problems == ()


def test_the_doubts_of_a_contract_name_their_line(minimal: str) -> None:
    found = _lint(minimal, ("product: handbook", "product: handbook\nkind: predictive"))
    at = {minimal.splitlines()[problem.place.line - 2].strip()[:5] for problem in found.problems[1:]}
    assert found.problems[0].place.line == 3
    assert at == {"hit@3"}


def test_a_problem_is_one_line_for_people_and_a_mapping_for_editors(generative: str) -> None:
    [problem] = _lint(generative, ("timeout: 10s", "timeout: 4s")).problems
    assert str(problem).startswith("c.yaml:68:23 LW242 answer/limits/timeout: calls end at 4 s")
    plain = problem.as_json()
    assert (plain["file"], plain["line"], plain["column"]) == ("c.yaml", 68, 23)
    assert set(plain) == {"code", "severity", "message", "hint", "where", "file", "line", "column"}
