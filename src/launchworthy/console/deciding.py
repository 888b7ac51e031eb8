"""What the forms of the approvals pages do: approve, reject, correct, say how a lost call ended.

May import Starlette and this room. Each form carries the hash of the arguments that it showed; a link says by
itself who decides, and asking for it with GET decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.console.desk import Desk
from launchworthy.console.forms import check_token, read_form, reader_of
from launchworthy.console.words import page_url
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.runtime.approval import Approval, ApprovalState, Person

__all__ = ["approval_actions", "key_of"]

_ARGUMENT = "argument:"


def key_of(request: Request) -> str:
    """The name of the API key that was shown; empty for none."""
    return str(request.scope.get("state", {}).get("reader") or "")


def approval_actions(
    desk: Desk,
    refused: Callable[[LaunchworthyError], Response],
    *,
    secret: bytes,
    headers: Mapping[str, str],
) -> list[BaseRoute]:
    """The routes that forms are sent to.

    Args:
        desk: Where approvals are decided.
        refused: Makes a page of what was wrong.
        secret: Signs the tokens of forms.
        headers: Of every answer.
    """

    def signed_in(request: Request, fields: Mapping[str, list[str]]) -> Response:
        product, approval_id = request.path_params["product"], request.path_params["approval"]
        person = desk.person_of(key_of(request))
        done = _decide(desk, product, approval_id, person, fields, link=None)
        told = f"{done.tool} ({done.id}) is {done.state.value}"
        if done.wrong and done.state is not ApprovalState.PENDING:
            told = f"{done.tool} ({done.id}) was a test, and wrong: {done.wrong}"
        return _to(page_url("products", product, "approvals", done=told))

    def by_link(request: Request, fields: Mapping[str, list[str]]) -> Response:
        token = request.path_params["link"]
        link = desk.link(token, deciding=True)
        if _field(fields, "hash") != link.arguments:
            raise InputError("this form is not of the call that the link is for", where="hash")
        person = desk.named(link.person)
        _decide(desk, link.product, link.approval, person, fields, link=token)
        return _to(page_url("approve", token, "done"))

    def _to(url: str) -> Response:
        return RedirectResponse(url, status_code=303, headers=dict(headers))

    def endpoint(
        act: Callable[[Request, Mapping[str, list[str]]], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                fields = await read_form(request)
                check_token(fields, secret, reader_of(request))
                return await to_thread.run_sync(act, request, fields)
            except LaunchworthyError as error:
                return await to_thread.run_sync(refused, error)

        return answer

    return [
        Route("/products/{product}/approvals/{approval}", endpoint(signed_in), methods=["POST"]),
        Route("/approve/{link}", endpoint(by_link), methods=["POST"]),
    ]


def _decide(
    desk: Desk,
    product: str,
    approval_id: str,
    person: Person | None,
    fields: Mapping[str, list[str]],
    *,
    link: str | None,
) -> Approval:
    act, bound_to, reason = (_field(fields, name) for name in ("act", "hash", "reason"))
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


def _arguments(fields: Mapping[str, list[str]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, values in fields.items():
        if not name.startswith(_ARGUMENT):
            continue
        try:
            found[name.removeprefix(_ARGUMENT)] = json.loads(values[0])
        except ValueError as error:
            raise InputError(
                f"{values[0][:80]!r} is no JSON",
                where=name.removeprefix(_ARGUMENT)[:80],
                hint='write a number as 12.5 and a text as "in quotes"',
            ) from error
    return found


def _field(fields: Mapping[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]
