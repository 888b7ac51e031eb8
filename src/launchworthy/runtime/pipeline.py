"""The guards of a contract, run in order over each text of a call, and what follows from their verdicts.

May import ``action``, ``faults``, ``guards`` and the standard library. Guards run one after another, before
anything is done with the text: a hit found after a tool has run protects nobody. A text that a guard redacted
is what the next guard sees. A guard in shadow is run and recorded, and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from launchworthy.runtime.action import Action
from launchworthy.runtime.faults import faults
from launchworthy.runtime.guards.verdict import Finding, Guard, GuardContext, GuardVerdict, Outcome, Stage

__all__ = ["Checked", "GuardPipeline", "GuardRule", "Masker", "mask"]

_MOST_WAITING = 64  # checks that hang keep their thread; beyond so many, a guard could not check
_DEFAULT_TIMEOUT_S = 2.0
_MOST_WATCHED = 50_000  # characters that a guard reads which changes nothing: no call waits long for such
_UNSEEN = frozenset({"zero_width", "bidi"})  # kinds of what has no look of its own

Masker = Callable[[str, Sequence[Finding]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRule:
    """One guard as the contract declares it.

    Attributes:
        name: Key in the contract; verdicts carry it.
        guard: What checks.
        stages: Where it checks.
        action: What is done on a hit.
        fails_closed: Whether *could not check* is treated as a hit.
        live: False in shadow: what it says is recorded and not acted on.
        contains: Whether a hit lowers the rights to tools at the input, and quarantines a passage, although
            the guard is in shadow for want of a calibration.
        timeout_s: How long a guard that waits for others may take.
    """

    name: str
    guard: Guard
    stages: frozenset[Stage]
    action: Action
    fails_closed: bool = True
    live: bool = True
    contains: bool = False
    timeout_s: float = _DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text after its guards.

    Attributes:
        stage: Where it stood.
        text: As it may go on; empty where it may not.
        action: The strongest action taken.
        decided_by: Name of the guard that decided, if one did.
        reason: Why, in a sentence that holds nothing of the text.
        verdicts: Of every guard that ran, in order.
        shadowed: Names of guards in shadow that would have acted.
        lowered: Whether the rights to tools are lowered from here on.
        contained: Names of guards that withheld a passage or lowered rights, in shadow or not.
    """

    stage: Stage
    text: str
    action: Action = Action.ALLOW
    decided_by: str | None = None
    reason: str = ""
    verdicts: tuple[GuardVerdict, ...] = ()
    shadowed: tuple[str, ...] = ()
    lowered: bool = False
    contained: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether the text goes on to the next step."""
        return self.action.goes_on

    @property
    def outcome(self) -> Outcome:
        """The gravest verdict of any guard, those in shadow included."""
        said = {verdict.outcome for verdict in self.verdicts}
        return next((each for each in (Outcome.HIT, Outcome.COULD_NOT_CHECK) if each in said), Outcome.PASS)


def mask(text: str, spans: Sequence[Finding]) -> str:
    """The text with each span replaced by its type, such as ``[EMAIL]``, and invisible characters by nothing.

    A label between the letters of a word would hide the word from the guards that come after.
    """
    parts, at = [], 0
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if span.end <= at:
            continue
        if span.start > at:
            parts.append(text[at : span.start])
        if span.start >= at or not parts:
            parts.append("" if span.type in _UNSEEN else f"[{span.type.upper()}]")
        at = span.end
    return "".join((*parts, text[at:]))


class GuardPipeline:
    """Runs the rules of a contract.

    Args:
        rules: In the order in which they run.
        masker: How spans are masked; by default by their type. None: what would be masked is only found.
    """

    def __init__(self, rules: Iterable[GuardRule], *, masker: Masker | None = mask) -> None:
        self.rules = tuple(rules)
        self.masker = masker
        self._by_stage = {
            stage: tuple(rule for rule in self.rules if stage in rule.stages) for stage in Stage
        }
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)

    def rules_at(self, stage: Stage) -> tuple[GuardRule, ...]:
        """The rules that check a stage, in order."""
        return self._by_stage[stage]

    def check(self, stage: Stage, text: str, context: GuardContext | None = None) -> Checked:
        """Check one text, one guard after another, until one of them stops it.

        Never raises for what a guard does: its exception or timeout is *could not check*.
        """
        context = context or GuardContext()
        state = _State(stage, text, self.masker)
        for rule in self._by_stage[stage]:
            state.take(rule, self._ask(rule, stage, state.text, context))
            if state.stopped:
                break
        return state.checked()

    async def check_async(self, stage: Stage, text: str, context: GuardContext | None = None) -> Checked:
        """The same on an event loop: guards that wait for others are run in a thread."""
        context = context or GuardContext()
        state = _State(stage, text, self.masker)
        for rule in self._by_stage[stage]:
            if rule.guard.waits:
                verdict = await asyncio.to_thread(self._ask, rule, stage, state.text, context)
            else:
                verdict = self._ask(rule, stage, state.text, context)
            state.take(rule, verdict)
            if state.stopped:
                break
        return state.checked()

    def unread(self, stage: Stage, kind: str) -> Checked:
        """What follows from content that is no text, such as a picture: no guard could check it."""
        state = _State(stage, "", self.masker)
        for rule in self._by_stage[stage]:
            state.take(rule, _unchecked(rule, f"it reads no {kind}"))
            if state.stopped:
                break
        return state.checked()

    def _ask(self, rule: GuardRule, stage: Stage, text: str, context: GuardContext) -> GuardVerdict:
        if rule.name in faults().guards:
            return _unchecked(rule, "a drill made it fail")
        if len(text) > _MOST_WATCHED and rule.guard.estimates and not (rule.live or rule.contains):
            return _unchecked(rule, "the text is too long for a guard that only watches")
        began = time.perf_counter()
        try:
            verdict = (
                self._waited(rule, stage, text, context)
                if rule.guard.waits
                else rule.guard.check(stage, text, context)
            )
            if not isinstance(verdict, GuardVerdict):
                raise TypeError(f"it answered {type(verdict).__name__} and not a verdict")
        except queue.Empty:
            verdict = _unchecked(rule, f"it did not answer within {rule.timeout_s:g} s")
        except Exception as error:
            verdict = _unchecked(rule, f"it failed with {type(error).__name__}")
        return replace(verdict, guard=rule.name, latency_ms=(time.perf_counter() - began) * 1_000)

    def _waited(self, rule: GuardRule, stage: Stage, text: str, context: GuardContext) -> GuardVerdict:
        if not self._waiting.acquire(blocking=False):
            return _unchecked(rule, "too many checks are waiting for an answer")
        answers: queue.SimpleQueue[GuardVerdict | Exception] = queue.SimpleQueue()
        inside = contextvars.copy_context()

        def ask() -> None:
            try:
                answers.put(inside.run(rule.guard.check, stage, text, context))
            except Exception as error:
                answers.put(error)
            finally:
                self._waiting.release()

        # A daemon: one that hangs for ever must not keep the process from ending.
        threading.Thread(target=ask, name=f"guard-{rule.name}", daemon=True).start()
        answer = answers.get(timeout=rule.timeout_s)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _unchecked(rule: GuardRule, reason: str) -> GuardVerdict:
    try:
        version = str(rule.guard.version)
    except Exception:  # a guard whose model could not be loaded has no version to tell
        version = "unknown"
    return GuardVerdict(guard=rule.name, version=version, outcome=Outcome.COULD_NOT_CHECK, reason=reason)


class _State:
    """What is known of a text while its guards run."""

    def __init__(self, stage: Stage, text: str, masker: Masker | None) -> None:
        self.stage, self.text, self._masker = stage, text, masker
        self.action = Action.ALLOW
        self.decided_by: str | None = None
        self.reason = ""
        self.verdicts: list[GuardVerdict] = []
        self.shadowed: list[str] = []
        self.lowered = False
        self.contained: list[str] = []

    @property
    def stopped(self) -> bool:
        return not self.action.goes_on

    def take(self, rule: GuardRule, verdict: GuardVerdict) -> None:
        self.verdicts.append(verdict)
        if verdict.outcome is Outcome.PASS:
            return
        hit = verdict.outcome is Outcome.HIT
        acts = hit or rule.fails_closed
        if acts and rule.contains:
            self._contain(rule, verdict)
        if not rule.live:
            if acts:
                self.shadowed.append(rule.name)
        elif hit:
            self._decide(rule, self._on_hit(rule, verdict), verdict)
        else:
            self._decide(rule, _when_unchecked(rule), verdict)

    def _contain(self, rule: GuardRule, verdict: GuardVerdict) -> None:
        """What needs no calibration, for it costs no user an answer: fewer rights, one passage less."""
        if self.stage is Stage.RETRIEVED:
            self._decide(rule, Action.BLOCK, verdict)
        elif self.stage is not Stage.OUTPUT:
            self.lowered = True
        else:
            return
        self.contained.append(rule.name)

    def _on_hit(self, rule: GuardRule, verdict: GuardVerdict) -> Action:
        if rule.action is Action.REDACT:
            if not verdict.spans:
                return Action.BLOCK  # it does not say what to redact
            if self._masker is not None:
                masked = self._masker(self.text, verdict.spans)
                if self.stage is Stage.TOOL and not _is_json(masked):
                    return Action.BLOCK  # arguments that are no JSON any more are no call any more
                self.text = masked
        elif rule.action is Action.REWRITE:
            if verdict.rewritten is None:
                return Action.BLOCK
            self.text = verdict.rewritten
        return rule.action

    def _decide(self, rule: GuardRule, action: Action, verdict: GuardVerdict) -> None:
        if action.strength <= self.action.strength:
            return
        self.action, self.decided_by = action, rule.name
        found = verdict.category or "a hit"
        said = f"it found {found}" if verdict.outcome is Outcome.HIT else "it could not check"
        self.reason = f"{rule.name}: {verdict.reason or said}"

    def checked(self) -> Checked:
        return Checked(
            stage=self.stage,
            text="" if self.stopped else self.text,
            action=self.action,
            decided_by=self.decided_by,
            reason=self.reason,
            verdicts=tuple(self.verdicts),
            shadowed=tuple(self.shadowed),
            lowered=self.lowered,
            contained=tuple(self.contained),
        )


def _when_unchecked(rule: GuardRule) -> Action:
    """Failing closed takes the guard's own action, and stops what could only have been changed."""
    if not rule.fails_closed:
        return Action.LOG
    return Action.BLOCK if rule.action in (Action.REDACT, Action.REWRITE) else rule.action


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
