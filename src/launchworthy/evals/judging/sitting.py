"""The judges of one run, one after the other. May import ``records`` and this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from launchworthy.evals.engine import Limits, Progress
from launchworthy.evals.judging.judged import Judged, judged_once
from launchworthy.evals.judging.second_pass import judge_items
from launchworthy.evals.remembering import Cache
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunStore

__all__ = ["check_keys", "judge_run"]


def check_keys(judgings: Mapping[str, Judged]) -> None:
    """See that every key is there, before anything is paid for.

    Raises:
        InputError: One is not.
    """
    for judged in judged_once(judgings):
        for model in judged.judge.models:
            model.key()


def judge_run(
    runs: RunStore,
    run: Run,
    judgings: Mapping[str, Judged],
    *,
    gold: Sequence[GoldItem],
    baseline: Run | None = None,
    cache: Cache | None = None,
    limits: Limits | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Run, list[str]]:
    """Have each judge grade the run; answers its header with what was judged, and a sentence for each.

    Raises:
        InputError, StorageError, KeyboardInterrupt: See :func:`judge_items`.
    """
    told = []
    for judged in judged_once(judgings):
        name = judged.metric.name
        if judged.judge.is_pairwise and baseline is None:
            told.append(f"{name} compares with a baseline, and none was named (--baseline)")
            continue
        pairwise = judged.judge.is_pairwise and baseline is not None
        found = judge_items(
            runs,
            run,
            judged,
            gold=gold,
            baseline=runs.run_items(baseline.id) if pairwise and baseline is not None else None,
            cache=cache,
            limits=limits,
            on_progress=on_progress,
        )
        told.append(f"{found}; shown is the judge's own mean, before people's labels correct it")
        others = tuple(each for each in run.scorers if each.partition("|")[0] != name)
        run = replace(run, scorers=(*others, judged.metric.signature))
        runs.add_run(run)
    return run, told
