from __future__ import annotations

from datetime import UTC, datetime

from launchworthy.contract import Stage
from launchworthy.rollout.flags import Evaluate, FlagSet, compiled
from launchworthy.rollout.ramp import Action, Ramp, Step, release_flag

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SHARES = {"pilot": 0.05, "expand": 0.25, "launch": 1.0}
STAGES = tuple(
    Stage(name=name, share=share, dwell_ms=None, approver=None, needs=()) for name, share in SHARES.items()
)
START = Ramp(
    id="ramp-1",
    product="support",
    release="r-2",
    baseline="r-1",
    unit="user",
    stages=STAGES,
    takes_back=True,
    within_ms=None,
).after(Step(at=NOW, action=Action.START, stage="pilot", reason="go", by="ana"))


def _candidates(ramp: Ramp, users: int = 20_000) -> set[int]:
    evaluate = _compiled(ramp)
    return {user for user in range(users) if evaluate(str(user), {}).value == "r-2"}


def _compiled(ramp: Ramp) -> Evaluate:
    flag = release_flag(ramp)
    return compiled(flag, FlagSet(product="support", flags={flag.key: flag}))


def _enter(ramp: Ramp, stage: str) -> Ramp:
    return ramp.after(Step(at=NOW, action=Action.ENTER, stage=stage, reason="go"))


def test_who_has_the_release_keeps_it_while_the_share_grows_and_nobody_after_a_rollback() -> None:
    assert _candidates(START) == set()
    pilot = _enter(START, "pilot")
    few = _candidates(pilot)
    expand = _enter(pilot, "expand")
    more = _candidates(expand)
    assert few < more
    assert abs(len(few) / 20_000 - 0.05) < 0.006
    assert abs(len(more) / 20_000 - 0.25) < 0.012
    assert len(_candidates(_enter(expand, "launch"), 500)) == 500
    back = expand.after(Step(at=NOW, action=Action.ROLL_BACK, stage="expand", reason="harm"))
    assert _candidates(back, 2_000) == set()
