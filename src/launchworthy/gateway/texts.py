"""What a request holds and an answer offers, whatever the dialect: texts with their place, calls of tools.

May import ``runtime`` and this room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from launchworthy.gateway.known import SENT_PARTS, is_plain, keep, kind_of, strange_field
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.guards import Stage
from launchworthy.runtime.permission import Origin

__all__ = [
    "MARK",
    "WITHHELD",
    "Answer",
    "Ask",
    "Piece",
    "Proposal",
    "Slot",
    "parts_of",
    "refuse_strange",
    "rest_of",
    "said_in",
]

# A field of a content part: the application says that the text was retrieved, and from where.
MARK = "launchworthy"
WITHHELD = "[withheld by a guard]"


@dataclass(slots=True, eq=False)
class Slot:
    """A text in a document, that can be replaced."""

    holder: dict[str, Any]
    key: str

    @property
    def text(self) -> str:
        """As it stands now."""
        value = self.holder.get(self.key)
        return value if isinstance(value, str) else ""

    @text.setter
    def text(self, value: str) -> None:
        self.holder[self.key] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One text of a request.

    Attributes:
        slot: Where it stands.
        origin: Who brought it.
        stage: Where guards see it; None: it is the product's own, or what its model said before.
        new: Whether it came after the model's last turn.
        tool: Name of the tool that answered it.
        source: Source that it was retrieved from.
        owner: Whose row it is.
        run: Texts of one stage with the same number are read in one go; 0: it is read alone.
    """

    slot: Slot
    origin: Origin
    stage: Stage | None
    new: bool = True
    tool: str = ""
    source: str = ""
    owner: str | None = None
    run: int = 0


@dataclass(slots=True, kw_only=True)
class Ask:
    """A request, read.

    Attributes:
        pieces: Its texts in order.
        unread: Kinds of content that no guard of texts can look at: ``image_url`` …
        turns: Of the user in this conversation.
        steps: Answers with tool calls since the user's last turn.
        provider_tools: Tools that would run at the model's provider, where nothing can be held back.
    """

    pieces: list[Piece] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    turns: int = 0
    steps: int = 0
    provider_tools: list[str] = field(default_factory=list)

    @property
    def question(self) -> str:
        """What the user asked last."""
        asked = [
            piece.slot.text
            for piece in self.pieces
            if piece.stage is Stage.INPUT and piece.origin is Origin.USER and piece.new
        ]
        return "\n".join(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A call of a tool that the model proposes.

    Attributes:
        id: As the model named the call.
        name: Of the tool.
        arguments: JSON text.
        withhold: Takes it out of the answer.
        rewrite: Puts other arguments in its place.
        rename: Gives the call another id.
    """

    id: str
    name: str
    arguments: str
    withhold: Callable[[], None]
    rewrite: Callable[[str], None]
    rename: Callable[[str], None]


class Answer(Protocol):
    """One answer of a model: a choice of a chat, or a whole response."""

    def texts(self) -> list[Slot]:
        """What a user would read."""
        ...

    def proposals(self) -> list[Proposal]:
        """What the model wants to run."""
        ...

    def strip(self) -> None:
        """Take out what no guard can look at."""
        ...

    def silence(self, message: str, *, guarded: bool) -> None:
        """Put a message in the place of everything; ``guarded`` where a guard stopped it."""
        ...

    def settle(self, message: str) -> None:
        """After calls were withheld: say so where nothing else is left."""
        ...


def refuse_strange(body: dict[str, Any]) -> None:
    """Refuse what a key that is not trusted may not send beside its messages.

    Raises:
        Refused: It sends a field that no guard could judge.
    """
    if (name := strange_field(body)) is not None:
        raise Refused(
            403,
            "untrusted_field",
            f"this key may not send {name[:80]!r}",
            param=name[:80],
            hint="leave it out, or make a key with --trusted",
        )
    if isinstance(options := body.get("stream_options"), dict):
        keep(options, dict.fromkeys(("include_usage", "include_obfuscation"), is_plain))


def rest_of(body: dict[str, Any], *, without: frozenset[str]) -> Piece | None:
    """What else a client sent that a model may read: names and descriptions of tools, shapes, predictions.

    It has no place into which another text could be put: a guard stops it, or lets it be.
    """
    rest = {key: value for key, value in body.items() if key not in without and not is_plain(value)}
    if not rest:
        return None
    written = {"text": json.dumps(rest, ensure_ascii=False)}
    return Piece(slot=Slot(written, "text"), origin=Origin.USER, stage=Stage.INPUT)


def parts_of(
    holder: dict[str, Any], key: str, *, texts: frozenset[str], where: str, trusted: bool
) -> Iterator[tuple[Slot, Mapping[str, Any]] | str]:
    """The texts of a message's content with the mark of each, and the kinds of what is no text.

    Raises:
        Refused: It is neither text nor parts.
    """
    content = holder.get(key)
    if content is None:
        return
    if isinstance(content, str):
        yield Slot(holder, key), {}
        return
    if not isinstance(content, list):
        raise Refused(
            400, "invalid_content", f"{where}.{key} is neither text nor a list of parts", param=where
        )
    for part in content:
        if not isinstance(part, dict):
            raise Refused(400, "invalid_content", f"{where}.{key} holds what is no part", param=where)
        kind, mark = kind_of(part), part.pop(MARK, None)
        if mark is not None and not trusted:
            raise Refused(
                403,
                "untrusted_mark",
                f"{where}: this key may not say where a text was retrieved",
                param=where,
                hint="make the key with --trusted, and keep it on a server",
            )
        name = "refusal" if kind == "refusal" else "text"
        is_said = kind in texts or kind == "refusal"
        if not kind or (is_said and not isinstance(part.get(name), str)):
            raise Refused(400, "invalid_content", f"{where}.{key} holds a part without its text", param=where)
        if not trusted and not (kind in SENT_PARTS and keep(part, SENT_PARTS[kind])):
            raise Refused(
                400, "invalid_content", f"{where}.{key} holds a part of an unknown type", param=where
            )
        if is_said:
            yield Slot(part, name), _mark(mark, where)
        else:
            yield kind[:40]


def said_in(holder: dict[str, Any], key: str, *, texts: frozenset[str]) -> list[Slot]:
    """The texts of an answer's content.

    Raises:
        UpstreamError: It is neither text nor parts.
    """
    content = holder.get(key)
    if content is None:
        return []
    if isinstance(content, str):
        return [Slot(holder, key)]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise UpstreamError("garbage", "the content of an answer is neither text nor parts")
    slots = []
    for part in content:
        kind = kind_of(part)
        name = "refusal" if kind == "refusal" else "text"
        if (kind in texts or kind == "refusal") and isinstance(part.get(name), str):
            slots.append(Slot(part, name))
    return slots


def _mark(mark: Any, where: str) -> Mapping[str, Any]:
    if mark is None:
        return {}
    if mark == "retrieved":
        return {"retrieved": ""}
    if (
        isinstance(mark, dict)
        and "retrieved" in mark
        and set(mark) <= {"retrieved", "owner"}
        and all(isinstance(value, str) for value in mark.values())
    ):
        return mark
    raise Refused(
        400,
        "invalid_mark",
        f"{where}: {MARK!r} of a part does not say where its text was retrieved",
        param=where,
        hint='write "launchworthy": {"retrieved": "SOURCE"}, with "owner" where the source is by owner',
    )
