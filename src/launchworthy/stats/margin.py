"""How a release is held to its margins: the level of each of several harms, the error at a look. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launchworthy.stats.sequential import FEWEST_EVENTS, FEWEST_WATCHED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["error_at_margin", "harm_level"]

_FEWEST_EXPECTED = 5.0  # of the bad kind (Cochran, Annals of Mathematical Statistics 23, 1952)


def harm_level(confidence: float, *, harms: int) -> float:
    """Level of each bound that always holds: any harm is enough, and half is left to planned looks."""
    return 1.0 - (1.0 - confidence) / max(2, harms)


def error_at_margin(
    baseline: ArrayLike, *, margin: float, n: tuple[ArrayLike, ArrayLike], higher_is_better: bool
) -> NDArray[np.float64]:
    """Standard error of the difference of two shares where the candidate's is worse by the margin.

    NaN where a normal distribution would be a guess: fewer than 100 users of a release, or too few of the
    candidate's expected of the rarer kind. Where that is the bad one, 5 are enough: few of them are less
    likely than a normal distribution has it, which errs on the safe side.

    Args:
        baseline: Share of the baseline.
        margin: By how much the candidate's may be worse, 0 or above.
        n: Users of the baseline and of the candidate.

    Source: Blackwelder, Controlled Clinical Trials 3 (1982).
    """
    import numpy as np

    share, old, new = (np.asarray(each, dtype=np.float64) for each in (baseline, *n))
    worse = np.clip(share + (-margin if higher_is_better else margin), 0.0, 1.0)
    bad = 1.0 - worse if higher_is_better else worse
    few = (new * bad < _FEWEST_EXPECTED) | (new * (1.0 - bad) < FEWEST_EVENTS)
    few |= np.minimum(old, new) < FEWEST_WATCHED
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(worse * (1.0 - worse) / new + share * (1.0 - share) / old)
    return np.asarray(np.where(few, np.nan, error))
