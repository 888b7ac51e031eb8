"""Whether a gold set has got out: its canary in a stored text, or a question with its answer in a prompt.

May import ``evidence``, ``gold`` and this room. Texts are long, so of a busy product the newest are read;
the evidence says how many.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.gold import Guarded, strings
from launchworthy.monitor.piece import evidence_of
from launchworthy.monitor.sample import WORST, Measured
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.stats import Interval

__all__ = ["MEASURES"]

_MOST_TEXTS = 100_000  # spans that are searched for canaries
_MOST_PROMPTS = 5_000  # and prompts and contexts that are compared with the set word for word
_BLOCK = 500
_TEXTS = ("input", "context", "output", "attributes")
_HAS_TEXT = "(input IS NOT NULL OR context IS NOT NULL OR output IS NOT NULL)"


def _private(ask: Ask) -> Evidence | None:
    guarded = ask.scene.gold.get(ask.claim.address.split("/")[2])
    if guarded is None:
        return None
    ask = _since_it_was_made(ask, guarded)
    read = _searched(ask, guarded.canaries)
    if not read["n"]:
        return None
    told = list(_told(ask, guarded))
    marked = [(trace, span) for trace, span in read["marked"] or ()]
    hits = read["hits"] + len({span for _, span, _ in told} - {span for _, span in marked})
    traces = dict.fromkeys([*(trace for trace, _ in marked), *(trace for trace, _, _ in told)])
    items = sorted({item for _, _, item in told})
    interval = Interval(
        value=float(hits),
        low=float(hits),
        high=float(hits),
        confidence=ask.claim.confidence,
        n=read["n"],
        method="full count",
        sides=1,
        sample={"breaches": hits, "n": read["n"]},
    )
    found = Measured(
        interval=interval,
        records=read["n"],
        unscored=0,
        simulated=read["simulated"],
        units=read["n"],
        noun="text",
        row="text",
        first_ns=read["first_ns"],
        worst=[{"trace": trace} for trace in list(traces)[:WORST]],
    )
    detail = {
        "version": guarded.version,
        "with_canary": read["hits"],
        "with_answer": len({span for _, span, _ in told}),
        "questions_watched": len(guarded.told),
        "items": items[:WORST],
        "remark": _remark(read["hits"], items, read["n"]),
    }
    return evidence_of(ask, found, detail=detail, release=False)


def _remark(canaries: int, items: Sequence[str], n: int) -> str:
    parts = [f"its canary stands in {canaries:,} texts"] if canaries else []
    if items:
        more = f" and {len(items) - 3:,} more" if len(items) > 3 else ""
        parts.append(f"prompts hold with their answers: {', '.join(items[:3])}{more}")
    return "; ".join(parts) if parts else f"neither its canary nor an answer of it in {n:,} texts"


def _since_it_was_made(ask: Ask, guarded: Guarded) -> Ask:
    """Texts of the window that are younger than the set, and of those the newest."""
    ask = ask.within(min(ask.window_s, max(0.0, (ask.until - guarded.since).total_seconds())))
    bind = Bind()
    found = ask.scene.query(
        f"SELECT start_time FROM spans WHERE {_of_product(ask, bind)} AND {_HAS_TEXT}"
        f" ORDER BY start_time DESC LIMIT 1 OFFSET {_MOST_TEXTS - 1}",
        bind.values,
    )
    return ask if not found else ask.within(ask.until.timestamp() - found[0]["start_time"] / 1e9)


def _of_product(ask: Ask, bind: Bind) -> str:
    # Evaluation too: a target that is asked sees the question, and never the canary.
    return (
        f"product = {bind(ask.scene.product)} AND start_time >= {bind(ask.since_ns)}"
        f" AND start_time < {bind(ask.until_ns)}"
    )


def _searched(ask: Ask, canaries: Sequence[str]) -> dict[str, Any]:
    bind = Bind()
    marks = [bind(text) for text in canaries]
    held = " OR ".join(f"coalesce(contains({column}, {mark}), false)" for column in _TEXTS for mark in marks)
    where = f"{_of_product(ask, bind)} AND {_HAS_TEXT}"
    shown = "[lower(hex(trace_id)), lower(hex(span_id))]"
    return ask.scene.query(
        "SELECT count(*) AS n, count(*) FILTER (simulated) AS simulated, min(start_time) AS first_ns,"
        " count(*) FILTER (held) AS hits,"
        f" list({shown} ORDER BY start_time DESC) FILTER (held)[:{_MOST_PROMPTS}] AS marked"
        f" FROM (SELECT *, ({held or 'false'}) AS held FROM spans WHERE {where})",
        bind.values,
    )[0]


def _told(ask: Ask, guarded: Guarded) -> Iterator[tuple[str, str, str]]:
    """Trace, span and item of each prompt or context that holds a question with its answer."""
    if not len(guarded.told):
        return
    bind = Bind()
    condition = ask.condition(bind, any_release=True)
    among = f"{condition} AND kind IN ('model', 'retrieval') AND (input IS NOT NULL OR context IS NOT NULL)"
    for begin in range(0, _MOST_PROMPTS, _BLOCK):
        rows = ask.scene.query(
            "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, input, context FROM spans"
            f" WHERE {among} ORDER BY start_time DESC, span_id LIMIT {_BLOCK} OFFSET {begin}",
            bind.values,
        )
        texts = [f"{_read(row['input'])}\n{_read(row['context'])}" for row in rows]
        for place, item in guarded.told.found(texts):
            yield rows[place]["trace"], rows[place]["span"], item
        if len(rows) < _BLOCK:
            return


def _read(stored: str | None) -> str:
    if not stored:
        return ""
    try:
        return "\n".join(strings(json.loads(stored)))
    except (ValueError, RecursionError):
        return stored


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {"never:gold/private": _private}
