"""What the form of the guards' page does: say of a hit whether it was right.

May import Starlette, ``monitor`` and this room. It is a judgement of a person, kept under their name: so it
asks for a role of the contract, as approvals do, where a key may only read.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.routing import BaseRoute

from launchworthy.console.forms import Fields, Forms, first, key_of, may_write, own_address, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import InputError, LaunchworthyError, NotFoundError
from launchworthy.monitor.guards import FALSE_POSITIVE, RIGHT

__all__ = ["acts_for", "review_routes"]


def acts_for(reading: Reading, product: str, key: str) -> bool:
    """Whether a key is that of a person who acts in a role of the product's contract."""
    person, contract = reading.desk.person_of(key), reading.contract(product)
    return person is not None and contract is not None and not set(person.roles).isdisjoint(contract.roles)


def review_routes(reading: Reading, forms: Forms) -> list[BaseRoute]:
    """The route that the form is sent to; ``reading`` keeps what is said of a hit."""

    def may(request: Request) -> None:
        if not may_write(request) and not acts_for(reading, request.path_params["product"], key_of(request)):
            raise LaunchworthyError(
                "whoever judges hits acts in a role of the contract, or has a key with the role write",
                code="LW403",
                where="review",
                hint="launchworthy keys create NAME --role read --acts-as ROLE",
            )

    def act(request: Request, fields: Fields) -> str:
        product, hit, said = request.path_params["product"], first(fields, "hit"), first(fields, "said")
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
            by=reader_of(request),
            trace_id=str(rows[0]["trace"] or "").lower() or None,
        )
        back = own_address(first(fields, "back")) or page_url("products", product, "guards")
        return f"{back}#{quote(f'hit-{hit}', safe='')}"  # the reader goes on with the hit after it

    return [forms.route("/products/{product}/guards/review", act, name="review-hit", may=may)]
