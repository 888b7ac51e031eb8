"""The page on experiments shows what its commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.cli.main import main

PAGE = (Path(__file__).parents[3] / "docs" / "experiments.md").read_text(encoding="utf-8")


def _block(language: str, having: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(next(block for block in blocks if having in block))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sums.json").write_text(_block("json", "answer-v2"), encoding="utf-8")
    Path("experiment.yaml").write_text(_block("yaml", "strata: country"), encoding="utf-8")
    Path("ramp.yaml").write_text(_block("yaml", "steps_per_day"), encoding="utf-8")
    rng, n = np.random.default_rng(7), 4_000
    arm = np.where(rng.random(n) < 0.5, "control", "candidate")
    before, resolved = rng.gamma(2.0, 1.0, n), rng.random(n) < 0.6
    columns = {
        "user": np.arange(n),
        "arm": arm,
        "country": np.where(rng.random(n) < 0.7, "de", "at"),
        "resolved": resolved,
        "spend": before + rng.gamma(1.0, 1.0, n),
        "spend_before": before,
        "cost_usd": rng.gamma(2.0, 0.01, n),
        "latency_ms": rng.lognormal(6.0, 0.4, n),
        "judge_score": (rng.random(n) < 0.9).astype(float),
        "label": np.where(rng.random(n) < 0.2, (rng.random(n) < 0.9).astype(float), np.nan),
        "hours": rng.exponential(12.0, n) + 1.0,
        "solved": rng.random(n) < 0.8,
    }
    pq.write_table(pa.table(columns), "rows.parquet")


def _printed(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(command)[1:])
    code = stopped.value.code
    return int(code or 0), capsys.readouterr().out


@pytest.mark.usefixtures("files")
def test_commands_print_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown = 0
    for block in re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL):
        first, _, rest = block.partition("\n")
        if rest and not rest.startswith("$"):
            shown += 1
            assert _printed(first.removeprefix("$ "), capsys)[1] == rest
    assert shown == 2


@pytest.mark.usefixtures("files")
def test_the_plan_of_the_page_reads_rows_and_its_ramp_is_simulated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out = _printed(
        "launchworthy experiment analyze --input rows.parquet --plan experiment.yaml", capsys
    )
    assert code == 2
    for name in ("resolved", "spend", "cost", "p95", "grounded", "until_solved"):
        assert f"  {name}" in out
    ramp = _block("console", "rollout simulate").strip().removeprefix("$ ")
    code, out = _printed(f"{ramp} --repetitions 50", capsys)
    assert code == 0
    assert "one look at the end" in out
    assert Path("ramp.html").stat().st_size > 1_000


def test_the_page_names_every_conclusion() -> None:
    from launchworthy.rollout.experiment import Conclusion

    for conclusion in Conclusion:
        assert f"| `{conclusion}` |" in PAGE
