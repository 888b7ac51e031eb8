"""The one exception tree. Stands on the ground: imports nothing of this project.

Every error says what was wrong, where, why and what to do, under a stable code that documents and
tests can name. Expected outcomes are values; these are for broken input and broken machines.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ConflictError",
    "ContractError",
    "DiskFullError",
    "InputError",
    "LaunchworthyError",
    "MissingExtraError",
    "NotFoundError",
    "OverloadedError",
    "StorageError",
]


class LaunchworthyError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: What is wrong, as one sentence for the person who can mend it.
        code: Stable code such as ``LW203``.
        where: File, line, field, row or address that is wrong.
        hint: What to do about it.
    """

    default_code = "LW000"

    def __init__(self, message: str, *, code: str | None = None, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{self.code} {self.message}{remedy}"

    def as_json(self) -> dict[str, Any]:
        """The one JSON error shape: ``{"error": {"code", "message", "where", "hint"}}``."""
        return {"error": {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}}


class ContractError(LaunchworthyError):
    """A contract that cannot be used; carries every problem found, not only the first."""

    default_code = "LW001"

    def __init__(
        self, message: str, *, problems: tuple[Any, ...] = (), where: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.problems = problems


class InputError(LaunchworthyError):
    """A file, request or argument that cannot be read as what it claims to be."""

    default_code = "LW100"


class NotFoundError(LaunchworthyError):
    """Something was asked for by name and is not there."""

    default_code = "LW404"


class ConflictError(LaunchworthyError):
    """The request contradicts what is already there, such as a second server on one folder."""

    default_code = "LW409"


class OverloadedError(LaunchworthyError):
    """The machine cannot take more now; ``retry_after_s`` says when to come back."""

    default_code = "LW503"

    def __init__(self, message: str, *, retry_after_s: float, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after_s = retry_after_s


class DiskFullError(OverloadedError):
    """There is no room on the disk: waiting alone makes none."""

    default_code = "LW507"


class StorageError(LaunchworthyError):
    """The disk or a data file did not do what it must; nothing was acknowledged."""

    default_code = "LW500"


class MissingExtraError(LaunchworthyError, ImportError):
    """An optional library is not installed; the hint is the command that installs it."""

    default_code = "LW020"

    def __init__(self, library: str, *, extra: str) -> None:
        super().__init__(
            f"{library} is not installed", hint=f'pip install "launchworthy[{extra}]"', where=library
        )
