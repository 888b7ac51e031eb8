"""From a gold item and its answer to the row that metrics read. Pure; may import ``gold``, ``records``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launchworthy.evals.answer import read_answer
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem

__all__ = ["row_of"]

# What a target may say beyond its answer, and what a gold item may ask of it.
_SAID = (
    *("prediction", "score", "confidence", "no_answer", "statements"),
    *("messages", "tool_calls", "state", "steps", "success"),
    *("attack", "because"),
    *("logprobs", "logprob", "tokens", "output_vector"),
)
_ASKED = (
    *("schema", "pattern", "length", "language", "statements", "expected_no_answer"),
    *("expected_calls", "forbidden_calls", "allowed_tools", "call_rules", "expected_state", "success_when"),
    *("reference_vector", "features", "catalogue"),
)


def row_of(gold: GoldItem, item: RunItem) -> dict[str, Any]:
    """The fields of ``launchworthy.metrics`` for one answered item; what is not known is absent.

    A refusal without words has the empty ``output``: it is wrong where an answer was due, not unmeasured.
    The truth comes from ``expected``: text or a list of texts is the ``reference``, a list of ids or a
    mapping id → gain is ``relevant``; a field of the gold row named ``reference``, ``answer``, ``relevant``,
    ``supported`` or ``label`` wins, so that one set can serve several metrics. The context is what the target
    says it read, else the item's own.
    """
    answer = read_answer(item.output)
    relevant = _relevant(gold)
    declined = answer.answered is False and answer.output is None
    row: dict[str, Any] = {
        "id": gold.id,
        "query": gold.id,
        "input": gold.input,
        "context": _context(gold, answer.fields),
        "output": "" if declined else answer.output,
        "ranked": answer.ranked,
        "citations": answer.citations,
        "answered": answer.answered,
        "should_answer": gold.answerable,
        "expected": gold.expected,
        "reference": _reference(gold),
        "relevant": relevant,
        "supported": gold.meta.get("supported", relevant),
        "label": gold.meta.get("label", gold.expected),
        "latency_ms": item.latency_ms,
        "cost_usd": item.cost_usd,
        "numbers": _numbers(gold),
    }
    for name in _SAID:
        row[name] = answer.fields.get(name)
    for name in _ASKED:
        row[name] = gold.meta.get(name, row.get(name))
    return {name: value for name, value in row.items() if value is not None}


def _numbers(gold: GoldItem) -> dict[str, float] | None:
    """Numbers of the item, such as an amount that weighs it: its own fields, else those of its input."""
    given = gold.input if isinstance(gold.input, Mapping) else {}
    both = {**given, **gold.meta}
    return {
        name: value
        for name, value in both.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    } or None


def _context(gold: GoldItem, fields: Mapping[str, Any]) -> Any:
    if fields.get("context") is not None:
        return fields["context"]
    documents = fields.get("documents")
    if isinstance(documents, list):
        read = [one for one in documents if isinstance(one, Mapping) and isinstance(one.get("text"), str)]
        if read:
            return read
    return gold.context


def _reference(gold: GoldItem) -> Any:
    for name in ("reference", "answer"):
        if gold.meta.get(name) is not None:
            return gold.meta[name]
    if isinstance(gold.expected, (str, list)):
        return gold.expected
    return None


def _relevant(gold: GoldItem) -> dict[str, Any] | None:
    truth = gold.meta.get("relevant", gold.expected)
    if isinstance(truth, Mapping):
        return dict(truth) or None
    if isinstance(truth, list) and truth and all(isinstance(found, (str, int)) for found in truth):
        return {str(found): 1 for found in truth}
    return None
