"""Patterns of a contract are tried on text of strangers: none may take for ever."""

from __future__ import annotations

import re

import pytest

from launchworthy.contract.patterns import MOST_MATCHED, pattern_problem

SOUND = [
    r"[A-Z]{1,3}-\d{1,6}",
    r"(?:[a-z0-9-]+\.)+[a-z]{2,}",
    r"[^@\s]+@[^@\s]+\.[a-z]{2,}",
    r".*@shop\.example",
    r"\d+(\.\d+)?",
    r"(a|b)*c",
    r"(ab|c)*d",
    r"(?i)[a-z]+",
    r"[a-z]+(-[a-z]+)*",
    r"[A-Z][a-z]+( [A-Z][a-z]+){0,3}",
    r"https://shop[.]example/.*",
    r"c-\d+(,c-\d+)*",
    r"(EUR|USD) \d+",
]
ENDLESS = [
    r"(a+)+b",
    r"(a|a)*b",
    r"(a*)*b",
    r"([a-z]+)*1",
    r"(\w+\s?)*!",
    r"(.*)*x",
    r"(?:a|b|ab)+c",
    r"(x+x+)+y",
    r"(a?){30}a{30}b",
    r"(?i)(aa|A)*b",
    r"(a(|b)b?)*c",
    r"(a(|b)(|b))*c",
    r"([a-z]+[a-z]*\.)+!",
    r"(?:(a+)b?)+c",
    r".*.*.*.*x",
    r"(a+){8}b",
    r"((\d|[0-9]x?)-)*x",
]


@pytest.mark.parametrize("pattern", SOUND)
def test_a_pattern_that_splits_a_text_in_one_way_is_let_through_and_ends(pattern: str) -> None:
    assert pattern_problem(pattern) == ""
    whole = re.compile(pattern)
    for piece in ("a", "ab", "a-", "a.", "aA", "A ", "1", "c-1,", "https://shop.example/", " ", "a@"):
        whole.fullmatch((piece * MOST_MATCHED)[:MOST_MATCHED] + "\x00")


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_splits_a_text_in_many_ways_is_refused(pattern: str) -> None:
    re.compile(pattern)
    told = pattern_problem(pattern)
    assert "split in several ways" in told or "open repetitions" in told


@pytest.mark.parametrize(
    "pattern", ["(", "[a", "*", "(?P<x>a)(?P<x>b)", r"\k", "a{99999999999}", "(" * 200 + ")" * 200]
)
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    told = pattern_problem(pattern)
    assert told == "" or told.startswith("is no regular expression")
    if pattern != "(" * 200 + ")" * 200:
        assert told


def test_a_pattern_that_refers_back_is_refused() -> None:
    assert "refers back" in pattern_problem(r"(a+)\1")
