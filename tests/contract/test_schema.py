"""The JSON Schema takes what the loader takes, as far as one value at a time can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from launchworthy.contract import contract_schema
from launchworthy.contract.document import read_document

HERE = Path(__file__).parent / "contracts"
SHARED = Path(__file__).parents[3] / "shared" / "contracts"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = contract_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _value(text: str) -> Any:
    document = read_document(text, file="c.yaml")
    assert document.problems == []
    return document.value


@pytest.mark.parametrize(
    "path",
    [*sorted(HERE.glob("*.yaml")), *sorted(SHARED.glob("*.yaml"))],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_every_shape_is_valid(validator: Draft202012Validator, path: Path) -> None:
    assert [error.message for error in validator.iter_errors(_value(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("product: desk", "product: desk\ncolour: red"),
        ("product: desk", "product: my desk"),
        ("launchworthy: 1", "launchworthy: 2"),
        ("owners:\n", "owners: {}\nowner:\n"),
        ("kind: wrong, severity: high", "kind: wrong, severty: high"),
        ("kind: wrong, severity: high", "kind: bad, severity: high"),
        ("citation_correctness: {at_least", "citation_corectness: {at_least"),
        ("latency_p50: {at_most: 2s}", "latency_p0: {at_most: 2s}"),
        ("latency_p50: {at_most: 2s}", "latency_p50: {at_most: 2 secs}"),
        ("latency_p50: {at_most: 2s}", "latency_p50: {at_most: 2s, at_least: 1s}"),
        ("latency_p50: {at_most: 2s}", "latency_p50: {slice: answerable}"),
        ("timeout: 10s", "timeout: 10"),
        ("cost_per_action: 0.05 EUR", "cost_per_action: 5 %"),
        ("confidence: 95 %", "confidence: 0.95"),
        ("holdout: 50 %", "holdout: some"),
        ("answerable: 600", "answerable: 0"),
        ("may: [see, store, learn]", "may: [see, read]"),
        ("approval: unattended", "approval: none"),
        ("share: 5 %", "share: 5"),
        ("until: 2027-03-01", "until: 5"),
    ],
)
def test_what_the_loader_refuses_line_by_line_is_refused(
    validator: Draft202012Validator, generative: str, old: str, new: str
) -> None:
    assert generative.count(old) == 1
    assert not validator.is_valid(_value(generative.replace(old, new)))


def test_other_spellings_that_load_are_valid(validator: Draft202012Validator, minimal: str) -> None:
    for old, new in (
        ("latency_p95", "latency-p95"),
        ("latency_p95", "latency_p99.9"),
        ("hit@3", "hit@10"),
        ("no_answer: refuse", "no_answer: {otherwise: refuse}"),
        ("no_answer: refuse", "no_answer: refuse\n    outcomes: {found_by_lunch: {at_least: 5}}"),
        ("75 %", "75%"),
        ("limits: {", "limits: {asks_per_user: 5/d, "),
    ):
        assert [error.message for error in validator.iter_errors(_value(minimal.replace(old, new)))] == []


def test_editors_find_every_known_metric_with_its_meaning() -> None:
    families = contract_schema()["$defs"]["Workflow"]["properties"]
    assert families["quality"]["properties"]["groundedness"]["description"].startswith("Share of answers")
    assert families["quality"]["additionalProperties"] is False
    assert "task_completion" in families["outcomes"]["properties"]
