"""Answering only when sure: risk against coverage, and a threshold with a guarantee. Pure.

A threshold is read as "answer where confidence ≥ threshold". Equal confidences are one block: no threshold
can part them. Rows must be independent and like those to come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import check_share, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.planning import sample_size
from launchworthy.stats.proportion import clopper_pearson, wilson
from launchworthy.stats.special import binomial_cdf
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["RiskCoverage", "Threshold", "certified_threshold", "expected_threshold", "risk_coverage"]

_LEAST_STEPS, _MOST_STEPS = 20, 200  # thresholds tried, evenly spaced in what is answered
_STARTS = 4  # chains of tests, from cautious to bold


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage:
    """How the share of wrong answers grows with the share of questions answered; one entry a block.

    Attributes:
        thresholds: Confidences, from the highest down.
        answered: Rows at or above each.
        wrong: Wrong ones among them.
        n: All rows.
        aurc: Mean share of wrong answers over all coverages, ties in random order; less is better.
    """

    thresholds: tuple[float, ...]
    answered: tuple[int, ...]
    wrong: tuple[int, ...]
    n: int
    aurc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The lowest threshold that keeps its guarantee, or why there is none.

    Attributes:
        threshold: Answer at this confidence or above; None where none is certified.
        guarantee: What holds, as a sentence.
        coverage: Share of questions that will be answered, with its interval; None without a threshold.
        wrong: Share of wrong answers among those given here, with its interval; None without a threshold, or
            where nothing is answered.
        needed: Labelled rows in all that would certify one, at the rates seen (80 %); None where one is
            certified, or where no number would.
        n: Labelled rows.
        target: Share of wrong answers.
        confidence: Of the guarantee; None for an expectation.
        method: Procedure.
    """

    threshold: float | None
    guarantee: str
    coverage: Interval | None
    wrong: Interval | None
    needed: int | None
    n: int
    target: float
    confidence: float | None
    method: str


def risk_coverage(confidence: ArrayLike, *, correct: ArrayLike) -> RiskCoverage:
    """The curve of a set of rows, and the area under it.

    Raises:
        InputError: No rows, unequal lengths, NaN, or ``correct`` other than 0 and 1.

    Source: El-Yaniv and Wiener, JMLR 11 (2010); area: Geifman et al., ICLR (2019).
    """
    import numpy as np

    scores, answered, wrong = _blocks(confidence, correct)
    n = int(answered[-1])
    # Inside a block, wrong answers come evenly, which is the mean over the orders of equal confidences.
    sizes, errors = np.diff(answered, prepend=0), np.diff(wrong, prepend=0)
    block = np.repeat(np.arange(answered.size), sizes)
    ranks = np.arange(1, n + 1)
    into = ranks - (answered - sizes)[block]
    expected = (wrong - errors)[block] + errors[block] * into / sizes[block]
    return RiskCoverage(
        thresholds=tuple(scores.tolist()),
        answered=tuple(answered.tolist()),
        wrong=tuple(wrong.tolist()),
        n=n,
        aurc=float((expected / ranks).mean()),
    )


def certified_threshold(
    confidence: ArrayLike, *, correct: ArrayLike, target: float, level: float = 0.95
) -> Threshold:
    """The lowest threshold for which "more than ``target`` of the answers are wrong" is rejected.

    Guarantee: with probability ``level`` over the labelled rows, the share of wrong answers among those that
    will be given is at most ``target``. Thresholds are tried from high to low in four chains, each at a
    quarter of the error and up to the first that fails; what is tried depends on confidences alone.

    Raises:
        InputError: As :func:`risk_coverage`, or a target that is no share.

    Source: Angelopoulos, Bates, Candès, Jordan and Lei, Learn then Test (2021), with the exact binomial tail
    and fixed-sequence testing from several starts.
    """
    check_share(target, name="target")
    error = tail_error(level, sides=1) / _STARTS
    scores, answered, wrong = _blocks(confidence, correct)
    n = int(answered[-1])
    least = math.ceil(math.log(error) / math.log1p(-target) - 1e-9)
    tried = _tried(answered, least)
    passes = [binomial_cdf(int(wrong[i]), n=int(answered[i]), rate=target) <= error for i in tried]
    lowest = -1
    for chain in range(_STARTS):
        step = len(tried) * chain // _STARTS
        while step < len(tried) and passes[step]:
            lowest = max(lowest, step)
            step += 1
    method = "learn then test: exact binomial tail, fixed sequences from four starts"
    found = _found(scores, answered, wrong, tried[lowest] if lowest >= 0 else None, level)
    threshold, coverage, risk = found
    return Threshold(
        threshold=threshold,
        guarantee=f"with {_percent(level)} confidence, "
        f"at most {_percent(target)} of the answers given are wrong",
        coverage=coverage,
        wrong=risk,
        needed=_needed(answered, wrong, target, error, least) if threshold is None else None,
        n=n,
        target=target,
        confidence=level,
        method=method,
    )


def expected_threshold(confidence: ArrayLike, *, correct: ArrayLike, target: float) -> Threshold:
    """The lowest threshold at which wrong answers are expected to be at most ``target`` of all questions.

    Guarantee: an expectation over labelled and future rows, of wrong answers among *all questions*, answered
    or not; weaker than :func:`certified_threshold`, which bounds the share among the answers given with a
    stated probability.

    Raises:
        InputError: As :func:`risk_coverage`, or a target that is no share.

    Source: Angelopoulos, Bates, Fisch, Lei and Schuster, Conformal Risk Control, ICLR (2024), theorem 1.
    """
    check_share(target, name="target")
    scores, answered, wrong = _blocks(confidence, correct)
    n = int(answered[-1])
    held = [i for i, errors in enumerate(wrong.tolist()) if (errors + 1) / (n + 1) <= target + 1e-12]
    threshold, coverage, risk = _found(scores, answered, wrong, held[-1] if held else None, 0.95)
    more = math.ceil(1.0 / target - 1.0 - 1e-9)
    return Threshold(
        threshold=threshold,
        guarantee=f"wrong answers are expected to be at most {_percent(target)} of all questions",
        coverage=coverage,
        wrong=risk,
        needed=None if held else max(more, n + 1),
        n=n,
        target=target,
        confidence=None,
        method="conformal risk control",
    )


def _percent(share: float) -> str:
    return f"{100.0 * share:.6g} %"


def _blocks(
    confidence: ArrayLike, correct: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct confidences from the highest down, rows at or above each, and wrong ones among them."""
    import numpy as np

    scores = clean_values(confidence, name="confidences")
    right = clean_values(correct, name="correct")
    if scores.size != right.size:
        raise InputError(f"{scores.size} confidences for {right.size} answers")
    if not ((right == 0.0) | (right == 1.0)).all():
        raise InputError("correct is neither 0 nor 1", hint="decide what counts as a wrong answer")
    kinds, index, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    errors = np.bincount(index, weights=1.0 - right, minlength=kinds.size)
    return -kinds, np.cumsum(counts).astype(np.int64), np.cumsum(errors).astype(np.int64)


def _tried(answered: NDArray[np.int64], least: int) -> list[int]:
    """Blocks at which a threshold is tried: those that answer ``least`` rows, evenly spaced from there."""
    import numpy as np

    n = int(answered[-1])
    if n < least:
        return []
    wanted = np.linspace(least, n, min(_MOST_STEPS, max(_LEAST_STEPS, n // 50)))
    return sorted(set(np.searchsorted(answered, np.floor(wanted + 1e-9)).tolist()))


def _found(
    scores: NDArray[np.float64],
    answered: NDArray[np.int64],
    wrong: NDArray[np.int64],
    block: int | None,
    level: float,
) -> tuple[float | None, Interval | None, Interval | None]:
    if block is None:
        return None, None, None
    below = float(scores[block + 1]) if block + 1 < scores.size else -math.inf
    given, errors = int(answered[block]), int(wrong[block])
    return (
        _shortest(below, float(scores[block])),
        wilson(given, n=int(answered[-1]), level=level),
        clopper_pearson(errors, n=given, level=level, sides=2),
    )


def _shortest(low: float, high: float) -> float:
    """The number of fewest digits above ``low`` and at most ``high``; ``high`` itself without a ``low``."""
    if math.isinf(low):
        return high
    for digits in range(17):
        step = Fraction(1, 10**digits)
        candidate = float(math.floor(Fraction(high) / step) * step)
        if low < candidate <= high:
            return candidate
    return high


def _needed(
    answered: NDArray[np.int64], wrong: NDArray[np.int64], target: float, error: float, least: int
) -> int | None:
    """Labelled rows in all after which the most promising threshold would be certified (80 %)."""
    n = int(answered[-1])
    promise: list[tuple[float, int, float]] = []
    for given, errors in zip(answered.tolist(), wrong.tolist(), strict=True):
        # One half added: a few flawless rows are no flawless threshold.
        rate = (errors + 0.5) / (given + 1.0)
        if rate < target and given >= min(10, n):
            promise.append(((target - rate) ** 2 * given / target, given, rate))
    if promise:
        _, given, rate = max(promise)
        answers = sample_size(rate=rate, threshold=target, direction="at_most", level=1.0 - error)
        return None if answers is None else max(math.ceil(answers * n / given), n + 1)
    return None if wrong[-1] else max(least, n + 1)
