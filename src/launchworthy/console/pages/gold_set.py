"""``/gold/{product}/{name}``: one gold set: what it keeps back, what waits for review, what stands twice."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import spending_plot
from launchworthy.console.claims import ClaimRow, claim_row
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.payload import gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, joined, moment, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus, State
from launchworthy.gold import SEALED, Checked, GoldItem, GoldVersion, Look, ReviewStatus
from launchworthy.quantity import format_value

__all__ = [
    "PAGE",
    "CopyRow",
    "GoldSetView",
    "LookRow",
    "SealedRow",
    "SliceRow",
    "VersionRow",
    "WaitingRow",
    "newest_version",
]

_MOST = 50


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
    """One reading of what is kept back."""

    at: str
    by: str
    purpose: str
    run: Link
    version: str
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """How often the sealed split was read for one release."""

    release: str
    times: str
    last: str
    once: bool


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
    budget = _budget(statuses)
    found = reading.gold_check(newest)
    dev = _dev(reading, newest, found)
    waiting = [item for item in dev if _waits(item)]
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
        looks=tuple(_look(look, spent) for look in reversed(looks) if look.split != SEALED)[:_MOST],
        older=max(0, sum(look.split != SEALED for look in looks) - _MOST),
        sealed=tuple(_sealed(reading.looks_spent(newest, split=SEALED))),
        sealed_said=_sealed_said(newest),
        waiting=tuple(_waiting(item) for item in waiting[:_MOST]),
        hidden=_hidden(newest, waiting),
        review=f"launchworthy gold review {named}",
        copies=tuple(_copies(found, dev)),
        copies_said=_copies_said(found, newest),
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


def _budget(statuses: Iterable[ClaimStatus]) -> int | None:
    """Readings of the holdout that the contract allows; None where it names no number."""
    for status in statuses:
        if status.claim.metric == "looks" and status.claim.target is not None:
            return int(status.claim.target.threshold)
    return None


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


def _look(look: Look, spent: Sequence[Look]) -> LookRow:
    run = look.purpose.rpartition(" ")[2] if look.purpose.startswith(("run ", "console run ")) else ""
    return LookRow(
        at=moment(look.at),
        by=look.by,
        purpose=look.purpose,
        run=Link(text=look.purpose, url=page_url("runs", run)) if run else Link(text=""),
        version=look.version,
        counts=look in spent,
    )


def _sealed(looks: Sequence[Look]) -> Iterable[SealedRow]:
    times = Counter(look.release or "" for look in looks)
    for release, number in times.items():
        yield SealedRow(
            release=release or "every release",
            times=count(number, "time"),
            last=moment(max(look.at for look in looks if (look.release or "") == release)),
            once=number == 1 and (times[""] == 0 or not release),
        )


def _sealed_said(version: GoldVersion) -> str:
    number = version.splits.get(SEALED, 0)
    if not number:
        return "No item is sealed. Write sealed: 20 % in the contract to keep some for the launch gate alone."
    return f"{count(number, 'item')} that only the launch gate reads, once for each release."


def _dev(reading: Reading, newest: GoldVersion, found: Checked | None) -> list[GoldItem]:
    """Items that may be shown, where any of them is."""
    if not newest.waiting and (found is None or not found.copies):
        return []
    return reading.gold_items(product=newest.product, name=newest.name, version=newest.version, split="dev")


def _waits(item: GoldItem) -> bool:
    return item.review is not None and item.review.status is ReviewStatus.PROPOSED


def _hidden(newest: GoldVersion, waiting: Sequence[GoldItem]) -> str:
    kept_back, unlisted = newest.waiting - len(waiting), max(0, len(waiting) - _MOST)
    parts = [f"{count(unlisted, 'more item')} {'waits' if unlisted == 1 else 'wait'}"] if unlisted else []
    if kept_back == 1:
        parts.append("1 item waits in what is kept back and is not shown")
    elif kept_back > 1:
        parts.append(f"{kept_back:,} items wait in what is kept back and are not shown")
    return "; ".join(parts)


def _waiting(item: GoldItem) -> WaitingRow:
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


def _copies(found: Checked | None, dev: Sequence[GoldItem]) -> Iterable[CopyRow]:
    """What stands in two splits first, then the most alike."""
    texts = {item.id: gist(readable(item.input), most=160) for item in dev}
    pairs = sorted(found.copies if found is not None else (), key=lambda copy: not copy.leak)
    for copy in pairs[:_MOST]:
        open_ = copy.splits == ("dev", "dev")
        yield CopyRow(
            leak=copy.leak,
            item=copy.item,
            other=copy.other,
            where=f"{copy.splits[0]} and {copy.splits[1]}" if copy.leak else copy.splits[0],
            score=format_value(copy.score, unit="ratio"),
            texts=(texts.get(copy.item, ""), texts.get(copy.other, "")) if open_ else ("", ""),
        )


def _copies_said(found: Checked | None, version: GoldVersion) -> str:
    if found is None:
        return f"{version.items:,} items are too many to compare while you wait."
    compared = f"{count(found.items, 'item')} compared word for word"
    if not found.copies:
        return f"{compared}: none is nearly another one."
    more = f", of which {_MOST} are shown" if len(found.copies) > _MOST else ""
    inside = len(found.copies) - found.leaked
    return (
        f"{compared}: {count(found.leaked, 'pair')} across splits, {count(inside, 'pair')} within one{more}."
    )


PAGE = Page(name="gold_set", path="/gold/{product}/{name}", template="gold_set.html", view=view)
