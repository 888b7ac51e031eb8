"""A judged difference between two runs, corrected with people's labels of both. Pure.

May import ``errors``, ``records``, ``stats``, ``evals.comparison`` and this room. A judge need not err alike
on two releases (one may know what it overlooks), so the labels of one run are never carried over to the
other. Which procedure is used depends on how many labels there are, never on what they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from launchworthy.errors import InputError
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.judging.judged import Judged
from launchworthy.records import Run, RunItem
from launchworthy.stats import FEWEST_LABELS, Interval, corrected_difference, labelled_apart

__all__ = ["judged_difference"]

_FEWEST = 2  # labels of a run that any interval takes


def judged_difference(
    judged: Judged,
    pairs: Sequence[tuple[RunItem, float, float]],
    *,
    baseline: tuple[Run, Mapping[str, float]],
    candidate: tuple[Run, Mapping[str, float]],
    level: float,
    bounds: tuple[float, float],
) -> Interval:
    """What people would say of the candidate's answers minus what they would say of the baseline's.

    Where people labelled both answers of 200 items or more, the differences are corrected. Where they
    labelled as many answers of each run, but not of the same items, each mean is corrected by its own
    labels. Fewer labels speak alone, of the items with both answers labelled, else of each run by itself.

    Args:
        judged: The metric and its judge.
        pairs: Items that were graded in both runs, with the baseline's grade and the candidate's.
        baseline, candidate: Each run, and people's grades of its items.
        level: Of each bound.
        bounds: Of the score.

    Raises:
        InputError: Too few labels of a run; says of which run, and how many.
    """
    items = [item for item, _, _ in pairs]
    old, new = [before for _, before, _ in pairs], [after for _, _, after in pairs]
    theirs, ours = (
        [judged.label(labels.get(item.item_id)) for item in items] for _, labels in (baseline, candidate)
    )
    both = sum(one == one and other == other for one, other in zip(theirs, ours, strict=True))
    counts = tuple(sum(label == label for label in labels) for labels in (theirs, ours))
    alone = min(counts)
    if alone < _FEWEST:
        raise InputError(_missing(baseline[0], candidate[0], counts))
    paired = both >= FEWEST_LABELS or (both >= _FEWEST and alone < FEWEST_LABELS)
    procedure = corrected_difference if paired else labelled_apart
    return procedure(
        old,
        judge_candidate=new,
        human_baseline=theirs,
        human_candidate=ours,
        level=level,
        sides=1,
        clusters=clusters_of(items),
        bounds=bounds,
        unit=judged.metric.unit,
    )


def _missing(baseline: Run, candidate: Run, counts: tuple[int, ...]) -> str:
    """Which labels are missing, and how many."""
    short = [run.id for run, count in zip((baseline, candidate), counts, strict=True) if count < _FEWEST]
    return (
        "a judge's errors need not be alike on both releases, so a difference takes people's labels of both "
        f"runs: there are {counts[0]:,} of the baseline {baseline.id} and {counts[1]:,} of {candidate.id}; "
        f"label items of {' and of '.join(short)}, {_FEWEST} at least, and {FEWEST_LABELS} of each run for "
        "the judge's help (launchworthy judge sample)"
    )
