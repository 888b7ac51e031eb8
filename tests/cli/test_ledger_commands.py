"""attest, evidence and audit: people sign, measurements come in, and tampering shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.evidence import Evidence, read_evidence, write_evidence

CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com, security: noor@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}}
rollout:
  stages:
    - {name: launch, share: 100 %, needs: [attest]}
attest:
  dpia: {by: security, every: 365d}
  playbook: {by: product, every: 90d, file: docs/playbook.md}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", "data")
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)
    Path("launchworthy.yaml").write_text(CONTRACT, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def measured(
    name: str = "e.jsonl", *, count: int = 1, claim: str = "answer/quality/hit@5", kind: str = "bound"
) -> str:
    pieces = [
        Evidence(
            claim=f"docs-bot/{claim}",
            kind=kind,
            value=0.9,
            low=0.85,
            high=0.95,
            n=200 + number,
            unit="ratio",
            source=f"file:{name}",
            producer="\x1b[31mnightly",
            observed_at=datetime.now(UTC) - timedelta(hours=2),
        )
        for number in range(count)
    ]
    Path(name).write_text(write_evidence(pieces), encoding="utf-8")
    return name


# ── attest ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_signature_is_attested_and_not_met(run: Run) -> None:
    Path("docs").mkdir()
    Path("docs/playbook.md").write_text("Call the on-call.", encoding="utf-8")
    code, out, _ = run("attest", "dpia", "--by", "noor@example.com", "--note", "all flows read", "--json")
    piece = json.loads(out)
    assert (code, piece["kind"], piece["producer"]) == (0, "attest", "noor@example.com")
    assert piece["detail"] == {"note": "all flows read"}
    assert "counts until" in run("attest", "attest/playbook", "--by", "ana@example.com")[1]
    code, out, _ = run("verdict", "--stage", "launch")
    assert code == 0
    assert out.startswith("Ready for launch: 0 claims met, 2 attested\n")
    assert "signed by noor@example.com on" in out
    assert ": all flows read" in out
    found = {piece["claim"]: piece for piece in json.loads(run("evidence", "list", "--json")[1])}
    document = found["docs-bot/attest/playbook"]["detail"]
    assert document["file"].endswith("docs/playbook.md")
    assert len(document["sha256"]) == 64


def test_a_signature_ends_as_told_but_not_later_than_the_contract_allows(run: Run) -> None:
    def end(*arguments: str) -> tuple[timedelta, str]:
        _, out, err = run("attest", "dpia", "--by", "noor@example.com", "--json", *arguments)
        piece = json.loads(out)
        ended, began = (datetime.fromisoformat(piece[name]) for name in ("valid_until", "observed_at"))
        return ended - began, err

    assert end() == (timedelta(days=365), "")
    assert end("--valid-for", "90d") == (timedelta(days=90), "")
    day = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()
    assert timedelta(days=9.9) < end("--until", day)[0] <= timedelta(days=11)
    length, note = end("--valid-for", "900d")
    assert length == timedelta(days=365)
    assert "note: the contract has it signed every 365 d" in note


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("attest/dpai", "--by", "noor@example.com"), "did you mean docs-bot/attest/dpia?"),
        (("answer/quality/hit@5", "--by", "ana@example.com"), "it is measured, not signed"),
        (("dpia", "--by", "ana@example.com"), "does not own docs-bot/attest/dpia; it is signed by security"),
        (("dpia", "--by", "security"), "'security' is a role, not a person"),
        (("dpia", "--by", "security"), "noor@example.com signs it"),
        (("dpia", "--by", "noor@example.com", "--until", "2020-01-01"), "vouches for nothing"),
        (("dpia", "--by", "noor@example.com", "--until", "soon"), "is not a day"),
        (("dpia", "--by", "noor@example.com", "--until", "9999-12-31"), "is not a day"),
        (("dpia", "--by", "noor@example.com", "--valid-for", "0d"), "vouches for nothing"),
        (("dpia", "--by", "noor@example.com", "--valid-for", "5 USD"), "no stretch of time"),
        (("dpia", "--by", "noor@example.com", "--valid-for", "long"), "is not a quantity"),
        (("dpia", "--by", "noor@example.com", "--until", "2027-01-01", "--valid-for", "9d"), "give one of"),
        (("playbook", "--by", "ana@example.com"), "the document vouched for is not there"),
        (("dpia",), "--by"),
    ],
)
def test_what_may_not_be_signed_is_refused_and_leaves_no_trace(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run("attest", *arguments)
    assert (code, out) == (64, "")
    assert words in err
    listed = run("evidence", "list", "--product", "docs-bot", "--json")
    assert listed[0] == 64 or json.loads(listed[1]) == []  # 64: not even a data folder was made


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────


def test_evidence_comes_in_once_is_listed_and_goes_out_as_it_came(run: Run) -> None:
    file = measured(count=3)
    assert run("evidence", "add", file)[1] == "3 pieces of evidence added to docs-bot\n"
    assert "0 pieces of evidence added to docs-bot; 3 were there already" in run("evidence", "add", file)[1]
    _, out, _ = run("evidence", "list", "--claim", "answer/quality")
    assert out.count("docs-bot/answer/quality/hit@5  90 % (85 to 95, n = 20") == 3
    assert "\x1b" not in out
    assert "No evidence" in run("evidence", "list", "--claim", "answer/quality/hit")[1]
    assert run("evidence", "export", "--out", "out.jsonl")[0] == 0
    assert sorted(piece.id for piece in read_evidence(Path("out.jsonl"))) == sorted(
        piece.id for piece in read_evidence(Path(file))
    )
    printed = run("evidence", "export")[1]
    assert printed == Path("out.jsonl").read_text(encoding="utf-8")
    assert run("evidence", "export", "--out", "no/such/folder.jsonl")[0] == 64


@pytest.mark.parametrize(
    ("claim", "kind", "words"),
    [
        ("answer/quality/hit@50", "bound", "did you mean docs-bot/answer/quality/hit@5?"),
        ("answer/quality/hit@5", "cover", "is of kind bound, not cover"),
    ],
)
def test_evidence_that_could_never_count_is_refused_whole(
    run: Run, claim: str, kind: str, words: str
) -> None:
    code, out, err = run("evidence", "add", measured(), measured("bad.jsonl", claim=claim, kind=kind))
    assert (code, out) == (64, "")
    assert "nothing was added" in err
    assert words in err
    assert "No evidence" in run("evidence", "list")[1]


# ── audit ────────────────────────────────────────────────────────────────────────────────────────────


def tamper(sql: str) -> None:
    with sqlite3.connect("data/metadata.sqlite") as connection:
        connection.execute(sql)
    connection.close()


def test_an_untouched_ledger_is_whole(run: Run) -> None:
    run("evidence", "add", measured(count=4))
    assert run("audit", "verify") == (0, "docs-bot: whole, 4 entries\n", "")
    run("verdict")
    code, out, _ = run("audit", "verify", "--json")
    assert code == 0
    assert json.loads(out)["products"][0] | {"faults": []} == {
        "product": "docs-bot", "entries": 5, "exit_code": 0, "faults": [], "opened": 0, "closed": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "UPDATE ledger SET body = replace(body, '0.9', '0.99') WHERE seq = 2",
            "entry 2 does not have the content",
        ),
        (
            "UPDATE ledger SET at = '2026-01-01T00:00:00+00:00' WHERE seq = 3",
            "entry 3 does not have the content",
        ),
        ("DELETE FROM ledger WHERE seq = 2", "entry 2 is missing"),
        ("UPDATE ledger SET seq = 5 - seq + 100 WHERE seq IN (2, 3)", "missing"),
        ("DELETE FROM ledger WHERE seq > 2", "the signed head counts 4 entries, 2 more than are here"),
    ],
)
def test_an_edit_a_deletion_a_swap_and_a_cut_tail_all_show(run: Run, sql: str, words: str) -> None:
    run("evidence", "add", measured(count=4))
    tamper(sql)
    for _ in range(2):  # looking at it must not make it look whole
        code, out, _ = run("audit", "verify")
        assert code == 1
        assert "TAMPERED WITH" in out
        assert words in out


def test_heads_kept_elsewhere_show_a_ledger_that_was_cut_together_with_its_heads(run: Run) -> None:
    run("evidence", "add", measured(count=4))
    Path("data/heads/docs-bot").rename("kept")
    tamper("DELETE FROM ledger WHERE seq > 2")
    assert run("audit", "verify")[0] == 2, "without a head a cut tail cannot be told"
    code, out, _ = run("audit", "verify", "--heads", "kept")
    assert code == 1
    assert "2 more than are here" in out


def test_nothing_to_audit_is_said(run: Run) -> None:
    assert run("keys", "create", "reader")[0] == 0
    assert run("audit", "verify") == (2, "No product has a ledger here.\n", "")
