"""Releases on their way to users: ramps, experiments and flags.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launchworthy.rollout.experiment import (
    PLAN_KIND,
    DeclaredPlan,
    stored_experiment,
    stored_experiments,
)
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.experiments import MOST_PLANS, plain_experiment, plain_summary, plans_in
from launchworthy.server.local.chained import Chained

__all__ = ["Released"]


class Released(Chained):
    """Releases on their way to users: ramps, experiments and flags."""

    def start_ramp(
        self,
        *,
        product: str,
        release: str | None = None,
        baseline: str | None = None,
        reason: str = "",
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Begin to bring a release to its users stage by stage; the one that serves now is its baseline."""
        return self.ramping.start(
            product, release=release, baseline=baseline, reason=reason, by=by, caller=caller
        )

    def experiments(self, *, product: str, simulated: bool = False) -> list[dict[str, Any]]:
        """Flags and experiments of which units met at least two variants, newest first."""
        found = stored_experiments(
            self.query, product=product, plans=self._plans(product), simulated=simulated
        )
        return [plain_summary(each) for each in found]

    def experiment(self, *, product: str, key: str, simulated: bool = False) -> dict[str, Any]:
        """What an experiment says now, from who met which variant and what they did since."""
        found = stored_experiment(
            self.query,
            product=product,
            key=key,
            plans=self._plans(product).get(key, ()),
            simulated=simulated,
            now=self._clock(),
        )
        return plain_experiment(found)

    def _plans(self, product: str) -> dict[str, list[DeclaredPlan]]:
        return plans_in(self.audit_trail(product=product, kind=PLAN_KIND, limit=MOST_PLANS))

    def ramps(self, *, product: str) -> list[dict[str, Any]]:
        """Releases that are or were brought to their users, newest first, the newest with what follows."""
        return self.ramping.listed(product)

    def step_ramp(
        self,
        *,
        product: str,
        ramp_id: str,
        action: str,
        reason: str,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Decide about a ramp as a person: enter, hold, resume, approve, roll_back or stop."""
        return self.ramping.step(product, ramp=ramp_id, action=action, reason=reason, by=by, caller=caller)

    def evaluate_ramp(self, *, product: str) -> dict[str, Any] | None:
        """Look at the ramp under way at once, and do what follows; None where there is none."""
        found = self.ramping.evaluate(product)
        return None if found is None else self.ramping.listed(product)[0]

    def flags(self, *, product: str) -> dict[str, Any]:
        """The flags in force, with that of the product's releases; for clients that decide by themselves."""
        return self.flagging.told(product)

    def set_flags(
        self,
        *,
        product: str,
        flags: Mapping[str, Any],
        reason: str,
        by: str = "",
        replaces: int | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Put flags in force, unless they would move units and no higher generation says so."""
        return self.flagging.put(
            product, document=flags, reason=reason, by=by, replaces=replaces, caller=caller
        )

    def switch_flag(
        self,
        *,
        product: str,
        flag: str,
        enabled: bool,
        reason: str,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Switch a flag off for everybody at once, or on again."""
        return self.flagging.switch(product, flag=flag, enabled=enabled, reason=reason, by=by, caller=caller)

    def flag_history(self, *, product: str) -> list[dict[str, Any]]:
        """Versions of the flags that were put in force, newest first: when, by whom, why."""
        return self.flagging.history(product)
