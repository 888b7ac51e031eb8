"""The contract laid out as an AI Product Canvas: problem, user, data, outputs, value, risks, metrics.

May import ``contract`` and this room. The console's page and the printable file are both drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from launchworthy.console.words import joined, sentence
from launchworthy.contract import Claim, Contract

__all__ = ["CanvasItem", "CanvasPart", "canvas_parts", "canvas_title", "is_measure"]

_METRICS = ("outcomes", "quality", "trust", "reliability", "economics", "adoption")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasItem:
    """One entry; ``state`` and ``mark`` are empty where nothing is claimed."""

    text: str
    note: str = ""
    url: str = ""
    state: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasPart:
    """One field of the canvas; without items the contract is silent on it. ``place`` is where it is drawn."""

    name: str
    place: str
    items: tuple[CanvasItem, ...]


def canvas_parts(contract: Contract, metrics: Sequence[CanvasItem]) -> tuple[CanvasPart, ...]:
    """Every field of the canvas; ``metrics`` are its last one, with or without their states."""
    return (
        CanvasPart(name="Problem", place="problem", items=tuple(_problem(contract))),
        CanvasPart(name="User", place="user", items=tuple(_users(contract))),
        CanvasPart(name="Data sources", place="data", items=tuple(_data(contract))),
        CanvasPart(name="Model outputs", place="outputs", items=tuple(_outputs(contract))),
        CanvasPart(name="User value", place="value", items=tuple(_value(contract))),
        CanvasPart(name="Risks", place="risks", items=tuple(_risks(contract))),
        CanvasPart(name="Metrics", place="metrics", items=tuple(metrics)),
    )


def canvas_title(product: str, parts: Sequence[CanvasPart]) -> str:
    """``support on one page``, and on what the contract is silent."""
    silent = [part.name.lower() for part in parts if not part.items]
    title = f"{product} on one page"
    return f"{title}; the contract is silent on {joined(silent)}" if silent else title


def is_measure(claim: Claim) -> bool:
    """Whether a claim is one of the canvas's metrics."""
    return claim.family in _METRICS


def _words(name: str) -> str:
    return sentence(name.replace("_", " "))


def _problem(contract: Contract) -> Iterable[CanvasItem]:
    for name, workflow in contract.workflows.items():
        often = f", {workflow.frequency}" if workflow.frequency is not None else ""
        yield CanvasItem(text=sentence(workflow.job), note=f"{name}{often}")
        if workflow.before:
            yield CanvasItem(text="Today", note="; ".join(map(str, workflow.before)))


def _users(contract: Contract) -> Iterable[CanvasItem]:
    for name, workflow in contract.workflows.items():
        yield CanvasItem(text=sentence(workflow.user), note=name)
        if workflow.decides:
            yield CanvasItem(text=f"{sentence(workflow.decides)} decides", note=name)


def _data(contract: Contract) -> Iterable[CanvasItem]:
    for name, source in contract.data.sources.items():
        may = f"may {joined(list(source.may))}" if source.may else "the model may not see it"
        pii = ", holds personal data" if source.pii else ""
        yield CanvasItem(text=_words(name), note=f"{source.class_}, {may}{pii}")


def _outputs(contract: Contract) -> Iterable[CanvasItem]:
    for name, workflow in contract.workflows.items():
        if workflow.after:
            yield CanvasItem(text=_words(name), note="; ".join(map(str, workflow.after)))
        if workflow.shows:
            shown = joined([each.replace("_", " ") for each in workflow.shows])
            yield CanvasItem(text=f"Shows {shown}", note=name)
        if workflow.predicts is not None:
            yield CanvasItem(text=f"Predicts {workflow.predicts.label}", note=workflow.predicts.type)
    for name, tool in contract.tools.items():
        yield CanvasItem(text=_words(name), note=f"a tool that can {tool.effect}")


def _value(contract: Contract) -> Iterable[CanvasItem]:
    for name, workflow in contract.workflows.items():
        if workflow.success is not None:
            unless = f", unless {' or '.join(workflow.success.unless)}" if workflow.success.unless else ""
            event = workflow.success.event.replace("_", " ")
            yield CanvasItem(text=f"Succeeds when: {event}", note=f"{name}{unless}")
    if contract.pricing is not None:
        yield CanvasItem(
            text=f"Packaging: {contract.pricing.packaging}",
            note=f"customers pay for {contract.pricing.value}",
        )
        if contract.pricing.expectations is not None:
            for text in contract.pricing.expectations.best_for:
                yield CanvasItem(text=sentence(text), note="what it is best for")


def _risks(contract: Contract) -> Iterable[CanvasItem]:
    for name, workflow in contract.workflows.items():
        for failure, each in workflow.failures.items():
            cure = f", {each.mitigation}" if each.mitigation else ""
            yield CanvasItem(text=_words(failure), note=f"{name}: {each.kind}, {each.severity}{cure}")
    for name in contract.abuse:
        yield CanvasItem(text=_words(name), note="an attack that is tried before each release")
