"""Which claims a run can speak for, and with which metric. Pure; may import ``contract``, ``metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from launchworthy.contract import Claim, ClaimKind
from launchworthy.errors import InputError
from launchworthy.evals.scoring import own_scorer
from launchworthy.evals.target import load_function
from launchworthy.metrics import Metric, find_metric

__all__ = ["PROVES", "metric_of", "metrics_of", "scorer_of", "scorer_text"]

# What can be measured offline today, as [kind:]family/metric; `+judge` is for what a judge scores.
# Weighted metrics are not among it.
PROVES: tuple[str, ...] = (
    "agree:proof/judges",
    "bound:gold/looks",
    "cover:gold/*",
    "fresh:gold/refresh",
    "fresh:proof/run",
    "bound:quality/*+judge",
    "delta:quality/*+judge",
    "quality/accuracy",
    "quality/auc",
    "quality/average_precision",
    "quality/brier",
    "quality/citation_correctness",
    "quality/exact_match",
    "quality/f1",
    "quality/format_adherence",
    "quality/hit@*",
    "quality/json_schema",
    "quality/log_loss",
    "quality/map",
    "quality/map@*",
    "quality/mrr",
    "quality/mrr@*",
    "quality/ndcg",
    "quality/ndcg@*",
    "quality/over_refusal",
    "quality/precision",
    "quality/precision@*",
    "quality/recall",
    "quality/recall@*",
    "quality/refusal_correctness",
    "quality/regex",
    "quality/roc_auc",
    "quality/token_f1",
    "quality/under_refusal",
)
_OPTIONS = ("positive", "schema", "pattern")
_BEYOND = ("judge", "weight")  # a claim that names one of these asks for more than the plain metric


def scorer_of(text: str) -> Metric:
    """A scorer as the command line writes it.

    ``hit@5``; ``regex:pattern=[0-9]+``; ``json-schema:schema=FILE``; ``module:function`` for one of your own.

    Raises:
        InputError: No such metric, option or function.
    """
    name, _, rest = text.partition(":")
    key, sign, value = rest.partition("=")
    if rest and not sign:
        return own_scorer(load_function(text, what="scorer"), name=rest)
    return find_metric(name, options={key: value} if rest else {})


def scorer_text(claim: Claim) -> str:
    """What :func:`scorer_of` reads as the metric of a claim that :func:`metric_of` knows."""
    name, options = _asked(claim)
    return ":".join([name, *(f"{key}={value}" for key, value in options.items())])


def metric_of(claim: Claim) -> Metric | None:
    """The metric that a quality claim asks for; None if none here measures it.

    ``format_adherence`` is a regular expression where the claim gives a ``pattern``, else a JSON Schema: the
    claim's ``schema``, or that of each gold item.
    """
    if claim.family != "quality" or claim.kind not in (ClaimKind.BOUND, ClaimKind.DELTA):
        return None
    if any(claim.options.get(name) is not None for name in _BEYOND):
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


def _asked(claim: Claim) -> tuple[str, dict[str, str]]:
    options = {name: str(claim.options[name]) for name in _OPTIONS if claim.options.get(name) is not None}
    name = claim.metric
    if name.replace("-", "_") == "format_adherence":
        name = "regex" if "pattern" in options else "json-schema"
    return name, options
