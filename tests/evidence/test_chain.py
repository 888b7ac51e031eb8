"""The audit chain shows every edit, deletion, reordering and cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError, StorageError
from launchworthy.evidence import (
    GENESIS,
    Fault,
    LedgerEntry,
    SignedHead,
    append_head,
    link,
    load_signing_key,
    read_heads,
    read_public_key,
    sign_head,
    verify,
)
from launchworthy.evidence.chain import entry_leaf
from launchworthy.evidence.tree import inclusion_holds, inclusion_proof, tree_root

T0 = datetime(2026, 11, 24, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


def chain(length: int) -> list[LedgerEntry]:
    entries: list[LedgerEntry] = []
    for number in range(length):
        entries.append(
            link(
                {"claim": f"p/w/quality/m{number}", "value": number / 10},
                kind="evidence",
                at=T0 + timedelta(seconds=number),
                after=entries[-1] if entries else None,
            )
        )
    return entries


def head_of(entries: list[LedgerEntry]) -> SignedHead:
    return sign_head(entries[-1], at=T0, key=KEY)


def test_an_untouched_chain_under_its_head_has_no_fault() -> None:
    entries = chain(6)
    assert entries[0].previous == GENESIS
    assert verify(entries, head=head_of(entries), public_key=PUBLIC) == ()


def test_an_empty_chain_is_whole() -> None:
    assert verify([], head=None) == ()


def test_the_time_zone_in_which_a_time_is_written_does_not_change_the_chain() -> None:
    entries = chain(3)
    elsewhere = [replace(e, at=e.at.astimezone(timezone(timedelta(hours=5)))) for e in entries]
    assert verify(elsewhere, head=head_of(entries), public_key=PUBLIC) == ()


_text = st.text(max_size=8)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), length=st.integers(2, 7))
def test_any_single_edit_deletion_swap_or_cut_is_detected(data: st.DataObject, length: int) -> None:
    entries = chain(length)
    head = head_of(entries)
    index = data.draw(st.integers(0, length - 1))
    entry = entries[index]
    deed = data.draw(
        st.sampled_from(["body", "kind", "at", "seq", "hash", "previous", "delete", "swap", "cut"])
    )
    if deed == "body":
        changed = replace(entry, body=data.draw(_text))
        broken = [*entries[:index], changed, *entries[index + 1 :]]
    elif deed == "kind":
        broken = [*entries[:index], replace(entry, kind=entry.kind + "x"), *entries[index + 1 :]]
    elif deed == "at":
        shift = timedelta(microseconds=data.draw(st.integers(1, 10**9)))
        broken = [*entries[:index], replace(entry, at=entry.at + shift), *entries[index + 1 :]]
    elif deed == "seq":
        other = data.draw(st.integers(-3, 99).filter(lambda n: n != entry.seq))
        broken = [*entries[:index], replace(entry, seq=other), *entries[index + 1 :]]
    elif deed == "hash":
        broken = [*entries[:index], replace(entry, hash="f" * 64), *entries[index + 1 :]]
    elif deed == "previous":
        broken = [*entries[:index], replace(entry, previous="f" * 64), *entries[index + 1 :]]
    elif deed == "delete":
        broken = [*entries[:index], *entries[index + 1 :]]
    elif deed == "swap":
        other = data.draw(st.integers(0, length - 1).filter(lambda n: n != index))
        broken = list(entries)
        broken[index], broken[other] = broken[other], broken[index]
    else:
        broken = entries[:index]
    faults = verify(broken, head=head, public_key=PUBLIC)
    assert any(fault.fault.proves_tampering for fault in faults)


def test_a_chain_rewritten_from_the_middle_with_right_hashes_is_shown_by_the_head() -> None:
    entries = chain(5)
    forged = entries[:2]
    for number in range(3):
        forged.append(link({"forged": number}, kind="evidence", at=T0, after=forged[-1]))
    faults = verify(forged, head=head_of(entries), public_key=PUBLIC)
    assert [fault.fault for fault in faults] == [Fault.REWRITTEN]


def test_a_cut_tail_is_counted() -> None:
    entries = chain(5)
    (fault,) = verify(entries[:3], head=head_of(entries), public_key=PUBLIC)
    assert fault.fault is Fault.TRUNCATED
    assert "2 more than are here" in fault.message
    (fault,) = verify([], head=head_of(entries), public_key=PUBLIC)
    assert fault.fault is Fault.TRUNCATED


def test_a_missing_head_is_said_and_is_no_proof_of_tampering() -> None:
    (fault,) = verify(chain(3), head=None)
    assert fault.fault is Fault.NO_HEAD
    assert not fault.fault.proves_tampering


def test_entries_after_the_head_are_told_apart() -> None:
    entries = chain(5)
    (fault,) = verify(entries, head=head_of(entries[:3]), public_key=PUBLIC)
    assert (fault.fault, fault.seq) == (Fault.UNSIGNED_TAIL, 4)


def test_a_head_signed_by_another_key_is_forged() -> None:
    entries = chain(3)
    other = sign_head(entries[-1], at=T0, key=Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    (fault,) = verify(entries, head=other, public_key=PUBLIC)
    assert fault.fault is Fault.FORGED_HEAD
    (fault,) = verify(entries, head=replace(head_of(entries), size=2), public_key=PUBLIC)
    assert fault.fault is Fault.FORGED_HEAD
    (fault,) = verify(entries, head=replace(head_of(entries), signature="not hex"), public_key=PUBLIC)
    assert fault.fault is Fault.FORGED_HEAD


def test_a_head_without_its_key_is_not_trusted() -> None:
    entries = chain(3)
    (fault,) = verify(entries, head=head_of(entries))
    assert fault.fault is Fault.NO_KEY


def test_the_signing_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "head.key"
    first = load_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = load_signing_key(path)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    path.chmod(0o644)
    with pytest.raises(StorageError, match="others may read"):
        load_signing_key(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="not 32 bytes"):
        load_signing_key(path)


def test_heads_are_appended_and_read_back_with_their_key(tmp_path: Path) -> None:
    folder = tmp_path / "heads"
    assert read_heads(folder) == []
    assert read_public_key(folder) is None
    entries = chain(4)
    heads = [sign_head(entries[n], at=T0 + timedelta(seconds=n), key=KEY) for n in (1, 3)]
    for head in heads:
        append_head(head, folder=folder, key=KEY)
    assert read_heads(folder) == heads
    assert verify(entries, head=read_heads(folder)[-1], public_key=read_public_key(folder)) == ()


def test_a_head_half_written_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    entries = chain(2)
    first, second = (sign_head(entry, at=T0, key=KEY) for entry in entries)
    append_head(first, folder=tmp_path, key=KEY)
    with (tmp_path / "heads.jsonl").open("a") as file:
        file.write('{"size": 2, "ha')
    assert read_heads(tmp_path) == [first]
    append_head(second, folder=tmp_path, key=KEY)
    assert read_heads(tmp_path) == [first, second]


def test_a_line_that_is_no_head_is_named(tmp_path: Path) -> None:
    (tmp_path / "heads.jsonl").write_text('{"size": "many"}\n')
    with pytest.raises(InputError, match=r"heads\.jsonl:1"):
        read_heads(tmp_path)
    (tmp_path / "heads.pub").write_text("zz")
    with pytest.raises(InputError, match="64 hex digits"):
        read_public_key(tmp_path)


def rooted_head(entries: list[LedgerEntry], *, key: Ed25519PrivateKey = KEY) -> SignedHead:
    return sign_head(entries[-1], at=T0, key=key, root=tree_root(entry_leaf(each.hash) for each in entries))


def test_a_head_with_a_root_vouches_for_every_entry_on_its_own() -> None:
    entries = chain(7)
    head = rooted_head(entries)
    assert verify(entries, head=head, public_key=PUBLIC) == ()
    leaves = [entry_leaf(each.hash) for each in entries]
    for place, leaf in enumerate(leaves):
        proof = inclusion_proof(leaves, place)
        assert inclusion_holds(leaf, index=place, size=7, proof=proof, root=bytes.fromhex(head.root))


def test_a_head_whose_root_was_taken_out_or_changed_is_forged() -> None:
    entries = chain(4)
    head = rooted_head(entries)
    for changed in (replace(head, root=""), replace(head, root="ab" * 32)):
        (found,) = verify(entries, head=changed, public_key=PUBLIC)
        assert found.fault is Fault.FORGED_HEAD


def test_a_head_that_names_another_tree_shows_a_rewritten_chain() -> None:
    entries = chain(4)
    head = sign_head(entries[-1], at=T0, key=KEY, root=b"r" * 32)
    (found,) = verify(entries, head=head, public_key=PUBLIC)
    assert (found.fault, found.seq) == (Fault.REWRITTEN, 4)


def test_a_chain_rewritten_from_its_start_departs_from_an_earlier_head() -> None:
    old, new = chain(5), chain(6)
    new[0] = replace(old[0], body="{}")
    rewritten: list[LedgerEntry] = []
    for entry in new:
        last = rewritten[-1] if rewritten else None
        rewritten.append(link(entry.body, kind=entry.kind, at=entry.at, after=last))
    found = verify(rewritten, head=rooted_head(rewritten), public_key=PUBLIC, earlier=[rooted_head(old[:3])])
    assert [(each.fault, each.seq) for each in found] == [(Fault.REWRITTEN, 3)]
    stranger = rooted_head(old[:3], key=Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    assert verify(rewritten, head=rooted_head(rewritten), public_key=PUBLIC, earlier=[stranger]) == ()


def test_heads_with_and_without_a_root_are_read_from_one_file(tmp_path: Path) -> None:
    entries = chain(3)
    for head in (head_of(entries[:2]), rooted_head(entries)):
        append_head(head, folder=tmp_path, key=KEY)
    older, newer = read_heads(tmp_path)
    assert (older.root, len(newer.root)) == ("", 64)
    assert verify(entries, head=newer, public_key=PUBLIC, earlier=[older]) == ()
