"""The ramp that a contract declares, as a plan to simulate. Pure; may import ``contract``, ``errors``,
``rollout.ramp`` and this room.
"""

from __future__ import annotations

from collections.abc import Sequence

from launchworthy.contract import Claim, Direction, Stage
from launchworthy.errors import InputError
from launchworthy.rollout.experiment.plan import Role
from launchworthy.rollout.experiment.simulated_plan import SimulatedMetric, SimulatedPlan
from launchworthy.rollout.ramp.looking import SPENDING

__all__ = ["ramp_of"]

_DAY_MS = 86_400_000.0
_HARMS = "rollout/harms/"
_MOST_STEPS = 300  # looks for harm in all of the plan; a server looks far more often, and finds as much
_LEAST, _MOST = 0.001, 0.999  # rates between which a target of 0 or 100 % is taken to lie


def ramp_of(
    stages: Sequence[Stage], *, claims: Sequence[Claim], per_day: float
) -> tuple[SimulatedPlan, dict[str, str]]:
    """Stages that compare, harms at their targets with their margins; and what is left out, and why.

    The baseline is taken to be at the target. Stages without a share to compare (nobody, or everybody) or
    without an end are left out.

    Raises:
        InputError: No stage compares, or no harm is a share.
    """
    left_out: dict[str, str] = {}
    kept: list[tuple[float, float]] = []
    for stage in stages:
        if not 0.0 < stage.share < 1.0:
            left_out[stage.name] = "it compares nobody with anybody"
        elif stage.dwell_ms is None:
            left_out[stage.name] = "the contract does not say how long it lasts"
        else:
            kept.append((stage.share, stage.dwell_ms / _DAY_MS))
    metrics: list[SimulatedMetric] = []
    confidence, harms = 0.95, 0
    for claim in claims:
        of = claim.options.get("of") if claim.address.partition("/")[2].startswith(_HARMS) else None
        if not isinstance(of, str) or claim.target is None:
            continue
        harms += 1
        if claim.target.unit != "ratio":
            left_out[of] = "only shares are simulated; write others with their sd as a plan"
        elif not claim.margin:
            left_out[of] = "it has no margin"
        else:
            confidence = claim.confidence
            metrics.append(
                SimulatedMetric(
                    name=of,
                    role=Role.HARM,
                    rate=min(_MOST, max(_LEAST, claim.target.threshold)),
                    margin=claim.margin,
                    higher_is_better=claim.target.direction is Direction.AT_LEAST,
                )
            )
    if not kept:
        raise InputError(
            "no stage of the contract compares",
            hint="one has a share below 100 % and lasts `for` so long",
        )
    if not metrics:
        raise InputError("no harm of the contract is a share with a margin", hint="rollout: {harms: […]}")
    plan = SimulatedPlan(
        stages=tuple(kept),
        per_day=per_day,
        metrics=tuple(metrics),
        confidence=confidence,
        harms=harms,
        spending=SPENDING,
        steps_per_day=max(1, min(8, int(_MOST_STEPS / sum(days for _, days in kept)))),
    )
    return plan, left_out
