"""The page on flags does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from openfeature import api

from launchworthy.rollout.bucketing import ALGORITHMS
from launchworthy.rollout.flags import read_flags_file
from launchworthy.rollout.flags.model import Operator
from launchworthy.testing import recording

PAGE = Path(__file__).parents[3] / "docs" / "flags.md"


def test_the_examples_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text()
    (declared,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "flags.yaml").write_text(declared)
    monkeypatch.chdir(tmp_path)
    assert read_flags_file("flags.yaml").flags["tone"].holdout == "q4"
    names: dict[str, object] = {}
    try:
        with recording(product="support") as recorded:
            for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
                exec(block, names)
    finally:
        api.clear_providers()
        names["flags"].close()  # type: ignore[attr-defined]
    assert recorded.events[-1].attributes["launchworthy.outcome.event"] == "resolved"


def test_what_it_says_of_a_change_is_what_the_command_says(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from launchworthy.cli.flags import command

    text = PAGE.read_text()
    (declared,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "flags.yaml").write_text(declared)
    (tmp_path / "new.yaml").write_text(declared.replace("{plain: 1, warm: 1}", "{plain: 1, warm: 3}"))
    arguments = ["check", str(tmp_path / "new.yaml"), "--against", str(tmp_path / "flags.yaml")]
    assert CliRunner().invoke(command, arguments).output.strip() in text


def test_every_algorithm_operator_and_tracked_field_is_named() -> None:
    text = PAGE.read_text()
    for name in (*ALGORITHMS, *Operator):
        assert f"`{name}`" in text, name
    (body,) = re.findall(r"POST /ofrep/v1/track\n(.*?)```", text, flags=re.DOTALL)
    assert [sorted(event) for event in json.loads(body)["events"]] == [["flag", "variant"], ["name", "value"]]
