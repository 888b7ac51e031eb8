"""Links to approvals, and the news of them that others are told. May import ``runtime.approval``.

Of a link only its hash is kept. It is for one person, for the arguments as they were, until the call expires,
and for one decision.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from launchworthy.records import Rows
from launchworthy.runtime.approval import Approval, Refused
from launchworthy.store.approval_records import misused_link, telling
from launchworthy.store.database import Database
from launchworthy.store.schema import approval_deliveries, approval_links

__all__ = ["ApprovalLink", "ApprovalNews", "Delivery", "announce", "use_link"]

_log = logging.getLogger("launchworthy.store")

_MS = 1_000_000
_LINK_REMEMBERED_NS = 30 * 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLink:
    """A link to one approval that may still be used: for whom, for which arguments, and until when."""

    product: str
    approval: str
    arguments: str
    person: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """News of a pending approval that somebody waits for."""

    product: str
    approval: str
    arguments: str
    attempts: int
    told_at_ms: int | None
    failure: str


class ApprovalNews:
    """Links and deliveries of a folder.

    Args:
        database: The metadata.
        now_ms: The clock of the queue.
        stepping: A transaction whose decisions go to the records once it is on disk.
        chain: Appends decisions in it.
    """

    def __init__(
        self,
        database: Database,
        *,
        now_ms: Callable[[], int],
        stepping: Callable[[], AbstractContextManager[Connection]],
        chain: Callable[[Connection, Rows], None],
    ) -> None:
        self._database, self.now_ms = database, now_ms
        self._stepping, self._chain = stepping, chain

    def make_link(self, approval: Approval, *, person: str) -> str:
        """A link for one person to decide one call with its arguments as they are now; shown once."""
        token = secrets.token_urlsafe(32)
        until = approval.until_ms or self.now_ms()
        with self._database.write() as connection:
            connection.execute(
                delete(approval_links).where(
                    approval_links.c.until < self.now_ms() * _MS - _LINK_REMEMBERED_NS
                )
            )
            connection.execute(
                insert(approval_links).values(
                    hash=_digest(token),
                    product=approval.product,
                    approval=approval.id,
                    arguments=approval.hash,
                    person=person,
                    until=until * _MS,
                    used_at=None,
                )
            )
        return token

    def link(self, token: str, *, deciding: bool = False) -> ApprovalLink | Refused:
        """What a link stands for, or why it leads nowhere.

        Args:
            token: What stands in its address.
            deciding: Somebody decides by it: where it is used up or has expired, the chain says that this
                was tried. One that is none of ours names no product, so that no chain can hold it.
        """
        query = select(approval_links).where(approval_links.c.hash == _digest(token))
        with self._stepping() if deciding else self._database.read() as connection:
            row = connection.execute(query).mappings().first()
            found = self._link(row)
            if deciding and isinstance(found, Refused):
                self._note(connection, row, found)
        return found

    def _note(self, connection: Connection, row: Any, refused: Refused) -> None:
        if row is None:
            _log.warning("somebody tried to decide by a link that is none of ours")
            return
        rows = misused_link(
            row["product"],
            row["approval"],
            person=row["person"],
            reason=refused.reason,
            at_ms=self.now_ms(),
        )
        self._chain(connection, rows)

    def _link(self, row: Any) -> ApprovalLink | Refused:
        if row is None:
            return Refused(reason="this link is none of ours", hint="open the queue of approvals instead")
        if row["used_at"] is not None:
            return Refused(reason="this link was used already", conflict=True)
        if row["until"] <= self.now_ms() * _MS:
            return Refused(reason="this link has expired", hint="open the queue of approvals", conflict=True)
        return ApprovalLink(
            product=row["product"],
            approval=row["approval"],
            arguments=row["arguments"],
            person=row["person"],
            until_ms=row["until"] // _MS,
        )

    def deliveries_due(self, *, limit: int = 50) -> list[Delivery]:
        """News to be told now, the oldest first."""
        query = (
            select(approval_deliveries)
            .where(approval_deliveries.c.due_at <= self.now_ms() * _MS)
            .order_by(approval_deliveries.c.due_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def deliveries(self, product: str, approval_id: str) -> list[Delivery]:
        """How often somebody was tried to be told of an approval, and whether it worked."""
        query = select(approval_deliveries).filter_by(product=product, approval=approval_id)
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def delivered(self, delivery: Delivery, *, failure: str = "", again_in_ms: int | None = None) -> None:
        """Write down how an attempt ended, and when the next one is, if there is one."""
        now_ms = self.now_ms()
        with self._stepping() as connection:
            connection.execute(
                update(approval_deliveries)
                .filter_by(product=delivery.product, approval=delivery.approval, arguments=delivery.arguments)
                .values(
                    attempts=delivery.attempts + 1,
                    due_at=None if again_in_ms is None else (now_ms + again_in_ms) * _MS,
                    told_at=None if failure else now_ms * _MS,
                    failure=failure[:500],
                )
            )
            if again_in_ms is None:
                rows = telling(
                    delivery.product,
                    delivery.approval,
                    failure=failure,
                    attempts=delivery.attempts + 1,
                    at_ms=now_ms,
                )
                self._chain(connection, rows)


def announce(connection: Connection, approval: Approval, now_ms: int) -> None:
    """Let somebody be told of a call that waits with these arguments."""
    key = {"product": approval.product, "approval": approval.id, "arguments": approval.hash}
    if connection.execute(select(approval_deliveries.c.attempts).filter_by(**key)).first() is None:
        connection.execute(
            insert(approval_deliveries).values(
                **key, attempts=0, due_at=now_ms * _MS, told_at=None, failure=""
            )
        )


def use_link(connection: Connection, token: str, now_ms: int) -> bool:
    """Use a link up; false where it was, or has expired."""
    done = connection.execute(
        update(approval_links)
        .where(
            approval_links.c.hash == _digest(token),
            approval_links.c.used_at.is_(None),
            approval_links.c.until > now_ms * _MS,
        )
        .values(used_at=now_ms * _MS)
    )
    return done.rowcount == 1


def _delivery(row: Any) -> Delivery:
    return Delivery(
        product=row["product"],
        approval=row["approval"],
        arguments=row["arguments"],
        attempts=row["attempts"],
        told_at_ms=None if row["told_at"] is None else row["told_at"] // _MS,
        failure=row["failure"],
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
