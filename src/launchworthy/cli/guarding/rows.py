"""Rows of texts to check, one at a time, each with an answer of its own however it is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launchworthy.runtime.guards import GuardContext, Stage
    from launchworthy.runtime.pipeline import GuardPipeline

__all__ = ["Row", "context_of", "embedded_pipeline", "rows_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the input.

    Attributes:
        id: As the row names itself; its line where it does not.
        text: What is checked; None where the row has none that could be.
        problem: Why it has none.
        fields: The rest.
    """

    id: Any
    text: str | None
    problem: str
    fields: Mapping[str, Any]


def rows_of(file: Path, *, stage: Stage) -> Iterator[Row]:
    """The rows of a file, streamed.

    Raises:
        InputError: The file cannot be opened.
    """
    from launchworthy.errors import InputError
    from launchworthy.jsonl import each_jsonl

    for line, found in each_jsonl(file):
        if isinstance(found, InputError):
            yield Row(id=line, text=None, problem=found.message, fields={})
            continue
        name = found.get("id", line)
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            name = line
        text = found.get("text")
        if stage.value == "tool" and isinstance(text, (dict, list)):
            text = json.dumps(text, sort_keys=True, ensure_ascii=False)
        if isinstance(text, str):
            yield Row(id=name, text=text, problem="", fields=found)
        else:
            missing = "has no field text" if text is None else "holds a text that is none"
            yield Row(id=name, text=None, problem=f"the row {missing}", fields=found)


def context_of(fields: Mapping[str, Any], *, product: str = "") -> GuardContext:
    """What a row says besides its text: ``question``, ``context`` (passages), ``citations``, ``tool``.

    What cannot be read as passages is left out: a guard that needs them then finds none.
    """
    from launchworthy.metrics.metric import CannotScore
    from launchworthy.metrics.passages import passages
    from launchworthy.runtime.guards import GuardContext, Passage

    try:
        given = () if fields.get("context") is None else tuple(passages(fields["context"]))
    except CannotScore:
        given = ()
    question, tool, citations = (fields.get(name) for name in ("question", "tool", "citations"))
    return GuardContext(
        product=product,
        question=question if isinstance(question, str) else "",
        passages=tuple(Passage(text=each.text, id=each.id) for each in given),
        tool=tool if isinstance(tool, str) else "",
        extra={"citations": citations} if isinstance(citations, list) else {},
    )


def embedded_pipeline() -> GuardPipeline:
    """Every guard that is shipped and needs no contract, each with its own threshold; nothing is changed."""
    from launchworthy.runtime.action import Action
    from launchworthy.runtime.guards import Stage
    from launchworthy.runtime.guards.catalog import Settings, build_guards
    from launchworthy.runtime.pipeline import GuardPipeline, GuardRule

    names = ("pii", "prompt_injection", "secrets", "hidden_text")
    return GuardPipeline(
        GuardRule(name=guard.name, guard=guard, stages=frozenset(Stage), action=Action.LOG)
        for name in names
        for guard in build_guards(Settings(name=name))
    )
