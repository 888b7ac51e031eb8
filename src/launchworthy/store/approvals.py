"""Calls that wait for a person, in the metadata: every step is one transaction with its entry in the chain.

May import ``runtime.approval``, ``evidence`` and ``errors``. What a call would do and for whom rests
encrypted (AES-256-GCM under a secret of the folder); the chain holds names and commitments. Time never goes
back here: it is the latest that was seen, so that no clock that is set back revives what expired; and it does
not stand still, so that a clock which was far ahead for a moment keeps nothing from expiring.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from launchworthy.errors import LaunchworthyError, NotFoundError, OverloadedError, StorageError
from launchworthy.records import Rows, is_pseudonym, pseudonym
from launchworthy.runtime.approval import Approval, ApprovalState, ProposedCall, Refused, in_time
from launchworthy.store.approval_news import ApprovalNews, announce, use_link
from launchworthy.store.approval_records import happened, refusal, turned_away
from launchworthy.store.database import Database
from launchworthy.store.decisions import DecisionLog
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock
from launchworthy.store.plain import to_json
from launchworthy.store.schema import approvals

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["ApprovalRepository"]

_log = logging.getLogger("launchworthy.store")

_MS = 1_000_000
_NOT_THE_SAME = ("rejected", "expired", "withdrawn", "failed")
MOST_PENDING = 1_000  # calls of one product that wait at a time
_RECORDED_AGAIN_NS = 86_400 * 10**9

Change = Callable[[Approval, int], Approval | Refused]


class _Told(threading.local):
    """What the step of this thread appended to the chain."""

    rows: list[Rows]


class ApprovalRepository:
    """Approvals of every product of a folder.

    Attributes:
        news: Links to them, and what others are told of them.

    Args:
        database: The metadata.
        decisions: Appends what happens to the chain, in the transaction of the step.
        record: Takes the same as records, which hold what the chain commits to.
        secret: The folder's secret of a name.
        clock: The machine's.
    """

    def __init__(
        self,
        database: Database,
        *,
        decisions: DecisionLog,
        record: Callable[[Rows], object],
        secret: Callable[[str], bytes],
        clock: Clock,
    ) -> None:
        self._database, self._decisions, self._record = database, decisions, record
        self._secret, self._clock = secret, clock
        self._changed, self._time = threading.Condition(), threading.Lock()
        self._told = _Told()
        self.news = ApprovalNews(database, now_ms=self.now_ms, stepping=self._stepping, chain=self._chain)
        self._made: AESGCM | None = None
        with database.read() as connection:
            self._latest_ms = (
                connection.execute(select(func.max(approvals.c.changed_at))).scalar() or 0
            ) // _MS
        self._seen_at_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """The latest moment that was seen; where the clock is behind it, with what has passed since."""
        with self._time:
            told_ms, at_ns = to_ns(self._clock()) // _MS, time.monotonic_ns()
            if told_ms >= self._latest_ms:
                self._latest_ms, self._seen_at_ns = told_ms, at_ns
            else:
                passed_ms = (at_ns - self._seen_at_ns) // _MS
                self._latest_ms += passed_ms
                self._seen_at_ns += passed_ms * _MS
            return self._latest_ms

    def add(
        self,
        product: str,
        call: ProposedCall,
        *,
        opening: Callable[[int], Approval | Refused],
        tell: bool,
    ) -> Approval | Refused:
        """Keep a new approval, or answer the one that the same call has already.

        Args:
            product: Product.
            call: What is asked for.
            opening: Makes it, given the moment.
            tell: Somebody wants to be told of it.

        Raises:
            OverloadedError: So many wait that none more would be read.
        """
        with self._stepping() as connection:
            now_ms = self.now_ms()
            made = opening(now_ms)
            if isinstance(made, Refused):
                if not made.conflict:
                    self._chain(
                        connection, turned_away(call, made, product=product, at_ms=now_ms, name=self._name)
                    )
                return made
            row = _row(connection, product, made.id)
            if row is not None:
                found = self._current(connection, row, now_ms)
                if found is not None and found.asked_hash == made.asked_hash:
                    return found
                refused = Refused(
                    reason="this id is that of another call",
                    hint="give each call an id of its own; the same id means the same arguments",
                    conflict=True,
                )
                self._chain(
                    connection, turned_away(call, refused, product=product, at_ms=now_ms, name=self._name)
                )
                return refused
            same = self._same_call(connection, made, now_ms)
            if same is not None:
                return same
            waiting = connection.execute(
                select(func.count()).select_from(approvals).filter_by(product=product, state="pending")
            ).scalar()
            if (waiting or 0) >= MOST_PENDING:
                raise OverloadedError(
                    f"{MOST_PENDING:,} calls wait for approval already: nobody reads more",
                    retry_after_s=60,
                    where=product,
                    hint="decide some, or let them expire",
                )
            connection.execute(
                insert(approvals).values(
                    product=product, id=made.id, tool=made.tool, opened_at=now_ms * _MS, **self._values(made)
                )
            )
            self._tell(connection, made, before=None)
            if tell:
                announce(connection, made, now_ms)
        return made

    def _same_call(self, connection: Connection, made: Approval, now_ms: int) -> Approval | Refused | None:
        """An earlier call that this one repeats, by the idempotency key."""
        rows = connection.execute(
            select(approvals)
            .filter_by(product=made.product, same_call=made.key)
            .where(approvals.c.state.not_in(_NOT_THE_SAME), approvals.c.id != made.id)
            .with_for_update()
        ).mappings()
        for row in rows.all():
            found = self._current(connection, row, now_ms)
            if found is not None and found.state in _NOT_THE_SAME:
                continue
            if found is not None and made.hash in (found.hash, found.asked_hash):
                return found
            return Refused(
                reason=f"it is the same call as {row['id'][:80]} ({row['state']}), with other arguments",
                hint="the contract names the arguments that make a call the same (idempotent_by)",
                conflict=True,
            )
        return None

    def change(
        self,
        product: str,
        approval_id: str,
        step: Change,
        *,
        by: str = "",
        link: str | None = None,
        tell: bool = False,
    ) -> Approval | Refused:
        """Take one step, alone: of two at once the second sees what the first did.

        Args:
            product: Product.
            approval_id: Which.
            step: From what is now to what is next, or why not.
            by: Who tries it, for the audit chain where it is not done; empty where nobody is known.
            link: The link by which somebody came; it is used up when the step is taken.
            tell: Somebody wants to be told where it waits anew.

        Raises:
            NotFoundError: No such approval.
        """
        with self._stepping() as connection:
            row = _row(connection, product, approval_id)
            now_ms = self.now_ms()
            before = None if row is None else self._current(connection, row, now_ms)
            if before is None:
                raise NotFoundError(f"there is no approval {approval_id!r:.100}", where=product)
            after = step(before, now_ms)
            if isinstance(after, Refused):
                self._note_refusal(connection, before, after, by=by)
            elif after is not before:
                if link is not None and not use_link(connection, link, now_ms):
                    used = Refused(reason="this link was used already", conflict=True)
                    self._note_refusal(connection, before, used, by=by)
                    return used
                if after.key != before.key:
                    same = self._same_call(connection, after, now_ms)
                    if same is not None:
                        repeats = Refused(
                            reason="with this correction it would be the same call as another one",
                            conflict=True,
                        )
                        self._note_refusal(connection, before, repeats, by=by)
                        return repeats
                self._save(connection, after, before=before)
                if tell and after.state is ApprovalState.PENDING and after.hash != before.hash:
                    announce(connection, after, now_ms)
        return after

    def get(self, product: str, approval_id: str) -> Approval:
        """As it is at this moment.

        Raises:
            NotFoundError: No such approval.
        """
        with self._database.read() as connection:
            row = (
                connection.execute(select(approvals).filter_by(product=product, id=approval_id))
                .mappings()
                .first()
            )
        found = None if row is None else self._opened(row)
        if found is None:
            raise NotFoundError(f"there is no approval {approval_id!r:.100}", where=product)
        return in_time(found, now_ms=self.now_ms())

    def wait(self, product: str, approval_id: str, *, timeout_s: float) -> Approval:
        """As it is once it waits for no person any more, or after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.get(product, approval_id)
            left_s = deadline - time.monotonic()
            if found.state is not ApprovalState.PENDING or left_s <= 0:
                return found
            with self._changed:
                # Woken by every change; looks by itself for what time does.
                self._changed.wait(min(left_s, 1.0))

    def listed(self, product: str, *, states: Sequence[str] = (), limit: int = 200) -> list[Approval]:
        """Newest first; those of these states, all where none is named."""
        query = (
            select(approvals)
            .filter_by(product=product)
            .where(approvals.c.body.is_not(None))
            .order_by(approvals.c.opened_at.desc(), approvals.c.id)
        )
        if states:
            query = query.where(approvals.c.state.in_(states))
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).mappings().all()
        now_ms = self.now_ms()
        found = [in_time(each, now_ms=now_ms) for row in rows if (each := self._opened(row)) is not None]
        return [each for each in found if not states or each.state in states]

    def sweep(self) -> int:
        """Write down what time did; answers how many approvals that changed."""
        now_ms = self.now_ms()
        query = select(approvals.c.product, approvals.c.id).where(approvals.c.until <= now_ms * _MS)
        with self._database.read() as connection:
            due = connection.execute(query).all()
        for row in due:
            with self._stepping() as connection:
                found = _row(connection, row.product, row.id)
                if found is not None:
                    self._current(connection, found, self.now_ms())
        return len(due)

    def erase(
        self, connection: Connection, product: str, *, user_id: str, about: Callable[[str], bool]
    ) -> int:
        """Forget what the approvals about a subject say; that there was such a call stays, and never runs."""
        gone = 0
        rows = connection.execute(
            select(approvals).filter_by(product=product).where(approvals.c.body.is_not(None))
        ).mappings()
        for row in rows.all():
            text = self._decrypted(row)
            found = Approval.from_json(json.loads(text)["approval"])
            if about(text) or user_id in map(self._name, found.call.people):
                state = row["state"] if row["state"] not in ("pending", "approved") else "withdrawn"
                connection.execute(
                    update(approvals)
                    .filter_by(product=product, id=row["id"])
                    .values(body=None, until=None, state=state)
                )
                gone += 1
        return gone

    def forget(self, product: str, *, before: datetime) -> int:
        """Forget what calls say that ended before; that they were made stays, so that none runs twice."""
        ended = [state.value for state in ApprovalState if state.ended]
        with self._database.write() as connection:
            done = connection.execute(
                update(approvals)
                .filter_by(product=product)
                .where(
                    approvals.c.body.is_not(None),
                    approvals.c.state.in_(ended),
                    approvals.c.changed_at < to_ns(before),
                )
                .values(body=None)
            )
        return done.rowcount

    def _current(self, connection: Connection, row: Any, now_ms: int) -> Approval | None:
        """The approval of a row as it is now; what time did to it is written down."""
        stored = self._opened(row)
        if stored is None:
            return None
        now = in_time(stored, now_ms=now_ms)
        if now is not stored:
            self._save(connection, now, before=stored)
        return now

    def _save(self, connection: Connection, approval: Approval, *, before: Approval) -> None:
        connection.execute(
            update(approvals)
            .filter_by(product=approval.product, id=approval.id)
            .values(**self._values(approval))
        )
        self._tell(connection, approval, before=before)

    def _tell(self, connection: Connection, approval: Approval, *, before: Approval | None) -> None:
        """Append what happened since ``before`` to the chain."""
        known = 0 if before is None else len(before.history)
        self._chain(connection, happened(approval, since=known, name=self._name))

    def _note_refusal(self, connection: Connection, approval: Approval, refused: Refused, *, by: str) -> None:
        rows = refusal(approval, refused, by=by, at_ms=self._latest_ms, name=self._name)
        self._chain(connection, rows)

    def _chain(self, connection: Connection, rows: Rows) -> None:
        if len(rows):
            self._decisions.chain(connection, [rows])
            self._told.rows.append(rows)

    @contextlib.contextmanager
    def _stepping(self) -> Iterator[Connection]:
        """One transaction; once it is on disk its decisions go to the records, and who waits is woken."""
        self._told.rows = []
        with self._database.write() as connection:
            yield connection
        for rows in self._told.rows:
            self._keep(rows)
        with self._changed:
            self._changed.notify_all()

    def record_again(self) -> None:
        """Send the newest decisions to the records again, where a crash came between; each is kept once."""
        since = to_ns(self._clock()) - _RECORDED_AGAIN_NS
        query = select(approvals).where(approvals.c.changed_at > since, approvals.c.body.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            found = self._opened(row)
            if found is not None:
                self._keep(happened(found, since=0, name=self._name))

    def _keep(self, rows: Rows) -> None:
        try:
            self._record(rows)
        except LaunchworthyError as error:
            # The step is in the chain; its detail goes to the records when the folder is opened next.
            _log.warning("a decision is not among the records yet: %s", error)

    def _name(self, user: str) -> str:
        return user if is_pseudonym(user) else pseudonym(user, key=self._secret("pseudonym"))

    def _values(self, approval: Approval) -> dict[str, Any]:
        until = approval.until_ms
        return {
            "state": approval.state.value,
            "same_call": approval.key,
            "changed_at": max(approval.seen_ms, self._latest_ms) * _MS,
            "until": None if until is None else until * _MS,
            "body": self._encrypted(approval),
        }

    def _encrypted(self, approval: Approval) -> bytes:
        ticket = "" if approval.running is None else approval.running.ticket
        plain = {"approval": approval.as_json(), "ticket": ticket, "wrong": approval.wrong}
        text = to_json(plain).encode()
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher().encrypt(nonce, text, _bound(approval.product, approval.id))

    def _decrypted(self, row: Any) -> str:
        from cryptography.exceptions import InvalidTag

        body = bytes(row["body"])
        try:
            return self._cipher().decrypt(body[:12], body[12:], _bound(row["product"], row["id"])).decode()
        except InvalidTag as error:
            raise StorageError(
                f"the approval {row['id']!r:.100} is damaged, or the folder's secret is another one",
                where=row["product"],
                hint="restore secrets/approvals from a copy",
            ) from error

    def _opened(self, row: Any) -> Approval | None:
        if row["body"] is None:
            return None
        plain = json.loads(self._decrypted(row))
        return Approval.from_json(plain["approval"], ticket=plain["ticket"], wrong=plain["wrong"])

    def _cipher(self) -> AESGCM:
        if self._made is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._made = AESGCM(self._secret("approvals"))
        return self._made


def _row(connection: Connection, product: str, approval_id: str) -> Any:
    query = select(approvals).filter_by(product=product, id=approval_id).with_for_update()
    return connection.execute(query).mappings().first()


def _bound(product: str, approval_id: str) -> bytes:
    return f"{product}\0{approval_id}".encode("utf-8", "surrogatepass")
