"""Monitors that are plain thresholds: the metric of their signal, within their window.

May import ``contract``, ``evidence`` and this room. A signal is a metric (``empty_retrieval``), its path
(``limits/cost_per_action``), its path below a workflow, ``no_answer``, what guards did, or an event of the
product's own.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from launchworthy.contract import ClaimKind
from launchworthy.evidence import Evidence
from launchworthy.monitor.drift_signals import DRIFT_METHODS, DRIFT_SIGNALS, drifted
from launchworthy.monitor.fairness import compared_groups
from launchworthy.monitor.group_labels import labelled_groups
from launchworthy.monitor.guard_signals import guard_signal
from launchworthy.monitor.labelled import labelled, scores_against_labels
from launchworthy.monitor.limits import beyond_cost, beyond_timeout, share_beyond
from launchworthy.monitor.opinions import rated
from launchworthy.monitor.outcomes import EVENTS
from launchworthy.monitor.own_signals import own_signal
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.standing import is_standing, stood_on
from launchworthy.monitor.trust import reason_given
from launchworthy.monitor.uses import any_event

__all__ = ["monitored", "signal_of"]

_FAMILIES = ("reliability", "economics", "trust", "outcomes")
_LIMITS: Mapping[str, Callable[[Ask], Sample | None]] = {
    "limits/timeout": beyond_timeout,
    "limits/cost_per_action": beyond_cost,
}


def monitored(
    ask: Ask, measure_of: Callable[[str], Callable[[Ask], Evidence | None] | None]
) -> Evidence | None:
    """What the signal says; of signals that nothing here measures, that it does not.

    Args:
        ask: A claim of family ``monitors``.
        measure_of: Finds the measure of ``bound:family/metric``.
    """
    options = ask.claim.options
    ask, signal = signal_of(ask)
    method = str(options.get("method") or "")
    if not method and signal.partition("/")[0] in DRIFT_SIGNALS:
        method = "jensen_shannon"
    if method in DRIFT_METHODS:
        return drifted(ask, signal, method)
    if method == "estimate":
        return scores_against_labels(ask, signal, options.get("label_sources", ()))
    if method:
        return nothing(ask, "one look at a stream is not measured from records")
    if is_standing(signal):
        return stood_on(ask, signal)
    if signal.startswith("fairness/"):
        return _of_groups(ask, signal)
    if options.get("labels"):
        return labelled(ask, signal, options.get("label_sources", ()))
    found = _of_signal(ask, signal, measure_of)
    if found is not None and found.value is not None and found.unit != ask.unit:
        return nothing(ask, f"{signal} is measured in another unit than the target's")
    return found


def signal_of(ask: Ask) -> tuple[Ask, str]:
    """The signal of a monitor within its window, below the workflow that it names."""
    ask = ask.within((ask.claim.options.get("window_ms") or 86_400_000.0) / 1e3)
    signal = str(ask.claim.options.get("signal", "")).removeprefix(f"{ask.scene.product}/")
    head, _, rest = signal.partition("/")
    return (replace(ask, workflow=head), rest) if rest and head in ask.scene.calls else (ask, signal)


def _of_groups(ask: Ask, signal: str) -> Evidence | None:
    """A promise about groups within the window of the monitor: in outcomes, or by labels."""
    of = ask.scene.claims.get(f"{ask.scene.product}/{signal}")
    if of is None:
        return nothing(ask, f"the contract promises nothing at {signal}")
    options = {**ask.claim.options, **of.options}
    ask = replace(ask, claim=replace(ask.claim, metric=of.metric, options=options))
    sources = options.get("label_sources")
    return labelled_groups(ask, sources) if sources else compared_groups(ask)


def _of_signal(
    ask: Ask, signal: str, measure_of: Callable[[str], Callable[[Ask], Evidence | None] | None]
) -> Evidence | None:
    if signal == "no_answer":
        return _declined(ask)
    if signal.startswith("guard"):
        found = guard_signal(ask, signal)
        if found is not None:
            return found
    if signal.startswith("feedback/") and signal != "feedback/coverage":
        return reason_given(ask, signal.partition("/")[2])
    if signal in _LIMITS:
        return share_beyond(ask, _LIMITS[signal](ask))
    for name in [signal] if "/" in signal else [f"{family}/{signal}" for family in _FAMILIES]:
        family, _, metric = name.partition("/")
        measure = measure_of(f"{ClaimKind.BOUND}:{name}")
        # Any word may be an outcome of the product's own: as a signal it is an event of calls, below.
        own = family == "outcomes" and metric not in EVENTS and not metric.startswith("time_to_")
        own = own or ("/" not in signal and measure is rated)
        if measure is not None and not own:
            return measure(replace(ask, family=family, metric=metric))
    return own_signal(ask, signal) or _own_event(ask, signal)


def _declined(ask: Ask) -> Evidence | None:
    """The share of calls that gave no answer on purpose, of those that did not fail."""
    bind = Bind()
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim, workflow,"
        f" (no_answer IS NOT NULL)::DOUBLE AS x FROM ({ask.calls(bind)}) WHERE NOT failed",
        parameters=bind.values,
        noun="call",
        names_workflow=True,
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1))


def _own_event(ask: Ask, event: str) -> Evidence | None:
    """The share of calls with an outcome event of this name, where the product records any."""
    if not any_event(ask, [event]):
        return nothing(ask, f"no metric and no recorded outcome is called {event}")
    bind = Bind()
    calls = ask.seen_by_people().calls(bind)
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim, coalesce(trace_id IN (SELECT trace_id"
        f" FROM outcomes WHERE product = {bind(ask.scene.product)} AND event = {bind(event)}"
        f" AND trace_id IS NOT NULL AND time >= {bind(ask.since_ns)}), false)::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1))
