"""How near an answer is to the reference in meaning: cosine of embeddings. May import ``functions``.

The vectors stand in the row, or a function of yours makes them of the texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from launchworthy.functions import load_function
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.text import output_and_references
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILY", "embedding_similarity", "unit_vector"]

_KEPT = 1_024  # texts whose vectors are kept, since both sides of a comparison share their references


def embedding_similarity(*, embed: str | None = None) -> Metric:
    """Cosine of the embeddings of answer and reference.

    Args:
        embed: ``module:function`` of yours, from a text to its vector; without it the rows hold the vectors.

    Raises:
        InputError: No such function.
    """
    function = None if embed is None else load_function(embed, what="embedder")

    @lru_cache(maxsize=_KEPT)
    def embedded(text: str) -> NDArray[np.float64]:
        if function is None:
            raise CannotScore("no vectors: give fields 'output_vector' and 'reference_vector', or embed=…")
        return unit_vector(function(text), f"what {embed} answered")

    def read(row: Mapping[str, Any]) -> Score:
        if embed is None:
            said = unit_vector(row.get("output_vector"), "field 'output_vector'")
            right = _vectors(row.get("reference_vector"))
        else:
            output, references = output_and_references(row)
            said, right = embedded(output), [embedded(one) for one in references]
        if any(one.shape != said.shape for one in right):
            raise CannotScore("the vectors of output and reference differ in length")
        value = max(min(1.0, max(-1.0, float(said @ one))) for one in right)
        return Score(value=value, statistics={"total": value, "items": 1.0})

    given = "unless `embed` is given" if embed is None else "not read, since `embed` is given"
    return Metric(
        name="embedding-similarity",
        doc="Cosine of the embeddings of answer and reference, averaged.",
        fields=(
            Field("output_vector", f"embedding of the answer, {given}", required=False),
            Field("reference_vector", f"that of the reference, or a list of them, {given}", required=False),
            Field("output", "the answer, as text, for `embed`", required=False),
            Field("reference", "right answer, or a list of them, for `embed`", required=False),
        ),
        read=read,
        estimator=MeanEstimator(bounds=(-1.0, 1.0)),
        convention=(
            "From −1 to 1; of several references the nearest counts. Equal only for the same embedder, which "
            "the signature names; what counts as near differs between embedders. A vector of zeros cannot be "
            "scored."
        ),
        source="Reimers and Gurevych, Sentence-BERT (2019)",
        options={"embed": embed or "given"},
        any_of=("reference_vector",) if embed is None else ("reference",),
    )


def unit_vector(value: Any, what: str) -> NDArray[np.float64]:
    """The vector scaled to length 1.

    Raises:
        CannotScore: It is no list of finite numbers, or all zeros.
    """
    import numpy as np

    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise CannotScore(f"{what} is not a list of numbers") from None
    if value is None or found.ndim != 1 or not found.size:
        raise CannotScore(f"{what} is missing or not a list of numbers")
    largest = float(np.abs(found).max())
    if not math.isfinite(largest):
        raise CannotScore(f"{what} holds NaN or infinity")
    if largest == 0.0:
        raise CannotScore(f"{what} is all zeros")
    scaled = found / largest  # so that squares neither overflow nor vanish
    return np.asarray(scaled / math.sqrt(float(scaled @ scaled)))


def _vectors(value: Any) -> Sequence[NDArray[np.float64]]:
    several = isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple))
    return [unit_vector(one, "field 'reference_vector'") for one in (value if several else [value])]


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "embedding-similarity": (embedding_similarity, ("embed",)),
}
