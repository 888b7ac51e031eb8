"""Near-copies among gold items, and gold items that stand where they must not.

May import this room and NumPy.

Two texts *resemble* each other by the shingles of two units that they share, of those that either has
(Jaccard); a text is *contained* in another by the share of its own shingles of three units that stand
together there, within one and a half times its length. Both are measured exactly: MinHash only chooses
which pairs to measure, and an item's rarest shingles choose where to look for it in a long text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.gold.corpus import Passage
from launchworthy.gold.item import GoldItem
from launchworthy.gold.minhash import Bands, across, bands_for, jaccard, keys_of, within
from launchworthy.gold.question import is_another_question
from launchworthy.gold.shingles import Ragged, Units, excerpt, shingles, strings, units, weight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RESEMBLANCE", "Checked", "Leak", "NearCopy", "check_gold"]

RESEMBLANCE = 0.7
_CONTAINMENT = 0.8
_LEAST_WORDS = 6.0  # what is shorter stands in every long text by chance
_REACH = 1.5
_SIZE = 2  # units of a shingle that resemblance is measured by
_LONG = 3  # and containment
_MOST = 10_000  # pairs that are kept
_TEXTS = 4_096  # texts that are looked at together
_CHARACTERS = 8_000_000  # and at most so many characters of them, or one text
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCopy:
    """Two gold items that are nearly the same.

    Attributes:
        item: Id of the one.
        other: Id of the other.
        splits: Their splits; where they differ, what proves is known from what was tuned on.
        score: Resemblance, 0 to 1.
        texts: The two texts; None for an item that is kept back, which nobody may read in passing.
    """

    item: str
    other: str
    splits: tuple[str, str]
    score: float
    texts: tuple[str | None, str | None]

    @property
    def leak(self) -> bool:
        """Whether the two stand in different splits."""
        return self.splits[0] != self.splits[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A gold item that stands outside the set.

    Attributes:
        item: Its id.
        split: Its split.
        place: File and line where it stands.
        how: ``resemblance`` of a whole text, or ``containment`` in a longer one.
        score: 0 to 1.
        text: What stands there.
        item_text: What the item asks; None where it is kept back.
    """

    item: str
    split: str
    place: str
    how: str
    score: float
    text: str
    item_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found, the most alike first.

    Attributes:
        copies: Near-copies among the items.
        leaks: Items found outside.
        items: Items that were compared.
        textless: Items without any text, which could not be.
        texts: Texts outside that were compared.
        whole: Whether every pair is listed; False where there are more than fit a list.
    """

    copies: tuple[NearCopy, ...]
    leaks: tuple[Leak, ...]
    items: int
    textless: int = 0
    texts: int = 0
    whole: bool = True

    @property
    def leaked(self) -> int:
        """Pairs across splits, and items found outside."""
        return sum(copy.leak for copy in self.copies) + len(self.leaks)


def check_gold(
    items: Sequence[GoldItem],
    *,
    against: Iterable[Passage] = (),
    threshold: float = RESEMBLANCE,
) -> Checked:
    """Compare gold items with one another, and with texts outside.

    Args:
        items: The set, every split of it.
        against: Prompts, examples, documents; read once, a few thousand in memory at a time.
        threshold: Least resemblance that is reported, above 0.

    Raises:
        InputError: The threshold is not above 0 and at most 1.
    """
    if not 0.0 < threshold <= 1.0:
        raise InputError(f"a resemblance of {threshold!r} cannot be asked for", hint="write 0.7 or 70 %")
    asked = [(item, "\n".join(strings(item.input))) for item in items]
    known = Units()
    texted = [(item, text) for item, text in asked if weight(text)]
    gold = _Gold(texted, threshold=threshold, known=known)
    copies, whole = gold.copies()
    leaks: list[Leak] = []
    texts = 0
    for chunk in _chunks(against):
        texts += len(chunk)
        leaks += gold.leaks(chunk)
        if len(leaks) > 2 * _MOST:
            leaks, whole = _best(leaks), False
    whole = whole and len(leaks) <= _MOST and len(copies) <= _MOST
    return Checked(
        copies=tuple(sorted(copies, key=lambda pair: (-pair.score, pair.item, pair.other))[:_MOST]),
        leaks=tuple(_best(leaks)),
        items=len(texted),
        textless=len(asked) - len(texted),
        texts=texts,
        whole=whole,
    )


def _best(leaks: list[Leak]) -> list[Leak]:
    return sorted(leaks, key=lambda leak: (-leak.score, leak.item, leak.place))[:_MOST]


class _Gold:
    """A set with everything that texts are compared by."""

    def __init__(self, asked: Sequence[tuple[GoldItem, str]], *, threshold: float, known: Units) -> None:
        self._items = [item for item, _ in asked]
        self._texts = [text for _, text in asked]
        self._threshold, self._known = threshold, known
        rows = units(self._texts, known=known)
        self._short = shingles(rows, size=_SIZE)
        self._bands: Bands = bands_for(threshold)
        self._keys = keys_of(self._short, bands=self._bands)
        self._anchors = _Anchors(shingles(rows, size=_LONG), self._texts)

    def copies(self) -> tuple[list[NearCopy], bool]:
        """Near-copies among the items, and whether that is all of them."""
        pairs, whole = within(self._keys)
        found = []
        for left, right in pairs.tolist():
            score = jaccard(self._short.row(left), self._short.row(right))
            one, other = self._items[left], self._items[right]
            if score >= self._threshold and not is_another_question(
                (self._texts[left], one.expected), (self._texts[right], other.expected)
            ):
                found.append(
                    NearCopy(
                        item=one.id,
                        other=other.id,
                        splits=(one.split, other.split),
                        score=score,
                        texts=(self._shown(left), self._shown(right)),
                    )
                )
        return found, whole

    def leaks(self, passages: Sequence[Passage]) -> Iterator[Leak]:
        """Items that one of the passages is nearly the same as, or contains."""
        import numpy as np

        rows = units([passage.text for passage in passages], known=self._known)
        short = shingles(rows, size=_SIZE)
        lengths = np.diff(short.starts)
        longest = int(np.diff(self._short.starts).max(initial=0))
        # A text of many more shingles than an item has cannot resemble it.
        near = np.flatnonzero(lengths * self._threshold <= longest)
        told: set[tuple[int, int]] = set()
        few = Ragged(
            values=short.values[np.repeat(lengths * self._threshold <= longest, lengths)],
            starts=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[near])]),
        )
        for item, place in across(self._keys, keys_of(few, bands=self._bands)).tolist():
            score = jaccard(self._short.row(item), few.row(place))
            if score >= self._threshold:
                passage = passages[int(near[place])]
                told.add((item, int(near[place])))
                where = passage.place if passage.line is None else f"{passage.place}:{passage.line}"
                yield self._leak(item, where, "resemblance", score, passage.text)
        for item, place, score, first, last in self._anchors.found(shingles(rows, size=_LONG)):
            if (item, place) not in told:
                passage = passages[place]
                text, line = excerpt(passage.text, first=first, last=last)
                where = (
                    passage.place if passage.line is None else f"{passage.place}:{passage.line + line - 1}"
                )
                yield self._leak(item, where, "containment", score, text)

    def _leak(self, item: int, place: str, how: str, score: float, text: str) -> Leak:
        return Leak(
            item=self._items[item].id,
            split=self._items[item].split,
            place=place,
            how=how,
            score=score,
            text=_cut(text),
            item_text=self._shown(item),
        )

    def _shown(self, item: int) -> str | None:
        return _cut(self._texts[item]) if self._items[item].split == "dev" else None


class _Anchors:
    """Of each item the shingles that a text which contains it must have one of, the rarest of the set.

    Whoever has four in five of an item's shingles lacks one in five, so has one of any fifth and one more
    (the prefix filter of Chaudhuri, Ganti and Kaushik, ICDE 2006): no item is missed.
    """

    def __init__(self, rows: Ragged, texts: Sequence[str]) -> None:
        import numpy as np

        own = {
            place: np.unique(rows.row(place))
            for place, text in enumerate(texts)
            if weight(text) >= _LEAST_WORDS
        }
        common: Counter[int] = Counter()
        for each in own.values():
            common.update(each.tolist())
        anchors = [
            (shingle, place)
            for place, each in own.items()
            for shingle in sorted(each.tolist(), key=lambda one: (common[one], one))[
                : len(each) - math.ceil(_CONTAINMENT * len(each)) + 1
            ]
        ]
        anchors.sort()
        self._own = own
        self._least = np.array(
            [math.ceil(_CONTAINMENT * len(own[place])) if place in own else 0 for place in range(len(texts))]
        )
        self._reach = np.array(
            [math.ceil(_REACH * len(own[place])) if place in own else 0 for place in range(len(texts))]
        )
        self._any = np.unique(np.concatenate([*own.values(), np.zeros(0, np.uint64)]))
        self._shingles: NDArray[np.uint64] = np.array([shingle for shingle, _ in anchors], np.uint64)
        self._places: NDArray[np.int64] = np.array([place for _, place in anchors], np.int64)

    def found(self, texts: Ragged) -> Iterator[tuple[int, int, float, int, int]]:
        """Item, text, containment, and the first and last unit of the stretch; the best of each pair."""
        import numpy as np

        if not len(self._shingles):
            return
        hits, anchors = _matches(self._shingles, texts.values)
        items = self._places[anchors]
        # Before any is looked at closely: enough shingles of any item must stand there at all.
        common = np.concatenate([[0], np.cumsum(_member(self._any, texts.values))])
        of_text = np.searchsorted(texts.starts, hits, side="right") - 1
        low = np.maximum(texts.starts[of_text], hits - self._reach[items])
        high = np.minimum(texts.starts[of_text + 1], hits + self._reach[items] + 1)
        near = np.flatnonzero(common[high] - common[low] >= self._least[items])
        best: dict[tuple[int, int], tuple[float, int, int]] = {}
        for item, text, start, end in zip(
            *(each[near].tolist() for each in (items, of_text, low, high)), strict=True
        ):
            before = best.get((item, text), (0.0, 0, 0))
            if before[0] < 1.0:
                own, stretch = self._own[item], texts.values[start:end]
                inside = np.flatnonzero(_member(own, stretch))
                share = len(np.unique(stretch[inside])) / len(own)
                if share >= _CONTAINMENT and share > before[0]:
                    first, last = _tightest(inside.tolist(), stretch[inside].tolist())
                    begin = start - int(texts.starts[text])
                    best[item, text] = share, begin + first, begin + last + _LONG - 1
        for (item, text), (score, first, last) in best.items():
            yield item, text, score, first, last


def _tightest(places: list[int], shingles: list[int]) -> tuple[int, int]:
    """The shortest stretch that has every shingle."""
    counts: Counter[int] = Counter()
    wanted, begin = len(set(shingles)), 0
    best = (places[0], places[-1])
    for end, shingle in enumerate(shingles):
        counts[shingle] += 1
        while len(counts) == wanted:
            if places[end] - places[begin] < best[1] - best[0]:
                best = (places[begin], places[end])
            counts[shingles[begin]] -= 1
            if not counts[shingles[begin]]:
                del counts[shingles[begin]]
            begin += 1
    return best


def _member(ranked: NDArray[np.uint64], values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the values are among the ranked ones."""
    import numpy as np

    at = np.searchsorted(ranked, values)
    at[at == len(ranked)] = 0
    return np.asarray(ranked[at] == values)


def _matches(
    ranked: NDArray[np.uint64], values: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of equal numbers, as a place among the values and one among the ranked."""
    import numpy as np

    hits = np.flatnonzero(_member(ranked, values))
    first = np.searchsorted(ranked, values[hits], "left")
    times = np.searchsorted(ranked, values[hits], "right") - first
    offset = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(hits, times), np.repeat(first, times) + offset


def _chunks(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    source = iter(passages)
    while chunk := list(islice(source, 1)):
        size = len(chunk[0].text)
        while len(chunk) < _TEXTS and size < _CHARACTERS:
            more = next(source, None)
            if more is None:
                break
            chunk.append(more)
            size += len(more.text)
        yield chunk


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
