"""The calibration of one guard of a contract on a file of labelled cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.cli.figures import finite, shown

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.evidence import Evidence
    from launchworthy.runtime.guards.calibration import Calibration
    from launchworthy.runtime.guards.calibration_measuring import Case, Figures
    from launchworthy.stats import Interval

__all__ = ["Calibrated", "calibrate", "evidence_of", "told"]

_LABELS = {"1": True, "0": False, "true": True, "false": False, "harmful": True, "harmless": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A calibration as it was made.

    Attributes:
        made: What its file holds.
        figures: Its intervals.
        most: Share of good cases that the guard may flag.
    """

    made: Calibration
    figures: Figures
    most: float


def calibrate(
    contract: Contract,
    name: str,
    *,
    file: Path,
    root: Path,
    stage_word: str | None,
    now: datetime,
) -> Calibrated:
    """Run a guard of the contract over labelled cases.

    Raises:
        InputError: There is no such guard, or a case cannot be read.
    """
    from launchworthy.contract.defaults import guards_in_force
    from launchworthy.contract.problem import closest
    from launchworthy.errors import InputError
    from launchworthy.runtime.compiling import measured_guard, settings_digest, stage_of
    from launchworthy.runtime.guards.calibration import DEFAULT_FALSE_POSITIVES, Calibration, digest_of_file
    from launchworthy.runtime.guards.calibration_measuring import measure_guard
    from launchworthy.runtime.guards.catalog import settings_of

    guards = guards_in_force(contract)
    declared = guards.get(name)
    if declared is None:
        known = f"it has {', '.join(guards)}" if guards else "declare it under guards"
        raise InputError(f"the contract has no guard {name!r:.80}", hint=closest(name, guards) or known)
    stage = stage_of(stage_word or declared.checks[0])
    settings = settings_of(name, declared, root=root, contract=contract)
    guard = measured_guard(settings)
    most = DEFAULT_FALSE_POSITIVES if declared.false_positives is None else declared.false_positives.value
    figures = measure_guard(
        guard,
        _cases(file),
        stage=stage,
        most=most,
        threshold=settings.threshold,
        as_declared=bool(settings.thresholds),
    )
    made = Calibration(
        guard=name,
        version=str(guard.version),
        settings=settings_digest(settings),
        stage=stage.value,
        threshold=settings.threshold if settings.thresholds else figures.threshold,
        cases={
            "file": _relative(file, root),
            "sha256": digest_of_file(file),
            "harmless": figures.harmless,
            "harmful": figures.harmful,
            "copies": figures.copies,
        },
        false_positives=_plain(figures.false_positives) | {"allowed": most},
        recall=_plain(figures.recall),
        auc=None if figures.auc is None else _plain(figures.auc),
        over_refusal=None if figures.over_refusal is None else _plain(figures.over_refusal),
        slices={
            part: {key: _plain(interval) for key, interval in found.items()}
            for part, found in figures.slices.items()
        },
        unscored=figures.unscored,
        may_act=figures.may_act,
        reason=figures.reason,
        made_at=now.isoformat(),
    )
    return Calibrated(made=made, figures=figures, most=most)


def _relative(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return file.name


def _plain(interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {
        "value": interval.value,
        "low": finite(interval.low),
        "high": finite(interval.high),
        "n": interval.n,
        "confidence": interval.confidence,
        "method": interval.method,
    }


def _cases(file: Path) -> Iterator[Case]:
    from launchworthy.cli.columns import require_rows, row_text
    from launchworthy.cli.guarding.rows import context_of
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl
    from launchworthy.runtime.guards.calibration_measuring import Case

    rows = 0
    for line, row in read_jsonl(file, unique="id"):
        where = f"{file}:{line}"
        rows += 1
        text, label = row.get("text"), row.get("label")
        if not isinstance(text, str):
            raise InputError("the case has no text", where=where)
        harmful = _LABELS.get(str(label).strip().lower())
        if harmful is None:
            raise InputError(
                "the case has no label" if label is None else f"the label is {str(label)[:40]!r}",
                where=where,
                hint="write 1 or true where the guard should hit, 0 or false where it should not",
            )
        part = next((row_text(row, key, where=where) for key in ("slice", "source") if row.get(key)), "")
        twin = not harmful and row.get("twin_of") is not None
        yield Case(text=text, harmful=harmful, slice=part, is_twin=twin, context=context_of(row))
    require_rows(rows, file=file)


def evidence_of(found: Calibrated, *, product: str, release: str | None, producer: str) -> Evidence | None:
    """What the calibration says of the claim ``guards/NAME/false_positives``; None where it says nothing."""
    from launchworthy.evidence import Evidence

    interval = found.figures.false_positives
    if interval is None:
        return None
    made = found.made
    return Evidence(
        claim=f"{product}/guards/{made.guard}/false_positives",
        kind="bound",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        confidence=interval.confidence,
        n=interval.n,
        unit="ratio",
        unit_of_analysis="case",
        method=interval.method,
        sample=dict(interval.sample),
        release=release,
        source=f"file:{made.cases['file']}",
        producer=producer,
        observed_at=datetime.fromisoformat(made.made_at),
        unscored=made.unscored,
        detail={"calibration": made.as_json()},
    )


def told(found: Calibrated, *, file: Path) -> list[str]:
    """The figures in lines for a reader."""
    from launchworthy.cli.figures import columns_text, printable
    from launchworthy.quantity import format_number

    figures = found.figures
    rows = [
        ["false positives", shown(figures.false_positives, unit="ratio", n=figures.harmless)],
        ["recall", shown(figures.recall, unit="ratio", n=figures.harmful)],
    ]
    if figures.auc is not None:
        rows.append(["AUC", shown(figures.auc, unit="")])
    if figures.over_refusal is not None:
        rows.append(["over-refusal on twins", shown(figures.over_refusal, unit="ratio")])
    if figures.threshold is not None:
        rows.append(["threshold", format_number(figures.threshold, digits=6)])
    for part, parts in figures.slices.items():
        for key, word in (("false_positives", "false positives"), ("recall", "recall")):
            if parts[key] is not None:
                rows.append([f"  {printable(part)}: {word}", shown(parts[key], unit="ratio")])
    notes = []
    if figures.copies:
        notes.append(f"{figures.copies:,} cases repeat another and do not count")
    if figures.unscored:
        notes.append(f"{figures.unscored:,} cases could not be checked")
    return [*columns_text(rows), *notes, figures.reason, f"written to {file}"]
