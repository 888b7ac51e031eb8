"""Drills through a gateway: models fail in calls of no user, and the fallbacks answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.gateway.conftest import CONTRACT, Model, Start, client, completion
from tests.gateway.test_chat import ASKED

from launchworthy.cli.main import main
from launchworthy.gateway.keys import add_key
from launchworthy.runtime.budget import BreakerState

PLAN = CONTRACT.replace(
    "otherwise: refuse}",
    "otherwise: refuse}\n    fallbacks: [retry_once, vendor/backup, search_results, route]",
)


def drill(url: str, contract: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["drill", "fallbacks", "--target", f"{url}/v1", "--contract", str(contract), "--json", *more])
    told = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(told.out) if told.out else None, told.err


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(PLAN)
    return tmp_path / "launchworthy.yaml"


def test_each_fallback_of_a_gateway_is_forced_and_kept(
    start: Start, model: Model, contract: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.script = lambda body: completion(f"From {body['model']}.")
    gateway = start(PLAN)
    code, told, errors = drill(gateway.url, contract, capsys)
    assert code == 0, errors
    seen = {piece["claim"]: piece["detail"]["drills"][0]["seen"] for piece in told["evidence"]}
    assert seen == {
        "support/answer/fallbacks/retry_once": "the model itself answered",
        "support/answer/fallbacks/vendor-backup": "vendor/backup answered",
        "support/answer/fallbacks/route": "no answer: route (model_or_tool_down)",
    }
    assert "answer/search_results: only the application can drill it" in errors
    assert [body["model"] for body in model.requests] == ["small", "backup"]
    assert gateway.asker.breaker("vendor/small").state(time.monotonic()) is BreakerState.CLOSED


def test_a_fallback_that_does_not_answer_is_found(
    start: Start, model: Model, contract: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.script = lambda body: (503, {}) if body["model"] == "backup" else completion("Yes.")
    code, told, _ = drill(start(PLAN).url, contract, capsys)
    assert code == 1
    values = {piece["claim"].rpartition("/")[2]: piece["value"] for piece in told["evidence"]}
    assert values == {"retry_once": 1.0, "vendor-backup": 0.0, "route": 1.0}


def test_only_a_trusted_key_may_drill_and_never_for_a_user(
    start: Start,
    model: Model,
    contract: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = tmp_path / "keys.json"
    trusted, plain = add_key(keys, "backend", trusted=True), add_key(keys, "web")
    gateway = start(PLAN, keys=keys)
    monkeypatch.setenv("DRILL_KEY", plain)
    code, _, errors = drill(gateway.url, contract, capsys, "--key-env", "DRILL_KEY")
    assert (code, "made with --trusted" in errors, "403" in errors) == (64, True, True)
    assert plain not in errors
    monkeypatch.setenv("DRILL_KEY", trusted)
    assert drill(gateway.url, contract, capsys, "--key-env", "DRILL_KEY")[0] == 0
    asked = client(gateway.url, key=trusted).chat.completions
    for headers in (
        {"X-Launchworthy-Fault": "models"},
        {"X-Launchworthy-Fault": "once", "X-Launchworthy-Simulated": "true"},
    ):
        with pytest.raises(openai.BadRequestError):
            asked.create(model="answer", messages=ASKED, extra_headers=headers)
    monkeypatch.delenv("DRILL_KEY")
    assert drill(gateway.url, contract, capsys, "--key-env", "DRILL_KEY")[0] == 64


def test_what_is_no_gateway_is_said_to_be_none(
    model: Model, contract: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.script = lambda body: (200, b"not json")
    assert "cannot be asked" in drill(model.url, contract, capsys)[2]
    assert "cannot be asked" in drill("http://127.0.0.1:9", contract, capsys)[2]
