"""Flags inside an application: decided in memory, refreshed in the background, exposures logged once.

May import ``capture.sdk``, ``errors`` and this folder. No evaluation waits for a server or raises.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from launchworthy.errors import LaunchworthyError
from launchworthy.rollout.flags.changing import moves
from launchworthy.rollout.flags.evaluating import Evaluate, Sticky, compiled
from launchworthy.rollout.flags.model import Decision, FlagSet, Reason
from launchworthy.rollout.flags.source import FileSource, ServerSource, Source
from launchworthy.rollout.flags.written import flag_version

__all__ = ["Flags", "flags"]

_T = TypeVar("_T")
_NOTHING: Mapping[str, Any] = {}
_LOGGED = 200_000  # exposures that are remembered as logged; beyond, the oldest half may be told again
_log = logging.getLogger("launchworthy.flags")

Expose = Callable[[Decision, str, Mapping[str, Any]], None]


def _exposed(decision: Decision, unit: str, attributes: Mapping[str, Any]) -> None:
    """Tell the SDK, which delivers it durably and never waits."""
    from launchworthy.capture.sdk.events import exposure

    subject = unit if decision.unit_kind == "user" else attributes.get(decision.unit_kind, "")
    exposure(
        decision.flag,
        variant=str(decision.variant),
        unit=str(subject),
        unit_kind=decision.unit_kind,
        algorithm=decision.algorithm,
        version=decision.version,
        rule=decision.rule or None,
        reason=decision.reason.value,
        source="launchworthy",
        user=unit or None,
    )


class Flags:
    """The flags of one product.

    Args:
        source: Where they come from.
        every_s: How often the source is asked in the background; 0: only by :meth:`refresh`.
        sticky: Where sticky units are remembered; without it they are assigned anew each time.
        expose: Called once for each unit, flag and variant where chance had a part.
    """

    def __init__(
        self,
        source: Source,
        *,
        every_s: float = 10.0,
        sticky: Sticky | None = None,
        expose: Expose = _exposed,
    ) -> None:
        self._source, self._sticky, self._expose = source, sticky, expose
        self._every_s = every_s
        self._set: FlagSet | None = None
        self._evaluates: dict[str, Evaluate] = {}
        self._versions: dict[str, str] = {}
        self._unknown: dict[str, Decision] = {}
        self._logged: set[tuple[str, Decision]] = set()
        self._logged_before: set[tuple[str, Decision]] = set()
        self._refreshing = threading.Lock()
        self._closed = threading.Event()
        self._process = 0
        self._listening: list[Callable[[list[str]], None]] = []
        self.problem: LaunchworthyError | None = None
        if not self.refresh():
            kept = source.kept()
            if kept is not None:
                self._take(kept)
        self._follow()

    @property
    def is_stale(self) -> bool:
        """Whether the source could not be asked the last time; ``problem`` says why."""
        return self.problem is not None

    @property
    def keys(self) -> list[str]:
        """Keys of the flags there are."""
        return sorted(self._evaluates)

    def decide(
        self, key: str, unit: object = "", attributes: Mapping[str, Any] | None = None, *, expose: bool = True
    ) -> Decision:
        """What a unit gets, and why. Reads memory only.

        Args:
            key: Of the flag.
            unit: The user, written as a text if it is none; of flags whose unit is another, the attribute of
                that name counts.
            attributes: What rules compare.
            expose: False for a look that shows nobody anything.
        """
        evaluate = self._evaluates.get(key)
        if evaluate is None:
            return self._not_known(key)
        decision = evaluate(unit if isinstance(unit, str) else _text(unit), attributes or _NOTHING)
        if decision.assigned and expose:
            self.shown(decision, unit, attributes)
        return decision

    def shown(
        self, decision: Decision, unit: object = "", attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Log that a unit met what was decided with ``expose=False``: once, where chance had a part."""
        if not decision.assigned:
            return
        told = attributes or _NOTHING
        unit = unit if isinstance(unit, str) else _text(unit)
        subject = unit if decision.unit_kind == "user" else str(told.get(decision.unit_kind, ""))
        seen = (subject, decision)
        if seen not in self._logged:
            self._log(seen, unit, told)

    def value(
        self, key: str, default: _T, unit: object = "", attributes: Mapping[str, Any] | None = None
    ) -> _T:
        """The value alone; the default where there is no such flag, no unit, or a value of another type."""
        decision = self.decide(key, unit, attributes, expose=False)
        found = decision.value
        if decision.variant is None:
            return default
        if default is not None and not _same_type(found, default):
            return default
        self.shown(decision, unit, attributes)
        return found  # type: ignore[no-any-return]

    def everything(
        self, unit: object = "", attributes: Mapping[str, Any] | None = None
    ) -> dict[str, Decision]:
        """Every decision about a unit, logged as exposure of none of them."""
        return {key: self.decide(key, unit, attributes, expose=False) for key in self._evaluates}

    def refresh(self) -> bool:
        """Ask the source now; False if it could not be asked, and what was there stays."""
        with self._refreshing:
            stale, before = self.problem, self._versions
            try:
                found = self._source.changed()
                if found is not None:
                    self._take(found)
                self.problem = None
            except LaunchworthyError as error:
                if self.problem is None:
                    _log.warning("flags stay as they are: %s", error)
                self.problem = error
            changed = sorted(
                key
                for key in before.keys() | self._versions.keys()
                if before.get(key) != self._versions.get(key)
            )
        if changed or (stale is None) != (self.problem is None):
            for listener in self._listening:
                try:
                    listener(changed)
                except Exception:
                    _log.exception("who listens for changes of flags failed")
        return self.problem is None

    def listen(self, listener: Callable[[list[str]], None]) -> None:
        """Be told of the keys that changed, and, with none, when the source is gone or there again."""
        self._listening.append(listener)

    def close(self) -> None:
        """Stop asking."""
        self._closed.set()

    def _take(self, found: FlagSet) -> None:
        """Put flags in force, but for those that would move units without saying so."""
        flags = dict(found.flags)
        if self._set is not None:
            for move in moves(self._set, found):
                if not move.allowed and flags[move.flag] is not self._set.flags[move.flag]:
                    _log.error(
                        "%s stays as it was: %s, and %.3g %% of all units would be moved;"
                        " raise its generation if they are to be",
                        move.flag,
                        move.because,
                        100 * move.share,
                    )
                    flags[move.flag] = self._set.flags[move.flag]
        merged = FlagSet(
            product=found.product,
            flags=flags,
            segments={**(self._set.segments if self._set else {}), **found.segments},
            holdouts={**(self._set.holdouts if self._set else {}), **found.holdouts},
        )
        evaluates, versions = {}, {}
        for key, flag in flags.items():
            version = versions[key] = flag_version(flag, merged)
            # The same flag keeps its function, and so what was logged of it.
            same = self._versions.get(key) == version
            evaluates[key] = self._evaluates[key] if same else compiled(flag, merged, sticky=self._sticky)
        self._set, self._versions, self._evaluates = merged, versions, evaluates

    def _log(self, seen: tuple[str, Decision], unit: str, attributes: Mapping[str, Any]) -> None:
        again = seen in self._logged_before
        if len(self._logged) >= _LOGGED // 2:
            self._logged_before, self._logged = self._logged, set()
        self._logged.add(seen)
        if not again:
            self._expose(seen[1], unit, attributes)

    def _not_known(self, key: str) -> Decision:
        known = self._unknown.get(key)
        if known is None:
            known = Decision(flag=key, value=None, variant=None, reason=Reason.UNKNOWN_FLAG)
            if len(self._unknown) < 1_000:
                self._unknown[key] = known
        return known

    def _follow(self) -> None:
        if self._every_s > 0:
            self._start()
            _following.add(self)

    def _keep_asking(self) -> None:
        while not self._closed.wait(self._every_s):
            self.refresh()

    def after_fork(self) -> None:
        """A child has no thread of its parent's, and may have been forked while that held the lock."""
        if not self._closed.is_set() and self._process != os.getpid():
            self._refreshing = threading.Lock()
            self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        threading.Thread(target=self._keep_asking, name="launchworthy-flags", daemon=True).start()


_following: weakref.WeakSet[Flags] = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_following):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _text(unit: object) -> str:
    """As the SDK writes users that are numbers or UUIDs."""
    return "" if unit is None else str(unit)


def _same_type(found: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(found, bool):
        return isinstance(default, bool) and isinstance(found, bool)
    if isinstance(default, float):
        return isinstance(found, (int, float))
    return isinstance(found, type(default))


def flags(
    file: Path | str | None = None,
    /,
    *,
    product: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
    every_s: float = 10.0,
) -> Flags:
    """Flags of a file, or of the server that the SDK sends to; the first answer is waited for.

    Args:
        file: YAML or JSON; without it the server is asked.
        product: Of the flags; that of the SDK if not given.
        endpoint: Server; that of the SDK if not given.
        api_key: Its key; that of the SDK if not given.
        every_s: How often it is asked whether something changed.

    Raises:
        InputError: The file is not there or cannot be read, or the address is none.
    """
    from launchworthy.capture.sdk.process import client
    from launchworthy.rollout.flags.sticky import FileSticky, MemorySticky

    settings = client().settings
    named = product or settings.product
    kept = settings.state / "flags" / f"{named.encode().hex()[:60]}.sqlite"
    # While a test records, the SDK has no folder.
    sticky: Sticky = MemorySticky() if settings.state == Path() else FileSticky(kept)
    if file is not None:
        source: Source = FileSource(Path(file))
        made = Flags(source, every_s=every_s, sticky=sticky)
        if made.problem is not None:
            made.close()
            raise made.problem
        return made
    return Flags(
        ServerSource(
            endpoint or settings.endpoint,
            product=named,
            api_key=api_key or settings.api_key,
            state=settings.state,
        ),
        every_s=every_s,
        sticky=sticky,
    )
