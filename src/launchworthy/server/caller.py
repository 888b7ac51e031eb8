"""Who calls: what the gate recognised, never what a request says of itself. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["THIS_MACHINE", "Caller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls an operation.

    Attributes:
        role: ``ingest``, ``read`` or ``write``.
        key: Name of the API key that was shown, or that a session was begun with; empty for none.
        owner: Holds the folder's own token, or opens its files: whose folder it is.
    """

    role: str
    key: str = ""
    owner: bool = False


THIS_MACHINE = Caller(role="write", owner=True)
