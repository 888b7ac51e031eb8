"""For which part of the users it goes worse than for the others: a find is one among all that were asked.

Pure; may import ``stats``, ``quantity`` and NumPy. A row is one call of one user, so that rows are
independent. A part is held against the pooled rest, exactly; Holm's procedure keeps the chance of *any* false
find at the error, and the bounds of all differences hold together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.stats import fisher_p_value, holm, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FEWEST", "Search", "Segment", "searched"]

FEWEST = 20  # users of a part, and of the others
_MOST = 60  # parts, the most frequent
_ALSO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part for which it goes worse.

    Attributes:
        name: Of the part, such as ``language:de``.
        n, share: Its users, and how many of them it went wrong for.
        others_n, others_share: The same of all others.
        low, high: Bounds of the difference, of all parts at once.
        p_value: Adjusted for all that were asked.
        excess: Share of all that went wrong that it has more than the others would have.
    """

    name: str
    n: int
    share: float
    others_n: int
    others_share: float
    low: float
    high: float
    p_value: float
    excess: float

    @property
    def told(self) -> str:
        """In words."""
        mine, theirs = (format_value(each, unit="ratio") for each in (self.share, self.others_share))
        gap = format_interval(
            self.share - self.others_share, self.low, self.high, n=self.n, unit=difference_unit("ratio")
        )
        return f"{self.name} ({mine} of {self.n:,}, {theirs} of {self.others_n:,} others: {gap})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found.

    Attributes:
        found: Parts that carry it, that with the most evidence first; the others are worse without it too.
        asked: How many parts were asked.
        smallest: Users of the smallest of these.
    """

    found: tuple[Segment, ...]
    asked: int
    smallest: int

    @property
    def told(self) -> str:
        """In a sentence."""
        among = f"{self.asked:,} part{'' if self.asked == 1 else 's'}, the smallest of {self.smallest:,}"
        if not self.found:
            return f"no part of the calls alone, of {among}"
        return f"{'; also '.join(each.told for each in self.found)}; of {among}"


def searched(
    wrong: NDArray[np.bool_], parts: Mapping[str, NDArray[np.bool_]], *, level: float = 0.95
) -> Search | None:
    """Ask each part that has 20 users, with as many others; None where there is none.

    Args:
        wrong: For whom it went wrong.
        parts: Who is in each part, by its name.
        level: Of everything that is said of all parts together.

    Source: Fisher's exact test; Holm (1979); bounds of Newcombe, Statistics in Medicine 17 (1998), method 10,
    with Bonferroni's correction.
    """
    sizes = {name: int(own.sum()) for name, own in parts.items()}
    large = [name for name, n in sizes.items() if min(n, wrong.size - n) >= FEWEST]
    asked: dict[bytes, str] = {}
    for name in sorted(large, key=lambda name: (-sizes[name], name)):
        asked.setdefault(parts[name].tobytes(), name)  # two names of the same users are one part
    names = list(asked.values())[:_MOST]
    if not names:
        return None
    chances = [_p_value(wrong, parts[name]) for name in names]
    adjusted = dict(zip(names, holm(chances), strict=True))
    error = 1.0 - level
    order = sorted(
        (name for name in names if adjusted[name] <= error),
        key=lambda name: (adjusted[name], chances[names.index(name)], -sizes[name]),
    )
    kept = order[:1]
    for name in order[1:]:
        # What hangs together with a part that is worse looks worse itself: it is asked again without that.
        rest = ~_any(parts, kept)
        own = parts[name] & rest
        if len(kept) > _ALSO or min(int(own.sum()), int((rest & ~own).sum())) < FEWEST:
            continue
        if _p_value(wrong[rest], own[rest]) <= error / len(names):
            kept.append(name)
    return Search(
        found=tuple(
            _segment(name, wrong, parts[name], level=1.0 - error / len(names), p_value=adjusted[name])
            for name in kept
        ),
        asked=len(names),
        smallest=min(sizes[name] for name in names),
    )


def _any(parts: Mapping[str, NDArray[np.bool_]], names: list[str]) -> NDArray[np.bool_]:
    found = parts[names[0]].copy()
    for name in names[1:]:
        found |= parts[name]
    return found


def _p_value(wrong: NDArray[np.bool_], own: NDArray[np.bool_]) -> float:
    n, hits = int(own.sum()), int((wrong & own).sum())
    return fisher_p_value(hits, n=n, others=int(wrong.sum()) - hits, others_n=wrong.size - n)


def _segment(
    name: str, wrong: NDArray[np.bool_], own: NDArray[np.bool_], *, level: float, p_value: float
) -> Segment:
    n, hits = int(own.sum()), int((wrong & own).sum())
    others_n, others = wrong.size - n, int(wrong.sum()) - hits
    mine, theirs = wilson(hits, n=n, level=level), wilson(others, n=others_n, level=level)
    gap = mine.value - theirs.value
    return Segment(
        name=name,
        n=n,
        share=mine.value,
        others_n=others_n,
        others_share=theirs.value,
        low=gap - math.hypot(mine.value - mine.low, theirs.high - theirs.value),
        high=gap + math.hypot(mine.high - mine.value, theirs.value - theirs.low),
        p_value=p_value,
        excess=(hits - n * theirs.value) / (hits + others),
    )
