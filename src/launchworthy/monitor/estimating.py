"""How often decisions by a score are right: estimated from scores, measured by labels of a part, compared.

Pure; may import ``stats`` and NumPy. Labels of earlier calls calibrate the score, and the chances that it
then gives say how often decisions are right: an estimate, which holds as long as a score means what it did,
and is silently wrong where it does not. It proves nothing. Labels of a random part of the calls correct it to
a measurement; where they contradict it, what a score means has changed.

All six shares are ratios of sums that are linear in the truth of each call, so a chance can stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from launchworthy.stats import FEWEST_LABELS, Calibration, Interval, influence_interval, isotonic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FEWEST", "RIGHTNESS", "Curve", "Decided", "Share", "calibrated", "disagreement", "estimated",
           "measured"]  # fmt: skip

FEWEST = 30  # labels of each kind that calibrate a score, and labels that contradict it
_FEWEST_TELLING = 10  # labels that say yes and that say no, before a share of them is taken for normal
_IN_BIN = 20
_BINS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of calls by what was said and what was true.

    Attributes:
        among: Which calls it is of, as pairs of said and true.
        hits: Which of them count.
        bad: Whether it is bad that one counts: 0 or 1.
    """

    among: frozenset[tuple[bool, bool]]
    hits: frozenset[tuple[bool, bool]]
    bad: int

    @property
    def sql(self) -> tuple[str, str]:
        """Conditions over ``said`` and ``truth``: which calls, and which of them count."""
        return _sql(self.among), _sql(self.hits)

    def parts(
        self, said: NDArray[np.bool_], truth: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each call adds to the hits and to the calls; a truth between 0 and 1 is a chance."""
        return _expected(self.hits, said, truth), _expected(self.among, said, truth)

    def slopes(self, said: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How both grow with the truth."""
        import numpy as np

        one, none = (self.parts(said, np.full(said.size, value)) for value in (1.0, 0.0))
        return one[0] - none[0], one[1] - none[1]


_YES, _NO = frozenset({(True, True), (True, False)}), frozenset({(False, True), (False, False)})
_TRUE, _FALSE = frozenset({(True, True), (False, True)}), frozenset({(True, False), (False, False)})
RIGHTNESS: Mapping[str, Share] = {
    "accuracy": Share(among=_YES | _NO, hits=frozenset({(True, True), (False, False)}), bad=0),
    "false_negative_rate": Share(among=_TRUE, hits=_TRUE & _NO, bad=1),
    "false_positive_rate": Share(among=_FALSE, hits=_FALSE & _YES, bad=1),
    "precision": Share(among=_YES, hits=_YES & _TRUE, bad=0),
    "recall": Share(among=_TRUE, hits=_TRUE & _YES, bad=0),
    "specificity": Share(among=_FALSE, hits=_FALSE & _NO, bad=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Calls that tell a score and a decision; one entry a call.

    Attributes:
        score: The score.
        said: Whether the decision was yes.
        truth: The label: 0 or 1, NaN where none is known.
        weight: How many calls a label stands for; 0 without one.
        calls: How many calls it stands for as a call, with or without label; 0 where it was read for its
            label only.
        units: Whose call it was; None where each call is independent of the others.
        simulated: How many were made by simulated users.
    """

    score: NDArray[np.float64]
    said: NDArray[np.bool_]
    truth: NDArray[np.float64]
    weight: NDArray[np.float64]
    calls: NDArray[np.float64]
    units: Sequence[str] | None = None
    simulated: int = 0

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which have a label."""
        import numpy as np

        return ~np.isnan(self.truth)

    def chosen(self, which: NDArray[np.bool_]) -> Decided:
        """A part of them."""
        return Decided(
            score=self.score[which],
            said=self.said[which],
            truth=self.truth[which],
            weight=self.weight[which],
            calls=self.calls[which],
            units=self._named(which),
        )

    def users(self, which: NDArray[np.bool_] | None = None) -> int:
        """How many independent units stand behind all, or behind a part."""
        if self.units is None:
            return int(self.score.size if which is None else which.sum())
        return len(set(self.units if which is None else self._named(which) or ()))

    def _named(self, which: NDArray[np.bool_]) -> list[str] | None:
        if self.units is None:
            return None
        return [unit for unit, kept in zip(self.units, which.tolist(), strict=True) if kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What a score meant where the decision was this: its chance, the labels that say so, in groups."""

    chance: Calibration
    labels: Decided
    edges: NDArray[np.float64] = field(repr=False)

    def errors(self, score: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each label adds to the error of Σ slope · chance, by groups of scores."""
        import numpy as np

        old, many = self.labels, self.edges.size + 1
        then, now = (np.searchsorted(self.edges, each, side="right") for each in (old.score, score))
        leverage = np.bincount(now, weights=slope, minlength=many)
        size = np.bincount(then, weights=old.weight, minlength=many)
        mean = np.bincount(then, weights=old.weight * old.truth, minlength=many) / size
        return np.asarray(leverage[then] * old.weight * (old.truth - mean[then]) / size[then])


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What scores meant: the chance of a yes, by score and decision.

    A curve over both decisions would take the labels beside the threshold together as it fits them best, and
    so flatter the decisions (by 1 point with 500 labels).
    """

    no: _Side
    yes: _Side

    @property
    def labels(self) -> int:
        """Labels that calibrate it."""
        return int(self.no.labels.score.size + self.yes.labels.score.size)

    @property
    def units(self) -> list[str] | None:
        """Whose calls these were."""
        no, yes = self.no.labels.units, self.yes.labels.units
        return None if no is None or yes is None else [*no, *yes]

    def chances(self, now: Decided) -> NDArray[np.float64]:
        """The chance of each call to be a yes."""
        import numpy as np

        return np.where(now.said, self.yes.chance(now.score), self.no.chance(now.score))

    def errors(self, now: Decided, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each label adds to the error of Σ slope · chance over these calls."""
        import numpy as np

        sides = ((self.no, ~now.said), (self.yes, now.said))
        return np.concatenate([side.errors(now.score[own], slope[own]) for side, own in sides])


def calibrated(reference: Decided | None) -> Curve | str:
    """The curve of calls with labels; why there is none, where there are too few."""
    if reference is None:
        return "no earlier call of this release tells a score and has a label"
    old = reference.chosen(reference.known)
    labels, yes, held = old.score.size, int((old.truth == 1.0).sum()), int(old.said.sum())
    for many, kind in ((yes, "are yes"), (held, "are of calls that it decided on")):
        if min(many, labels - many) < FEWEST:
            return (
                f"{many:,} of {labels:,} earlier labels {kind}, and it takes {FEWEST} that are and that are"
                " not to calibrate a score"
            )
    return Curve(no=_side(old.chosen(~old.said)), yes=_side(old.chosen(old.said)))


def _side(old: Decided) -> _Side:
    import numpy as np

    many = max(1, min(_BINS, old.score.size // _IN_BIN))
    edges = np.unique(np.quantile(old.score, np.linspace(0.0, 1.0, many + 1)[1:-1], method="inverted_cdf"))
    return _Side(
        chance=isotonic(old.score, labels=old.truth, weights=old.weight),
        labels=old,
        edges=edges[edges > old.score.min()],
    )


def estimated(share: Share, now: Decided, curve: Curve, *, level: float) -> Interval | None:
    """What scores alone say of all calls; None where that is a share of none.

    Source: confidence-based performance estimation as NannyML describes it (2022), with isotonic calibration;
    the error of the curve is that of its labels, weighted by how many calls have such a score now.
    """
    value, own, slope = _by_chance(share, now, curve.chances(now), now.calls)
    if value is None:
        return None
    return _interval(value, now, own, curve, slope, level=level, method="calibrated estimate")


def measured(share: Share, now: Decided, chance: NDArray[np.float64], *, level: float) -> Interval | None:
    """The share by labels, corrected by what scores say of all calls; None of too few labels for that.

    ``chance`` is what the score says of each; any number from 0 to 1 leaves the measurement right, and a good
    one makes it sharp. How much of it is believed is what makes the variance smallest, from nothing to all.

    Source: Angelopoulos, Duchi and Zrnic, PPI++ (2023), section 6, linearised for ratios, with labels
    weighted by their chance (Robins, Rotnitzky and Zhao, JASA 89, 1994).
    """
    import numpy as np

    known = now.known
    truth = np.where(known, now.truth, 0.0)
    a, b = share.parts(now.said, truth)
    told = known & (b > 0.0)
    units = now.users(known)
    hits = int((told & (a > 0.0)).sum())
    if units < FEWEST_LABELS or min(hits, int(told.sum()) - hits) < _FEWEST_TELLING:
        return None
    x, y = share.parts(now.said, chance)
    calls, weight = now.calls / now.calls.sum(), now.weight / now.weight.sum()
    value = float(weight @ a) / float(weight @ b)
    codes = None if now.units is None else np.unique(now.units, return_inverse=True)[1]
    trust, under = 0.0, 0.0
    for _ in range(3):
        q, e = a - value * b, x - value * y
        start = calls * float(weight @ q) + weight * (q - float(weight @ q))
        turn = (calls - weight) * (e - float(weight @ e))
        if codes is not None:
            start, turn = (np.bincount(codes, weights=each) for each in (start, turn))
        spread = float(turn @ turn)
        trust = min(1.0, max(0.0, -float(start @ turn) / spread)) if spread > 0.0 else 0.0
        over = trust * float(calls @ x) + float(weight @ (a - trust * x))
        under = trust * float(calls @ y) + float(weight @ (b - trust * y))
        if not under > 0.0:
            return None
        value = over / under
    q, e = a - value * b, x - value * y
    rest = q - trust * e
    influences = (calls * (trust * e + float(weight @ rest)) + weight * (rest - float(weight @ rest))) / under
    value = min(1.0, max(0.0, value))
    found = influence_interval(
        value,
        influences=influences,
        clusters=now.units,
        level=level,
        sides=1,
        bounds=(0.0, 1.0),
        unit="ratio",
    )
    return replace(
        found,
        n=units,
        low=min(found.low, value),
        high=max(found.high, value),
        method="prediction-powered (PPI++), labels weighted by their chance",
        sample={**found.sample, "lambda": trust, "labels": int(known.sum()), "n": units},
    )


def disagreement(share: Share, now: Decided, curve: Curve, *, level: float) -> Interval | None:
    """What the estimate says more than the labels, on the calls that have one; None of too few.

    Each bound holds at ``level``. Where it is not 0, what a score means is not what it was.
    """
    own = now.chosen(now.known)
    if not own.score.size:
        return None
    by_score, errors, slope = _by_chance(share, own, curve.chances(own), own.weight)
    by_label, others, _ = _by_chance(share, own, own.truth, own.weight)
    among = int((share.parts(own.said, own.truth)[1] > 0.0).sum())
    if by_score is None or by_label is None or among < FEWEST:
        return None
    found = _interval(
        by_score - by_label, own, errors - others, curve, slope, level=level, bounds=(-1.0, 1.0),
        method="calibrated estimate less labels",
    )  # fmt: skip
    units = own.users()
    sample = {"estimated": by_score, "labelled": by_label, "labels": int(own.score.size), "n": units}
    return replace(found, n=units, sample=sample | {"standard_error": float(found.sample["standard_error"])})


def _by_chance(
    share: Share, now: Decided, chance: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float | None, NDArray[np.float64], NDArray[np.float64]]:
    """The share, what each call adds to its error, and how it grows with the chance of each."""
    a, b = share.parts(now.said, chance)
    under = float(weight @ b)
    if not under > 0.0:
        return None, a, b
    value = float(weight @ a) / under
    over, of = share.slopes(now.said)
    return value, weight * (a - value * b) / under, weight * (over - value * of) / under


def _interval(
    value: float,
    now: Decided,
    own: NDArray[np.float64],
    curve: Curve,
    slope: NDArray[np.float64],
    *,
    level: float,
    method: str,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """With the error of the calls and that of the curve; one user is one unit in both."""
    import numpy as np

    then = curve.units
    found = influence_interval(
        value,
        influences=np.concatenate([own, curve.errors(now, slope)]),
        clusters=None if now.units is None or then is None else [*now.units, *then],
        level=level,
        sides=1,
        bounds=bounds,
        unit="ratio",
    )
    return replace(
        found, low=min(found.low, value), high=max(found.high, value), n=now.users(), method=method
    )


def _expected(
    cells: frozenset[tuple[bool, bool]], said: NDArray[np.bool_], truth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The chance that a call is in one of the cells."""
    import numpy as np

    sides = [
        (truth if (said_so, True) in cells else 0.0) + ((1.0 - truth) if (said_so, False) in cells else 0.0)
        for said_so in (False, True)
    ]
    return np.asarray(np.where(said, sides[1], sides[0]), dtype=np.float64)


def _sql(cells: frozenset[tuple[bool, bool]]) -> str:
    told = [
        f"({'said' if said else 'NOT said'} AND {'truth' if truth else 'NOT truth'})"
        for said, truth in sorted(cells)
    ]
    return f"({' OR '.join(told)})"
