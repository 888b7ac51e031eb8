"""Flags that a server keeps: put in force by version, with the one of the releases among them, decided in
memory, and what was seen of them recorded.

May import every room below ``server``.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.errors import ConflictError, InputError, LaunchworthyError, NotFoundError
from launchworthy.records import EXPOSURE_EVENT, OUTCOME_EVENT, GenAI, Own, pseudonym
from launchworthy.rollout.flags import (
    Decision,
    Evaluate,
    FlagSet,
    compiled,
    flags_document,
    flags_version,
    moves,
    read_flags,
)
from launchworthy.rollout.ramp import RELEASE, Ramp, release_flag
from launchworthy.server.caller import Caller
from launchworthy.server.intake import PSEUDONYM_SECRET
from launchworthy.store import Clock, Store
from launchworthy.store.plain import to_json

__all__ = ["Current", "Flagging", "Take"]

_FRESH_S = 0.25  # how soon a step of a ramp is in force for whoever asks
_MOST_WAITING = 10_000  # facts that wait to be recorded
_MOST_VERSIONS = 1_000  # of a product's flags that are looked through
_REMEMBERED = 100_000
Take = Callable[[str, bytes, str, str | None, str], tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The flags of a product as they stand.

    Attributes:
        flags: Declared ones, and the one of the releases.
        evaluates: A function by key.
        version: Of the declared ones; 0 where there are none.
        tag: Content address of all of them.
        reads: Whether an evaluation may have to read the disk.
    """

    flags: FlagSet
    evaluates: Mapping[str, Evaluate]
    version: int
    tag: str
    reads: bool


class Flagging:
    """Flags of every product of a folder.

    Args:
        store: Keeps them.
        newest_ramp: The ramp that says who has which release.
        who: The person who acts, from a name and from whose key was shown.
        take: Takes records as the receiver does, so that the contract decides what of them is kept.
        clock: The moment.
    """

    def __init__(
        self,
        store: Store,
        *,
        newest_ramp: Callable[[str], Ramp | None],
        who: Callable[[str, Caller], str],
        take: Take,
        clock: Clock,
    ) -> None:
        self._store, self._newest_ramp, self._take = store, newest_ramp, take
        self._who, self._clock = who, clock
        self._known: dict[str, tuple[float, Current]] = {}
        self._products: tuple[float, tuple[str, ...]] = (float("-inf"), ())
        self._looking = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._seen: set[tuple[str, str, Decision]] = set()
        self._recording = threading.Lock()
        self.dropped = 0

    def told(self, product: str) -> dict[str, Any]:
        """The flags of a product as JSON values.

        Raises:
            NotFoundError: It has none.
        """
        current = self.current(product)
        if not current.evaluates:
            raise NotFoundError(
                f"{product} has no flags", where="product", hint="launchworthy flags set FILE --because …"
            )
        return {
            "product": product,
            "version": current.version,
            "tag": current.tag,
            "flags": flags_document(current.flags),
        }

    def history(self, product: str) -> list[dict[str, Any]]:
        """Versions that were put in force, newest first, without their flags."""
        return [
            {"version": each.version, "at": each.at.isoformat(), "by": each.by, "reason": each.reason}
            for each in self._store.flags.versions(product, most=_MOST_VERSIONS)
        ]

    def put(
        self,
        product: str,
        *,
        document: Mapping[str, Any],
        reason: str,
        by: str,
        replaces: int | None,
        caller: Caller,
    ) -> dict[str, Any]:
        """Put flags in force, unless they would move units without saying so.

        Raises:
            InputError: They cannot be read, or no reason is given.
            ConflictError: Units would be moved, or another version is in force by now.
        """
        if not reason.strip():
            raise InputError("say why, in a sentence", where="reason")
        found = read_flags({**document, "product": document.get("product", product)})
        if found.product != product:
            raise InputError(f"these are flags of {found.product}", where="product")
        if RELEASE in found.flags:
            raise InputError(
                f"{RELEASE!r} is the flag of the product's releases: its rollout decides about it",
                where=f"flags.{RELEASE}",
                hint="launchworthy rollout",
            )
        held = self._store.flags.newest(product)
        before = FlagSet(product=product) if held is None else read_flags(json.loads(held.body))
        moved = moves(self._as_met(product, before, found), found)
        refused = [move for move in moved if not move.allowed]
        if refused:
            first = refused[0]
            raise ConflictError(
                f"{first.flag}: {first.because}, and {100 * first.share:.3g} % of all units would be moved"
                + (f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""),
                where=f"flags.{first.flag}",
                hint="raise its generation if they are to be moved; a growing share moves nobody",
            )
        person, version = self._who(by, caller), 0 if held is None else held.version
        self._store.flags.put(
            product,
            body=json.dumps(flags_document(found)),  # a split's parts stay in their order
            by=person,
            reason=reason,
            replaces=version if replaces is None else replaces,
            chained=to_json(
                {
                    "version": version + 1,
                    "tag": flags_version(found),
                    "by": person,
                    "reason": reason,
                    "changed": sorted(
                        key
                        for key in before.flags.keys() | found.flags.keys()
                        if before.flags.get(key) != found.flags.get(key)
                    ),
                    "moved": {move.flag: move.share for move in moved},
                }
            ),
        )
        with self._looking:
            self._known.clear()
            self._products = (float("-inf"), ())
        return self.told(product)

    def _as_met(self, product: str, before: FlagSet, found: FlagSet) -> FlagSet:
        """What is in force; of flags that come back from being off or gone, what units had met of them."""
        back = {
            key
            for key, flag in found.flags.items()
            if flag.enabled and not (key in before.flags and before.flags[key].enabled)
        }
        flags = dict(before.flags)
        for each in self._store.flags.versions(product, most=_MOST_VERSIONS) if back else ():
            old = read_flags(json.loads(each.body)).flags
            met = {key for key in back if key in old and old[key].enabled}
            flags |= {key: old[key] for key in met}
            back -= met
            if not back:
                break
        return FlagSet(product=product, flags=flags, segments=before.segments, holdouts=before.holdouts)

    def switch(
        self, product: str, *, flag: str, enabled: bool, reason: str, by: str, caller: Caller
    ) -> dict[str, Any]:
        """The kill switch: off for everybody at once, or on again.

        Raises:
            NotFoundError: No such flag.
        """
        held = self._store.flags.newest(product)
        document: dict[str, Any] = {} if held is None else json.loads(held.body)
        if flag not in document.get("flags", {}):
            raise NotFoundError(f"{product} has no flag {flag!r:.60}", where="flag")
        document["flags"][flag]["enabled"] = enabled
        return self.put(
            product,
            document=document,
            reason=reason,
            by=by,
            replaces=None if held is None else held.version,
            caller=caller,
        )

    def products(self) -> tuple[str, ...]:
        """Products that have flags or a release on its way."""
        at, known = self._products
        if time.monotonic() - at > _FRESH_S:
            known = tuple(self._store.flags.products())
            self._products = (time.monotonic(), known)
        return known

    def products_at_hand(self) -> tuple[str, ...]:
        """The same as of a moment ago; none if they were not looked at since."""
        at, known = self._products
        return known if time.monotonic() - at <= _FRESH_S else ()

    def at_hand(self, product: str) -> Current | None:
        """The flags, if they were looked at a moment ago."""
        known = self._known.get(product)
        return known[1] if known is not None and time.monotonic() - known[0] <= _FRESH_S else None

    def current(self, product: str) -> Current:
        """The flags as they stand; looked at again after a moment."""
        found = self.at_hand(product)
        if found is not None:
            return found
        with self._looking:
            found = self.at_hand(product)
            if found is None:
                found = self._looked_at(product)
                self._known[product] = (time.monotonic(), found)
            return found

    def seen(self, product: str, decision: Decision, unit: str, attributes: Mapping[str, Any]) -> None:
        """An application asked for one flag of one unit, which is how it says that it uses it."""
        if not decision.assigned:
            return
        subject = unit if decision.unit_kind == "user" else str(attributes.get(decision.unit_kind, ""))
        key = (product, subject, decision)
        if key in self._seen:
            return
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add(key)
        self._wait(self.exposure(product, decision, unit=unit, attributes=attributes, at_ns=None))

    def track(self, facts: Sequence[dict[str, Any]]) -> None:
        """Record what applications tell; on disk when this returns.

        Raises:
            InputError: Some could not be kept; says why.
            OverloadedError: No room now.
        """
        rejected, why = self._record(facts)
        if rejected:
            raise InputError(f"{rejected} of {len(facts)} could not be kept: {why}", where="events")

    def outcome(
        self,
        product: str,
        name: str,
        *,
        unit: str,
        session: str,
        value: float | None,
        attributes: Mapping[str, Any],
        at_ns: int | None,
    ) -> dict[str, Any]:
        """An outcome as it is recorded."""
        return _fact(
            OUTCOME_EVENT,
            {
                **attributes,
                Own.PRODUCT: product,
                GenAI.USER_ID: unit or None,
                GenAI.SESSION_ID: session or None,
                Own.OUTCOME: name,
                Own.OUTCOME_VALUE: value,
            },
            at_ns=at_ns or int(self._clock().timestamp() * 1e6) * 1000,
        )

    def exposure(
        self, product: str, decision: Decision, *, unit: str, attributes: Mapping[str, Any], at_ns: int | None
    ) -> dict[str, Any]:
        """An exposure that an application tells of, as it is recorded."""
        subject = unit if decision.unit_kind == "user" else str(attributes.get(decision.unit_kind, ""))
        return _fact(
            EXPOSURE_EVENT,
            {
                Own.PRODUCT: product,
                GenAI.USER_ID: unit or None,
                Own.EXPOSURE: decision.flag,
                Own.EXPOSURE_VARIANT: decision.variant,
                Own.EXPOSURE_UNIT: subject or None,
                Own.EXPOSURE_UNIT_KIND: decision.unit_kind,
                Own.EXPOSURE_ALGORITHM: decision.algorithm or None,
                Own.EXPOSURE_VERSION: decision.version or None,
                Own.EXPOSURE_RULE: decision.rule or None,
                Own.EXPOSURE_REASON: decision.reason.value,
                Own.EXPOSURE_SOURCE: "launchworthy",
            },
            at_ns=at_ns or int(self._clock().timestamp() * 1e6) * 1000,
        )

    def record_waiting(self) -> None:
        """Record the exposures that wait; those that cannot be now wait on."""
        with self._recording:
            waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._record(waiting)
        except LaunchworthyError:
            with self._recording:
                room = max(0, _MOST_WAITING - len(self._waiting))
                self.dropped += max(0, len(waiting) - room)
                self._waiting = [*waiting[:room], *self._waiting]
            raise

    def _wait(self, fact: dict[str, Any]) -> None:
        with self._recording:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
                return
            self._waiting.append(fact)

    def _record(self, facts: Sequence[dict[str, Any]]) -> tuple[int, str]:
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": list(facts)}]}]}
        return self._take("logs", json.dumps(body).encode(), "application/json", None, uuid.uuid4().hex)

    def _looked_at(self, product: str) -> Current:
        held = self._store.flags.newest(product)
        declared = FlagSet(product=product) if held is None else read_flags(json.loads(held.body))
        ramp = self._newest_ramp(product)
        flags = dict(declared.flags)
        if ramp is not None:
            flags[RELEASE] = release_flag(ramp)
        found = FlagSet(product=product, flags=flags, segments=declared.segments, holdouts=declared.holdouts)
        tag = flags_version(found)
        known = self._known.get(product)
        if known is not None and known[1].tag == tag:
            return known[1]
        sticky = _Sticky(self._store, product)
        return Current(
            flags=found,
            evaluates={key: compiled(flag, found, sticky=sticky) for key, flag in flags.items()},
            version=0 if held is None else held.version,
            tag=tag,
            reads=any(flag.sticky for flag in flags.values()),
        )


class _Sticky:
    """What sticky units of a product have, by pseudonym."""

    def __init__(self, store: Store, product: str) -> None:
        self._store, self._product = store, product
        self._key = store.registry.secret(PSEUDONYM_SECRET)
        self._known: dict[tuple[str, str], str] = {}

    def get(self, flag: str, unit: str) -> str | None:
        known = self._known.get((flag, unit))
        if known is None:
            known = self._store.flags.variant(self._product, flag=flag, unit=self._of(unit))
            if known is not None:
                self._remember(flag, unit, known)
        return known

    def put(self, flag: str, unit: str, variant: str) -> str:
        has = self._store.flags.keep(self._product, flag=flag, unit=self._of(unit), variant=variant)
        self._remember(flag, unit, has)
        return has

    def _of(self, unit: str) -> str:
        return pseudonym(unit, key=self._key)

    def _remember(self, flag: str, unit: str, variant: str) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[flag, unit] = variant


def _fact(event: str, attributes: Mapping[str, Any], *, at_ns: int) -> dict[str, Any]:
    """A log record of OTLP in JSON."""
    return {
        "timeUnixNano": str(at_ns),
        "eventName": event,
        "attributes": [
            {"key": name, "value": _value(value)} for name, value in attributes.items() if value is not None
        ],
    }


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int() if -(2**63) <= value < 2**63:
            return {"intValue": str(value)}
        case int() | float():
            return {"doubleValue": float(value)}
        case str():
            return {"stringValue": value}
    return {"stringValue": json.dumps(value)}
