"""How long a gold set's checks take: near-copies, leaks into a corpus, coverage of what users ask.

    python bench/gold.py [--texts 100000] [--items 2000]

Texts are made of words as common as words are (Zipf, 20,000 of them); one in a thousand holds an item. Prints
seconds of wall clock and CPU, and the most memory that the process ever held.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from launchworthy.gold import GoldItem, Passage, check_gold, coverage_of

WORDS = [f"w{place}" for place in range(20_000)]
WEIGHTS = list(accumulate(1 / (place + 2.7) for place in range(len(WORDS))))


def passages(count: int, items: list[GoldItem], *, dice: random.Random) -> Iterator[Passage]:
    """Texts of 80 words, made as they are read."""
    for place in range(count):
        text = " ".join(dice.choices(WORDS, cum_weights=WEIGHTS, k=80))
        if place % 1_000 == 0:
            text = f"{text} {items[place // 1_000 % len(items)].input} {text}"
        yield Passage(place=f"text {place}", text=text)


def timed(name: str, work: Callable[[], Any]) -> Any:
    """What the work answers; prints what it cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<58} {wall:7.1f} s  {cpu:7.1f} s CPU  {peak:6.0f} MB")
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=2_000)
    options = parser.parse_args()
    dice = random.Random(1)

    def item(place: int) -> GoldItem:
        return GoldItem(id=f"q{place}", input=" ".join(dice.choices(WORDS, cum_weights=WEIGHTS, k=12)))

    items = [item(place) for place in range(options.items)]
    made = timed(
        f"make {options.texts:,} texts", lambda: sum(1 for _ in passages(options.texts, items, dice=dice))
    )
    found = timed(
        f"{options.items:,} items against {made:,} texts, making included",
        lambda: check_gold(items, against=passages(options.texts, items, dice=dice)),
    )
    print(f"  {len(found.leaks):,} leaks found of {-(-options.texts // 1_000):,} put there")
    many = [item(place) for place in range(options.texts)]
    timed(f"{options.texts:,} items among themselves", lambda: check_gold(many))
    asked = [str(each.input) for each in many[:20_000]]
    timed(
        f"coverage of {len(asked):,} questions by {options.items:,} items", lambda: coverage_of(items, asked)
    )


if __name__ == "__main__":
    main()
