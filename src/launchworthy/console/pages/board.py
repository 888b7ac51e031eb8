"""``/products/{product}``: the launch board, each line of the contract's checklist with its claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.console.claims import ClaimRow, claim_row, tally, worst_state
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.judges import judges_among
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, moment, page_url, sentence, short
from launchworthy.contract import Contract, board
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus, State
from launchworthy.quantity import format_value

if TYPE_CHECKING:
    from launchworthy.evidence import Verdict

__all__ = ["PAGE", "BoardLine", "BoardView", "ServedRow", "StageRow", "Work"]

_RANK = {State.UNMET: 0, State.UNPROVEN: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One rollout stage in the strip."""

    name: str
    share: str
    state: str
    mark: str
    blockers: str
    ready: str
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done before the next stage, each claim once: what the product must change, what more
    evidence would settle, what nothing measures yet, and what is unmet but only needed later."""

    title: str
    gist: str
    unmet: tuple[ClaimRow, ...]
    unproven: tuple[ClaimRow, ...]
    unmeasured: tuple[ClaimRow, ...]
    later: tuple[ClaimRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLine:
    """One line of the checklist: ready when every claim under it is met.

    ``missing`` names what the line asks for and under which no claim stands.
    """

    name: str
    state: str
    mark: str
    gist: str
    blocks: bool
    claims: tuple[ClaimRow, ...]
    unmeasured: tuple[ClaimRow, ...]
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRow:
    """A release seen in traffic, beside the one judged."""

    release: str
    share: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """What the launch board receives; ``empty`` is set where there is no contract.

    ``problems`` says why the contract file cannot be read as it stands now: the board then shows the last
    version that could be.
    """

    head: Head
    problems: tuple[str, ...]
    product: str
    state: str
    mark: str
    claims: str
    ready: str
    stages: tuple[StageRow, ...]
    work: Work | None
    lines: tuple[BoardLine, ...]
    serving: tuple[ServedRow, ...]
    links: tuple[Link, ...]
    simulated: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> BoardView:
    """Judge the product and sort its claims by the lines of its checklist."""
    product = ask.path["product"]
    verdict, contract = reading.verdict(product), reading.contract(product)
    if verdict is None or contract is None:
        if product not in reading.products():
            raise NotFoundError(f"no product {product!r:.80}", hint="the overview lists every product")
        return _without_contract(product, problems=tuple(reading.problems(product)))
    subject = verdict.subject
    rows = {each.claim.address: claim_row(each, product=product) for each in verdict.statuses}
    return BoardView(
        head=Head(
            title=verdict.conclusion,
            reason=_reason(verdict),
            section="products",
            trail=(Link(text="Products", url="/"), Link(text=short(product, most=60))),
        ),
        problems=tuple(reading.problems(product)),
        product=product,
        state=subject.state.value,
        mark=MARKS[subject.state],
        claims=f"{count(len(verdict.statuses), 'claim')}: {tally(each.state for each in verdict.statuses)}",
        ready=_ready(verdict),
        stages=tuple(_stages(verdict)),
        work=_work(verdict, rows),
        lines=tuple(_lines(contract, verdict, rows)),
        serving=tuple(_serving(verdict)),
        links=(
            Link(text="Product canvas", url=page_url("products", product, "canvas")),
            Link(text="Contract, line by line", url=page_url("products", product, "contract")),
            Link(text="Live traffic", url=page_url("products", product, "live")),
            Link(text="Guards", url=page_url("products", product, "guards")),
            Link(text="Red team", url=page_url("products", product, "redteam")),
            Link(text="Rollout", url=page_url("products", product, "rollout")),
            Link(text="Experiments", url=page_url("products", product, "experiments")),
            Link(text="Flags", url=page_url("products", product, "flags")),
            Link(text="Incidents", url=page_url("products", product, "incidents")),
            Link(text="Failure modes", url=page_url("products", product, "failure-modes")),
            Link(text="Drift", url=page_url("products", product, "drift")),
            Link(text="Budgets", url=page_url("products", product, "budgets")),
            *(
                [
                    Link(text="Approvals", url=page_url("products", product, "approvals")),
                    Link(text="Permissions", url=page_url("products", product, "permissions")),
                ]
                if contract.tools
                else []
            ),
            Link(text="Audit", url=page_url("products", product, "audit")),
            *(
                [Link(text="Judges", url=page_url("products", product, "judges"))]
                if judges_among(verdict.statuses)
                else []
            ),
            *_links(product),
        ),
        simulated=f"{count(len(verdict.simulated), 'claim')} rest on simulated users"
        if verdict.simulated
        else "",
        empty=None,
    )


def _without_contract(product: str, *, problems: tuple[str, ...]) -> BoardView:
    return BoardView(
        head=Head(
            title=f"{short(product, most=60)} has no contract",
            reason="Nothing is promised, so nothing can be proven.",
            section="products",
            trail=(Link(text="Products", url="/"), Link(text=short(product, most=60))),
        ),
        problems=problems,
        product=product,
        state="none",
        mark="",
        claims="",
        ready="",
        stages=(),
        work=None,
        lines=(),
        serving=(),
        links=_links(product),
        simulated="",
        empty=Empty(
            what="Records of this product arrive, but no contract says what they should show.",
            command="launchworthy init && launchworthy verdict",
        ),
    )


def _links(product: str) -> tuple[Link, ...]:
    return (
        Link(text="Traces", url=page_url("traces", product=product)),
        Link(text="Runs", url=page_url("runs", product=product)),
    )


def _reason(verdict: Verdict) -> str:
    release = f"Release {verdict.release}" if verdict.release else "No release is named"
    if verdict.release and (known := verdict.releases.get(verdict.release)) and known.label:
        release += f" ({known.label})"
    pieces = count(len(verdict.evidence), "piece") + " of evidence"
    return f"{release}, judged {moment(verdict.at)} on {pieces}."


def _ready(verdict: Verdict) -> str:
    ready = verdict.subject.ready
    if not verdict.subject.blocking:
        return ""
    if ready.on is not None:
        return f"{sentence(verdict.subject.name)} could be entered from {ready.on:%Y-%m-%d}: {ready.why}."
    return f"No date for {verdict.subject.name}: {ready.why}."


def _stages(verdict: Verdict) -> Iterable[StageRow]:
    for stage in verdict.stages:
        yield StageRow(
            name=stage.name,
            share=f"{format_value(stage.share, unit='ratio')} of users",
            state=stage.state.value,
            mark=MARKS[stage.state],
            blockers=stage.blockers or "may be entered",
            ready=f"from {stage.ready.on:%Y-%m-%d}" if stage.blocking and stage.ready.on is not None else "",
            asked=stage.name == verdict.subject.name,
        )


def _work(verdict: Verdict, rows: Mapping[str, ClaimRow]) -> Work | None:
    """What blocks the stage that the verdict is about; None where nothing does and nothing is unmet."""
    blocking = [rows[each.claim.address] for each in verdict.subject.blocking]
    known = {row.address for row in blocking}
    later = tuple(
        rows[each.claim.address]
        for each in verdict.statuses
        if each.state is State.UNMET and each.claim.address not in known
    )
    if not blocking and not later:
        return None
    return Work(
        title=f"What blocks {verdict.subject.name}" if blocking else "Unmet, though no stage waits for it",
        gist=tally(each.state for each in verdict.subject.blocking),
        unmet=tuple(row for row in blocking if row.state == State.UNMET),
        unproven=tuple(row for row in blocking if row.state != State.UNMET and not row.unmeasured),
        unmeasured=tuple(row for row in blocking if row.unmeasured),
        later=later,
    )


def _lines(contract: Contract, verdict: Verdict, rows: Mapping[str, ClaimRow]) -> list[BoardLine]:
    """The contract's checklist with its claims; what no line names comes last."""
    by_address = {each.claim.address: each for each in verdict.statuses}
    found: list[BoardLine] = []
    for line in board(contract, [each.claim for each in verdict.statuses]):
        own = [by_address[claim.address] for claim in line.claims]
        found.append(_line(line.title, own, rows, missing=line.missing, verdict=verdict))
    placed = {row.address for line in found for row in (*line.claims, *line.unmeasured)}
    rest = [each for each in verdict.statuses if each.claim.address not in placed]
    if rest:
        found.append(_line("Everything else", rest, rows, missing=(), verdict=verdict))
    return found


def _line(
    title: str,
    own: Sequence[ClaimStatus],
    rows: Mapping[str, ClaimRow],
    *,
    missing: Sequence[str],
    verdict: Verdict,
) -> BoardLine:
    state = worst_state(each.state for each in own)
    blocking = {each.claim.address for each in verdict.subject.blocking}
    ordered = sorted(own, key=lambda each: (_RANK.get(each.state, 2), each.claim.address not in blocking))
    shown = [rows[each.claim.address] for each in ordered]
    held = sum(each.claim.address in blocking for each in own)
    gist = tally(each.state for each in own) if own else "no claim stands under it"
    return BoardLine(
        name=title,
        state=state.value if state is not None else "none",
        mark=MARKS[state] if state is not None else "·",
        gist=f"{gist}; {held:,} {'blocks' if held == 1 else 'block'} {verdict.subject.name}"
        if held
        else gist,
        blocks=held > 0,
        claims=tuple(row for row in shown if not row.unmeasured),
        unmeasured=tuple(row for row in shown if row.unmeasured),
        missing=", ".join(missing),
    )


def _serving(verdict: Verdict) -> Iterable[ServedRow]:
    for served in verdict.serving:
        if served.judged:
            said = "the release judged here"
        elif served.differing_parts is None:
            said = "its parts are not known"
        elif served.differing_parts:
            said = f"differs in {', '.join(served.differing_parts)}"
        else:
            said = "has the same parts"
        yield ServedRow(release=served.release, share=format_value(served.share, unit="ratio"), said=said)


PAGE = Page(name="board", path="/products/{product:path}", template="board.html", view=view)
