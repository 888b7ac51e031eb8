"""Where the policy's numbers come from: ``python -m launchworthy.demo.calibration`` prints its file.

May import ``gold`` and this room. Only the dev split is read: what proves the release is not what tuned it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from launchworthy.demo.corpus import load_corpus
from launchworthy.demo.policy import Policy
from launchworthy.demo.question import read_question
from launchworthy.demo.retrieval import FusedRetriever, Retriever
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem, load_gold

__all__ = ["calibrate"]

_SIGNALS = ("best_coverage", "strength", "unknown", "words")
_RIDGE = 1.0
_UNDER_TO_OVER = 2.0  # an answer where there is none misleads; a refusal only disappoints


def calibrate(items: Iterable[GoldItem], retriever: Retriever, *, top_k: int = 10) -> Policy:
    """Fit the confidence by ridge logistic regression, and the threshold by what errors cost.

    Newton's method (iteratively reweighted least squares) on standardised signals; the threshold is the one
    of least ``over-refusal + 2 · under-refusal``, in the middle of the widest stretch that is as good.

    Args:
        items: Gold items with ``answerable``; only those of the dev split are used.
        retriever: Finds the documents and tells its signals.
        top_k: Documents asked for.

    Raises:
        InputError: The dev split lacks questions of either kind.
    """
    import numpy as np

    rows, truth = [], []
    for item in items:
        if item.split != "dev" or item.answerable is None:
            continue
        asked = read_question(str(item.input)).text
        signals = retriever.search(asked, k=top_k).signals if asked else {}
        if signals:  # where nothing is found the policy refuses whatever its numbers are
            rows.append([signals[name] for name in _SIGNALS])
            truth.append(float(item.answerable))
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(truth)
    if not rows or y.min() == y.max():
        raise InputError("the dev split needs questions that can be answered, and some that cannot")
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    design = np.hstack([np.ones((len(x), 1)), (x - mean) / spread])
    penalty = np.diag([0.0] + [_RIDGE] * len(_SIGNALS))
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-design @ beta))
        gradient = design.T @ (y - p) - penalty @ beta
        curvature = (design * (p * (1.0 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    weights = beta[1:] / spread
    p = 1.0 / (1.0 + np.exp(-design @ beta))
    grid = np.linspace(0.0, 1.0, 201)
    costs = [(p[y == 1] < at).mean() + _UNDER_TO_OVER * (p[y == 0] >= at).mean() for at in grid]
    best = np.flatnonzero(np.isclose(costs, min(costs)))
    stretch = max(np.split(best, np.flatnonzero(np.diff(best) > 1) + 1), key=len)
    return Policy(
        intercept=round(float(beta[0] - weights @ mean), 3),
        weights={name: round(float(weight), 3) for name, weight in zip(_SIGNALS, weights, strict=True)},
        threshold=round(float(grid[stretch[len(stretch) // 2]]), 3),
    )


if __name__ == "__main__":
    gold = load_gold(Path(__file__).parent / "product" / "gold" / "answer.jsonl")
    print(calibrate(gold, FusedRetriever(load_corpus())).as_json(), end="")
