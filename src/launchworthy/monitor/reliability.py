"""Whether it answers, and how fast. May import ``evidence`` and this room.

A call that failed gave no answer, so it has no latency; one that ran into the time limit had to be waited
for, and its latency counts.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of
from launchworthy.monitor.sample import Sample, mean, quantile, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import Own

__all__ = ["MEASURES"]


_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim, workflow"
_ANSWERED = "NOT failed OR timed_out"


def _answered_in(ask: Ask) -> Sample:
    bind = Bind()
    return Sample(
        sql=f"SELECT {_COLUMNS}, duration_ms AS x FROM ({ask.calls(bind)}) WHERE {_ANSWERED}",
        parameters=bind.values,
        noun="call",
        missing="the call has no duration",
        names_workflow=True,
    )


def _first_token_in(ask: Ask) -> Sample:
    bind = Bind()
    return Sample(
        sql=f"SELECT {_COLUMNS}, first_token_ms AS x FROM ({ask.calls(bind)}) WHERE NOT failed",
        parameters=bind.values,
        noun="call",
        missing="the call does not tell when its first token came",
        names_workflow=True,
    )


def _took(kind: str, noun: str) -> Callable[[Ask], Sample]:
    def sample(ask: Ask) -> Sample:
        bind = Bind()
        inner = ask.spans(bind, kinds=[kind])
        return Sample(
            sql=f"SELECT {_COLUMNS}, duration_ms AS x FROM ({inner}) WHERE {_ANSWERED}",
            parameters=bind.values,
            noun=noun,
            missing=f"the {noun} has no duration",
            names_workflow=True,
        )

    return sample


_TIMES: Mapping[str, Callable[[Ask], Sample]] = {
    "latency": _answered_in,
    "first_token": _first_token_in,
    "retrieval_latency": _took("retrieval", "retrieval"),
    "tool_latency": _took("tool", "tool call"),
}
_PERCENTILE = re.compile(r"(?P<name>[a-z_]+)_p(?P<percent>[1-9]\d?(\.\d{1,3})?)")


def _quantile(ask: Ask) -> Evidence | None:
    match = _PERCENTILE.fullmatch(ask.metric)
    if match is None or match["name"] not in _TIMES:
        return None
    q = float(match["percent"]) / 100.0
    found = quantile(ask.scene.query, _TIMES[match["name"]](ask), q=q, level=ask.claim.confidence, unit="ms")
    return evidence_of(ask, found)


def _mean_latency(ask: Ask) -> Evidence | None:
    found = mean(ask.scene.query, _answered_in(ask), level=ask.claim.confidence, unit="ms")
    return evidence_of(ask, found)


def _share(ask: Ask, sample: Sample, *, bad: int = 1) -> Evidence | None:
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=bad))


def _of_calls(ask: Ask, condition: str, bind: Bind, *, missing: str = "not recorded") -> Sample:
    return Sample(
        sql=f"SELECT {_COLUMNS}, ({condition})::DOUBLE AS x FROM ({ask.calls(bind)})",
        parameters=bind.values,
        noun="call",
        missing=missing,
        names_workflow=True,
    )


def _error(ask: Ask) -> Evidence | None:
    return _share(ask, _of_calls(ask, "failed", Bind()))


def _availability(ask: Ask) -> Evidence | None:
    return _share(ask, _of_calls(ask, "NOT failed", Bind()), bad=0)


def _timeout(ask: Ask) -> Evidence | None:
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/timeout")
    beyond = "" if limit is None else f" OR coalesce(duration_ms > {limit}, false)"
    return _share(ask, _of_calls(ask, f"timed_out{beyond}", bind))


def _fallback(ask: Ask) -> Evidence | None:
    told = f"json_extract_string(attributes, '/{Own.FALLBACK}')"
    answered = (
        f"CASE WHEN contains(attributes, '{Own.FALLBACK}') AND json_valid(attributes)"
        f" THEN lower({told}) NOT IN ('', 'false', 'none', '0') END"
    )
    missing = f"the call does not tell by {Own.FALLBACK} whether a fallback answered"
    return _share(ask, _of_calls(ask, answered, Bind(), missing=missing))


def _tool_call_error(ask: Ask) -> Evidence | None:
    bind = Bind()
    inner = ask.spans(bind, kinds=["tool"])
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, failed::DOUBLE AS x FROM ({inner})",
        parameters=bind.values,
        noun="tool call",
        names_workflow=True,
    )
    return _share(ask, sample)


def _empty_retrieval(ask: Ask) -> Evidence | None:
    bind = Bind()
    inner = ask.spans(bind, kinds=["retrieval"])
    none = "length(context) < 9 AND replace(context, ' ', '') IN ('[]', 'null', '{}', '\"\"')"
    empty = f"CASE WHEN context IS NOT NULL THEN {none} END"
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, ({empty})::DOUBLE AS x FROM ({inner}) WHERE NOT failed",
        parameters=bind.values,
        noun="retrieval",
        names_workflow=True,
        missing="the retrieval does not tell which documents it found",
    )
    return _share(ask, sample)


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:reliability/latency": _mean_latency,
    **{f"bound:reliability/{name}_p*": _quantile for name in _TIMES},
    "bound:reliability/timeout": _timeout,
    "bound:reliability/fallback": _fallback,
    "bound:reliability/error": _error,
    "bound:reliability/availability": _availability,
    "bound:reliability/tool_call_error": _tool_call_error,
    "bound:reliability/empty_retrieval": _empty_retrieval,
}
