"""A release on its way to everybody, as the steps that were taken. Pure; imports ``contract``, ``errors``.

A ramp is what happened to it: its stage, its state and who has it follow from its steps and from nothing
else, so that a restart finds it where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from launchworthy.contract import Stage
from launchworthy.errors import ConflictError, InputError

__all__ = ["Action", "Ramp", "RampState", "Step"]


class Action(StrEnum):
    """What can be done to a ramp."""

    START = "start"
    ENTER = "enter"  # the stage that the step names
    LOOK = "look"  # a planned one, once the stage that it is in has lasted
    HOLD = "hold"
    RESUME = "resume"
    APPROVE = "approve"  # entering the stage that the step names
    ROLL_BACK = "roll_back"
    STOP = "stop"  # given up without harm: the baseline serves again


class RampState(StrEnum):
    """Where a ramp stands."""

    RUNNING = "running"
    HELD = "held"
    COMPLETE = "complete"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing follows by itself."""
        return self in (RampState.COMPLETE, RampState.ROLLED_BACK, RampState.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done to a ramp.

    Attributes:
        at: When (aware).
        action: What.
        stage: Stage that it is about; the one that the ramp was in, but for ``enter`` and ``approve``.
        reason: Why, in a sentence.
        by: Who did it; None: the ramp by itself.
        facts: The numbers behind it, as JSON values.
    """

    at: datetime
    action: Action
    stage: str
    reason: str
    by: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """A release that is brought to its users stage by stage.

    Attributes:
        id: Names it, and salts who is in it: a unit that has the release keeps it as the share grows.
        product: Product.
        release: The candidate.
        baseline: Release that the others get, and that it is compared with; None for a first release.
        unit: Who is assigned: ``user``, ``account``, ``card`` …
        stages: Those of the contract when it was started.
        takes_back: Whether proven harm takes it back by itself, or only holds it.
        within_ms: How long taking it back may last; None where the contract does not say.
        steps: Oldest first.
    """

    id: str
    product: str
    release: str
    baseline: str | None
    unit: str
    stages: tuple[Stage, ...]
    takes_back: bool
    within_ms: float | None
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> RampState:
        """Where it stands."""
        for step in reversed(self.steps):
            match step.action:
                case Action.ROLL_BACK:
                    return RampState.ROLLED_BACK
                case Action.STOP:
                    return RampState.STOPPED
                case Action.HOLD:
                    return RampState.HELD
                case Action.RESUME:
                    break
                case Action.ENTER:
                    break
        last = self.stage
        done = last is not None and last is self.stages[-1] and last.share >= 1.0
        return RampState.COMPLETE if done else RampState.RUNNING

    @property
    def position(self) -> int:
        """Place of the current stage among the stages; −1 before the first."""
        entered = [step.stage for step in self.steps if step.action is Action.ENTER]
        names = [stage.name for stage in self.stages]
        return names.index(entered[-1]) if entered else -1

    @property
    def stage(self) -> Stage | None:
        """The stage it is in; None before the first."""
        return None if self.position < 0 else self.stages[self.position]

    @property
    def next_stage(self) -> Stage | None:
        """The stage that comes next; None after the last."""
        place = self.position + 1
        return self.stages[place] if place < len(self.stages) else None

    @property
    def share(self) -> float:
        """Share of units that get the release now: none once it is taken back or given up."""
        if self.state in (RampState.ROLLED_BACK, RampState.STOPPED) or self.stage is None:
            return 0.0
        return self.stage.share

    @property
    def entered_at(self) -> datetime | None:
        """When it entered the current stage."""
        return next((step.at for step in reversed(self.steps) if step.action is Action.ENTER), None)

    @property
    def exposed_since(self) -> datetime | None:
        """When the first unit got the release; None while nobody has."""
        shares = {stage.name: stage.share for stage in self.stages}
        return next(
            (step.at for step in self.steps if step.action is Action.ENTER and shares[step.stage] > 0.0), None
        )

    @property
    def dwells_until(self) -> datetime | None:
        """When the current stage has lasted as long as the contract says; None where it says nothing."""
        stage, entered = self.stage, self.entered_at
        if stage is None or entered is None or stage.dwell_ms is None:
            return None
        return entered + timedelta(milliseconds=stage.dwell_ms)

    @property
    def looks(self) -> tuple[Step, ...]:
        """The planned looks that were taken: what they spent of the error is spent."""
        return tuple(step for step in self.steps if step.action is Action.LOOK)

    @property
    def looks_here(self) -> tuple[Step, ...]:
        """Those of the current stage."""
        places = [place for place, step in enumerate(self.steps) if step.action is Action.ENTER]
        since = self.steps[places[-1] :] if places else ()
        return tuple(step for step in since if step.action is Action.LOOK)

    def approved_by(self, stage: str) -> str | None:
        """Who said yes to entering a stage since the ramp was last held; None where nobody did."""
        for step in reversed(self.steps):
            if step.action is Action.HOLD:
                return None
            if step.action is Action.APPROVE and step.stage == stage:
                return step.by
        return None

    def after(self, step: Step) -> Ramp:
        """The ramp once the step is taken.

        Raises:
            ConflictError: It is over, or the step does not follow from where it stands.
            InputError: A person gives no reason, or names no stage of the ramp.
        """
        if step.by is not None and not step.reason.strip():
            raise InputError("a person who decides about a ramp gives a reason", where="reason")
        if step.stage not in {stage.name for stage in self.stages}:
            raise InputError(f"the ramp has no stage {step.stage!r:.60}", where="stage")
        if self.steps and step.at < self.steps[-1].at:
            step = replace(step, at=self.steps[-1].at)  # a clock that went back tells no other order
        wrong = self._why_not(step)
        if wrong:
            raise ConflictError(wrong, where=f"ramp {self.id}", hint="launchworthy rollout status shows it")
        return replace(self, steps=(*self.steps, step))

    def _why_not(self, step: Step) -> str:
        state, following = self.state, self.next_stage
        if step.action is Action.START:
            return "it was started already" if self.steps else ""
        if not self.steps:
            return "it was not started"
        if state in (RampState.ROLLED_BACK, RampState.STOPPED):
            return f"it is over: {state.value.replace('_', ' ')}"
        if step.action in (Action.ENTER, Action.APPROVE):
            if state is RampState.HELD and step.action is Action.ENTER:
                return "it is held: resume it first"
            if following is None or following.name != step.stage:
                told = "it is in its last stage" if following is None else f"{following.name} comes next"
                return f"it cannot enter {step.stage}: {told}"
        if step.action is Action.RESUME and state is not RampState.HELD:
            return "it is not held"
        if step.action is Action.HOLD and state is RampState.HELD:
            return "it is held already"
        return ""
