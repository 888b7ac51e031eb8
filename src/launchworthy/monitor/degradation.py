"""Whether a signal became worse than promised, watched as a stream: monitors of ``cusum`` and ``adwin``.

May import ``contract``, ``evidence``, ``stats`` and this room. "Worse" is said by an e-detector only, whose
false alarms are as rare as the contract declares for all its streams together: each of K streams may raise
one in K times ``proof/false_alarm_every``. A user counts once an hour, so that one who tries again and again
is no stream of evidence.
"""

# ruff: noqa: S608 (the sample is SQL of this room; values are its parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Direction, Target
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.sample import WORST, Taken, Taking
from launchworthy.monitor.scene import Ask
from launchworthy.stats import AdaptiveWindow, Alarm, Interval, PromiseDetector, bounded_mean, clopper_pearson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["degraded"]

_MOST = 200_000  # newest events that are read
_HOUR_NS = 3_600_000_000_000
_DAY_S = 86_400.0
_HALVINGS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """Losses from 0 to 1 in order of time, when each was, whose trace, and how many are simulated."""

    losses: NDArray[np.float64]
    times: NDArray[np.int64]
    traces: list[str]
    records: int
    simulated: int


def degraded(ask: Ask, method: str, signal_of: Callable[[Ask], Evidence | None]) -> Evidence | None:
    """What the stream of a signal says against what is promised of it.

    Args:
        ask: The monitor, its window and workflow.
        method: ``cusum``: the mean of the window; ``adwin``: since the last change that ADWIN sees.
        signal_of: Measures the signal.
    """
    claim = ask.claim
    target = claim.target
    if target is None:
        return nothing(ask, "nothing is promised of it: give the monitor at_least or at_most")
    ask = ask.within(float(claim.options.get("window_ms") or _DAY_S * 1e3) / 1e3)
    try:
        made = signal_of(replace(ask, scene=replace(ask.scene, query=Taking(ask.scene.query))))
    except Taken as taken:
        found = taken
    else:
        reason = None if made is None else made.detail.get("reason")
        return nothing(ask, str(reason or "no stream of calls tells it as a share"))
    promise = _promise(found, target)
    if isinstance(promise, str):
        return nothing(ask, promise)
    stream = _read(ask, found, target)
    if stream is None:
        return nothing(ask, f"no {found.sample.noun} in the window tells it")
    return _judged(ask, method, stream, promise, target)


def _promise(found: Taken, target: Target) -> float | str:
    """The largest mean loss that is promised; why there is none, where there is none."""
    at_most = target.direction is Direction.AT_MOST
    if found.statistic != "share":
        return f"a {found.statistic} is watched by its window or its budget; a stream is one of a share"
    if target.unit != "ratio":
        return "it is a share, and the target is none"
    promise = target.threshold if at_most else 1.0 - target.threshold
    if not 0.0 < promise < 1.0:
        return "a promise of none or all is no rate to watch"
    return promise


def _read(ask: Ask, found: Taken, target: Target) -> _Stream | None:
    import numpy as np

    loss = "x" if target.direction is Direction.AT_MOST else "1.0 - x"
    # The newest are kept where there are too many, and then put in order.
    rows = ask.scene.query(
        f"SELECT * FROM (SELECT avg({loss}) AS loss, max(began) AS last, count(*) AS n,"
        " lower(hex(arg_max(trace, began))) AS trace, bool_or(sim) AS sim"
        f" FROM ({found.sample.finite}) WHERE x IS NOT NULL GROUP BY unit, began // {_HOUR_NS}"
        f" ORDER BY last DESC, trace DESC LIMIT {_MOST}) ORDER BY last, trace",
        found.sample.parameters,
    )
    if not rows:
        return None
    return _Stream(
        losses=np.clip(np.array([row["loss"] for row in rows], dtype=np.float64), 0.0, 1.0),
        times=np.array([row["last"] for row in rows], dtype=np.int64),
        traces=[row["trace"] for row in rows],
        records=sum(row["n"] for row in rows),
        simulated=sum(bool(row["sim"]) for row in rows),
    )


def _judged(ask: Ask, method: str, stream: _Stream, promise: float, target: Target) -> Evidence:
    losses, level = stream.losses, ask.claim.confidence
    options = ask.claim.options
    days = max(1 / 24, (float(stream.times[-1]) - ask.since_ns) / 1e9 / _DAY_S)
    every = float(options.get("false_alarm_ms") or 90 * _DAY_S * 1e3) / 1e3 / _DAY_S
    streams = int(options.get("streams") or 1)
    run_length = max(1_000.0, losses.size / days * every * streams)
    alarms = PromiseDetector(promise, run_length=run_length).add(losses)
    alarm = _lasting(losses, alarms, promise, level)
    told: dict[str, Any] = {
        "records": stream.records,
        "of": "a user's hour",
        "window_days": round(ask.window_s / _DAY_S, 4),
        "method": method,
        "false_alarm": f"one in {run_length:,.0f} events or more rarely",
        "false_alarm_days": every * streams,
        "alarms": [_when(stream, each.at) for each in alarms[-WORST:]],
    }
    start = 0
    if alarm is not None:
        start = alarm.since
        told["since"] = _when(stream, start)
    elif method == "adwin":
        shifts = AdaptiveWindow().add(losses.tolist())
        told["changes"] = [
            {"since": _when(stream, each.since), "before": each.before, "after": each.after}
            for each in shifts[-WORST:]
        ]
        start = shifts[-1].since if shifts else 0
    own = _bounds(losses[start:], level)
    low, high = min(own.low, promise), own.high
    if alarm is not None:
        # The alarm says that it is above the promise; by how much, the largest one that it breaks too.
        low = max(promise * (1.0 + 1e-6), min(own.value, _shown(losses[start:], promise, run_length)))
        high = max(own.high, low)
    worst = [at for at in range(losses.size - 1, start - 1, -1) if losses[at] > 0.5][:WORST]
    told["worst"] = [{"trace": stream.traces[at], "value": None} for at in worst]
    return _piece(ask, stream, replace(own, low=low, high=high), alarm, target, told)


def _piece(
    ask: Ask,
    stream: _Stream,
    own: Interval,
    alarm: Alarm | None,
    target: Target,
    told: Mapping[str, Any],
) -> Evidence:
    """The losses as the claim has them: a share of good ones is turned round."""
    value, low, high = own.value, own.low, own.high
    if target.direction is Direction.AT_LEAST:
        value, low, high = 1.0 - value, 1.0 - high, 1.0 - low
    return piece(
        ask,
        value=value,
        low=low,
        high=high,
        n=own.n,
        unit=target.unit,
        unit_of_analysis="user's hour",
        method="mixture e-detector" if alarm is not None else own.method,
        sample={"mean": own.value, "n": own.n},
        simulated=stream.simulated > 0,
        detail=dict(told),
    )


def _bounds(losses: NDArray[np.float64], level: float) -> Interval:
    if bool(((losses == 0.0) | (losses == 1.0)).all()):
        return clopper_pearson(int(losses.sum()), n=losses.size, level=level)
    return bounded_mean(losses, bounds=(0.0, 1.0), level=level, sides=1)


def _lasting(
    losses: NDArray[np.float64], alarms: Sequence[Alarm], promise: float, level: float
) -> Alarm | None:
    """The alarm with which what is worse now began; None where it is shown to be within the promise again."""
    first = None
    for place, alarm in enumerate(alarms):
        end = alarms[place + 1].since if place + 1 < len(alarms) else losses.size
        since = losses[alarm.at + 1 : end]
        kept = since.size > 0 and _bounds(since, level).high <= promise
        first = None if kept else first or alarm
    return first


def _shown(losses: NDArray[np.float64], promise: float, run_length: float) -> float:
    """The largest promise that these losses break, at the same rate of false alarms."""
    low, high = promise, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if PromiseDetector(middle, run_length=run_length).add(losses):
            low = middle
        else:
            high = middle
    return low


def _when(stream: _Stream, at: int) -> str:
    return datetime.fromtimestamp(int(stream.times[at]) / 1e9, tz=UTC).isoformat(timespec="seconds")
