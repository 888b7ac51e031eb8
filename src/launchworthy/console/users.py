"""Whose calls a page shows: real users', or simulated ones' where there are no others; never both at once.

May import ``monitor`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url
from launchworthy.monitor.whose import calls_seen

__all__ = ["Users", "users_among", "users_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Whose calls are shown, in words; ``other`` leads to the others', if there are any."""

    simulated: bool
    said: str
    other: Link


def users_of(
    reading: Reading, query: Mapping[str, str], *, product: str, page: str, since: datetime, until: datetime
) -> Users:
    """Those that ``users=real`` or ``users=simulated`` asks for; else real ones, if any called.

    Args:
        reading: Whose records.
        query: Of the request.
        product: Product whose calls they are.
        page: The page of the product that shows them.
        since, until: When they called.
    """
    seen = calls_seen(reading.query, product=product, since=since, until=until)
    return users_among(query, *seen, product=product, page=page)


def users_among(
    query: Mapping[str, str],
    real: int,
    simulated: int,
    *,
    product: str,
    page: str,
    noun: str = "call",
    none: str = "no real one called",
) -> Users:
    """Whose are shown where it is known how many there are of each.

    Args:
        query: Of the request.
        real, simulated: How many of each there are.
        product: Product whose page it is.
        page: The page of the product that shows them.
        noun: What is counted.
        none: Says that there are only simulated ones.
    """
    wanted = query.get("users", "")
    kept = {"guard": query["guard"]} if query.get("guard") else {}
    if wanted == "simulated" or (wanted != "real" and simulated and not real):
        left_out = f"{count(real, noun)} of real ones left out" if real else none
        return Users(
            simulated=True,
            said=f"{noun.capitalize()}s of simulated users, {left_out}.",
            other=Link(text="Leave them out", url=page_url("products", product, page, **kept, users="real")),
        )
    return Users(
        simulated=False,
        said=f"{noun.capitalize()}s of real users, {count(simulated, noun)} of simulated ones left out.",
        other=Link(
            text="Show those of simulated users",
            url=page_url("products", product, page, **kept, users="simulated") if simulated else "",
        ),
    )
