"""Documents before they enter a prompt: only from sources that may be seen, only the caller's own rows.

May import ``contract`` (when rules are made) and ``runtime.guards``. What the contract does not name may not
be used: a document of an unnamed source is left out, and so is every document where none is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.capture.sdk.messages import field_of
from launchworthy.runtime.guards.verdict import Passage

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["Document", "LeftOut", "SourceRules", "read_documents"]

_TEXTS = ("text", "content", "page_content", "passage")
_IDS = ("id", "document_id", "doc_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document or passage that was looked up.

    Attributes:
        text: What it says.
        id: As the application knows it.
        source: Source of the contract that it comes from; empty where not said.
        score: Of the search; None where not said.
        owner: Whose row it is, where its source has a scope.
        metadata: Anything else.
    """

    text: str
    id: str = ""
    source: str = ""
    score: float | None = None
    owner: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passage(self) -> Passage:
        """As guards see it."""
        return Passage(text=self.text, id=self.id, source=self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A document that does not enter the prompt, by which line, and why."""

    document: Document
    rule: str
    reason: str


def read_documents(
    documents: Iterable[Any], *, source: str = "", scope_of: Callable[[str], str | None] = lambda _: None
) -> list[Document]:
    """Documents from what searches answer: texts, mappings, or objects with a text.

    Args:
        documents: In order.
        source: Source of those that do not name their own.
        scope_of: Scope of a source: the field that names the owner of its rows, beside ``owner``.
    """
    found = []
    for place, each in enumerate(documents, start=1):
        if isinstance(each, Document):
            found.append(each)
            continue
        if isinstance(each, str):
            found.append(Document(text=each, id=str(place), source=source))
            continue
        text = next((t for name in _TEXTS if isinstance(t := field_of(each, name), str)), None)
        if text is None:
            continue  # it says nothing
        given = field_of(each, "metadata")
        metadata = dict(given) if isinstance(given, Mapping) else {}
        own_id = next((i for name in _IDS if isinstance(i := field_of(each, name), (str, int))), place)
        named = field_of(each, "source") or metadata.get("source")
        own_source = named if isinstance(named, str) else source
        score = field_of(each, "score")
        owner = field_of(each, "owner")
        if owner is None and (scope := scope_of(own_source)) is not None:
            owner = field_of(each, scope) if field_of(each, scope) is not None else metadata.get(scope)
        found.append(
            Document(
                text=text,
                id=str(own_id),
                source=own_source,
                score=float(score)
                if isinstance(score, (int, float)) and not isinstance(score, bool)
                else None,
                owner=None if owner is None else str(owner),
                metadata=metadata,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    may_see: bool
    scope: str | None
    only_for: str | None


class SourceRules:
    """Which documents a prompt may hold.

    Example:
        >>> from launchworthy.contract import load_contract
        >>> rules = SourceRules.of(load_contract("launchworthy.yaml"))  # doctest: +SKIP
    """

    def __init__(self, sources: Mapping[str, _Source], *, address: str) -> None:
        self._sources, self._address = sources, address

    @classmethod
    def of(cls, contract: Contract) -> SourceRules:
        """Read the block ``data`` of a contract."""
        return cls(
            {
                name: _Source(may_see="see" in each.may, scope=each.scope, only_for=each.only_for)
                for name, each in contract.data.sources.items()
            },
            address=f"{contract.product}/data",
        )

    def scope_of(self, source: str) -> str | None:
        """The scope of a source, if it has one."""
        found = self._sources.get(source)
        return None if found is None else found.scope

    def any_open(self) -> str:
        """A source that every caller may see; empty where there is none, or none is named."""
        return next(
            (
                name
                for name, each in self._sources.items()
                if each.may_see and each.scope is None and each.only_for is None
            ),
            "",
        )

    def check(self, document: Document, *, scopes: Mapping[str, str], workflow: str) -> LeftOut | None:
        """Why a document is left out; None where it may enter."""
        found = self._sources.get(document.source)
        if found is None:
            name = (
                f"the source {document.source[:80]!r}" if document.source else "a document without a source"
            )
            reason = f"{name} is not named in the contract"
            if not self._sources:
                reason = "the contract names no source of data, so none may be seen: name it in data/sources"
            return LeftOut(document=document, rule=f"{self._address}/unnamed", reason=reason)
        rule = f"{self._address}/sources/{document.source}"
        if not found.may_see:
            return LeftOut(
                document=document, rule=rule, reason=f"{document.source} may not be seen by a model"
            )
        if found.only_for is not None and found.only_for != workflow:
            return LeftOut(
                document=document,
                rule=f"{rule}/only_for",
                reason=f"{document.source} serves only {found.only_for}",
            )
        if found.scope is not None:
            own = scopes.get(found.scope)
            if own is None:
                return LeftOut(
                    document=document,
                    rule=f"{rule}/scope",
                    reason=f"whose rows the caller may reach is not given for {found.scope}",
                )
            if document.owner != own:
                return LeftOut(
                    document=document,
                    rule=f"{rule}/scope",
                    reason=f"it is outside the caller's {found.scope}"
                    if document.owner is not None
                    else f"whose row it is, is not said, and {document.source} is by {found.scope}",
                )
        return None
