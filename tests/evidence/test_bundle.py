"""Single entries that are taken elsewhere: shown by their proofs, and by every head that came before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchworthy.errors import InputError
from launchworthy.evidence import (
    BundleReport,
    LedgerEntry,
    SignedHead,
    link,
    read_bundle,
    sign_head,
    verify_bundle,
    write_bundle,
)
from launchworthy.evidence.chain import entry_leaf
from launchworthy.evidence.tree import tree_root

T0 = datetime(2026, 11, 24, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


def chain(length: int, *, of: str = "x") -> list[LedgerEntry]:
    entries: list[LedgerEntry] = []
    for number in range(length):
        last = entries[-1] if entries else None
        entries.append(link({of: number}, kind="note", at=T0 + timedelta(seconds=number), after=last))
    return entries


def head(entries: list[LedgerEntry], size: int, *, rooted: bool = True) -> SignedHead:
    root = tree_root(entry_leaf(entry.hash) for entry in entries[:size]) if rooted else b""
    return sign_head(entries[size - 1], at=T0, key=KEY, root=root)


def written(
    folder: Path, entries: list[LedgerEntry], heads: list[SignedHead], chosen: set[int]
) -> BundleReport:
    write_bundle(
        folder,
        product="shop",
        entries=entries,
        heads=heads,
        public_key=PUBLIC,
        openings=[],
        chosen=chosen,
    )
    return verify_bundle(read_bundle(folder), public_key=PUBLIC)


def faults(report: BundleReport) -> list[tuple[str, int | None]]:
    return [(each.fault.value, each.seq) for each in report.faults]


def test_entries_are_shown_under_every_head_that_was_signed(tmp_path: Path) -> None:
    entries = chain(13)
    heads = [head(entries, size) for size in (1, 4, 6, 8, 13)]
    report = written(tmp_path / "out", entries, heads, {2, 9, 13})
    assert (report.entries, faults(report)) == (3, [])


def test_a_chain_that_was_rewritten_and_signed_again_departs_from_the_older_head(tmp_path: Path) -> None:
    old, new = chain(6), chain(9, of="y")
    report = written(tmp_path / "out", new, [head(old, 6), head(new, 9)], {2})
    assert faults(report) == [("rewritten", 6)]


@pytest.mark.parametrize("change", ["drop", "edit"])
def test_a_proof_of_continuity_cannot_be_left_out_or_made_up(tmp_path: Path, change: str) -> None:
    entries = chain(9)
    written(tmp_path / "out", entries, [head(entries, 6), head(entries, 9)], {2})
    path = tmp_path / "out" / "consistency.jsonl"
    row = json.loads(path.read_text())
    row["proof"][0] = "00" * 32
    path.write_text("" if change == "drop" else json.dumps(row))
    assert faults(verify_bundle(read_bundle(tmp_path / "out"), public_key=PUBLIC)) == [("rewritten", 6)]


def test_an_entry_after_the_newest_head_is_said_to_be_unsigned(tmp_path: Path) -> None:
    entries = chain(5)
    assert faults(written(tmp_path / "out", entries, [head(entries, 4)], {3, 5})) == [("unsigned_tail", 5)]


def test_a_head_of_before_there_were_trees_shows_no_single_entry(tmp_path: Path) -> None:
    entries = chain(3)
    with pytest.raises(InputError, match="none with a root yet"):
        written(tmp_path / "out", entries, [head(entries, 3, rooted=False)], {1})
    mixed = [head(entries, 2, rooted=False), head(entries, 3)]
    assert faults(written(tmp_path / "mixed", entries, mixed, {1})) == []


def test_of_many_heads_some_are_shown_and_the_newest_always(tmp_path: Path) -> None:
    entries = chain(700)
    heads = [head(entries, size) for size in range(1, 701)]
    assert faults(written(tmp_path / "out", entries, heads, {700})) == []
    kept = read_bundle(tmp_path / "out").heads
    assert 150 < len(kept) <= 201
    assert kept[-1].size == 700
