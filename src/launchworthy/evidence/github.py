"""A verdict as GitHub's workflow commands: annotations at the contract's lines in a pull request. Pure.

May import this room and the standard library. Of one step GitHub shows ten errors and ten warnings, so the
claims that nothing measures share one annotation, and what only a later stage needs has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from launchworthy.contract.claim import Place
from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import Verdict
from launchworthy.evidence.wording import (
    clean,
    judged_line,
    plan_text,
    ready_line,
    repository_path,
    unmeasured,
)

__all__ = ["verdict_github"]

_NAMED = 8


def verdict_github(verdict: Verdict, *, root: PurePath | None = None) -> str:
    """An ``::error`` for each unmet claim that blocks, a ``::warning`` for each unproven one, the conclusion
    last.

    Args:
        verdict: What was judged.
        root: Folder of the repository: paths of the contract are told from there.
    """
    return "\n".join(_lines(verdict, root)) + "\n"


def _lines(verdict: Verdict, root: PurePath | None) -> Iterator[str]:
    stage = verdict.subject
    order = sorted(stage.blocking, key=lambda each: each.state is not State.UNMET)
    for each in order:
        if not unmeasured(each):
            word = "error" if each.state is State.UNMET else "warning"
            title = f"{each.state.value}: {each.claim.address}"
            yield _command(word, _told(each), title=title, place=each.claim.place, root=root)
    rest = [each.claim for each in order if unmeasured(each)]
    if rest:
        named = ", ".join(claim.address for claim in rest[:_NAMED])
        more = f" and {len(rest) - _NAMED:,} more" if len(rest) > _NAMED else ""
        yield _command(
            "warning",
            f"{named}{more}",
            title=f"{len(rest):,} {'claim' if len(rest) == 1 else 'claims'} that nothing here measures yet",
            place=rest[0].place,
            root=root,
        )
    last = judged_line(verdict) + (f"\n{ready_line(stage)}" if stage.blocking else "")
    yield _command("notice", last, title=verdict.conclusion)


def _told(each: ClaimStatus) -> str:
    lines = [each.claim.sentence, each.reason]
    if each.plan is not None:
        lines.append(f"next: {plan_text(each.plan)}")
    return "\n".join(clean(line) for line in lines)


def _command(
    word: str, message: str, *, title: str, place: Place | None = None, root: PurePath | None = None
) -> str:
    properties = {"title": clean(title)}
    if place is not None:
        properties = {
            "file": repository_path(place.file, root=root),
            "line": str(place.line),
            "col": str(place.column),
        } | properties
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{word} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Nothing in a text may end its line: the next one could then be a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
