"""Late facts and decisions, sent as log events: rows of the tables of late facts.

May import ``records`` and this room's ``otlp``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import orjson

from launchworthy.capture.columns import flag, number, plain, short
from launchworthy.capture.origin import Origin
from launchworthy.capture.otlp.record import SentLog
from launchworthy.capture.redaction import Redaction
from launchworthy.capture.refusal import Refusal, check_time
from launchworthy.capture.storage_policy import Guard, StoragePolicy, redact_attributes
from launchworthy.records.attributes import (
    DECISION_EVENT,
    EVALUATION_EVENT,
    EXPOSURE_EVENT,
    FEEDBACK_EVENT,
    OUTCOME_EVENT,
    GenAI,
    Own,
)
from launchworthy.records.decision import DECISION_KINDS, OF_THE_QUEUE, facts_of, reason_of
from launchworthy.records.tables import DECISIONS, EXPOSURES, FEEDBACK, OUTCOMES, SCORES, Table

__all__ = ["FACT_TABLES", "FactMapper"]

_EVENT_NAME = "event.name"
_CONTENT = frozenset({"comment", "correction", "explanation"})
# Who was served is a pseudonym, who decided stands for the decision, and the product chose the policy.
_KEPT = frozenset({"product", "user_id", "session_id", "unit", "decided_by"})
FACT_TABLES: Final[dict[str, Table]] = {
    EVALUATION_EVENT: SCORES,
    OUTCOME_EVENT: OUTCOMES,
    FEEDBACK_EVENT: FEEDBACK,
    DECISION_EVENT: DECISIONS,
    EXPOSURE_EVENT: EXPOSURES,
}
_NAME_CHARS = 200


class FactMapper:
    """Makes rows of log events.

    Args:
        guard: Takes out what may not be stored.
        received_at_ns: When the request came.
    """

    def __init__(self, *, guard: Guard, received_at_ns: int) -> None:
        self._guard = guard
        self._received_at_ns = received_at_ns

    def row(self, log: SentLog, origin: Origin) -> tuple[Table, tuple[Any, ...]]:
        """The table that the event belongs to, and the values of its columns in their order.

        Raises:
            Refusal: An event that is not kept, or one that lacks what it must say.
        """
        attributes = {**log.body, **log.attributes} if isinstance(log.body, dict) else log.attributes
        event = log.event or attributes.pop(_EVENT_NAME, "")
        attributes.pop(_EVENT_NAME, None)
        table = FACT_TABLES.get(event) if isinstance(event, str) else None
        if table is None:
            raise Refusal(
                f"not an event that is kept: {event!r:.80}" if event else "a log record without an event name"
            )
        trace_id, span_id = _id(log.trace_id, 16, "trace"), _id(log.span_id, 8, "span")
        time_ns = log.time_ns or self._received_at_ns
        check_time(time_ns, received_at_ns=self._received_at_ns)
        take = attributes.pop
        product = short(take(Own.PRODUCT, None)) or origin.product
        policy = self._guard.policy(product)
        values: dict[str, Any] = {
            "trace_id": trace_id,
            "span_id": span_id,
            "product": product,
            "workflow": short(take(Own.WORKFLOW, None))
            or origin.workflow
            or short(take(GenAI.WORKFLOW_NAME, None)),
            "release": short(take(Own.RELEASE, None)) or origin.release,
            "cohort": short(take(Own.COHORT, None)) or origin.cohort,
            "time": time_ns,
            "received_at": self._received_at_ns,
        }
        user = plain(take(GenAI.USER_ID, None)) or origin.user_id
        session = plain(take(GenAI.SESSION_ID, None)) or plain(take(GenAI.CONVERSATION_ID, None))
        session = session or origin.session_id
        values["user_id"] = None if user is None else self._guard.person(user, policy)
        values["session_id"] = None if session is None else self._guard.session(session, policy)
        simulated = flag(take(Own.SIMULATED, None))
        values["simulated"] = origin.simulated if simulated is None else simulated
        values |= _OWN[table.name](attributes)
        if table is EXPOSURES:
            self._assigned(values, policy)
        if table is DECISIONS and values["event_id"] is None:
            values["event_id"] = _event_id(values)
        if not policy.store_content:
            values |= dict.fromkeys(_CONTENT & values.keys())
        _redact(values, attributes, policy, decided=table is DECISIONS)
        self._guard.strip(attributes, policy)
        values["attributes"] = orjson.dumps(attributes).decode() if attributes else None
        return table, tuple(values[name] for name in table.names)

    def _assigned(self, values: dict[str, Any], policy: StoragePolicy) -> None:
        """Who was assigned is a person or session as any other, and is the user or session if it says so."""
        told, kind = values["unit"], values["unit_kind"]
        named = "session_id" if kind == "session" else "user_id"
        if told is None:
            if kind in (None, "user", "session"):
                values["unit"] = values[named]
                values["unit_kind"] = kind or ("user" if values[named] is not None else None)
            return
        known = self._guard.session(told, policy) if kind == "session" else self._guard.person(told, policy)
        values["unit"], values["unit_kind"] = known, kind or "user"
        if values["unit_kind"] in ("user", "session") and values[named] is None:
            values[named] = known


def _redact(
    values: dict[str, Any], attributes: dict[str, Any], policy: StoragePolicy, *, decided: bool
) -> None:
    """Take personal data out of what somebody wrote."""
    if policy.redact is None:
        return
    redaction = Redaction(policy.redact)
    told = _CONTENT | {"reason"} if decided and values["decided_by"] is not None else _CONTENT
    for name in told & values.keys():
        if values[name] is not None:
            values[name] = redaction.text(values[name])
    ours: dict[str, Callable[[str], str | None]] = (
        {"reason": redaction.sentence, "facts": redaction.facts} if decided else {}
    )
    for name in values.keys() - told - _KEPT:
        if isinstance(values[name], str):
            values[name] = ours.get(name, redaction.named)(values[name])
    redact_attributes(attributes, redaction, content=policy.store_content)
    if redaction.left_out:
        attributes[Own.TEXTS_LEFT_OUT] = redaction.left_out


def _id(value: bytes, size: int, name: str) -> bytes | None:
    if not value or not any(value):
        return None
    if len(value) != size:
        raise Refusal(f"the {name} id is not {size} bytes ({2 * size} hexadecimal digits in JSON)")
    return value


def _outcome(attributes: dict[str, Any]) -> dict[str, Any]:
    event = short(attributes.pop(Own.OUTCOME, None))
    if event is None:
        raise Refusal(f"an outcome without {Own.OUTCOME}")
    return {"event": event, "value": _number(attributes, Own.OUTCOME_VALUE)}


def _feedback(attributes: dict[str, Any]) -> dict[str, Any]:
    take = attributes.pop
    rating = _number(attributes, Own.RATING)
    if rating is not None and not -1 <= rating <= 1:
        raise Refusal(f"{Own.RATING} is not between -1 and 1")
    found = {
        "rating": rating,
        "reason": short(take(Own.REASON, None)),
        "comment": plain(take(Own.COMMENT, None)),
        "correction": plain(take(Own.CORRECTION, None)),
        "confidence": _number(attributes, Own.CONFIDENCE),
    }
    if all(value is None for value in found.values()):
        raise Refusal("feedback that says nothing: no rating, reason, comment, correction or confidence")
    return found


def _score(attributes: dict[str, Any]) -> dict[str, Any]:
    take = attributes.pop
    name = short(take(GenAI.EVALUATION_NAME, None))
    if name is None:
        raise Refusal(f"an evaluation result without {GenAI.EVALUATION_NAME}")
    return {
        "response_id": short(take(GenAI.RESPONSE_ID, None)),
        "name": name,
        "value": _number(attributes, GenAI.EVALUATION_VALUE),
        "label": short(take(GenAI.EVALUATION_LABEL, None)),
        "explanation": plain(take(GenAI.EVALUATION_EXPLANATION, None)),
        "error_type": short(take(GenAI.ERROR_TYPE, None)),
    }


def _decision(attributes: dict[str, Any]) -> dict[str, Any]:
    take = attributes.pop
    kind = short(take(Own.DECISION_KIND, None))
    if kind not in DECISION_KINDS:
        raise Refusal(f"{Own.DECISION_KIND} is none of {', '.join(DECISION_KINDS)}")
    named = {name: short(take(attribute, None)) for name, attribute in _DECISION_NAMES.items()}
    for name in ("subject", "outcome"):
        if named[name] is None:
            raise Refusal(f"a decision without {_DECISION_NAMES[name]}")
    if (named["event_id"] or "").startswith(OF_THE_QUEUE):
        raise Refusal("what the queue of approvals decided is told by the server alone")
    reason = plain(take(Own.DECISION_REASON, None))
    return {
        "kind": kind,
        **{name: value and value[:_NAME_CHARS] for name, value in named.items()},
        "reason": None if reason is None else reason_of(reason),
        "facts": _facts(take(Own.DECISION_FACTS, None)),
    }


def _exposure(attributes: dict[str, Any]) -> dict[str, Any]:
    named = {name: short(attributes.pop(attribute, None)) for name, attribute in _EXPOSURE_NAMES.items()}
    for name in ("flag", "variant"):
        if named[name] is None:
            raise Refusal(f"an exposure without {_EXPOSURE_NAMES[name]}")
    return {
        **{name: value and value[:_NAME_CHARS] for name, value in named.items()},
        "unit": plain(attributes.pop(Own.EXPOSURE_UNIT, None)),
    }


_EXPOSURE_NAMES: Final = {
    "flag": Own.EXPOSURE,
    "variant": Own.EXPOSURE_VARIANT,
    "unit_kind": Own.EXPOSURE_UNIT_KIND,
    "algorithm": Own.EXPOSURE_ALGORITHM,
    "version": Own.EXPOSURE_VERSION,
    "rule": Own.EXPOSURE_RULE,
    "reason": Own.EXPOSURE_REASON,
    "source": Own.EXPOSURE_SOURCE,
}


_DECISION_NAMES: Final = {
    "event_id": Own.DECISION_ID,
    "subject": Own.DECISION_SUBJECT,
    "outcome": Own.DECISION_OUTCOME,
    "rule": Own.DECISION_RULE,
    "decided_by": Own.DECISION_BY,
}


def _facts(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise Refusal(f"{Own.DECISION_FACTS} is not JSON") from error
    if not isinstance(value, dict):
        raise Refusal(f"{Own.DECISION_FACTS} is not a JSON object")
    found = facts_of(value)
    try:
        return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode() if found else None
    except orjson.JSONEncodeError as error:
        raise Refusal(f"{Own.DECISION_FACTS} holds a number beyond 64 bits") from error


def _event_id(values: dict[str, Any]) -> str:
    """An id for a decision whose sender gave it none: the same when the same is sent again."""
    told = [
        value.hex() if isinstance(value, bytes) else value
        for name, value in sorted(values.items())
        if name not in ("received_at", "event_id")
    ]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()[:32]


def _number(attributes: dict[str, Any], name: str) -> float | None:
    """A number by name; one that cannot be read is refused, since it would be missing without a trace."""
    value = attributes.pop(name, None)
    if value is None:
        return None
    found = number(value)
    if found is None:
        raise Refusal(f"{name} is not a finite number")
    return found


_OWN: Final = {
    "outcomes": _outcome,
    "feedback": _feedback,
    "scores": _score,
    "decisions": _decision,
    "exposures": _exposure,
}
