"""Guards that tests hold against: each finds one word, with a window of its length."""

from __future__ import annotations

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Finding, GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.pipeline import GuardRule


class Word:
    """Finds a word."""

    name, version = "keeper", "1"
    estimates = False

    def __init__(
        self, word: str, *, window: int | None = 40, waits: bool = False, broken: bool = False
    ) -> None:
        self._word, self.window, self.waits, self._broken = word, window, waits, broken

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        if self._broken:
            raise RuntimeError("its model is gone")
        at = payload.find(self._word)
        spans = (Finding(at, at + len(self._word), "secret"),) if at >= 0 else ()
        return GuardVerdict(
            guard=self.name,
            version="1",
            outcome=Outcome.HIT if spans else Outcome.PASS,
            category="secret" if spans else None,
            spans=spans,
        )


def rule(
    word: str,
    *stages: Stage,
    action: Action = Action.BLOCK,
    window: int | None = 40,
    waits: bool = False,
    broken: bool = False,
    fails_closed: bool = True,
    contains: bool = False,
    live: bool = True,
) -> GuardRule:
    return GuardRule(
        name="keeper",
        guard=Word(word, window=window, waits=waits, broken=broken),
        stages=frozenset(stages),
        action=action,
        fails_closed=fails_closed,
        contains=contains,
        live=live,
    )
