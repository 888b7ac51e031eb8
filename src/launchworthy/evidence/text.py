"""A verdict as plain text for a terminal: the conclusion, what blocks, what stands, what comes next. Pure.

May import this room only. Lines of others are cleaned, so that they cannot write on the terminal themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import Verdict
from launchworthy.evidence.wording import (
    MARKS,
    clean,
    command_text,
    cure_text,
    date_text,
    judged_line,
    measured_text,
    origin_text,
    plan_text,
    promise_text,
    ready_line,
    repository_path,
    served_text,
    stage_text,
    unmeasured,
)

__all__ = ["verdict_text"]

_LISTED = 8  # addresses shown of the claims that nothing measures


def verdict_text(verdict: Verdict, *, root: PurePath | None = None) -> str:
    """The verdict in lines, the first its conclusion; files below ``root`` are named from there."""
    return "\n".join(_lines(verdict, root)) + "\n"


def _lines(verdict: Verdict, root: PurePath | None) -> Iterator[str]:
    stage = verdict.subject
    yield clean(verdict.conclusion)
    yield judged_line(verdict, root=root)
    if stage.blocking:
        yield ready_line(stage)
    yield from _blocking(stage.name, stage.blocking, root)
    yield from _standing(stage.name, [each for each in stage.needed if each.state.admits])
    if verdict.serving:
        yield ""
        yield "Serving"
        yield from (f"  {served_text(row, verdict)}" for row in verdict.serving)
    yield ""
    yield "Stages"
    for row in verdict.stages:
        yield f"  {MARKS[row.state]} {stage_text(row)}; {date_text(row)}"


def _blocking(stage: str, blocking: Sequence[ClaimStatus], root: PurePath | None) -> Iterator[str]:
    if not blocking:
        return
    yield ""
    yield clean(f"What blocks {stage}")
    order = sorted(blocking, key=lambda each: each.state is not State.UNMET)
    for each in (one for one in order if not unmeasured(one)):
        yield from _claim(each, root)
    rest = [each.claim.address for each in order if unmeasured(each)]
    if rest:
        yield f"  {MARKS[State.UNPROVEN]} unproven  {_count(rest)} that nothing here measures yet"
        yield from (f"      {clean(address)}" for address in rest[:_LISTED])
        if len(rest) > _LISTED:
            yield f"      and {len(rest) - _LISTED:,} more; --json lists them all"
        yield "      next: add evidence measured elsewhere (launchworthy evidence add), or waive them"


def _claim(each: ClaimStatus, root: PurePath | None) -> Iterator[str]:
    place = ""
    if (line := each.claim.place) is not None:
        place = f" ({replace(line, file=repository_path(line.file, root=root))})"
    yield f"  {MARKS[each.state]} {each.state.value:8}  {clean(each.claim.address + place)}"
    yield f"      {promise_text(each.claim)}"
    yield f"      {clean(each.reason)}"
    if each.evidence is not None:
        yield f"      from: {origin_text(each.evidence)}"
    for other in each.contradicting:
        yield f"      against it: {measured_text(other)}, {origin_text(other)}"
    if each.plan is not None:
        command = command_text(each.claim) if each.evidence is None else ""
        measures = f" ({command})" if command and command not in each.plan.what else ""
        yield f"      next: {plan_text(each.plan)}{measures}"
    elif each.state is State.UNMET:
        yield f"      next: {cure_text(each)}"


def _standing(stage: str, standing: Sequence[ClaimStatus]) -> Iterator[str]:
    if not standing:
        return
    yield ""
    yield clean(f"What stands for {stage}")
    for each in standing:
        label = " (simulated users)" if each.evidence is not None and each.evidence.simulated else ""
        yield f"  {MARKS[each.state]} {each.state.value:8}  {clean(each.claim.address)}{label}"
        yield f"      {promise_text(each.claim)}"
        yield f"      {clean(each.reason)}"
        if each.evidence is not None:
            yield f"      from: {origin_text(each.evidence)}"
        for other in each.contradicting:
            yield f"      against it: {measured_text(other)}, {origin_text(other)}"


def _count(rest: Sequence[str]) -> str:
    return "1 claim" if len(rest) == 1 else f"{len(rest):,} claims"
