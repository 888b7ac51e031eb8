"""``erase``, ``retention`` and ``export`` as someone types them, on a data folder without a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three spans of two users of one product."""
    folder = tmp_path / "data"
    values: dict[str, list[Any]] = {name: [None] * 3 for name in TABLES["spans"].names} | {
        "product": ["shop"] * 3,
        "trace_id": [bytes([place]) * 16 for place in (1, 2, 3)],
        "span_id": [bytes([place]) * 8 for place in (1, 2, 3)],
        "status": ["ok"] * 3,
        "start_time": [time.time_ns()] * 3,
        "duration_ms": [1.0] * 3,
        "user_id": ["u_0000000000000000000000aa", "u_0000000000000000000000bb", "u_0000000000000000000000aa"],
    }
    store = Store.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        store.ingest([Rows("spans", values)], batch_id="first")
    finally:
        store.close()
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(data)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def test_erasing_says_in_a_sentence_what_went_and_where_it_is_on_record(run: Run, tmp_path: Path) -> None:
    someone = ("erase", "--product", "shop", "--by", "ana", "--user")
    code, out, _ = run(*someone, "u_0000000000000000000000aa")
    assert code == 0
    assert out.startswith("erased from every file of shop: spans: 2\nthe request is in the audit chain as x-")
    assert "shop held no record of this user" in run(*someone, "u_0000000000000000000000aa")[1]
    misspelt = ("erase", "--product", "shp", "--by", "ana", "--user", "u_0000000000000000000000bb")
    assert "no product shp is known here; there are: shop" in run(*misspelt)[2]
    assert json.loads(run(*someone, "u_0000000000000000000000bb", "--json")[1])["removed"]["spans"] == 1
    assert run("export", "spans", "--out", str(tmp_path / "left.parquet"))[1].startswith("0 spans")
    assert run("audit", "verify")[0] == 0


def test_retention_says_that_without_a_contract_everything_is_kept(run: Run) -> None:
    code, out, _ = run("retention")
    assert code == 0
    assert "no contract in force here limits how long" in out


def test_an_erasure_is_verified_in_every_file(run: Run, data: Path, tmp_path: Path) -> None:
    someone = (
        "erase",
        "--product",
        "shop",
        "--by",
        "officer",
        "--user",
        "u_0000000000000000000000aa",
        "--verify",
    )
    code, out, _ = run(*someone, "--text", "they said this only once")
    assert code == 0
    assert out.endswith("looked for in every file: nothing of them is left\n")
    (data / "debug.log").write_text("they said this only once, u_0000000000000000000000aa")
    code, out, _ = run(*someone, "--text", "they said this only once")
    assert code == 1
    assert "left in debug.log: the user\nleft in debug.log: they said this only once\n" in out
    code, out, _ = run(*someone, "--json")
    assert (code, json.loads(out)["left"]) == (1, [{"place": "debug.log", "text": 0}])


def test_the_key_of_a_vault_goes_with_the_person(run: Run, tmp_path: Path) -> None:
    from launchworthy.runtime.guards.pii import FolderShelf, SubjectVault

    vault = SubjectVault(FolderShelf(tmp_path / "vault"))
    placeholder = vault.keep("mia", kind="email", value="mia@example.org")
    someone = ("erase", "--product", "shop", "--by", "officer", "--user", "mia")
    assert "the key of their values is gone" in run(*someone, "--vault", str(tmp_path / "vault"))[1]
    assert vault.value("mia", placeholder) is None
    assert "held no key of theirs" in run(*someone, "--vault", str(tmp_path / "vault"))[1]


def test_a_drill_is_told_in_sentences_and_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill = ("erase", "--product", "shop", "--by", "officer", "--drill")
    code, _, err = run(*drill)
    assert (code, "says nothing of erasure" in err) == (64, True)
    monkeypatch.chdir(tmp_path)
    contract = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
data: {erasure_within: 72h}
"""
    store = Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        store.registry.register_contract(product="shop", text=contract, path="")
    finally:
        store.close()
    code, out, _ = run(*drill)
    assert code == 0
    assert "after erasing, it stands nowhere; that took" in out
    assert "may take 3 d" in out
    assert out.endswith("kept as evidence for shop/data/erasure_within\n")


@pytest.mark.parametrize(
    "options",
    [(), ("--user", "mia", "--drill"), ("--user", "mia", "--text", "something said")],
)
def test_an_erasure_says_what_it_needs(run: Run, options: tuple[str, ...]) -> None:
    assert run("erase", "--product", "shop", "--by", "officer", *options)[0] == 64


def test_what_may_not_be_learnt_from_is_left_out_and_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contract = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
data: {sources: {help: {class: public, may: [see, store, learn]}}}
"""
    read = {
        "product": "shop",
        "trace_id": bytes([2]) * 16,
        "span_id": b"12345678",
        "start_time": time.time_ns(),
        "context": json.dumps([{"source": "tickets"}, {"source": "help"}]),
    }
    values = {name: [read.get(name)] for name in TABLES["spans"].names}
    store = Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        store.registry.register_contract(product="shop", text=contract, path="")
        store.ingest([Rows("spans", values)], batch_id="second")
    finally:
        store.close()
    out = str(tmp_path / "learn.parquet")
    code, printed, _ = run("export", "spans", "--out", out, "--product", "shop", "--learn")
    assert code == 0
    assert printed == (
        f"2 spans in {out}\nleft out: 1 trace that read tickets, which may not be learned from\n"
    )
    assert run("export", "spans", "--out", out, "--learn")[0] == 64


def test_a_person_is_erased_under_the_pseudonym_of_their_application_too(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launchworthy.records import pseudonym

    monkeypatch.delenv("LAUNCHWORTHY_PSEUDONYM_KEY", raising=False)
    monkeypatch.setenv("LAUNCHWORTHY_STATE", str(tmp_path / "elsewhere"))
    key = b"0123456789abcdef0123456789abcdef"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "pseudonym.key").write_bytes(key + b"\n")
    values: dict[str, list[Any]] = {name: [None] for name in TABLES["spans"].names} | {
        "product": ["shop"],
        "trace_id": [bytes([9]) * 16],
        "span_id": [bytes([9]) * 8],
        "start_time": [time.time_ns()],
        "user_id": [pseudonym("mia", key=key)],
    }
    store = Store.open(data, options=StoreOptions(min_free_bytes=0))
    try:
        store.ingest([Rows("spans", values)], batch_id="of the sdk")
    finally:
        store.close()
    someone = ("erase", "--product", "shop", "--by", "officer", "--user", "mia")
    assert "held no record of this user" in run(*someone)[1]
    state = str(tmp_path / "state")
    code, out, _ = run(*someone, "--state", state, "--verify")
    assert code == 0
    assert out.startswith("erased from every file of shop: spans: 1\n")
    assert "nothing of them is left" in out
    assert run(*someone, "--state", str(tmp_path / "none"))[0] == 64
