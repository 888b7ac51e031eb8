"""Which calls carry a broken promise: of which slice, model, prompt, cohort, place, or kind of input.

May import ``contract``, ``evidence`` and this room. Where records show a promise broken, the rows that it was
measured on are asked again by what is known of their calls: of each user one call, so that a loud user is no
part. What holds for few users is not named: of an input, only fields that hold few names are asked.
"""

# ruff: noqa: S608 (a sample is SQL of this room; values are its parameters, numbers are written by repr)
from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.contract.running_claims import STREAM_METHODS
from launchworthy.evidence import Evidence
from launchworthy.monitor.measuring import measure_of
from launchworthy.monitor.regions import PLACE
from launchworthy.monitor.sample import Taken, Taking
from launchworthy.monitor.scene import Ask, Query, Scene, look
from launchworthy.monitor.segment_search import FEWEST, Search, searched
from launchworthy.quantity import format_value
from launchworthy.records import MARKED_CALL, ROOT, Own
from launchworthy.records.conversation import plain_value, turns_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["explained"]

_log = logging.getLogger("launchworthy.monitor")

_FAMILIES = frozenset({"economics", "monitors", "outcomes", "reliability", "trust"})
_MOST = 10_000  # users that are drawn
_MOST_SEARCHES = 20  # at once: what breaks more than so many promises is no part of the calls
_NAMES = 12  # different values of a field of the input that is a kind of input
_FIELDS = 60
_LONGEST = 8_192  # characters of an input that is read as an object
_NAMED = 60
_SHOWN = 5  # traces of a part
_LASTS = timedelta(hours=1)
_LONGEST_WINDOW = timedelta(days=365)

_Measure = Callable[[Ask], Evidence | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """One call of each user: its trace, whether it went wrong, and the parts that it is in; the worst first,
    of those that are equally bad the newest.
    """

    traces: Sequence[str]
    wrong: NDArray[np.bool_]
    parts: Mapping[str, NDArray[np.bool_]]

    def examples(self, name: str) -> list[str]:
        """Traces of a part that went wrong."""
        return [self.traces[at] for at in (self.wrong & self.parts[name]).nonzero()[0][:_SHOWN]]


def explained(
    pieces: Iterable[Evidence], *, claims: Iterable[Claim], product: str, query: Query
) -> list[Evidence]:
    """The pieces; those by which records show a promise broken say which calls carry it.

    Each takes a look at the spans of its window, so it is meant for what is worth a line in the ledger.

    Args:
        pieces: What was measured.
        claims: Claims of one contract.
        product: Product whose records were read.
        query: Answers one SELECT over the records.
    """
    known = {claim.address: claim for claim in claims}
    scenes: dict[tuple[str | None, datetime], Scene] = {}
    found, searches = [], 0
    for piece in pieces:
        claim = known.get(piece.claim)
        if claim is None or not _asked(claim, piece) or searches == _MOST_SEARCHES:
            found.append(piece)
            continue
        searches += 1
        try:
            at = (piece.release, piece.observed_at)
            if at not in scenes:
                scenes[at] = look(known.values(), product=product, query=query, release=at[0], now=at[1])
            told = _carried(claim, scenes[at], piece)
        except Exception as error:
            # What is broken stays so, whoever carries it.
            _log.exception("%s: which calls carry it was not searched", claim.address)
            told = {"carried": f"not searched ({type(error).__name__})"}
        found.append(replace(piece, detail={**piece.detail, **told}) if told else piece)
    return found


def _carried(claim: Claim, scene: Scene, piece: Evidence) -> dict[str, Any]:
    options = {name: each for name, each in claim.options.items() if name != "method"}
    plain = replace(claim, options=options)  # of a stream, the share that it watches
    measure, target = measure_of(plain), claim.target
    if measure is None or target is None:
        return {}
    ask = Ask(
        claim=plain,
        family=claim.family,
        metric=claim.metric,
        workflow=claim.workflow,
        window_s=claim.valid_for_s,
        scene=scene,
    )
    window = _window(piece)
    since = piece.detail.get("since")
    worse = window if since is None else (datetime.fromisoformat(since), window[1])
    rows = _rows(ask, measure, target, worse if claim.options.get("method") in STREAM_METHODS else window)
    if rows is None:
        return {}
    found = searched(rows.wrong, rows.parts, level=ask.claim.confidence)
    if found is None:
        return {}
    told: dict[str, Any] = {
        "carried": found.told,
        "parts_asked": found.asked,
        "smallest_part": found.smallest,
    }
    if found.found:
        told["segment"] = found.found[0].name
        told["segments"] = _listed(found, rows, _earlier(ask, measure, target, window))
        before = told["segments"][0]["before"]
        if before is not None:
            told["carried"] += (
                f"; {format_value(before, unit='ratio')} in {told['segment']} the window before"
            )
    return told


def _asked(claim: Claim, piece: Evidence) -> bool:
    target = claim.target
    if (
        target is None
        or claim.kind is not ClaimKind.BOUND
        or claim.family not in _FAMILIES
        or claim.slice is not None
        or claim.options.get("method") not in (None, *STREAM_METHODS)
        or not piece.source.startswith("records:")
    ):
        return False
    if target.direction is Direction.AT_MOST:
        return piece.low is not None and piece.low > target.threshold
    return piece.high is not None and piece.high < target.threshold


def _listed(found: Search, rows: _Rows, before: _Rows | None) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "users": each.n,
            "share": each.share,
            "others": each.others_n,
            "others_share": each.others_share,
            "low": each.low,
            "high": each.high,
            "p_value": each.p_value,
            "excess": each.excess,
            "before": _share(before, each.name),
            "traces": rows.examples(each.name),
        }
        for each in found.found
    ]


def _share(rows: _Rows | None, name: str) -> float | None:
    """How often it went wrong in a part; None where too few users were in it."""
    own = None if rows is None else rows.parts.get(name)
    if rows is None or own is None or int(own.sum()) < FEWEST:
        return None
    return float(rows.wrong[own].mean())


def _window(piece: Evidence) -> tuple[datetime, datetime]:
    """What the piece says that it was read from."""
    since, until = piece.source.removeprefix("records:").split("/")
    return datetime.fromisoformat(since), datetime.fromisoformat(until) + timedelta(seconds=1)


def _earlier(ask: Ask, measure: _Measure, target: Target, window: tuple[datetime, datetime]) -> _Rows | None:
    """The same in the window before, of the same release."""
    back = window[1] - window[0]
    if back > _LONGEST_WINDOW:
        return None
    then = replace(ask, scene=replace(ask.scene, now=ask.scene.now - back))
    return _rows(then, measure, target, (window[0] - back, window[0]))


def _rows(ask: Ask, measure: _Measure, target: Target, window: tuple[datetime, datetime]) -> _Rows | None:
    try:
        measure(replace(ask, scene=replace(ask.scene, query=Taking(ask.scene.query))))
    except Taken as taken:
        wrong = _wrong(taken, target)
        badness = "x" if target.direction is Direction.AT_MOST else "-x"
        return None if wrong is None else _read(ask, taken, wrong, badness, window)
    return None


def _wrong(taken: Taken, target: Target) -> str | None:
    """SQL for whether a row is one that the promise is broken by; None where a row alone cannot say."""
    at_most = target.direction is Direction.AT_MOST
    if taken.statistic == "share":
        return f"x {'>' if at_most else '<'} 0.5"
    if taken.statistic in ("mean", "quantile"):
        return f"x {'>' if at_most else '<'} {target.threshold!r}"
    return None


def _read(
    ask: Ask, taken: Taken, wrong: str, badness: str, window: tuple[datetime, datetime]
) -> _Rows | None:
    import numpy as np

    values = [*taken.sample.parameters, _ns(window[0])]
    drawn = ask.scene.query(
        "SELECT row.trace AS trace, row.wrong AS wrong FROM (SELECT arg_min(struct_pack(trace := trace,"
        f" wrong := {wrong}, badness := {badness}, began := began), hash(trace)) AS row"
        f" FROM ({taken.sample.finite}) WHERE x IS NOT NULL AND began >= ${len(values)} GROUP BY unit"
        f" ORDER BY min(hash(trace)) LIMIT {_MOST}) ORDER BY row.badness DESC, row.began DESC, trace",
        values,
    )
    if not drawn:
        return None
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(drawn):
        places[row["trace"]].append(place)
    members: defaultdict[str, set[int]] = defaultdict(set)
    first: dict[str, tuple[int, str]] = {}  # input of each trace, by when its call began
    for row in _told(ask, list(places), window):
        for name in _named(row):
            members[name[:_NAMED]].update(places[row["trace"]])
        if row["input"] is not None:
            own = (row["called"], row["input"])
            first[row["trace"]] = min(first.get(row["trace"], own), own)
    inputs: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for trace, (_, asked) in first.items():
        for field, value in _fields(asked):
            inputs[field][value].update(places[trace])
    for field, by_value in inputs.items():
        if len(by_value) <= _NAMES:
            members |= {f"input/{field}:{value}"[:_NAMED]: inside for value, inside in by_value.items()}
    parts = {}
    for name, inside in members.items():
        if len(inside) >= FEWEST:
            parts[name] = np.zeros(len(drawn), dtype=np.bool_)
            parts[name][list(inside)] = True
    return _Rows(
        traces=[row["trace"] for row in drawn],
        wrong=np.array([bool(row["wrong"]) for row in drawn]),
        parts=parts,
    )


def _told(ask: Ask, traces: Sequence[str], window: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    """What the spans of some traces say of a call, each different thing once: DuckDB can spill that to disk,
    and no lists."""
    an_object = f"length(input) <= {_LONGEST} AND regexp_matches(input, '^\\s*\\{{')"
    call = f"(({MARKED_CALL} OR {ROOT}) AND {an_object})"
    return ask.scene.query(
        "SELECT DISTINCT trace_id AS trace, model, cohort, coalesce(prompt_name || ' ', '') || prompt_version"
        f" AS prompt, CASE WHEN kind IN ('model', 'embedding') THEN {PLACE} END AS region,"
        f" CASE WHEN contains(attributes, '{Own.SLICE}') AND json_valid(attributes)"
        f" THEN json_extract(attributes, '/{Own.SLICE}')::VARCHAR END AS slices,"
        f" CASE WHEN {call} THEN start_time END AS called, CASE WHEN {call} THEN input END AS input"
        " FROM spans WHERE product = $1 AND start_time >= $2 AND start_time < $3"
        " AND trace_id IN (SELECT unhex(unnest($4::VARCHAR[])))",
        # Spans of a call may begin after the window has ended.
        [ask.scene.product, _ns(window[0]), _ns(window[1] + _LASTS), traces],
    )


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)


def _named(row: Mapping[str, Any]) -> Iterator[str]:
    slices = json.loads(row["slices"] or "[]")
    yield from (each for each in (slices if isinstance(slices, list) else [slices]) if isinstance(each, str))
    yield from (f"{kind}:{row[kind]}" for kind in ("model", "prompt", "region", "cohort") if row[kind])


def _fields(stored: Any) -> Sequence[tuple[str, str]]:
    """Fields of an input that hold a name; none of a conversation, or of a text."""
    value = plain_value(stored)
    if not isinstance(value, Mapping) or turns_of(value) is not None:
        return ()
    told = (
        (str(name), str(each).lower() if isinstance(each, bool) else each)
        for name, each in list(value.items())[:_FIELDS]
    )
    return [(name, each) for name, each in told if isinstance(each, str) and 0 < len(each) <= _NAMED]
