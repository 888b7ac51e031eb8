"""Whether a broken promise is sure enough to call somebody, at one rate of false alarms a product. Pure.

May import ``contract``, ``evidence`` and ``stats``. A verdict asks once, at the confidence of the claim. What
is looked at every minute over a window that rolls is sooner or later unlucky, so an incident asks for more:
while every promise is just kept, all windows of the product together raise one alarm in twice
``proof/false_alarm_every``, and all its streams another; both together keep the declared rate.
"""

from __future__ import annotations

from collections.abc import Sequence

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.contract.running_claims import STREAM_METHODS
from launchworthy.evidence import Evidence
from launchworthy.stats import clopper_pearson, normal_cdf, normal_quantile, rolling_bound

__all__ = ["is_sure", "windows_of"]

_DAY_S = 86_400.0
_FEWEST_WINDOWS = 1.0


def windows_of(claims: Sequence[Claim]) -> int:
    """How many promises are watched by a window."""
    return sum(_by_window(claim) for claim in claims)


def is_sure(claim: Claim, piece: Evidence, *, windows: int, false_alarm_s: float) -> bool:
    """Whether evidence that shows a promise broken does so beyond what looking all the time makes likely.

    Args:
        windows: Promises that share the rate.
        false_alarm_s: Time to a false alarm of the product, as declared.
    """
    target, value, low, high = claim.target, piece.value, piece.low, piece.high
    if not _by_window(claim) or target is None or value is None or low is None or high is None:
        # One breach of what may never happen, an age, an alarm of a stream: no estimate of a rate.
        return True
    days = piece.detail.get("window_days")
    window_s = float(days) * _DAY_S if isinstance(days, (int, float)) and days > 0.0 else _DAY_S
    bound = rolling_bound(max(_FEWEST_WINDOWS, 2.0 * windows * false_alarm_s / window_s))
    at_most = target.direction is Direction.AT_MOST
    if piece.method == "Clopper-Pearson" and piece.unit == "ratio":
        level = normal_cdf(bound)
        exact = clopper_pearson(round(value * piece.n), n=piece.n, level=level, sides=1)
        return exact.low > target.threshold if at_most else exact.high < target.threshold
    own = normal_quantile(piece.confidence or claim.confidence)
    beyond = value - target.threshold if at_most else target.threshold - value
    half = value - low if at_most else high - value
    return half <= 0.0 or beyond * own > bound * half


def _by_window(claim: Claim) -> bool:
    return claim.kind is ClaimKind.BOUND and claim.options.get("method") not in STREAM_METHODS
