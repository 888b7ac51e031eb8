"""Items of a gold set that wait for review or stand twice, as rows; nothing of what is kept back.

May import ``gold``, ``quantity`` and this room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from launchworthy.console.payload import gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, moment, page_url, short
from launchworthy.gold import Checked, GoldItem, GoldVersion, ReviewStatus
from launchworthy.quantity import format_value

__all__ = [
    "MOST_ROWS",
    "CopyRow",
    "WaitingRow",
    "copies_said",
    "copy_rows",
    "dev_items",
    "hidden_said",
    "waiting_row",
    "waits",
]

MOST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """An item of the dev split that nobody has reviewed, and where it came from."""

    id: str
    asked: str
    trace: Link
    release: str
    by: str
    at: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRow:
    """Two items that are nearly the same; their texts only where both are of the dev split."""

    leak: bool
    item: str
    other: str
    where: str
    score: str
    texts: tuple[str, str]


def dev_items(reading: Reading, newest: GoldVersion, found: Checked | None) -> list[GoldItem]:
    """Items that may be shown, where any of them is."""
    if not newest.waiting and (found is None or not found.copies):
        return []
    return reading.gold_items(product=newest.product, name=newest.name, version=newest.version, split="dev")


def waits(item: GoldItem) -> bool:
    return item.review is not None and item.review.status is ReviewStatus.PROPOSED


def hidden_said(newest: GoldVersion, waiting: Sequence[GoldItem]) -> str:
    kept_back, unlisted = newest.waiting - len(waiting), max(0, len(waiting) - MOST_ROWS)
    parts = [f"{count(unlisted, 'more item')} {'waits' if unlisted == 1 else 'wait'}"] if unlisted else []
    if kept_back == 1:
        parts.append("1 item waits in what is kept back and is not shown")
    elif kept_back > 1:
        parts.append(f"{kept_back:,} items wait in what is kept back and are not shown")
    return "; ".join(parts)


def waiting_row(item: GoldItem) -> WaitingRow:
    came = item.meta.get("provenance")
    told = came if isinstance(came, Mapping) else {}
    trace_id = told.get("trace_id")
    review = item.review
    return WaitingRow(
        id=item.id,
        asked=gist(readable(item.input), most=200),
        trace=Link(text=short(trace_id, most=12), url=page_url("traces", trace_id))
        if isinstance(trace_id, str) and trace_id
        else Link(text=""),
        release=short(str(told.get("release") or ""), most=40),
        by="" if review is None else review.by,
        at=moment(review.at) if review is not None and review.at is not None else "",
        simulated=told.get("simulated") is True,
    )


def copy_rows(found: Checked | None, dev: Sequence[GoldItem]) -> Iterable[CopyRow]:
    """What stands in two splits first, then the most alike."""
    texts = {item.id: gist(readable(item.input), most=160) for item in dev}
    pairs = sorted(found.copies if found is not None else (), key=lambda copy: not copy.leak)
    for copy in pairs[:MOST_ROWS]:
        open_ = copy.splits == ("dev", "dev")
        yield CopyRow(
            leak=copy.leak,
            item=copy.item,
            other=copy.other,
            where=f"{copy.splits[0]} and {copy.splits[1]}" if copy.leak else copy.splits[0],
            score=format_value(copy.score, unit="ratio"),
            texts=(texts.get(copy.item, ""), texts.get(copy.other, "")) if open_ else ("", ""),
        )


def copies_said(found: Checked | None, version: GoldVersion) -> str:
    if found is None:
        return f"{version.items:,} items are too many to compare while you wait."
    compared = f"{count(found.items, 'item')} compared word for word"
    if not found.copies:
        return f"{compared}: none is nearly another one."
    more = f", of which {MOST_ROWS} are shown" if len(found.copies) > MOST_ROWS else ""
    inside = len(found.copies) - found.leaked
    return (
        f"{compared}: {count(found.leaked, 'pair')} across splits, {count(inside, 'pair')} within one{more}."
    )
