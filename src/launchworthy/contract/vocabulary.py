"""The metrics that a contract can name: what each measures, in which unit, and which side is good.

May import ``claim``, ``problem`` and ``units``. Quality, reliability and economics are closed: an unknown
name is an error. Outcomes, trust, abuse and monitors may also be events of the product's own. Units are
those that provers measure in: a share of items is ``ratio``, a price keeps the currency of its target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from launchworthy.contract.claim import Direction
from launchworthy.contract.problem import closest
from launchworthy.contract.units import UnitKind

__all__ = ["CLOSED", "OWN_RUBRIC", "VOCABULARY", "Measure", "MetricWord", "find_word", "suggestion"]


class Measure(StrEnum):
    """What kind of number it is, which decides how it is bounded."""

    PROPORTION = "proportion"  # each unit is good or bad
    MEAN = "mean"  # each unit has a value
    QUANTILE = "quantile"  # a value that a share of units stays within
    RATIO = "ratio"  # a sum over a sum
    SCORE = "score"  # computed over the whole sample


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricWord:
    """One metric name of a family.

    Attributes:
        name: As contracts write it; ``{k}`` and ``{p}`` stand for a depth and a percentile.
        kinds: Kinds of quantity that a target may have, the first being the canonical one.
        unit: Canonical unit where it is fixed: ``ratio`` or ``ms``; empty where the target decides.
        measure: How it is bounded.
        direction: Which side is good.
        doc: One sentence.
    """

    name: str
    kinds: tuple[UnitKind, ...]
    measure: Measure
    direction: Direction
    doc: str

    @property
    def unit(self) -> str:
        """Canonical unit where the name fixes it."""
        return {UnitKind.SHARE: "ratio", UnitKind.DURATION: "ms"}.get(self.kinds[0], "")


CLOSED = ("quality", "reliability", "economics")
# Metrics that a judge can score without a rubric of the product's own.
OWN_RUBRIC = frozenset(
    {"accuracy", "answer_relevance", "correctness", "faithfulness", "groundedness", "win_rate"}
)
UP, DOWN = Direction.AT_LEAST, Direction.AT_MOST
_SHARE = (UnitKind.SHARE, UnitKind.NUMBER)
_TIME, _NUMBER = (UnitKind.DURATION,), (UnitKind.NUMBER,)
_COST = (UnitKind.MONEY, UnitKind.PRICE)


def _words(
    kinds: tuple[UnitKind, ...], measure: Measure, direction: Direction, **docs: str
) -> list[MetricWord]:
    return [
        MetricWord(name=name, kinds=kinds, measure=measure, direction=direction, doc=doc)
        for name, doc in docs.items()
    ]


def _at(
    name: str, kinds: tuple[UnitKind, ...], measure: Measure, direction: Direction, doc: str
) -> MetricWord:
    return MetricWord(name=name, kinds=kinds, measure=measure, direction=direction, doc=doc)


_QUALITY = [
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        UP,
        accuracy="Share of answers that are right.",
        correctness="Share of answers that say what the reference says.",
        groundedness="Share of answers' statements that what was retrieved supports.",
        citation_correctness="Share of citations that support the sentence they stand by.",
        format_adherence="Share of answers that follow the declared schema, pattern, length and language.",
        length="Share of answers whose length is within bounds.",
        language="Share of answers in the language that was asked for.",
        json_schema="Share of answers that are valid under a JSON Schema.",
        regex="Share of answers that match a pattern.",
        exact_match="Share of answers equal to a reference after normalising.",
        refusal_correctness="Share of questions that were answered or refused as they should be.",
        answer_rate="Share of questions that were answered.",
        no_answer_action="Share of questions to be declined that were declined in the way that was due.",
        answer_relevance="Share of answers that address the question.",
        rubric="Share of answers that meet the rubric of their judge.",
        completeness="Share of answers that leave out nothing that was needed.",
        faithfulness="Share of answers that say nothing beyond their sources.",
        tool_choice="Share of tasks in which the right tool was called.",
        argument_correctness="Share of tool calls with the right arguments.",
        task_success="Share of tasks that reach their goal.",
        tool_call_correctness="Share of tasks whose tool calls were those that were due.",
        out_of_scope="Share of out-of-scope questions that were recognised.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        DOWN,
        over_refusal="Share of answerable questions that were refused.",
        under_refusal="Share of unanswerable questions that were answered.",
        selective_risk="Share of the answers given that are wrong.",
        answered_without_evidence="Share of answers given that rest on nothing.",
        forbidden_tool_calls="Share of tasks in which a tool was called that must not be.",
        hallucination="Share of answers with a statement that nothing supports.",
        toxicity="Share of answers that hurt.",
        error_rate="Share of answers that are wrong.",
    ),
    *_words(
        _SHARE,
        Measure.RATIO,
        UP,
        precision="Share of those predicted positive that are.",
        recall="Share of the positives that were found.",
        specificity="Share of the negatives that were left alone.",
        citation_precision="Share of citations that support what they stand at.",
        citation_recall="Share of statements that their citations support.",
        tool_call_precision="Share of tool calls made that were due.",
        tool_call_recall="Share of tool calls due that were made.",
    ),
    *_words(
        _SHARE,
        Measure.SCORE,
        UP,
        f1="Harmonic mean of precision and recall.",
        auc="Chance that a positive scores above a negative.",
        roc_auc="Chance that a positive scores above a negative.",
        average_precision="Area under precision against recall.",
        pr_auc="Area under precision against recall.",
        coverage="Share of the catalogue that is ever recommended.",
        balanced_accuracy="Mean over the classes of the share of each that was found.",
        macro_precision="Precision, averaged over the classes.",
        macro_recall="Recall, averaged over the classes.",
        macro_f1="F1, averaged over the classes.",
        micro_precision="Precision over all decisions together.",
        micro_recall="Recall over all decisions together.",
        micro_f1="F1 over all decisions together.",
        weighted_precision="Precision, averaged over the classes by their size.",
        weighted_recall="Recall, averaged over the classes by their size.",
        weighted_f1="F1, averaged over the classes by their size.",
        chrf="Character n-grams shared with the reference.",
    ),
    *_words(
        _SHARE,
        Measure.MEAN,
        UP,
        token_f1="Token overlap with the reference.",  # noqa: S106  a metric, no password
        mrr="Mean reciprocal rank of the first relevant result.",
        map="Mean average precision of rankings.",
        ndcg="Discounted gain of a ranking against the best one.",
        rouge_1="Words shared with the reference.",
        rouge_2="Pairs of words shared with the reference.",
        embedding_similarity="Cosine of the answer's and the reference's embeddings.",
        rouge_l="Longest common subsequence with the reference.",
        bleu="N-gram precision against the reference.",
        context_precision="Share of the retrieved passages that are relevant.",
        context_recall="Share of the needed passages that were retrieved.",
        similarity="Semantic similarity to the reference.",
        win_rate="Share of answers that a judge prefers to the baseline's; a tie counts half.",
    ),
    _at(
        "hit@{k}",
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        UP,
        "Share of questions with a relevant result among the first k.",
    ),
    _at("precision@{k}", _SHARE, Measure.MEAN, UP, "Share of the first k results that are relevant."),
    _at("recall@{k}", _SHARE, Measure.MEAN, UP, "Share of the relevant results among the first k."),
    _at(
        "ndcg@{k}", _SHARE, Measure.MEAN, UP, "Discounted gain of the first k results against the best order."
    ),
    _at(
        "coverage@{k}",
        _SHARE,
        Measure.SCORE,
        UP,
        "Share of the catalogue that is ever among the first k.",
    ),
    _at("diversity@{k}", _SHARE, Measure.MEAN, UP, "How unlike each other the first k results are."),
    _at("map@{k}", _SHARE, Measure.MEAN, UP, "Mean average precision of the first k results."),
    _at("mrr@{k}", _SHARE, Measure.MEAN, UP, "Mean reciprocal rank within the first k results."),
    *_words(
        _NUMBER,
        Measure.SCORE,
        DOWN,
        brier="Mean squared error of probabilities.",
        log_loss="Mean negative log-likelihood of the truth.",
        rmse="Root mean squared error.",
        mae="Mean absolute error.",
        bits_per_byte="Mean negative log-likelihood, in bits for each byte of text.",
        perplexity="Exponential of the mean negative log-likelihood per token.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.SCORE,
        DOWN,
        calibration_error="Mean distance of confidence from what came true.",
        expected_calibration_error="Mean distance of confidence from what came true.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        DOWN,
        false_positive_rate="Share of the negatives that were called positive.",
    ),
    *_words((UnitKind.SHARE,), Measure.PROPORTION, UP, selection_rate="Share of cases called positive."),
    *_words(_NUMBER, Measure.RATIO, DOWN, steps_to_success="Steps of all tasks, over those that succeeded."),
    *_words(_COST, Measure.RATIO, DOWN, cost_to_success="Cost of all tasks, over those that succeeded."),
    *_words((*_COST, UnitKind.NUMBER), Measure.MEAN, DOWN, expected_cost="Mean cost of the decisions made."),
    *_words(_NUMBER, Measure.MEAN, UP, rating="Mean rating by people or judges."),
]
_OUTCOMES = [
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        UP,
        task_completion="Share of tasks that were completed.",
        resolved="Share of sessions whose success event came and stood.",
        deflection="Share of sessions that needed no person.",
        conversion="Share of sessions that led to the goal.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        DOWN,
        escalation="Share of sessions handed to a person.",
        churn="Share of users who left.",
        reopened="Share of successes that were undone.",
    ),
    *_words(_TIME, Measure.QUANTILE, DOWN, time_to_resolution="Time from the question to its resolution."),
    *_words(_TIME, Measure.QUANTILE, DOWN, time_to_completion="Time from the start of a task to its end."),
]
_TRUST = [
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        DOWN,
        re_edit="Share of accepted outputs that were edited.",
        undo="Share of accepted outputs that were taken back.",
        follow_up="Share of answers followed by a clarifying question.",
        override="Share of decisions that people reversed.",
        appeal="Share of decisions that the person concerned contested.",
        regenerate="Share of answers asked for again.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        UP,
        seeded_caught="Share of seeded wrong proposals that people refused.",
        acceptance="Share of outputs that were accepted.",
    ),
    *_words(
        (UnitKind.NUMBER, UnitKind.SHARE),
        Measure.MEAN,
        UP,
        reported_confidence="Confidence that users report, of 5.",
        explanation_useful="How useful users find the explanation, of 5.",
        satisfaction="Satisfaction that users report, of 5.",
    ),
    *_words(
        (UnitKind.SHARE,),
        Measure.SCORE,
        DOWN,
        calibration_error="Mean distance of shown confidence from the truth.",
    ),
]
_RELIABILITY = [
    *[
        _at(f"{name}_p{{p}}", _TIME, Measure.QUANTILE, DOWN, doc)
        for name, doc in (
            ("latency", "Time from the request to the whole answer."),
            ("first_token", "Time from the request to the first token."),
            ("feature_staleness", "Age of the features when they are read."),
            ("retrieval_latency", "Time that retrieval takes."),
            ("tool_latency", "Time that a tool call takes."),
            ("queue_wait", "Time that an item waits for a person."),
        )
    ],
    *_words(_TIME, Measure.MEAN, DOWN, latency="Mean time from the request to the whole answer."),
    *_words(
        (UnitKind.SHARE,),
        Measure.PROPORTION,
        DOWN,
        timeout="Share of calls that ran into the time limit.",
        fallback="Share of calls answered by a fallback.",
        error="Share of calls that failed.",
        tool_call_error="Share of tool calls that failed.",
        empty_retrieval="Share of retrievals that found nothing.",
    ),
    *_words((UnitKind.SHARE,), Measure.PROPORTION, UP, availability="Share of calls that were answered."),
]
_ECONOMICS = [
    *_words(
        _COST,
        Measure.RATIO,
        DOWN,
        cost_per_success="Cost of everything, over successes.",
        cost_per_action="Cost of one call of the workflow.",
        cost_per_active_user="Cost of a user in a period.",
        cost_per_session="Cost of one session.",
        cost="Mean cost of a call.",
    ),
    *_words((UnitKind.SHARE,), Measure.RATIO, UP, margin="Share of revenue left after cost."),
    *_words((UnitKind.SHARE,), Measure.RATIO, UP, cache_hit="Share of input tokens that came from a cache."),
]

VOCABULARY: Mapping[str, tuple[MetricWord, ...]] = {
    "outcomes": tuple(_OUTCOMES),
    "quality": tuple(_QUALITY),
    "trust": tuple(_TRUST),
    "reliability": tuple(_RELIABILITY),
    "economics": tuple(_ECONOMICS),
}
_DEPTH = re.compile(r"(?P<stem>[a-z_]+@)[1-9]\d{0,6}")
_PERCENTILE = re.compile(r"(?P<stem>[a-z_]+_p)(?P<percent>[1-9]\d?(\.\d{1,3})?)")


def find_word(family: str, name: str) -> MetricWord | None:
    """The word of a metric as a contract names it; ``-`` and ``_`` are the same; None if it is not known."""
    asked = name.replace("-", "_")
    stem = asked
    if match := _DEPTH.fullmatch(asked):
        stem = match["stem"] + "{k}"
    elif match := _PERCENTILE.fullmatch(asked):
        stem = match["stem"] + "{p}"
    for word in VOCABULARY.get(family, ()):
        if word.name == asked or word.name == stem:
            return replace(word, name=name)
    return None


def suggestion(family: str, name: str) -> str:
    """``did you mean "groundedness"?`` or where it belongs, or the names that there are."""
    shown = [word.name.replace("{k}", "5").replace("{p}", "95") for word in VOCABULARY.get(family, ())]
    if hint := closest(name.replace("-", "_"), shown):
        return hint
    for other in VOCABULARY:
        if other != family and find_word(other, name) is not None:
            return f'"{name}" belongs under {other}'
    return f"known are {', '.join(shown[:6])} …"
