"""What the form of the guards' page does: say of a hit whether it was right.

May import Starlette, ``monitor`` and this room. It is a judgement of a person, kept under their name: so it
asks for a role of the contract, as approvals do, where a key may only read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.console.deciding import key_of
from launchworthy.console.forms import check_token, own_address, read_form, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import InputError, LaunchworthyError, NotFoundError
from launchworthy.monitor.guards import FALSE_POSITIVE, RIGHT

__all__ = ["acts_for", "review_routes"]


def acts_for(reading: Reading, product: str, key: str) -> bool:
    """Whether a key is that of a person who acts in a role of the product's contract."""
    person, contract = reading.desk.person_of(key), reading.contract(product)
    return person is not None and contract is not None and not set(person.roles).isdisjoint(contract.roles)


def review_routes(
    reading: Reading,
    refused: Callable[[LaunchworthyError], Response],
    *,
    secret: bytes,
    headers: Mapping[str, str],
) -> list[BaseRoute]:
    """The route that the form is sent to.

    Args:
        reading: Where hits rest, and what is said of them is kept.
        refused: Makes a page of what was wrong.
        secret: Signs the tokens of forms.
        headers: Of every answer.
    """

    def act(product: str, who: str, fields: Mapping[str, list[str]]) -> Response:
        hit, said = (fields.get(name, [""])[0] for name in ("hit", "said"))
        if said not in (FALSE_POSITIVE, RIGHT):
            raise InputError("the form says neither right nor false_positive", where="said")
        rows = reading.query(
            "SELECT subject, rule, hex(trace_id) AS trace FROM decisions"
            " WHERE product = $1 AND event_id = $2 AND kind = 'guard' AND outcome = 'hit'",
            [product, hit],
        )
        if not rows:
            raise NotFoundError("there is no such hit", where=hit[:80])
        reading.review_hit(
            product,
            guard=str(rows[0]["subject"]),
            rule=rows[0]["rule"],
            hit=hit,
            said=said,
            by=who,
            trace_id=str(rows[0]["trace"] or "").lower() or None,
        )
        back = own_address(fields.get("back", [""])[0]) or page_url("products", product, "guards")
        return RedirectResponse(back, status_code=303, headers=dict(headers))

    async def endpoint(request: Request) -> Response:
        try:
            fields = await read_form(request)
            who = reader_of(request)
            writes = (request.scope.get("state", {}).get("role") or "write") == "write"
            product, key = request.path_params["product"], key_of(request)
            if not writes and not await to_thread.run_sync(acts_for, reading, product, key):
                raise LaunchworthyError(
                    "whoever judges hits acts in a role of the contract, or has a key with the role write",
                    code="LW403",
                    where="review",
                    hint="launchworthy keys create NAME --role read --acts-as ROLE",
                )
            check_token(fields, secret, who)
            return await to_thread.run_sync(act, product, who, fields)
        except LaunchworthyError as error:
            failure = error
            return await to_thread.run_sync(lambda: refused(failure))

    path = "/products/{product}/guards/review"
    found: Callable[[Request], Awaitable[Response]] = endpoint
    return [Route(path, found, methods=["POST"], name="review-hit")]
