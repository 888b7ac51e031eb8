"""What every reader makes of a file, and the small steps they share. Pure.

May import ``errors`` and ``records``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.records import RunItem, Score

__all__ = [
    "ALL",
    "Results",
    "list_of",
    "mapping_of",
    "moment",
    "name_of",
    "number_of",
    "object_of",
    "scored",
    "slices_of",
    "text_of",
    "together",
    "unique_ids",
]

ALL = "all"  # the metric "every check of the item passed", where a tool makes several
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One file of results, of one target.

    Attributes:
        tool: Which tool wrote it, with its version where the file says.
        target: What was asked, as the tool names it.
        items: Each answer with its scores by metric; repeats of one question share a cluster.
        finished_at: When it was measured; None where the file does not say.
        remarks: What a reader must know, such as rows whose own verdict contradicts their checks.
    """

    tool: str
    target: str
    items: tuple[RunItem, ...]
    finished_at: datetime | None = None
    remarks: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what was scored, sorted."""
        return tuple(sorted({name for item in self.items for name in item.scores}))


def object_of(value: Any, *, where: str) -> Mapping[str, Any]:
    """The value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise InputError(f"an object was expected, not {value!r:.60}", where=where)
    return value


def list_of(value: Any, *, where: str) -> Sequence[Any]:
    """The value, which must be a list; absent is empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InputError(f"a list was expected, not {value!r:.60}", where=where)
    return value


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The object; an empty one for anything else, where nothing depends on it."""
    return value if isinstance(value, dict) else {}


def slices_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Slices that an item's own metadata names: ``slices``, ``tags`` or ``topic``, one or a list."""
    found = set()
    for field in ("slices", "tags", "topic"):
        value = metadata.get(field)
        found |= {name_of(one) for one in (value if isinstance(value, list) else [value]) if text_of(one)}
    return tuple(sorted(found))


def text_of(value: Any) -> str | None:
    """The text; None for anything else, and for the empty one."""
    return value if isinstance(value, str) and value else None


def number_of(value: Any) -> float | None:
    """A finite number of 0 or more, such as a cost; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def name_of(value: Any) -> str:
    """A metric's name that can stand in a signature and on a line."""
    text = " ".join(str(value).replace("|", "/").split())
    shown = "".join(character if character.isprintable() else "�" for character in text)
    return shown[:_LONGEST_NAME] or "unnamed"


def scored(value: Any, *, error: Any = None) -> Score:
    """A score from a boolean or a number; whatever else, and whatever came with an error, could not score."""
    if error:
        return Score(value=None, error=str(error)[:300])
    if isinstance(value, (bool, int, float)) and math.isfinite(value):
        return Score(value=float(value))
    told = "nothing" if value is None else f"{value!r:.80}, neither a number nor true or false"
    return Score(value=None, error=f"the tool noted {told}")


def together(checks: Iterable[Score]) -> Score:
    """Whether every check passed: a failed one decides, else one that could not score leaves it open."""
    checks = list(checks)
    if any(check.value == 0.0 for check in checks):
        return Score(value=0.0)
    broken = next((check for check in checks if check.value is None), None)
    if broken is not None:
        return broken
    return Score(value=1.0) if checks else Score(value=None, error="no check looked at it")


def moment(value: Any) -> datetime | None:
    """An aware time from ISO 8601; without a zone it is UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unique_ids(items: Sequence[RunItem], *, repeats: bool) -> tuple[RunItem, ...]:
    """Items whose id stands several times numbered apart: ``q1#2``.

    Args:
        items: In the file's order.
        repeats: Whether equal ids mean the same question again: such answers are not independent, and share
            a cluster.
    """
    counts = Counter(item.item_id for item in items)
    seen: Counter[str] = Counter()
    found = []
    for item in items:
        own = item.item_id
        seen[own] += 1
        if counts[own] > 1:
            cluster = item.cluster or (own if repeats else None)
            item = replace(item, item_id=f"{own}#{seen[own]}", cluster=cluster)
        found.append(item)
    return tuple(found)
