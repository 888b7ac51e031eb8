"""The demo's ramp: harm is taken back, and its incident is closed once the fix is shown to help."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from launchworthy.server.local import LocalWorkspace


def test_harm_is_taken_back_and_the_fix_is_verified_offline_and_in_use(product: Path, tmp_path: Path) -> None:
    shutil.copytree(product, tmp_path, dirs_exist_ok=True)
    words = [sys.executable, "-m", "launchworthy.demo.ramp", "--seed", "2026"]
    runs = [
        subprocess.run(
            words,
            cwd=tmp_path,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    ]
    assert [(run.returncode, run.stderr) for run in runs] == [(0, ""), (0, "")]
    assert "seed 2026" in runs[0].stdout
    assert runs[1].stdout == "The folder has its ramps already.\n"
    workspace = LocalWorkspace.open(tmp_path / ".launchworthy")
    try:
        second, first = workspace.ramps(product="python-docs")
        (incident,) = (
            each for each in workspace.incidents(product="python-docs") if each.source == "rollback"
        )
        shown = workspace.trace(incident.traces[0])
        faults = [each for each in workspace.audit(product="python-docs") if each.fault.proves_tampering]
    finally:
        workspace.close()
    assert (first["state"], first["steps"][-1]["by"]) == ("rolled_back", None)
    assert first["steps"][-1]["facts"]["claims"][0]["claim"].endswith("answer/outcomes/resolved")
    assert (second["state"], second["stage"]) == ("running", "pilot")
    assert next(each["state"] for each in second["harms"] if each["of"].endswith("resolved")) == "met"
    assert (incident.failure_mode, incident.severity) == ("leaves_without", "high")
    assert incident.release == first["release"]
    assert {(span["release"], span["simulated"]) for span in shown} == {(first["release"], True)}
    assert (incident.state, incident.verified) == ("closed", True)
    assert incident.verification is not None
    assert [(proof.where, proof.fallen) for proof in incident.verification.proofs] == [
        ("production", True),
        ("evals", True),
    ]
    assert faults == []
