"""Ranking metrics agree with trec_eval, and what it drops or refuses is told."""

from __future__ import annotations

import random

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.metrics import find_metric, score_rows

PAIRS = {
    "ndcg": "ndcg",
    "ndcg@10": "ndcg_cut_10",
    "ndcg@5": "ndcg_cut_5",
    "map": "map",
    "map@10": "map_cut_10",
    "mrr": "recip_rank",
    "precision@5": "P_5",
    "recall@10": "recall_10",
    "hit@5": "success_5",
}
IDS = [f"d{i}" for i in range(30)]


def _agrees(ranked: list[str], relevant: dict[str, int]) -> None:
    # trec_eval orders by score, so the order is given as falling scores.
    run = {"q": {name: float(len(ranked) - place) for place, name in enumerate(ranked)}}
    measures = {
        name.rsplit("_", 1)[0] + "." + name.rsplit("_", 1)[1] if name[-1].isdigit() else name
        for name in PAIRS.values()
    }
    theirs = pytrec_eval.RelevanceEvaluator({"q": relevant}, measures).evaluate(run)["q"]
    for own, their in PAIRS.items():
        score = find_metric(own).score({"ranked": ranked, "relevant": relevant})
        assert score.value == pytest.approx(theirs[their], abs=1e-9), (own, ranked, relevant)


@settings(max_examples=100, deadline=None)
@given(
    ranked=st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=25),
    relevant=st.dictionaries(st.sampled_from(IDS), st.integers(-1, 4), min_size=1, max_size=15).filter(
        lambda judged: any(gain > 0 for gain in judged.values())
    ),
)
def test_every_measure_agrees_with_trec_eval(ranked: list[str], relevant: dict[str, int]) -> None:
    _agrees(ranked, relevant)


def test_the_mean_over_many_queries_agrees_with_trec_eval() -> None:
    rng = random.Random(3)
    rows, qrels, run = [], {}, {}
    for query in range(200):
        relevant = {name: rng.choice([0, 1, 1, 2, 3]) for name in rng.sample(IDS, 8)} | {"d0": 1}
        ranked = rng.sample(IDS, 20)
        rows.append({"query": query, "ranked": ranked, "relevant": relevant})
        qrels[str(query)] = relevant
        run[str(query)] = {name: float(-place) for place, name in enumerate(ranked)}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(run)
    mean = sum(entry["ndcg_cut_10"] for entry in theirs.values()) / len(theirs)
    interval = score_rows(find_metric("ndcg@10"), rows).overall.interval
    assert interval is not None
    assert interval.value == pytest.approx(mean, abs=1e-9)
    assert interval.low < mean < interval.high


def test_gains_are_linear_by_default_as_published() -> None:
    row = {"ranked": ["a", "b", "c"], "relevant": {"a": 1, "b": 2, "c": 3}}
    assert find_metric("ndcg").score(row).value == pytest.approx(0.78999800)


def test_equal_scores_are_ordered_by_id_descending_as_trec_eval_does() -> None:
    for relevant, expected in (({"a": 1}, 0.6309297535714575), ({"b": 1}, 1.0)):
        tied = {"a": 0.5, "b": 0.5}
        theirs = pytrec_eval.RelevanceEvaluator({"q": relevant}, {"ndcg"}).evaluate({"q": tied})
        assert find_metric("ndcg").score({"ranked": tied, "relevant": relevant}).value == pytest.approx(
            expected
        )
        assert theirs["q"]["ndcg"] == pytest.approx(expected)


NAMES = [*IDS, "é", "z", "東", "10", "9"]
SCORES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, 5e-324, 1e300, 1e299, -1e300, 0.1, 0.1 + 1e-12]),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(max_examples=150, deadline=None)
@given(
    scores=st.dictionaries(
        st.sampled_from([*IDS, "é", "z", "東", "10", "9"]), SCORES, min_size=1, max_size=12
    ),
    relevant=st.dictionaries(st.sampled_from([*IDS, "é", "z", "東"]), st.integers(-1, 4), min_size=1).filter(
        lambda judged: any(gain > 0 for gain in judged.values())
    ),
)
def test_scores_that_are_nearly_equal_are_ordered_as_trec_eval_orders_them(
    scores: dict[str, float], relevant: dict[str, int]
) -> None:
    measures = {"ndcg", "map", "recip_rank"}
    theirs = pytrec_eval.RelevanceEvaluator({"q": relevant}, measures).evaluate({"q": scores})["q"]
    for own, their in (("ndcg", "ndcg"), ("map", "map"), ("mrr", "recip_rank")):
        score = find_metric(own).score({"ranked": scores, "relevant": relevant})
        assert score.value == pytest.approx(theirs[their], abs=1e-9)


def test_an_exponential_gain_is_asked_for_by_name_and_stands_in_the_signature() -> None:
    row = {"ranked": ["a", "b", "c"], "relevant": {"a": 1, "b": 2, "c": 3}}
    metric = find_metric("ndcg@10", options={"gain": "exponential"})
    assert metric.score(row).value == pytest.approx(0.68060606)
    assert metric.signature == "ndcg@10|gain:exponential|v1"
    assert find_metric("ndcg@10", options={"gain": "linear"}).signature == find_metric("ndcg@10").signature
    assert metric.score({"ranked": ["a"], "relevant": {"a": 5_000}}).value is None
    for name, gain in (("ndcg@10", "cubic"), ("map", "exponential")):
        with pytest.raises(InputError):
            find_metric(name, options={"gain": gain})


def test_a_missing_query_counts_zero_and_is_counted() -> None:
    score = find_metric("hit@5").score({"relevant": {"a": 1}})
    assert score.value == 0.0
    assert score.statistics["missing"] == 1.0
    rows: list[dict[str, object]] = [{"ranked": ["a"], "relevant": {"a": 1}}, {"relevant": {"a": 1}}]
    found = score_rows(find_metric("hit@5"), rows).overall.interval
    assert found is not None
    assert (found.value, found.sample["missing"]) == (0.5, 1)
    clean = score_rows(find_metric("hit@5"), rows[:1]).overall.interval
    assert clean is not None
    assert "missing" not in clean.sample


def test_a_repeated_id_gains_once() -> None:
    row = {"ranked": ["a", "a", "a"], "relevant": {"a": 1, "b": 1}}
    assert find_metric("recall@3").score(row).value == 0.5
    assert find_metric("precision@3").score(row).value == pytest.approx(1 / 3)


def test_ids_are_compared_as_text() -> None:
    assert find_metric("mrr").score({"ranked": [7], "relevant": {"7": 1}}).value == 1.0


@pytest.mark.parametrize(
    "row",
    [
        {"ranked": ["a"]},
        {"ranked": ["a"], "relevant": {}},
        {"ranked": ["a"], "relevant": {"a": 0, "b": -1}},
        {"ranked": ["a"], "relevant": "a"},
        {"ranked": ["a"], "relevant": {"a": "high"}},
        {"ranked": ["a"], "relevant": {"a": True}},
        {"ranked": "a", "relevant": {"a": 1}},
        {"ranked": [["a"]], "relevant": {"a": 1}},
        {"ranked": {"a": None}, "relevant": {"a": 1}},
        {"ranked": {"a": float("nan")}, "relevant": {"a": 1}},
        {"ranked": {"a": float("inf")}, "relevant": {"a": 1}},
        {"ranked": {"a": 10**400}, "relevant": {"a": 1}},
        {"ranked": ["a"], "relevant": {"a": float("nan")}},
        {"ranked": ["a"], "relevant": {"a": 10**400}},
    ],
)
def test_a_row_that_says_nothing_cannot_be_scored_and_is_not_zero(row: dict[str, object]) -> None:
    score = find_metric("ndcg@10").score(row)
    assert score.value is None
    assert score.error
