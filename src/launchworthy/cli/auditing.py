"""Filters of the audit chain and the key that is trusted, as options. No command of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.persons import STATE, pseudonyms_of
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.evidence import AuditEntry, AuditFilter
    from launchworthy.server import Workspace

__all__ = ["FILTERS", "filters_of", "page_of", "trusted_key"]

_PAGE = 1_000
_OPTIONS = (
    click.option(
        "--person",
        help="User whom decisions are about: a pseudonym, or the user id as the application knows it.",
    ),
    click.option("--tool", help="Tool."),
    click.option("--case", help="Trace id, approval id, or any other subject of decisions."),
    click.option("--kind", help="Kind of decision, such as permission, or of entry, such as evidence."),
    click.option("--since", help="From this day or moment on, such as 2026-11-24 or 2026-11-24T09:30Z."),
    click.option("--until", help="Before this day or moment."),
    STATE,
)


def FILTERS(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which entries."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def filters_of(given: Mapping[str, Any]) -> tuple[AuditFilter, ...]:
    """The filters that the options of :func:`FILTERS` say, of which one must let an entry through.

    A user stands on what an application decided under the pseudonym that it made, and on what the server did
    under that of the server: a user id asks for both.

    Raises:
        InputError: A time that is none, or a state folder without a key.
    """
    from launchworthy.evidence import AuditFilter

    person = given.get("person") or ""
    names = [person, *pseudonyms_of(person, given.get("state"))] if person else [""]
    return tuple(
        AuditFilter(
            person=name,
            tool=given.get("tool") or "",
            case=given.get("case") or "",
            kind=given.get("kind") or "",
            since=_moment(given.get("since"), "--since"),
            until=_moment(given.get("until"), "--until"),
        )
        for name in names
    )


def _moment(text: str | None, where: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r:.60} is no day and no moment", where=where, hint="write 2026-11-24 or 2026-11-24T09:30Z"
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def page_of(
    workspace: Workspace,
    product: str,
    filters: Sequence[AuditFilter],
    *,
    before: int | None = None,
    limit: int | None,
) -> list[AuditEntry]:
    """The newest entries that one of the filters lets through, newest first; None: all of them."""
    found = {
        each.seq: each
        for where in filters
        for each in _newest(workspace, product, where, before=before, limit=limit)
    }
    return [found[seq] for seq in sorted(found, reverse=True)][:limit]


def _newest(
    workspace: Workspace, product: str, where: AuditFilter, *, before: int | None, limit: int | None
) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    while limit is None or len(found) < limit:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
        page = workspace.audit_trail(
            product=product,
            person=where.person,
            tool=where.tool,
            case=where.case,
            kind=where.kind,
            since=where.since,
            until=where.until,
            before=before,
            limit=wanted,
        )
        found += page
        if len(page) < wanted:
            break
        before = page[-1].seq
    return found


def trusted_key(given: str | None) -> bytes | None:
    """The public key that was named: 64 hex digits, or a file that holds them.

    Raises:
        InputError: It is neither.
    """
    if given is None:
        return None
    text = given.strip()
    path = Path(given)
    try:
        if len(text) != 64 and path.is_file():
            text = path.read_text(encoding="ascii").strip()
        raw = bytes.fromhex(text)
    except (OSError, ValueError):
        raw = b""
    if len(raw) != 32:
        raise InputError(
            "this is no public key", where="--key", hint="64 hex digits, or a file that holds them: heads.pub"
        )
    return raw
