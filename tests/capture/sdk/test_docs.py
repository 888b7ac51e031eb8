from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launchworthy as lw
from launchworthy.capture.sdk.settings import settings_from

DOCS = (Path(__file__).parents[3] / "docs" / "capture.md").read_text(encoding="utf-8")
RUNTIME = (Path(__file__).parents[3] / "docs" / "runtime.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL)


def test_the_examples_run_one_after_the_other_and_print_what_they_say(
    collect: Callable[..., Any], tmp_path: Path
) -> None:
    collector = collect()
    script = tmp_path / "examples.py"
    script.write_text("\n\n".join(BLOCKS))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAUNCH", "OTEL"))}
    done = subprocess.run(
        [sys.executable, script],
        env={**kept, "LAUNCHWORTHY_ENDPOINT": collector.url, "LAUNCHWORTHY_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = [line for block in BLOCKS for line in re.findall(r"^# (.*)$", block, flags=re.MULTILINE)]
    assert done.stdout.splitlines() == expected
    names = [span.name for span in collector.spans()]
    assert names.count("invoke_workflow answer") == 3
    assert names.count("chat chat-small") == 3
    events = [record.event_name for record in collector.logs()]
    assert events == [
        "launchworthy.outcome",
        "launchworthy.outcome",
        "launchworthy.feedback",
        "gen_ai.evaluation.result",
    ]


def test_every_setting_is_in_the_table_with_a_variable_that_is_read() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCS, flags=re.MULTILINE))
    # Where ids come from is for tests only.
    assert set(rows) == set(inspect.signature(lw.init).parameters) - {"ids"}
    read = inspect.getsource(sys.modules[settings_from.__module__])
    for variable in re.findall(r"`(\w+)`", " ".join(rows.values())):
        assert variable in read


def test_every_public_name_and_method_is_told() -> None:
    for name in set(lw.__all__) - {"Counters", "Release", "Span", "Stream", "__version__", "evaluate"}:
        page = RUNTIME if name in {"Enforcer", "Answer", "NoAnswer", "Pending", "Sandbox"} else DOCS
        assert f"lw.{name}" in page or f"`{name}`" in page, name
    for name, _ in inspect.getmembers(lw.Span, inspect.isfunction):
        if not name.startswith("_") and name != "end":
            assert f".{name}(" in DOCS or f"`{name}`" in DOCS, name
