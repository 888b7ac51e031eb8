"""Patterns and schemas on answers, in bounded time. May import this room.

A regular expression can take longer than the world lasts: ``(a+)+$`` on forty letters. What is surely short
is matched here; anything else in a process of its own that is ended after two seconds, and then the answer
could not be scored.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from launchworthy.metrics import matcher
from launchworthy.metrics.metric import CannotScore

__all__ = ["fullmatch", "meets_schema"]

LIMIT_S = 2.0
_STEPS = 10_000_000  # about a tenth of a second
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x")  # there, blanks and comments may stand between group and quantifier


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the whole text matches; a dot also matches a line break.

    Raises:
        CannotScore: It is no pattern, or matching takes too long.
    """
    if _steps(pattern, len(text)) <= _STEPS:
        try:
            return re.fullmatch(pattern, text, flags=re.DOTALL) is not None
        except matcher.PATTERN_ERRORS as error:
            raise CannotScore(f"not a regular expression: {error}") from error
    return _WORKER.ask({"pattern": pattern, "text": text}, what="the pattern")


def meets_schema(value: Any, schema: str) -> bool:
    """Whether a JSON value meets the schema, itself given as JSON.

    Raises:
        CannotScore: It is no schema, cannot be followed, or its patterns take too long.
    """
    patterns = _patterns_of(schema)
    lengths = [len(text) for text in _texts(value)] if patterns else []
    longest = max(lengths, default=0)
    # Schemas search: the match may begin at any character of any text.
    most = sum(_steps(pattern, longest) for pattern in patterns) * (longest + 1) * max(1, len(lengths))
    if most <= _STEPS:
        try:
            return matcher.meets(value, schema)
        except ValueError as error:
            raise CannotScore(str(error)) from error
    return _WORKER.ask({"schema": schema, "value": value}, what="a pattern of the schema")


@lru_cache(maxsize=512)
def _shape(pattern: str) -> tuple[int, int, bool]:
    """How many repetitions, how many other choices, whether a group repeats; never fewer than there are."""
    return (
        sum(pattern.count(mark) for mark in "*+{"),
        pattern.count("?") + pattern.count("|"),
        _REPEATED_GROUP.search(pattern) is not None or _VERBOSE.search(pattern) is not None,
    )


def _steps(pattern: str, length: int) -> float:
    """The most that matching can take, as characters looked at; infinite where this cannot be told easily."""
    repeats, choices, repeated_group = _shape(pattern)
    if repeated_group or repeats + choices > 60:
        return float("inf")
    return float(length + 1) ** repeats * 2.0**choices * (length + len(pattern) + 1)


@lru_cache(maxsize=64)
def _patterns_of(schema: str) -> tuple[str, ...]:
    found: list[str] = []
    todo = [json.loads(schema)]
    while todo:
        node = todo.pop()
        if isinstance(node, Mapping):
            if isinstance(node.get("pattern"), str):
                found.append(node["pattern"])
            if isinstance(node.get("patternProperties"), Mapping):
                found += node["patternProperties"]
            todo += node.values()
        elif isinstance(node, list):
            todo += node
    return tuple(found)


def _texts(value: Any) -> Iterable[str]:
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, Mapping):
            yield from (name for name in node if isinstance(name, str))
            todo += node.values()
        elif isinstance(node, (list, tuple)):
            todo += node


class _Worker:
    """One process for all that may not end; begun when first needed, and again after it was ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, asked: Mapping[str, Any], *, what: str) -> bool:
        try:
            line = json.dumps(asked).encode() + b"\n"
        except (TypeError, ValueError, RecursionError) as error:
            raise CannotScore(f"the answer is not JSON: {str(error)[:200]}") from error
        with self._lock:
            try:
                said = self._exchange(line)
            except OSError as error:
                self._end(kill=True)
                raise CannotScore(f"the process that matches patterns failed: {error}") from error
            except BaseException:  # an interrupt: what it answers now would pass for the next one's answer
                self._end(kill=True)
                raise
            if not said:
                code = self._end()
                if code != 1:
                    raise CannotScore(f"the process that matches patterns ended with {code}")
                raise CannotScore(f"{what} takes longer than {LIMIT_S:g} s on this answer (it backtracks)")
        answer = json.loads(said)
        if isinstance(answer, str):
            raise CannotScore(answer)
        return bool(answer)

    def _exchange(self, line: bytes) -> bytes:
        if self._process is None or self._owner != os.getpid():
            self._process, self._owner = _begin(), os.getpid()
        asking, telling = self._process.stdin, self._process.stdout
        asking.write(line)  # type: ignore[union-attr]
        asking.flush()  # type: ignore[union-attr]
        return telling.readline()  # type: ignore[union-attr]

    def _end(self, *, kill: bool = False) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if kill:
            process.kill()
        process.stdout.close()  # type: ignore[union-attr]
        with contextlib.suppress(OSError):  # what was not written yet has no reader any more
            process.stdin.close()  # type: ignore[union-attr]
        return process.wait()

    def close(self) -> None:
        """End the process, if it is this one's own and not that of the one it was forked from."""
        if self._owner == os.getpid():
            self._end(kill=True)


def _begin() -> subprocess.Popen[bytes]:
    # In a session of its own, so that Ctrl-C is the caller's to handle; with no site, so that it begins fast.
    arguments = [
        "-I",
        "-S",
        str(Path(matcher.__file__)),
        str(LIMIT_S),
        json.dumps([str(path) for path in sys.path]),
    ]
    return subprocess.Popen(  # noqa: S603 (this interpreter, a file of this package)
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


_WORKER = _Worker()
atexit.register(_WORKER.close)
