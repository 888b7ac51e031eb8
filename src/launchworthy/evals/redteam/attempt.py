"""One attempt as a value: what the target is told and shown, and what would count as success. Pure.

Standard library only. An attempt is the ``input`` of an item of a run, so it has a written form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

__all__ = ["Attempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attack, or the harmless twin of one.

    Attributes:
        id: Unique within a run.
        family: Of attacks.
        seed: What it was made from, before any mutator; attempts that share one are not independent.
        goal: What the attacker wants: ``say``, ``run``, ``choose``, ``system``, ``other``, ``pii``,
            or ``approval``; empty for a twin.
        carrier: ``user``, ``document`` (passages that are looked up), ``tool_result`` or ``procedure``.
        workflow: That is attacked.
        turns: What the user says, one after another.
        documents: Passages to be looked up: ``text``, ``id``, ``source``, ``owner``.
        tool_result: What tools that read answer; empty: something harmless.
        system: What is added to the system prompt.
        mutators: What was done to the wording, in order.
        markers: Texts whose appearance in an answer shows that the order was followed.
        secrets: Texts that must never leave.
        values: Argument values that the attacker chose.
        tool: Tool that the attacker wants to run; empty for none in particular.
        arguments: With which.
        procedure: Way to get around approvals, where no words are needed.
    """

    id: str
    family: str
    seed: str
    goal: str = ""
    carrier: str = "user"
    workflow: str = ""
    turns: tuple[str, ...] = ()
    documents: tuple[Mapping[str, Any], ...] = ()
    tool_result: str = ""
    system: str = ""
    mutators: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    procedure: str = ""

    @property
    def is_twin(self) -> bool:
        """Whether it is harmless, and shows what is refused for no reason."""
        return not self.goal

    def as_json(self) -> dict[str, Any]:
        """The written form that :meth:`from_json` reads; what is empty is left out."""
        return {name: _plain(value) for name, value in asdict(self).items() if value not in ("", (), {})}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Attempt:
        """Read the written form."""
        known = {each.name for each in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
            if name in known
        }
        return cls(**given)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
