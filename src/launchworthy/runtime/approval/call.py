"""A call that an application wants approved: what it would do, for whom, and what the model had read.

May import ``permission`` and ``errors``. The written form is one row: the fields of a permission request,
and beside them the question, the passages and where the call belongs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from launchworthy.errors import InputError
from launchworthy.runtime.permission import Request, request_of

__all__ = ["Passage", "ProposedCall", "arguments_hash", "call_of"]

_MOST_BYTES = 262_144
_MOST_ID = 200
_OWN = ("requester", "question", "evidence", "workflow", "release", "trace_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One text that the model had before it when it proposed the call.

    Attributes:
        id: Of the document or passage, as the application knows it.
        text: What it says, or the part that matters.
        title: What to call it.
        origin: ``retrieved``, ``tool_result``, ``user`` or ``application``.
        argument: The argument that came from it; empty where none did.
    """

    id: str
    text: str = ""
    title: str = ""
    origin: str = "retrieved"
    argument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedCall:
    """One call of a tool that a person must confirm.

    Attributes:
        id: Chosen by the application, once for one call: the same id again is the same call.
        requester: Who or what made the call: a person's name, or that of an assistant.
        request: Tool, arguments, roles and on whose behalf, as permission is asked.
        question: What the user had asked for.
        evidence: What the model had before it.
        workflow, release, trace_id: Where the call belongs.
    """

    id: str
    requester: str
    request: Request
    question: str = ""
    evidence: tuple[Passage, ...] = ()
    workflow: str = ""
    release: str = ""
    trace_id: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Those on whose behalf it is made, the caller first; those who are not known are left out."""
        request = self.request
        return tuple(
            dict.fromkeys(
                name for name in (request.user, *(each.user for each in request.on_behalf_of)) if name
            )
        )

    def bound_to(self, product: str) -> str:
        """What an approval of it is bound to: the hash of tool, arguments and people, in hex."""
        request = self.request
        return arguments_hash(
            product=product, tool=request.tool, arguments=request.arguments, on_behalf_of=self.people
        )

    def with_arguments(self, request: Request) -> ProposedCall:
        """The same call with other arguments."""
        return replace(self, request=request)

    def as_json(self) -> dict[str, Any]:
        """The row that :func:`call_of` reads."""
        request = self.request
        return {
            "id": self.id,
            "tool": request.tool,
            "roles": list(request.roles),
            "arguments": dict(request.arguments),
            "user": request.user or None,
            "on_behalf_of": [
                {"user": each.user or None, "roles": list(each.roles)} for each in request.on_behalf_of
            ],
            "data": list(request.data),
            "provenance": {name: origin.value for name, origin in request.provenance.items()},
            "scopes": dict(request.scopes),
            "lowered": request.lowered,
            "requester": self.requester,
            "question": self.question,
            "evidence": [asdict(each) for each in self.evidence],
            "workflow": self.workflow,
            "release": self.release,
            "trace_id": self.trace_id,
        }


def arguments_hash(
    *, product: str, tool: str, arguments: Mapping[str, Any], on_behalf_of: Sequence[str]
) -> str:
    """What an approval is bound to: SHA-256 of the canonical JSON of the call, in hex.

    Raises:
        InputError: The arguments are not JSON, or hold NaN or an infinity.
    """
    bound = {
        "product": product,
        "tool": tool,
        "arguments": dict(arguments),
        "on_behalf_of": list(on_behalf_of),
    }
    try:
        text = json.dumps(bound, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"the arguments of {tool[:80]} are not JSON, so nobody can approve exactly these",
            where="arguments",
            hint="pass texts, numbers, true, false, null, lists and objects",
        ) from error
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def call_of(row: Mapping[str, Any], *, where: str = "call") -> ProposedCall:
    """Read one call.

    Raises:
        InputError: A field is missing, is not what it must be, or all of it is too long to be shown.
    """
    try:
        size = len(json.dumps(row, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("the call is not JSON", where=where, hint="NaN and infinities are none") from error
    if size > _MOST_BYTES:
        raise InputError(
            f"the call is longer than {_MOST_BYTES:,} bytes, which nobody reads before approving",
            where=where,
            hint="give the passages that matter, cut",
        )
    request = request_of({name: value for name, value in row.items() if name not in _OWN}, where=where)
    evidence = row.get("evidence") or ()
    if not isinstance(evidence, Sequence) or isinstance(evidence, str):
        raise InputError("evidence is no list of passages", where=where)
    own = _text(row, "id", where, needed=True, most=_MOST_ID)
    if not re.fullmatch(r"[\w.:@-]+", own) or not own.strip("."):  # no page has the address ..
        raise InputError(f"{own!r:.80} is no id of a call", where=where, hint="letters, digits, . _ : @ -")
    return ProposedCall(
        id=own,
        requester=_text(row, "requester", where, needed=True, most=_MOST_ID),
        request=replace(request, at_ms=None),  # when it is asked, the clock of the queue says
        question=_text(row, "question", where),
        evidence=tuple(_passage(each, f"{where}, evidence") for each in evidence),
        workflow=_text(row, "workflow", where, most=_MOST_ID),
        release=_text(row, "release", where, most=_MOST_ID),
        trace_id=_text(row, "trace_id", where, most=_MOST_ID),
    )


def _passage(plain: Any, where: str) -> Passage:
    if not isinstance(plain, Mapping):
        raise InputError("a passage is no object", where=where, hint='write {"id": "…", "text": "…"}')
    return Passage(
        id=_text(plain, "id", where, needed=True),
        text=_text(plain, "text", where),
        title=_text(plain, "title", where),
        origin=_text(plain, "origin", where) or "retrieved",
        argument=_text(plain, "argument", where),
    )


def _text(
    row: Mapping[str, Any], name: str, where: str, *, needed: bool = False, most: int = _MOST_BYTES
) -> str:
    value = row.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()) or len(value) > most:
        raise InputError(
            f"{name} is not given"
            if value in (None, "")
            else f"{name} is no text of at most {most:,} characters",
            where=where,
            hint=f'write "{name}": "…"',
        )
    return value
