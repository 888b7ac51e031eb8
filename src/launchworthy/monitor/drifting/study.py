"""Two files, everything that is asked of them, and what came out as one value. Reads files.

May import ``errors``, ``jsonl`` and this room.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.classifier import Separation, separate
from launchworthy.monitor.drifting.comparing import Comparison, DriftState, Tolerances, compare
from launchworthy.monitor.drifting.files import current_of, reference_of, rows_of
from launchworthy.monitor.drifting.hanging import blocks_of_rows
from launchworthy.monitor.drifting.parts import Cause, PartDrift, causes, parts_of
from launchworthy.monitor.drifting.profile import Profile
from launchworthy.monitor.drifting.table import numbers_in, opened, seconds_in, vectors_of
from launchworthy.monitor.drifting.unlabelled import Rightness, rightness

if TYPE_CHECKING:
    import duckdb

__all__ = ["ScoreColumns", "Study", "study"]

_ROWS = 3_000  # rows a side that the classifier sees
_ALL = "all columns"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreColumns:
    """Columns that tell how often a score is right.

    Attributes:
        score: A number, higher for yes.
        label: 0 or 1; empty where it is not known.
        chance: Chance that the row's label becomes known; empty name: of rows drawn at random.
        time: When the row came; with ``matures_s``, how old it must be for its label.
        threshold: From which score on the decision is yes.
    """

    score: str
    label: str
    chance: str = ""
    time: str = ""
    matures_s: float = 0.0
    threshold: float = 0.5

    @property
    def names(self) -> list[str]:
        """Every column but the score, which is compared like any other."""
        return [name for name in (self.label, self.chance, self.time) if name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What came out; ``separations`` by what the classifier looked at."""

    comparison: Comparison
    separations: Mapping[str, Separation] = field(default_factory=dict)
    examples: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    by: str = ""
    parts: Sequence[PartDrift] = ()
    release: str = ""
    causes: Sequence[Cause] = ()
    rightness: Rightness | None = None

    @property
    def state(self) -> DriftState:
        """Drifted where anything is, within where all is."""
        states = [separation.state for separation in self.separations.values()]
        if self.comparison.columns or not states:
            states.append(self.comparison.state)
        if self.rightness is not None and self.rightness.state is DriftState.DRIFTED:
            states.append(DriftState.DRIFTED)
        if DriftState.DRIFTED in states:
            return DriftState.DRIFTED
        return DriftState.CANNOT_SAY if DriftState.CANNOT_SAY in states else DriftState.WITHIN


def study(
    reference: Path,
    *,
    current: Path | Sequence[Path],
    tolerances: Tolerances | None = None,
    classifier: bool = False,
    by: str = "",
    release: str = "",
    unit: str = "",
    blocks: str = "",
    ignore: Sequence[str] = (),
    scored: ScoreColumns | None = None,
    keep: Path | None = None,
) -> Study:
    """Compare a period with its reference.

    Args:
        reference: Parquet, or what an earlier study has kept.
        current: Parquet; of several files, such as one an hour, the counts are added.
        tolerances: How much may change.
        classifier: Whether a classifier looks at all columns together; it always looks at vectors.
        by: Column whose values are parts, to say which of them carries a change.
        release: Column that names a row's release, to tell it from the world.
        unit: Column that names who is behind a row; of each one row counts.
        blocks: Column of whose values rows hang together, such as a day or a user.
        ignore: Columns that are not compared.
        scored: Columns that tell how often a score is right.
        keep: Where to write the reference's counts, which serve as ``reference`` from then on.

    Raises:
        InputError: A file cannot be read, or has no such column.
        StorageError: What is kept cannot be written.
    """
    fields = [name for name in (by, release) if name]
    left = [
        *ignore,
        *(name for name in (unit, release, blocks) if name),
        *(scored.names if scored is not None else []),
    ]
    files = [current] if isinstance(current, Path) else list(current)
    if len(files) > 1 and (unit or blocks or classifier or scored is not None):
        raise InputError(
            "of several files only counts are added, and this needs their rows together",
            where=str(files[1]),
            hint="give one file as --current",
        )
    kept = _kept(reference)
    if kept is not None and (fields or blocks or classifier or scored is not None):
        raise InputError(
            "what was kept holds counts, and this needs the reference's rows",
            where=str(reference),
            hint="give the Parquet file as --reference",
        )
    separations: dict[str, Separation] = {}
    examples: dict[str, Sequence[Mapping[str, Any]]] = {}
    rows: list[dict[str, Any]] = []
    vectors: list[str] = []
    before: list[str] = []
    then: tuple[list[float], list[float]] | None = None
    if kept is None:
        with opened(reference, unit=unit) as table:
            kept = reference_of(table, by=fields, ignore=left, blocks=blocks)
            vectors = [name for name in vectors_of(table) if name not in left]
            rows = rows_of(table, most=_ROWS, ignore=left) if classifier or vectors else []
            before = blocks_of_rows(table, blocks, most=_ROWS) if rows and blocks else []
            if scored is not None:
                then = _known(numbers_in(table, scored.score), numbers_in(table, scored.label))
    with opened(files[0], unit=unit) as table:
        new = current_of(table, reference=kept, by=fields, ignore=left, blocks=blocks)
        if rows and len(files) == 1:
            now = rows_of(table, most=_ROWS, ignore=left)
            after = blocks_of_rows(table, blocks, most=_ROWS) if blocks else []
            together = ([f"then {each}" for each in before], [f"now {each}" for each in after])
            looked = {_ALL: None} if classifier else {name: name for name in vectors}
            for title, name in looked.items():
                if name is not None and name not in vectors_of(table):
                    continue
                sides = [_only(side, name) for side in (rows, now)]
                found = separate(
                    sides[0],
                    current=sides[1],
                    level=(tolerances or Tolerances()).confidence,
                    units=together if blocks else None,
                )
                separations[title] = found
                examples[title] = [now[at] for at in found.top]
        right = _right(table, then, scored, tolerances) if scored is not None and then is not None else None
    for path in files[1:]:
        with opened(path) as table:
            new = new + current_of(table, reference=kept, by=fields, ignore=left)
    comparison = compare(kept, current=new, tolerances=tolerances)
    if keep is not None:
        _write(keep, kept)
    return Study(
        comparison=comparison,
        separations=separations,
        examples=examples,
        by=by,
        parts=parts_of(kept, current=new, by=by, tolerances=tolerances) if by else (),
        release=release,
        causes=causes(comparison, reference=kept, current=new, by=release) if release else (),
        rightness=right,
    )


def _right(
    table: duckdb.DuckDBPyConnection,
    then: tuple[Any, Any],
    scored: ScoreColumns,
    tolerances: Tolerances | None,
) -> Rightness:
    matured = None
    if scored.time and scored.matures_s:
        seconds = seconds_in(table, scored.time)
        matured = seconds <= seconds.max() - scored.matures_s
    return rightness(
        then[0],
        reference_labels=then[1],
        current=numbers_in(table, scored.score),
        labels=numbers_in(table, scored.label),
        chances=numbers_in(table, scored.chance) if scored.chance else None,
        matured=matured,
        threshold=scored.threshold,
        level=(tolerances or Tolerances()).confidence,
    )


def _known(scores: Any, labels: Any) -> tuple[Any, Any]:
    known = (scores == scores) & (labels == labels)
    return scores[known], labels[known]


def _only(rows: Sequence[Mapping[str, Any]], name: str | None) -> Sequence[Mapping[str, Any]]:
    return rows if name is None else [{name: row[name]} for row in rows]


def _kept(path: Path) -> Profile | None:
    """The reference that a study has kept; None where it is another file."""
    try:
        with path.open("rb") as file:
            if file.read(1) != b"{":
                return None
        plain = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InputError("this is neither Parquet nor a kept reference", where=str(path)) from error
    return Profile.from_json(plain, where=str(path))


def _write(path: Path, kept: Profile) -> None:
    from launchworthy.errors import StorageError

    try:
        path.write_text(json.dumps(kept.as_json(), ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
