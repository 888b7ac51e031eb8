"""A span as a row of ``spans``: each known attribute in its column, every other one kept as JSON.

May import ``records`` and this room's ``otlp`` and ``dialects``.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from launchworthy.capture.columns import flag, json_text, number, plain, short, stated_json
from launchworthy.capture.dialects import translate
from launchworthy.capture.dialects.usage import Usage, usage_of
from launchworthy.capture.documents import storable
from launchworthy.capture.failures import error_class
from launchworthy.capture.origin import Origin
from launchworthy.capture.otlp.record import SentEvent, SentSpan
from launchworthy.capture.pricing import PriceTable
from launchworthy.capture.redaction import Redaction
from launchworthy.capture.refusal import Refusal, check_ids, check_time
from launchworthy.capture.storage_policy import Guard, StoragePolicy, redact_attributes
from launchworthy.records.attributes import KINDS, OPERATION_KINDS, GenAI, Own

__all__ = ["SpanMapper", "product_of"]

REPORTED: Final = "reported"
_KINDS = frozenset(KINDS)
_PRICED = frozenset({"model", "embedding"})
# Where the tier of the service stands that a call was served in, and the tiers that cost the list price.
_TIERS = frozenset({"openai.response.service_tier", "gen_ai.openai.response.service_tier"})
_LIST_TIERS = ("default", "auto", "standard")
_NO_ANSWERS = frozenset({"refuse", "defer", "ask", "route"})
_LARGEST_NS = (1 << 63) - 1


def product_of(attributes: dict[str, Any], origin: Origin) -> str:
    """The product that a record belongs to."""
    return short(attributes.get(Own.PRODUCT)) or origin.product


class SpanMapper:
    """Makes rows of spans.

    Args:
        prices: For the cost of a call that does not report it.
        guard: Takes out what may not be stored.
        received_at_ns: When the request came.
    """

    def __init__(self, *, prices: PriceTable, guard: Guard, received_at_ns: int) -> None:
        self._prices = prices
        self._guard = guard
        self._received_at_ns = received_at_ns

    def row(self, span: SentSpan, origin: Origin) -> tuple[Any, ...]:
        """The values of the columns of ``spans``, in their order.

        Raises:
            Refusal: Its ids or times cannot be.
        """
        check_ids(span.trace_id, span.span_id)
        parent: bytes | None = span.parent_id
        if not parent or not any(parent):
            parent = None
        elif len(parent) != 8:
            raise Refusal("the parent span id is not 8 bytes (16 hexadecimal digits in JSON)")
        start, end = span.start_ns, span.end_ns
        check_time(start, received_at_ns=self._received_at_ns)
        if end < start:
            raise Refusal("it ends before it starts" if end else "it has no end")
        if end > _LARGEST_NS:
            raise Refusal("the time is more than a day in the future; times are nanoseconds since 1970")

        dialect = translate(span)
        attributes = span.attributes
        take = attributes.pop
        product = short(take(Own.PRODUCT, None)) or origin.product
        policy = self._guard.policy(product)
        redaction = None if policy.redact is None else Redaction(policy.redact)
        message = span.message if redaction is None else _redacted(span, redaction, policy)
        kind = _kind(attributes)
        model = short(take(GenAI.RESPONSE_MODEL, None))
        if model is None:
            model = short(take(GenAI.REQUEST_MODEL, None))
        elif attributes.get(GenAI.REQUEST_MODEL) == model:
            del attributes[GenAI.REQUEST_MODEL]
        provider = short(take(GenAI.PROVIDER, None))
        usage = usage_of(attributes, scope=origin.scope, provider=provider, model=model)
        cost, price_version = self._cost(attributes, usage, kind, provider, model, start)
        error = take(GenAI.ERROR_TYPE, None)
        failed = span.failed or (error is not None and not span.settled)
        input_, context, output = _contents(attributes, policy)
        who = self._who(attributes, origin, policy)
        first_token_ms = _first_token(attributes, (end - start) / 1e6)
        flags = take(Own.SAFETY_FLAGS, None)
        no_answer = attributes.get(Own.NO_ANSWER)
        if no_answer is not None:
            stated = isinstance(no_answer, str) and no_answer in _NO_ANSWERS
            no_answer = take(Own.NO_ANSWER) if stated else None
        simulated = flag(take(Own.SIMULATED, None))
        return (
            span.trace_id,
            span.span_id,
            parent,
            product,
            *who,
            short(span.name),
            kind,
            start,
            (end - start) / 1e6,
            first_token_ms,
            "error" if failed else "ok",
            error_class(error, span.events) if failed else None,
            plain(message) if policy.store_content else None,
            provider,
            model,
            short(take(GenAI.PROMPT_NAME, None)),
            short(take(GenAI.PROMPT_VERSION, None)),
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write,
            usage.reasoning,
            cost,
            price_version,
            short(take(GenAI.TOOL_NAME, None)),
            None if flags is None else _flags(flags),
            no_answer,
            input_,
            context,
            output,
            self._rest(attributes, origin, policy, redaction, span.dropped),
            _events(span.events, policy, self._guard) if span.events else None,
            _links(span, policy, self._guard) if span.links else None,
            origin.service,
            dialect,
            origin.simulated if simulated is None else simulated,
            self._received_at_ns,
        )

    def _cost(
        self,
        attributes: dict[str, Any],
        usage: Usage,
        kind: str,
        provider: str | None,
        model: str | None,
        at_ns: int,
    ) -> tuple[float | None, str | None]:
        reported = attributes.get(Own.COST_USD)
        if reported is not None:
            usd = number(reported)
            if usd is not None and usd >= 0:
                del attributes[Own.COST_USD]
                return usd, REPORTED
        if any(attributes.get(name, "default") not in _LIST_TIERS for name in _TIERS & attributes.keys()):
            return None, None  # a batch, flexible or priority call has another price
        # An agent's span repeats the tokens of the calls inside it, which are priced there.
        if kind in _PRICED and usage.input is not None:
            found = self._prices.cost(
                model,
                provider,
                at_ns,
                usage.input,
                usage.output,
                usage.cache_read,
                usage.cache_write,
                usage.reasoning,
            )
            if found is not None:
                return found
        return None, None

    def _who(
        self, attributes: dict[str, Any], origin: Origin, policy: StoragePolicy
    ) -> tuple[str | None, ...]:
        take = attributes.pop
        workflow = short(take(Own.WORKFLOW, None)) or origin.workflow
        if workflow is None:
            workflow = short(take(GenAI.WORKFLOW_NAME, None))
        user = plain(take(GenAI.USER_ID, None)) or origin.user_id
        session = plain(take(GenAI.SESSION_ID, None)) or plain(attributes.get(GenAI.CONVERSATION_ID))
        if session is not None and attributes.get(GenAI.CONVERSATION_ID) == session:
            del attributes[GenAI.CONVERSATION_ID]
        session = session or origin.session_id
        return (
            workflow,
            short(take(Own.RELEASE, None)) or origin.release,
            short(take(Own.COHORT, None)) or origin.cohort,
            None if user is None else self._guard.person(user, policy),
            None if session is None else self._guard.session(session, policy),
        )

    def _rest(
        self,
        attributes: dict[str, Any],
        origin: Origin,
        policy: StoragePolicy,
        redaction: Redaction | None,
        dropped: int,
    ) -> str | None:
        if origin.rest:
            rest = dict(origin.rest)
            if redaction is not None:
                redact_attributes(rest, redaction, content=policy.store_content)
            attributes = {**rest, **attributes}
        if redaction is not None and redaction.left_out:
            attributes[Own.TEXTS_LEFT_OUT] = redaction.left_out
        if dropped:
            attributes["otel.dropped_attributes_count"] = dropped
        self._guard.strip(attributes, policy)
        return orjson.dumps(attributes).decode() if attributes else None


def _redacted(span: SentSpan, redaction: Redaction, policy: StoragePolicy) -> str | None:
    """Take personal data out of all that a span says; answers the message of its error."""
    span.name = redaction.named(span.name)
    redact_attributes(span.attributes, redaction, content=policy.store_content)
    for event in span.events:
        event.name = redaction.named(event.name)
        redact_attributes(event.attributes, redaction, content=policy.store_content)
    for link in span.links:
        redact_attributes(link.attributes, redaction, content=policy.store_content)
    return redaction.text(span.message) if span.message else None


def _kind(attributes: dict[str, Any]) -> str:
    own = attributes.get(Own.KIND)
    if isinstance(own, str) and own in _KINDS:
        del attributes[Own.KIND]
        return own
    operation = attributes.get(GenAI.OPERATION)
    if operation is None:
        return "other"
    return OPERATION_KINDS.get(operation, "other") if isinstance(operation, str) else "other"


def _contents(attributes: dict[str, Any], policy: StoragePolicy) -> tuple[str | None, str | None, str | None]:
    take = attributes.pop
    asked = take(GenAI.INPUT_MESSAGES, None)
    told = take(GenAI.OUTPUT_MESSAGES, None)
    system = attributes.get(GenAI.SYSTEM_INSTRUCTIONS)
    found = take(GenAI.RETRIEVAL_DOCUMENTS, None)
    source = attributes.get(GenAI.DATA_SOURCE)
    if not policy.store_content:
        return None, None, None
    input_ = (
        json_text(asked)
        if asked is not None
        else _first(attributes, Own.INPUT, GenAI.RETRIEVAL_QUERY, GenAI.TOOL_ARGUMENTS)
    )
    if system is not None and (asked is not None or input_ is None):
        del attributes[GenAI.SYSTEM_INSTRUCTIONS]
        input_ = _with_system(input_ or "[]", json_text(system))
    output = json_text(told) if told is not None else _first(attributes, Own.OUTPUT, GenAI.TOOL_RESULT)
    context = None
    if found is not None:
        context, reduced = storable(found, source=source, unstorable=policy.unstorable_sources)
        if reduced:
            output = None  # a retriever answers with the documents themselves
    return input_, context, output


def _first(attributes: dict[str, Any], own: str, *others: str) -> str | None:
    """JSON text of the first of these attributes that is there; ``own`` is JSON text by its definition."""
    value = attributes.pop(own, None)
    if value is not None:
        return stated_json(value) if isinstance(value, str) else json_text(value)
    for name in others:
        value = attributes.pop(name, None)
        if value is not None:
            return json_text(value)
    return None


def _with_system(messages: str, system: str) -> str:
    """The messages with the system's instructions, which are parts or a text, before them."""
    parts = system if system.startswith("[") else f'[{{"type":"text","content":{system}}}]'
    head = f'{{"role":"system","parts":{parts}}}'
    rest = messages.strip()
    if not rest.startswith("["):
        return f'[{head},{{"role":"user","parts":[{{"type":"text","content":{rest}}}]}}]'
    return f"[{head}]" if not rest[1:-1].strip() else f"[{head},{rest[1:]}"


def _first_token(attributes: dict[str, Any], duration_ms: float) -> float | None:
    own = number(attributes.pop(Own.FIRST_TOKEN_MS, None))
    if own is None:
        seconds = number(attributes.pop(GenAI.FIRST_CHUNK_S, None))
        own = None if seconds is None else seconds * 1e3
    return own if own is None or 0 <= own <= duration_ms * 1.001 + 1 else None


def _flags(value: Any) -> str:
    if isinstance(value, str):
        text = json_text(value)
        return text if text.startswith("[") else f"[{text}]"
    return orjson.dumps(value if isinstance(value, list) else [value]).decode()


def _kept(attributes: dict[str, Any], policy: StoragePolicy, guard: Guard) -> dict[str, Any]:
    guard.strip(attributes, policy)
    return attributes


def _events(events: list[SentEvent], policy: StoragePolicy, guard: Guard) -> str:
    return orjson.dumps(
        [
            {
                "name": event.name,
                "time": event.time_ns,
                "attributes": _kept(event.attributes, policy, guard),
            }
            for event in events
        ]
    ).decode()


def _links(span: SentSpan, policy: StoragePolicy, guard: Guard) -> str:
    return orjson.dumps(
        [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": _kept(link.attributes, policy, guard),
            }
            for link in span.links
        ]
    ).decode()
