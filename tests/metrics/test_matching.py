"""Patterns that never end could not score; the rest is Python's own ``re`` and jsonschema."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.metrics import CannotScore, find_metric, matching
from launchworthy.metrics.matching import fullmatch, meets_schema

ENDLESS = "a" * 40 + "b"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "LIMIT_S", 0.3)
    matching._WORKER.close()


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(?x)(a+) +$", "(a*)*(?#)", "a*" * 12 + "c"])
def test_a_pattern_that_backtracks_for_ever_could_not_score(pattern: str) -> None:
    score = find_metric("regex").score({"output": ENDLESS, "pattern": pattern})
    assert score.value is None
    assert "takes longer than" in str(score.error)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^(a+)+$"},
        {"type": "string", "allOf": [{"pattern": "^(a+)+$"}]},
        {"$ref": "#/$defs/x", "$defs": {"x": {"pattern": "^(a|a)+$"}}},
    ],
)
def test_a_schemas_pattern_that_backtracks_for_ever_could_not_score(schema: dict[str, object]) -> None:
    score = find_metric("json-schema").score({"output": f'"{ENDLESS}"', "schema": schema})
    assert score.value is None
    assert "takes longer than" in str(score.error)


def test_a_name_of_a_property_can_backtrack_as_well() -> None:
    score = find_metric("json-schema").score(
        {"output": {ENDLESS: 1}, "schema": {"patternProperties": {"^(a+)+$": False}}}
    )
    assert score.value is None


def test_what_follows_an_endless_pattern_is_matched_again_in_any_thread() -> None:
    found: list[object] = []

    def work() -> None:
        for text in (ENDLESS, "aaa", "b"):
            try:
                found.append(fullmatch("(a+)+", text))
            except CannotScore as reason:
                found.append(str(reason))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert [isinstance(found[0], str), *found[1:]] == [True, True, False]


def test_a_worker_that_is_killed_is_begun_again() -> None:
    assert fullmatch("(a)+", "aa")
    process = matching._WORKER._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(CannotScore, match="process that matches patterns"):
        fullmatch("(a)+", "aa")
    assert fullmatch("(a)+", "aa")


@pytest.mark.parametrize(
    "pattern", ["(", "(a)+(", "a{99999999999999999999}", "(" * 5_000 + ")" * 5_000, "a**"]
)
def test_what_is_no_pattern_could_not_score(pattern: str) -> None:
    score = find_metric("regex").score({"output": "aa", "pattern": pattern})
    assert score.value is None
    assert find_metric("json-schema").score({"output": '"a"', "schema": {"pattern": pattern}}).value is None


@settings(max_examples=60, deadline=None)
@given(
    pattern=st.sampled_from(
        [r"[A-Z]+-\d+", "(ab)*", r"(?x) a b # c", ".*x.*", "(a|b)+?c?", r"(\w+)\s\1", "é+", "(?s:.)*"]
    ),
    text=st.text(alphabet="AB-12abcx é\n\ud800", max_size=8),
)
def test_here_or_in_the_worker_a_match_is_pythons(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern, text, flags=re.DOTALL) is not None
    assert fullmatch(pattern, text) is expected
    assert matching._WORKER.ask({"pattern": pattern, "text": text}, what="") is expected


def test_a_schema_says_the_same_here_and_in_the_worker() -> None:
    for value, expected in (({"a": "x1"}, True), ({"a": "1"}, False), ({}, False)):
        plain = '{"required": ["a"], "properties": {"a": {"pattern": "^x"}}}'
        grouped = plain.replace("^x", "^(x)+")
        assert meets_schema(value, plain) is meets_schema(value, grouped) is expected


def test_short_plain_patterns_need_no_process() -> None:
    assert fullmatch(r"[^@]+@[^@]+\.[a-z]{2,}", "ana@example.com")
    assert not meets_schema("x", '{"pattern": "^[A-Z]{3}$"}')
    assert matching._WORKER._process is None
