"""Claims about how it goes live, is watched, sold and taken up. May import this room only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from launchworthy.contract.claim import ClaimKind, Direction, Target
from launchworthy.contract.draft import (
    Draft,
    canonical_unit,
    label_sources,
    margin_of,
    told_margin,
    words,
)
from launchworthy.contract.model import Contract
from launchworthy.contract.model.measures import Line
from launchworthy.contract.model.running import Monitor
from launchworthy.contract.model.workflow import FAMILIES
from launchworthy.contract.standing import standing
from launchworthy.quantity import Quantity
from launchworthy.stats import TOLERATED, TOLERATED_AUC, Divergence

__all__ = ["DRIFT_TOLERATED", "STREAM_METHODS", "running_claims"]

# Methods that watch a stream, event by event.
STREAM_METHODS = ("cusum", "adwin")
_SIGNALS_OF_DRIFT = ("input", "features", "output", "score")

# Method of a drift monitor → what is tolerated where it says nothing.
DRIFT_TOLERATED: Mapping[str, Quantity] = {
    "estimate": Quantity(0.05, "ratio"),
    "classifier": Quantity(TOLERATED_AUC, "ratio"),
    "chi2": Quantity(TOLERATED[Divergence.CRAMER], ""),
    **{
        measure.value: Quantity(TOLERATED[measure], "")
        for measure in TOLERATED
        if measure is not Divergence.CRAMER
    },
}


def running_claims(draft: Draft) -> None:
    """Write the claims of the blocks from ``rollout`` to ``pricing``."""
    _rollout(draft)
    _monitors(draft)
    _selling(draft)


def _rollout(draft: Draft) -> None:
    rollout = draft.contract.rollout
    for harm in rollout.harms:
        for address, line, unit in _lines_of(draft.contract, harm):
            margin = margin_of(draft.contract, line, unit)
            draft.add(
                ClaimKind.DELTA,
                f"rollout/harms/{address}",
                f"{address} gets worse by no more than {told_margin(margin)} in any stage",
                metric="harms",
                line="rollout/harms",
                target=Target(direction=line.direction, threshold=line.threshold.value, unit=unit),
                margin=margin.value,
                options={"of": address, "unit": rollout.unit},
            )
    if rollout.roll_back is not None:
        back = rollout.roll_back
        draft.drill(
            "rollout/roll_back",
            f"on {words(back.when)} the release is taken back within {back.within}",
            options={"when": back.when, "within_ms": back.within.value},
        )


def _lines_of(contract: Contract, harm: str) -> Iterator[tuple[str, Line, str]]:
    """Address, line and unit of each target that a harm names: in one workflow, or in all that have it."""
    asked = harm.removeprefix(f"{contract.product}/")
    for name, workflow in contract.workflows.items():
        own = asked.removeprefix(f"{name}/")
        family, _, metric = own.partition("/")
        line = getattr(workflow, family, {}).get(metric) if family in FAMILIES else None
        if isinstance(line, Line):
            yield f"{name}/{own}", line, canonical_unit(family, metric, line.threshold)
    family, _, which = asked.partition("/")
    if family == "fairness" and contract.fairness is not None:
        which, _, metric = which.partition("/")
        for address, line in getattr(contract.fairness, which, {}).items():
            if metric in ("", address):
                yield f"fairness/{which}/{address}", line, line.threshold.unit
    if family == "abuse" and which in contract.abuse:
        yield asked, contract.abuse[which], "ratio"


def _monitors(draft: Draft) -> None:
    contract = draft.contract
    streams = sum(_is_stream(monitor) for monitor in contract.monitors.values())
    for name, monitor in contract.monitors.items():
        path = f"monitors/{name}"
        options: dict[str, Any] = {
            "signal": monitor.signal,
            "method": monitor.method,
            "window_ms": monitor.window.value if monitor.window else None,
            "page": monitor.page,
            "labels": monitor.labels,
            "then": monitor.then,
        }
        if monitor.labels:
            options["label_sources"] = label_sources(contract, monitor.labels)
            chosen = contract.release.threshold
            options["threshold"] = None if chosen is None else chosen.value
            drawn = contract.labels.sample.get("random")
            options["random"] = None if drawn is None else drawn.value
        if monitor.inject:
            faults = ", ".join(words(fault) for fault in monitor.inject)
            draft.drill(
                path,
                f"{words(name)}: with {faults} injected, the fallbacks answer",
                valid_for=monitor.every,
                options={**options, "inject": monitor.inject},
            )
            continue
        if _is_stream(monitor):
            # Promises that are watched by windows have the other half of the rate.
            every_ms = 2.0 * contract.proof.false_alarm_every.value
            options |= {"false_alarm_ms": every_ms, "streams": streams}
        window = monitor.window or Quantity(86_400_000.0, "ms")
        promised = _promise(contract, monitor)
        if promised is not None:
            direction, limit = promised
            draft.bound(
                path,
                direction,
                limit,
                subject=f"{_subject(name, monitor)} within {window}",
                options=options,
            )
        else:
            draft.fresh(
                path,
                window,
                subject=f"the last look for {words(name)} ({monitor.signal}) is",
                options=options,
            )


def _subject(name: str, monitor: Monitor) -> str:
    if monitor.method == "estimate":
        return f"how far scores and labels differ on {monitor.signal} ({words(name)})"
    return f"{words(name)} ({monitor.signal})"


def _is_stream(monitor: Monitor) -> bool:
    return monitor.method in STREAM_METHODS


def _promise(contract: Contract, monitor: Monitor) -> tuple[Direction, Quantity] | None:
    """What a monitor's signal is held to: its limit, what drift tolerates, or the line that it watches."""
    if monitor.at_least is not None:
        return Direction.AT_LEAST, monitor.at_least
    if monitor.at_most is not None:
        return Direction.AT_MOST, monitor.at_most
    signal = monitor.signal or ""
    method = monitor.method or ("jensen_shannon" if signal.partition("/")[0] in _SIGNALS_OF_DRIFT else "")
    if method in DRIFT_TOLERATED:
        return Direction.AT_MOST, DRIFT_TOLERATED[method]
    kept = standing(contract, monitor)
    if kept is not None:
        return kept.direction, kept.promise
    names = [signal] if "/" in signal else [f"{family}/{signal}" for family in FAMILIES]
    found = {
        (line.direction, Quantity(line.threshold.value, unit))
        for name in names
        for _, line, unit in _lines_of(contract, name)
    }
    return found.pop() if len(found) == 1 else None


def _plain(quantity: Quantity | None) -> dict[str, Any] | None:
    return None if quantity is None else {"value": quantity.value, "unit": quantity.unit}


def _selling(draft: Draft) -> None:
    adoption, pricing = draft.contract.adoption, draft.contract.pricing
    for name in ("activation", "retention"):
        line = getattr(adoption, name, None)
        if line is not None:
            when = f" within {line.within}" if line.within else f" after {line.after}" if line.after else ""
            draft.bound(
                f"adoption/{name}",
                line.direction,
                line.threshold,
                subject=f"{name}{when}",
                options={
                    "within_ms": line.within.value if line.within else None,
                    "after_ms": line.after.value if line.after else None,
                },
            )
    if pricing is None:
        return
    draft.cover(
        "pricing/value",
        subject=f"{{share}} of what is billed is a verified {words(pricing.value)}",
        options={
            "event": pricing.value,
            "packaging": pricing.packaging,
            "workflow": draft.contract.sold,
            **{name: _plain(getattr(pricing, name)) for name in ("seat", "usage", "included")},
        },
    )
    if pricing.margin is not None:
        draft.bound(
            "pricing/margin",
            pricing.margin.direction,
            pricing.margin.threshold,
            subject="margin over all accounts",
        )
    heavy = pricing.heavy_users
    if heavy is not None and heavy.margin is not None:
        draft.bound(
            "pricing/heavy_users/margin",
            heavy.margin.direction,
            heavy.margin.threshold,
            subject=f"margin of users above {heavy.above.upper()}",
            options={"above": heavy.above},
        )
    if heavy is not None and heavy.cap is not None:
        draft.never(
            "pricing/heavy_users/cap",
            f"no user goes beyond {heavy.cap}",
            options={"limit": heavy.cap.value, "unit": heavy.cap.unit},
        )
    told = pricing.expectations
    if told is not None and told.shown_in:
        where = ", ".join(words(place) for place in told.shown_in)
        draft.cover(
            "pricing/expectations/shown_in",
            subject=f"{{share}} of users saw what it is for and not for, in {where}",
            options={"shown_in": told.shown_in},
        )
    if told is not None and told.misfit is not None:
        draft.bound(
            "pricing/expectations/misfit",
            told.misfit.direction,
            told.misfit.threshold,
            subject="share of use that it is not meant for",
        )
