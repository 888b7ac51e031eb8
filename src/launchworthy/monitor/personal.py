"""Personal data in stored texts: which kinds stand in which field, in all of them or in a sample.

May import ``capture``, ``evidence``, ``runtime``, ``stats`` and this room. A sample is drawn by a hash of the
record's ids, so that the same records are drawn again and most texts are known from the time before.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from launchworthy.capture.redaction import LEFT_OUT, SOMEBODYS, Redaction
from launchworthy.capture.storage_policy import redact_attributes
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import WORST, Measured
from launchworthy.monitor.scene import Ask, Bind, Query
from launchworthy.records import TABLES
from launchworthy.stats import Interval

if TYPE_CHECKING:
    from launchworthy.runtime.redaction import PersonalKinds

__all__ = ["FIELDS", "Place", "Texts", "look_through", "prompt", "record", "response"]

FIELDS: Mapping[str, Sequence[str]] = {
    "spans": ("input", "context", "output", "status_message", "attributes", "events", "links"),
    "feedback": ("comment", "correction", "attributes"),
    "scores": ("explanation", "attributes"),
    "outcomes": ("attributes",),
    "exposures": ("attributes",),
    "decisions": ("reason",),
}
"""Fields in which texts stand, by table."""

_NAMES: Mapping[str, Sequence[str]] = {
    "spans": ("name", "workflow", "cohort", "tool_name", "prompt_name", "error_type"),
    "feedback": ("reason",),
    "scores": ("name", "label"),
    "outcomes": ("event",),
    "exposures": ("flag", "variant"),
    "decisions": ("subject", "outcome", "rule", "facts"),
}
_BLOCK = 1_000
_CHARS = 3_000  # for each record that may be drawn: of a product with long texts fewer are
_DAY_NS = 86_400_000_000_000


@dataclass(kw_only=True)
class Texts:
    """What was found in one field.

    Attributes:
        looked: Texts that were looked through.
        missed: Texts that could not be.
        holding: Texts that hold any kind.
        kinds: Kind → texts that hold it.
        replaced: Texts in which pseudonyms of personal data stand.
        left_out: Texts that were left out because nothing could look through them before they were stored.
    """

    looked: int = 0
    missed: int = 0
    holding: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One text, the kinds in it (None: it could not be looked through), and those that pseudonyms tell."""

    field: str
    trace: str | None
    time_ns: int
    simulated: bool
    kinds: frozenset[str] | None
    replaced: frozenset[str]
    left_out: bool


@lru_cache(maxsize=16)
def _finder(find: tuple[str, ...]) -> PersonalKinds:
    from launchworthy.runtime.redaction import PersonalKinds  # its patterns take a tenth of a second

    return PersonalKinds(find)


def look_through(
    query: Query,
    *,
    table: str,
    find: Sequence[str],
    product: str,
    since_ns: int,
    until_ns: int,
    most: int | None,
    fields: Sequence[str] | None = None,
    among: str = "true",
) -> Iterator[Place]:
    """Each text of a table that was looked through.

    Args:
        query: Answers one SELECT over the records.
        table: Table.
        find: Kinds to look for.
        product: Product.
        since_ns, until_ns: From when to when.
        most: Records to draw, fewer where their texts are long; None: all.
        fields: Of these fields only.
        among: SQL for which records.

    Raises:
        InputError: A kind is unknown.
    """
    finder = _finder(tuple(find))
    names = [name for name in (*FIELDS[table], *_NAMES[table]) if fields is None or name in fields]
    held = {name: _held(table, name) for name in names}
    bind = Bind()
    time = TABLES[table].time
    ids = [name for name in ("trace_id", "span_id") if name in TABLES[table].names]
    drawn = f"hash({', '.join((*ids, time))})"
    told = " OR ".join(f"{each} IS NOT NULL" for each in held.values())
    selected = ", ".join(f"{each} AS {name}" for name, each in held.items())
    where = (
        f"product = {bind(product)} AND {time} >= {bind(since_ns)} AND {time} < {bind(until_ns)}"
        f" AND ({told}) AND {among}"
    )
    spans_of_time = [("true", list(bind.values))]
    if most is None:
        spans_of_time = _days(query, table, time, where, bind)
    else:
        last = query(
            f"SELECT {drawn} AS place FROM {table} WHERE {where} ORDER BY place LIMIT 1 OFFSET {most - 1}",
            bind.values,
        )
        if last:
            spans_of_time = [(f"{drawn} <= {bind(last[0]['place'])}", list(bind.values))]
    left = None if most is None else most * _CHARS
    for within, values in spans_of_time:
        begin = 0
        while True:
            rows = query(
                f"SELECT lower(hex(trace_id)) AS trace, {time} AS time,"
                f" coalesce(simulated, false) AS simulated, {selected} FROM {table}"
                f" WHERE {where} AND {within} ORDER BY {drawn}, {time} LIMIT {_BLOCK} OFFSET {begin}",
                values,
            )
            for row in rows:
                for name in names:
                    if row[name] is not None:
                        yield _place(finder, name, row)
                        if left is not None:
                            left -= len(row[name])
                if left is not None and left < 0:
                    return
            if len(rows) < _BLOCK:
                break
            begin += _BLOCK


def _held(table: str, name: str) -> str:
    """SQL for what is looked through of a field: of names, and of what code says, only what looks written."""
    written = f"regexp_matches({name}, '{SOMEBODYS}')"
    if name in _NAMES[table]:
        return f"CASE WHEN {written} THEN {name} END"
    if (table, name) == ("decisions", "reason"):
        return f"CASE WHEN decided_by IS NOT NULL OR {written} THEN {name} END"
    return name


def _days(query: Query, table: str, time: str, where: str, bind: Bind) -> list[tuple[str, list[Any]]]:
    """SQL for each day of a table: files are sorted by time, so that each is read about once."""
    days = query(f"SELECT DISTINCT {time} // {_DAY_NS} AS day FROM {table} WHERE {where}", bind.values)
    place = len(bind.values)
    return [
        (
            f"{time} >= ${place + 1} AND {time} < ${place + 2}",
            [*bind.values, row["day"] * _DAY_NS, (row["day"] + 1) * _DAY_NS],
        )
        for row in sorted(days, key=lambda row: row["day"])
    ]


def _place(finder: PersonalKinds, name: str, row: Mapping[str, Any]) -> Place:
    from launchworthy.runtime.redaction import replaced_kinds

    text = row[name]
    kinds: set[str] = set()

    def probe(part: str) -> str | None:
        found = finder(part)
        kinds.update(found or ())
        return part if found is not None else None

    redaction = Redaction(probe)
    if name in ("attributes", "events", "links"):
        _attributes(text, redaction)
    else:
        redaction.text(text)
    return Place(
        field=name,
        trace=row["trace"],
        time_ns=row["time"],
        simulated=row["simulated"],
        kinds=None if redaction.left_out and not kinds else frozenset(kinds),
        replaced=replaced_kinds(text),
        left_out=LEFT_OUT in text,
    )


def _attributes(text: str, redaction: Redaction) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        redaction.text(text)
        return
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(value, list):
            redaction.named(each["name"])
        held = each.get("attributes") if isinstance(each, dict) and "attributes" in each else each
        if isinstance(held, dict):
            redact_attributes(held, redaction)


def record(ask: Ask) -> Evidence | None:
    """Texts of records in which personal data stands that should have been replaced."""
    found = _look(ask, dict.fromkeys(FIELDS))
    return _counted(ask, found, "stored text")


def prompt(ask: Ask) -> Evidence | None:
    """Prompts of models in which personal data stands, or stood until the record was made."""
    return _of_model(ask, "input", "kind = 'model'", "prompt")


def response(ask: Ask) -> Evidence | None:
    """Answers to users in which personal data stands, or stood until the record was made."""
    return _of_model(ask, "output", "kind = 'workflow'", "answer")


def _of_model(ask: Ask, name: str, among: str, noun: str) -> Evidence | None:
    how = ask.scene.option(None, "data/pii/record").get("action", "keep")
    if how in ("redact", "drop"):
        return nothing(
            ask,
            "records hold no text" if how == "drop" else "records hold placeholders, whoever put them there",
            noun=noun,
            release=False,
        )
    found = _look(ask, {"spans": (name,)}, among=among)
    if isinstance(found, list):
        # A guard masks with numbered placeholders; a pseudonym is what the record put in place of the value.
        find = frozenset(ask.claim.options.get("find", ()))
        found = [_with(each, each.replaced & find) for each in found]
    return _counted(ask, found, noun)


def _with(place: Place, more: frozenset[str]) -> Place:
    from dataclasses import replace

    return replace(place, kinds=(place.kinds or frozenset()) | more) if more else place


def _look(
    ask: Ask, fields: Mapping[str, Sequence[str] | None], *, among: str = "true"
) -> list[Place] | InputError:
    find = tuple(ask.claim.options.get("find", ()))
    found: list[Place] = []
    try:
        for table, names in fields.items():
            found += look_through(
                ask.scene.query,
                table=table,
                find=find,
                product=ask.scene.product,
                since_ns=ask.since_ns,
                until_ns=ask.until_ns,
                most=ask.scene.sample,
                fields=names,
                among=among,
            )
    except InputError as error:
        return error
    return found


def _counted(ask: Ask, found: list[Place] | InputError, noun: str) -> Evidence | None:
    if isinstance(found, InputError):
        return nothing(ask, found.message, noun=noun, release=False)
    looked = [each for each in found if each.kinds is not None]
    if not found:
        return None
    holding = [each for each in looked if each.kinds]
    kinds = Counter(kind for each in holding for kind in each.kinds or ())
    count = float(len(holding))
    interval = Interval(
        value=count,
        low=count,
        high=count,
        confidence=ask.claim.confidence,
        n=len(looked),
        method="full count" if ask.scene.sample is None else "count in a sample",
        sides=1,
        sample={"breaches": len(holding), "n": len(looked)},
    )
    measured = Measured(
        interval=interval if looked else None,
        records=len(looked),
        unscored=len(found) - len(looked),
        simulated=sum(each.simulated for each in found),
        units=len(looked),
        noun=noun,
        row=noun,
        first_ns=min(each.time_ns for each in found),
        worst=[{"trace": each.trace} for each in holding[:WORST] if each.trace],
        missing="the text is too long to be looked through",
    )
    fields = Counter(each.field for each in holding)
    detail: dict[str, Any] = {
        "kinds": dict(sorted(kinds.items())),
        "fields": dict(sorted(fields.items())),
        "remark": "what its own recognisers do not find is not counted",
    }
    if ask.scene.sample is not None:
        detail["sampled"] = ask.scene.sample
    return evidence_of(ask, measured, detail=detail, release=False)
