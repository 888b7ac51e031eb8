"""A guard that is made to fail does what the contract says, or the drill says that it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from launchworthy.contract import parse_contract
from launchworthy.runtime.compiling import guard_pipeline
from launchworthy.runtime.guard_drill import drill_evidence, drill_guards
from launchworthy.runtime.guards import Outcome, Stage
from launchworthy.runtime.pipeline import GuardPipeline

CONTRACT = parse_contract(
    """
launchworthy: 1
product: support
owners: {product: ana@example.com}
workflows:
  answer: {user: customer, job: get an answer with its source, no_answer: refuse}
guards:
  secrets: {checks: [tool_input, output], action: redact}
  competitors: {checks: [output], action: route, fail: open, terms: [Acme]}
  length: {checks: [input], action: log, options: {max_words: 900}}
  moderation: {checks: [input], action: refuse}
"""
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_each_guard_is_made_to_fail_at_each_of_its_stages() -> None:
    drills = drill_guards(CONTRACT, guard_pipeline(CONTRACT, root=Path()))
    assert [(each.guard, each.stage.value, each.action.value, each.held) for each in drills] == [
        ("secrets", "tool", "block", True),
        ("secrets", "output", "block", True),
        ("competitors", "output", "log", True),
        ("length", "input", "log", True),
        ("moderation", "input", "allow", False),
    ]
    assert drills[-1].reason == "it is in shadow, so the text goes on"


def test_after_the_drill_the_guards_check_again() -> None:
    pipeline = guard_pipeline(CONTRACT, root=Path())
    drill_guards(CONTRACT, pipeline)
    assert pipeline.check(Stage.OUTPUT, "hello").outcome is Outcome.PASS


def test_a_pipeline_that_leaves_a_guard_out_does_not_hold() -> None:
    assert not any(each.held for each in drill_guards(CONTRACT, GuardPipeline(())))


def test_the_evidence_speaks_for_the_claim_of_each_guard() -> None:
    drills = drill_guards(CONTRACT, guard_pipeline(CONTRACT, root=Path()))
    pieces = {each.claim: each for each in drill_evidence(drills, product="support", release="r", now=NOW)}
    assert pieces["support/guards/secrets"].value == 1.0
    assert pieces["support/guards/secrets"].n == 2
    assert pieces["support/guards/moderation"].value == 0.0
