"""A judged difference between two sides whose labels are of different items. Pure.

Where people labelled both answers of the same items, ``corrected_difference`` is sharper.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.correction import corrected_mean
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import clean_values, sum_by_unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["labelled_apart"]


def labelled_apart(
    judge_baseline: ArrayLike,
    *,
    judge_candidate: ArrayLike,
    human_baseline: ArrayLike,
    human_candidate: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    unit: str = "",
) -> Interval:
    """What people would say of the candidate minus what they would say of the baseline, each by its labels.

    Each mean is that of :func:`corrected_mean`, so the judge may err in another way on each side. The labels
    are of separate draws; the judge's scores are of the same items. Where these go together, to take the
    means for independent is only careful; where they go against each other, the widths are added, which
    holds however the means depend on each other.

    Raises:
        InputError: Labels of one side only, unequal lengths, or values outside ``bounds``.

    Source: Zou and Donner, Statistics in Medicine 27 (2008).
    """
    old, new = clean_values(judge_baseline), clean_values(judge_candidate)
    if old.size != new.size:
        raise InputError(f"{old.size} scores of the baseline for {new.size} of the candidate")
    before, after = (
        corrected_mean(
            scores, human=labels, level=level, sides=sides, clusters=clusters, bounds=bounds, unit=unit
        )
        for scores, labels in ((old, human_baseline), (new, human_candidate))
    )
    own, other = sum_by_unit([old - old.mean(), new - new.mean()], clusters)
    down = after.value - after.low, before.high - before.value
    up = after.high - after.value, before.value - before.low
    together = float(own @ other) >= 0.0
    value = after.value - before.value
    return replace(
        after,
        value=value,
        low=value - (math.hypot(*down) if together else sum(down)),
        high=value + (math.hypot(*up) if together else sum(up)),
        n=min(before.n, after.n),
        method=f"sides labelled apart: {after.method}",
        sample={
            "labels": int(before.sample["labels"] + after.sample["labels"]),
            "judge_bias_baseline": before.sample["judge_bias"],
            "judge_bias_candidate": after.sample["judge_bias"],
        },
    )
