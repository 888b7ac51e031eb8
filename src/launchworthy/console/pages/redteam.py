"""``/products/{product}/redteam``: which attacks succeed, what is refused for no reason, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import FamilyMark, families_plot
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, moment, page_url, short
from launchworthy.contract import claims
from launchworthy.errors import NotFoundError
from launchworthy.evals.gist import gist_of
from launchworthy.evals.redteam import Board, BoardRow, board_of, is_red_team, planned
from launchworthy.quantity import format_interval, format_value
from launchworthy.records import Run
from launchworthy.stats import Interval

__all__ = ["PAGE", "ClaimRow", "FamilyRow", "RedTeamView", "WorstRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """One family of attacks, in words."""

    name: str
    doc: str
    state: str
    mark: str
    word: str
    attempts: str
    rate: str
    target: str
    unscored: str
    over_refusal: str
    untold: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """One claim of the contract that attacks speak for, by all its evidence."""

    claim: Link
    state: str
    mark: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRow:
    """One attack that succeeded."""

    attempt: Link
    because: str
    trace: Link
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RedTeamView:
    """What the page receives; ``runs`` are the other runs of attacks, newest first."""

    head: Head
    claims: tuple[ClaimRow, ...]
    plot: Markup | None
    rows: tuple[FamilyRow, ...]
    worst: tuple[WorstRow, ...]
    more: int
    left_out: tuple[str, ...]
    runs: tuple[Link, ...]
    run: Link
    baseline: Link
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> RedTeamView:
    """The newest run of attacks, or the one that is asked for, beside the one before it."""
    product = ask.path["product"]
    contract = reading.contract(product)
    if contract is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    runs = [run for run in reading.runs(product=product) if is_red_team(run)]
    wanted = ask.query.get("run", "")
    run = next((each for each in runs if each.id == wanted), None) or _newest(runs)
    if run is None:
        return _nothing(reading, product)
    plan, _ = planned(run)
    old = _before(runs, run)
    items = gist_of(reading.run_items(run.id))
    board = board_of(
        items,
        claims=claims(contract),
        asked=plan.claims,
        baseline=None if old is None else gist_of(reading.run_items(old.id)),
    )
    newly = {name for row in board.rows for name in row.newly}
    return RedTeamView(
        head=_head(product, title=_title(board), reason=_reason(run, board, old)),
        claims=_claims(reading, product),
        plot=_plot(board),
        rows=tuple(map(_row, board.rows)),
        worst=tuple(
            WorstRow(
                attempt=Link(text=each.item_id, url=page_url("runs", run.id, "items", each.item_id)),
                because=each.because,
                trace=Link(
                    text=(each.trace_id or "")[:12],
                    url=page_url("traces", each.trace_id) if each.trace_id else "",
                ),
                new=each.item_id in newly,
            )
            for each in board.worst
        ),
        more=board.all.succeeded - len(board.worst),
        left_out=tuple(f"{_words(name)}: {why}" for name, why in plan.left_out.items()),
        runs=tuple(
            Link(
                text=f"{each.release}, {moment(each.started_at)}",
                url=page_url("products", product, "redteam", run=each.id),
            )
            for each in runs[:10]
            if each.id != run.id
        ),
        run=Link(text=run.id, url=page_url("runs", run.id)),
        baseline=Link(
            text="" if old is None else old.id, url="" if old is None else page_url("runs", old.id)
        ),
        empty=None,
    )


def _newest(runs: Sequence[Run]) -> Run | None:
    return next((each for each in runs if each.status == "complete"), runs[0] if runs else None)


def _before(runs: Sequence[Run], run: Run) -> Run | None:
    """The newest complete run of another release on the same attempts."""
    return next(
        (
            each
            for each in runs
            if each.started_at < run.started_at
            and (each.release != run.release and each.gold == run.gold)
            and each.status == "complete"
        ),
        None,
    )


def _nothing(reading: Reading, product: str) -> RedTeamView:
    blank = Link(text="")
    return RedTeamView(
        head=_head(product, title="Nobody has attacked this product yet", reason=""),
        claims=_claims(reading, product),
        plot=None,
        rows=(),
        worst=(),
        more=0,
        left_out=(),
        runs=(),
        run=blank,
        baseline=blank,
        empty=Empty(
            what="A red team tries what an attacker would, on your own code and models, with tools that "
            "only note that they were called.",
            command="launchworthy redteam --target MODULE:NAME",
        ),
    )


def _head(product: str, *, title: str, reason: str) -> Head:
    return Head(
        title=title,
        reason=reason,
        section="products",
        trail=(
            Link(text="Products", url="/"),
            Link(text=short(product, most=60), url=page_url("products", product)),
            Link(text="Red team"),
        ),
    )


def _title(board: Board) -> str:
    refused = board.all.over_refusal
    told = board.conclusion
    if refused is not None and refused.value > 0:
        return f"{told}; {format_value(refused.value, unit='ratio')} of harmless requests were refused"
    return told


def _reason(run: Run, board: Board, old: Run | None) -> str:
    parts = [f"Release {run.release}, {moment(run.started_at)}, target {short(run.target, most=80)}."]
    if run.status != "complete":
        parts.append(f"The run is {run.status}, so it proves nothing.")
    if old is not None:
        newly = sum(len(row.newly) for row in board.rows)
        what = f"{count(newly, 'attack')} {'succeeds' if newly == 1 else 'succeed'} that did not before."
        parts.append(f"Against {old.release}: {what if newly else 'no attack succeeds that did not before.'}")
    return " ".join(parts)


def _claims(reading: Reading, product: str) -> tuple[ClaimRow, ...]:
    verdict = reading.verdict(product)
    return tuple(
        ClaimRow(
            claim=Link(
                text=each.claim.address.removeprefix(f"{product}/"),
                url=page_url("products", product, "claims", *each.claim.address.split("/")),
            ),
            state=each.state.value,
            mark=MARKS[each.state],
            reason=each.reason,
        )
        for each in (() if verdict is None else verdict.statuses)
        if each.claim.family == "abuse"
    )


def _plot(board: Board) -> Markup | None:
    marks = [
        FamilyMark(
            name=_words(row.family),
            value=row.rate.value,
            low=row.rate.low,
            high=row.rate.high,
            n=row.rate.n,
            at_most=row.at_most,
            state=_state(row)[0],
        )
        for row in board.rows
        if row.rate is not None
    ]
    return families_plot(marks, title="Success rate of each family of attacks") if marks else None


def _state(row: BoardRow) -> tuple[str, str, str]:
    if row.beyond:
        return "unmet", "✕", "unmet"
    if row.at_most is None and row.rate is not None:
        return ("unmet", "✕", "succeeds") if row.succeeded else ("met", "●", "none succeeds")
    within = row.rate is not None and row.at_most is not None and row.rate.high <= row.at_most
    return ("met", "●", "met") if within and not row.unscored else ("unproven", "◌", "unproven")


def _row(row: BoardRow) -> FamilyRow:
    state, mark, word = _state(row)
    return FamilyRow(
        name=_words(row.family),
        doc=row.doc,
        state=state,
        mark=mark,
        word=word,
        attempts=f"{row.attempts:,}",
        rate=_interval(row.rate),
        target="" if row.at_most is None else f"at most {format_value(row.at_most, unit='ratio')}",
        unscored=f"{row.unscored:,}" if row.unscored else "",
        over_refusal=_interval(row.over_refusal),
        untold=f"{count(row.untold, 'twin')} told nothing" if row.untold else "",
        change="" if row.change is None else str(row.change),
    )


def _interval(found: Interval | None) -> str:
    return (
        "" if found is None else format_interval(found.value, found.low, found.high, n=found.n, unit="ratio")
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


PAGE = Page(name="redteam", path="/products/{product}/redteam", template="redteam.html", view=view)
