"""An ordinary flag in the weeks of the story: who gets six documents named, and who three as before.

May import ``rollout``, ``server`` and this room. The flag, its kill switch and the plan of its experiment go
through the operations that people use; only the days are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launchworthy.demo.assistant import FLAG, PRODUCT
from launchworthy.rollout.experiment import PLAN_KIND
from launchworthy.rollout.experiment.plan import read_mapping
from launchworthy.rollout.flags import Decision
from launchworthy.server.local import LocalWorkspace

__all__ = ["NearestFlag", "exposure_row"]

_SWITCHED = {  # day of the flag → whether it is on from then, and why
    2: (False, "six lines push the answer off a small screen; off until the list folds"),
    3: (True, "the list folds now, and whoever had six has six again"),
}


class NearestFlag:
    """The flag over its days.

    Args:
        workspace: Keeps it.
        folder: Holds ``flags.yaml`` and ``experiment.yaml``.
        by: Who acts.
    """

    def __init__(self, workspace: LocalWorkspace, *, folder: Path, by: str) -> None:
        self._workspace, self._folder, self._by = workspace, folder, by
        self._day: int | None = None

    def begin(self) -> None:
        """Declare the experiment, then put the flag in force: nobody has met it before."""
        plan = read_mapping(self._folder / "experiment.yaml")
        self._workspace.record(product=PRODUCT, kind=PLAN_KIND, body=plan)
        self._workspace.set_flags(
            product=PRODUCT,
            flags=read_mapping(self._folder / "flags.yaml"),
            reason="do six documents help more than three?",
            by=self._by,
        )
        self._day = 0

    def next_day(self) -> None:
        """Whoever has the kill switch uses it on its day."""
        if self._day is None:
            return
        if self._day in _SWITCHED:
            enabled, reason = _SWITCHED[self._day]
            self._workspace.switch_flag(
                product=PRODUCT, flag=FLAG, enabled=enabled, reason=reason, by=self._by
            )
        self._day += 1

    def decide(self, user: str) -> Decision | None:
        """What a user gets; None before the flag is in force."""
        if self._day is None:
            return None
        return self._workspace.flagging.current(PRODUCT).evaluates[FLAG](user, {})


def exposure_row(decision: Decision, call: Mapping[str, Any], *, at: int) -> dict[str, Any]:
    """That a user met it, as a row of the store; ``at`` in nanoseconds."""
    return {
        **call,
        "flag": decision.flag,
        "variant": decision.variant,
        "unit": call["user_id"],
        "unit_kind": decision.unit_kind,
        "algorithm": decision.algorithm,
        "version": decision.version,
        "rule": decision.rule,
        "reason": decision.reason.value,
        "source": "launchworthy",
        "time": at,
    }
