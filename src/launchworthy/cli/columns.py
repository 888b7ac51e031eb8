"""How the commands on labelled files read a row's numbers. No command of its own."""

from __future__ import annotations

from typing import Any

from launchworthy.errors import InputError

__all__ = ["require_rows", "row_number", "row_text"]


def row_number(row: dict[str, Any], field: str, *, where: str) -> float | None:
    """The number (true is 1) in a field; None where it is null or absent.

    Raises:
        InputError: Anything else stands there.
    """
    value = row.get(field)
    if value is None:
        return None
    if not isinstance(value, (bool, int, float)):
        raise InputError(
            f"{field} is {str(value)[:40]!r}, not a number or true/false",
            where=where,
            hint="write 0.9, true, or null where it is not known",
        )
    try:
        return float(value)
    except OverflowError as error:
        raise InputError(f"{field} is too large a number", where=where) from error


def row_text(row: dict[str, Any], field: str, *, where: str) -> str:
    """The text or number that names something in a field.

    Raises:
        InputError: It is absent, null, or no name.
    """
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
        raise InputError(f"the row has no {field}", where=where, hint="every row names it, as text or number")
    return str(value)


def require_rows(rows: int, *, file: object) -> None:
    """Raise InputError where a file holds no rows."""
    if not rows:
        raise InputError("the file holds no rows", where=str(file), hint="one JSON object a line")
