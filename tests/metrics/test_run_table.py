"""A table of query, id, score and gain is measured as trec_eval measures it, and as rows are."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import pytrec_eval
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.cli.main import cli
from launchworthy.errors import InputError
from launchworthy.metrics import Metric, Scores, find_metric
from launchworthy.metrics.columns import Column, columns_of
from launchworthy.metrics.run_table import by_query

NAMES = ("ndcg", "ndcg@3", "map", "map@2", "mrr", "mrr@2", "precision@3", "recall@3", "hit@2")
MOVIELENS = Path(__file__).parents[3] / "shared" / "data" / "movielens_latest_small_2016" / "ratings.parquet"
Entry = tuple[Any, Any, float | None, float | None]


def _columns(entries: list[Entry]) -> dict[str, Column]:
    def numbers(at: int) -> Any:
        values = [entry[at] for entry in entries]
        return np.ma.masked_array(
            np.array([0.0 if value is None else value for value in values]),
            [value is None for value in values],
        )

    return columns_of(
        {
            "query": [entry[0] for entry in entries],
            "id": [entry[1] for entry in entries],
            "score": numbers(2),
            "gain": numbers(3),
        }
    )


def _scores(metric: Metric, entries: list[Entry]) -> Scores:
    table = by_query(_columns(entries))
    assert table is not None
    assert metric.columns is not None
    scores = metric.columns(table)
    assert scores is not None
    return scores


def _rows(entries: list[Entry]) -> list[dict[str, Any]]:
    queries: dict[Any, dict[str, Any]] = {}
    for query, name, score, gain in entries:
        row = queries.setdefault(query, {"query": query, "relevant": {}, "ranked": {}})
        if score is not None:
            row["ranked"][name] = score
        if gain is not None:
            row["relevant"][name] = gain
    return [row if row["ranked"] else row | {"ranked": None} for row in queries.values()]


SCORE = st.one_of(
    st.none(), st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, 5e-324, 1e300, 2e300]), st.floats(-1, 1)
)
GAIN = st.one_of(st.none(), st.integers(-1, 4).map(float), st.floats(0.1, 9.0))
QUERY = st.lists(
    st.tuples(st.sampled_from(["a", "b", "é", "東", "10", "9", "11"]), SCORE, GAIN),
    unique_by=lambda entry: entry[0],
    min_size=1,
    max_size=7,
)


@settings(max_examples=50, deadline=None)
@given(queries=st.lists(QUERY, min_size=1, max_size=6), mixed=st.randoms(use_true_random=False))
def test_a_table_gives_the_scores_of_its_rows_to_the_last_digit(
    queries: list[Any], mixed: random.Random
) -> None:
    entries: list[Entry] = [
        (f"q{at}", name, score, gain) for at, query in enumerate(queries) for name, score, gain in query
    ]
    if mixed.random() < 0.5:
        mixed.shuffle(entries)
    for name in NAMES:
        metric = find_metric(name)
        by_row = {row["query"]: metric.score(row) for row in _rows(entries)}
        scores = _scores(metric, entries)
        table = by_query(_columns(entries))
        assert table is not None
        for at, query in enumerate(table["query"].entries()):
            expected = by_row[query]
            value = float(scores.value[at])
            assert (value if value == value else None) == expected.value, name
            assert scores.errors.get(at) == expected.error
            for statistic in ("total", "items", "missing"):
                assert scores.column(statistic)[at] == expected.statistics.get(statistic, 0.0)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("even", [False, True])
def test_a_table_agrees_with_trec_eval(ties: bool, even: bool) -> None:
    rng = random.Random(9)
    entries: list[Entry] = []
    run: dict[str, dict[str, float]] = {}
    qrels: dict[str, dict[str, int]] = {}
    for query in range(60):
        size = 25 if even else rng.randint(1, 70)
        for name in rng.sample(range(500), size):
            score = float(rng.randint(0, 5)) if ties else rng.random()
            gain = rng.choice([None, 0, 1, 2, 3])
            entries.append((query, name, score, gain))
            run.setdefault(str(query), {})[str(name)] = score
            if gain is not None:
                qrels.setdefault(str(query), {})[str(name)] = gain
        entries.append((query, 1_000, None, 2))
        qrels.setdefault(str(query), {})["1000"] = 2
    measures = {"ndcg_cut.10", "ndcg", "map", "recip_rank", "P.5", "recall.10", "success.5", "map_cut.10"}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    pairs = {
        "ndcg@10": "ndcg_cut_10",
        "ndcg": "ndcg",
        "map": "map",
        "map@10": "map_cut_10",
        "mrr": "recip_rank",
        "precision@5": "P_5",
        "recall@10": "recall_10",
        "hit@5": "success_5",
    }
    for own, their in pairs.items():
        scores = _scores(find_metric(own), entries)
        expected = [theirs[str(query)][their] for query in range(60)]
        assert scores.value == pytest.approx(np.array(expected), abs=1e-9), own


def test_exponential_gains_are_those_of_rows() -> None:
    rng = random.Random(2)
    entries: list[Entry] = [
        (query, name, rng.random(), rng.choice([None, 0.5, 1, 2, 3.7, 600]) if query else 1.5)
        for query in range(20)
        for name in range(4)
    ]
    metric = find_metric("ndcg@3", options={"gain": "exponential"})
    scores = _scores(metric, entries)
    for row, value in zip(_rows(entries), scores.value.tolist(), strict=True):
        assert (value if value == value else None) == metric.score(row).value


def test_what_is_wrong_in_a_query_is_told_and_the_others_are_scored() -> None:
    nan, infinity = float("nan"), float("inf")
    entries: list[Entry] = [
        ("good", "a", 1.0, 1.0),
        ("good", "b", 0.5, None),
        ("score", "a", nan, 1.0),
        ("infinite", "a", infinity, 1.0),
        ("gain", "a", 1.0, nan),
        ("huge", "a", 1.0, 1e16),
        ("twice", "a", 1.0, 1.0),
        ("twice", "a", 0.5, None),
        ("nameless", None, 1.0, 1.0),
        ("none", "a", 1.0, 0.0),
        ("absent", "a", None, 1.0),
    ]
    scores = _scores(find_metric("ndcg@10"), entries)
    assert scores.value.tolist()[0] == 1.0
    assert list(scores.errors.values()) != []
    assert [scores.errors.get(at) for at in range(9)] == [
        None,
        "a score is not a number",
        "a score is not a number",
        "a gain is not a number",
        "a gain is not a number",
        "an id comes twice",
        "an id is missing",
        "nothing is relevant to this query",
        None,
    ]
    assert scores.value[8] == 0.0
    assert scores.total("missing") == 1.0


def test_other_fields_are_those_of_the_querys_first_row() -> None:
    table = by_query(
        columns_of(
            {
                "query": ["b", "b", "a"],
                "id": [1, 2, 1],
                "score": [0.1, 0.2, 0.3],
                "gain": [1, 1, 1],
                "topic": ["x", "y", "z"],
            }
        )
    )
    assert table is not None
    assert table["query"].entries() == table["id"].entries() == ["b", "a"]
    assert table["topic"].entries() == ["x", "z"]
    assert "score" not in table


def test_columns_that_are_no_such_table_are_left_alone() -> None:
    good: dict[str, Any] = {"query": [1], "id": ["a"], "score": [0.5], "gain": [1]}
    assert by_query(columns_of(good)) is not None
    for name, other in (("score", ["high"]), ("gain", ["yes"]), ("id", [0.5])):
        assert by_query(columns_of(good | {name: other})) is None
        assert by_query(columns_of({key: value for key, value in good.items() if key != name})) is None
    read = find_metric("map").columns
    assert read is not None
    assert read(columns_of(good)) is None
    with pytest.raises(InputError, match="row 2"):
        by_query(columns_of({"query": ["a", None], "id": [1, 2], "score": [0.1, 0.2], "gain": [1, 1]}))
    empty = by_query(columns_of({name: np.zeros(0) for name in good} | {"id": np.zeros(0, int)}))
    assert empty is not None
    assert len(empty["query"]) == 0


RATINGS = (  # real ones where they lie beside the checkout, else invented
    f"SELECT * FROM '{MOVIELENS}'"
    if MOVIELENS.exists()
    else "SELECT i % 97 AS userId, hash(i) % 300 AS movieId, max(1 + hash(7 * i) % 9) / 2 AS rating "
    "FROM range(5000) AS numbers(i) GROUP BY ALL"
)


def test_popular_films_recommended_to_every_user_score_as_trec_eval_says() -> None:
    found = (
        duckdb.connect()
        .execute(
            f"""
        WITH ratings AS ({RATINGS}),
        films AS (SELECT movieId, count(*) AS votes FROM ratings GROUP BY movieId),
        popular AS (SELECT * FROM films ORDER BY votes DESC, movieId LIMIT 100),
        users AS (SELECT DISTINCT userId FROM ratings),
        run AS (SELECT userId, movieId, votes FROM users, popular)
        SELECT coalesce(run.userId, ratings.userId), coalesce(run.movieId, ratings.movieId), votes, rating
        FROM run FULL JOIN ratings ON run.userId = ratings.userId AND run.movieId = ratings.movieId
        """
        )
        .fetchall()
    )
    entries: list[Entry] = [(user, film, votes, rating) for user, film, votes, rating in found]
    run: dict[str, dict[str, float]] = {}
    qrels: dict[str, dict[str, int]] = {}
    for user, film, votes, rating in found:
        if votes is not None:
            run.setdefault(str(user), {})[str(film)] = float(votes)
        if rating is not None:
            qrels.setdefault(str(user), {})[str(film)] = int(2 * rating)
    doubled: list[Entry] = [(u, f, v, None if r is None else 2 * r) for u, f, v, r in entries]
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map"}).evaluate(run)
    for own, their in (("ndcg@10", "ndcg_cut_10"), ("map", "map")):
        scores = _scores(find_metric(own), doubled)
        mean = sum(entry[their] for entry in theirs.values()) / len(theirs)
        interval = find_metric(own).estimate(scores)
        assert interval is not None
        assert interval.n == len(theirs)
        assert interval.value == pytest.approx(mean, abs=1e-9)


def _table_file(path: Path, rng: random.Random, *, better: float = 0.0) -> Path:
    rows = []
    for query in range(80):
        for name in range(12):
            gain, topic = rng.choice([None, 0, 1, 2]), "ab"[query % 2]
            score = None if name == 11 else rng.random() + better * (gain or 0)
            rows.append({"query": f"q{query}", "id": name, "score": score, "gain": gain, "topic": topic})
    lines = path.with_suffix(".jsonl")
    lines.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.read_json(str(lines)).write_parquet(str(path))
    return path


def test_a_parquet_file_of_ranked_ids_is_scored_by_query_and_compared_by_query(tmp_path: Path) -> None:
    rng = random.Random(4)
    old, new = _table_file(tmp_path / "old.parquet", rng), _table_file(tmp_path / "new", rng, better=0.4)
    runner = CliRunner()
    said = runner.invoke(
        cli, ["score", "ndcg@5", "--input", str(old), "--by", "topic", "--json"], standalone_mode=False
    )
    answer = json.loads(said.stdout)
    assert (answer["rows"], answer["unit_of_analysis"]) == (80, "query")
    assert {name: part["rows"] for name, part in answer["slices"].items()} == {"a": 40, "b": 40}
    with duckdb.connect() as connection:
        entries = connection.read_parquet(str(old)).project("query, id, score, gain").fetchall()
    expected = find_metric("ndcg@5").estimate([find_metric("ndcg@5").score(row) for row in _rows(entries)])
    assert expected is not None
    assert answer["value"] == pytest.approx(expected.value, abs=1e-12)
    arguments = ["compare", "--metric", "map", "--baseline", str(old), "--candidate", str(new), "--json"]
    compared = json.loads(runner.invoke(cli, arguments, standalone_mode=False).stdout)
    assert (compared["pairs"], compared["status"]) == (80, "met")
