"""Late facts and decisions: outcomes, feedback, scores, exposures, and what was enforced, as OTLP log events.

Nothing here raises into the application.

May import ``records``, OpenTelemetry's API and this folder.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace as otel_trace

from launchworthy.capture.sdk.client import Client
from launchworthy.capture.sdk.ended import Event
from launchworthy.capture.sdk.payload import attribute, json_text, plain
from launchworthy.capture.sdk.problems import once, quiet
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.scope import current_scope, shadowing
from launchworthy.records.attributes import (
    DECISION_EVENT,
    EVALUATION_EVENT,
    EXPOSURE_EVENT,
    FEEDBACK_EVENT,
    OUTCOME_EVENT,
    GenAI,
    Own,
)
from launchworthy.records.decision import facts_of, reason_of

__all__ = ["decision", "evaluation", "exposure", "feedback", "outcome"]


@quiet
def outcome(
    event: str,
    /,
    *,
    value: float | None = None,
    trace_id: str | None = None,
    session: str | None = None,
    user: str | None = None,
    workflow: str | None = None,
    simulated: bool | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Something happened that the contract counts, such as ``resolved``.

    Args:
        event: Its name in the contract.
        value: Amount, where the event has one.
        trace_id: Trace it belongs to; the one around this code if no trace, session or user is given.
        session: Session it belongs to, where no trace is known.
        user: User it belongs to, likewise.
        workflow: Workflow, where no trace is known.
        simulated: True if no real user caused it.
        attributes: Anything else.
    """
    facts = {Own.OUTCOME: str(event), Own.OUTCOME_VALUE: _number(value, "the value of an outcome")}
    _emit(
        OUTCOME_EVENT,
        facts,
        trace_id=trace_id,
        who={"session": session, "user": user, "workflow": workflow, "simulated": simulated},
        attributes=attributes,
    )


@quiet
def feedback(
    *,
    rating: float | bool | None = None,
    reason: str | None = None,
    comment: str | None = None,
    correction: Any = None,
    confidence: float | None = None,
    trace_id: str | None = None,
    session: str | None = None,
    user: str | None = None,
    workflow: str | None = None,
    simulated: bool | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """What a person said of an answer.

    Args:
        rating: From -1 (bad) to 1 (good); False and True are these two.
        reason: Failure mode, by its name in the contract.
        comment: The person's own words.
        correction: What the answer should have been.
        confidence: As the person was asked, for instance 1 to 5.
        trace_id: Trace of the answer; the one around this code if no trace, session or user is given.
        session: Session it belongs to, where no trace is known.
        user: User it belongs to, likewise.
        workflow: Workflow, where no trace is known.
        simulated: True if no real user gave it.
        attributes: Anything else.
    """
    found = client()
    limit = found.settings.payload_characters
    said = (
        correction
        if isinstance(correction, str) or correction is None
        else json_text(correction, limit=limit)
    )
    number = _number((1.0 if rating else -1.0) if isinstance(rating, bool) else rating, "a rating")
    if number is not None and not -1 <= number <= 1:
        once("rating", "a rating is between -1 and 1, not %r; it is left out", rating)
        number = None
    facts = {
        Own.RATING: number,
        Own.REASON: reason,
        Own.COMMENT: plain(comment, limit=limit) if found.settings.content else None,
        Own.CORRECTION: plain(said, limit=limit) if found.settings.content else None,
        Own.CONFIDENCE: _number(confidence, "a confidence"),
    }
    _emit(
        FEEDBACK_EVENT,
        facts,
        trace_id=trace_id,
        who={"session": session, "user": user, "workflow": workflow, "simulated": simulated},
        attributes=attributes,
    )


@quiet
def evaluation(
    name: str,
    /,
    *,
    value: float | None = None,
    label: str | None = None,
    explanation: str | None = None,
    error: str | None = None,
    trace_id: str | None = None,
    response_id: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """A score of an answer, by a judge or a check.

    Args:
        name: Of the metric or judge.
        value: The score.
        label: The score in a word.
        explanation: Why.
        error: Why it could not be scored; then there is no value.
        trace_id: Trace of the answer; the one around this code if not given.
        response_id: Id of the model's response that was scored, where no trace is known.
        attributes: Anything else.
    """
    facts = {
        GenAI.EVALUATION_NAME: str(name),
        GenAI.EVALUATION_VALUE: _number(value, "a score"),
        GenAI.EVALUATION_LABEL: label,
        GenAI.EVALUATION_EXPLANATION: explanation,
        GenAI.ERROR_TYPE: error,
        GenAI.RESPONSE_ID: response_id,
    }
    _emit(EVALUATION_EVENT, facts, trace_id=trace_id, who={}, attributes=attributes)


@quiet
def decision(
    *,
    kind: str,
    subject: str,
    outcome: str,
    rule: str | None = None,
    reason: str = "",
    by: str | None = None,
    facts: Mapping[str, Any] | None = None,
    decision_id: str | None = None,
    trace_id: str | None = None,
    session: str | None = None,
    user: str | None = None,
    workflow: str | None = None,
    simulated: bool | None = None,
) -> None:
    """Something was enforced, chosen or signed; the server appends it to the product's audit chain.

    Args:
        kind: ``guard``, ``permission``, ``approval``, ``tool_run``, ``fallback``, ``budget``, ``no_answer``,
            ``drill``, ``erasure`` or ``override``.
        subject: What was decided on: the name of a guard or tool, or the id of a case.
        outcome: Such as ``allowed``, ``denied``, ``hit``, ``could_not_check``, ``approved``.
        rule: Address in the contract of the line that decided.
        reason: Why, in a sentence that holds nothing of the texts.
        by: Who decided, where a person did.
        facts: What was seen: hashes, ids, numbers. A long text is kept as its SHA-256 only.
        decision_id: Makes it the same decision when it is told again; one of its own if not given.
        trace_id: Trace it belongs to; the one around this code if no trace, session or user is given.
        session: Session it belongs to.
        user: User it is about.
        workflow: Workflow, where no trace is known.
        simulated: True if no real user caused it.
    """
    seen = facts_of(facts)
    told = {
        Own.DECISION_ID: str(decision_id) if decision_id is not None else uuid.uuid4().hex,
        Own.DECISION_KIND: str(kind),
        Own.DECISION_SUBJECT: str(subject),
        Own.DECISION_OUTCOME: str(outcome),
        Own.DECISION_RULE: rule,
        Own.DECISION_REASON: reason_of(reason) if reason else None,
        Own.DECISION_BY: by,
        Own.DECISION_FACTS: json_text(seen, limit=client().settings.payload_characters) if seen else None,
    }
    _emit(
        DECISION_EVENT,
        told,
        trace_id=trace_id,
        who={"session": session, "user": user, "workflow": workflow, "simulated": simulated},
        attributes=None,
        alone=True,
    )


@quiet
def exposure(
    flag: str,
    /,
    *,
    variant: str,
    unit: str | None = None,
    unit_kind: str = "user",
    algorithm: str | None = None,
    version: str | None = None,
    rule: str | None = None,
    reason: str | None = None,
    source: str | None = None,
    trace_id: str | None = None,
    session: str | None = None,
    user: str | None = None,
    workflow: str | None = None,
    simulated: bool | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Somebody met a variant of a flag or experiment; flags of this system tell it by themselves.

    Args:
        flag: Key of the flag or experiment.
        variant: What the unit got.
        unit: Who was assigned; a pseudonym of it is recorded. The user or session if not given.
        unit_kind: ``user``, ``session``, or what else units are, such as ``account``.
        algorithm: How units were put into buckets, such as ``growthbook@2``.
        version: Version of the flag that decided.
        rule: Rule of the flag that decided.
        reason: Why, in a word such as ``split``.
        source: Whose flag it is, such as ``unleash``.
        trace_id: Trace in which it was seen; the one around this code if there is one.
        session: Session of the unit.
        user: User of the unit.
        workflow: Workflow, where no trace is known.
        simulated: True if no real user saw it.
        attributes: Anything else.
    """
    if shadowing():
        return  # nobody met it
    found = client()
    kind = str(unit_kind)
    if unit is None:
        unit = session if kind == "session" else user if kind == "user" else None
    elif kind == "user" and user is None:
        user = unit
    elif kind == "session" and session is None:
        session = unit
    told = {
        Own.EXPOSURE: str(flag),
        Own.EXPOSURE_VARIANT: str(variant),
        Own.EXPOSURE_UNIT: None if unit is None else found.unit(unit, kind=kind),
        Own.EXPOSURE_UNIT_KIND: kind,
        Own.EXPOSURE_ALGORITHM: algorithm,
        Own.EXPOSURE_VERSION: version,
        Own.EXPOSURE_RULE: rule,
        Own.EXPOSURE_REASON: reason,
        Own.EXPOSURE_SOURCE: source,
    }
    _emit(
        EXPOSURE_EVENT,
        told,
        trace_id=trace_id,
        who={"session": session, "user": user, "workflow": workflow, "simulated": simulated},
        attributes=attributes,
        alone=unit is not None,
    )


def _emit(
    name: str,
    facts: Mapping[str, Any],
    *,
    trace_id: str | None,
    who: Mapping[str, Any],
    attributes: Mapping[str, Any] | None,
    alone: bool = False,
) -> None:
    """Hand an event to the exporter; ``alone`` is one that means something without any trace or user."""
    found = client()
    known = {key: value for key, value in who.items() if value is not None}
    trace = span = 0
    carried: Mapping[str, Any] = {Own.PRODUCT: found.settings.product}
    around = otel_trace.get_current_span().get_span_context()
    elsewhere = ("session" in known or "user" in known or facts.get(GenAI.RESPONSE_ID)) and trace_id is None
    if alone and around.is_valid:
        elsewhere = False  # who is named is named beside the trace, and does not stand instead of it
    if trace_id is not None:
        trace = _trace(trace_id)
        if not trace:
            once("trace-id", "%r is no trace id of 32 hexadecimal digits", trace_id)
            if not alone and not elsewhere and not known.keys() & {"session", "user"}:
                return
    elif around.is_valid and not elsewhere:
        trace = around.trace_id
    scope = current_scope()
    if trace and trace == around.trace_id:
        # A later process does not know which release served; here it stands around.
        span = around.span_id
        carried = scope.carried if scope is not None else found.base
    elif not trace and not elsewhere and not known and not alone:
        once(
            "unattached", "a %s outside any trace needs a trace_id, session or user; it is not recorded", name
        )
        return
    elif scope is not None and Own.SIMULATED in scope.carried:
        carried = {**carried, Own.SIMULATED: scope.carried[Own.SIMULATED]}  # whoever is named in such a block
    found.sink.add_event(
        Event(
            name=name,
            time_ns=found.clock(),
            trace_id=trace,
            span_id=span,
            attributes={
                **carried,
                **found.identity(**known),
                **{key: value for key, value in facts.items() if value is not None},
                **_others(found, attributes),
            },
        )
    )


def _others(found: Client, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    if not attributes:
        return {}
    limit = found.settings.payload_characters
    return {
        str(name): attribute(value, limit=limit) for name, value in attributes.items() if value is not None
    }


def _number(value: Any, what: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number):
        return number
    once(f"number:{what}", "%s is a finite number, not %.80r; it is left out", what, value)
    return None


def _trace(text: str) -> int:
    """0 if the text is no trace id."""
    try:
        return int(text, 16) if len(text) == 32 else 0
    except (TypeError, ValueError):
        return 0
