"""Embedding similarity is the cosine, of given vectors or of those that a function makes."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from launchworthy.errors import InputError
from launchworthy.metrics import find_metric, score_rows

NUMBER = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-6)
PAIR = st.integers(1, 8).flatmap(
    lambda size: st.tuples(*[st.lists(NUMBER, min_size=size, max_size=size)] * 3)
)


@settings(max_examples=100, deadline=None)
@given(PAIR)
def test_the_value_is_scikit_learns_cosine(vectors: tuple[list[float], list[float], list[float]]) -> None:
    said, right, other = vectors
    metric = find_metric("embedding-similarity")
    score = metric.score({"output_vector": said, "reference_vector": right})
    if not any(said) or not any(right):
        assert score.value is None
        assert "zeros" in str(score.error)
        return
    expected = float(cosine_similarity([said], [right])[0, 0])
    assert score.value == pytest.approx(expected, abs=1e-9)
    if any(other):
        nearest = metric.score({"output_vector": said, "reference_vector": [right, other]})
        assert nearest.value == pytest.approx(cosine_similarity([said], [right, other]).max(), abs=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 5e-324, 1.7e308])
def test_lengths_neither_overflow_nor_vanish(scale: float) -> None:
    row = {"output_vector": [scale, scale], "reference_vector": [1.0, 1.0]}
    assert find_metric("embedding-similarity").score(row).value == pytest.approx(1.0)


def test_a_function_embeds_the_texts_and_the_signature_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_letters.py").write_text(
        "def embed(text):\n    return [text.count(letter) for letter in 'abc']\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    metric = find_metric("embedding_similarity", options={"embed": "my_letters:embed"})
    assert metric.signature == "embedding-similarity|embed:my_letters:embed|v1"
    assert metric.score({"output": "ab", "reference": ["c", "aab"]}).value == pytest.approx(3 / 10**0.5)
    assert metric.score({"output": "zzz", "reference": "a"}).value is None
    assert metric.score({"output": "a"}).value is None
    with pytest.raises(InputError):
        find_metric("embedding-similarity", options={"embed": "my_letters:embde"})


def test_the_mean_may_be_negative_and_is_bounded_by_the_scale() -> None:
    rng = random.Random(1)
    rows = [
        {"output_vector": [1.0, rng.gauss(0, 1)], "reference_vector": [-1.0, rng.gauss(0, 1)]}
        for _ in range(60)
    ]
    found = score_rows(find_metric("embedding-similarity"), rows).overall.interval
    assert found is not None
    expected = np.mean([cosine_similarity([r["output_vector"]], [r["reference_vector"]])[0, 0] for r in rows])
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert -1.0 <= found.low < found.value < 0.0


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"output": "a", "reference": "a"},
        {"output_vector": [1.0]},
        {"output_vector": [1.0], "reference_vector": []},
        {"output_vector": [], "reference_vector": []},
        {"output_vector": [1.0, 2.0], "reference_vector": [1.0]},
        {"output_vector": [1.0], "reference_vector": [[1.0], [1.0, 2.0]]},
        {"output_vector": [[1.0]], "reference_vector": [1.0]},
        {"output_vector": [float("nan")], "reference_vector": [1.0]},
        {"output_vector": [float("inf")], "reference_vector": [1.0]},
        {"output_vector": [10**400], "reference_vector": [1.0]},
        {"output_vector": "1 2", "reference_vector": [1.0]},
        {"output_vector": {"a": 1}, "reference_vector": [1.0]},
    ],
)
def test_what_is_no_vector_cannot_be_scored(row: dict[str, object]) -> None:
    score = find_metric("embedding-similarity").score(row)
    assert score.value is None
    assert score.error
