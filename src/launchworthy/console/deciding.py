"""What the forms of the approvals pages do: approve, reject, correct, say how a lost call ended.

May import Starlette and this room. Each form carries the hash of the arguments that it showed; a link says by
itself who decides, and asking for it with GET decides nothing.
"""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.routing import BaseRoute

from launchworthy.console.desk import Desk
from launchworthy.console.forms import Fields, Forms, first, key_of
from launchworthy.console.waiting import ARGUMENT
from launchworthy.console.words import page_url
from launchworthy.errors import InputError
from launchworthy.runtime.approval import Approval, ApprovalState, Person

__all__ = ["approval_routes"]

_FOUND = "say where you looked and what you found"
_WHY = {
    "reject": "say why, for whoever asked and for the record",
    "ran": _FOUND,
    "did_not_run": _FOUND,
}


def approval_routes(desk: Desk, forms: Forms) -> list[BaseRoute]:
    """The routes that forms are sent to. Who may decide is no matter of a key's role: the call says it."""

    def signed_in(request: Request, fields: Fields) -> str:
        product, approval_id = request.path_params["product"], request.path_params["approval"]
        person = desk.person_of(key_of(request))
        done = _decide(desk, product, approval_id, person, fields, link=None)
        told = f"{done.tool} ({done.id}) is {done.state.value}"
        if done.wrong and done.state is not ApprovalState.PENDING:
            told = f"{done.tool} ({done.id}) was a test, and wrong: {done.wrong}"
        return page_url("products", product, "approvals", done=told)

    def by_link(request: Request, fields: Fields) -> str:
        token = request.path_params["link"]
        link = desk.link(token, deciding=True)
        if first(fields, "hash") != link.arguments:
            raise InputError("this form is not of the call that the link is for", where="hash")
        person = desk.named(link.person)
        _decide(desk, link.product, link.approval, person, fields, link=token)
        return page_url("approve", token, "done")

    return [
        forms.route("/products/{product}/approvals/{approval}", signed_in, name="decide", may=_anybody),
        forms.route("/approve/{link}", by_link, name="decide-by-link", may=_anybody),
    ]


def _anybody(_: Request) -> None:
    """A form is read of everybody: the steps of the call say who may take them."""


def _decide(
    desk: Desk,
    product: str,
    approval_id: str,
    person: Person | None,
    fields: Fields,
    *,
    link: str | None,
) -> Approval:
    act, bound_to, reason = (first(fields, name) for name in ("act", "hash", "reason"))
    if act in _WHY and not reason.strip():
        raise InputError("no reason is given", where="reason", hint=_WHY[act])
    if act == "approve":
        return desk.approve(product, approval_id, arguments_hash=bound_to, who=person, link=link)
    if act == "reject":
        return desk.reject(
            product, approval_id, reason=reason, arguments_hash=bound_to, who=person, link=link
        )
    if act == "edit" and link is None:
        return desk.edit(
            product, approval_id, arguments=_arguments(fields), arguments_hash=bound_to, who=person
        )
    if act in ("ran", "did_not_run") and link is None:
        return desk.resolve(product, approval_id, ran=act == "ran", reason=reason, who=person)
    raise InputError(f"{act!r:.40} is nothing that a button here does", where="act")


def _arguments(fields: Fields) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, values in fields.items():
        if not name.startswith(ARGUMENT):
            continue
        try:
            found[name.removeprefix(ARGUMENT)] = json.loads(values[0])
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{values[0][:80]!r} is no JSON",
                where=name.removeprefix(ARGUMENT)[:80],
                hint='write a number as 12.5 and a text as "in quotes"',
            ) from error
    return found
