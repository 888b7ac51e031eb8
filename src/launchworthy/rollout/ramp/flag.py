"""Who has which release, as a flag that applications ask like any other. Pure; imports ``rollout.flags``."""

from __future__ import annotations

from launchworthy.rollout.flags import Flag, Rule
from launchworthy.rollout.ramp.ramp import Ramp, RampState

__all__ = ["IN_SHADOW", "RELEASE", "release_flag"]

IN_SHADOW = (
    "shadow"  # rule of a stage that shows the candidate to nobody: who can runs it beside the baseline
)
_STAGE = "stage"  # rule of one that shows it
RELEASE = "release"  # its key; no declared flag may have it while a ramp is there


def release_flag(ramp: Ramp) -> Flag:
    """The flag ``release`` of a product: the candidate's id for the stage's share, else the baseline's.

    Salted by the ramp, so that units of one are no units of the next; a unit that has the candidate keeps
    it while the share grows, and nobody has it once it is taken back.
    """
    in_shadow = ramp.share == 0.0 and ramp.stage is not None and ramp.state is RampState.RUNNING
    if in_shadow:
        rule = Rule(name=IN_SHADOW, serve="baseline")
    elif ramp.share >= 1.0:
        rule = Rule(name=_STAGE, serve="candidate")  # also of whoever is not named
    else:
        rule = Rule(name=_STAGE, split={"candidate": 1.0}, share=ramp.share)
    return Flag(
        key=RELEASE,
        variants={"baseline": ramp.baseline or "", "candidate": ramp.release},
        otherwise="baseline",
        off="baseline",
        unit=ramp.unit,
        seed=ramp.id,
        generation=max(1, int(ramp.steps[0].at.timestamp())) if ramp.steps else 1,
        rules=(rule,),
    )
