"""Which claims a run can speak for, and with which metric. Pure; may import ``contract``, ``metrics``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from launchworthy.contract import Claim, ClaimKind
from launchworthy.errors import InputError
from launchworthy.evals.scoring import own_scorer
from launchworthy.evals.target import load_function
from launchworthy.metrics import Metric, find_metric

__all__ = ["PROVES", "in_folder", "metric_of", "metrics_of", "scorer_of", "scorer_text"]

# What can be measured offline today, as [kind:]family/metric; `+judge` is for what a judge scores, `+weight`
# for what is weighed by a number of each item.
PROVES: tuple[str, ...] = (
    "agree:proof/judges",
    "bound:abuse/*",
    "delta:decide/decide",
    "delta:release/serving",
    "bound:gold/looks",
    "bound:gold/sealed_looks",
    "cover:gold/*",
    "bound:fairness/gap/*quality/*",
    "bound:fairness/ratio/*quality/*",
    "fresh:gold/refresh",
    "fresh:proof/run",
    "bound:quality/*+judge",
    "delta:quality/*+judge",
    "quality/accuracy",
    "quality/accuracy+weight",
    "quality/answer_rate",
    "quality/answered_without_evidence",
    "quality/auc",
    "quality/average_precision",
    "quality/balanced_accuracy",
    "quality/bits_per_byte",
    "quality/bleu",
    "quality/brier",
    "quality/calibration_error",
    "quality/chrf",
    "quality/citation_correctness",
    "quality/citation_precision",
    "quality/citation_recall",
    "quality/cost_to_success",
    "quality/coverage",
    "quality/coverage@*",
    "quality/diversity@*",
    "quality/embedding_similarity",
    "quality/exact_match",
    "quality/expected_calibration_error",
    "quality/expected_cost",
    "quality/f1",
    "quality/false_positive_rate",
    "quality/false_positive_rate+weight",
    "quality/forbidden_tool_calls",
    "quality/format_adherence",
    "quality/groundedness",
    "quality/hit@*",
    "quality/json_schema",
    "quality/language",
    "quality/length",
    "quality/log_loss",
    "quality/macro_f1",
    "quality/macro_precision",
    "quality/macro_recall",
    "quality/map",
    "quality/map@*",
    "quality/micro_f1",
    "quality/micro_precision",
    "quality/micro_recall",
    "quality/mrr",
    "quality/mrr@*",
    "quality/ndcg",
    "quality/ndcg@*",
    "quality/no_answer_action",
    "quality/over_refusal",
    "quality/perplexity",
    "quality/pr_auc",
    "quality/precision",
    "quality/precision+weight",
    "quality/precision@*",
    "quality/recall",
    "quality/recall+weight",
    "quality/recall@*",
    "quality/refusal_correctness",
    "quality/regex",
    "quality/roc_auc",
    "quality/rouge_1",
    "quality/rouge_2",
    "quality/rouge_l",
    "quality/selection_rate",
    "quality/selective_risk",
    "quality/similarity",
    "quality/steps_to_success",
    "quality/task_success",
    "quality/token_f1",
    "quality/tool_call_correctness",
    "quality/tool_call_precision",
    "quality/tool_call_recall",
    "quality/under_refusal",
    "quality/weighted_f1",
    "quality/weighted_precision",
    "quality/weighted_recall",
)
_OPTIONS = ("positive", "schema", "pattern", "weight")


def scorer_of(text: str) -> Metric:
    """A scorer as the command line writes it.

    ``hit@5``; ``regex:pattern=[0-9]+``; ``json-schema:schema=FILE``; several options with ``;`` between, such
    as ``tool-call-correctness:order=subset;ignore=id``; ``module:function`` for one of your own.

    Raises:
        InputError: No such metric, option or function.
    """
    name, _, rest = text.partition(":")
    if rest and "=" not in rest:
        return own_scorer(load_function(text, what="scorer"), name=rest)
    parts = re.split(r";(?=[a-z_]+=)", rest) if rest else []
    try:
        return find_metric(name, options=_options(parts))
    except InputError:
        if len(parts) < 2:
            raise
        return find_metric(name, options=_options([rest]))  # a value, such as a pattern, may hold ";b="


def _options(parts: Iterable[str]) -> dict[str, str]:
    return {key: value for key, _, value in (part.partition("=") for part in parts)}


def scorer_text(claim: Claim) -> str:
    """What :func:`scorer_of` reads as the metric of a claim that :func:`metric_of` knows."""
    name, options = _asked(claim)
    told = ";".join(f"{key}={value}" for key, value in options.items())
    return f"{name}:{told}" if told else name


def metric_of(claim: Claim) -> Metric | None:
    """The metric that a quality claim asks for; None if none here measures it."""
    if claim.family != "quality" or claim.kind not in (ClaimKind.BOUND, ClaimKind.DELTA):
        return None
    if claim.options.get("judge") is not None:
        return None
    if claim.kind is ClaimKind.DELTA and claim.options.get("against") == "before":
        return None  # the old workflow was never run on this gold set
    name, options = _asked(claim)
    try:
        metric = find_metric(name, options=options)
    except InputError:
        return None
    return None if claim.target is not None and claim.target.unit not in ("", metric.unit) else metric


def metrics_of(claims: Iterable[Claim], *, workflow: str) -> Mapping[str, Metric]:
    """Metrics that the quality claims of a workflow ask for, by address of the claim."""
    found: dict[str, Metric] = {}
    for claim in claims:
        metric = metric_of(claim) if claim.workflow in (None, workflow) else None
        if metric is not None:
            found[claim.address] = metric
    return found


def in_folder(claim: Claim, folder: Path) -> Claim:
    """A claim whose files are named as they are found from here; its own paths begin in ``folder``."""
    files = {name: claim.options.get(name) for name in ("schema", "rubric", "policy")}
    found = {name: str(folder / path) for name, path in files.items() if isinstance(path, str)}
    return replace(claim, options={**claim.options, **found}) if found else claim


def _asked(claim: Claim) -> tuple[str, dict[str, str]]:
    given = {name: claim.options.get(name) for name in _OPTIONS} | dict(claim.options.get("options") or {})
    name = claim.metric if given["weight"] is None else f"{claim.metric}_by_weight"
    return name, {name: str(value) for name, value in given.items() if value is not None}
