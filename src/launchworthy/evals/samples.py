"""Asking each item several times: what answers may not say the same twice. Pure; may import ``gold``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from launchworthy.errors import InputError
from launchworthy.gold import GoldItem

__all__ = ["MOST_SAMPLES", "sampled"]

MOST_SAMPLES = 1_000


def sampled(items: Iterable[GoldItem], samples: int) -> Iterable[GoldItem]:
    """Each item as often as asked for; the first keeps its id, the others end in ``#2``, ``#3`` …

    The samples of an item are one cluster, that of the item where it has one: asking again says more about
    this item, and nothing about another.

    Raises:
        InputError: Not from 1 to 1,000 samples.
    """
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(f"{samples} samples are not from 1 to {MOST_SAMPLES:,}", where="--samples")
    if samples == 1:
        return items
    return [
        replace(
            item,
            id=item.id if number == 1 else f"{item.id}#{number}",
            cluster=item.id if item.cluster is None else item.cluster,
        )
        for item in items
        for number in range(1, samples + 1)
    ]
