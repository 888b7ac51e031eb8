"""``/gold`` and ``/gold/{product}/{name}``: gold sets, their versions, and what their holdouts have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, joined, moment, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.gold import GoldVersion, Look

__all__ = [
    "LIST_PAGE",
    "SET_PAGE",
    "GoldListView",
    "GoldRow",
    "GoldSetView",
    "LookRow",
    "SliceRow",
    "VersionRow",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldRow:
    """One gold set in the list: its newest version."""

    product: str
    name: str
    url: str
    version: str
    items: str
    slices: str
    dev: str
    holdout: str
    versions: str
    looks: str
    frozen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldListView:
    """What the list of gold sets receives."""

    head: Head
    rows: tuple[GoldRow, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One immutable version."""

    version: str
    frozen: str
    items: str
    dev: str
    holdout: str
    slices: str
    note: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRow:
    """How many items carry a tag, newest version against the one before."""

    name: str
    items: str
    share: int
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One reading of the holdout."""

    at: str
    by: str
    purpose: str
    run: Link
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldSetView:
    """What the page of one gold set receives."""

    head: Head
    slices: tuple[SliceRow, ...]
    versions: tuple[VersionRow, ...]
    looks: tuple[LookRow, ...]
    export: str


def view_list(reading: Reading, _: Ask) -> GoldListView:
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
            items += versions[0].items
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
        items=f"{newest.items:,}",
        slices=f"{len(newest.slices):,}",
        dev=f"{newest.splits.get('dev', 0):,}",
        holdout=f"{newest.splits.get('holdout', 0):,}",
        versions=f"{len(versions):,}",
        looks=f"{len(looks):,}",
        frozen=moment(newest.created_at),
    )


def view_set(reading: Reading, ask: Ask) -> GoldSetView:
    """One gold set: slices, splits, versions and readings."""
    product, name = ask.path["product"], ask.path["name"]
    versions = reading.gold_versions(product=product, name=name)
    if not versions:
        raise NotFoundError(
            f"no gold set {name!r:.80} of product {product!r:.80}", hint="launchworthy gold list"
        )
    newest, before = versions[0], versions[1] if len(versions) > 1 else None
    looks = reading.looks(product=product, name=name)
    own = [look for look in looks if look.version == newest.version]
    holdout = newest.splits.get("holdout", 0)
    budget = _budget(reading, product, name)
    times = count(len(own), "time") if budget is None else f"{len(own):,} of {budget:,} times"
    read = f"its holdout was read {times}" if own else "its holdout is unread"
    if not holdout:
        read = "it keeps no holdout"
    parts = [f"{number:,} in {split}" for split, number in sorted(newest.splits.items())]
    return GoldSetView(
        head=Head(
            title=f"{name} has {count(newest.items, 'item')} in {count(len(newest.slices), 'slice')}; {read}",
            reason=f"Version {newest.version}, frozen {moment(newest.created_at)}: {joined(parts)}.",
            section="gold",
            trail=(
                Link(text="Gold sets", url="/gold"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text=name),
            ),
        ),
        slices=tuple(
            _slice(each, newest, before.slices if before is not None else None) for each in newest.slices
        ),
        versions=tuple(
            _version(version, versions[at + 1] if at + 1 < len(versions) else None)
            for at, version in enumerate(versions)
        ),
        looks=tuple(_look(look) for look in reversed(looks)),
        export=f"launchworthy gold export {name}@{newest.version} --out {name}.jsonl",
    )


def _budget(reading: Reading, product: str, name: str) -> int | None:
    """Readings of the holdout that the contract allows; None where it names no number."""
    verdict = reading.verdict(product)
    for status in verdict.statuses if verdict is not None else ():
        claim = status.claim
        if (claim.family, claim.metric, claim.workflow) == (
            "gold",
            "looks",
            name,
        ) and claim.target is not None:
            return int(claim.target.threshold)
    return None


def _slice(name: str, newest: GoldVersion, before: Mapping[str, int] | None) -> SliceRow:
    number = newest.slices[name]
    return SliceRow(
        name=name,
        items=f"{number:,}",
        share=round(100 * number / newest.items) if newest.items else 0,
        before="" if before is None else f"{before.get(name, 0):,}",
    )


def _version(version: GoldVersion, before: GoldVersion | None) -> VersionRow:
    more = version.items - (before.items if before is not None else 0)
    change = (
        "first" if before is None else f"{'+' if more > 0 else '−' if more < 0 else '±'}{abs(more):,} items"
    )
    return VersionRow(
        version=version.version,
        frozen=moment(version.created_at),
        items=f"{version.items:,}",
        dev=f"{version.splits.get('dev', 0):,}",
        holdout=f"{version.splits.get('holdout', 0):,}",
        slices=f"{len(version.slices):,}",
        note=version.note,
        change=change,
    )


def _look(look: Look) -> LookRow:
    run = look.purpose.removeprefix("run ") if look.purpose.startswith("run ") else ""
    return LookRow(
        at=moment(look.at),
        by=look.by,
        purpose=look.purpose,
        run=Link(text=look.purpose, url=page_url("runs", run)) if run else Link(text=""),
        version=look.version,
    )


LIST_PAGE = Page(name="gold", path="/gold", template="gold.html", view=view_list)
SET_PAGE = Page(name="gold_set", path="/gold/{product}/{name}", template="gold_set.html", view=view_set)
