"""What is held of a run's items once they are stored: everything but the texts. May import ``records``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from launchworthy.records import RunItem, Score

__all__ = ["gist_of"]

_MOST = 100_000  # different scores that are shared


def gist_of(items: Iterable[RunItem]) -> tuple[RunItem, ...]:
    """The items in order of id, without input, truth and output; scores that are equal are one object.

    A hundred thousand items so take some ten megabytes, however long the answers are.
    """
    scores: dict[object, Score] = {}
    sets: dict[object, Mapping[str, Score]] = {}
    slices: dict[tuple[str, ...], tuple[str, ...]] = {}

    def shared(score: Score) -> Score:
        if score.detail or len(scores) >= _MOST:
            return score
        return scores.setdefault((score.value, tuple(score.statistics.items()), score.error), score)

    def together(own: Mapping[str, Score]) -> Mapping[str, Score]:
        found = {name: shared(score) for name, score in own.items()}
        if len(sets) >= _MOST:
            return found
        return sets.setdefault(tuple((name, id(score)) for name, score in found.items()), found)

    return tuple(
        sorted(
            (
                replace(
                    item,
                    input=None,
                    expected=None,
                    output=None,
                    slices=slices.setdefault(item.slices, item.slices),
                    scores=together(item.scores),
                )
                for item in items
            ),
            key=lambda item: item.item_id,
        )
    )
