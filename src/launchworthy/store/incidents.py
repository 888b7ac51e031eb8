"""Incidents in the metadata: each step is one transaction, with its line of the timeline, its entry in the
audit chain, and who is to be told.

May import ``records``, ``evidence`` and ``errors``. The chain holds names and numbers in the clear and a
commitment to what people wrote, whose salt goes with the text where a subject is erased.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from launchworthy.errors import NotFoundError
from launchworthy.evidence import commitment
from launchworthy.records import incident_steps as steps
from launchworthy.records.incident import (
    SEVERITIES,
    Fix,
    Incident,
    IncidentEvent,
    IncidentSource,
    IncidentState,
    Mechanism,
    Notice,
    Opening,
    Proof,
    Rate,
    Suspect,
    Verification,
    Was,
    plain_incident,
)
from launchworthy.records.incident_steps import Step
from launchworthy.store.database import Database
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.moments import from_ns, to_ns
from launchworthy.store.options import Clock
from launchworthy.store.plain import to_json
from launchworthy.store.schema import incident_events, incidents, notifications

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IncidentRepository", "Telling"]

KIND = "incident"
"""Kind of its entries in the audit chain."""
_MOST = 1_000
_ERASED = "erased"
_NUMBERS = (int, float, bool, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Somebody is to be told: where, of what, and from when on."""

    target: str
    kind: str
    due_at: datetime


Tell = Callable[[Incident, str], Sequence[Telling]]
"""Who is to be told of a step, given the incident after it and the kind of its event."""


def _nobody(_: Incident, __: str) -> Sequence[Telling]:
    return ()


class IncidentRepository:
    """Incidents of every product of a folder.

    Args:
        database: The metadata.
        ledger: Appends each step to the chain, in the transaction of the step.
        clock: The machine's.
    """

    def __init__(self, database: Database, *, ledger: LedgerRepository, clock: Clock) -> None:
        self._database, self._ledger, self._clock = database, ledger, clock

    def open(self, product: str, opening: Opening, *, tell: Tell = _nobody) -> Incident:
        """Open an incident, or join the one that is open under its key; answers it as it is then.

        Of a key whose last incident was closed by a fix the same one opens again, for 90 days.

        Raises:
            InputError: It names nothing.
        """
        steps.check(opening)
        with self._database.write() as connection:
            now = self._clock()
            last = self._last(connection, product, opening.key)
            if last is None or (last.state is IncidentState.CLOSED and not last.may_return(now)):
                ordinal = connection.execute(
                    select(func.count()).select_from(incidents).filter_by(product=product, key=opening.key)
                ).scalar_one()
                step = steps.begun(opening, product=product, ordinal=ordinal, now=now)
                connection.execute(insert(incidents).values(**_row(step.incident, now)))
                self._tell(connection, step, now=now, tell=tell)
                return step.incident
            if last.state is IncidentState.CLOSED:
                if last.closed_at is not None and (opening.last_at or now) <= last.closed_at:
                    return last  # what it tells of was before the end
                step = steps.reopened(last, text=opening.title, facts=opening.facts, now=now, by=opening.by)
                step = replace(step, incident=steps.joined(step.incident, opening, now=now).incident)
            else:
                step = steps.joined(last, opening, now=now)
            self._save(connection, last, step, now=now, tell=tell)
            return step.incident

    def change(
        self,
        product: str,
        incident_id: str,
        step: Callable[[Incident, datetime], Step],
        *,
        tell: Tell = _nobody,
    ) -> Incident:
        """Take one step, alone: of two at once the second sees what the first did.

        Raises:
            NotFoundError: No such incident.
        """
        with self._database.write() as connection:
            now = self._clock()
            query = select(incidents).filter_by(product=product, id=incident_id).with_for_update()
            row = connection.execute(query).mappings().first()
            if row is None:
                raise _missing(product, incident_id)
            before = _incident(row["body"])
            after = step(before, now)
            self._save(connection, before, after, now=now, tell=tell)
        return after.incident

    def current(self, product: str, key: str) -> Incident | None:
        """The newest incident of a key."""
        with self._database.read() as connection:
            return self._last(connection, product, key)

    def get(self, product: str, incident_id: str) -> Incident:
        """One of them.

        Raises:
            NotFoundError: No such incident.
        """
        with self._database.read() as connection:
            query = select(incidents.c.body).filter_by(product=product, id=incident_id)
            body = connection.execute(query).scalar()
        if body is None:
            raise _missing(product, incident_id)
        return _incident(body)

    def listed(
        self, product: str, *, states: Sequence[IncidentState] = (), limit: int = _MOST
    ) -> list[Incident]:
        """Those of these states (all where none is named): open ones, the worst first, then watched, then
        closed; the newest first in each."""
        query = select(incidents.c.body).filter_by(product=product).order_by(incidents.c.changed_at.desc())
        if states:
            query = query.where(incidents.c.state.in_([each.value for each in states]))
        with self._database.read() as connection:
            found = [_incident(body) for body in connection.execute(query.limit(limit)).scalars()]
        return sorted(found, key=_rank)

    def events(self, product: str, incident_id: str) -> list[IncidentEvent]:
        """The timeline, oldest first; what the chain committed to otherwise is told as altered."""
        query = (
            select(incident_events)
            .filter_by(product=product, incident=incident_id)
            .order_by(incident_events.c.seq)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            bodies = self._ledger.bodies_on(connection, product, [row["entry"] for row in rows])
        return [_event(row, bodies.get(row["entry"])) for row in rows]

    def due(self, *, limit: int = 50) -> list[Notice]:
        """What is to be told now, the oldest first."""
        query = (
            select(notifications)
            .where(notifications.c.due_at <= to_ns(self._clock()))
            .order_by(notifications.c.due_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_notice(row) for row in connection.execute(query).mappings()]

    def notices(self, product: str, incident_id: str) -> list[Notice]:
        """Who was told of an incident, who is still to be told, and what failed."""
        query = (
            select(notifications)
            .filter_by(product=product, incident=incident_id)
            .order_by(notifications.c.event, notifications.c.target)
        )
        with self._database.read() as connection:
            return [_notice(row) for row in connection.execute(query).mappings()]

    def told(
        self,
        one: Notice,
        *,
        failure: str = "",
        again_at: datetime | None = None,
    ) -> None:
        """Write down how an attempt ended, and when the next one is, if there is one."""
        now = self._clock()
        key = {name: getattr(one, name) for name in ("product", "incident", "event", "kind", "target")}
        with self._database.write() as connection:
            connection.execute(
                update(notifications)
                .filter_by(**key)
                .values(
                    attempts=one.attempts + 1,
                    due_at=None if again_at is None else to_ns(again_at),
                    told_at=None if failure else to_ns(now),
                    failure=failure[:500],
                )
            )

    def erase(self, connection: Connection, product: str, *, about: Callable[[str], bool]) -> int:
        """Forget what incidents say about a subject; that they were, and their numbers, stay."""
        gone = 0
        rows = connection.execute(select(incidents).filter_by(product=product)).mappings().all()
        for row in rows:
            if about(row["body"]):
                plain = _without(json.loads(row["body"]), about)
                values = {"body": to_json(plain), "key": plain["key"]}
                connection.execute(
                    update(incidents).filter_by(product=product, id=row["id"]).values(**values)
                )
                gone += 1
        events = connection.execute(select(incident_events).filter_by(product=product)).mappings().all()
        for row in events:
            if about(to_json([row["text"], row["by"]])) or about(row["facts"]):
                connection.execute(
                    update(incident_events)
                    .filter_by(product=product, incident=row["incident"], seq=row["seq"])
                    .values(text="", salt=None, facts=to_json(_without(json.loads(row["facts"]), about)))
                )
        return gone

    def _last(self, connection: Connection, product: str, key: str) -> Incident | None:
        rows = connection.execute(select(incidents.c.body).filter_by(product=product, key=key)).scalars()
        found = [_incident(body) for body in rows]
        # One that is not closed comes first: of a key at most one is not.
        return max(
            found,
            key=lambda each: (each.state is not IncidentState.CLOSED, each.closed_at or each.opened_at),
            default=None,
        )

    def _save(
        self, connection: Connection, before: Incident, step: Step, *, now: datetime, tell: Tell
    ) -> None:
        if step.incident is not before:
            connection.execute(
                update(incidents)
                .filter_by(product=before.product, id=before.id)
                .values(**_row(step.incident, now))
            )
        if step.kind:
            self._tell(connection, step, now=now, tell=tell)

    def _tell(self, connection: Connection, step: Step, *, now: datetime, tell: Tell) -> None:
        """Append a step to its timeline and to the chain, and let those be told who should."""
        one = step.incident
        key = {"product": one.product, "incident": one.id}
        last = connection.execute(select(func.max(incident_events.c.seq)).filter_by(**key)).scalar()
        seq, salt = (last or 0) + 1, secrets.token_bytes(32)
        body = {
            "incident": one.id,
            "step": step.kind,
            "seq": seq,
            "state": one.state.value,
            "source": one.source.value,
            "severity": one.severity,
            "address": one.address,
            "failure_mode": one.failure_mode,
            "release": one.release,
            "numbers": {name: value for name, value in step.facts.items() if type(value) in _NUMBERS},
            "detail": commitment(_committed(step.by, step.text, step.facts), salt=salt, purpose="detail"),
        }
        body |= {name: step.facts[name] for name in ("was", "mechanism") if name in step.facts}
        [entry] = self._ledger.append_on(connection, one.product, kind=KIND, bodies=[to_json(body)])
        connection.execute(
            insert(incident_events).values(
                **key,
                seq=seq,
                at=to_ns(now),
                kind=step.kind,
                by=step.by,
                text=step.text,
                facts=to_json(dict(step.facts)),
                salt=salt,
                entry=entry.seq,
            )
        )
        _announce(connection, tell(one, step.kind), product=one.product, incident=one.id, event=seq)


def _announce(
    connection: Connection, tellings: Sequence[Telling], *, product: str, incident: str, event: int
) -> None:
    for each in tellings:
        key = {
            "product": product,
            "incident": incident,
            "event": event,
            "kind": each.kind,
            "target": each.target,
        }
        if connection.execute(select(notifications.c.attempts).filter_by(**key)).first() is None:
            connection.execute(
                insert(notifications).values(
                    **key, attempts=0, due_at=to_ns(each.due_at), told_at=None, failure=""
                )
            )


def _rank(one: Incident) -> tuple[int, int, float, str]:
    bad = SEVERITIES.index(one.severity) if one.state is IncidentState.OPEN else 0
    return list(IncidentState).index(one.state), -bad, -one.last_at.timestamp(), one.id


def _row(one: Incident, now: datetime) -> dict[str, Any]:
    return {
        "product": one.product,
        "id": one.id,
        "key": one.key,
        "state": one.state.value,
        "opened_at": to_ns(one.opened_at),
        "changed_at": to_ns(now),
        "body": to_json(plain_incident(one)),
    }


def _committed(by: str, text: str, facts: Mapping[str, Any]) -> str:
    return to_json({"by": by, "text": text, "facts": dict(facts)})


def _incident(body: str) -> Incident:
    plain = json.loads(body)
    for name in ("opened_at", "last_at", "told_at"):
        plain[name] = datetime.fromisoformat(plain[name])
    plain["state"] = IncidentState(plain["state"])
    plain["source"] = IncidentSource(plain["source"])
    plain["was"] = None if plain["was"] is None else Was(plain["was"])
    for name in ("closed_at", "checked_at"):
        plain[name] = _moment(plain[name])
    plain["traces"] = tuple(plain["traces"])
    plain["suspected"] = tuple(
        Suspect(kind=each["kind"], at=datetime.fromisoformat(each["at"]), what=each["what"])
        for each in plain["suspected"]
    )
    if plain["fix"] is not None:
        fix = plain["fix"]
        plain["fix"] = Fix(
            mechanism=Mechanism(fix["mechanism"]),
            gold_items=tuple(fix["gold_items"]),
            by=fix["by"],
            because=fix["because"],
            at=datetime.fromisoformat(fix["at"]),
            release=fix["release"],
        )
    if plain["verification"] is not None:
        plain["verification"] = _verification(plain["verification"])
    return Incident(**plain)


def _verification(plain: dict[str, Any]) -> Verification:
    proofs = []
    for each in plain["proofs"]:
        rates = {name: None if each[name] is None else Rate(**each[name]) for name in ("before", "after")}
        proofs.append(Proof(**(each | rates)))
    at = datetime.fromisoformat(plain["at"])
    return Verification(**(plain | {"at": at, "proofs": tuple(proofs)}))


def _moment(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)


def _event(row: Any, body: str | None) -> IncidentEvent:
    facts = json.loads(row["facts"])
    altered = body is None
    if body is not None and row["salt"] is not None:
        held = commitment(_committed(row["by"], row["text"], facts), salt=row["salt"], purpose="detail")
        plain = json.loads(body)
        altered = (plain.get("detail"), plain.get("incident")) != (held, row["incident"])
    return IncidentEvent(
        seq=row["seq"],
        at=from_ns(row["at"]),
        kind=row["kind"],
        by=row["by"],
        text=row["text"] if row["salt"] is not None else _ERASED,
        facts=facts,
        entry=row["entry"],
        altered=altered,
    )


def _notice(row: Any) -> Notice:
    return Notice(
        product=row["product"],
        incident=row["incident"],
        event=row["event"],
        kind=row["kind"],
        target=row["target"],
        attempts=row["attempts"],
        due_at=None if row["due_at"] is None else from_ns(row["due_at"]),
        told_at=None if row["told_at"] is None else from_ns(row["told_at"]),
        failure=row["failure"],
    )


def _without(plain: Any, about: Callable[[str], bool]) -> Any:
    """The same without each text that is about a subject."""
    if isinstance(plain, dict):
        return {name: _without(value, about) for name, value in plain.items() if not about(to_json(name))}
    if isinstance(plain, list):
        kept = (each for each in plain if not (isinstance(each, str) and about(to_json(each))))
        return [_without(each, about) for each in kept]
    if isinstance(plain, str) and about(to_json(plain)):
        return f"{_ERASED}:{hashlib.sha256(secrets.token_bytes(8)).hexdigest()[:8]}"
    return plain


def _missing(product: str, incident_id: str) -> NotFoundError:
    return NotFoundError(
        f"there is no incident {incident_id!r:.80}", where=product, hint="`launchworthy incidents` lists them"
    )
