"""A verdict as Markdown for a pull request. Pure; what others wrote cannot become markup, HTML or a mention.

May import this room only. The flavour is GitHub's: CommonMark with tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import Verdict
from launchworthy.evidence.wording import (
    MARKS,
    clean,
    cure_text,
    date_text,
    judged_line,
    measured_text,
    origin_text,
    plan_text,
    promise_text,
    ready_line,
    served_text,
    stage_text,
    unmeasured,
)

__all__ = ["verdict_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]|~$]|:(?=//|[\w+-]+:))")
# Unseen; keeps @name from calling somebody, #1 from naming an issue, www. from becoming a link.
_WORD_JOINER = "\u2060"


def verdict_markdown(verdict: Verdict) -> str:
    """The verdict as a Markdown document; its heading is the conclusion."""
    return "\n".join(_lines(verdict)) + "\n"


def _lines(verdict: Verdict) -> Iterator[str]:
    stage = verdict.subject
    yield f"## {MARKS[stage.state]} {_text(verdict.conclusion)}"
    yield ""
    yield _text(judged_line(verdict)) + "."
    if stage.blocking:
        yield ""
        yield f"**{_text(ready_line(stage))}.**"
        yield ""
        yield f"### What blocks {_text(stage.name)}"
        yield from _blocking(stage.blocking)
    standing = [each for each in stage.needed if each.state.admits]
    if standing:
        yield ""
        count = "1 claim stands" if len(standing) == 1 else f"{len(standing):,} claims stand"
        yield f"<details><summary>{count}</summary>"
        yield ""
        yield from _table(standing, last="rests on", tell=_origins)
        yield ""
        yield "</details>"
    if verdict.serving:
        yield ""
        yield "### Serving"
        yield ""
        yield from (f"- {_text(served_text(row, verdict))}" for row in verdict.serving)
    yield ""
    yield "### Stages"
    yield ""
    yield from (
        f"- {MARKS[row.state]} {_text(stage_text(row))}; {_text(date_text(row))}" for row in verdict.stages
    )


def _blocking(blocking: Sequence[ClaimStatus]) -> Iterator[str]:
    order = sorted(blocking, key=lambda each: each.state is not State.UNMET)
    told = [each for each in order if not unmeasured(each)]
    if told:
        yield ""
        yield from _table(told, last="next", tell=_next)
    rest = [each.claim.address for each in order if unmeasured(each)]
    if rest:
        count = "1 claim is" if len(rest) == 1 else f"{len(rest):,} claims are"
        yield ""
        yield f"<details><summary>{count} unproven because nothing here measures them yet</summary>"
        yield ""
        yield from (f"- {_code(address)}" for address in rest)
        yield ""
        yield "</details>"


def _table(rows: Sequence[ClaimStatus], *, last: str, tell: Callable[[ClaimStatus], str]) -> Iterator[str]:
    yield f"| state | claim | why | {last} |"
    yield "|---|---|---|---|"
    for each in rows:
        label = " (simulated users)" if each.evidence is not None and each.evidence.simulated else ""
        yield (
            f"| {MARKS[each.state]} {each.state.value}{label} | {_code(each.claim.address)}<br>"
            f"{_text(promise_text(each.claim))} | {_text(each.reason)} | {tell(each)} |"
        )


def _next(each: ClaimStatus) -> str:
    parts = []
    if each.plan is not None:
        parts.append(_text(plan_text(each.plan)))
    elif each.state is State.UNMET:
        parts.append(_text(cure_text(each)))
    return "<br>".join([*parts, *_parts_of_origin(each)])


def _origins(each: ClaimStatus) -> str:
    return "<br>".join(_parts_of_origin(each))


def _parts_of_origin(each: ClaimStatus) -> list[str]:
    own = [] if each.evidence is None else [f"from {_text(origin_text(each.evidence))}"]
    others = [
        f"against it: {_text(measured_text(other))}, {_text(origin_text(other))}"
        for other in each.contradicting
    ]
    return own + others


def _text(text: str) -> str:
    """Text that reads as it is written: no emphasis, link, image, table cell, HTML, mention or reference."""
    plain = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = _SPECIAL.sub(r"\\\1", plain)
    plain = re.sub(r"((?<!\w)@(?=\w)|#(?=\d))", rf"\1{_WORD_JOINER}", plain)
    return re.sub(r"(?i)\bwww\.", lambda match: f"{match[0][:3]}{_WORD_JOINER}.", plain)


def _code(text: str) -> str:
    """Inline code, also for text with backticks and bars of its own."""
    plain = clean(text).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}"
