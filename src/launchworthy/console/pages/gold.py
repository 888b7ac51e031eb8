"""``/gold``: gold sets, and what their holdouts have cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import count, moment, page_url
from launchworthy.gold import SEALED, GoldVersion, Look

__all__ = ["PAGE", "GoldListView", "GoldRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldRow:
    """One gold set in the list: its newest version, of which ``items`` are those that count."""

    product: str
    name: str
    url: str
    version: str
    items: str
    slices: str
    dev: str
    holdout: str
    versions: str
    waiting: str
    looks: str
    frozen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldListView:
    """What the list of gold sets receives."""

    head: Head
    rows: tuple[GoldRow, ...]
    empty: Empty | None


def view(reading: Reading, _: Ask) -> GoldListView:
    """Every gold set of every product."""
    rows: list[GoldRow] = []
    items = 0
    for product in reading.products():
        by_name: dict[str, list[GoldVersion]] = {}
        for version in reading.gold_versions(product=product):
            by_name.setdefault(version.name, []).append(version)
        for name, versions in sorted(by_name.items()):
            looks = reading.looks(product=product, name=name)
            rows.append(_list_row(versions, looks))
            items += sum(versions[0].splits.values())
    return GoldListView(
        head=Head(
            title=f"{count(len(rows), 'gold set')} with {count(items, 'item')}"
            if rows
            else "No gold set yet",
            reason="Private, versioned by content; every reading of a holdout is counted." if rows else "",
            section="gold",
        ),
        rows=tuple(rows),
        empty=None
        if rows
        else Empty(
            what="A gold set is a list of questions with their right answers, in slices, with a holdout.",
            command="launchworthy gold import FILE --name NAME",
        ),
    )


def _list_row(versions: Sequence[GoldVersion], looks: Sequence[Look]) -> GoldRow:
    newest = versions[0]
    return GoldRow(
        product=newest.product,
        name=newest.name,
        url=page_url("gold", newest.product, newest.name),
        version=newest.version,
        items=f"{sum(newest.splits.values()):,}",
        slices=f"{len(newest.slices):,}",
        dev=f"{newest.splits.get('dev', 0):,}",
        holdout=f"{newest.splits.get('holdout', 0):,}",
        versions=f"{len(versions):,}",
        waiting=f"{newest.waiting:,}" if newest.waiting else "",
        looks=f"{sum(look.split != SEALED for look in looks):,}",
        frozen=moment(newest.created_at),
    )


PAGE = Page(name="gold", path="/gold", template="gold.html", view=view)
