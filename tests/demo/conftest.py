from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import launchworthy as lw
import launchworthy.demo
from launchworthy.contract import Contract, lint_file
from launchworthy.demo.assistant import Answer, Assistant, assistant
from launchworthy.demo.corpus import Corpus, gather
from launchworthy.demo.question import read_question
from launchworthy.demo.retrieval import Found, FusedRetriever, KeywordRetriever
from launchworthy.gold import GoldItem, load_gold
from launchworthy.testing import Recording, recording

PRODUCT = Path(launchworthy.demo.__file__).parent / "product"


@pytest.fixture(scope="session")
def product() -> Path:
    return PRODUCT


@pytest.fixture(scope="session")
def contract() -> Contract:
    found = lint_file(PRODUCT / "launchworthy.yaml", today=date(2026, 11, 24)).contract
    assert found is not None
    return found


@pytest.fixture(scope="session")
def gold(contract: Contract) -> tuple[GoldItem, ...]:
    declared = contract.gold_of("answer")
    return load_gold(PRODUCT / str(declared.file), holdout=declared.holdout.value)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return gather()


@pytest.fixture(scope="session")
def keyword(corpus: Corpus) -> KeywordRetriever:
    return KeywordRetriever(corpus)


@pytest.fixture(scope="session")
def candidate() -> Assistant:
    return assistant("candidate")


@pytest.fixture(scope="session")
def baseline() -> Assistant:
    return assistant("baseline")


@pytest.fixture(scope="session")
def fused(candidate: Assistant) -> FusedRetriever:
    found = candidate._retriever  # the index is built once for all tests
    assert isinstance(found, FusedRetriever)
    return found


@pytest.fixture(scope="session")
def found_on_dev(fused: FusedRetriever, gold: tuple[GoldItem, ...]) -> dict[str, Found]:
    """What the candidate finds for each dev question, by the item's id; searched once for all tests."""
    return {
        item.id: fused.search(read_question(item.input).text, k=10) for item in gold if item.split == "dev"
    }


@pytest.fixture(scope="session")
def asked_on_dev(candidate: Assistant, gold: tuple[GoldItem, ...]) -> dict[str, Answer]:
    """What the candidate answers to each dev question through its enforcer, by the item's id."""
    lw.init(product="python-docs", enabled=False)
    return {item.id: candidate.answer(item.input, simulated=True) for item in gold if item.split == "dev"}


class Replay:
    """A retriever that answers the dev questions from what was found before."""

    def __init__(self, found: dict[str, Found], gold: tuple[GoldItem, ...]) -> None:
        self._found = {read_question(item.input).text: found[item.id] for item in gold if item.split == "dev"}

    def search(self, question: str, *, k: int) -> Found:
        return self._found[question]


@pytest.fixture(scope="session")
def replay(found_on_dev: dict[str, Found], gold: tuple[GoldItem, ...]) -> Replay:
    return Replay(found_on_dev, gold)


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(product="python-docs") as found:
        yield found
