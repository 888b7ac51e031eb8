"""A request as a JSON row: of a file that `launchworthy permit` decides, or of an application elsewhere.

May import ``errors`` and this folder. What decides is read strictly: a row of which one word was misread
would be decided as another call.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.runtime.permission.request import Origin, Principal, Request

__all__ = ["request_of"]

_FIELDS = tuple("id tool role roles arguments user on_behalf_of data provenance scopes lowered at".split())
_PRINCIPAL = ("role", "roles", "user")


def request_of(row: Mapping[str, Any], *, where: str) -> Request:
    """Read one request. Fields of your own are let through, unless they look like a misspelt one.

    Args:
        row: The object.
        where: Its place, for messages.

    Raises:
        InputError: A field is missing, or is not what it must be.
    """
    _refuse_misspelt(row, _FIELDS, where)
    return Request(
        tool=_text(row, "tool", where, needed=True),
        roles=_roles(row, where),
        arguments=_mapping(row, "arguments", where),
        user=_text(row, "user", where),
        on_behalf_of=_principals(row.get("on_behalf_of"), where),
        data=_texts(row, "data", where),
        provenance={
            name: _origin(name, value, where) for name, value in _mapping(row, "provenance", where).items()
        },
        scopes={name: _named(name, value, where) for name, value in _mapping(row, "scopes", where).items()},
        lowered=_flag(row, "lowered", where),
        at_ms=_moment(row.get("at"), where),
    )


def _refuse_misspelt(row: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in row:
        close = difflib.get_close_matches(name[:80], known, n=1) if name not in known else None
        if close:
            raise InputError(
                f"the field {name[:80]!r} is not known", where=where, hint=f'did you mean "{close[0]}"?'
            )


def _text(row: Mapping[str, Any], field: str, where: str, *, needed: bool = False) -> str:
    value = row.get(field)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value:
        said = "there is no" if value is None else f"{_kind(value)} is no"
        raise InputError(f"{said} {field}", where=where, hint=f'write "{field}": "…"')
    return value


def _texts(row: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = row.get(field)
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise InputError(
            f"{field} is {_kind(value)}, not a name or a list of names", where=where, hint='write ["…"]'
        )
    return tuple(found)


def _roles(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if "role" in row and "roles" in row:
        raise InputError("role and roles exclude each other", where=where, hint="keep roles")
    if "role" not in row and "roles" not in row:
        raise InputError("the caller has no roles", where=where, hint='write "roles": ["…"], or [] for none')
    return _texts(row, "roles" if "roles" in row else "role", where)


def _principals(value: Any, where: str) -> tuple[Principal, ...]:
    if value is None:
        return ()
    found = []
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, Mapping):
            raise InputError(
                f"on_behalf_of holds {_kind(each)}, not who it is",
                where=where,
                hint='write {"user": "…", "roles": ["…"]}, or a list of these, the nearest first',
            )
        own = f"{where}, on_behalf_of"
        _refuse_misspelt(each, _PRINCIPAL, own)
        found.append(Principal(roles=_roles(each, own), user=_text(each, "user", own)))
    return tuple(found)


def _mapping(row: Mapping[str, Any], field: str, where: str) -> Mapping[str, Any]:
    value = row.get(field)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{field} is {_kind(value)}, not an object", where=where, hint="write {…}")
    return value


def _origin(name: str, value: Any, where: str) -> Origin:
    try:
        return Origin(value)
    except ValueError as error:
        raise InputError(
            f"provenance of {name[:80]!r} is {str(value)[:40]!r}",
            where=where,
            hint=f"it is one of {', '.join(Origin)}",
        ) from error


def _named(name: str, value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise InputError(
            f"scope {name[:80]!r} is {_kind(value)}, not whose rows it means",
            where=where,
            hint='write {"own_customer": "c-17"}',
        )
    return str(value)


def _flag(row: Mapping[str, Any], field: str, where: str) -> bool:
    value = row.get(field)
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{field} is {_kind(value)}, not true or false", where=where, hint="write true")
    return bool(value)


def _moment(value: Any, where: str) -> int | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1_000)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"at is {str(value)[:40]!r}, not a moment", where=where, hint="write 2026-11-24T09:30:00Z"
        ) from error


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
