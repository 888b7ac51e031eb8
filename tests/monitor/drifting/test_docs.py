"""The page on drift: its example runs and prints what it shows, and its monitors are a contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.contract import claims, defaults_in_force, load_contract
from launchworthy.stats import TOLERATED, TOLERATED_AUC, Divergence

DOCS = (Path(__file__).parents[3] / "docs" / "drift.md").read_text()


def test_the_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", DOCS, re.DOTALL)
    assert example is not None
    exec(compile(example[1], "docs/drift.md", "exec"), {})
    shown = re.search(r"```console\n\$ launchworthy (.*?)\n(.*?)```", DOCS, re.DOTALL)
    assert shown is not None
    with pytest.raises(SystemExit) as ended:
        main(shown[1].split())
    assert ended.value.code == 1
    assert capsys.readouterr().out == shown[2]


def test_the_monitors_of_the_page_are_claims_with_three_states(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(monitors:.*?)```", DOCS, re.DOTALL)
    assert block is not None
    path = tmp_path / "launchworthy.yaml"
    path.write_text(
        "launchworthy: 1\nproduct: shop\nowners: {product: a@b.c, engineering: d@e.f}\n"
        "workflows: {answer: {user: customer, job: get an answer, no_answer: refuse}}\n" + block[1]
    )
    found = {claim.metric: claim for claim in claims(load_contract(path)) if claim.family == "monitors"}
    assert set(found) == {"question_drift", "score_drift", "amounts"}
    targets = {name: claim.target for name, claim in found.items()}
    assert all(target is not None for target in targets.values())
    assert targets["question_drift"] is not None
    silent = {each.address: each.value for each in defaults_in_force(load_contract(path))}
    assert silent["monitors/question_drift/at_most"] == "55 %"
    assert "monitors/score_drift/at_most" not in silent
    assert targets["question_drift"].threshold == TOLERATED_AUC


def test_the_page_names_what_is_tolerated() -> None:
    assert f"{TOLERATED[Divergence.JENSEN_SHANNON]:g} by default" in DOCS
    assert f"(of `psi` and `wasserstein` {TOLERATED[Divergence.PSI]:g})" in DOCS
    assert TOLERATED[Divergence.PSI] == TOLERATED[Divergence.WASSERSTEIN]
    assert f"{TOLERATED_AUC:g} is tolerated" in DOCS
