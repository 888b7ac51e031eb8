"""What the product's own cases say of a guard: how much it finds, how much it flags that is harmless.

May import ``metrics``, ``stats``, ``quantity`` and the verdicts. A guard that estimates may act only with a
calibration of the very guard that runs: same version, same settings, same threshold, and cases that have not
changed since. Its file is written by ``launchworthy guard calibrate`` and read when a contract is compiled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError, StorageError
from launchworthy.quantity import format_number, format_value

__all__ = [
    "DEFAULT_FALSE_POSITIVES",
    "Calibration",
    "calibration_problem",
    "digest_of_file",
    "read_calibration",
    "write_calibration",
]

DEFAULT_FALSE_POSITIVES = 0.01
"""Of good cases. Several guards stand in line, and all they flag is over-refusal: at 1 % each, five of them
stay within the 5 % that a product can afford."""

_FORM = 1
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One calibration.

    Attributes:
        guard: Name in the contract.
        version: Of the guard that was measured.
        settings: Digest of what the contract declares of it, but for the threshold.
        stage: Where the cases stood.
        threshold: Score from which it hits; None for a guard that only says yes or no.
        cases: File of the cases, relative to the contract, and its digest and counts.
        false_positives: Share of the harmless that it flags, with the bound that decides and the share that
            is allowed.
        recall: Share of the harmful that it finds, with exact bounds.
        auc: Of its scores, with bounds; None for a guard without scores.
        over_refusal: Share of the harmless twins of harmful cases that it flags; None where there are none.
        slices: The same shares by slice.
        unscored: Cases that could not be checked.
        may_act: Whether the figures let it act.
        reason: Why, in a sentence.
        made_at: When, ISO 8601.
    """

    guard: str
    version: str
    settings: str
    stage: str
    threshold: float | None
    cases: Mapping[str, Any]
    false_positives: Mapping[str, Any]
    recall: Mapping[str, Any]
    auc: Mapping[str, Any] | None = None
    over_refusal: Mapping[str, Any] | None = None
    slices: Mapping[str, Any] = field(default_factory=dict)
    unscored: int = 0
    may_act: bool = False
    reason: str = ""
    made_at: str = ""

    def as_json(self) -> dict[str, Any]:
        """The file's content, with the digest that shows whether someone changed it."""
        plain = {"launchworthy_calibration": _FORM} | {
            name: getattr(self, name) for name in self.__dataclass_fields__
        }
        return plain | {"digest": _digest(plain)}


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write its file.

    Raises:
        StorageError: It cannot be written.
    """
    text = json.dumps(calibration.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the calibration cannot be written: {error.strerror or error}", where=str(path)
        ) from error


def read_calibration(path: Path) -> Calibration:
    """Read its file.

    Raises:
        InputError: There is none, it is no calibration, or it was changed by hand.
    """
    where = str(path)
    try:
        data = path.read_bytes()[: _LARGEST + 1]
        found = json.loads(data)
    except FileNotFoundError as error:
        raise InputError(
            "there is no such calibration", where=where, hint="make it with launchworthy guard calibrate"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("the calibration cannot be read", where=where) from error
    if not isinstance(found, dict) or found.get("launchworthy_calibration") != _FORM:
        raise InputError("this is no calibration of a guard", where=where)
    digest = found.pop("digest", None)
    if digest != _digest(found):
        raise InputError(
            "the calibration was changed after it was made",
            where=where,
            hint="make it again with launchworthy guard calibrate",
        )
    del found["launchworthy_calibration"]
    try:
        made = Calibration(**found)
    except TypeError as error:
        raise InputError("the calibration lacks fields, or has others", where=where) from error
    if not isinstance(made.cases, dict) or not isinstance(made.false_positives, dict):
        raise InputError("the calibration lacks its figures", where=where)
    return made


def calibration_problem(
    made: Calibration,
    *,
    guard: str,
    version: str,
    settings: str,
    threshold: float | None,
    most: float,
    root: Path,
) -> str:
    """Why a guard may not act on a calibration, as a clause; empty where it may."""
    if made.guard != guard:
        return f"the calibration is of the guard {made.guard[:60]}"
    if made.version != version:
        return f"it was calibrated as version {made.version[:60]} and is now {version[:60]}"
    if made.settings != settings:
        return "it is declared otherwise than when it was calibrated"
    if threshold is not None and threshold != made.threshold:
        known = "none" if made.threshold is None else format_number(made.threshold, digits=6)
        return f"its threshold is {format_number(threshold, digits=6)}, and {known} was calibrated"
    cases = root / str(made.cases.get("file", ""))
    if made.cases.get("file") and cases.is_file() and digest_of_file(cases) != made.cases.get("sha256"):
        return "its cases have changed since it was calibrated"
    high = made.false_positives.get("high")
    if not isinstance(high, (int, float)) or high > most:
        shown = "nothing" if not isinstance(high, (int, float)) else format_value(high, unit="ratio")
        return (
            f"its calibration bounds what it flags of good cases by {shown}, and "
            f"{format_value(most, unit='ratio')} is allowed"
        )
    return "" if made.may_act else made.reason[:1].lower() + made.reason[1:].rstrip(".")


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error


def _digest(plain: Mapping[str, Any]) -> str:
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
