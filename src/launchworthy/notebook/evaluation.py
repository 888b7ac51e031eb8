"""``evaluate``: items from a list, file or frame, a target and scorers in, a result that shows itself out.

May import ``errors``, ``evals``, ``gold`` and this room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals import Limits, Target, compare_runs, scorer_of, target_of, try_out
from launchworthy.evals.scoring import own_scorer
from launchworthy.gold import GoldItem, load_gold
from launchworthy.gold.rows import item_of
from launchworthy.metrics import Metric
from launchworthy.notebook.result import Evaluation

__all__ = ["evaluate"]

Items = str | Path | Iterable[GoldItem | Mapping[str, Any]]
Asked = str | Target | Callable[[Any], Any]
ScoredBy = str | Metric | Callable[[Mapping[str, Any]], Any]


def evaluate(
    items: Items,
    target: Asked,
    scorers: ScoredBy | Sequence[ScoredBy],
    *,
    baseline: Evaluation | Asked | None = None,
    margin: float = 0.0,
    concurrency: int = 16,
    timeout_s: float = 60.0,
    max_cost_usd: float | None = None,
) -> Evaluation:
    """Ask every item, score the answers, and compare with a baseline item by item; nothing is stored.

    ``lw.evaluate([{"input": "2+2", "expected": "4"}], ask, "exact-match")``. Works where an event loop runs
    already. A try-out proves nothing: evidence comes from ``launchworthy eval``, which counts readings of
    the holdout.

    Args:
        items: A gold file; or rows with ``input`` and ``expected``, gold items, or a data frame.
        target: A function of the input, ``module:function``, or the address of an endpoint.
        scorers: Metrics by name (``launchworthy score --list``), or functions of a row that answer a number.
        baseline: An earlier result on these items, or another target to ask them too.
        margin: How much worse than the baseline is acceptable.
        concurrency, timeout_s, max_cost_usd: See :class:`launchworthy.evals.Limits`.

    Raises:
        InputError: No item, a row that cannot be read, or no such metric, file or function.
    """
    gold = _items(items)
    metrics = [_metric(scorer) for scorer in _listed(scorers)]
    if not metrics:
        raise InputError("no scorer", hint='name one: "exact-match"')
    limits = Limits(concurrency=concurrency, timeout_s=timeout_s, max_cost_usd=max_cost_usd)
    outcome = try_out(gold, target=_target(target), scorers=metrics, limits=limits)
    old = None
    if isinstance(baseline, Evaluation):
        old = baseline.outcome
    elif baseline is not None:
        old = try_out(gold, target=_target(baseline), scorers=metrics, limits=limits)
    if old is not None:
        found = tuple(compare_runs(outcome.items, old.items, metric, margin=margin) for metric in metrics)
        outcome = replace(outcome, comparisons=found)
    return Evaluation(
        outcome=outcome,
        metrics=tuple(metrics),
        baseline=None if old is None else old.run.target,
        expected={item.id: item.expected for item in gold},
        inputs={item.id: item.input for item in gold},
    )


def _items(items: Items) -> list[GoldItem]:
    if isinstance(items, (str, Path)):
        return list(load_gold(Path(items), holdout=0.0))
    rows: Any = items
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):  # a data frame; NaN is how it writes "nothing"
        rows = [
            {str(name): value for name, value in row.items() if value is not None and value == value}
            for row in rows.to_dict("records")
        ]
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise InputError(
            f"{rows!r:.80} is no list of items",
            hint='write [{"input": …, "expected": …}], or name a gold file',
        )
    found = []
    for number, row in enumerate(rows):
        if isinstance(row, GoldItem):
            found.append(row)
        elif isinstance(row, Mapping):
            found.append(item_of(row, holdout=0.0, where=f"item {number + 1}"))
        else:
            raise InputError(
                f"{row!r:.80} is no item",
                where=f"item {number + 1}",
                hint='write {"input": …, "expected": …}',
            )
    if not found:
        raise InputError("no items")
    return found


def _listed(scorers: ScoredBy | Sequence[ScoredBy]) -> Sequence[ScoredBy]:
    if isinstance(scorers, (str, Metric)) or callable(scorers):
        return [scorers]
    return scorers or ()


def _metric(scorer: ScoredBy) -> Metric:
    if isinstance(scorer, Metric):
        return scorer
    if isinstance(scorer, str):
        return scorer_of(scorer)
    return own_scorer(scorer, name=getattr(scorer, "__name__", type(scorer).__name__))


def _target(target: Asked) -> Target | Callable[[Any], Any]:
    return target_of(target) if isinstance(target, str) else target
