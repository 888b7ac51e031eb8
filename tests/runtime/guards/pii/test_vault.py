"""The vault: values of a person, encrypted under that person's key, and gone with it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.errors import StorageError
from launchworthy.runtime.guards.pii import FolderShelf, MemoryShelf, PiiGuard, Shelf, SubjectVault
from launchworthy.runtime.guards.verdict import GuardContext, Stage

Make = Callable[[Path], Shelf]
SHELVES: list[Make] = [lambda _: MemoryShelf(), FolderShelf]


@pytest.fixture(params=SHELVES, ids=["memory", "folder"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> SubjectVault:
    return SubjectVault(request.param(tmp_path / "vault"))


def _masked(vault: SubjectVault, subject: str, text: str) -> str:
    return vault.mask(subject, text, PiiGuard().check(Stage.INPUT, text, GuardContext()).spans)


def test_a_value_comes_back_to_its_own_subject_only(vault: SubjectVault) -> None:
    masked = _masked(vault, "u1", "I am ana@b.org, card 4111 1111 1111 1111")
    assert masked == "I am [EMAIL_1], card [CARD_1]"
    assert _masked(vault, "u2", "I am cy@d.org") == "I am [EMAIL_1]"
    assert vault.restore("u1", masked) == "I am ana@b.org, card 4111 1111 1111 1111"
    assert vault.restore("u2", masked) == "I am cy@d.org, card [CARD_1]"
    assert vault.restore("u3", masked) == masked


def test_the_same_value_keeps_its_placeholder(vault: SubjectVault) -> None:
    assert _masked(vault, "u1", "ana@b.org") == "[EMAIL_1]"
    assert _masked(vault, "u1", "cy@d.org and ana@b.org") == "[EMAIL_2] and [EMAIL_1]"


def test_erasing_a_subject_leaves_nothing_and_others_untouched(vault: SubjectVault) -> None:
    masked = _masked(vault, "u1", "ana@b.org")
    other = _masked(vault, "u2", "cy@d.org")
    assert vault.erase("u1")
    assert vault.restore("u1", masked) == masked
    assert vault.restore("u2", other) == "cy@d.org"
    assert not vault.erase("u1")
    assert not vault.erase("never seen")


def test_a_subject_who_comes_back_after_erasure_starts_anew(vault: SubjectVault) -> None:
    _masked(vault, "u1", "ana@b.org")
    vault.erase("u1")
    assert _masked(vault, "u1", "eve@f.org") == "[EMAIL_1]"
    assert vault.restore("u1", "[EMAIL_1]") == "eve@f.org"


def test_a_placeholder_that_the_user_typed_is_not_given_to_a_value(vault: SubjectVault) -> None:
    text = "what is [EMAIL_1]? mine is ana@b.org"
    masked = _masked(vault, "u1", text)
    assert masked == "what is [EMAIL_1]? mine is [EMAIL_2]"
    assert vault.restore("u1", masked) == text


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_any_value_of_any_subject_makes_the_round_trip(value: str, subject: str) -> None:
    vault = SubjectVault(MemoryShelf())
    placeholder = vault.keep(subject, kind="name", value=value)
    assert vault.value(subject, placeholder) == value
    assert vault.value(subject + "x", placeholder) is None


def test_values_survive_a_restart_and_lie_encrypted(tmp_path: Path) -> None:
    SubjectVault(FolderShelf(tmp_path)).keep("ana", kind="email", value="ana@b.org")
    assert SubjectVault(FolderShelf(tmp_path)).value("ana", "[EMAIL_1]") == "ana@b.org"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(b"ana" not in path.read_bytes() and "ana" not in path.name for path in files)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files if path.name != ".lock")


def test_a_backup_of_the_values_does_not_open_after_erasure(tmp_path: Path) -> None:
    vault = SubjectVault(FolderShelf(tmp_path / "vault"))
    vault.keep("u1", kind="email", value="ana@b.org")
    shutil.copytree(tmp_path / "vault" / "values", tmp_path / "backup")
    vault.erase("u1")
    shutil.rmtree(tmp_path / "vault" / "values")
    shutil.copytree(tmp_path / "backup", tmp_path / "vault" / "values")
    assert vault.value("u1", "[EMAIL_1]") is None
    vault.keep("u1", kind="phone", value="5551234")  # a new key
    with pytest.raises(StorageError, match="does not open"):
        vault.value("u1", "[EMAIL_1]")


def test_a_value_that_was_changed_or_moved_does_not_open(tmp_path: Path) -> None:
    vault = SubjectVault(FolderShelf(tmp_path))
    for value in ("ana@b.org", "cy@d.org"):
        vault.keep("u1", kind="email", value=value)
    (path,) = (tmp_path / "values").iterdir()
    first, second = path.read_text().splitlines()
    path.write_text(f"{first[:-2]}00\n{second}\n")
    with pytest.raises(StorageError, match="does not open"):
        vault.value("u1", "[EMAIL_1]")
    swapped = second.replace("[EMAIL_2]", "[EMAIL_1]")
    path.write_text(f"{swapped}\n")
    with pytest.raises(StorageError, match="does not open"):
        vault.value("u1", "[EMAIL_1]")


def test_a_line_cut_short_by_a_crash_is_passed_over_and_written_again(tmp_path: Path) -> None:
    vault = SubjectVault(FolderShelf(tmp_path))
    vault.keep("u1", kind="email", value="ana@b.org")
    (path,) = (tmp_path / "values").iterdir()
    with path.open("a") as file:
        file.write("[EMAIL_2] abc")
    assert vault.value("u1", "[EMAIL_1]") == "ana@b.org"
    assert vault.keep("u1", kind="email", value="cy@d.org") == "[EMAIL_2]"
    assert vault.value("u1", "[EMAIL_2]") == "cy@d.org"


@pytest.mark.parametrize("garbage", ["no sealed value\n", "[EMAIL_1] xx yy\n", "\x00\n"])
def test_a_garbled_file_is_told_with_its_line(tmp_path: Path, garbage: str) -> None:
    vault = SubjectVault(FolderShelf(tmp_path))
    vault.keep("u1", kind="email", value="ana@b.org")
    (path,) = (tmp_path / "values").iterdir()
    with path.open("a") as file:
        file.write(garbage)
    with pytest.raises(StorageError, match="no sealed value") as told:
        vault.value("u1", "[EMAIL_1]")
    assert told.value.where.endswith(":2")


def test_a_key_of_the_wrong_size_is_told(tmp_path: Path) -> None:
    vault = SubjectVault(FolderShelf(tmp_path))
    vault.keep("u1", kind="email", value="ana@b.org")
    (path,) = (path for path in (tmp_path / "keys").iterdir() if path.name != ".lock")
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="5 bytes"):
        vault.value("u1", "[EMAIL_1]")


def test_many_threads_give_no_number_twice(vault: SubjectVault) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: vault.keep("u1", kind="email", value=f"{n}@b.org"), range(24)))
    assert len(set(made)) == 24
    assert [vault.value("u1", each) for each in made] == [f"{n}@b.org" for n in range(24)]
