"""What is asked of a policy: which tool, for whom, with what, and where its arguments came from.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Origin", "Principal", "Request"]


class Origin(StrEnum):
    """Who chose a value; the most trusted first."""

    APPLICATION = "application"  # the product itself: its prompts, its session, its own look-ups
    USER = "user"  # whoever the call is for
    TOOL_RESULT = "tool_result"  # what a tool gave back
    RETRIEVED = "retrieved"  # a passage that was looked up
    MODEL = "model"  # found in no text: the model made it up, or changed it

    @property
    def chosen(self) -> bool:
        """True for what the product or its user chose; the rest chooses nothing for a tool that acts."""
        return self in (Origin.APPLICATION, Origin.USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone on whose behalf a call is made.

    Attributes:
        roles: Roles that your identity provider gives.
        user: Pseudonym; empty where nobody is known.
    """

    roles: tuple[str, ...]
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of a tool, before it runs.

    Attributes:
        tool: Name of the tool.
        roles: Roles of the caller, from the identity provider, never from the model.
        arguments: Exactly what the tool would be given.
        user: Pseudonym of the caller.
        on_behalf_of: Those for whom the caller acts, the nearest first: each must have the right too.
        data: Sources or classes of data that flow into the arguments.
        provenance: Argument → who chose it, as :class:`Provenance` finds it; ``message.to`` for a field
            of an argument. What is not named here was chosen by nobody that is known.
        scopes: Scope → whose rows the caller may reach, from the application: ``{"own_customer": "c-17"}``.
        lowered: A guard found an injection in what the user sent: only tools that read run by themselves.
        at_ms: When, in milliseconds since 1970; None: now, by the clock of the ledger.
    """

    tool: str
    roles: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    on_behalf_of: tuple[Principal, ...] = ()
    data: tuple[str, ...] = ()
    provenance: Mapping[str, Origin] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    lowered: bool = False
    at_ms: int | None = None

    @property
    def payer(self) -> str:
        """For whom budgets count: the user at the end of the chain, on whose behalf all others act.

        Calls that name nobody share one budget.
        """
        return self.on_behalf_of[-1].user if self.on_behalf_of else self.user
