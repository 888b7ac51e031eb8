"""While a ramp shows its release to nobody, whoever asks who has it is told that it may run in shadow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from launchworthy.contract import Stage
from launchworthy.rollout.flags import FlagSet
from launchworthy.rollout.flags.evaluating import compiled
from launchworthy.rollout.ramp import IN_SHADOW, Action, Ramp, Step, release_flag

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STAGES = tuple(
    Stage(name=name, share=share, dwell_ms=None, approver=None, needs=())
    for name, share in (("shadow", 0.0), ("pilot", 0.5), ("launch", 1.0))
)


def _told(*actions: tuple[Action, str]) -> set[tuple[str, str]]:
    ramp = Ramp(
        id="ramp-1", product="shop", release="r-2", baseline="r-1", unit="user", stages=STAGES,
        takes_back=True, within_ms=None,
    )  # fmt: skip
    for hour, (action, stage) in enumerate(((Action.START, "shadow"), *actions)):
        ramp = ramp.after(
            Step(at=NOW + timedelta(hours=hour), action=action, stage=stage, reason="it may", by="ana")
        )
    flag = release_flag(ramp)
    decide = compiled(flag, FlagSet(product="shop", flags={flag.key: flag}))
    found = [decide(f"user-{place}", {}) for place in range(40)]
    return {(str(each.value), each.rule if each.rule == IN_SHADOW else "") for each in found}


def test_only_a_stage_of_nobody_that_goes_on_is_a_shadow() -> None:
    assert _told() == {("r-1", "")}
    assert _told((Action.ENTER, "shadow")) == {("r-1", "shadow")}
    assert _told((Action.ENTER, "shadow"), (Action.HOLD, "shadow")) == {("r-1", "")}
    pilot = ((Action.ENTER, "shadow"), (Action.ENTER, "pilot"))
    assert _told(*pilot) == {("r-1", ""), ("r-2", "")}
    assert _told(*pilot, (Action.ROLL_BACK, "pilot")) == {("r-1", "")}
