"""What recommendations are as a collection: how much of the catalogue, how varied. May import ``stats``."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchworthy import stats
from launchworthy.errors import InputError
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.ranking import ranked_ids
from launchworthy.metrics.scores import Scores
from launchworthy.metrics.similarity import unit_vector
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BY_DEPTH", "coverage", "diversity"]

_RANKED = Field("ranked", "list of ids, best first (or a mapping id → score)")
_MOST = 10**15  # ids of a catalogue
_DEEPEST = 1_000  # ids of a list that are kept, or compared in pairs


def coverage(*, depth: int | None, catalogue: str | None = None) -> Metric:
    """Share of the catalogue that stands among the first ``depth`` of any list.

    Args:
        depth: How many of each list count; all if None.
        catalogue: How many ids there are to recommend; without it each row says so.

    Raises:
        InputError: The catalogue is no number above 0.
    """
    fixed = None if catalogue is None else _size(catalogue)

    def read(row: Mapping[str, Any]) -> Score:
        size = row.get("catalogue") if fixed is None else fixed
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _MOST:
            raise CannotScore("no catalogue: give its size to the metric, or as a field 'catalogue'")
        shown = dict.fromkeys(ranked_ids(row.get("ranked"))[:depth])
        if len(shown) > _DEEPEST:
            raise CannotScore(f"more than {_DEEPEST:,} ids of one list: name a smaller depth")
        marks = {f"rank_{rank}": _mark(name) for rank, name in enumerate(shown, start=1)}
        return Score(value=min(1.0, len(shown) / size), statistics={"catalogue": float(size)} | marks)

    return Metric(
        name="coverage" if depth is None else f"coverage@{depth}",
        doc="Share of the catalogue that is recommended to anyone, among the first k of each list.",
        fields=(
            _RANKED,
            Field("catalogue", "how many ids there are, unless given to the metric", required=False),
        ),
        read=read,
        estimator=CoverageEstimator(),
        unit_of_analysis="query",
        convention=(
            "Different ids over the size of the catalogue. It grows with the number of lists, so compare "
            "equal numbers; the interval is for as many others like these. No sum over lists: what one list "
            "adds is what no other shows, and the jackknife of these is never too narrow on average "
            "(Efron and Stein, 1981). Ids are told apart by 52 bits of their digest."
        ),
        source="Herlocker et al., ACM TOIS 22 (2004)",
        options={} if fixed is None else {"catalogue": str(fixed)},
    )


def diversity(*, depth: int) -> Metric:
    """How unlike each other the first ``depth`` ids of a list are."""

    def read(row: Mapping[str, Any]) -> Score:
        features = row.get("features")
        if not isinstance(features, Mapping):
            raise CannotScore("field 'features' is missing or not a mapping id → categories or vector")
        if depth > _DEEPEST:
            raise CannotScore(f"pairs are compared among at most {_DEEPEST:,} ids")
        by_text = {str(name): value for name, value in features.items()}
        shown = list(dict.fromkeys(ranked_ids(row.get("ranked"))[:depth]))
        if len(shown) < 2:
            raise CannotScore("fewer than two ids are recommended, so no pair can differ")
        for name in shown:
            if name not in by_text:
                raise CannotScore(f"field 'features' does not hold {name[:80]!r}")
        value = _unlike([by_text[name] for name in shown])
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name=f"diversity@{depth}",
        doc="How unlike each other the first k recommendations of a list are, averaged over lists.",
        fields=(
            _RANKED,
            Field("features", "mapping id → list of categories (texts), or a vector of numbers"),
        ),
        read=read,
        estimator=MeanEstimator(),
        unit_of_analysis="query",
        convention=(
            "1 − mean similarity over the pairs of a list: Jaccard's of categories (two without any are "
            "alike), the cosine of vectors (a negative one counts 0). An id that comes twice counts once; a "
            "list of fewer than two cannot be scored."
        ),
        source="Ziegler et al., Improving recommendation lists (WWW 2005)",
    )


@dataclass(frozen=True, slots=True)
class CoverageEstimator:
    """Size of a union over the size of the catalogue, by the jackknife over lists (or whole clusters)."""

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        value, added = _covered(scores, clusters)
        return _bounded(value, added, (scores,), level=level, sides=sides, clusters=clusters)

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        old, old_added = _covered(baseline, clusters)
        new, new_added = _covered(candidate, clusters)
        return _bounded(
            new - old,
            new_added - old_added,
            (baseline, candidate),
            level=level,
            sides=sides,
            clusters=clusters,
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value


def _bounded(
    value: float,
    added: NDArray[np.float64],
    sides_of: Sequence[Scores],
    *,
    level: float,
    sides: int,
    clusters: Sequence[Hashable] | None,
) -> Interval:
    longest = max(len(side.names) - 1 for side in sides_of)
    lists = 1 if clusters is None else max(Counter(clusters).values())
    found = stats.influence_interval(
        value,
        influences=added - added.mean(),
        level=level,
        sides=sides,
        bounds=(0.0 if len(sides_of) == 1 else -1.0, 1.0),
        largest_effect=lists * longest / _catalogue(sides_of[0]),
        unit="ratio",
    )
    name = "jackknife" if found.method == "linearised" else found.method
    return replace(found, method=name if clusters is None else f"{name}, clustered")


def _catalogue(scores: Scores) -> float:
    sizes = scores.column("catalogue")
    if sizes.min() != sizes.max():
        raise InputError(
            f"the catalogue has {sizes.min():,.0f} ids in one row and {sizes.max():,.0f} in another",
            where="catalogue",
            hint="give it to the metric: --option catalogue=9125",
        )
    return float(sizes[0])


def _covered(scores: Scores, clusters: Sequence[Hashable] | None) -> tuple[float, NDArray[np.float64]]:
    """The share covered, and what each list (or cluster) adds to it that no other does."""
    import numpy as np

    size = _catalogue(scores)
    ranks = [name for name in scores.names if name != "catalogue"]
    marks = scores.matrix(ranks) if ranks else np.zeros((len(scores), 0))
    codes: dict[Hashable, int] = {}
    names = range(len(scores)) if clusters is None else clusters
    unit = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, len(scores))
    owner, mark = np.repeat(unit, marks.shape[1]), marks.ravel()
    owner, mark = owner[mark != 0], mark[mark != 0]
    order = np.lexsort((owner, mark))
    owner, mark = owner[order], mark[order]
    _, starts = np.unique(mark, return_index=True)
    if starts.size > size:
        raise InputError(
            f"{starts.size:,} different ids are recommended of a catalogue of {size:,.0f}", where="catalogue"
        )
    last = np.append(starts[1:], mark.size)[: starts.size] - 1
    only = owner[starts][owner[starts] == owner[last]]  # owners are in order within an id
    return starts.size / size, np.bincount(only, minlength=len(codes)) / size


def _size(text: str) -> int:
    if not text.isdecimal() or len(text) > 15 or int(text) < 1:
        raise InputError(f"catalogue {text!r:.80} is no number of ids", where="catalogue")
    return int(text)


def _mark(name: str) -> float:
    digest = hashlib.blake2b(name.encode("utf-8", errors="surrogatepass"), digest_size=8).digest()
    return float(2 + (int.from_bytes(digest) >> 12))  # a whole number that a float holds exactly, and not 0


def _unlike(features: Sequence[Any]) -> float:
    import numpy as np

    if all(_is_vector(one) for one in features):
        vectors = [unit_vector(one, "a vector in 'features'") for one in features]
        if len({one.size for one in vectors}) > 1:
            raise CannotScore("the vectors in 'features' differ in length")
        alike = np.maximum(np.stack(vectors) @ np.stack(vectors).T, 0.0)
    else:
        alike = _jaccard([_categories(one) for one in features])
    count = len(features)
    pairs = (float(alike.sum()) - float(np.trace(alike))) / (count * (count - 1))
    return min(1.0, max(0.0, 1.0 - pairs))


def _is_vector(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in value)
    )


def _categories(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise CannotScore("an id in 'features' has neither a list of categories nor a vector of numbers")
    return set(value)


def _jaccard(sets: Sequence[set[str]]) -> NDArray[np.float64]:
    import numpy as np

    place: dict[str, int] = {}
    for one in sets:
        for name in one:
            place.setdefault(name, len(place))
    held = np.zeros((len(sets), max(1, len(place))))
    for at, one in enumerate(sets):
        held[at, [place[name] for name in one]] = 1.0
    shared, sizes = held @ held.T, held.sum(axis=1)
    whole = sizes[:, None] + sizes[None, :] - shared
    return np.where(whole > 0, shared / np.maximum(whole, 1.0), 1.0)


BY_DEPTH: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...], bool]] = {
    "coverage": (coverage, ("catalogue",), False),
    "diversity": (diversity, (), True),
}
