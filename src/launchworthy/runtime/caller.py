"""Who asks in one call, and where what is said in it came from: what permission and approval are asked with.

May import ``permission``, ``approval`` and ``retrieving``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchworthy.runtime.approval import Passage as Shown
from launchworthy.runtime.approval import ProposedCall
from launchworthy.runtime.permission import Origin, Principal, Provenance, Request
from launchworthy.runtime.retrieving import Document

__all__ = ["Caller"]

_MOST_SHOWN, _MOST_CHARACTERS = 20, 2_000


@dataclass(kw_only=True)
class Caller:
    """The caller of one call, and the texts of that call by who brought them.

    Attributes:
        user: Who asks; empty where nobody is known.
        session: Of which conversation.
        roles: From the identity provider.
        scopes: Scope → whose rows the caller may reach.
        on_behalf_of: Those for whom the caller acts.
        requester: What makes the calls that people approve.
        release: That serves.
        cohort: Rollout stage or experiment arm.
        documents: What was looked up and may be seen.
        seen: Every text of the call, by who brought it.
    """

    user: str
    session: str
    roles: tuple[str, ...]
    scopes: Mapping[str, str]
    on_behalf_of: tuple[Principal, ...]
    requester: str
    release: str | None
    cohort: str | None = None
    documents: list[Document] = field(default_factory=list)
    seen: Provenance = field(default_factory=Provenance)

    @property
    def people(self) -> tuple[str, ...]:
        """Everyone whom the call is about; those who are not known are left out."""
        names = (self.user, *(each.user for each in self.on_behalf_of))
        return tuple(dict.fromkeys(name for name in names if name))

    def request(self, tool: str, arguments: Mapping[str, Any], *, lowered: bool) -> Request:
        """A call of a tool with who chose its arguments, and which data flows into them."""
        origins = self.seen.origins(arguments)
        brought = any(not origin.chosen for origin in origins.values())
        return Request(
            tool=tool,
            roles=self.roles,
            arguments=arguments,
            user=self.user,
            on_behalf_of=self.on_behalf_of,
            data=self._sources(arguments) if brought else (),
            provenance=origins,
            scopes=self.scopes,
            lowered=lowered,
        )

    def proposed(
        self, name: str, request: Request, *, question: str, workflow: str, trace_id: str
    ) -> ProposedCall:
        """What an approver is shown of a request: with the passages, and which argument came from each."""
        return ProposedCall(
            id=name,
            requester=self.requester,
            request=request,
            question=question,
            evidence=tuple(
                Shown(
                    id=each.id or str(place),
                    text=each.text[:_MOST_CHARACTERS],
                    title=each.source,
                    argument=", ".join(self._taken_from(each.text, request.arguments)),
                )
                for place, each in enumerate(self.documents[:_MOST_SHOWN], start=1)
            ),
            workflow=workflow,
            release=self.release or "",
            trace_id=trace_id,
        )

    def _sources(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        found = [
            each.source for each in self.documents if each.source and self._taken_from(each.text, arguments)
        ]
        return tuple(dict.fromkeys(found))

    def _taken_from(self, text: str, arguments: Mapping[str, Any]) -> list[str]:
        """Arguments that stand in a text, and that neither the user nor the application chose."""
        own = Provenance()
        own.note(Origin.RETRIEVED, text)
        whose = self.seen.origins(arguments)
        return [
            name
            for name, origin in own.origins(arguments).items()
            if origin is Origin.RETRIEVED and not whose[name].chosen
        ]
