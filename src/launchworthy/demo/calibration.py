"""Where the policy's numbers come from: ``python -m launchworthy.demo.calibration`` prints its file.

May import ``cli`` (how a threshold is kept), ``gold``, ``stats`` and this room. Only the dev split is read:
what proves the release is not what tuned it. Nor does what fitted the confidence certify the threshold: every
third item of the dev split fits, the others certify. Each question is asked through the enforcer, as users
ask it: what a guard stops has no confidence, and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import launchworthy as lw
from launchworthy.cli.threshold_file import threshold_fields, threshold_reason
from launchworthy.demo.assistant import PRODUCT, assistant
from launchworthy.demo.policy import Policy
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem, load_gold
from launchworthy.stats import certified_threshold, risk_coverage

__all__ = ["calibrate"]

_SIGNALS = ("best_coverage", "strength", "unknown", "words")
_RIDGE = 1.0
_FITS = 3  # one item in so many of the dev split, in the order of the file, so that each kind is among them
_TARGET = 0.15  # of the answers given, that the documents cannot answer: the contract's selective_risk
_LEVEL = 0.95


def calibrate(items: Iterable[GoldItem], signals_of: Callable[[str], Mapping[str, float]]) -> Policy:
    """Fit the confidence by ridge logistic regression, and certify the threshold.

    Newton's method (iteratively reweighted least squares) on standardised signals. The threshold is the
    lowest at which, with 95 % confidence, at most 15 % of the answers given are to questions that the
    documents cannot answer (:func:`launchworthy.stats.certified_threshold`), by questions that did not fit
    the confidence. The ids of those that did stand in the policy's file as ``fitted_on``.

    Args:
        items: Gold items with ``answerable``; only those of the dev split are used.
        signals_of: What retrieval tells of a question; nothing where none was made.

    Raises:
        InputError: The dev split lacks questions of either kind, or too many of one to certify a threshold.
    """
    import numpy as np

    found, due, ids = [], [], []
    for item in items:
        if item.split != "dev" or item.answerable is None:
            continue
        found.append(signals_of(str(item.input)))
        due.append(float(item.answerable))
        ids.append(item.id)
    fitting = [at for at in range(0, len(ids), _FITS) if found[at]]
    x = np.asarray([[found[at][name] for name in _SIGNALS] for at in fitting])
    y = np.asarray([due[at] for at in fitting])
    if not fitting or y.min() == y.max():
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
    model = Policy(
        intercept=round(float(beta[0] - weights @ mean), 3),
        weights={name: round(float(weight), 3) for name, weight in zip(_SIGNALS, weights, strict=True)},
        threshold=1.0,
    )
    certifying = [at for at in range(len(ids)) if at % _FITS and found[at]]
    sure, right = [model.confidence(found[at]) for at in certifying], [due[at] for at in certifying]
    chosen = certified_threshold(sure, correct=right, target=_TARGET, level=_LEVEL)
    if chosen.threshold is None:
        raise InputError(threshold_reason(chosen), where="the dev split")
    evidence = threshold_fields(
        chosen,
        level=_LEVEL,
        source="gold items of the dev split that did not fit the confidence, right where answerable",
        rows=len(ids) - len(ids[::_FITS]),
        aurc=risk_coverage(sure, correct=right).aurc,
    )
    evidence["fitted_on"] = ids[::_FITS]
    threshold = evidence.pop("threshold")
    return replace(model, threshold=threshold, evidence=evidence)


if __name__ == "__main__":
    gold = load_gold(Path(__file__).parent / "product" / "gold" / "answer.jsonl")
    lw.init(product=PRODUCT, enabled=False)  # nobody is told of these calls
    ask = assistant("candidate").answer
    print(calibrate(gold, lambda question: ask(question, simulated=True).signals).as_json(), end="")
