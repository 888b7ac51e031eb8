"""A streamed answer: no matched value leaves, however the model cuts it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Finding, GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.guards.terms import TermsGuard
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule, mask
from launchworthy.runtime.streaming import STRIDE, HeldStream

LONGEST = 24


@dataclass
class Mails:
    """Finds addresses of at most ``LONGEST`` characters."""

    window: int | None = LONGEST + 1
    crash_at: str = "\0"
    name: str = "mails"
    version: str = "1"
    estimates: bool = False
    waits: bool = False
    pattern = re.compile(r"(?<![\w.@])[a-z]{1,10}@[a-z]{1,8}\.[a-z]{2,4}(?![\w@])")

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        if self.crash_at in payload:
            raise RuntimeError
        spans = tuple(Finding(*found.span(), "mail") for found in self.pattern.finditer(payload))
        outcome = Outcome.HIT if spans else Outcome.PASS
        return GuardVerdict(guard=self.name, version="1", outcome=outcome, spans=spans)


def pipeline(action: Action = Action.REDACT, guard: Mails | None = None, **fields: bool) -> GuardPipeline:
    guard = guard or Mails()
    stages = frozenset({Stage.OUTPUT})
    return GuardPipeline([GuardRule(name="mails", guard=guard, stages=stages, action=action, **fields)])


def stream(chunks: list[str], guards: GuardPipeline) -> tuple[HeldStream, list[str]]:
    held = HeldStream(guards)
    return held, [*(held.feed(chunk) for chunk in chunks), held.end()]


FILLER = "The order was sent to the address that is on file, and it should arrive within days. "
TEXT = FILLER + "Write to ana@shop.example or bob@mail.org, or ask cy@x.io. " + FILLER
# "ana@shop.example" is no address to this guard: its ending is too long.
VALUES = ("bob@mail.org", "cy@x.io")
MASKED = mask(TEXT, [Finding(*found.span(), "mail") for found in Mails.pattern.finditer(TEXT)])


@pytest.mark.parametrize("cut", range(0, len(TEXT) + 1))
def test_no_value_leaves_at_any_two_way_split(cut: int) -> None:
    _, out = stream([TEXT[:cut], TEXT[cut:]], pipeline())
    assert "".join(out) == MASKED
    assert not any(value in "".join(out) for value in VALUES)


def test_no_value_leaves_character_by_character() -> None:
    held, out = stream(list(TEXT), pipeline())
    assert "".join(out) == MASKED == held.released
    assert sum(map(bool, out)) > 1, "parts go out before the end"


@given(st.integers(0, 2**32), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_streamed_and_whole_texts_are_redacted_alike(seed: int, largest: int) -> None:
    draw = random.Random(seed)
    words = [
        draw.choice(["bob@mail.org", "a@b.co", "a@b", "x.y@z.de", "word", ",", "and", "1", "@"])
        for _ in range(60)
    ]
    text = draw.choice([" ", "", " - "]).join(words)
    chunks, at = [], 0
    while at < len(text):
        size = draw.randint(0, largest)
        chunks.append(text[at : at + size])
        at += size
    _, out = stream(chunks, pipeline())
    spans = [Finding(*found.span(), "mail") for found in Mails.pattern.finditer(text)]
    assert "".join(out) == mask(text, spans)


def test_what_is_held_back_is_the_window_and_a_stride() -> None:
    held = HeldStream(pipeline())
    behind = 0
    for at, character in enumerate(FILLER * 5, 1):
        held.feed(character)
        behind = max(behind, at - len(held.released))
    assert behind <= LONGEST + 1 + STRIDE


def test_a_block_ends_the_answer_before_the_value() -> None:
    held, out = stream(list(TEXT), pipeline(Action.REFUSE))
    assert held.stopped
    assert held.checked is not None
    assert held.checked.action is Action.REFUSE
    assert TEXT.startswith("".join(out))
    assert not any(value in "".join(out) for value in VALUES)


def test_a_guard_that_breaks_on_the_way_stops_the_answer() -> None:
    guard = Mails(crash_at="cy@")
    for action in (Action.REDACT, Action.BLOCK):
        held, out = stream(list(TEXT), pipeline(action, guard))
        assert held.stopped
        assert held.checked is not None
        assert held.checked.outcome is not Outcome.PASS
        assert "bob@mail.org" not in "".join(out)


def test_a_guard_that_breaks_and_fails_open_lets_the_answer_go_on() -> None:
    held, out = stream(list("A crash. " + TEXT), pipeline(guard=Mails(crash_at="crash"), fails_closed=False))
    assert "".join(out) == "A crash. " + MASKED, "the parts it could check were checked"
    assert held.checked is not None
    assert held.checked.outcome is Outcome.COULD_NOT_CHECK


def test_a_guard_of_the_whole_text_holds_all_of_it() -> None:
    held, out = stream([TEXT[:100], TEXT[100:]], pipeline(guard=Mails(window=None)))
    assert out[:-1] == ["", ""]
    assert out[-1] == MASKED == held.released


def test_in_shadow_nothing_is_held_and_the_hit_is_told() -> None:
    held, out = stream([TEXT[:100], TEXT[100:]], pipeline(live=False))
    assert out == [TEXT[:100], TEXT[100:], ""]
    assert held.checked is not None
    assert held.checked.shadowed == ("mails",)


TERMS = GuardPipeline(
    [
        GuardRule(
            name="terms",
            guard=TermsGuard(terms=["acme", "rival shop"], exceptions=["acme pie"]),
            stages=frozenset({Stage.OUTPUT}),
            action=Action.BLOCK,
        )
    ]
)


@pytest.mark.parametrize("size", [1, 3, 7, 48, 49, 500])
def test_a_word_that_only_begins_like_a_term_ends_no_answer(size: int) -> None:
    text = (FILLER + "An acmeist and a macme like acme pie in a rivalry. ") * 8
    held, out = stream([text[at : at + size] for at in range(0, len(text), size)], TERMS)
    assert ("".join(out), held.stopped) == (text, False)


@pytest.mark.parametrize("size", [1, 3, 7, 48, 49, 500])
def test_a_term_never_leaves_and_ends_the_answer(size: int) -> None:
    text = FILLER * 6 + "Try the rival shops. " + FILLER * 6
    held, out = stream([text[at : at + size] for at in range(0, len(text), size)], TERMS)
    assert held.stopped
    assert "rival" not in "".join(out)
    assert text.startswith("".join(out))
