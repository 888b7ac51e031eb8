"""What a page may show of the items that a run asked, and the action that opens those that are kept back.

May import ``errors``, ``gold``, ``records`` and this room. Figures over a whole holdout spend nothing and are
always shown. What a single item asked, expected and answered is shown to a reader whose look is recorded:
reading failures one by one is how a holdout finds its way into a prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from launchworthy.console.page import Again, Ask
from launchworthy.console.reading import Reading
from launchworthy.console.words import from_ns
from launchworthy.errors import InputError, NotFoundError
from launchworthy.gold import SEALED, GoldVersion
from launchworthy.records import Run, RunItem, is_evaluation

__all__ = ["KeptBack", "items_of", "kept_back", "record_looks", "trace_kept_back"]

_NONE: frozenset[str] = frozenset()
_SLACK = timedelta(minutes=1)  # clocks of two machines, and spans that came before the run was stored


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """What the runs of a page keep back from its reader.

    Attributes:
        shown: Ids that may be shown by run that keeps anything back; a run that keeps nothing is not here.
        said: What is kept back and why, as one sentence; empty where a page hides nothing.
        act: Words on the button; empty where there is nothing that this reader could do.
        cost: What pressing it costs.
        runs: Ids of the runs that it opens.
        back: The address to come back to.
        token: What the form must carry.
        again: The form that was just refused.
    """

    shown: Mapping[str, frozenset[str]]
    said: str = ""
    act: str = ""
    cost: str = ""
    runs: tuple[str, ...] = ()
    back: str = ""
    token: str = ""
    again: Again = field(default_factory=Again)

    def hides(self, run_id: str, item_id: str) -> bool:
        """Whether nothing but the id of an item may be shown."""
        known = self.shown.get(run_id)
        return known is not None and item_id not in known

    def of(self, hidden: Iterable[bool]) -> KeptBack:
        """The same for a page, which says nothing of it where it hides nothing."""
        return self if any(hidden) else replace(self, said="", act="")


def kept_back(reading: Reading, runs: Iterable[Run], ask: Ask) -> KeptBack:
    """What may be shown of the items of ``runs`` to the reader who asks."""
    shown: dict[str, frozenset[str]] = {}
    closed: dict[str, tuple[Run, GoldVersion | None]] = {}
    for run in {run.id: run for run in runs}.values():
        if run.split not in ("holdout", "all", SEALED):
            continue
        version = _version(reading, run)
        if version is not None and _opened(reading, run, version, ask.reader):
            continue
        shown[run.id] = _dev(reading, run, version)
        closed[run.id] = run, version
    if not closed:
        return KeptBack(shown={}, again=ask.again)
    return replace(_told(reading, shown, closed, ask), again=ask.again)


def items_of(
    reading: Reading, run_ids: Iterable[str], ask: Ask
) -> tuple[Mapping[str, list[RunItem]], KeptBack]:
    """Items by run, of a run that is not here none, and what of them this reader may see."""
    runs = []
    for run_id in dict.fromkeys(run_ids):
        with suppress(NotFoundError):
            runs.append(reading.run(run_id))
    found = {run.id: reading.run_items(run.id) for run in runs}
    return found, kept_back(reading, [run for run in runs if found[run.id]], ask)


def trace_kept_back(
    reading: Reading, trace_id: str, spans: Sequence[Mapping[str, Any]], ask: Ask
) -> KeptBack:
    """What keeps back the words of a trace: it is of an evaluation, of an item that its reader may not see.

    Whose it is, the runs that were at work then can tell. A gate stores no items, and a call that was made
    again is no item's: what no run knows is kept back with any run that keeps something back.
    """
    if not any(map(is_evaluation, spans)):
        return KeptBack(shown={}, again=ask.again)
    began = from_ns(min(span["start_time"] for span in spans))
    around = [
        run
        for run in reading.runs(product=spans[0]["product"])
        if run.split != "traffic"
        and run.started_at - _SLACK <= began <= (run.finished_at or ask.now) + _SLACK
    ]
    for run in around:
        for item in reading.run_items(run.id):
            if item.trace_id == trace_id:
                own = kept_back(reading, [run], ask)
                return own.of([own.hides(run.id, item.item_id)])
    return kept_back(reading, around, ask)


def record_looks(reading: Reading, runs: Iterable[Run], *, by: str, now: datetime) -> None:
    """Write down that ``by`` reads what these runs asked of what is kept back, once for each run and reader.

    Raises:
        InputError: Nothing can be recorded of one: its gold set is not here, or no gate has read it yet.
    """
    opening = [(run, _version(reading, run)) for run in runs if run.split in ("holdout", "all", SEALED)]
    for run, version in opening:
        why = _shut(reading, run, version)
        if version is None or why:
            raise InputError(why, where=run.id)
    for run, version in opening:
        if version is not None:
            reading.record_look(version, split=_split(run), by=by, purpose=_purpose(run), now=now)


def _told(
    reading: Reading,
    shown: Mapping[str, frozenset[str]],
    closed: Mapping[str, tuple[Run, GoldVersion | None]],
    ask: Ask,
) -> KeptBack:
    (first, version), several = next(iter(closed.values())), len(closed)
    sealed = any(run.split == SEALED for run, _ in closed.values())
    name = "sealed" if sealed else "holdout"
    said = f"What single {name} items asked, expected and answered is kept back: to read it is to learn it."
    shut = next((why for run, own in closed.values() if (why := _shut(reading, run, own))), "")
    if shut or version is None:
        return KeptBack(shown=shown, said=f"{said} {shut[:1].upper()}{shut[1:]}.")
    if not ask.may_look:
        return KeptBack(shown=shown, said=f"{said} A key with the role write may open it.")
    spent = len(reading.looks_spent(version, split=_split(first)))
    budget = None if sealed else _budget(reading, first)
    used = f"{spent:,} used" if budget is None else f"{spent:,} of {budget:,} used"
    cost = f"Counts as {'a look' if several == 1 else f'{several} looks'} ({used})"
    return KeptBack(
        shown=shown,
        said=said,
        act=f"Look at {name} items",
        cost=f"{cost}, under the name of {ask.reader}"
        + (", and spends the sealed items for every release" if sealed else ""),
        runs=tuple(closed),
        back=ask.address,
        token=ask.token,
    )


def _shut(reading: Reading, run: Run, version: GoldVersion | None) -> str:
    """Why nobody can open a run here; empty where somebody can."""
    if version is None:
        return f"{run.gold} is not stored here, so no look could be counted"
    if run.split == SEALED and not any(
        look.split == SEALED and look.release for look in reading.looks_spent(version, split=SEALED)
    ):
        return "the launch gate has not read the sealed items yet"
    return ""


def _opened(reading: Reading, run: Run, version: GoldVersion, reader: str) -> bool:
    known = reading.looks(product=run.product, name=version.name, version=version.version)
    mine = (_split(run), _purpose(run), reader)
    return any((look.split, look.purpose, look.by) == mine for look in known)


def _dev(reading: Reading, run: Run, version: GoldVersion | None) -> frozenset[str]:
    """Ids of a run that anybody may see: what is not known to be of the dev split is kept back."""
    if run.split != "all" or version is None:
        return _NONE
    items = reading.gold_items(product=run.product, name=version.name, version=version.version, split="dev")
    return frozenset(item.id for item in items)


def _version(reading: Reading, run: Run) -> GoldVersion | None:
    name, _, wanted = run.gold.partition("@")
    known = reading.gold_versions(product=run.product, name=name)
    return next((each for each in known if each.version == wanted), None)


def _budget(reading: Reading, run: Run) -> int | None:
    contract = reading.contract(run.product)
    return None if contract is None else contract.gold_of(run.gold.partition("@")[0]).looks


def _split(run: Run) -> str:
    return SEALED if run.split == SEALED else "holdout"


def _purpose(run: Run) -> str:
    return f"console run {run.id}"
