"""The span that an application holds: what may be said of a call while it runs.

May import ``records`` and OpenTelemetry's API. Nothing here raises into the application. Facts are gathered
and set at once when the span ends, which costs a third of setting each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import StatusCode

from launchworthy.capture.sdk.messages import as_documents, as_messages
from launchworthy.capture.sdk.payload import answer_text, attribute, json_text, messages_text, plain
from launchworthy.capture.sdk.problems import once, quiet
from launchworthy.capture.sdk.responses import read_response
from launchworthy.capture.sdk.scope import Scope
from launchworthy.records.attributes import GenAI, Own

if TYPE_CHECKING:
    from launchworthy.capture.sdk.client import Client

__all__ = ["NO_ANSWERS", "Span"]

NO_ANSWERS: Final = ("refuse", "defer", "ask", "route")
_ERROR_CHARACTERS = 1_000
_MODELS: Final = frozenset({"model", "embedding"})


class Span:
    """One running call. Made by ``workflow``, ``step``, ``retrieval``, ``model_call`` and ``tool``."""

    __slots__ = ("_attributes", "_begun_ns", "_client", "_ended", "_first", "_otel", "_scope", "kind", "name")

    def __init__(
        self, client: Client, otel: OtelSpan, *, kind: str, name: str, scope: Scope, begun_ns: int
    ) -> None:
        self._client, self._otel, self._scope = client, otel, scope
        self.kind, self.name = kind, name
        self._attributes: dict[str, Any] = {}
        self._ended = not otel.is_recording()
        self._first = False
        self._begun_ns = begun_ns

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits; what ``outcome`` and ``feedback`` take later."""
        return f"{self._otel.get_span_context().trace_id:032x}"

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits."""
        return f"{self._otel.get_span_context().span_id:016x}"

    @property
    def recording(self) -> bool:
        """False for a span that was not sampled, or has ended."""
        return not self._ended

    @property
    def payload_characters(self) -> int:
        """Most of one input or output that is recorded."""
        return self._client.settings.payload_characters

    @quiet
    def set_input(self, value: Any) -> None:
        """What the call was given: any value, or a list of messages."""
        if self._closed() or not self._client.settings.content:
            return
        if self.kind == "model" and isinstance(value, (list, tuple)):
            self.set_messages(value)
        elif self.kind == "retrieval" and isinstance(value, str):
            self._attributes[GenAI.RETRIEVAL_QUERY] = plain(value, limit=self.payload_characters)
        else:
            self._attributes[GenAI.TOOL_ARGUMENTS if self.kind == "tool" else Own.INPUT] = self._text(value)

    @quiet
    def set_messages(self, messages: Sequence[Any]) -> None:
        """The messages a model was given: ``{"role", "content"}`` each, or text for the user's only one."""
        if self._closed() or not self._client.settings.content:
            return
        listed = [messages] if isinstance(messages, str) else messages
        if not isinstance(listed, (list, tuple)):
            self._attributes[Own.INPUT] = self._text(messages)
            return
        usual = messages_text(listed, limit=self.payload_characters)
        if usual is not None:
            self._attributes[GenAI.INPUT_MESSAGES] = usual
        elif (known := as_messages(listed)) is None:
            self._attributes[Own.INPUT] = self._text(messages)
        else:
            self._attributes[GenAI.INPUT_MESSAGES] = self._text(known)

    @quiet
    def set_output(self, value: Any) -> None:
        """What the call answered. A client's response of a model call is read; vectors are not recorded."""
        if self._closed():
            return
        if self.kind in _MODELS and self.set_response(value):
            return
        if self.kind == "retrieval" and self.set_documents(value):
            return
        if not self._client.settings.content:
            return
        if self.kind == "model" and isinstance(value, str):
            self._attributes[GenAI.OUTPUT_MESSAGES] = answer_text(value, limit=self.payload_characters)
        elif self.kind == "embedding":
            return  # vectors are no words, and large
        elif self.kind == "tool":  # by the conventions text is itself, anything else is JSON
            self._attributes[GenAI.TOOL_RESULT] = attribute(value, limit=self.payload_characters)
        else:
            self._attributes[Own.OUTPUT] = self._text(value)

    @quiet
    def set_documents(self, documents: Sequence[Any]) -> bool:
        """What was retrieved: text, or mappings with ``id``, ``score``, ``content``, ``source``.

        Answers whether the value is such a list.
        """
        if self._closed():
            return True
        known = as_documents(documents, content=self._client.settings.content)
        if known is None:
            return False
        self._attributes[GenAI.RETRIEVAL_DOCUMENTS] = self._text(known)
        return True

    @quiet
    def set_response(self, response: Any) -> bool:
        """Read model, answer, tokens and finish reasons of a response of the OpenAI or Anthropic client.

        The response may be the client's object or the JSON it came as. Answers whether it was recognised.
        """
        if self._closed():
            return True
        read = read_response(response)
        if read is None:
            return False
        messages = read.pop(GenAI.OUTPUT_MESSAGES, None)
        if messages is not None and self._client.settings.content:
            self._attributes[GenAI.OUTPUT_MESSAGES] = self._text(messages)
        self._attributes.update(read)
        return True

    @quiet
    def set_model(
        self, model: str, *, provider: str | None = None, response_model: str | None = None
    ) -> None:
        """The model asked, who serves it, and the one that answered if it has another name."""
        self._set(
            {
                GenAI.REQUEST_MODEL: model,
                GenAI.PROVIDER: provider,
                GenAI.RESPONSE_MODEL: response_model,
            }
        )

    @quiet
    def set_prompt(self, name: str, *, version: str | None = None) -> None:
        """Name and version of the prompt template."""
        self._set({GenAI.PROMPT_NAME: name, GenAI.PROMPT_VERSION: version})

    @quiet
    def set_usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        """Tokens: ``input_tokens`` includes the cached ones, ``output_tokens`` the reasoning."""
        self._set(
            {
                GenAI.INPUT_TOKENS: input_tokens,
                GenAI.OUTPUT_TOKENS: output_tokens,
                GenAI.CACHE_READ_TOKENS: cache_read_tokens,
                GenAI.CACHE_WRITE_TOKENS: cache_write_tokens,
                GenAI.REASONING_TOKENS: reasoning_tokens,
            }
        )

    @quiet
    def set_cost(self, cost_usd: float) -> None:
        """What the call cost, in US dollars; without it the server computes it from tokens and its prices."""
        self._set({Own.COST_USD: float(cost_usd)})

    @quiet
    def first_token(self) -> None:
        """The first part of the answer is here; the first call counts."""
        if self._first or self._closed():
            return
        self._first = True
        waited_ms = (self._client.clock() - self._begun_ns) / 1e6
        self._attributes[Own.FIRST_TOKEN_MS] = waited_ms
        if self.kind == "model":
            self._attributes[GenAI.FIRST_CHUNK_S] = waited_ms / 1e3

    @quiet
    def set_safety_flags(self, *flags: str) -> None:
        """Flags that guards or the model raised; further calls add to them."""
        before = self._attributes.get(Own.SAFETY_FLAGS, ())
        self._set({Own.SAFETY_FLAGS: tuple(dict.fromkeys((*before, *map(str, flags))))})

    @quiet
    def no_answer(self, reason: str) -> None:
        """No answer was given, on purpose: ``refuse``, ``defer``, ``ask`` or ``route``."""
        if reason not in NO_ANSWERS:
            once("no-answer", "%r is no way to give no answer; use one of %s", reason, ", ".join(NO_ANSWERS))
            return
        self._set({Own.NO_ANSWER: reason})

    @quiet
    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Anything else, by name; values other than text, numbers and lists of them become JSON text."""
        limit = self.payload_characters
        self._set({str(name): attribute(value, limit=limit) for name, value in attributes.items()})

    @quiet
    def identify(
        self, *, user: str | None = None, session: str | None = None, cohort: str | None = None
    ) -> None:
        """Who is served, once it is known: on this span, and on the spans inside it that begin later."""
        if self._closed():
            return
        changes = self._client.identity(user=user, session=session, cohort=cohort)
        self._scope.change(changes)
        self._attributes.update(changes)

    @quiet
    def fail(self, error: BaseException) -> None:
        """The call failed with this error. A block or decorated function does this by itself."""
        if self._closed():
            return
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ not in ("builtins", "__main__"):
            name = f"{kind.__module__}.{name}"
        self._attributes[GenAI.ERROR_TYPE] = name
        message = plain(_message(error), limit=_ERROR_CHARACTERS) if self._client.settings.content else ""
        self._otel.set_status(StatusCode.ERROR, message or name)
        if self._client.settings.content:
            self._otel.record_exception(error)

    @quiet
    def end(self) -> None:
        """The call is over; what is said later is ignored. A block or decorated function ends by itself."""
        if self._ended:
            return
        self._ended = True
        attributes = self._attributes
        if self.kind in _MODELS and " " not in self.name:  # named by the operation alone
            model = attributes.get(GenAI.REQUEST_MODEL) or attributes.get(GenAI.RESPONSE_MODEL)
            if model is not None:
                self._otel.update_name(f"{self.name} {model}")
        self._otel.set_attributes(attributes)
        self._otel.end(self._client.clock())

    def _closed(self) -> bool:
        if self._ended and self._otel.get_span_context().trace_flags.sampled:
            once("ended", "something was said of the span %r after its end, and is not recorded", self.name)
        return self._ended

    def _set(self, facts: Mapping[str, Any]) -> None:
        if not self._closed():
            self._attributes.update({name: value for name, value in facts.items() if value is not None})

    def _text(self, value: Any) -> str:
        return json_text(value, limit=self.payload_characters)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""
