"""Text, format, citation, refusal, latency and cost: what each counts, and what it refuses to."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from launchworthy.errors import InputError
from launchworthy.metrics import compare_rows, find_metric, score_rows
from launchworthy.stats import Interval


def _value(name: str, row: dict[str, Any], **options: str) -> float | None:
    return find_metric(name, options=options).score(row).value


def _interval(name: str, rows: list[dict[str, Any]]) -> Interval | None:
    return score_rows(find_metric(name), rows).overall.interval


def _squad(text: str) -> list[str]:
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


ASCII = st.text(alphabet=string.ascii_letters + " .,'-$%the an", max_size=30)


@given(output=ASCII, reference=ASCII)
def test_ascii_text_is_scored_as_the_squad_script_does(output: str, reference: str) -> None:
    said, right = _squad(output), _squad(reference)
    row = {"output": output, "reference": reference}
    assert _value("exact-match", row) == float(" ".join(said) == " ".join(right))
    same = sum((Counter(said) & Counter(right)).values())
    expected = float(said == right) if not said or not right else 2 * same / (len(said) + len(right))
    assert _value("token-f1", row) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "text", ["東京", "Москва", "القاهرة", "नई दिल्ली", "กรุงเทพ", "İstanbul", "Straße", "서울"]
)
def test_text_of_every_script_is_itself(text: str) -> None:
    row = {"output": f" {text}! ", "reference": ["other", text]}
    assert _value("exact-match", row) == 1.0
    assert _value("token-f1", row) == 1.0


def test_scripts_without_spaces_share_characters() -> None:
    assert _value("token-f1", {"output": "東京都", "reference": "東京"}) == pytest.approx(0.8)
    assert _value("exact-match", {"output": "ＡＢＣ。", "reference": "abc"}) == 1.0


@pytest.mark.parametrize(
    "row", [{}, {"output": "a"}, {"output": None, "reference": "a"}, {"output": "a", "reference": []}]
)
def test_text_that_is_missing_cannot_be_scored(row: dict[str, Any]) -> None:
    for name in ("exact-match", "token-f1"):
        assert _value(name, row) is None


def test_json_schema_wants_json_and_nothing_else() -> None:
    schema = '{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}'
    for output, expected in (
        ('{"a": 1}', 1.0),
        ('{"a": "1"}', 0.0),
        ('```json\n{"a": 1}\n```', 0.0),
        ('{"a": NaN}', 0.0),
        ("[" * 100_000, 0.0),
        ({"a": 2}, 1.0),
    ):
        assert _value("json-schema", {"output": output}, schema=schema) == expected
    assert _value("json-schema", {"output": "{}", "schema": {"type": "array"}}) == 0.0
    assert _value("json-schema", {"output": "{}"}) is None
    assert _value("json-schema", {"output": "{}", "schema": {"type": "no such"}}) is None


def test_a_schema_is_never_fetched_from_elsewhere() -> None:
    score = find_metric("json-schema").score(
        {"output": "{}", "schema": {"$ref": "http://127.0.0.1:1/s.json"}}
    )
    assert score.value is None
    assert "cannot be followed" in str(score.error)


def test_regex_matches_the_whole_answer() -> None:
    assert _value("regex", {"output": "AB-12"}, pattern="[A-Z]+-[0-9]+") == 1.0
    assert _value("regex", {"output": "x AB-12"}, pattern="[A-Z]+-[0-9]+") == 0.0
    assert _value("regex", {"output": "x", "pattern": "("}) is None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("regex", {"pattern": "("}),
        ("json-schema", {"schema": '{"type": "no such"}'}),
        ("json-schema", {"schema": "/no/such/file.json"}),
        ("json-schema", {"schema": "{broken"}),
        ("hit@5", {"positive": "1"}),
        ("hit", {}),
        ("hit@0", {}),
        ("nope", {}),
        ("latency-p0", {}),
        ("latency-p100", {}),
    ],
)
def test_a_metric_that_cannot_be_made_says_so_at_once(name: str, options: dict[str, str]) -> None:
    with pytest.raises(InputError):
        find_metric(name, options=options)


def test_an_unknown_metric_gets_the_likely_name() -> None:
    with pytest.raises(InputError) as caught:
        find_metric("exakt_match")
    assert "exact-match" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("citation_correctness", "citation-correctness"),
        ("latency_p95", "latency-p95"),
        ("auc", "roc-auc"),
        ("hit@5", "hit@5"),
    ],
)
def test_the_names_of_contracts_are_understood(name: str, canonical: str) -> None:
    assert find_metric(name).name == canonical


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"citations": ["a", "b"], "supported": ["a"]}, 0.5),
        ({"citations": ["a", "a"], "supported": ["a"]}, 1.0),
        ({"citations": ["a"], "relevant": {"a": 1, "b": 0}}, 1.0),
        ({"citations": ["b"], "relevant": {"a": 1, "b": 0}}, 0.0),
        ({"citations": [], "supported": ["a"]}, 0.0),
        ({"citations": ["a"], "supported": []}, 0.0),
        ({"citations": [], "supported": []}, None),
        ({"citations": ["a"]}, None),
        ({"supported": ["a"]}, None),
        ({"citations": [], "supported": ["a"], "answered": False}, None),
    ],
)
def test_citations_are_right_where_they_support_the_answer(
    row: dict[str, Any], expected: float | None
) -> None:
    assert _value("citation-correctness", row) == expected


def test_refusals_are_counted_in_two_by_two() -> None:
    cells = [(True, True)] * 6 + [(True, False)] * 2 + [(False, True)] * 1 + [(False, False)] * 3
    rows = [{"should_answer": should, "answered": did} for should, did in cells]
    for name, value, n in (
        ("over-refusal", 2 / 8, 8),
        ("under-refusal", 1 / 4, 4),
        ("refusal-correctness", 9 / 12, 12),
    ):
        interval = _interval(name, rows)
        assert interval is not None
        assert interval.value == pytest.approx(value)
        assert interval.n == n
    assert _interval("under-refusal", rows[:8]) is None
    assert _value("over-refusal", {"should_answer": "yes", "answered": True}) is None


def test_refusing_more_lowers_the_risk_of_the_answers_given_and_the_share_answered() -> None:
    rows: list[dict[str, Any]] = [{"answered": True, "correct": n >= 6} for n in range(40)]
    rows += [{"answered": False, "correct": n >= 5} for n in range(10)]
    risk, rate = _interval("selective-risk", rows), _interval("answer-rate", rows)
    assert risk is not None
    assert rate is not None
    assert (risk.value, risk.n) == (6 / 40, 40)  # a refusal is neither a right nor a wrong answer
    assert (risk.low, risk.high) == pytest.approx(proportion_confint(6, 40, method="wilson"), abs=1e-9)
    assert (rate.value, rate.n) == (40 / 50, 50)
    shy = [row | {"answered": row["answered"] and row["correct"]} for row in rows]
    found = compare_rows(
        find_metric("selective-risk"),
        baseline=[row | {"id": n} for n, row in enumerate(rows)],
        candidate=[row | {"id": n} for n, row in enumerate(shy)],
    )
    assert found.difference is not None
    assert found.difference.value == -0.15
    assert _interval("selective-risk", [{"answered": False, "should_answer": True}]) is None
    assert _interval("answer-rate", []) is None


def test_what_is_known_of_the_answer_counts_before_whether_one_was_due() -> None:
    for row, wrong in (
        ({"answered": True, "should_answer": True, "correct": False}, 1.0),
        ({"answered": True, "should_answer": False, "correct": True}, 0.0),
        ({"answered": True, "should_answer": False, "correct": None}, 1.0),
        ({"answered": True, "should_answer": True}, 0.0),
        ({"answered": 1, "correct": 0}, 1.0),
        ({"answered": True}, None),
        ({"answered": True, "correct": 0.5}, None),
        ({"answered": True, "correct": "false"}, None),
        ({"correct": True}, None),
    ):
        assert _value("selective-risk", row) == wrong
    for broken in (None, "yes", 2, [True]):
        assert _value("answer-rate", {"answered": broken}) is None


def test_latency_and_cost_need_numbers() -> None:
    rows = [{"latency_ms": float(i), "cost_usd": 0.01 * i, "success": i % 2 == 0} for i in range(1, 101)]
    p95, cost, ratio = (_interval(name, rows) for name in ("latency-p95", "cost", "cost-per-success"))
    assert p95 is not None
    assert cost is not None
    assert ratio is not None
    assert p95.value == 95.0
    assert p95.low < 95.0 < p95.high
    assert cost.value == pytest.approx(0.505)
    assert ratio.value == pytest.approx(50.5 / 50)
    for broken in (None, -1, "fast", True):
        assert _value("latency-p95", {"latency_ms": broken}) is None
    assert _interval("cost-per-success", [{"cost_usd": 1.0, "success": False}]) is None


def test_the_table_of_refusals_stands_beside_the_share_with_both_its_errors_bounded() -> None:
    cells = [(True, True)] * 80 + [(True, False)] * 20 + [(False, True)] * 5 + [(False, False)] * 45
    rows: list[dict[str, Any]] = [{"should_answer": should, "answered": did} for should, did in cells]
    found = _interval("refusal-correctness", rows)
    assert found is not None
    assert found.value == pytest.approx(125 / 150)
    table = found.sample
    assert [table[cell] for cell in ("answered_rightly", "refused_wrongly")] == [80, 20]
    assert [table[cell] for cell in ("answered_wrongly", "refused_rightly")] == [5, 45]
    for name, wrong, n in (("over_refusal", 20, 100), ("under_refusal", 5, 50)):
        expected = proportion_confint(wrong, n, method="wilson")
        assert (table[f"{name}_low"], table[f"{name}_high"]) == pytest.approx(expected, abs=1e-9)
        assert table[name] == wrong / n
    one_sided = _interval("refusal-correctness", rows[:100])
    assert one_sided is not None
    assert one_sided.sample["under_refusal"] is None  # no such question was asked: not measured, never 0


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"expected_no_answer": "route", "no_answer": "route"}, 1.0),
        ({"expected_no_answer": "route", "no_answer": "refuse"}, 0.0),
        ({"expected_no_answer": ["ask", "route"], "no_answer": "route"}, 1.0),
        ({"expected_no_answer": "route", "answered": True}, 0.0),
        ({"expected_no_answer": "route", "no_answer": False}, 0.0),
        ({"expected_no_answer": "route", "answered": False}, None),
        ({"expected_no_answer": "route", "no_answer": True}, None),
        ({"expected_no_answer": "route", "no_answer": "shrug"}, None),
        ({"expected_no_answer": "shrug", "no_answer": "ask"}, None),
        ({"expected_no_answer": [], "no_answer": "ask"}, None),
        ({"expected_no_answer": [["ask"]], "no_answer": "ask"}, None),
        ({"no_answer": "ask"}, None),
    ],
)
def test_declining_is_right_in_the_way_that_was_due(row: dict[str, Any], value: float | None) -> None:
    assert _value("no-answer-action", row) == value


def test_the_ways_taken_are_counted_against_those_due() -> None:
    rows: list[dict[str, Any]] = [
        {"expected_no_answer": "route", "no_answer": "route"},
        {"expected_no_answer": "route", "no_answer": "refuse"},
        {"expected_no_answer": "route", "no_answer": "refuse"},
        {"expected_no_answer": "ask", "answered": True},
    ]
    found = _interval("no-answer-action", rows)
    assert found is not None
    assert (found.value, found.n) == (0.25, 4)
    assert (found.sample["route → refuse"], found.sample["ask → answered"]) == (2, 1)
