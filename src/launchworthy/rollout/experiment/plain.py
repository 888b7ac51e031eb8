"""A reading as JSON, and its title in words. Pure; may import ``quantity``, ``stats`` and this room."""

from __future__ import annotations

import math
from typing import Any

from launchworthy.quantity import format_number
from launchworthy.rollout.experiment.reading import (
    Conclusion,
    ExperimentReading,
    MetricReading,
    PairReading,
)
from launchworthy.stats import Interval

__all__ = ["finite", "plain_reading", "ratio_in_words", "title_of"]

_TITLES = {
    Conclusion.SHIP: "Ship",
    Conclusion.HARM: "Harm is shown: do not ship",
    Conclusion.NO_HARM: "No harm beyond the margins shown, and no improvement",
    Conclusion.NO_EFFECT: "No improvement of the size looked for",
    Conclusion.UNDERPOWERED: "Too few users to tell",
    Conclusion.GO_ON: "Go on: not all is settled yet",
    Conclusion.STOPPED_BY_SRM: "Not read: the arms are not what was planned",
}


def title_of(reading: ExperimentReading) -> str:
    """The conclusion in words."""
    title = _TITLES[reading.conclusion]
    if reading.despite:
        title += ", if the arms can be trusted"
    return title if not reading.plan.name else f"{reading.plan.name}: {title[0].lower()}{title[1:]}"


def plain_reading(reading: ExperimentReading) -> dict[str, Any]:
    """Everything that was read, as JSON has it: no infinities, null where nothing bounds or was measured."""
    plan, ratio = reading.plan, reading.ratio
    return {
        "experiment": plan.name,
        "conclusion": str(reading.conclusion),
        "reason": reading.reason,
        "baseline": plan.baseline,
        "confidence": plan.confidence,
        "arms": {
            name: {"users": users, "expected": due, "share": share}
            for (name, share), users, due in zip(
                plan.shares.items(), ratio.counts, ratio.expected, strict=True
            )
        },
        "in_two_arms": reading.gathered.in_two_arms,
        "sample_ratio": {
            "p_value": ratio.p_value,
            "e_value": finite(ratio.e_value),
            "mismatch": ratio.mismatch,
            "read_despite": reading.despite or None,
        },
        "look": {
            "fraction": reading.fraction,
            "looks": list(reading.looks.fractions),
            "bounds": [finite(bound) for bound in reading.looks.bounds],
            "spent": list(reading.looks.spent),
            "error": reading.looks.error,
            "spending": plan.spending,
        },
        "correction": plan.correction,
        "notes": list(reading.gathered.notes),
        "comparisons": [_pair(pair) for pair in reading.pairs],
    }


def finite(number: float | None) -> float | None:
    """The number; None for infinities, which JSON has not."""
    return number if number is not None and math.isfinite(number) else None


def _pair(pair: PairReading) -> dict[str, Any]:
    return {
        "arm": pair.arm,
        "conclusion": str(pair.conclusion),
        "reason": pair.reason,
        "metrics": {name: _metric(each) for name, each in pair.metrics.items()},
    }


def _metric(each: MetricReading) -> dict[str, Any]:
    metric, own = each.metric, each.difference
    belief = each.belief
    return {
        "role": str(metric.role),
        "kind": str(metric.kind),
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "relative_to_baseline": metric.relative,
        "margin": metric.margin,
        "least": metric.least,
        "detect": metric.detect,
        "baseline": own.sample["baseline"],
        "candidate": own.sample["candidate"],
        **_interval(own),
        "standard_error": own.sample["standard_error"],
        "p_value": each.p_value,
        "relative": None if each.relative is None else _interval(each.relative),
        "at_look": _interval(each.look),
        "always_valid": {**_interval(each.always), "p_value": each.always.sample.get("p_value")},
        "bayesian": None
        if belief is None
        else {
            "mean": belief.mean,
            "low": belief.low,
            "high": belief.high,
            "chance_above_zero": belief.chance,
            "expected_loss": belief.loss,
        },
        "status": each.status,
        "shown_better": each.shown,
        "harm_proven": each.harmed,
        "smallest_shown": each.smallest,
        "users_needed": each.needed,
        "notes": list(each.notes),
        "sample": {
            name: finite(value) if isinstance(value, float) else value for name, value in own.sample.items()
        },
    }


def _interval(own: Interval) -> dict[str, Any]:
    return {
        "value": own.value,
        "low": finite(own.low),
        "high": finite(own.high),
        "confidence": own.confidence,
        "n": own.n,
        "method": own.method,
        "sides": own.sides,
    }


def ratio_in_words(reading: ExperimentReading) -> str:
    """Users of each arm, and the chance of such shares."""
    users = ", ".join(
        f"{name} {count:,}" for name, count in zip(reading.plan.shares, reading.ratio.counts, strict=True)
    )
    return f"{users} (sample ratio p = {format_number(reading.ratio.p_value)})"
