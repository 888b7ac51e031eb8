"""The Merkle tree over a chain's entries, and proofs about it that need no other entry (RFC 6962, RFC 9162).

Pure, standard library only. Units: hashes are 32 raw bytes. A leaf is the SHA-256 of a zero byte and the
entry's own hash; a node that of a one byte and its two children. The frontier of a tree is the roots of its
perfect subtrees, so that a chain of any length is summed in memory that grows with its logarithm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

__all__ = [
    "Frontier",
    "Levels",
    "consistency_holds",
    "consistency_proof",
    "inclusion_holds",
    "inclusion_proof",
    "leaf_hash",
    "tree_root",
]

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, 2.1)."""
    return _sha256(b"\0" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\1" + left + right).digest()


class Frontier:
    """The perfect subtrees of a tree that only grows, largest first: all that its root needs."""

    __slots__ = ("peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        size, peaks = self.size, self.peaks
        self.size = size + 1
        while size & 1:
            leaf = _sha256(b"\1" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of many leaves, a level of the tree at a time."""
        size, level, left = self.size, list(leaves), []
        self.size = size + len(level)
        while level:
            if size & 1:
                level.insert(0, self.peaks.pop())
            if len(level) & 1:
                left.append(level.pop())
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [_sha256(b"\1" + one + other).digest() for one, other in pairs]
            size >>= 1
        self.peaks += reversed(left)

    def root(self) -> bytes:
        """The root of the tree as it stands; that of an empty one is the hash of nothing."""
        if not self.peaks:
            return _sha256(b"").digest()
        *rest, found = self.peaks
        for peak in reversed(rest):
            found = _node(peak, found)
        return found


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from a leaf to the root of these leaves (RFC 6962, 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    return Levels(leaves).inclusion_proof(index)


def inclusion_holds(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf stands at a place of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(each, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = _node(found, each)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """The hashes that show that the tree of these leaves continues the one of its first ``old`` (2.1.2)."""
    if not 0 < old <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves does not continue one of {old}")
    return Levels(leaves).consistency_proof(old)


def consistency_holds(
    *, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a tree is an earlier one with leaves added (RFC 9162, 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = steps[0]
    for each in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = _node(each, old), _node(each, new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new = _node(new, each)
        place >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


class Levels:
    """A tree held whole, for many proofs over the same leaves: each of its nodes is hashed once.

    Args:
        leaves: Hashes of the leaves, in order.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append(
                [_node(below[place], below[place + 1]) for place in range(0, len(below) - 1, 2)]
            )
        self.size = len(leaves)

    def root(self, low: int, high: int) -> bytes:
        """The root over a range that the tree of all leaves divides into."""
        size = high - low
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self._levels[level][low >> level]
        middle = low + _split(size)
        return _node(self.root(low, middle), self.root(middle, high))

    def inclusion_proof(self, index: int) -> list[bytes]:
        """As the function of this name."""
        proof: list[bytes] = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self.root(middle, high))
                high = middle
            else:
                proof.append(self.root(low, middle))
                low = middle
        return proof[::-1]

    def consistency_proof(self, old: int) -> list[bytes]:
        """As the function of this name."""
        return self._subproof(old, 0, self.size, whole=True)

    def _subproof(self, old: int, low: int, high: int, *, whole: bool) -> list[bytes]:
        size = high - low
        if old == size:
            return [] if whole else [self.root(low, high)]
        middle = _split(size)
        if old <= middle:
            rest = self._subproof(old, low, low + middle, whole=whole)
            return [*rest, self.root(low + middle, high)]
        rest = self._subproof(old - middle, low + middle, high, whole=False)
        return [*rest, self.root(low, low + middle)]
