"""Whether users fell into the arms in the shares that were planned. Pure.

Where they did not, something kept some of them out of one arm (a crash, a redirect, a filter on what happens
later), and no difference between the arms can be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats.special import chi_square_tail

__all__ = ["MISMATCH", "SampleRatio", "sample_ratio"]

MISMATCH = 0.01  # chance below which the arms are not read
_STRENGTH = 100.0  # users that the prior of the e-value is worth, spread as planned


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """Users of each arm beside what was planned.

    Attributes:
        counts: Users of each arm.
        expected: As many as there should be.
        p_value: Chance of shares as far off as these at one look.
        e_value: Evidence that they are off, which may be looked at all the time: beyond 100 they are, at 1 %.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    e_value: float

    @property
    def mismatch(self) -> bool:
        """Whether the arms differ from the plan beyond chance, at one look."""
        return self.p_value < MISMATCH

    @property
    def watched_mismatch(self) -> bool:
        """The same for who looks all the time."""
        return self.e_value > 1.0 / MISMATCH


def sample_ratio(counts: Sequence[int], *, shares: Sequence[float]) -> SampleRatio:
    """Test the users of each arm against the planned shares, which need not add up to 1.

    Raises:
        InputError: Fewer than two arms, impossible counts, or a share that is not above 0.

    Source: Pearson's chi-square (1900); Fabijan et al., KDD (2019); the e-value, Lindon and Malek, Anytime-
    Valid Inference for Multinomial Count Data (2022), with a Dirichlet prior around the plan.

    >>> round(sample_ratio([44700, 45489], shares=[0.5, 0.5]).p_value, 4)
    0.0086
    """
    if len(counts) != len(shares) or len(counts) < 2:
        raise InputError(f"{len(counts)} arms and {len(shares)} planned shares cannot be compared")
    if any(count < 0 for count in counts) or not all(0.0 < share < math.inf for share in shares):
        raise InputError("arms have 0 users or more, and shares above 0")
    users, whole = sum(counts), math.fsum(shares)
    planned = [share / whole for share in shares]
    expected = tuple(share * users for share in planned)
    if not users:
        return SampleRatio(counts=tuple(counts), expected=expected, p_value=1.0, e_value=1.0)
    square = math.fsum((seen - due) ** 2 / due for seen, due in zip(counts, expected, strict=True))
    log = math.lgamma(_STRENGTH) - math.lgamma(_STRENGTH + users)
    for seen, share in zip(counts, planned, strict=True):
        log += math.lgamma(_STRENGTH * share + seen) - math.lgamma(_STRENGTH * share)
        log -= seen * math.log(share)
    return SampleRatio(
        counts=tuple(counts),
        expected=expected,
        p_value=chi_square_tail(square, df=len(counts) - 1),
        e_value=math.exp(log) if log < 700.0 else math.inf,
    )
