"""Tokens of a call by one rule: the input includes cached ones, the output includes reasoning.

Sources: OpenTelemetry's GenAI conventions (``gen_ai.usage.input_tokens`` "SHOULD include all types of input
tokens, including cached tokens"), OpenAI's usage, where ``prompt_tokens`` includes ``cached_tokens``, and
Anthropic's and Amazon Bedrock's, where ``input_tokens`` leaves out both what was read from and written to a
cache. Instrumentations that copy the latter as it is are told apart by their counts, else by their name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from launchworthy.capture.columns import count
from launchworthy.capture.dialects.openinference import EXCLUSIVE_SCOPES
from launchworthy.records.attributes import GenAI

__all__ = ["Usage", "usage_of"]

_COUNTS = frozenset(
    {
        GenAI.INPUT_TOKENS,
        GenAI.OUTPUT_TOKENS,
        GenAI.CACHE_READ_TOKENS,
        GenAI.CACHE_WRITE_TOKENS,
        GenAI.REASONING_TOKENS,
    }
)
_TOTALS = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens")


class Usage(NamedTuple):
    """Tokens; None where they are not known."""

    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None


_UNKNOWN = Usage(None, None, None, None, None)


def usage_of(attributes: dict[str, Any], *, scope: str, provider: str | None, model: str | None) -> Usage:
    """Takes the counts out of the attributes; what is no count stays there."""
    if _COUNTS.isdisjoint(attributes):
        return _UNKNOWN
    read, written = _count(attributes, GenAI.CACHE_READ_TOKENS), _count(attributes, GenAI.CACHE_WRITE_TOKENS)
    given, output = _count(attributes, GenAI.INPUT_TOKENS), _count(attributes, GenAI.OUTPUT_TOKENS)
    reasoning = _count(attributes, GenAI.REASONING_TOKENS)
    cached = (read or 0) + (written or 0)
    if given is not None and cached:
        total = next((count(attributes[name]) for name in _TOTALS if name in attributes), None)
        if _left_out(given, cached, output or 0, total, scope, provider, model):
            given += cached
    return Usage(given, output, read, written, reasoning)


def _count(attributes: dict[str, Any], name: str) -> int | None:
    value = attributes.get(name)
    if value is None:
        return None
    found = count(value)
    if found is not None:
        del attributes[name]
    return found


def _left_out(
    given: int,
    cached: int,
    output: int,
    total: int | None,
    scope: str,
    provider: str | None,
    model: str | None,
) -> bool:
    """Whether the input leaves out the cached tokens."""
    if cached > given:
        return True  # a part cannot be more than the whole
    if total is not None and total == given + output + cached:
        return True
    # Bedrock's adds cached tokens up only where all were cached, by a slip of precedence.
    if scope not in EXCLUSIVE_SCOPES or given == cached:
        return False
    named = f"{provider or ''} {model or ''}".lower()
    return any(vendor in named for vendor in ("anthropic", "claude", "bedrock", "aws"))
