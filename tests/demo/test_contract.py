from __future__ import annotations

from datetime import date
from pathlib import Path

from launchworthy.contract import Contract, claims, lint_file
from launchworthy.evals import read_release, release_of
from launchworthy.provers import PROVERS


def test_it_has_neither_errors_nor_warnings(product: Path) -> None:
    found = lint_file(product / "launchworthy.yaml", today=date(2026, 11, 24))
    assert [str(problem) for problem in found.problems] == []


def test_every_quality_claim_is_measured_by_an_evaluation(contract: Contract) -> None:
    quality = [claim for claim in claims(contract, provers=PROVERS) if claim.family == "quality"]
    assert len(quality) >= 8
    assert {claim.prover for claim in quality} == {"evals"}


def test_its_releases_name_files_that_are_there_and_differ_in_what_is_told(
    contract: Contract, product: Path
) -> None:
    candidate = release_of(contract, folder=product)
    baseline = read_release(product / "baseline.yaml")
    assert candidate is not None
    assert candidate.differing_parts(baseline) == ("policy", "retrieval")
    assert candidate.parts["policy"]["file"] == "policy.json"
    assert candidate.parts["prompt"]["file"] == "prompts/answer.md"
    assert baseline.label == contract.proof.baseline == "baseline"
