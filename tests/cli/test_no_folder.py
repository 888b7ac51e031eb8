"""Commands that only read find no data folder, say so, and leave none behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launchworthy.cli.main import main

CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find a function
    no_answer: refuse
    quality: {hit@5: {at_least: 80 %}}
"""


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launchworthy", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "verify"),
        ("evidence", "list"),
        ("export", "spans", "--out", "spans.parquet"),
        ("measure",),
        ("retention",),
        ("runs",),
        ("verdict",),
        ("erase", "--product", "docs-bot", "--user", "ana", "--by", "ana"),
    ],
    ids=lambda words: words[0],
)
def test_a_misspelt_folder_is_named_and_not_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--data", "typo"])
    assert ended.value.code == 64
    told = capsys.readouterr().err
    assert "typo: LW404 no data folder is here" in told
    assert "--data DIR" in told
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    words = ["eval", "--target", "app:ask"]
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"import os; os.rmdir({str(gone)!r}); from launchworthy.cli.main import main; main({words!r})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=gone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 64, done.stderr
    assert "the folder that this was started in is gone" in done.stderr
    assert "Traceback" not in done.stderr


def test_before_anything_is_measured_a_contract_has_a_verdict_and_everything_is_unproven(
    tmp_path: Path,
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    done = _run(tmp_path, "verdict")
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("Not ready for shadow: ")
    assert [path.name for path in tmp_path.iterdir()] == ["launchworthy.yaml"]


def test_two_forms_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    done = _run(tmp_path, "verdict", "--json", "--junit")
    assert done.returncode == 64
    assert "one form at a time, not --json and --junit" in done.stderr


def test_a_demo_that_cannot_write_its_files_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = _run(tmp_path, "demo", "--once", "--folder", "file/demo")
    assert done.returncode == 64
    assert "the demo's files cannot be written" in done.stderr
