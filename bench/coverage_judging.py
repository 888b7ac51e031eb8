"""Scenarios of judges that are corrected by labels, of raters that agree, and of thresholds certified by them."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario, covers

from launchworthy import stats


def _judged(
    rng: np.random.Generator, labels: int, rest: int, *, rate: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """A judge who passes 95 % of the good answers and 25 % of the bad, and people's labels of some."""
    truth = rng.random(labels + rest) < rate
    judge = (rng.random(truth.size) < np.where(truth, 0.95, 0.25)).astype(float)
    human = truth.astype(float)
    human[labels:] = np.nan
    return judge, human


def _corrected(rng: np.random.Generator) -> bool:
    judge, human = _judged(rng, 200, 2_000)
    return covers(stats.corrected_mean(judge, human=human), 0.8)


def _corrected_lower(rng: np.random.Generator) -> bool:
    judge, human = _judged(rng, 200, 2_000)
    return stats.corrected_mean(judge, human=human, sides=1).low <= 0.8


def _corrected_few(rng: np.random.Generator) -> bool:
    judge, human = _judged(rng, 50, 1_000)
    return stats.corrected_mean(judge, human=human, sides=1).low <= 0.8


def _corrected_clustered(rng: np.random.Generator) -> bool:
    """Three answers to each of 900 users alike, of whom 250 were labelled."""
    rates = np.repeat(rng.beta(1.6, 0.4, size=900), 3)
    truth = rng.random(2_700) < rates
    judge = (rng.random(2_700) < np.where(truth, 0.95, 0.25)).astype(float)
    human = truth.astype(float)
    human[750:] = np.nan
    names = np.repeat(np.arange(900), 3).tolist()
    return covers(stats.corrected_mean(judge, human=human, clusters=names), 0.8)


def _corrected_difference(rng: np.random.Generator) -> bool:
    easy = rng.random(2_300)
    sides = []
    for level in (0.75, 0.8):
        truth = easy < level + rng.normal(0.0, 0.1, size=easy.size)
        judge = (rng.random(easy.size) < np.where(truth, 0.95, 0.25)).astype(float)
        human = truth.astype(float)
        human[300:] = np.nan
        sides.append((judge, human))
    (old, human_old), (new, human_new) = sides
    found = stats.corrected_difference(
        old, judge_candidate=new, human_baseline=human_old, human_candidate=human_new
    )
    return covers(found, _CORRECTED_TRUTH)


_SHIFTS = np.random.default_rng(0).normal(0.0, 0.1, size=2_000_000)
_CORRECTED_TRUTH = float(np.clip(0.8 + _SHIFTS, 0, 1).mean() - np.clip(0.75 + _SHIFTS, 0, 1).mean())


def _labelled_apart(rng: np.random.Generator) -> bool:
    """A judge kinder to the candidate than to the baseline, and labels of other items on each side."""
    easy = rng.random(2_000)
    sides = []
    for level, (hit, wrong), place in ((0.7, (0.75, 0.1), 0), (0.8, (0.95, 0.3), 250)):
        truth = easy < np.clip(level + rng.normal(0.0, 0.1, size=easy.size), 0.0, 1.0)
        human = np.full(easy.size, np.nan)
        human[place : place + 250] = truth[place : place + 250]
        sides.append(((rng.random(easy.size) < np.where(truth, hit, wrong)).astype(float), human))
    (old, human_old), (new, human_new) = sides
    found = stats.labelled_apart(
        old, judge_candidate=new, human_baseline=human_old, human_candidate=human_new
    )
    return covers(found, _APART_TRUTH)


_APART_TRUTH = float(np.clip(0.8 + _SHIFTS, 0, 1).mean() - np.clip(0.7 + _SHIFTS, 0, 1).mean())


def _ranks(rng: np.random.Generator, users: int, each: int) -> bool:
    """A score from 0 to 1 that tells a yes or no, both alike for one user; the lower bound."""
    own = rng.normal(size=users)[:, None]
    score = (own + rng.normal(size=(users, each))).ravel()
    noise = np.repeat(own.ravel(), each) + rng.logistic(size=score.size)
    names = np.repeat(np.arange(users), each).tolist()
    found = stats.rank_correlation(
        score, second=(score + noise > 1.5).astype(float), sides=1, clusters=names if each > 1 else None
    )
    return found is not None and found.low <= _RANK_TRUTH


_RANKED = np.random.default_rng(0)
_OWN, _NEW = _RANKED.normal(size=1_000_000), _RANKED.normal(size=1_000_000)
_CAME = 2.0 * _OWN + _NEW + _RANKED.logistic(size=_OWN.size) > 1.5
# Spearman's correlation with a yes or no, from the mean rank of those that came.
_RANK_TRUTH = float(
    np.corrcoef(np.argsort(np.argsort(_OWN + _NEW, kind="stable"), kind="stable"), _CAME)[0, 1]
)


def _rogan_gladen(rng: np.random.Generator) -> bool:
    """A calibration set of 25 good and 25 bad answers, while 80 % of the items are good."""
    judge, human = _judged(rng, 0, 1_000)
    known = np.repeat([1.0, 0.0], 25)
    seen = (rng.random(50) < np.where(known == 1.0, 0.95, 0.25)).astype(float)
    found = stats.corrected_mean(np.r_[seen, judge], human=np.r_[known, human], at_random=False)
    return covers(found, 0.8)


def _rated(
    rng: np.random.Generator, items: int, raters: int, *, kinds: int = 4, rare: float = 0.0
) -> list[list[int]]:
    """Values of equal shares, or two of which one is rare; a rater keeps the true one in 7 of 10 cases and
    guesses otherwise, so that agreement beyond chance is 0.49."""
    shares = [1.0 - rare, rare] if rare else [1.0 / kinds] * kinds
    truth = rng.choice(len(shares), p=shares, size=(items, 1))
    guess = rng.choice(len(shares), p=shares, size=(items, raters))
    rated: list[list[int]] = np.where(rng.random((items, raters)) < 0.7, truth, guess).tolist()
    return rated


def _alpha_lower(rng: np.random.Generator) -> bool:
    found = stats.krippendorff_alpha(_rated(rng, 40, 3), sides=1)
    return found is not None and found.low <= 0.49


def _alpha_upper(rng: np.random.Generator) -> bool:
    found = stats.krippendorff_alpha(_rated(rng, 40, 3), sides=1)
    return found is not None and found.high >= 0.49


def _alpha_missing(rng: np.random.Generator) -> bool:
    """Three of ten ratings were never given."""
    rated = [
        [None if gone else value for value, gone in zip(item, rng.random(5) < 0.3, strict=True)]
        for item in _rated(rng, 40, 5)
    ]
    found = stats.krippendorff_alpha(rated, sides=1)
    return found is not None and found.high >= 0.49


def _alpha_rare(rng: np.random.Generator) -> bool:
    found = stats.krippendorff_alpha(_rated(rng, 100, 3, rare=0.15), sides=1)
    return found is None or found.high >= 0.49


def _fleiss_upper(rng: np.random.Generator) -> bool:
    found = stats.fleiss_kappa(_rated(rng, 20, 5, kinds=2), sides=1)
    return found is not None and found.high >= 0.49


def _cohen_upper(rng: np.random.Generator) -> bool:
    first, second = zip(*_rated(rng, 40, 2), strict=True)
    found = stats.cohen_kappa(first, second=second, sides=1)
    return found is not None and found.high >= 0.49


def _alpha_ordinal(rng: np.random.Generator) -> bool:
    found = stats.krippendorff_alpha(_rated(rng, 100, 3), scale="ordinal")
    return found is not None and covers(found, 0.49)


def _alpha_near_one(rng: np.random.Generator) -> bool:
    """Two raters who agree but for 1 % of the items."""
    truth = rng.integers(0, 2, size=60)
    other = np.where(rng.random(60) < 0.01, 1 - truth, truth)
    found = stats.krippendorff_alpha(np.column_stack([truth, other]).tolist(), sides=1)
    return found is None or found.low <= 0.98


def _cohen(rng: np.random.Generator) -> bool:
    first, second = zip(*_rated(rng, 80, 2), strict=True)
    found = stats.cohen_kappa(first, second=second, weights="quadratic")
    return found is not None and covers(found, 0.49)


def _pairs_agree(rng: np.random.Generator) -> bool:
    """Two raters agree where both keep the true value, and by chance otherwise."""
    found = stats.pairwise_agreement(_rated(rng, 40, 3))
    return found is not None and covers(found, 0.49 + 0.51 / 4)


def _certified(rng: np.random.Generator) -> bool:
    """Above the threshold at most 5 % of the answers may be wrong; right answers are as likely as they say."""
    scores = rng.beta(8, 1, size=800)
    found = stats.certified_threshold(scores, correct=rng.random(800) < scores, target=0.05)
    if found.threshold is None:
        return True
    t = found.threshold
    # Mean of 1 − x above t, for the density 8 x^7.
    return 1.0 - 8 / 9 * (1.0 - t**9) / (1.0 - t**8) <= 0.05


def _expected(rng: np.random.Generator) -> bool:
    """Whether the next question is answered wrong, by the threshold of 100 others: 5 % of all may be."""
    scores = rng.beta(4, 1, size=101)
    right = rng.random(101) < scores
    found = stats.expected_threshold(scores[:100], correct=right[:100], target=0.05)
    return found.threshold is None or bool(right[100]) or bool(scores[100] < found.threshold)


def _judge_raw(rng: np.random.Generator) -> bool:
    judge, _ = _judged(rng, 200, 2_000, rate=0.6)
    return covers(stats.wilson(int(judge.sum()), n=judge.size), 0.6)


def _ppi_few(rng: np.random.Generator) -> bool:
    """The normal interval with variances over n, as it is usually computed."""
    judge, human = _judged(rng, 50, 1_000, rate=0.9)
    found = stats.prediction_powered(judge, human=human)
    parts = found.sample["rectifier_variance"] * 49 / 50, found.sample["imputed_variance"] * 999 / 1_000
    return abs(found.value - 0.9) <= 1.959963984540054 * float(np.sqrt(sum(parts)))


SCENARIOS = (
    Scenario("prediction-powered mean, 200 labels", _corrected, 0.93, 0.97),
    Scenario("prediction-powered mean, 200 labels, lower bound", _corrected_lower, 0.93, 0.97),
    Scenario("prediction-powered mean, 250 labelled users of 3 answers", _corrected_clustered, 0.93, 0.97),
    Scenario("prediction-powered paired difference, 300 labels", _corrected_difference, 0.93, 0.975),
    Scenario("difference of a judge, 250 labels of other items on each side", _labelled_apart, 0.94),
    Scenario("judge with 50 labels: the labels alone, lower bound", _corrected_few, 0.95),
    Scenario("Rogan-Gladen, calibration set of 25 + 25", _rogan_gladen, 0.945),
    Scenario("rank correlation with yes or no, 60 items, lower bound", lambda rng: _ranks(rng, 60, 1), 0.93),
    Scenario("rank correlation, 100 users x 3, lower bound", lambda rng: _ranks(rng, 100, 3), 0.935),
    Scenario("Krippendorff's alpha, 40 items x 3 raters, lower bound", _alpha_lower, 0.95),
    Scenario("Krippendorff's alpha, 40 items x 3 raters, upper bound", _alpha_upper, 0.93),
    Scenario("Krippendorff's alpha, 40 x 5, 30 % missing, upper bound", _alpha_missing, 0.92),
    Scenario("Krippendorff's alpha, 100 x 3, one value rare, upper bound", _alpha_rare, 0.91),
    Scenario("Fleiss' kappa, 20 items x 5 raters, upper bound", _fleiss_upper, 0.92),
    Scenario("Cohen's kappa, 40 items, upper bound", _cohen_upper, 0.93),
    Scenario("Krippendorff's alpha, ordinal, 100 items x 3 raters", _alpha_ordinal, 0.93, 0.985),
    Scenario("Krippendorff's alpha near 1, 60 items, lower bound", _alpha_near_one, 0.95),
    Scenario("Cohen's kappa, quadratic weights, 80 items", _cohen, 0.93, 0.98),
    Scenario("share of pairs of raters that agree, 40 items x 3 raters", _pairs_agree, 0.93, 0.98),
    Scenario("certified threshold, 5 % wrong at most, n = 800", _certified, 0.95),
    Scenario("conformal risk control, the next answer, n = 100", _expected, 0.95),
)

FAULTS = (
    Scenario("judge used raw, 2,200 items", _judge_raw, 0.0, 0.2),
    Scenario("prediction-powered mean, 50 labels, normal interval", _ppi_few, 0.0, 0.93),
)
