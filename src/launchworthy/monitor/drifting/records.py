"""Records of calls as columns: what users ask, what a model is fed, what it answers.

May import ``records``, ``contract`` and this room's scene. A user speaks once in a period: of each, the call
whose id comes first when ids are shuffled, so that rows are independent and a loud user is not a drift.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from launchworthy.monitor.drifting.kept import KeptReference, keep_reference, kept_reference
from launchworthy.monitor.drifting.profile import Column, Profile, categories_of, numbers_of
from launchworthy.monitor.drifting.texts import TEXT_COLUMNS, Known, described, known_of, text_values
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records.conversation import last_text, plain_value, turns_of

__all__ = ["MOST_ROWS", "Calls", "Reference", "calls_of", "profile_of", "reference_of", "value_of"]

MOST_ROWS = 5_000
_FEWEST = 50
_STILL_THERE = 0.9  # of a kept reference's users: with fewer, its counts are what is left of it
_LONGEST = 65_536  # characters of an input that are read; a longer one is left out, not cut
_SCORES = ("score", "probability", "prediction_score", "chance", "value")
_MOST_FIELDS = 60
_TOOLS = {None: "none ran", True: "one failed", False: "all ran"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of a period: one row of fields for each, with its trace, its user and whether it is simulated."""

    rows: Sequence[Mapping[str, Any]]
    traces: Sequence[str]
    units: Sequence[str]
    simulated: int
    since: datetime
    until: datetime

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a release is compared with.

    Attributes:
        profile: Its columns.
        calls: Its calls; where only counts are left of it, the earliest that are still there.
        told: What it is, in words.
        told_of_calls: What ``calls`` are, in words.
        simulated: Whether any of it is simulated.
        others: Whether it is that of other releases.
    """

    profile: Profile
    calls: Calls
    told: str
    told_of_calls: str
    simulated: bool
    others: bool

    @property
    def is_kept(self) -> bool:
        """Whether only its counts are left."""
        return self.told != self.told_of_calls


def calls_of(ask: Ask, signal: str, *, other_releases: bool = False) -> Calls:
    """The calls of the ask's window, as fields of the signal.

    Args:
        ask: Says workflow, release and window.
        signal: ``input``, ``features``, ``output``, ``score``, or ``input/FIELD``, ``output/FIELD``.
        other_releases: Those of every other release instead.
    """
    bind = Bind()
    calls = (ask.seen_by_people() if other_releases else ask).calls(bind, any_release=other_releases)
    others = ""
    if other_releases:
        # The inner SELECT has no release, so the traces of this one are left out by name.
        others = (
            f" WHERE trace_id NOT IN (SELECT trace_id FROM spans WHERE product = {bind(ask.scene.product)}"
            f" AND release IS NOT DISTINCT FROM {bind(ask.scene.release)}::VARCHAR"
            f" AND start_time >= {bind(ask.since_ns)} AND start_time < {bind(ask.until_ns)})"
        )
    tools = ""
    if signal.partition("/")[0] == "output":
        failed = "bool_or(coalesce(status = 'error', false))"
        tools = (
            f", (SELECT {failed} FROM spans AS t WHERE t.product = {bind(ask.scene.product)}"
            f" AND t.kind = 'tool' AND t.start_time >= {bind(ask.since_ns)}"
            " AND t.trace_id = calls.trace_id) AS tool_failed"
        )
    # Who is drawn is decided before any text is read.
    found = ask.scene.query(
        f"WITH calls AS NOT MATERIALIZED (SELECT * FROM ({calls}){others}),"
        " drawn AS MATERIALIZED (SELECT arg_min(trace_id, hash(trace_id)) AS trace_id, unit FROM calls"
        f" GROUP BY unit ORDER BY min(hash(trace_id)) LIMIT {MOST_ROWS})"
        " SELECT lower(hex(trace_id)) AS trace, calls.unit AS unit, sim, no_answer, failed,"
        f" CASE WHEN length(input) <= {_LONGEST} THEN input END AS input,"
        f" CASE WHEN length(output) <= {_LONGEST} THEN output END AS output{tools}"
        " FROM calls JOIN drawn USING (trace_id)"
        " QUALIFY row_number() OVER (PARTITION BY drawn.unit ORDER BY start_time) = 1"
        " ORDER BY hash(trace_id)",
        bind.values,
    )
    read = _reader(signal)
    return Calls(
        rows=[read(row) for row in found],
        traces=[row["trace"] for row in found],
        units=[row["unit"] for row in found],
        simulated=sum(bool(row["sim"]) for row in found),
        since=ask.since,
        until=ask.until,
    )


def reference_of(ask: Ask, signal: str) -> Reference | None:
    """What came before: the first window of this release, or else what other releases had before it came.

    A reference that moved along would follow a slow drift and never see it, so that its counts are kept once
    its window is full, and stand for it when its records are gone. None where nothing came before.
    """
    began = _began(ask)
    if began is None:
        return None
    kept = kept_reference(ask, signal)
    window = timedelta(seconds=ask.window_s)
    first = _first(ask, signal, began if kept is None else kept.since)
    if kept is not None and len(first) < _STILL_THERE * kept.profile.rows:
        left = _first(ask, signal, began)
        return Reference(
            profile=kept.profile,
            calls=left,
            told=f"the kept counts of its own first calls, {_period(kept.since, kept.until)}",
            told_of_calls=f"its earliest calls that are still there, {_period(left.since, left.until)}",
            simulated=kept.simulated > 0,
            others=False,
        )
    if len(first) >= _FEWEST:
        found = _reference(first, "its own first calls", others=False)
        if kept is None and first.until == began + window:
            keep_reference(
                ask,
                signal,
                KeptReference(
                    profile=found.profile, since=first.since, until=first.until, simulated=first.simulated
                ),
            )
        return found
    earlier = calls_of(_at(ask, min(began, ask.since), window), signal, other_releases=True)
    return _reference(earlier, "earlier releases", others=True) if len(earlier) >= _FEWEST else None


def _first(ask: Ask, signal: str, began: datetime) -> Calls:
    """The calls of a window from ``began`` on, as far as it lies before the one that is asked."""
    until = max(began, min(began + timedelta(seconds=ask.window_s), ask.since))
    return calls_of(_at(ask, until, until - began), signal)


def _reference(calls: Calls, name: str, *, others: bool) -> Reference:
    told = f"{name}, {_period(calls.since, calls.until)}"
    return Reference(
        profile=profile_of(calls),
        calls=calls,
        told=told,
        told_of_calls=told,
        simulated=calls.simulated > 0,
        others=others,
    )


def profile_of(calls: Calls, *, reference: Profile | None = None) -> Profile:
    """The columns of the calls: over their own edges, or over the reference's."""
    names = sorted({name for row in calls.rows for name in row})
    columns: dict[str, Column] = {}
    texts: dict[str, Known] = {} if reference is None else _texts_of(reference)
    for name in names:
        held = [row.get(name) for row in calls.rows]
        if reference is None and _is_text(name, held):
            texts[name] = known_of(held)
        for own, values in _columns(name, held, texts.get(name), own=reference is None).items():
            old = None if reference is None else reference.columns.get(own)
            column = _counted(own, values) if reference is None else _over(old, values)
            if column is not None:
                columns[own] = column
    if reference is not None:
        # A field that nobody sends any more is missing in every row.
        for own, old in reference.columns.items():
            if own not in columns:
                gone = _over(old, [None] * len(calls))
                if gone is not None:
                    columns[own] = gone
    return Profile(rows=len(calls), columns=columns, texts=texts)


def value_of(row: Mapping[str, Any], name: str, *, reference: Profile) -> Any:
    """What a row holds in a column of a reference, which may be one of a text's."""
    source, _, which = name.rpartition(": ")
    known = _texts_of(reference).get(source)
    if known is not None and which in TEXT_COLUMNS:
        text = row.get(source)
        texts = [text if isinstance(text, str) else None]
        return text_values(which, texts, known=known, own=False)[0]
    return row.get(name)


def _texts_of(reference: Profile) -> dict[str, Known]:
    """What a reference says of each field of texts; a kept one says of some only that they are texts."""
    texts = {
        source: Known()
        for source, _, which in (name.rpartition(": ") for name in reference.columns)
        if source and which in TEXT_COLUMNS
    }
    return {**texts, **reference.texts}


def _at(ask: Ask, until: datetime, window: timedelta) -> Ask:
    return replace(ask, scene=replace(ask.scene, now=until), window_s=window.total_seconds(), matures_s=0.0)


def _period(since: datetime, until: datetime) -> str:
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"


def _began(ask: Ask) -> datetime | None:
    bind = Bind()
    found = ask.scene.query(f"SELECT min(start_time) AS began FROM ({ask.ever().calls(bind)})", bind.values)
    began = found[0]["began"] if found else None
    return None if began is None else datetime.fromtimestamp(began // 10**9, tz=ask.scene.now.tzinfo)


def _reader(signal: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    head, _, name = signal.partition("/")
    if name:
        side = "output" if head == "output" else "input"
        return lambda row: {name: _fields(row[side], "user").get(name)}
    if head == "score":
        return lambda row: {"score": _score(plain_value(row["output"]))}
    if head == "output":
        return lambda row: {
            **_fields(row["output"], "assistant"),
            "answered": "failed" if row["failed"] else row["no_answer"] or "answered",
            "tools": _TOOLS[row["tool_failed"]],
        }
    return lambda row: _fields(row["input"], "user")


def _fields(stored: Any, role: str) -> dict[str, Any]:
    """The fields of an object; of a conversation or a text, the last that was said."""
    value = plain_value(stored)
    if isinstance(value, Mapping) and turns_of(value) is None:
        scalars = {
            str(name)[:80]: each
            for name, each in list(value.items())[:_MOST_FIELDS]
            if each is None or isinstance(each, (str, int, float, bool))
        }
        if scalars:
            return {name: _plain(each) for name, each in scalars.items()}
    text = last_text(value, role=role)
    return {"text": text or None}


def _score(value: Any) -> float | None:
    if isinstance(value, Mapping):
        value = next((value[name] for name in _SCORES if name in value), None)
    found = _plain(value)
    return found if isinstance(found, float) else None


def _plain(value: Any) -> float | str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return value if isinstance(value, str) else None


def _is_text(name: str, values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    if not known or not all(isinstance(value, str) for value in known):
        return False
    return name == "text" or len(set(known)) > max(200, 0.2 * len(known))


def _columns(name: str, values: Sequence[Any], known: Known | None, *, own: bool) -> dict[str, list[Any]]:
    """A field as one column, or as those of its texts: what the reference held decides."""
    if known is None:
        return {name: list(values)}
    texts = [value if isinstance(value, str) else None for value in values]
    return {f"{name}: {which}": text_values(which, texts, known=known, own=own) for which in known.columns()}


def _counted(name: str, values: Sequence[Any]) -> Column | None:
    import numpy as np

    if all(value is None or isinstance(value, float) for value in values):
        return numbers_of(name, np.array([math.nan if value is None else value for value in values]))
    return categories_of(name, described(values))


def _over(column: Column | None, values: Sequence[Any]) -> Column | None:
    import numpy as np

    from launchworthy.monitor.drifting.profile import Numbers

    if column is None:
        return None
    if isinstance(column, Numbers):
        numbers = [value if isinstance(value, float) else math.nan for value in values]
        return column.count(np.array(numbers))[0]
    return column.count(described(values))
