"""Who has which release, as a flag that applications ask like any other. Pure; imports ``rollout.flags``."""

from __future__ import annotations

from launchworthy.rollout.flags import Flag, Rule
from launchworthy.rollout.ramp.ramp import Ramp, RampState

__all__ = ["IN_SHADOW", "RELEASE", "release_flag"]

IN_SHADOW = (
    "shadow"  # rule of a stage that shows the candidate to nobody: who can runs it beside the baseline
)
RELEASE = "release"  # its key; no declared flag may have it while a ramp is there


def release_flag(ramp: Ramp) -> Flag:
    """The flag ``release`` of a product: the candidate's id for the stage's share, else the baseline's.

    Salted by the ramp, so that units of one are no units of the next; a unit that has the candidate keeps
    it while the share grows, and nobody has it once it is taken back.
    """
    variants = {"baseline": ramp.baseline or "", "candidate": ramp.release}
    rules: tuple[Rule, ...] = ()
    in_shadow = ramp.share == 0.0 and ramp.stage is not None and ramp.state is RampState.RUNNING
    if ramp.share > 0.0:
        rules = (Rule(name=ramp.id, split={"candidate": 1.0}, share=ramp.share),)
    elif in_shadow:
        rules = (Rule(name=IN_SHADOW, serve="baseline"),)
    return Flag(
        key=RELEASE,
        variants=variants,
        otherwise="baseline",
        off="baseline",
        enabled=bool(rules),
        unit=ramp.unit,
        seed=ramp.id,
        rules=rules,
    )
