"""Signs that a gold set has got out: its canary, or a question with its answer behind it, in other texts.

May import ``errors``, this room and NumPy. A canary is a text that travels with the set and is nowhere else
(as the BIG-bench canary is: Srivastava et al., arXiv 2206.04615): where it turns up, the set was read there.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from launchworthy.gold.item import Canary, GoldItem, GoldStore
from launchworthy.gold.shingles import Units, shingles, split_units, strings, units, weight
from launchworthy.gold.version import CANARY_PREFIX

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Guarded", "Told", "guarded", "new_canary"]

_LONG_QUESTION = 8.0  # words; users ask shorter ones by themselves
_LONG_ANSWER = 3.0
_BETWEEN = 25  # units that may stand between the two: "A:", a role, a tag
_SIZE = 3


def new_canary(*, product: str, name: str, now: datetime) -> Canary:
    """A canary that nobody can guess: 128 bits from the system's source."""
    text = CANARY_PREFIX + secrets.token_hex(16)
    return Canary(product=product, name=name, text=text, created_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    item: str
    question: tuple[str, ...]
    answer: tuple[str, ...]


class Told:
    """Long gold questions with their answers, to be found word for word in prompts.

    A question alone is no sign: users ask it. A question that is followed by its expected answer, within 25
    words, stands there as an example or was learnt by heart. Questions of fewer than 8 words and answers of
    fewer than 3 are not looked for: those meet by chance.

    Args:
        items: The set, every split of it.
    """

    def __init__(self, items: Iterable[GoldItem]) -> None:
        import numpy as np

        self._pairs = [pair for item in items for pair in _pairs(item)]
        self._known = Units()
        starts = shingles(
            units((" ".join(pair.question) for pair in self._pairs), known=self._known), size=_SIZE
        )
        first = [int(starts.row(place)[0]) for place in range(len(self._pairs))]
        order = sorted(range(len(first)), key=first.__getitem__)
        self._first: NDArray[np.uint64] = np.array([first[place] for place in order], np.uint64)
        self._order = order

    def __len__(self) -> int:
        return len(self._pairs)

    def found(self, texts: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The place of each text that holds a question with its answer, and the id of the item."""
        import numpy as np

        if not self._pairs or not texts:
            return
        rows = shingles(units(texts, known=self._known), size=_SIZE)
        at = np.searchsorted(self._first, rows.values)
        at[at == len(self._first)] = 0
        hits = np.flatnonzero(self._first[at] == rows.values)
        of_text = np.searchsorted(rows.starts, hits, side="right") - 1
        words: list[str] = []
        last, told = -1, set[tuple[int, str]]()
        for hit, text in zip(hits.tolist(), of_text.tolist(), strict=True):
            if text != last:
                words, last = split_units(texts[text]), text
            begin = hit - int(rows.starts[text])
            anchor = int(np.searchsorted(self._first, rows.values[hit]))
            while anchor < len(self._first) and self._first[anchor] == rows.values[hit]:
                pair = self._pairs[self._order[anchor]]
                anchor += 1
                if (text, pair.item) not in told and _stands(pair, words, begin):
                    told.add((text, pair.item))
                    yield text, pair.item


def _pairs(item: GoldItem) -> Iterator[_Pair]:
    question = "\n".join(strings(item.input))
    if weight(question) >= _LONG_QUESTION:
        for answer in strings(item.expected):
            if weight(answer) >= _LONG_ANSWER:
                yield _Pair(
                    item=item.id,
                    question=tuple(split_units(question)),
                    answer=tuple(split_units(answer)),
                )


def _stands(pair: _Pair, words: Sequence[str], begin: int) -> bool:
    end = begin + len(pair.question)
    if tuple(words[begin:end]) != pair.question:
        return False
    size = len(pair.answer)
    return any(tuple(words[place : place + size]) == pair.answer for place in range(end, end + _BETWEEN + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A gold set as those who watch traffic need it.

    Attributes:
        name: Its name.
        version: Its newest version.
        since: When its first version was made (aware).
        canaries: Texts that must not turn up.
        told: Questions with answers that must not.
    """

    name: str
    version: str
    since: datetime
    canaries: tuple[str, ...]
    told: Told


def guarded(store: GoldStore, *, product: str, names: Iterable[str]) -> list[Guarded]:
    """The sets of these names that there are. Their items are read by the machine alone: no look."""
    found = []
    for name in dict.fromkeys(names):
        versions = store.gold_versions(product=product, name=name)
        if versions:
            newest = versions[0]
            items = store.gold_items(product=product, name=name, version=newest.version, split=None)
            found.append(
                Guarded(
                    name=name,
                    version=newest.version,
                    since=min(version.created_at for version in versions),
                    canaries=tuple(each.text for each in store.gold_canaries(product=product, name=name)),
                    told=Told(items),
                )
            )
    return found
