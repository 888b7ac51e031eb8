"""A streamed answer, held back until its guards have seen it: no matched value leaves, however it is cut.

May import ``action``, ``guards`` and ``pipeline``. A carry-over buffer that checks what was sent detects a
leak after its first half has gone out. Here the last ``window`` characters are held back, which is the
longest stretch in which a guard can find something, so that what is released can no longer become part of
a match. Invisible characters do not count: guards look past them, so that they may not push the beginning of
a value out. Where a guard needs the whole text (``window`` is None), the whole answer is held.
"""

from __future__ import annotations

from dataclasses import replace

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards.hidden_characters import visible
from launchworthy.runtime.guards.verdict import Finding, GuardContext, Outcome, Stage
from launchworthy.runtime.pipeline import Checked, GuardPipeline, mask

__all__ = ["HeldStream"]

# Guards run over the held text once for so many new characters, not for each token; where more than usual is
# held, because a value goes on and on, once for a like part of it, or a long one would be read ever again.
STRIDE = 48
_PART = 16


class HeldStream:
    """One streamed answer under the rules of the stage ``output``.

    Feed it what the model sends; what it gives back may go to the user. After ``end``, ``checked`` holds the
    verdicts and the whole text as it went out.

    Args:
        pipeline: The guards.
        context: Of the call.
    """

    def __init__(self, pipeline: GuardPipeline, context: GuardContext | None = None) -> None:
        self._pipeline = pipeline
        self._masker = pipeline.masker or mask
        self._context = context or GuardContext()
        rules = [rule for rule in pipeline.rules_at(Stage.OUTPUT) if rule.live]
        windows = [None if rule.action is Action.REWRITE else rule.guard.window for rule in rules]
        self._whole = any(window is None for window in windows)
        self._window = max((window for window in windows if window is not None), default=0)
        self._finding = GuardPipeline(rules, masker=None)
        self._text = ""  # everything the model sent
        self._sent = 0  # how much of it has been released, masked or not
        self._seen = 0  # its length when the guards last ran
        self._edge = 0  # up to where all lies a window back
        self._behind = 0  # visible characters from there on
        self._out: list[str] = []
        self._stopped: Checked | None = None
        self.checked: Checked | None = None

    @property
    def stopped(self) -> bool:
        """Whether a guard has ended the answer: nothing more will be released."""
        return self._stopped is not None

    @property
    def altered(self) -> bool:
        """Whether the whole answer went out, and not as the model said it."""
        return self.checked is not None and not self.stopped and self.released != self._text

    @property
    def released(self) -> str:
        """What has gone out so far."""
        return "".join(self._out)

    def feed(self, chunk: str) -> str:
        """Take what the model sent; give back what may go out now (often nothing)."""
        self._text += chunk
        if self._stopped is not None or self._whole:
            return ""
        if not self._finding.rules:
            return self._release(len(self._text), [])
        new, held = len(self._text) - self._seen, len(self._text) - self._sent
        if new < STRIDE or new * _PART < held or held <= self._window:
            return ""
        self._move_edge(self._text[self._seen :])
        self._seen = len(self._text)
        return self._advance(self._edge) if self._edge > self._sent else ""

    def end(self) -> str:
        """The model has ended; give back the rest, or nothing where a guard stopped the answer."""
        if self.checked is not None:
            return ""
        if self._stopped is not None:
            self.checked = self._stopped
            return ""
        whole = self._pipeline.check(Stage.OUTPUT, self._text, self._context)
        if not whole.goes_on:
            self.checked = replace(whole, text=self.released)
            self._stopped = self.checked
            return ""
        if self._sent:
            rest = self._advance(len(self._text))
            if self.stopped:
                self.checked = self._stopped
                return rest
        else:
            rest, self._sent = whole.text, len(self._text)
            self._out.append(rest)
        self.checked = replace(whole, text=self.released)
        return rest

    def _move_edge(self, new: str) -> None:
        self._behind += _count_visible(new)
        while (surplus := self._behind - self._window) > 0:
            self._behind -= _count_visible(self._text[self._edge : self._edge + surplus])
            self._edge += surplus

    def _advance(self, to: int) -> str:
        """Release up to ``to``, less what a finding that straddles it begins earlier."""
        start = self._start()
        checked = self._finding.check(Stage.OUTPUT, self._text[start:], self._context)
        if not checked.goes_on:
            # What was found within the held text may still turn out to be something else.
            if to == len(self._text) or _concerns(checked, self._sent - start, to - start):
                self._stopped = replace(checked, text=self.released)
            return ""
        spans = sorted(
            (
                Finding(span.start + start, span.end + start, span.type, span.score)
                for verdict in checked.verdicts
                if verdict.outcome is Outcome.HIT
                for span in verdict.spans
            ),
            key=lambda span: (span.start, -span.end),
        )
        for span in spans:
            if span.start < to < span.end:
                to = span.start
        return self._release(to, spans) if to > self._sent else ""

    def _start(self) -> int:
        """From where the guards look again: a window before what is held, and not within a word."""
        start = max(0, self._sent - self._window)
        gap = self._text.rfind(" ", max(0, start - self._window), start)
        return gap + 1 if gap >= 0 else start

    def _release(self, to: int, spans: list[Finding]) -> str:
        piece = self._text[self._sent : to]
        inside = [
            Finding(max(span.start, self._sent) - self._sent, span.end - self._sent, span.type, span.score)
            for span in spans
            if span.end > self._sent and span.start < to
        ]
        self._sent = to
        out = self._masker(piece, inside) if inside else piece
        self._out.append(out)
        return out


def _count_visible(text: str) -> int:
    return len(visible(text)[0])


def _concerns(checked: Checked, sent: int, to: int) -> bool:
    """Whether anything that was found touches what would be released, from ``sent`` up to ``to``."""
    return any(
        verdict.outcome is Outcome.COULD_NOT_CHECK
        or not verdict.spans
        or any(span.end > sent and span.start < to for span in verdict.spans)
        for verdict in checked.verdicts
        if verdict.outcome is not Outcome.PASS
    )
