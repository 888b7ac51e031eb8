"""Every metric by the name that commands and contracts write. May import this room and ``errors``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from launchworthy.errors import InputError
from launchworthy.metrics import (
    agents,
    answers,
    classification,
    collection,
    grounding,
    likelihood,
    operation,
    ranking,
    rouge,
    similarity,
    text,
    translation,
)
from launchworthy.metrics.metric import Metric

__all__ = ["METRICS", "find_metric"]

# A family lists its metrics by name: who makes each, and the options that it takes.
_FAMILIES: tuple[Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]], ...] = (
    classification.FAMILY,
    text.FAMILY,
    rouge.FAMILY,
    translation.FAMILY,
    similarity.FAMILY,
    likelihood.FAMILY,
    answers.FAMILY,
    grounding.FAMILY,
    agents.FAMILY,
    operation.FAMILY,
)
_PLAIN = {name: maker for family in _FAMILIES for name, (maker, _) in family.items()}
_OPTIONS = {name: options for family in _FAMILIES for name, (_, options) in family.items()}
# Those cut at a depth: who makes each (with ``depth``), its options, and whether a depth is obligatory.
_BY_DEPTH: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...], bool]] = {
    **ranking.BY_DEPTH,
    **collection.BY_DEPTH,
}
_ALIASES = {"auc": "roc-auc", "mean-reciprocal-rank": "mrr"}
# What --list and the reference page show; any depth and any percentile work.
_SHOWN = (
    *_PLAIN,
    "hit@5",
    "precision@5",
    "recall@10",
    "mrr",
    "map",
    "ndcg@10",
    "coverage@10",
    "diversity@10",
    "latency-p50",
    "latency-p95",
    "latency-p99",
)
_DEPTH = re.compile(r"(?P<name>[a-z-]+)@(?P<depth>[1-9]\d{0,6})")
_PERCENTILE = re.compile(r"latency-p(?P<percent>[1-9]\d?(?:\.\d{1,3})?)")


def find_metric(name: str, *, options: Mapping[str, str] | None = None) -> Metric:
    """The metric of this name; ``_`` and ``-`` are the same, so contracts' names work.

    Args:
        name: Such as ``hit@5``, ``token-f1``, ``latency_p95``.
        options: What it takes beyond its name, such as ``positive``, ``schema`` or ``gain``.

    Raises:
        InputError: No such metric, or it does not take such an option; the hint names the likely one.
    """
    asked, given = name.strip().lower().replace("_", "-"), dict(options or {})
    asked = _ALIASES.get(asked, asked)
    if (found := _maker(asked)) is not None:
        make, takes = found
        unknown = sorted(set(given) - set(takes))
        if unknown:
            raise InputError(
                f"metric {asked!r} has no option {unknown[0]!r:.80}",
                where="metric",
                hint=f"its options: {', '.join(takes) or 'none'}",
            )
        return make(**given)
    if asked in _BY_DEPTH:
        raise InputError(
            f"metric {asked!r} needs a depth", where="metric", hint=f"write {asked}@5 for the first five"
        )
    close = difflib.get_close_matches(asked, _SHOWN, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(
        f"unknown metric {name[:80]!r}",
        where="metric",
        hint=f"{hint}launchworthy score --list names them all",
    )


def _maker(name: str) -> tuple[Callable[..., Metric], tuple[str, ...]] | None:
    """Who makes the metric of this name from its options, and which it takes."""
    if name in _PLAIN:
        return _PLAIN[name], _OPTIONS[name]
    match = _DEPTH.fullmatch(name)
    kind = _BY_DEPTH.get(match["name"] if match else name)
    if kind is not None and (match or not kind[2]):
        return partial(kind[0], depth=int(match["depth"]) if match else None), kind[1]
    if match := _PERCENTILE.fullmatch(name):
        return partial(operation.latency_quantile, float(match["percent"])), ()
    return None


class _Metrics(Mapping[str, Metric]):
    """Looks up any name; iterates over one of each kind."""

    def __getitem__(self, name: str) -> Metric:
        try:
            return find_metric(name)
        except InputError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(_SHOWN)

    def __len__(self) -> int:
        return len(_SHOWN)


METRICS: Mapping[str, Metric] = _Metrics()
