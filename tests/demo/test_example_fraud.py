"""The predictive example: harm in one segment is found and taken back, and its cure is proven."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "fraud"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / "fraud"))


@pytest.fixture(scope="module")
def story(folder: Path) -> str:
    done = run(folder, "replay.py")
    assert done.returncode == 0, done.stderr
    return done.stdout


def incidents(folder: Path) -> list[dict[str, object]]:
    done = run(folder, "-m", "launchworthy", "incidents", "--all", "--json")
    assert done.stdout, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["incidents"]
    return found


def test_harm_in_one_segment_is_taken_back_and_its_cure_proven(story: str, folder: Path) -> None:
    assert "at pilot: rolled back, since harm is proven: screen/outcomes/honest_held" in story
    assert re.search(r"fraud_paid of r-\w+: not measured: no use is 30 d old yet", story)
    assert re.search(r"fairness/gap/screen/outcomes/honest_held of r-\w+: .*, most age_band:under_36", story)
    assert re.search(r"r-\w+ at launch: complete", story)
    assert re.search(r"monitors/honest_by_label of r-\w+: \d+(\.\d+)? % \(", story)
    assert re.search(r"monitors/score_meaning of r-\w+: \d(\.\d+)? % \(0 to \d", story), (
        "scores mean the same"
    )
    assert "evals: shown to be better" in story
    assert "production: shown to be better" in story
    (one,) = (each for each in incidents(folder) if each["source"] == "rollback")
    assert (one["failure_mode"], one["state"], one["severity"]) == ("honest_claim_held", "closed", "high")
    assert any(each["address"] == "claims/monitors/claims_drift" for each in incidents(folder))


@pytest.mark.usefixtures("story")
def test_the_commands_of_its_page_work_on_what_it_left(folder: Path) -> None:
    page = (EXAMPLE / "README.md").read_text("utf-8")
    lines = re.findall(r"^\$ launchworthy (.+)$", page, re.MULTILINE)
    told = {line: run(folder, "-m", "launchworthy", *shlex.split(line)) for line in lines}
    assert {line: done.returncode for line, done in told.items() if done.returncode not in (0, 1, 2)} == {}
    text = {line.split()[0]: done.stdout for line, done in told.items()}
    assert set(text) == {"rollout", "incidents", "verdict", "audit", "drift"}
    assert text["rollout"].count("against r-") == 2
    assert "simulated users" in text["verdict"]
    assert text["audit"].startswith("claims: whole")
    assert "VehiclePrice" in text["drift"]
    assert re.search(r"estimated \d+.* right \(unproven\), measured \d+", text["drift"])


def test_a_file_without_the_columns_is_refused_before_anything_is_made(folder: Path, tmp_path: Path) -> None:
    import duckdb

    duckdb.execute("COPY (SELECT 1 AS amount) TO ? (FORMAT parquet)", [str(tmp_path / "other.parquet")])
    done = run(
        folder, "replay.py", "--claims", str(tmp_path / "other.parquet"), "--folder", str(tmp_path / "new")
    )
    assert done.returncode == 2
    assert "AccidentArea" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new" / ".launchworthy").exists()
