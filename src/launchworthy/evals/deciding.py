"""Whether the thresholds in force cost no more than the best ones would have, on the items of a holdout.

May import ``contract``, ``evidence``, ``metrics``, ``records`` and this room. What an action costs follows
from the names under ``decide/costs``: ``missed_…`` for a positive that got the first action, ``false_ACTION``
for a negative that got the action, the action's own name for each call that ends in it, ``review`` for each
that ends in the last. The best thresholds are those of these very items, so they flatter nobody but
themselves: what is found is a count, and the chosen ones are never called better than they are.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Claim
from launchworthy.evals.answer import read_answer
from launchworthy.evals.piece import piece
from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT
from launchworthy.metrics import CannotScore
from launchworthy.metrics.decisions import class_of, is_positive
from launchworthy.records import Run, RunItem, RunStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["decided_evidence"]

_ACTIONS = ("action", "decision", "band")
_LEAST = 10  # positives, and negatives, below which the best thresholds are those of chance


def decided_evidence(
    claims: Iterable[Claim], store: RunStore, run: Run, *, ids: Collection[str] | None, now: datetime
) -> list[Evidence]:
    """How much more the decisions of the run cost than the best thresholds would have, as a share.

    Args:
        claims: Claims of the contract; that about the thresholds of the run's workflow is spoken for.
        store: Where the run's items rest.
        run: The run that is over.
        ids: Items of the holdout; None where the set keeps none.
        now: When the measurement is made.
    """
    found = []
    for claim in claims:
        if (claim.family, claim.metric) != ("decide", "decide") or claim.workflow != run.workflow:
            continue
        bands = tuple(map(str, claim.options.get("bands") or ()))
        prices = dict(claim.options.get("prices") or {})
        lacking = _lacking(bands, prices)
        if lacking:
            found.append(_evidence(claim, run, now=now, detail={"reason": lacking}))
            continue
        read = [
            _case(item, bands, prices)
            for item in store.iter_run_items(run.id)
            if ids is None or item.item_id in ids
        ]
        cases = [each for each in read if isinstance(each, _Case)]
        whys = [each for each in read if isinstance(each, str)]
        found.append(_measured(claim, run, bands, cases, whys, now=now))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An item: its score, which action it got, whether it was positive, what each action would have cost."""

    score: float
    action: int
    positive: bool
    costs: tuple[float, ...]


def _lacking(bands: Sequence[str], prices: Mapping[str, Any]) -> str:
    """Why the costs name no best thresholds; empty where they do."""
    if len(bands) < 2 or not prices:
        return "decide names neither actions by rising score (bands) nor what errors cost (costs)"
    known = {"review", *bands, *(f"false_{band}" for band in bands)}
    strange = sorted(name for name in prices if name not in known and not name.startswith("missed"))
    if strange:
        return (
            f"decide/costs: {strange[0]} is neither missed_… nor false_ACTION, an action of bands, or review:"
            " nobody can tell which call costs it"
        )
    if not any(name.startswith("missed") for name in prices) and bands[0] not in prices:
        return f"decide/costs gives no cost of {bands[0]}, so letting everything through would be cheapest"
    for place, band in enumerate(bands[1:], start=1):
        own = {band, f"false_{band}", *(("review",) if place == len(bands) - 1 else ())}
        if not own & set(prices):
            return (
                f"decide/costs gives no cost of {band}, so the best thresholds would {band} everything:"
                f" add {band} or false_{band}"
            )
    return ""


def _case(item: RunItem, bands: Sequence[str], prices: Mapping[str, Any]) -> _Case | str:
    if item.error is not None:
        return f"no answer: {item.error[:120]}"
    fields = read_answer(item.output).fields
    score, said = fields.get("score"), next((fields[name] for name in _ACTIONS if fields.get(name)), None)
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        return "the answer has no score"
    if said is None and len(bands) == 2 and fields.get("prediction") is not None:
        said = bands[int(str(fields["prediction"]).lower() in ("1", "true"))]
    if said not in bands:
        return "the answer names no action of bands (action, decision or band)"
    try:
        positive = is_positive(class_of(item.expected, "label"), None)
    except CannotScore as error:
        return str(error)
    number = item.input.get("amount") if isinstance(item.input, Mapping) else None
    known = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
    if not known and any(each.get("amount") for each in prices.values()):
        return "its input has no amount, and costs depend on it"
    amount = float(number) if known and isinstance(number, (int, float)) else 0.0
    costs = []
    for place, band in enumerate(bands):
        names = [band, *(("review",) if place == len(bands) - 1 else ())]
        if not positive:
            names.append(f"false_{band}")
        elif place == 0:
            names += [name for name in prices if name.startswith("missed")]
        costs.append(sum(_price(prices[name], amount) for name in names if name in prices))
    return _Case(score=float(score), action=bands.index(str(said)), positive=positive, costs=tuple(costs))


def _price(price: Mapping[str, Any], amount: float) -> float:
    return float(price.get("fixed") or 0.0) + float(price.get("amount") or 0.0) * amount


def _measured(
    claim: Claim,
    run: Run,
    bands: Sequence[str],
    cases: Sequence[_Case],
    whys: Sequence[str],
    *,
    now: datetime,
) -> Evidence:
    import numpy as np

    positives = sum(case.positive for case in cases)
    if min(positives, len(cases) - positives) < _LEAST:
        why = f": {max(set(whys), key=whys.count)}" if whys else ""
        return _evidence(
            claim,
            run,
            now=now,
            unscored=len(whys),
            detail={
                "reason": f"{positives:,} positives and {len(cases) - positives:,} others have score and"
                f" action, and {_LEAST} of each are needed{why}"
            },
        )
    costs = np.array([case.costs for case in cases], dtype=np.float64)
    chosen = float(costs[np.arange(len(cases)), [case.action for case in cases]].sum())
    best, thresholds = _best(np.array([case.score for case in cases]), costs)
    if best <= 0.0:
        return _evidence(
            claim,
            run,
            now=now,
            unscored=len(whys),
            detail={"reason": "the best thresholds cost nothing on these items"},
        )
    more = chosen / best - 1.0
    return _evidence(
        claim,
        run,
        now=now,
        unscored=len(whys),
        value=more,
        low=more,
        high=more,
        n=len(cases),
        detail={
            "cost_each": chosen / len(cases),
            "best_cost_each": best / len(cases),
            "best_thresholds": dict(zip(bands[1:], thresholds, strict=True)),
            "remark": "against the thresholds that would have been best on these very items",
        },
    )


def _best(scores: NDArray[np.float64], costs: NDArray[np.float64]) -> tuple[float, list[float | None]]:
    """The least sum that rising thresholds reach, and the scores from which on each action but the first is
    taken; None where it never is."""
    import numpy as np

    order = np.argsort(scores, kind="stable")
    scores, costs = scores[order], costs[order]
    n = scores.size
    sums = np.vstack([np.zeros(costs.shape[1]), np.cumsum(costs, axis=0)])
    cut = np.ones(n + 1, dtype=bool)  # between equal scores no threshold can stand
    cut[1:n] = scores[1:] > scores[:-1]
    # Least cost of the first k items with the actions so far, each action beginning where it is best.
    least, starts = sums[:, 0].copy(), []
    for action in range(1, costs.shape[1]):
        before = np.where(cut, least - sums[:, action], np.inf)
        lowest = np.minimum.accumulate(before)
        starts.append(np.maximum.accumulate(np.where(before <= lowest, np.arange(n + 1), 0)))
        least = lowest + sums[:, action]
    places, end = [], n
    for start in reversed(starts):
        end = int(start[end])
        places.append(end)
    found = [float(scores[place]) if place < n else None for place in reversed(places)]
    return float(least[n]), found


def _evidence(claim: Claim, run: Run, *, now: datetime, detail: Mapping[str, Any], **fields: Any) -> Evidence:
    return piece(
        claim,
        run,
        now=now,
        unit="ratio",
        unit_of_analysis="item",
        method=FULL_COUNT,
        detail=detail,
        **fields,
    )
