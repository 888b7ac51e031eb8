"""The command, as a process: it serves, it stops, and it says at start what would fail later."""

from __future__ import annotations

import gzip
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.gateway.conftest import CONTRACT, Begin, Model, answering, client, completion, gateway_environment
from tests.gateway.test_chat import ASKED

from launchworthy.cli.main import cli, main

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")


def test_the_examples_of_the_page_run_as_they_stand(tmp_path: Path, model: Model) -> None:
    yaml = re.search(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    python = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert yaml is not None
    (tmp_path / "launchworthy.yaml").write_text(yaml[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "launchworthy", "gateway", "--port", "0", "--upstream", model.url],
        cwd=tmp_path,
        env={**gateway_environment(LAUNCHWORTHY_ENABLED="0"), "LAUNCHWORTHY_UPSTREAM_KEY": "sk-up"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with answering(process) as url:
        program = python[0].replace("http://127.0.0.1:8322", url) + "client.close()\n" + python[1]
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
        )
        assert found.stdout == "Twenty-eight days.\n"
        assert model.headers[0]["Authorization"] == "Bearer sk-up"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


class _Sink:
    """Takes what a process records, as a server would."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.events: list[Any] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.endswith("/traces"):
                    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                        sink.spans += [span for scope in group.scope_spans for span in scope.spans]
                else:
                    for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                        sink.events += [row for scope in logs.scope_logs for row in scope.log_records]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_records_arrive_where_the_process_sends_them_as_the_contract_lets_them(
    tmp_path: Path, model: Model, gateway: Begin
) -> None:
    contract = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    fallbacks: [vendor/backup]")
    (tmp_path / "launchworthy.yaml").write_text(
        contract + "guards: {}\ndata: {pii: {find: [email], prompt: keep, response: keep, record: redact}}\n"
    )
    model.script = lambda body: (500, {}) if body["model"] == "small" else completion("Ask ann@shop.example.")
    sink = _Sink()
    try:
        process = gateway("--upstream", model.url, LAUNCHWORTHY_ENDPOINT=sink.url)
        with answering(process) as url:
            answer = client(url).chat.completions.create(model="answer", messages=ASKED)
            assert answer.choices[0].message.content == "Ask ann@shop.example."
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    finally:
        sink.close()
    spans = {
        (
            span.name,
            str({each.key: each.value.string_value for each in span.attributes}["launchworthy.kind"]),
        ): span
        for span in sink.spans
    }
    root = spans["invoke_workflow answer", "workflow"]
    failed, good = spans["chat vendor/small", "model"], spans["chat vendor/backup", "model"]
    assert not root.parent_span_id
    assert {failed.parent_span_id, good.parent_span_id} == {root.span_id}
    assert {failed.trace_id, good.trace_id} == {root.trace_id}
    assert failed.status.code == 2
    assert failed.events[0].name == "exception"
    assert root.start_time_unix_nano <= failed.start_time_unix_nano <= good.end_time_unix_nano
    assert "ann@shop.example" not in str(sink.spans)
    assert any(event.event_name == "launchworthy.decision" for event in sink.events)


def test_a_key_of_the_command_opens_and_others_do_not(tmp_path: Path, model: Model, gateway: Begin) -> None:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT + "guards: {}\n")
    keys = tmp_path / "keys.json"
    made = CliRunner().invoke(cli, ["gateway-key", "web", "--keys", str(keys), "--role", "customer"])
    key = made.output.strip()
    assert key.startswith("lwg-")
    process = gateway("--upstream", model.url, "--keys", str(keys), LAUNCHWORTHY_ENABLED="0")
    with answering(process) as url:
        answer = client(url, key=key).chat.completions.create(model="answer", messages=ASKED)
        assert answer.choices[0].message.content == "Twenty-eight days."


@pytest.mark.parametrize(
    ("contract", "arguments", "said"),
    [
        (CONTRACT, ["--upstream", "ftp://x/v1"], "is not the address of a model endpoint"),
        (CONTRACT, ["--upstream", "http://user:pass@x/v1"], "holds a password"),
        (CONTRACT, ["--upstream", "other=http://x/v1"], "no address is known for the model"),
        (CONTRACT, ["--upstream", "http://x/v1", "--model", "small"], "is not NAME=NAME"),
        (
            CONTRACT.replace("small}", "small}\n  retrieval: {embedding: vendor/vectors}"),
            ["--upstream", "anthropic+http://x"],
            "at an address that makes no embeddings",
        ),
        (CONTRACT, ["--upstream", "http://x/v1", "--host", "0.0.0.0"], "make a key first"),
        (CONTRACT, ["--upstream", "http://x/v1", "--stage", "pilot"], "give --baseline FILE"),
        (
            CONTRACT.replace("{name: vendor/small}", "{algorithm: x}"),
            ["--upstream", "http://x/v1"],
            "no model",
        ),
        (
            CONTRACT.replace(
                "otherwise: refuse}", "otherwise: refuse}\n    limits: {cost_per_action: 1 USD}"
            ),
            ["--upstream", "http://x/v1"],
            "no price is known for vendor/small",
        ),
        (
            CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    limits: {hugs_per_user: 3/d}"),
            ["--upstream", "http://x/v1"],
            "hugs_per_user",
        ),
    ],
)
def test_what_would_fail_at_the_first_call_fails_at_the_start(
    tmp_path: Path,
    contract: str,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(contract)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["gateway", *arguments])
    assert ended.value.code == 64
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit) as ended:
            main(["gateway", "--upstream", "http://x/v1", "--port", str(taken.getsockname()[1])])
    assert ended.value.code == 64
    assert "give another --port" in capsys.readouterr().err


def test_a_stage_gives_its_share_of_users_the_release(tmp_path: Path, model: Model, gateway: Begin) -> None:
    (tmp_path / "launchworthy.yaml").write_text(
        CONTRACT.replace("vendor/small", "vendor/large")
        + textwrap.dedent("""
            guards: {}
            rollout: {stages: [{name: pilot, share: 100 %}]}
        """)
    )
    (tmp_path / "old.yaml").write_text(CONTRACT + "guards: {}\n")
    arguments = ("--upstream", model.url, "--baseline", "old.yaml", "--stage", "pilot")
    with answering(gateway(*arguments, LAUNCHWORTHY_ENABLED="0")) as url:
        raw = client(url).chat.completions.with_raw_response.create(
            model="answer", messages=ASKED, extra_headers={"X-Launchworthy-User": "u-1"}
        )
        assert raw.headers["x-launchworthy-cohort"] == "pilot"
        assert model.requests[0]["model"] == "large"
