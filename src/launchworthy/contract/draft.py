"""Writes claims: one method per shape of claim, so that sentences and thresholds read alike everywhere.

May import this room, ``quantity`` and the standard library. Due stage and prover are filled in later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from launchworthy.contract.claim import Claim, ClaimKind, Direction, Target
from launchworthy.contract.model import Contract
from launchworthy.contract.model.measures import Line
from launchworthy.contract.units import UnitKind, kind_of
from launchworthy.contract.vocabulary import find_word
from launchworthy.quantity import Quantity, format_number, format_value

__all__ = [
    "COVERAGE",
    "Draft",
    "canonical_unit",
    "label_sources",
    "margin_of",
    "sentence",
    "side",
    "told_margin",
    "words",
]

# What the contract calls "every": the share of calls that must carry what a line says they carry.
COVERAGE = Quantity(0.95, "ratio")

_INITIALS = {
    "auc": "AUC",
    "f1": "F1",
    "pii": "PII",
    "mrr": "MRR",
    "map": "MAP",
    "ndcg": "NDCG",
    "dpia": "DPIA",
    "ai": "AI",
}
_HYPHENED = re.compile(r"\b(?:(?:over|under) refusal|follow up|re edit)\b")


def words(name: str) -> str:
    """A name as it is read: ``over_refusal`` → ``over refusal``, ``latency_p95`` → ``latency P95``."""
    parts = name.replace("-", "_").split("_")
    read = []
    for part in parts:
        stem, at, depth = part.partition("@")
        if part[:1] == "p" and part[1:].replace(".", "").isdigit():
            part = "P" + part[1:]
        read.append(_INITIALS.get(stem, stem) + at + depth if stem in _INITIALS else part)
    return _HYPHENED.sub(lambda pair: pair[0].replace(" ", "-"), " ".join(read))


def sentence(text: str) -> str:
    """With a capital."""
    return text[:1].upper() + text[1:]


def side(direction: Direction, value: Quantity) -> str:
    """``at least 92 %``."""
    return f"{direction.value.replace('_', ' ')} {format_value(value.value, unit=value.unit)}"


class Draft:
    """Claims of one contract, in the order they are written."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.claims: list[Claim] = []
        proof = contract.proof
        self.confidence = proof.confidence.value
        self.valid_for_s = proof.valid_for.value / 1_000.0

    def add(
        self,
        kind: ClaimKind,
        path: str,
        text: str,
        *,
        workflow: str | None = None,
        family: str | None = None,
        metric: str | None = None,
        target: Target | None = None,
        margin: float | None = None,
        slice_: str | None = None,
        valid_for: Quantity | None = None,
        line: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """One claim at ``path`` (without product and workflow); ``line`` is the line it comes from."""
        address = "/".join(part for part in (self.contract.product, workflow, path) if part)
        source = "/".join(part for part in (workflow, line if line is not None else path) if part)
        parts = path.split("/")
        self.claims.append(
            Claim(
                address=address,
                kind=kind,
                family=family or parts[0],
                metric=metric or parts[-1],
                sentence=sentence(text),
                workflow=workflow,
                target=target,
                confidence=self.confidence,
                margin=margin,
                slice=slice_,
                valid_for_s=self.valid_for_s if valid_for is None else valid_for.value / 1_000.0,
                place=self.contract.place(source),
                options={key: value for key, value in (options or {}).items() if value not in (None, (), {})},
            )
        )

    def bound(
        self,
        path: str,
        direction: Direction,
        value: Quantity,
        *,
        subject: str,
        unit: str | None = None,
        **fields: Any,
    ) -> None:
        """A value against a threshold."""
        target = Target(direction=direction, threshold=value.value, unit=value.unit if unit is None else unit)
        shown = Quantity(value.value, target.unit)
        self.add(ClaimKind.BOUND, path, f"{subject} is {side(direction, shown)}", target=target, **fields)

    def cover(self, path: str, *, subject: str, value: Quantity = COVERAGE, **fields: Any) -> None:
        """At least a share or a number has something."""
        target = Target(direction=Direction.AT_LEAST, threshold=value.value, unit=value.unit)
        shown = format_value(value.value, unit=value.unit)
        least = shown if value == Quantity(1.0, "ratio") else f"at least {shown}"
        self.add(ClaimKind.COVER, path, subject.format(share=least), target=target, **fields)

    def fresh(self, path: str, age: Quantity, *, subject: str, **fields: Any) -> None:
        """Something is at most so old."""
        target = Target(direction=Direction.AT_MOST, threshold=age.value, unit="ms")
        shown = format_value(age.value, unit="ms")
        self.add(ClaimKind.FRESH, path, f"{subject} at most {shown} old", target=target, **fields)

    def never(self, path: str, text: str, **fields: Any) -> None:
        """A rule that is enforced is never breached."""
        self.add(ClaimKind.NEVER, path, text, **fields)

    def drill(self, path: str, text: str, **fields: Any) -> None:
        """A fault is injected, and the answer is as declared."""
        self.add(ClaimKind.DRILL, path, text, **fields)

    def agree(self, path: str, least: Quantity, *, subject: str, **fields: Any) -> None:
        """People, judges or proxies agree."""
        target = Target(direction=Direction.AT_LEAST, threshold=least.value, unit=least.unit)
        text = f"{subject} is {side(Direction.AT_LEAST, least)}"
        self.add(ClaimKind.AGREE, path, text, target=target, **fields)

    def attest(self, path: str, text: str, *, by: str, **fields: Any) -> None:
        """A person vouches for it."""
        options = {"by": by, **fields.pop("options", {})}
        self.add(ClaimKind.ATTEST, path, text, options=options, **fields)


def margin_of(contract: Contract, line: Line, unit: str) -> Quantity:
    """How much worse is acceptable, in the unit of the metric.

    The margin for all is cut to what the target itself leaves open: 2 points more timeouts are no small
    step from 0.05 %.
    """
    own = getattr(line, "margin", None)
    margin: Quantity = own or contract.proof.margin
    if own is None and kind_of(margin.unit) is UnitKind.SHARE and unit != "ratio":
        # A margin in per cent means that much of the target where the metric is no share.
        return Quantity(abs(line.threshold.value) * margin.value, unit)
    if own is None and unit == "ratio":
        open_ = line.threshold.value if line.direction is Direction.AT_MOST else 1.0 - line.threshold.value
        return Quantity(min(margin.value, round(open_, 9)), unit)
    return Quantity(margin.value, unit)


def told_margin(margin: Quantity) -> str:
    """``2 percentage points``: a difference of shares is not a share of them."""
    if margin.unit != "ratio":
        return str(margin)
    points = format_number(100.0 * margin.value)
    return f"{points} percentage point{'' if points == '1' else 's'}"


def canonical_unit(family: str, metric: str, value: Quantity) -> str:
    """Unit in which the metric is measured: a plain 0.95 for a share means 95 %."""
    word = find_word(family, metric)
    if word is not None and word.unit and kind_of(value.unit) is UnitKind.NUMBER:
        return word.unit
    return value.unit


def label_sources(contract: Contract, names: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """Where labels come from, the truth first: the event of each, when it has settled, whether it is true."""
    known = contract.labels.sources
    found = [(name, known.get(name)) for name in names]
    found.sort(key=lambda each: not (each[1] is not None and each[1].truth))
    return tuple(
        {
            "event": (source.event if source else None) or name,
            "matures_ms": source.matures.value if source and source.matures else None,
            "within_ms": source.within.value if source and source.within else None,
            "truth": bool(source and source.truth),
        }
        for name, source in found
    )
