"""sign and admit: only a signed verdict on the release that runs lets a deployment through."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from launchworthy.cli.main import main
from launchworthy.contract import parse_contract
from launchworthy.evidence import Evidence, load_signing_key, seal, write_evidence

CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {{product: ana@example.com}}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality: {{"hit@5": {{at_least: 80 %}}}}
trust:
  keys: {{ci: "{key}"}}
  within: 2d
rollout:
  stages:
    - {{name: pilot, share: 5 %, needs: [answer/quality]}}
    - {{name: launch, share: 100 %, needs: [answer/quality]}}
"""
Run = Callable[..., tuple[int, str, str]]
RELEASE = "r-0123456789ab"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", "data")
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    key = call("sign", "key", "--out", "ci.key")[1].strip()
    Path("launchworthy.yaml").write_text(CONTRACT.format(key=key), encoding="utf-8")
    return call


def pieces(successes: int) -> str:
    piece = Evidence(
        claim="docs-bot/answer/quality/hit@5",
        kind="bound",
        value=successes / 400,
        n=400,
        unit="ratio",
        release=RELEASE,
        sample={"successes": successes, "n": 400},
        source="run:1",
        producer="nightly",
        observed_at=datetime.now(UTC) - timedelta(hours=1),
    )
    Path("e.jsonl").write_text(write_evidence([piece]), encoding="utf-8")
    return "e.jsonl"


def signed(run: Run, successes: int = 380) -> str:
    _, judged, _ = run("verdict", "--evidence", pieces(successes), "--json")
    Path("verdict.json").write_text(judged)
    code, _, err = run("sign", "verdict", "--verdict", "verdict.json", "--key", "ci.key", "--out", "ok.json")
    assert code == 0, err
    return "ok.json"


def test_what_was_admitted_may_run(run: Run) -> None:
    code, out, err = run("admit", signed(run), "--release", RELEASE, "--stage", "pilot")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "admitted: what runs is what was admitted"
    assert "  ● signed by ci" in out
    assert f"  ● release {RELEASE} runs" in out


@pytest.mark.parametrize("rests_on", ["evidence", "waiver"])
def test_what_a_stage_rests_on_ends_before_the_verdict_does(
    run: Run, monkeypatch: pytest.MonkeyPatch, rests_on: str
) -> None:
    """A verdict may be two days old here; the evidence, or the waiver, ends within one."""
    path, today = Path("launchworthy.yaml"), datetime.now(UTC).date()
    if rests_on == "waiver":
        waived = f"{{claim: answer/quality/hit@5, until: {today}, by: product, because: small pilot}}"
        path.write_text(path.read_text() + f"launch: {{waivers: [{waived}]}}\n")
    else:
        path.write_text(path.read_text() + "proof: {valid_for: 1d}\n")
    envelope = signed(run, 200 if rests_on == "waiver" else 380)
    code, out, err = run("admit", envelope, "--release", RELEASE, "--stage", "pilot")
    assert code == 0, out + err

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Self:
            return super().now(tz) + timedelta(hours=30)

    monkeypatch.setattr("launchworthy.cli.admit.datetime", Later)
    code, out, _ = run("admit", envelope, "--release", RELEASE, "--stage", "pilot")
    assert code == 1
    assert "what stage pilot rests on ended at" in out


def test_another_release_that_runs_is_not_admitted(run: Run) -> None:
    envelope = signed(run)
    code, out, _ = run("admit", envelope, "--release", "r-ffffffffffff")
    assert code == 1
    assert "r-ffffffffffff runs, and r-0123456789ab was admitted" in out
    assert run("admit", envelope, "--release", RELEASE, "--release", "r-ffffffffffff")[0] == 1


def test_an_unmet_stage_is_no_and_an_unproven_one_cannot_be_told(run: Run) -> None:
    code, out, _ = run("admit", signed(run, 200), "--release", RELEASE)
    assert code == 1
    assert "stage pilot is unmet" in out
    code, out, _ = run("admit", signed(run, 322), "--release", RELEASE)
    assert code == 2
    assert out.startswith("cannot be told: stage pilot is unproven")


def test_what_runs_unknown_is_not_admitted(run: Run) -> None:
    code, out, _ = run("admit", signed(run))
    assert code == 2
    assert "it is not known which release runs" in out


def test_a_contract_that_changed_since_needs_a_new_verdict(run: Run) -> None:
    envelope = signed(run)
    path = Path("launchworthy.yaml")
    path.write_text(path.read_text().replace("80 %", "70 %"))
    code, out, _ = run("admit", envelope, "--release", RELEASE)
    assert code == 1
    assert "about contract c-" in out


def test_a_stage_that_the_verdict_does_not_know_is_not_entered(run: Run) -> None:
    assert run("admit", signed(run), "--release", RELEASE, "--stage", "moon")[0] == 1


def test_a_key_that_is_not_trusted_admits_nothing(run: Run) -> None:
    run("sign", "key", "--out", "other.key")
    signed(run)
    run("sign", "verdict", "--verdict", "verdict.json", "--key", "other.key", "--out", "other.json")
    code, out, _ = run("admit", "other.json", "--release", RELEASE)
    assert code == 1
    assert "no key that the contract trusts has signed it" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": "2020-01-01T00:00:00+00:00"}, "days old, and may be 2"),
        ({"at": "2999-01-01T00:00:00+00:00"}, "has not come yet"),
        ({"at": "soon"}, "does not say when"),
        ({"at": "9999-12-31T23:59:59-23:59"}, "not"),
        ({"product": "other"}, "about product other"),
        ({"stages": "all"}, "says nothing of stage"),
        ({"stages": [{"name": "pilot"}]}, "stage pilot is None"),
        (
            {"stages": [{"name": "pilot", "status": "met", "stands_until": "2020-01-01T00:00:00+00:00"}]},
            "rests on ended at 2020-01-01",
        ),
        (
            {"stages": [{"name": "pilot", "status": "met", "stands_until": 7}]},
            "until when stage pilot stands",
        ),
        ({"contract": None}, "about contract None"),
        ({"release": None}, "no release that is named was admitted"),
    ],
)
def test_a_statement_that_says_something_else_admits_nothing(
    run: Run, change: dict[str, Any], said: str
) -> None:
    told = json.loads(base64.b64decode(json.loads(Path(signed(run)).read_text())["payload"]))
    told["predicate"] |= change
    Path("x.json").write_text(json.dumps(seal(told, key=load_signing_key(Path("ci.key")))))
    code, out, _ = run("admit", "x.json", "--release", RELEASE, "--json")
    assert code in (1, 2)
    assert json.loads(out)["exit_code"] == code
    assert said in out


def test_a_statement_about_two_subjects_admits_neither(run: Run) -> None:
    told = json.loads(base64.b64decode(json.loads(Path(signed(run)).read_text())["payload"]))
    other = {"name": "docs-bot@r-ffffffffffff", "digest": {"launchworthyRelease": "r-ffffffffffff"}}
    for subject in ([other], [*told["subject"], other], ["r"], []):
        Path("x.json").write_text(
            json.dumps(seal(told | {"subject": subject}, key=load_signing_key(Path("ci.key"))))
        )
        code, out, _ = run("admit", "x.json", "--release", RELEASE)
        assert (code, "its subject is another release" in out) == (1, True)


def test_a_statement_of_another_kind_admits_nothing(run: Run) -> None:
    run("sign", "evidence", pieces(380), "--key", "ci.key", "--out", "evidence.json")
    code, out, _ = run("admit", "evidence.json", "--release", RELEASE)
    assert code == 1
    assert "is no verdict" in out


def test_a_contract_that_trusts_nobody_is_told_so(run: Run) -> None:
    envelope = signed(run)
    path = Path("launchworthy.yaml")
    text = path.read_text()
    start = text.index("trust:")
    path.write_text(text[:start] + text[text.index("rollout:") :])
    code, _, err = run("admit", envelope, "--release", RELEASE)
    assert code == 64
    assert "trusts no key" in err


def test_what_is_no_envelope_is_refused(run: Run) -> None:
    for text in ("", "{}", "[" * 50_000, "\x00"):
        Path("x.json").write_text(text)
        assert run("admit", "x.json", "--release", RELEASE)[0] == 64
    assert run("admit", "nothing.json", "--release", RELEASE)[0] == 64


def test_what_a_data_folder_is_signed_for_its_chain_keeps(run: Run) -> None:
    assert run("evidence", "add", pieces(380))[0] == 0
    code, _, err = run("sign", "verdict", "--key", "ci.key", "--out", "ok.json")
    assert (code, err) == (0, "")
    signature = json.loads(run("audit", "show", "--kind", "signature", "--json")[1])["entries"][0]["body"]
    envelope = json.loads(Path("ok.json").read_bytes())
    payload = base64.b64decode(envelope["payload"])
    assert signature["payload_sha256"] == hashlib.sha256(payload).hexdigest()
    assert signature["key_id"] == envelope["signatures"][0]["keyid"]
    said = json.loads(payload)["predicate"]
    assert (signature["conclusion"], signature["contract"]) == (
        said["conclusion"],
        said["contract"]["version"],
    )
    assert run("audit", "verify")[0] == 0


def test_a_key_that_others_may_read_is_not_used(run: Run) -> None:
    signed(run)
    Path("ci.key").chmod(0o644)
    code, _, err = run("sign", "verdict", "--verdict", "verdict.json", "--key", "ci.key", "--out", "x")
    assert code == 64
    assert "others may read the signing key" in err
    assert run("sign", "verdict", "--verdict", "verdict.json", "--key", "no.key", "--out", "x")[0] == 64
    Path("ci.key").chmod(0o600)
    Path("broken.json").write_text('{"product": 1}')
    assert run("sign", "verdict", "--verdict", "broken.json", "--key", "ci.key", "--out", "x")[0] == 64


def test_signed_evidence_is_taken_and_the_chain_keeps_whose_it_was(run: Run) -> None:
    run("sign", "evidence", pieces(380), "--key", "ci.key", "--out", "signed.json")
    code, out, err = run("evidence", "add", "signed.json")
    assert (code, out) == (0, "1 piece of evidence added to docs-bot\n"), err
    code, out, _ = run("audit", "show", "--kind", "signed_evidence", "--json")
    (entry,) = json.loads(out)["entries"]
    assert entry["body"]["by"] == "ci"
    assert len(entry["body"]["pieces"]) == 1


def test_evidence_signed_by_a_stranger_is_not_taken(run: Run) -> None:
    run("sign", "key", "--out", "other.key")
    run("sign", "evidence", pieces(380), "--key", "other.key", "--out", "signed.json")
    code, _, err = run("evidence", "add", "signed.json")
    assert code == 64
    assert "no key that the contract trusts" in err
    signed(run)
    assert "holds no evidence" in run("evidence", "add", "ok.json")[2]


def test_the_example_of_the_page_is_a_contract_that_trusts_that_key(run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(trust:.*?)```", page, flags=re.DOTALL)
    text = Path("launchworthy.yaml").read_text()
    start = text.index("trust:")
    contract = parse_contract(text[:start] + example + text[text.index("rollout:") :], file="x.yaml")
    assert contract.trust is not None
    assert list(contract.trust.keys) == ["ci"]


def test_a_contract_says_what_is_wrong_with_a_key(run: Run) -> None:
    path = Path("launchworthy.yaml")
    path.write_text(path.read_text().replace('ci: "', 'ci: "x'))
    code, out, err = run("lint")
    assert code != 0
    assert "is not a public key" in out + err
