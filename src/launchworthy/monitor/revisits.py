"""Whether a decision still holds: has what it is to be made again for come true, and lasted.

May import ``contract``, ``evidence`` and this room. A trigger reads the evidence that the ledger holds of its
line, by whichever prover; ``calls`` and ``cost`` are counted from records. It has fired where whatever of its
time shows anything shows it, from the beginning on; one piece that shows the opposite is enough for no.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from launchworthy.contract import ClaimKind, Direction, Target
from launchworthy.contract.draft import side
from launchworthy.contract.units import per_day
from launchworthy.evidence import Evidence, measured_text
from launchworthy.evidence.judgement import bounds_at
from launchworthy.monitor.covering import frequency, spending
from launchworthy.monitor.piece import piece
from launchworthy.monitor.scene import Ask
from launchworthy.quantity import Quantity
from launchworthy.stats import bound_status

__all__ = ["MEASURES"]

_COUNTED: Mapping[str, Callable[[Ask], Evidence | None]] = {"calls": frequency, "cost": spending}
_FEWEST_DAYS = 7.0  # one day tells nothing of how days differ
_SOON = 0.1  # share of its time by which the first evidence of a trigger may come late


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trigger:
    """What fires a decision: the line, its threshold, and how long it must last (0: a moment)."""

    address: str
    target: Target
    lasts: timedelta
    slice: str | None

    @property
    def told(self) -> str:
        on = f" on {self.slice}" if self.slice else ""
        limit = side(self.target.direction, Quantity(self.target.threshold, self.target.unit))
        return f"{self.address}{on}, {limit} asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Whether it fired, None where that cannot be told yet; why; and the pieces that were read."""

    fired: bool | None
    why: str
    read: Sequence[Evidence] = ()


def _holds(ask: Ask) -> Evidence | None:
    triggers = [_trigger(address, told) for address, told in dict(ask.claim.options["revisit"]).items()]
    held = list(ask.scene.held())
    found = [_of_records(ask, each) or _of_ledger(ask, each, held) for each in triggers]
    fired = any(each.fired for each in found)
    known = fired or all(each.fired is False for each in found)
    decisive = [each for each in found if each.fired is (True if fired else False if known else None)]
    read = [each for one in found for each in one.read]
    newest = max((each.observed_at for each in read), default=None)
    return piece(
        ask,
        release=False,
        value=float(fired) if known else None,
        n=len(read),
        unit_of_analysis="piece of evidence",
        method="trigger",
        simulated=any(each.simulated for each in read),
        detail={
            "reason": "; ".join(each.why for each in decisive),
            "evidence": [each.id for each in read[:20]],
            **({"newest": newest.isoformat()} if newest is not None else {}),
        },
    )


def _trigger(address: str, told: Mapping[str, Any]) -> _Trigger:
    return _Trigger(
        address=address,
        target=Target(
            direction=Direction(told["direction"]), threshold=float(told["threshold"]), unit=str(told["unit"])
        ),
        lasts=timedelta(milliseconds=min(float(told.get("for_ms") or 0.0), 1e13)),
        slice=told.get("slice"),
    )


def _of_records(ask: Ask, trigger: _Trigger) -> _Found | None:
    """Of what is counted here: over the time it must last, else the period of its unit, a week at least."""
    measure = _COUNTED.get(trigger.address)
    if measure is None:
        return None
    a_day = per_day(Quantity(1.0, trigger.target.unit))
    if a_day is None:
        return _Found(
            fired=None, why=f"{trigger.address} is counted by period: write 5000/d or 100 USD/month"
        )
    days = trigger.lasts.total_seconds() / 86_400.0 or max(_FEWEST_DAYS, 1.0 / a_day)
    claim = replace(ask.claim, target=trigger.target, options={})
    counted = measure(replace(ask, claim=claim, workflow=None).within(days * 86_400.0))
    if counted is None or counted.value is None:
        why = "no call was recorded" if counted is None else str(counted.detail.get("reason"))
        return _Found(fired=None, why=f"{trigger.told}: {why}")
    state = _state(ask, trigger, counted)
    if state == "met" and counted.n < (1 - _SOON) * days - 1:
        return _Found(fired=None, why=f"{trigger.told}: records do not go back that far", read=[counted])
    return _found(trigger, state, [counted])


def _of_ledger(ask: Ask, trigger: _Trigger, held: Sequence[Evidence]) -> _Found:
    scene = ask.scene
    start = scene.now - (trigger.lasts or timedelta(seconds=min(ask.claim.valid_for_s, 1e10)))
    own = sorted(
        (
            each
            for each in held
            if each.claim.removeprefix(f"{scene.product}/") == trigger.address
            and each.kind in (ClaimKind.BOUND, ClaimKind.COVER)
            and each.slice == trigger.slice
            and each.value is not None
            and each.observed_at <= scene.now
        ),
        key=lambda each: each.observed_at,
    )
    within = [each for each in own if each.observed_at > start]
    if not within:
        return _Found(fired=None, why=f"{trigger.told}: no evidence of it since {start:%Y-%m-%d}")
    if not trigger.lasts:
        within = within[-1:]
    against = [each for each in within if _state(ask, trigger, each) == "unmet"]
    if against:
        return _found(trigger, "unmet", against[-1:])
    # The first pieces of each release are too small to tell anything, and contradict nothing.
    shows = [each for each in within if _state(ask, trigger, each) == "met"]
    if not shows:
        return _found(trigger, "unproven", within[-1:])
    within = shows
    if trigger.lasts:
        before = [each for each in own if each.observed_at <= start][-1:]
        first = within[0].observed_at
        if first > start + _SOON * trigger.lasts and [_state(ask, trigger, each) for each in before] != [
            "met"
        ]:
            fires = first + trigger.lasts
            return _Found(
                fired=None,
                why=f"{trigger.told}: true since {first:%Y-%m-%d}, and it fires on {fires:%Y-%m-%d}",
                read=within,
            )
    return _found(trigger, "met", within)


def _state(ask: Ask, trigger: _Trigger, found: Evidence) -> str:
    """``met`` where a bound shows that it is true, ``unmet`` where one shows that it is not."""
    target = trigger.target
    bounds = bounds_at(found, level=ask.claim.confidence)
    if found.unit != target.unit or bounds is None:
        return "unproven"
    return bound_status(*bounds, direction=target.direction, threshold=target.threshold)


def _found(trigger: _Trigger, state: str, read: Sequence[Evidence]) -> _Found:
    told = f"{trigger.told}: {measured_text(replace(read[-1], kind=ClaimKind.BOUND))}"
    if state == "unproven":
        told += " cannot tell whether it is"
    return _Found(fired={"met": True, "unmet": False}.get(state), why=told, read=read)


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {"holds:decisions/*": _holds}
