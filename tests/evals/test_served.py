"""What is served, against what was proven: the same items asked over HTTP and of the release itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scipy import stats

from launchworthy.contract import claims, parse_contract
from launchworthy.evals import CallableTarget, new_run, run_suite, scorer_of
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.gold import GoldItem, freeze
from launchworthy.provers import PROVERS

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONTRACT = """
launchworthy: 1
product: docs
kind: predictive
owners: {product: ana@example.com}
release: {serving: {platform: kubernetes, endpoint: /score}}
workflows:
  answer: {user: cardholder, job: pay, no_answer: refuse, quality: {recall: {at_least: 10 %}}}
"""
KNOWN = claims(parse_contract(CONTRACT), provers=PROVERS)
SERVING = next(claim for claim in KNOWN if claim.metric == "serving")
Asked = Callable[..., list[Evidence]]


@pytest.fixture
def asked(workspace: Any) -> Asked:
    minutes = iter(range(100))

    def run(target: str, said: Callable[[int], Any], *, n: int = 200, release: str = "r-1") -> Any:
        items = [GoldItem(id=f"q{k:04}", input=k, expected=k % 2, split="holdout") for k in range(n)]
        version, frozen = freeze(items, product="docs", name="answer", created_at=NOW)
        workspace.add_gold(version, frozen)
        at, scorers = NOW + timedelta(minutes=next(minutes)), [scorer_of("recall")]
        begun = new_run(
            unique="a", workflow="answer", release=release, target=target, version=version, split="holdout",
            scorers=scorers, config={}, now=at,
        )  # fmt: skip
        done = run_suite(
            workspace,
            begun,
            version=version,
            target=CallableTarget(said, name=target),
            scorers=scorers,
            by="ana",
            claims=KNOWN,
            now=lambda: at,
        )
        return [piece for piece in done.evidence if piece.claim == SERVING.address]

    return run


def _model(k: int) -> dict[str, Any]:
    return {"output": None, "prediction": k % 2, "score": k / 1_000.0, "cost_usd": 0.1}


def _served(k: int) -> dict[str, Any]:
    """The same to six digits, at another price."""
    return {**_model(k), "score": k / 1_000.0 * (1 + 1e-9), "cost_usd": 0.2}


def test_what_is_served_differs_in_so_many_items(asked: Asked) -> None:
    assert asked("my_app:score", _model) == []  # nothing was served yet
    [piece] = asked(
        "http://score.example/v1", lambda k: {**_served(k), "score": 0.9} if k < 6 else _served(k)
    )
    exact = stats.binomtest(6, 200).proportion_ci(0.9, "exact")
    assert (piece.value, piece.n, piece.release) == (0.03, 200, "r-1")
    assert (piece.low, piece.high) == pytest.approx((exact.low, exact.high))
    assert [each["item"] for each in piece.detail["worse"]] == [f"q{k:04}" for k in range(6)]
    assert status(SERVING, [piece], release="r-1", now=NOW + timedelta(hours=1)).state is State.UNMET


def test_either_may_be_asked_first_and_few_items_do_not_show_it(asked: Asked) -> None:
    assert asked("https://score.example/v1", _served) == []
    [piece] = asked("my_app:score", _model)
    assert piece.value == 0.0
    found = status(SERVING, [piece], release="r-1", now=NOW + timedelta(hours=1))
    assert found.state is State.UNPROVEN  # 0 of 200 does not show at most 0.1 %
    assert found.plan is not None
    assert (found.plan.needed or 0) + 200 == 2_995


def test_another_release_is_not_what_was_proven(asked: Asked) -> None:
    asked("my_app:score", _model, release="r-0")
    assert asked("http://score.example/v1", _served) == []


def test_items_without_an_answer_are_counted_apart(asked: Asked) -> None:
    def broken(k: int) -> dict[str, Any]:
        if k < 5:
            raise ValueError("down")
        return _served(k)

    asked("my_app:score", _model)
    [piece] = asked("http://score.example/v1", broken)
    assert (piece.n, piece.unscored) == (195, 5)
