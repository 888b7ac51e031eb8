"""Every metric by the name that commands and contracts write. May import this room and ``errors``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics import (
    agents,
    answers,
    attacks,
    calibration,
    classification,
    collection,
    discrimination,
    form,
    grounding,
    likelihood,
    operation,
    ranking,
    rouge,
    similarity,
    text,
    translation,
    weighed,
)
from launchworthy.metrics.metric import Metric

__all__ = ["FAMILIES", "METRICS", "find_metric", "options_of"]

# A family lists its metrics by name: who makes each, and the options that it takes.
_FAMILIES: Mapping[str, tuple[Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]], ...]] = {
    "decisions": (classification.FAMILY, weighed.FAMILY),
    "probabilities and scores": (discrimination.FAMILY, calibration.FAMILY),
    "ranking": (),
    "text": (text.FAMILY, rouge.FAMILY, translation.FAMILY, similarity.FAMILY, likelihood.FAMILY),
    "form": (form.FAMILY,),
    "answers and refusals": (answers.FAMILY,),
    "grounding": (grounding.FAMILY,),
    "agents": (agents.FAMILY,),
    "attacks": (attacks.FAMILY,),
    "latency and cost": (operation.FAMILY,),
}
_MADE = {name: made for parts in _FAMILIES.values() for part in parts for name, made in part.items()}
# Those cut at a depth: who makes each (with ``depth``), its options, and whether a depth is obligatory.
_BY_DEPTH: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...], bool]] = {
    **ranking.BY_DEPTH,
    **collection.BY_DEPTH,
}
_ALIASES = {
    "auc": "roc-auc",
    "calibration-error": "expected-calibration-error",
    "ece": "expected-calibration-error",
    "fpr": "false-positive-rate",
    "mean-reciprocal-rank": "mrr",
    "pr-auc": "average-precision",
    "similarity": "embedding-similarity",
}
_OPTION_ALIASES = {"class": "positive"}
# What --list and the reference page show beside the families' own; any depth and any percentile work.
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "ranking": (
        "hit@5",
        "precision@5",
        "recall@10",
        "mrr",
        "map",
        "ndcg@10",
        "coverage@10",
        "diversity@10",
    ),
    "latency and cost": ("latency-p50", "latency-p95", "latency-p99"),
}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    title: (*(name for part in parts for name in part), *_EXAMPLES.get(title, ()))
    for title, parts in _FAMILIES.items()
}
_SHOWN = tuple(name for names in FAMILIES.values() for name in names)
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
    asked = name.strip().lower().replace("_", "-")
    given: dict[str, Any] = {_OPTION_ALIASES.get(key, key): value for key, value in (options or {}).items()}
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
        if "of" in given:
            given["of"] = find_metric(given["of"])
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


def options_of(name: str) -> tuple[str, ...]:
    """The options that the metric of this name takes."""
    found = _maker(name)
    return () if found is None else found[1]


def _maker(name: str) -> tuple[Callable[..., Metric], tuple[str, ...]] | None:
    """Who makes the metric of this name from its options, and which it takes."""
    if name in _MADE:
        return _MADE[name]
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
