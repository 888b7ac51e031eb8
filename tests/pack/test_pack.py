"""A pack stands on its own: its numbers are recomputed from its chain, and whatever is changed shows."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchworthy.cli import pack as pack_command
from launchworthy.cli.main import main
from launchworthy.contract import claims, parse_contract
from launchworthy.evidence import Evidence, read_bundle
from launchworthy.evidence.chain import canonical_json, link
from launchworthy.pack import PackInputs, make_pack, pack_page
from launchworthy.records import Release
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com, security: noor@example.com}
roles: [agent, lead]
workflows:
  answer:
    user: customer
    job: get a refund without waiting
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}}
data:
  sources:
    orders: {class: confidential, may: [see], pii: true}
  pii: {find: [email], prompt: redact, response: block, record: pseudonymise}
  retention: {traces: 30d, audit: 365d}
  region: eu-west-1
tools:
  refund: {effect: pay, roles: [agent, lead], approval: [{by: lead, above: 100 USD}]}
rollout:
  stages:
    - {name: launch, share: 100 %, needs: [answer/quality]}
attest:
  dpia: {by: security, every: 365d, law: GDPR}
"""
RELEASE = Release({"model": "vendor/chat-small", "prompt": "v3"}, label="<b>spring</b>")
Run = Callable[..., tuple[int, str, str]]


def _piece(claim: str, kind: str, **changes: Any) -> Evidence:
    return Evidence(
        claim=f"shop/{claim}", kind=kind, observed_at=datetime.now(UTC) - timedelta(hours=1), **changes
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pack, made once; tests change copies."""
    folder = tmp_path_factory.mktemp("pack")
    workspace = LocalWorkspace.open(folder / "data", options=StoreOptions(min_free_bytes=0))
    workspace.register_contract(product="shop", text=CONTRACT, path="")
    workspace.register_release(RELEASE, product="shop")
    workspace.add_evidence(
        "shop",
        [
            _piece(
                "answer/quality/hit@5",
                "bound",
                value=0.95,
                n=400,
                unit="ratio",
                release=RELEASE.id,
                sample={"successes": 380, "n": 400},
                source="run:1",
                producer="nightly",
            ),
            _piece("attest/dpia", "attest", producer="noor@example.com", method="signature"),
        ],
    )
    for place, (kind, subject, outcome) in enumerate(
        [
            ("permission", "refund", "allowed"),
            ("permission", "refund", "denied"),
            ("permission", "refund", "denied"),
            ("approval", "ap-1", "approved"),
            ("guard", "pii", "hit"),
            ("fallback", "template", "answered"),
        ]
    ):
        workspace.decide(
            product="shop",
            kind=kind,
            subject=subject,
            outcome=outcome,
            reason=f"reason <i>{place}</i>",
            by="bo@example.com" if kind == "approval" else None,
            facts={"tool": "refund", "amount": 120},
            user="u-ana",
        )
    workspace.record(
        product="shop", kind="verdict", body={"conclusion": "Ready for launch", "release": RELEASE.id}
    )
    workspace.erase_subject(product="shop", user_id="nobody", by="me")
    opened = workspace.open_incident(
        product="shop", title="Refunds of <b>ana</b> were paid twice", address="shop/tools/refund", by="bo"
    )
    workspace.note_incident(product="shop", incident_id=opened.id, text="the queue ran twice", by="bo")
    workspace.close()
    return folder


@pytest.fixture
def run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(made / "data"))
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    if not (made / "pack.zip").exists():
        assert call("pack", "--out", str(made / "pack.zip"))[0] == 0
    (tmp_path / "pack.zip").write_bytes((made / "pack.zip").read_bytes())
    return call


def _changed(change: Callable[[dict[str, bytes]], Any], *, source: str = "pack.zip") -> str:
    with zipfile.ZipFile(source) as file:
        held = {name: file.read(name) for name in file.namelist()}
    change(held)
    with zipfile.ZipFile("changed.zip", "w") as file:
        for name, content in held.items():
            file.writestr(name, content)
    return "changed.zip"


def _replaced(name: str, old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(held: dict[str, bytes]) -> None:
        assert old.encode() in held[name]
        held[name] = held[name].replace(old.encode(), new.encode())

    return change


def test_a_pack_is_true_by_the_key_that_is_trusted(run: Run, made: Path) -> None:
    key = next((made / "data" / "heads").rglob("heads.pub")).read_text().strip()
    code, out, err = run("pack", "verify", "pack.zip", "--key", key)
    assert (code, err) == (0, "")
    assert out.startswith("shop: true, ")
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw().hex()
    code, out, _ = run("pack", "verify", "pack.zip", "--key", stranger)
    assert (code, "NOT TRUE" in out) == (1, True)


def test_a_pack_says_what_a_reviewer_asks_for(run: Run) -> None:
    with zipfile.ZipFile("pack.zip") as file:
        pack = json.loads(file.read("pack.json"))
        page = file.read("index.html").decode()
    sections = {section["id"]: section for section in pack["sections"]}
    assert pack["title"] == "shop: Ready for launch: 1 claim met"
    (row,) = next(each["rows"] for each in sections["evaluations"]["tables"] if each["title"] == "Quality")
    assert row[1] == "● met"
    assert row[2]["figure"].startswith("95 % (92.8 to 96.7, n = 400")
    assert row[2]["entries"] == [2]  # the first tells of the contract
    decided = {
        (row[0], row[1]): row[2] for table in sections["permissions"]["tables"][1:2] for row in table["rows"]
    }
    assert decided["refund", "denied"] == {"figure": "2", "rule": "count", "entries": [5, 6]}
    assert sections["oversight"]["tables"][1]["rows"][0][3] == "bo@example.com"
    assert sections["signatures"]["tables"][0]["rows"][0][1:3] == ["attested", "noor@example.com"]
    ((name, about, severity, found_by, steps, state),) = sections["incidents"]["tables"][0]["rows"]
    assert name.startswith("i-")
    assert (about, severity, found_by) == ("shop/tools/refund", "medium", "person")
    assert (steps["figure"], len(steps["entries"])) == ("2", 2)
    assert state.startswith("open: noted ")
    assert "paid twice" not in page  # words are only committed to in the chain
    assert sections["incidents"]["tables"][1]["rows"] == [
        ["fallback", "template", "answered", {"figure": "1", "rule": "count", "entries": [9]}]
    ]
    annex = {row[0]: row[2] for row in sections["coverage"]["tables"][1]["rows"]}
    assert list(annex) == [str(number) for number in range(1, 10)]
    assert "The system" in annex["1"]
    functions = {row[0]: row[2] for row in sections["coverage"]["tables"][0]["rows"]}
    assert list(functions) == ["GOVERN", "MAP", "MEASURE", "MANAGE"]
    told = [
        row[0]
        for section in pack["sections"]
        for table in section["tables"]
        if table["columns"][1:2] == ["State"]
        for row in table["rows"]
    ]
    assert sorted(told) == sorted(claim.sentence for claim in claims(parse_contract(CONTRACT, file="x")))
    assert "not in this pack" not in {*annex.values(), *functions.values()}
    assert "<i>" not in page
    assert "http" not in page.replace("https://", "http").split("<main>")[0]


def test_the_same_pack_twice_is_the_same_but_for_its_moment(run: Run) -> None:
    assert run("pack", "--out", "again.zip")[0] == 0
    with zipfile.ZipFile("pack.zip") as first, zipfile.ZipFile("again.zip") as second:
        assert first.namelist() == second.namelist()
        earlier, later = (each.read("audit/chain.jsonl").splitlines() for each in (first, second))
        assert earlier == later[:-1]  # that the second was made is the one new entry
        assert json.loads(later[-1])["kind"] == "pack"
    code, _, err = run("pack", "--out", "again.zip")
    assert code == 64
    assert "there already" in err


def test_a_pack_without_details_names_no_person_and_is_true(run: Run) -> None:
    assert run("pack", "--out", "bare.zip", "--without-details")[0] == 0
    with zipfile.ZipFile("bare.zip") as file:
        told = b"".join(file.read(name) for name in file.namelist())
    assert b"bo@example.com" not in told
    assert b"reason" not in told.replace(b"no reason", b"")
    assert run("pack", "verify", "bare.zip")[0] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_replaced("pack.json", '"figure": "2"', '"figure": "0"'), "says '0'; the chain gives '2'"),
        (_replaced("pack.json", "95 % (", "99 % ("), "the chain gives"),
        (_replaced("pack.json", '"● met"', '"✕ met"'), "the chain gives"),
        (_replaced("index.html", "95 % (", "99 % ("), "index.html is not the page"),
        (_replaced("contract.yaml", "80 %", "70 %"), "the chain gives"),
        (_replaced("contract.yaml", "eu-west-1", "mars"), "the chain gives"),
        (_replaced("inputs.json", '"release": "r-', '"release": "r-f'), ""),
        (
            _replaced("audit/chain.jsonl", r"\"successes\":380", r"\"successes\":399"),
            "hash was made of",
        ),
        (_replaced("audit/details.jsonl", "bo@example.com", "cy@example.com"), "is not what it committed to"),
        (lambda held: held.pop("audit/details.jsonl"), "the chain gives"),
    ],
)
def test_whatever_is_changed_in_a_pack_shows(
    run: Run, change: Callable[[dict[str, bytes]], Any], said: str
) -> None:
    code, out, err = run("pack", "verify", _changed(change))
    assert code in ((1,) if said else (1, 64))
    assert said in out + err


def _made_again(
    held: dict[str, bytes], folder: Path, *, at: datetime | None = None, more: Sequence[Evidence] = ()
) -> None:
    """As a forger would do it who has this program, and no key."""
    for name in ("audit.json", "chain.jsonl", "details.jsonl"):
        (folder / name).write_bytes(held[f"audit/{name}"])
    bundle = read_bundle(folder)
    entries = list(bundle.entries)
    for piece in more:
        body = canonical_json(piece.as_json())
        entries.append(link(body, at=piece.observed_at, kind="evidence", after=entries[-1]))
        row = {name: getattr(entries[-1], name) for name in ("seq", "kind", "body", "previous", "hash")}
        held["audit/chain.jsonl"] += json.dumps(row | {"at": entries[-1].at.isoformat()}).encode() + b"\n"
    inputs = PackInputs.from_json(json.loads(held["inputs.json"]))
    inputs = inputs if at is None else replace(inputs, at=at)
    openings = list(bundle.openings.values())
    pack = make_pack(held["contract.yaml"].decode(), inputs=inputs, entries=entries, openings=openings)
    about = json.loads(held["audit/audit.json"]) | {"entries": len(entries)}
    held["audit/audit.json"] = json.dumps(about).encode()
    held["pack.json"] = json.dumps(pack.as_json()).encode()
    held["index.html"] = pack_page(pack).encode()
    held["inputs.json"] = json.dumps(inputs.as_json()).encode()


def test_a_pack_that_was_made_again_with_another_contract_or_moment_is_not_true(
    run: Run, tmp_path: Path
) -> None:
    key = next(Path(os.environ["LAUNCHWORTHY_DATA"], "heads").rglob("heads.pub")).read_text().strip()

    def laxer(held: dict[str, bytes]) -> None:
        held["contract.yaml"] = held["contract.yaml"].replace(b"above: 100 USD", b"above: 1000 USD")
        _made_again(held, tmp_path)

    code, out, _ = run("pack", "verify", _changed(laxer), "--key", key)
    assert (code, "contract.yaml is not what the chain says" in out) == (1, True)
    earlier = datetime.now(UTC) - timedelta(minutes=30)
    name = _changed(lambda held: _made_again(held, tmp_path, at=earlier))
    code, out, _ = run("pack", "verify", name, "--key", key)
    assert (code, "inputs.json is not what the chain says" in out) == (1, True)


def test_what_another_version_made_is_never_called_untrue_for_its_words(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of = pack_command._inputs

    def older(*arguments: Any) -> PackInputs:
        return replace(made_of(*arguments), version="0.0.9")

    monkeypatch.setattr(pack_command, "_inputs", older)
    assert run("pack", "--out", "older.zip")[0] == 0
    assert run("pack", "verify", "older.zip")[0] == 0  # what both say alike
    worded = _replaced("pack.json", '"● met"', '"● shown"')
    code, out, _ = run("pack", "verify", _changed(worded, source="older.zip"))
    assert (code, "cannot be told" in out, "pip install launchworthy==0.0.9" in out) == (2, True, True)
    cut = _replaced("audit/chain.jsonl", r"\"successes\":380", r"\"successes\":399")
    assert run("pack", "verify", _changed(cut, source="older.zip"))[0] == 1

    def feigned(held: dict[str, bytes]) -> None:
        worded(held)
        inputs = json.loads(held["inputs.json"])
        held["inputs.json"] = json.dumps(inputs | {"launchworthy": "0.0.8"}).encode()

    code, out, _ = run("pack", "verify", _changed(feigned, source="pack.zip"))
    assert (code, "inputs.json is not what the chain says" in out) == (1, True)


def test_evidence_that_no_head_vouches_for_makes_no_pack_true(run: Run, tmp_path: Path) -> None:
    forged = _piece(
        "answer/quality/hit@5",
        "bound",
        value=1.0,
        n=400,
        unit="ratio",
        release=RELEASE.id,
        sample={"successes": 400, "n": 400},
        source="run:2",
        producer="nightly",
    )
    name = _changed(lambda held: _made_again(held, tmp_path, more=[forged]))
    code, out, _ = run("pack", "verify", name)
    assert (code, "cannot be told" in out) == (2, True)


def test_a_chain_without_its_heads_cannot_be_told(run: Run) -> None:
    name = _changed(lambda held: held.pop("audit/heads.jsonl"))
    assert run("pack", "verify", name)[0] == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop("inputs.json"),
        lambda held: held.pop("audit/audit.json"),
        lambda held: held.update({"../../evil": b"x"}),
        lambda held: held.update({"/etc/evil": b"x"}),
        lambda held: held.update({"inputs.json": b"[" * 100_000}),
        lambda held: held.update({"inputs.json": b"{}"}),
        lambda held: held.update({"contract.yaml": b"product: ["}),
        lambda held: held.update({"contract.yaml": b"\xff\xfe"}),
        lambda held: held.update({"audit/chain.jsonl": b"{"}),
    ],
)
def test_what_is_no_pack_is_refused(
    run: Run, tmp_path: Path, change: Callable[[dict[str, bytes]], Any]
) -> None:
    code, out, err = run("pack", "verify", _changed(change))
    assert (code, out) == (64, "")
    assert err.startswith("error: ")
    assert not (tmp_path.parent.parent / "evil").exists()


def test_broken_files_are_refused(run: Run, tmp_path: Path) -> None:
    whole = (tmp_path / "pack.zip").read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], whole[:200] + b"\0" * 400 + whole[600:]):
        Path("broken.zip").write_bytes(content)
        assert run("pack", "verify", "broken.zip")[0] == 64
    assert run("pack", "verify", "nothing.zip")[0] == 64
    bomb = _changed(lambda held: held.update({"pack.json": b" " * (65 * 1024**2)}))
    assert run("pack", "verify", bomb)[0] == 64


def test_what_cannot_be_packed_is_told(run: Run) -> None:
    assert run("pack")[0] == 64
    code, _, err = run("pack", "--out", "x.zip", "--product", "nothing")
    assert code == 64
    assert "no contract" in err
