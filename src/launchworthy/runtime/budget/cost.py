"""What a request to a model will cost at worst, before it is made, and what it has cost.

May import ``capture.pricing``. Costs are US dollars, as the price table has them. Without a tokeniser the
tokens of a text are estimated from its UTF-8 bytes, three to a token: more than English takes (about four),
about what Chinese takes (one character), so that a prediction errs above.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.capture.pricing import PriceTable

__all__ = ["Prices", "estimated_tokens"]

_BYTES_PER_TOKEN = 3.0
_PER_MESSAGE = 8  # tokens that a chat format adds to each message
# What an answer is taken to be at most where the request does not bound it.
_UNBOUNDED_TOKENS = 1_024
_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def estimated_tokens(messages: Any) -> int:
    """Tokens of a prompt: a text, or messages in any client's form."""
    if isinstance(messages, str):
        return math.ceil(_bytes(messages) / _BYTES_PER_TOKEN) + _PER_MESSAGE
    if isinstance(messages, Sequence):
        return sum(estimated_tokens(_text(each)) for each in messages) or _PER_MESSAGE
    return estimated_tokens(_text(messages))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _text(message: Any) -> str:
    if isinstance(message, str):
        return message
    if isinstance(message, Mapping) and isinstance(message.get("content"), str) and len(message) <= 2:
        return str(message["content"])
    try:
        return json.dumps(message, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return "" if isinstance(message, (Mapping, list, tuple)) else str(message)


class Prices:
    """Prices of the models that a product may ask.

    Args:
        table: Price table.
        clock_ns: Nanoseconds since 1970, for prices that hold for some time only.
    """

    def __init__(self, table: PriceTable, *, clock_ns: Any) -> None:
        self._table, self._clock_ns = table, clock_ns

    def knows(self, model: str) -> bool:
        """Whether what the model costs can be said."""
        return self.cost(model, input_tokens=1, output_tokens=1) is not None

    def cost(self, model: str, *, input_tokens: int, output_tokens: int, cached: int = 0) -> float | None:
        """US dollars of a request; None for a model without a price. ``vendor/name`` names its provider."""
        vendor, _, name = model.partition("/")
        for known, provider in ((model, None), (name, vendor), (name, None)):
            if not known:
                continue
            found = self._table.cost(
                known, provider, self._clock_ns(), input_tokens, output_tokens, cache_read_tokens=cached
            )
            if found is not None:
                return found.usd
        return None

    def at_worst(self, model: str, messages: Any, options: Mapping[str, Any]) -> float | None:
        """US dollars of a request before it is made; None for a model without a price."""
        most = next((options[name] for name in _BOUNDS if _is_count(options.get(name))), _UNBOUNDED_TOKENS)
        asked = estimated_tokens(messages)
        if options.get("tools"):
            asked += estimated_tokens(_text(options["tools"]))
        return self.cost(model, input_tokens=asked, output_tokens=most)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
