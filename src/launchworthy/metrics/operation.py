"""What an answer took: latency and cost. May import this room and ``records``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.metrics.estimators import POSITIVE, MeanEstimator, QuantileEstimator, RatioEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.records import Score

__all__ = ["FAMILY", "amount", "cost", "cost_per_success", "latency_mean", "latency_quantile"]

_MOST = 1e15  # a sum of squares of such numbers is still finite
_LATENCY = Field("latency_ms", "from the request to the end of the answer, in milliseconds")
_COST = Field("cost_usd", "cost of the answer, in US dollars")


def amount(row: Mapping[str, Any], name: str) -> float:
    """The number of a field that can be added up.

    Raises:
        CannotScore: It is missing, no number, negative, or too large.
    """
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MOST:
        raise CannotScore(f"field {name!r} is missing or not a number from 0 to {_MOST:g}")
    return float(value)


def _plain(row: Mapping[str, Any], name: str) -> Score:
    value = amount(row, name)
    return Score(value=value, statistics={"total": value, "items": 1.0})


def latency_quantile(percent: float) -> Metric:
    """The latency that ``percent`` of the answers do not exceed."""
    return Metric(
        name=f"latency-p{percent:g}",
        doc=f"Latency that {percent:g} % of the answers do not exceed.",
        fields=(_LATENCY,),
        read=lambda row: _plain(row, "latency_ms"),
        estimator=QuantileEstimator(percent / 100.0, "ms"),
        unit="ms",
        unit_of_analysis="call",
        higher_is_better=False,
        convention="Inverse of the empirical distribution: a latency that was seen, never a mean of two.",
        source="Hyndman and Fan (1996), definition 1",
    )


def latency_mean() -> Metric:
    """Mean latency."""
    return Metric(
        name="latency",
        doc="Mean latency.",
        fields=(_LATENCY,),
        read=lambda row: _plain(row, "latency_ms"),
        estimator=MeanEstimator(bounds=POSITIVE, unit="ms"),
        unit="ms",
        unit_of_analysis="call",
        higher_is_better=False,
        convention="Arithmetic mean; a quantile says more about what users wait.",
        source="Arithmetic mean",
    )


def cost() -> Metric:
    """Mean cost."""
    return Metric(
        name="cost",
        doc="Mean cost of an answer.",
        fields=(_COST,),
        read=lambda row: _plain(row, "cost_usd"),
        estimator=MeanEstimator(bounds=POSITIVE, unit="USD"),
        unit="USD",
        unit_of_analysis="call",
        higher_is_better=False,
        convention="Arithmetic mean; a row without a known cost is not scored, and never free.",
        source="Arithmetic mean",
    )


def cost_per_success() -> Metric:
    """Cost of all answers over the number that succeeded."""

    def read(row: Mapping[str, Any]) -> Score:
        value, success = amount(row, "cost_usd"), row.get("success")
        if not isinstance(success, bool) and success not in (0, 1):
            raise CannotScore("field 'success' is missing or not true or false")
        return Score(value=value, statistics={"cost_usd": value, "successes": float(success)})

    return Metric(
        name="cost-per-success",
        doc="Cost of all answers, those that failed included, over the number of successes.",
        fields=(_COST, Field("success", "true where the user's job was done")),
        read=read,
        estimator=RatioEstimator("cost_usd", "successes", "USD"),
        unit="USD",
        unit_of_analysis="call",
        higher_is_better=False,
        convention="Ratio of sums, not mean of ratios; give --cluster with the user's field.",
        source="Deng et al., Applying the Delta Method in Metric Analytics (KDD 2018)",
    )


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "latency": (latency_mean, ()),
    "cost": (cost, ()),
    "cost-per-success": (cost_per_success, ()),
}
