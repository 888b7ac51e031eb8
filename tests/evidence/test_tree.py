"""The Merkle tree against the vectors that Certificate Transparency publishes for RFC 6962."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.evidence.tree import (
    Frontier,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
    tree_root,
)

INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def test_roots_are_those_of_the_published_tree() -> None:
    tree = Frontier()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf)
        assert tree.root().hex() == root


@pytest.mark.parametrize("first", range(8))
def test_leaves_that_are_added_together_have_the_published_roots(first: int) -> None:
    for last in range(first + 1, 9):
        tree = Frontier()
        tree.extend(LEAVES[:first])
        tree.extend(LEAVES[first:last])
        assert tree.root().hex() == ROOTS[last - 1]
        assert tree.size == last


def test_leaves_may_be_added_together_after_others_of_any_number() -> None:
    leaves = [leaf_hash(place.to_bytes(2, "big")) for place in range(300)]
    for first in range(0, 300, 7):
        tree = Frontier()
        for leaf in leaves[:first]:
            tree.append(leaf)
        tree.extend(leaves[first:])
        assert tree.root() == tree_root(leaves)


@pytest.mark.parametrize(
    ("leaf", "size", "path"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            2,
            5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_inclusion_proofs_are_the_published_ones(leaf: int, size: int, path: list[str]) -> None:
    assert [each.hex() for each in inclusion_proof(LEAVES[:size], leaf - 1)] == path
    proof = [bytes.fromhex(each) for each in path]
    root = bytes.fromhex(ROOTS[size - 1])
    assert inclusion_holds(LEAVES[leaf - 1], index=leaf - 1, size=size, proof=proof, root=root)


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_consistency_proofs_are_the_published_ones(old: int, size: int, path: list[str]) -> None:
    assert [each.hex() for each in consistency_proof(LEAVES[:size], old)] == path
    assert consistency_holds(
        old_size=old,
        old_root=bytes.fromhex(ROOTS[old - 1]),
        size=size,
        root=bytes.fromhex(ROOTS[size - 1]),
        proof=[bytes.fromhex(each) for each in path],
    )


@given(size=st.integers(1, 70), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_proof_holds_for_its_own_leaf_and_tree_and_for_no_other(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([place])) for place in range(size)]
    root = tree_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert inclusion_holds(leaves[index], index=index, size=size, proof=proof, root=root)
    assert not inclusion_holds(leaf_hash(b"no"), index=index, size=size, proof=proof, root=root)
    assert not inclusion_holds(leaves[index], index=index, size=size, proof=[*proof, root], root=root)
    assert not inclusion_holds(leaves[index], index=size, size=size, proof=proof, root=root)
    if proof:
        assert not inclusion_holds(leaves[index], index=index, size=size, proof=proof[1:], root=root)
    old = data.draw(st.integers(1, size))
    steps = consistency_proof(leaves, old)
    told: dict[str, Any] = {"old_size": old, "size": size, "root": root, "proof": steps}
    assert consistency_holds(old_root=tree_root(leaves[:old]), **told)
    assert not consistency_holds(old_root=leaf_hash(b"no"), **told)


@pytest.mark.parametrize("old", [0, 4])
def test_what_no_tree_has_is_not_proven(old: int) -> None:
    with pytest.raises(IndexError, match="does not continue"):
        consistency_proof(LEAVES[:3], old)
    with pytest.raises(IndexError, match="no leaf"):
        inclusion_proof(LEAVES[:3], 3)
    assert not consistency_holds(old_size=old, old_root=b"", size=3, root=tree_root(LEAVES[:3]), proof=[])
