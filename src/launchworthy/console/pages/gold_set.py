"""``/gold/{product}/{name}``: one gold set: what it keeps back, what waits for review, what stands twice."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import spending_plot
from launchworthy.console.claims import ClaimRow, claim_row
from launchworthy.console.gold_items import (
    MOST_ROWS,
    CopyRow,
    WaitingRow,
    copies_said,
    copy_rows,
    dev_items,
    hidden_said,
    waiting_row,
    waits,
)
from launchworthy.console.gold_looks import (
    LookRow,
    SealedRow,
    budget_of,
    look_row,
    sealed_rows,
    sealed_said,
)
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, joined, moment, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus, State
from launchworthy.gold import SEALED, Checked, GoldVersion, Look

__all__ = [
    "PAGE",
    "GoldSetView",
    "SliceRow",
    "VersionRow",
    "newest_version",
]


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
class GoldSetView:
    """What the page of one gold set receives.

    ``claims`` are those of the contract about this set that are not met, and ``met`` the others.
    ``copies_said`` says how many near-copies there are, or why nobody looked; ``hidden`` how many items wait
    in what is kept back, of which nothing is shown.
    """

    head: Head
    claims: tuple[ClaimRow, ...]
    met: tuple[ClaimRow, ...]
    figures: tuple[tuple[str, str], ...]
    slices: tuple[SliceRow, ...]
    versions: tuple[VersionRow, ...]
    spending: Markup
    looks: tuple[LookRow, ...]
    older: int
    sealed: tuple[SealedRow, ...]
    sealed_said: str
    waiting: tuple[WaitingRow, ...]
    hidden: str
    review: str
    copies: tuple[CopyRow, ...]
    copies_said: str
    check: str
    coverage: Link
    export: str


def newest_version(reading: Reading, *, product: str, name: str) -> GoldVersion:
    """The newest version of a set.

    Raises:
        NotFoundError: No such set.
    """
    versions = reading.gold_versions(product=product, name=name)
    if not versions:
        raise NotFoundError(
            f"no gold set {name!r:.80} of product {product!r:.80}", hint="launchworthy gold list"
        )
    return versions[0]


def view(reading: Reading, ask: Ask) -> GoldSetView:
    """One gold set: its claims, slices, readings, review, near-copies and versions."""
    product, name = ask.path["product"], ask.path["name"]
    newest = newest_version(reading, product=product, name=name)
    versions = reading.gold_versions(product=product, name=name)
    before = versions[1] if len(versions) > 1 else None
    statuses = _statuses(reading, product, name)
    rows = [claim_row(status, product=product) for status in statuses]
    looks = reading.looks(product=product, name=name)
    spent = reading.looks_spent(newest, split="holdout")
    opened = reading.looks_spent(newest, split=SEALED)
    budget = budget_of(statuses, metric="looks")
    found = reading.gold_check(newest)
    dev = dev_items(reading, newest, found)
    waiting = [item for item in dev if waits(item)]
    proving = sum(newest.splits.values())
    named = shlex.quote(name)
    return GoldSetView(
        head=Head(
            title=_title(newest, spent, budget, found),
            reason=f"Version {newest.version}, frozen {moment(newest.created_at)}: {_splits(newest)}.",
            section="gold",
            trail=(
                Link(text="Gold sets", url="/gold"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text=name),
            ),
        ),
        claims=tuple(row for row in rows if row.state != State.MET),
        met=tuple(row for row in rows if row.state == State.MET),
        figures=(
            ("May be asked and counts", count(proving, "item")),
            ("Waits for review", count(newest.waiting, "item")),
            ("Rejected", count(newest.rejected, "item")),
        ),
        slices=tuple(
            _slice(each, newest, before.slices if before is not None else None) for each in newest.slices
        ),
        versions=tuple(
            _version(version, versions[at + 1] if at + 1 < len(versions) else None)
            for at, version in enumerate(versions)
        ),
        spending=spending_plot(
            [look.at for look in spent], budget=budget, title=f"Readings of the holdout of {name}"
        )
        if spent
        else Markup(""),
        looks=tuple(look_row(look, spent) for look in reversed(looks) if look.split != SEALED)[:MOST_ROWS],
        older=max(0, sum(look.split != SEALED for look in looks) - MOST_ROWS),
        sealed=tuple(sealed_rows(opened)),
        sealed_said=sealed_said(newest, opened, budget=budget_of(statuses, metric="sealed_looks")),
        waiting=tuple(waiting_row(item) for item in waiting[:MOST_ROWS]),
        hidden=hidden_said(newest, waiting),
        review=f"launchworthy gold review {named}",
        copies=tuple(copy_rows(found, dev)),
        copies_said=copies_said(found, newest),
        check=f"launchworthy gold check {named} --against prompts/",
        coverage=Link(text="Does it ask what users ask?", url=page_url("gold", product, f"{name}/coverage")),
        export=f"launchworthy gold export {name}@{newest.version} --out {name}.jsonl",
    )


def _statuses(reading: Reading, product: str, name: str) -> list[ClaimStatus]:
    """Claims of the contract about this set."""
    verdict = reading.verdict(product)
    return [
        status
        for status in (verdict.statuses if verdict is not None else ())
        if status.claim.family == "gold" and status.claim.address.split("/")[2:3] == [name]
    ]


def _title(newest: GoldVersion, spent: Sequence[Look], budget: int | None, found: Checked | None) -> str:
    times = count(len(spent), "time") if budget is None else f"{len(spent):,} of {budget:,} times"
    read = f"its holdout was read {times}" if spent else "its holdout is unread"
    if not newest.splits.get("holdout", 0):
        read = "it keeps no holdout"
    proving = sum(newest.splits.values())
    parts = [f"{newest.name} has {count(proving, 'item')} in {count(len(newest.slices), 'slice')}", read]
    if found is not None and found.leaked:
        parts.append(
            f"{count(found.leaked, 'near-copy stands', plural='near-copies stand')} in another split"
        )
    if newest.waiting:
        parts.append(f"{newest.waiting:,} {'waits' if newest.waiting == 1 else 'wait'} for review")
    return "; ".join(parts)


def _splits(version: GoldVersion) -> str:
    return (
        joined([f"{number:,} in {split}" for split, number in sorted(version.splits.items())])
        or "no item counts"
    )


def _slice(name: str, newest: GoldVersion, before: Mapping[str, int] | None) -> SliceRow:
    number, proving = newest.slices[name], sum(newest.splits.values())
    return SliceRow(
        name=name,
        items=f"{number:,}",
        share=round(100 * number / proving) if proving else 0,
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


PAGE = Page(name="gold_set", path="/gold/{product}/{name}", template="gold_set.html", view=view)
