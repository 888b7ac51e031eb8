"""How far apart groups fare by what a judge scored, corrected with people's labels group by group. Pure.

May import ``contract``, ``evidence``, ``records``, ``stats``, ``evals`` and this room. A judge may err more
often on one group than on another, so each group is corrected by labels of its own items alone, drawn from
this run; groups share no item, so their errors are independent and their bounds are joined as such. How the
judge erred elsewhere is never carried over to a comparison of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Claim
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.gaps import Grouped, compared_claims, group_evidence
from launchworthy.evals.judging.evidence import Graded, bounds_of, calibration_of, told_of
from launchworthy.evals.judging.judged import Judged
from launchworthy.evals.judging.people import People
from launchworthy.evals.run_evidence import Holdout, RunContext
from launchworthy.evidence import Evidence
from launchworthy.records import Run, RunItem
from launchworthy.stats import FEWEST_LABELS, Interval, corrected_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["judged_gaps"]

_FEWEST = 2  # labels of a group that any interval takes


def judged_gaps(
    claims: Sequence[Claim],
    run: Run,
    items: Sequence[RunItem],
    judgings: Mapping[str, Judged],
    *,
    calibrations: Sequence[Evidence],
    now: datetime,
    holdout: Holdout | None = None,
) -> list[Evidence]:
    """One piece for each claim about groups of a quality metric that a judge scored on this run.

    Args are those of :func:`judged_evidence`.
    """
    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    found = []
    for claim, own in compared_claims(claims, workflow=run.workflow):
        judged = judgings.get(own.address)
        if judged is None or judged.metric.signature not in run.scorers:
            continue
        context = RunContext(claim=claim, run=run, metric=judged.metric, now=now, holdout=holdout)
        calibration, reason = calibration_of(judged, calibrations, now=now)
        groups = Grouped.of(claim, proving, name=judged.metric.name, counts=judged.is_own)
        told = told_of(judged, calibration, Graded(proving, judged), None, items=len(proving))
        labels = _labels(judged, groups, People.of(judged, calibrations).of_run(run))
        reason = reason or _missing(groups, labels)
        estimate = _nothing if reason else _corrected(context, judged, groups, labels)
        found.append(
            group_evidence(context, groups, estimate, told=told | ({"reason": reason} if reason else {}))
        )
    return found


def _labels(judged: Judged, groups: Grouped, own: Mapping[str, float]) -> NDArray[np.float64]:
    import numpy as np

    return np.array([judged.label(own.get(item.item_id)) for item in groups.scored], dtype=np.float64)


def _missing(groups: Grouped, labels: NDArray[np.float64]) -> str:
    """Which groups people have not labelled, and how many labels it takes; empty where none lacks any."""
    counts = {
        name: int((labels[at] == labels[at]).sum()) for part in groups.compared() for name, at in part.items()
    }
    short = {name: count for name, count in counts.items() if count < _FEWEST}
    if not short:
        return ""
    listed = ", ".join(f"{name} has {count}" for name, count in short.items())
    return (
        "a judge may err more often on one group than on another, so people must label items of this run in "
        f"each: {listed} ({_FEWEST} at least; from {FEWEST_LABELS} on, the judge's grades of the rest count)"
    )


def _nothing(_chosen: NDArray[np.int64], _level: float) -> None:
    return None


def _corrected(
    context: RunContext, judged: Judged, groups: Grouped, labels: NDArray[np.float64]
) -> Callable[[NDArray[np.int64], float], Interval | None]:
    import numpy as np

    values: Any = np.array(
        [item.scores[judged.metric.name].value for item in groups.scored], dtype=np.float64
    )
    names = clusters_of(groups.scored)

    def estimate(chosen: NDArray[np.int64], level: float) -> Interval | None:
        # One bound on each side, so that a share of labels alone has its exact ones.
        return corrected_mean(
            values[chosen],
            human=labels[chosen],
            level=(1.0 + level) / 2.0,
            sides=1,
            clusters=None if names is None else [names[at] for at in chosen.tolist()],
            bounds=bounds_of(judged),
            unit=context.metric.unit,
        )

    return estimate
