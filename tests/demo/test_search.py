from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.demo.bm25 import Bm25
from launchworthy.demo.lsi import Lsi
from launchworthy.demo.question import read_question
from launchworthy.demo.retrieval import FusedRetriever, KeywordRetriever, Retriever
from launchworthy.demo.words import Speller, edit_distance, stem, terms
from launchworthy.gold import GoldItem
from launchworthy.metrics import find_metric

WORDS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8)


def test_bm25_gives_what_the_formula_gives_by_hand() -> None:
    # N = 3, lengths 2, 3, 4, mean 3. a: n = 2, idf = ln(1 + 1.5 / 2.5) = ln 1.6.
    # Document 0: 1 · 2.2 / (1 + 1.2 · (0.25 + 0.75 · 2 / 3)) = 2.2 / 1.9; document 1: 2 · 2.2 / (2 + 1.2).
    index = Bm25([Counter("ab"), Counter("aac"), Counter("bccd")], k1=1.2, b=0.75)
    assert index.scores(["a"]) == pytest.approx([0.5442147287, 0.6462549902, 0.0], abs=1e-10)
    # d: n = 1, idf = ln(1 + 2.5 / 1.5); document 2: 2.2 / (1 + 1.2 · (0.25 + 0.75 · 4 / 3)) = 2.2 / 2.5.
    assert index.scores(["d"])[2] == pytest.approx(0.8631297426, abs=1e-10)
    assert index.idf("unknown") == pytest.approx(math.log(8))


@settings(max_examples=50, deadline=None)
@given(documents=st.lists(WORDS, min_size=1, max_size=6), question=WORDS, b=st.sampled_from([0.0, 0.5, 1.0]))
def test_bm25_agrees_with_the_sum_written_out(
    documents: list[list[str]], question: list[str], b: float
) -> None:
    index = Bm25([Counter(document) for document in documents], k1=0.9, b=b)
    mean = sum(map(len, documents)) / len(documents)
    for number, document in enumerate(documents):
        expected = 0.0
        for term in question:
            n = sum(term in each for each in documents)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            f = document.count(term)
            expected += idf * f * 1.9 / (f + 0.9 * (1 - b + b * len(document) / mean))
        assert index.scores(question)[number] == pytest.approx(expected, abs=1e-12)


def test_lsi_agrees_with_a_full_singular_value_decomposition() -> None:
    chance = np.random.default_rng(3)
    documents = [Counter(chance.choice(list("abcdefghij"), size=12)) for _ in range(40)]
    rank = 4
    index = Lsi(documents, rank=rank)
    vocabulary = sorted({term for document in documents for term in document})
    found_in = np.array([sum(term in document for document in documents) for term in vocabulary])
    idf = np.log(len(documents) / found_in)
    matrix = np.array([[1 + math.log(d[t]) if d[t] else 0.0 for t in vocabulary] for d in documents]) * idf
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    space = np.linalg.svd(matrix)[2][:rank].T
    points = matrix @ space
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    asked = np.array([float(term in "abc") for term in vocabulary]) * idf @ space
    expected = points @ (asked / np.linalg.norm(asked))
    assert index.scores(["a", "b", "c"]) == pytest.approx(expected, abs=1e-5)
    assert index.scores(["unknown"]) == pytest.approx(np.zeros(40))


def test_what_was_kept_of_an_index_is_the_index_and_what_is_damaged_is_found_anew(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    documents = [Counter(chance.choice(list("abcdefghij"), size=12)) for _ in range(40)]
    asked = ["a", "b", "c"]
    anew = Lsi(documents, rank=4).scores(asked).tolist()
    folder = tmp_path / "kept"
    assert Lsi(documents, rank=4, kept=folder).scores(asked).tolist() == anew
    [file] = folder.iterdir()
    whole = file.read_bytes()
    assert Lsi(documents, rank=4, kept=folder).scores(asked).tolist() == anew
    for damaged in (
        b"",
        b"PK\x03\x04",
        whole[:-8],
        whole[:40],
        b"x" * 200,
        b"\x93NUMPY\x01\x00\x08\x00{1:2, x}",
    ):
        file.write_bytes(damaged)
        assert Lsi(documents, rank=4, kept=folder).scores(asked).tolist() == anew
        assert file.read_bytes() == whole
    other = [*documents[1:], Counter("abj")]
    assert Lsi(other, rank=4, kept=folder).scores(asked).tolist() == Lsi(other, rank=4).scores(asked).tolist()
    assert len(list(folder.iterdir())) == 2
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert Lsi(documents, rank=4, kept=blocked).scores(asked).tolist() == anew


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("files", "file"),
        ("splitting", "split"),
        ("sorted", "sort"),
        ("directories", "directory"),
        ("classes", "class"),
        ("os", "os"),
        ("this", "this"),
        ("東京", "東京"),
    ],
)
def test_words_lose_their_endings(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_an_identifier_gives_itself_and_its_parts() -> None:
    assert terms("os.path.getsize") == [stem(word) for word in ("os", "path", "getsize")]
    assert terms("ThreadPoolExecutor") == [
        stem(word) for word in ("threadpoolexecutor", "thread", "pool", "executor")
    ]
    assert terms("read_text") == [stem(word) for word in ("read_text", "read", "text")]
    assert terms("how do I") == []


@settings(max_examples=60, deadline=None)
@given(one=st.text("abc", max_size=6), other=st.text("abc", max_size=6))
def test_the_edit_distance_is_the_shortest_way(one: str, other: str) -> None:
    def far(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        ways = [far(a[1:], b) + 1, far(a, b[1:]) + 1, far(a[1:], b[1:]) + (a[0] != b[0])]
        if len(a) > 1 and len(b) > 1 and a[:2] == b[1::-1]:
            ways.append(far(a[2:], b[2:]) + 1)
        return min(ways)

    assert edit_distance(one, other, most=12) == far(one, other)


def test_a_slip_is_mended_and_a_foreign_word_stays() -> None:
    speller = Speller({"dictionary": 40, "string": 90, "strong": 5, "average": 7, "file": 100, "field": 30})
    assert speller.correct("dictonary") == "dictionary"
    assert speller.correct("strng") == "string"
    assert speller.correct("fiel") == "file"
    assert speller.correct("string") is None
    for foreign in ("matplotlib", "kubernetes", "pandas", "x" * 5_000, ""):
        assert speller.correct(foreign) is None


@pytest.mark.parametrize(
    "question", ["", " ", "?!", "\x00\x1b[31m", "\ud800", "東京", "sort " * 20_000, "z" * 100_000]
)
@pytest.mark.parametrize("name", ["keyword", "fused"])
def test_any_text_may_be_searched_for(question: str, name: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(name).search(question, k=5)
    assert len(found.hits) <= 5
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_a_search_comes_out_the_same_each_time(fused: FusedRetriever) -> None:
    question = "how do i srot a list in revrese"
    assert fused.search(question, k=10) == fused.search(question, k=10)


def test_what_people_ask_most_is_found_first(fused: FusedRetriever) -> None:
    for question, expected in {
        "How do I sort a list in place?": "list.sort",
        "How do I compute a SHA-256 hash?": "hashlib.sha256",
        "convert dictonary to json strng": "json.dumps",
        "Cartesian product": "itertools.product",
    }.items():
        assert expected in [hit.id for hit in fused.search(question, k=3).hits], question


def _hits(retriever: Retriever, items: list[GoldItem]) -> float:
    metric = find_metric("hit@5")
    rows = [
        {
            "ranked": [hit.id for hit in retriever.search(read_question(item.input).text, k=5).hits],
            "relevant": item.expected,
        }
        for item in items
    ]
    return sum(metric.score(row).value or 0.0 for row in rows) / len(rows)


def test_the_candidate_finds_more_than_the_baseline_on_the_dev_split(
    keyword: KeywordRetriever, replay: Retriever, gold: tuple[GoldItem, ...]
) -> None:
    dev = [item for item in gold if item.split == "dev" and item.answerable]
    misspelt = [item for item in dev if "misspelt" in item.slices]
    assert _hits(replay, dev) >= _hits(keyword, dev) + 0.1
    assert _hits(replay, misspelt) >= _hits(keyword, misspelt) + 0.2
    assert _hits(replay, dev) >= 0.7
