"""What a contract can say, but hardly means: misspelt words, a launch that stops short, nothing predicted.

May import this room only. All of it is a warning: names of one's own are part of the language, so a word is
doubted only where a known one is close.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import get_args

from launchworthy.contract.document import Document, KeyPath
from launchworthy.contract.guard_words import built_in_name, guard_suggestion
from launchworthy.contract.model import Contract
from launchworthy.contract.model.workflow import Policy
from launchworthy.contract.problem import Problem, Severity, closest
from launchworthy.contract.vocabulary import OWN_RUBRIC
from launchworthy.quantity import format_value

__all__ = ["check_doubts"]

_CLOSE = 0.85
_FALLBACKS = (
    *get_args(Policy),
    "retry_once",
    "previous_model",
    "rules",
    "search_results",
    "manual_form",
)
_FAULTS = (
    "model_timeout",
    "model_down",
    "model_or_tool_down",
    "tool_timeout",
    "tool_down",
    "index_down",
    "feature_store_down",
    "payments_down",
)
_COVERED = (
    "data_flow",
    "retention",
    "erasure",
    "encryption",
    "access_control",
    "audit_trail",
    "vendor",
    "pci_dss",
)
# Metrics of answers in words and of rankings, which no score of a case has; those with a depth too (hit@5).
_OF_ANSWERS = frozenset(
    {
        "groundedness",
        "citation_correctness",
        "format_adherence",
        "json_schema",
        "regex",
        "exact_match",
        "refusal_correctness",
        "answer_relevance",
        "completeness",
        "faithfulness",
        "tool_choice",
        "argument_correctness",
        "answer_rate",
        "over_refusal",
        "under_refusal",
        "hallucination",
        "toxicity",
        "token_f1",
        "mrr",
        "map",
        "ndcg",
        "rouge_l",
        "bleu",
        "context_precision",
        "context_recall",
        "similarity",
        "perplexity",
    }
)


def check_doubts(contract: Contract, document: Document, *, whole: bool) -> Iterator[Problem]:
    """Each as a warning; ``whole`` is False where lines were left out, which then are not missed."""

    def doubt(path: KeyPath, code: str, message: str, hint: str, *, key: bool = False) -> Problem:
        place = document.place(path, of_key=key)
        return Problem(place=place, code=code, message=message, hint=hint, severity=Severity.WARNING)

    for path, judge, metric in _without_rubric(contract):
        yield doubt(
            path,
            "LW228",
            f"{judge} has no rubric, and {metric} has none of its own",
            f"write rubric: rubrics/{metric}.md for it under proof/judges",
        )
    for path, word, hint in _misspelt(contract):
        yield doubt(path, "LW227", f'"{word}" is taken as a word of your own', hint)
    stages = contract.rollout.stages
    if whole and stages and stages[-1].share.value < 1.0:
        last = stages[-1]
        rest = format_value(1.0 - last.share.value, unit="ratio")
        yield doubt(
            ("rollout", "stages", len(stages) - 1, "share"),
            "LW233",
            f"{last.name} is the last stage and has a share of {last.share}: {rest} never get the release",
            "add a stage with share: 100 %",
        )
    if whole and contract.kind == "predictive" and not any(map(_predicts, contract.workflows.values())):
        yield doubt(
            ("kind",),
            "LW238",
            "the product is predictive, but none of its workflows `predicts` anything",
            "add predicts: {label: NAME, type: binary} to the workflow that does, or write kind: generative",
        )
        for name, workflow in contract.workflows.items():
            for metric in workflow.quality:
                if "@" in metric or metric.replace("-", "_") in _OF_ANSWERS:
                    yield doubt(
                        ("workflows", name, "quality", metric),
                        "LW238",
                        f"{metric} is measured on answers or rankings, and {name} predicts none",
                        "write kind: generative, or predicts: {label: NAME, type: ranking}, or use auc …",
                        key=True,
                    )


def _without_rubric(contract: Contract) -> Iterator[tuple[KeyPath, str, str]]:
    """Path, judge and metric where a judge would not know what to judge by."""
    for name, workflow in contract.workflows.items():
        for metric, line in workflow.quality.items():
            judge = contract.proof.judges.get(line.judge or "")
            if judge is not None and judge.rubric is None and metric.replace("-", "_") not in OWN_RUBRIC:
                yield ("workflows", name, "quality", metric, "judge"), str(line.judge), metric


def _predicts(workflow: object) -> bool:
    return getattr(workflow, "predicts", None) is not None


def _misspelt(contract: Contract) -> Iterator[tuple[KeyPath, str, str]]:
    """Path, word and suggestion for each word that is nearly a known one."""
    for name, workflow in contract.workflows.items():
        yield from _near(("workflows", name, "fallbacks"), workflow.fallbacks, _FALLBACKS)
    for name, monitor in contract.monitors.items():
        yield from _near(("monitors", name, "inject"), monitor.inject, _FAULTS)
    for name, attestation in contract.attest.items():
        yield from _near(("attest", name, "covers"), attestation.covers, _COVERED)
    for name, guard in (contract.guards or {}).items():
        if guard.uses is not None or built_in_name(name) is not None:
            continue
        if hint := guard_suggestion(name.lower(), cutoff=_CLOSE):
            yield ("guards", name), name, hint


def _near(path: KeyPath, words: Iterable[str], known: Collection[str]) -> Iterator[tuple[KeyPath, str, str]]:
    for number, word in enumerate(words):
        if word.replace("-", "_") not in known and (hint := closest(word.lower(), known, cutoff=_CLOSE)):
            yield (*path, number), word, hint
