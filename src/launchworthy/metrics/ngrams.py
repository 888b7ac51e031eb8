"""What two token lists share: n-grams and the longest common subsequence. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

__all__ = ["lcs_length", "ngrams", "shared_ngrams"]

Tokens = Sequence[Hashable]


def ngrams(tokens: Tokens, n: int) -> Sequence[Hashable]:
    """The n-grams in order; a token is its own 1-gram."""
    return tokens if n == 1 else list(zip(*(tokens[start:] for start in range(n)), strict=False))


def shared_ngrams(one: Tokens, other: Tokens, n: int) -> int:
    """How many n-grams both hold, each as often as the side that holds it less often."""
    left, right = ngrams(one, n), ngrams(other, n)
    kinds_left, kinds_right = set(left), set(right)
    shared = kinds_left & kinds_right
    if not shared or len(kinds_left) == len(left) or len(kinds_right) == len(right):
        return len(shared)  # on one side nothing repeats, so each is shared once
    counts_left, counts_right = Counter(left), Counter(right)
    return sum(min(counts_left[kind], counts_right[kind]) for kind in shared)


def lcs_length(one: Tokens, other: Tokens, *, most: int) -> int | None:
    """Length of the longest common subsequence; None where it would take more than ``most`` steps of a bit.

    What both begin and end with is matched first, and what only one side holds is left out: neither can
    change the length. The rest is bit-parallel, one addition of long integers a token.

    Source: Hyyrö, Bit-parallel LCS-length computation revisited (AWOCA 2004).
    """
    start, end, shorter = 0, 0, min(len(one), len(other))
    while start < shorter and one[start] == other[start]:
        start += 1
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    shared = set(left) & set(right)
    left = [token for token in left if token in shared]
    right = [token for token in right if token in shared]
    if len(left) > len(right):
        left, right = right, left
    width = len(left)
    if width * (width + len(right)) > most:
        return None
    masks: dict[Hashable, int] = {}
    for at, token in enumerate(left):
        masks[token] = masks.get(token, 0) | 1 << at
    full = (1 << width) - 1
    open_ends = full  # a bit is 0 where the length grows
    for token in right:
        hit = open_ends & masks[token]
        open_ends = (open_ends + hit | open_ends - hit) & full
    return start + end + width - open_ends.bit_count()
