"""audit show, export and verify: decisions read back in words, and an export that stands on its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchworthy.cli.main import main
from launchworthy.evidence import LedgerEntry
from launchworthy.evidence.chain import link
from launchworthy.records import pseudonym
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

TRACE = "0af7651916cd43dd8448eb211c80319c"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder, and its exports ``out`` (whole) and ``part`` (one tool); tests work on copies."""
    folder = tmp_path_factory.mktemp("audit")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LAUNCHWORTHY_HEADS", raising=False)
        workspace = LocalWorkspace.open(folder / "data", options=StoreOptions(min_free_bytes=0))
        for place in range(6):
            workspace.decide(
                product="shop",
                kind="permission" if place % 2 else "guard",
                subject="refund" if place % 2 else "pii",
                outcome="denied" if place % 2 else "hit",
                rule=f"tools/refund/{place}",
                reason=f"because of {place}",
                by="bo@example.com" if place == 5 else None,
                facts={"amount": place},
                user="ana" if place < 4 else "cy",
                trace_id=TRACE if place == 1 else None,
            )
        workspace.close()  # signs
        patched.setenv("LAUNCHWORTHY_DATA", str(folder / "data"))
        for name, arguments in (("out", []), ("part", ["--tool", "refund"])):
            with pytest.raises(SystemExit) as stopped:
                main(["audit", "export", "--out", str(folder / name), *arguments])
            assert stopped.value.code == 0
    return folder


@pytest.fixture
def run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", "data")
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def test_show_says_why_newest_first(run: Run) -> None:
    code, out, _ = run("audit", "show", "--tool", "refund", "--limit", "2")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("6  ")
    assert "permission: refund → denied" in lines[0]
    assert "    rule: tools/refund/5" in lines
    assert "    why: because of 5" in lines
    assert "    decided by: bo@example.com" in lines
    assert "    saw amount: 5" in lines
    assert [line[0] for line in lines if line[0] != " "] == ["6", "4"]


def test_show_finds_a_person_a_case_and_one_entry(run: Run) -> None:
    def numbers(*arguments: str) -> list[int]:
        return [
            entry["entry"] for entry in json.loads(run("audit", "show", "--json", *arguments)[1])["entries"]
        ]

    assert numbers("--person", "ana") == [4, 3, 2, 1]
    assert numbers("--case", TRACE) == [2]
    assert numbers("--entry", "3") == [3]
    assert numbers("--kind", "guard", "--person", "cy") == [5]
    assert numbers("--since", "2200-01-01") == []
    assert run("audit", "show", "--entry", "99")[1] == "No entry is like that.\n"


def test_a_user_is_found_under_the_pseudonym_of_the_application_too(run: Run, tmp_path: Path) -> None:
    key = "k" * 32
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    named = pseudonym("ana", key=key.encode())
    workspace.decide(product="shop", kind="guard", subject="pii", outcome="hit", user=named)
    workspace.close()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "pseudonym.key").write_text(f"{key}\n")

    def numbers(*arguments: str) -> list[int]:
        code, out, _ = run("audit", "show", "--json", "--person", *arguments)
        assert code == 0
        return [entry["entry"] for entry in json.loads(out)["entries"]]

    assert numbers("ana", "--state", "state") == [7, 4, 3, 2, 1]
    assert numbers("ana", "--state", "state", "--limit", "2") == [7, 4]
    assert numbers(named, "--state", "state") == [7]
    assert run("audit", "export", "--out", "ana", "--person", "ana", "--state", "state")[0] == 0
    assert run("audit", "verify", "ana")[1].startswith("shop: whole, 5 entries\n")
    code, _, err = run("audit", "show", "--person", "ana", "--state", "nowhere")
    assert (code, "no key is there" in err) == (64, True)


@pytest.mark.parametrize("wrong", [("--since", "yesterday"), ("--limit", "0"), ("--entry", "-1")])
def test_a_filter_that_is_none_is_refused(run: Run, wrong: tuple[str, str]) -> None:
    assert run("audit", "show", *wrong)[0] == 64


def test_an_export_verifies_alone_with_nothing_but_the_key(run: Run, tmp_path: Path) -> None:
    key = (tmp_path / "out" / "heads.pub").read_text().strip()
    shutil.rmtree(tmp_path / "data")
    code, out, _ = run("audit", "verify", "out", "--key", key)
    assert (code, out) == (0, "shop: whole, 6 entries\n  decisions: 6 opened, 0 closed\n")
    assert "--key names the one that you trust" in run("audit", "verify", "out")[1]
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw().hex()
    code, out, _ = run("audit", "verify", "out", "--key", stranger)
    assert code == 1
    assert "is not signed by key" in out
    assert "why: because of 3" in run("audit", "show", "out", "--entry", "4")[1]


def test_what_others_wrote_moves_no_cursor(run: Run, tmp_path: Path) -> None:
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    evil = "\x1b[2J\u202e" + "long " * 200
    workspace.decide(
        product="shop", kind="guard", subject=evil, outcome=evil, reason=evil, facts={evil: evil}
    )
    workspace.close()
    _, out, _ = run("audit", "show", "--limit", "1")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert max(map(len, out.splitlines())) < 600


def test_a_data_folder_is_verified_by_its_path(run: Run) -> None:
    whole = "shop: whole, 6 entries\n  decisions: 6 opened, 0 closed\n"
    assert run("audit", "verify", "data") == (0, whole, "")


def test_words_that_were_changed_in_the_records_show_in_the_folder_itself(run: Run) -> None:
    assert run("audit", "verify")[1] == "shop: whole, 6 entries\n  decisions: 6 opened, 0 closed\n"
    with duckdb.connect("data/hot.duckdb") as records:
        records.execute("UPDATE raw.decisions SET decided_by = 'eve' WHERE decided_by IS NOT NULL")
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert out.splitlines() == [
        "shop: TAMPERED WITH, 6 entries",
        "  decisions: 5 opened, 0 closed",
        "  the detail of entry 6 is not what it committed to",
    ]
    _, told, _ = run("audit", "verify", "--json")
    [row] = json.loads(told)["products"]
    assert [(each["fault"], each["entry"]) for each in row["faults"]] == [("altered", 6)]


def test_single_entries_are_exported_with_their_proofs(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("audit", "export", "--out", "again", "--tool", "refund")
    assert (code, out) == (0, "3 of 6 entries, 1 head → again\n")
    code, out, _ = run("audit", "verify", "part", "--json")
    row = json.loads(out)["products"][0]
    assert (code, row["complete"], row["entries"], row["opened"]) == (0, False, 3, 3)
    lines = (tmp_path / "part" / "chain.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [2, 4, 6]


def test_an_export_without_details_holds_no_reason_and_no_person(run: Run, tmp_path: Path) -> None:
    assert run("audit", "export", "--out", "bare", "--without-details")[0] == 0
    told = "".join(path.read_text() for path in (tmp_path / "bare").iterdir())
    assert "because of" not in told
    assert "u_" not in told
    code, out, _ = run("audit", "verify", "bare")
    assert code == 0
    assert "0 opened, 6 closed" in out


def _edit(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))


def _with(rows: list[dict[str, Any]], place: int, **changes: Any) -> list[dict[str, Any]]:
    rows[place] |= changes
    return rows


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        ("chain.jsonl", lambda rows: _with(rows, 2, body='{"event":"x"}'), "edited"),
        ("chain.jsonl", lambda rows: _with(rows, 2, at="2020-01-01T00:00:00+00:00"), "edited"),
        ("chain.jsonl", lambda rows: rows[:2] + rows[3:], "missing"),
        ("chain.jsonl", lambda rows: [rows[1], rows[0], *rows[2:]], "reordered"),
        ("chain.jsonl", lambda rows: rows[:-1], "truncated"),
        ("details.jsonl", lambda rows: _with(rows, 0, detail='{"reason":"he may"}'), "altered"),
        ("details.jsonl", lambda rows: _with(rows, 0, salt="00" * 32), "altered"),
        ("heads.jsonl", lambda rows: _with(rows, 0, size=5), "forged_head"),
        ("heads.jsonl", lambda rows: _with(rows, 0, root="ab" * 32), "forged_head"),
    ],
)
def test_whatever_is_changed_in_an_export_shows(
    run: Run, tmp_path: Path, file: str, change: Any, fault: str
) -> None:
    _edit(tmp_path / "out" / file, change)
    code, out, _ = run("audit", "verify", "out", "--json")
    assert code == 1
    assert fault in [each["fault"] for each in json.loads(out)["products"][0]["faults"]]


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        ("chain.jsonl", lambda rows: _with(rows, 1, body="{}"), "edited"),
        ("chain.jsonl", lambda rows: _with(rows, 1, seq=3), "edited"),
        ("proofs.jsonl", lambda rows: _with(rows, 0, proof=[]), "rewritten"),
        ("proofs.jsonl", lambda rows: rows[1:], "rewritten"),
        ("heads.jsonl", lambda rows: _with(rows, 0, signature="00" * 64), "forged_head"),
        ("heads.jsonl", lambda rows: _with(rows, 0, signature="zz"), "forged_head"),
    ],
)
def test_whatever_is_changed_among_single_entries_shows(
    run: Run, tmp_path: Path, file: str, change: Any, fault: str
) -> None:
    _edit(tmp_path / "part" / file, change)
    code, out, _ = run("audit", "verify", "part", "--json")
    assert code == 1
    assert fault in [each["fault"] for each in json.loads(out)["products"][0]["faults"]]


def test_without_heads_it_cannot_be_told(run: Run, tmp_path: Path) -> None:
    for name in ("out", "part"):
        (tmp_path / name / "heads.jsonl").unlink()
        assert run("audit", "verify", name)[0] == 2
    (tmp_path / "out" / "heads.pub").unlink()
    assert run("audit", "verify", "out")[0] == 2


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("chain.jsonl", "{"),
        ("chain.jsonl", "[]\n"),
        ("chain.jsonl", '{"seq":1e400}\n'),
        ("chain.jsonl", "[" * 100_000),
        ("chain.jsonl", '{"seq":1,"at":"2026-01-01","kind":"x","body":"{}","previous":"","hash":""}\n'),
        (
            "chain.jsonl",
            '{"seq":true,"at":"2026-01-01T00:00Z","kind":"x","body":"{}","previous":"","hash":""}\n',
        ),
        ("details.jsonl", '{"seq":1,"detail":"{","salt":"00"}\n'),
        ("details.jsonl", '{"seq":1,"detail":"{}","salt":"zz"}\n'),
        ("heads.jsonl", '{"size":1}\n'),
        ("heads.pub", "nothing"),
        ("audit.json", "{}"),
        ("audit.json", "\x00"),
        ("audit.json", '{"format":"launchworthy-audit/1","product":"shop","complete":false}'),
    ],
)
def test_a_damaged_export_is_refused_with_its_place(run: Run, tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "out" / file).write_text(text)
    code, out, err = run("audit", "verify", "out")
    assert (code, out) == (64, "")
    assert file in err or "proofs.jsonl" in err


def test_an_export_never_writes_into_what_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / "mine").write_text("mine")
    code, _, err = run("audit", "export", "--out", "out")
    assert code == 64
    assert "not empty" in err
    assert run("audit", "export", "--out", "x", "--tool", "nothing")[0] == 64
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["out", "part"])
def test_what_anybody_can_append_to_an_export_is_not_taken_for_the_chain(
    run: Run, tmp_path: Path, name: str
) -> None:
    """An entry needs no key; only the head does."""
    path = tmp_path / name / "chain.jsonl"
    last = json.loads(path.read_text().splitlines()[-1])
    before = LedgerEntry(**{**last, "at": datetime.fromisoformat(last["at"])})
    body = {**json.loads(before.body), "kind": "approval", "outcome": "approved"}
    forged = link(body, kind="decision", at=before.at, after=before)
    row = {each: getattr(forged, each) for each in ("seq", "kind", "body", "previous", "hash")}
    with path.open("a") as file:
        file.write(json.dumps(row | {"at": forged.at.isoformat()}) + "\n")
    about = tmp_path / name / "audit.json"
    told = json.loads(about.read_text())
    about.write_text(json.dumps(told | {"entries": told["entries"] + 1}))
    code, out, _ = run("audit", "verify", name)
    assert (code, "shop: cannot be told" in out, "entr" in out) == (2, True, True)


def test_an_export_ends_where_it_is_signed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchworthy.server.audit.Auditor.sign", lambda _: 0)  # the minute is not over
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    workspace.decide(product="shop", kind="permission", subject="refund", outcome="denied", reason="late")
    workspace.close()
    assert run("audit", "verify", "data")[0] == 0
    for name, filters in (("whole", []), ("some", ["--tool", "refund"])):
        code, out, _ = run("audit", "export", "--out", name, *filters)
        assert (code, "1 more came after the last signature" in out) == (0, True)
        assert run("audit", "verify", name)[0] == 0
