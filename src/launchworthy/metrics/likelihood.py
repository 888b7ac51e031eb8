"""How well a language model foresaw a text: perplexity and bits per byte. May import this room, ``records``.

Both are ratios of sums over all texts: a long text weighs more than a short one, as in a corpus.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from launchworthy.metrics.estimators import RatioEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.sums import SumsEstimator
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILY", "bits_per_byte", "perplexity"]

_LEAST = -700.0  # natural logarithm: a token less likely than this is none that a model samples or scores
_ROUNDING = 1e-6  # a certain token may come out as a hair above 0
_GIVEN = (
    Field("logprobs", "natural logarithm of each token's probability, in a list", required=False),
    Field("logprob", "their sum, where there is no list", required=False),
)
_TOKENS = Field("tokens", "how many tokens `logprob` is the sum of", required=False)


def perplexity() -> Metric:
    """Exponential of the mean negative log-probability of a token."""

    def read(row: Mapping[str, Any]) -> Score:
        surprise, tokens = _surprise(row, count=True)
        return Score(
            value=math.exp(surprise / tokens), statistics={"surprise": surprise, "tokens": float(tokens)}
        )

    return Metric(
        name="perplexity",
        doc="Among how many equally likely tokens the model was left to choose, over all tokens together.",
        fields=(*_GIVEN, _TOKENS),
        read=read,
        estimator=SumsEstimator(
            names=("surprise", "tokens"), value=_exponential, bounds=(1.0, math.inf), unit=""
        ),
        unit="",
        unit_of_analysis="text",
        higher_is_better=False,
        convention=(
            "exp(−Σ ln p / number of tokens), sums over all texts. It depends on the tokeniser: compare only "
            "models that share one, else take bits-per-byte. A token of probability 0 cannot be scored."
        ),
        source="Jelinek, Mercer, Bahl and Baker (1977)",
    )


def bits_per_byte() -> Metric:
    """Negative log-probability in bits over the bytes of the text."""

    def read(row: Mapping[str, Any]) -> Score:
        output = row.get("output")
        if not isinstance(output, str):
            raise CannotScore("field 'output' is missing or not text")
        size = len(output.encode("utf-8", errors="surrogatepass"))
        if not size:
            raise CannotScore("field 'output' is empty")
        bits = _surprise(row, count=False)[0] / math.log(2)
        return Score(value=bits / size, statistics={"bits": bits, "bytes": float(size)})

    return Metric(
        name="bits-per-byte",
        doc="Bits that the model would need for a byte of the text, over all bytes together.",
        fields=(*_GIVEN, Field("output", "the text, whose UTF-8 bytes count")),
        read=read,
        estimator=RatioEstimator(over="bits", under="bytes", unit=""),
        unit="",
        unit_of_analysis="text",
        higher_is_better=False,
        convention=(
            "−Σ log2 p / bytes in UTF-8, sums over all texts, so that models with different tokenisers can "
            "be compared. A token of probability 0 cannot be scored."
        ),
        source="Gao et al., The Pile (2020)",
    )


def _exponential(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.exp(sums[..., 0] / sums[..., 1]))


def _surprise(row: Mapping[str, Any], *, count: bool) -> tuple[float, int]:
    """Negative log-probability of the row's tokens in nats, and how many there are (if they are counted)."""
    listed = row.get("logprobs")
    if listed is not None:
        if not isinstance(listed, (list, tuple)):
            raise CannotScore("field 'logprobs' is not a list")
        if not listed:
            raise CannotScore("field 'logprobs' holds no token")
        for logprob in listed:
            _check(logprob, "a token in 'logprobs'", tokens=1)
        return max(0.0, -math.fsum(listed)), len(listed)
    tokens = row.get("tokens")
    if count and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
        raise CannotScore("give 'logprobs', or 'logprob' with the number of 'tokens'")
    number = tokens if count and tokens is not None else None
    return max(0.0, -_check(row.get("logprob"), "field 'logprob'", tokens=number)), number or 0


def _check(logprob: Any, what: str, *, tokens: int | None) -> float:
    if isinstance(logprob, bool) or not isinstance(logprob, (int, float)):
        raise CannotScore(f"{what} is missing or not a number")
    if logprob != logprob:
        raise CannotScore(f"{what} is NaN")
    if logprob > _ROUNDING:
        raise CannotScore(f"{what} is above 0, so it is no logarithm of a probability")
    if logprob < (-sys.float_info.max if tokens is None else _LEAST * tokens):
        raise CannotScore(f"{what} says that a token had no probability")
    return float(logprob)


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "perplexity": (perplexity, ()),
    "bits-per-byte": (bits_per_byte, ()),
}
