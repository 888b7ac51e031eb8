"""Guards in order: what a hit, a crash, a hang and a shadow do to a text."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Finding, GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule

EVERY_STAGE = frozenset(Stage)


@dataclass
class Words:
    """Finds words; ``wrong`` is what it does instead of answering."""

    words: tuple[str, ...] = ("secret",)
    wrong: Callable[[], GuardVerdict] | None = None
    waits: bool = False
    estimates: bool = False
    window: int | None = 40
    name: str = "words"
    version: str = "1"

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        if self.wrong is not None:
            return self.wrong()
        spans = tuple(
            Finding(at, at + len(word), "word")
            for word in self.words
            for at in range(len(payload))
            if payload.startswith(word, at)
        )
        outcome = Outcome.HIT if spans else Outcome.PASS
        return GuardVerdict(guard="x", version="1", outcome=outcome, category="word", spans=spans)


def rule(guard: Words | None = None, action: Action = Action.BLOCK, **fields: object) -> GuardRule:
    options = {"name": "words", "stages": EVERY_STAGE, **fields}
    return GuardRule(guard=guard or Words(), action=action, **options)  # type: ignore[arg-type]


def crash() -> GuardVerdict:
    raise ValueError("the text was: my secret")


def test_a_text_without_a_hit_goes_on_unchanged() -> None:
    checked = GuardPipeline([rule()]).check(Stage.INPUT, "hello")
    assert (checked.text, checked.goes_on, checked.outcome) == ("hello", True, Outcome.PASS)


def test_a_block_keeps_the_text_and_says_which_guard() -> None:
    checked = GuardPipeline([rule()]).check(Stage.INPUT, "my secret")
    assert (checked.text, checked.action, checked.decided_by) == ("", Action.BLOCK, "words")
    assert "secret" not in checked.reason


def test_the_next_guard_sees_what_the_one_before_redacted() -> None:
    second = rule(Words(("secret",)), name="second")
    checked = GuardPipeline([rule(action=Action.REDACT), second]).check(Stage.OUTPUT, "my secret")
    assert (checked.text, checked.action) == ("my [WORD]", Action.REDACT)


def test_guards_after_a_stop_are_not_asked() -> None:
    checked = GuardPipeline([rule(), rule(name="second")]).check(Stage.INPUT, "my secret")
    assert [verdict.guard for verdict in checked.verdicts] == ["words"]


def test_the_strongest_action_is_taken() -> None:
    rules = [rule(action=Action.LOG), rule(action=Action.REDACT, name="b"), rule(action=Action.LOG, name="c")]
    assert GuardPipeline(rules).check(Stage.INPUT, "secret").action is Action.REDACT


@pytest.mark.parametrize("action", [Action.BLOCK, Action.REDACT, Action.ROUTE, Action.REFUSE])
def test_a_crash_is_could_not_check_and_fails_closed(action: Action) -> None:
    checked = GuardPipeline([rule(Words(wrong=crash), action)]).check(Stage.OUTPUT, "fine")
    assert not checked.goes_on
    assert checked.outcome is Outcome.COULD_NOT_CHECK
    assert "secret" not in checked.reason
    assert "ValueError" in checked.reason


def test_a_crash_that_fails_open_goes_on_and_is_recorded() -> None:
    checked = GuardPipeline([rule(Words(wrong=crash), fails_closed=False)]).check(Stage.OUTPUT, "fine")
    assert (checked.text, checked.action) == ("fine", Action.LOG)
    assert checked.outcome is Outcome.COULD_NOT_CHECK


def test_an_answer_that_is_no_verdict_is_could_not_check() -> None:
    guard = Words(wrong=lambda: True)  # type: ignore[arg-type, return-value]
    assert GuardPipeline([rule(guard)]).check(Stage.INPUT, "x").outcome is Outcome.COULD_NOT_CHECK


def test_a_guard_that_hangs_could_not_check_within_its_timeout() -> None:
    release = threading.Event()

    def hang() -> GuardVerdict:
        release.wait(30)
        raise RuntimeError

    pipeline = GuardPipeline([rule(Words(wrong=hang, waits=True), timeout_s=0.05)])
    try:
        checked = pipeline.check(Stage.INPUT, "x")
        assert checked.action is Action.BLOCK
        assert "within 0.05 s" in checked.reason
        assert asyncio.run(pipeline.check_async(Stage.INPUT, "x")).action is Action.BLOCK
    finally:
        release.set()


def test_a_guard_that_is_slow_to_start_could_not_check_until_it_has_started() -> None:
    started, has_model = threading.Event(), threading.Event()

    def loads_first() -> GuardVerdict:
        if not has_model.is_set():
            started.wait(30)  # a model is read from disk
            has_model.set()
        return GuardVerdict(guard="x", version="1", outcome=Outcome.PASS)

    pipeline = GuardPipeline([rule(Words(wrong=loads_first, waits=True), timeout_s=0.05)])
    for _ in range(2):  # whoever asks meanwhile gets the answer of one that fails closed, and none waits on
        early = pipeline.check(Stage.INPUT, "x")
        assert (early.action, early.outcome) == (Action.BLOCK, Outcome.COULD_NOT_CHECK)
    started.set()
    assert has_model.wait(30)
    late = (pipeline.check(Stage.INPUT, "x") for _ in range(100))  # a busy machine may miss one timeout
    assert any((each.action, each.outcome) == (Action.ALLOW, Outcome.PASS) for each in late)


def test_too_many_hanging_checks_are_not_joined_by_more() -> None:
    release = threading.Event()

    def hang() -> GuardVerdict:
        release.wait(30)
        raise RuntimeError

    pipeline = GuardPipeline([rule(Words(wrong=hang, waits=True), timeout_s=0.001)])
    before = threading.active_count()
    try:
        reasons = [pipeline.check(Stage.INPUT, "x").reason for _ in range(80)]
        assert threading.active_count() - before <= 64
        assert "too many" in reasons[-1]
    finally:
        release.set()


def test_a_guard_in_shadow_changes_nothing_and_is_told() -> None:
    checked = GuardPipeline([rule(live=False)]).check(Stage.INPUT, "my secret")
    assert (checked.text, checked.action, checked.shadowed) == ("my secret", Action.ALLOW, ("words",))
    assert checked.outcome is Outcome.HIT


def test_an_uncalibrated_guard_still_lowers_rights_and_quarantines_a_passage() -> None:
    pipeline = GuardPipeline([rule(live=False, contains=True)])
    asked = pipeline.check(Stage.INPUT, "my secret")
    assert asked.goes_on
    assert asked.lowered
    assert not pipeline.check(Stage.RETRIEVED, "my secret").goes_on
    assert pipeline.check(Stage.RETRIEVED, "fine").goes_on


def test_redacting_arguments_leaves_a_call_or_blocks_it() -> None:
    pipeline = GuardPipeline([rule(action=Action.REDACT)])
    assert pipeline.check(Stage.TOOL, '{"note":"secret"}').text == '{"note":"[WORD]"}'
    broken = GuardPipeline([rule(Words(('"note"',)), Action.REDACT)])
    assert broken.check(Stage.TOOL, '{"note":"x"}').action is Action.BLOCK


def test_a_rewrite_without_a_text_is_a_block() -> None:
    assert GuardPipeline([rule(action=Action.REWRITE)]).check(Stage.OUTPUT, "secret").action is Action.BLOCK


def test_a_stage_that_a_guard_does_not_check_is_not_checked_by_it() -> None:
    pipeline = GuardPipeline([rule(stages=frozenset({Stage.OUTPUT}))])
    assert pipeline.check(Stage.INPUT, "secret").verdicts == ()


def test_a_guard_that_only_watches_does_not_hold_up_a_very_long_text() -> None:
    guard, long = Words(estimates=True), "a secret " * 10_000
    watched = GuardPipeline([rule(guard, live=False)]).check(Stage.INPUT, long)
    assert (watched.action, watched.text, watched.outcome) == (Action.ALLOW, long, Outcome.COULD_NOT_CHECK)
    assert "too long" in watched.verdicts[0].reason
    acting = GuardPipeline([rule(guard)]).check(Stage.INPUT, long)
    containing = GuardPipeline([rule(guard, live=False, contains=True)]).check(Stage.INPUT, long)
    assert (acting.action, containing.lowered) == (Action.BLOCK, True)
