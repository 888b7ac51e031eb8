from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.evals.judging.conftest import ChatServer, agreement_claim, shown, verdict

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals.engine import Limits, Progress
from launchworthy.evals.judging import Judged, Judging, judge_items, judgings
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem

NAME = "groundedness:grounding-v2"
LIMITS = Limits(concurrency=4, timeout_s=5.0, retries=0)


def _claim(metric: str = "groundedness", **changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "address": f"docs/answer/quality/{metric}",
        "kind": ClaimKind.BOUND,
        "family": "quality",
        "workflow": "answer",
        "metric": metric,
        "sentence": f"{metric} is at least 80 %",
        "target": Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
        "options": {"judge": "grounding-v2"},
    }
    return Claim(**(fields | changes))


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Judged]:
    def make(url: str, metric: str = "groundedness", **options: Any) -> Judged:
        claim = _claim(metric)
        found, told = judgings([claim, agreement_claim(tmp_path, url, **options)], workflow="answer")
        assert told == []
        return found[claim.address]

    return make


def _gold(count: int, **fields: Any) -> list[GoldItem]:
    return [GoldItem(id=f"q{n:02}", input=f"Question {n}?", **fields) for n in range(count)]


def _answered(gold: Sequence[GoldItem], output: Any = "30 days.") -> list[RunItem]:
    return [RunItem(item_id=item.id, input=item.input, output=output) for item in gold]


@pytest.fixture
def judge_run(runs: Any, new_run: Callable[..., Run]) -> Callable[..., tuple[Judging, dict[str, RunItem]]]:
    def one(
        judged: Judged, gold: Sequence[GoldItem], items: Sequence[RunItem], **options: Any
    ) -> tuple[Judging, dict[str, RunItem]]:
        run = new_run(status="complete")
        runs.add_run(run)
        runs.add_run_items(run.id, items)
        found = judge_items(runs, run, judged, gold=gold, limits=LIMITS, **options)
        return found, {item.item_id: item for item in runs.run_items(run.id)}

    return one


def _by_question(body: dict[str, Any]) -> str:
    return verdict(int(shown(body)["input"].split()[1].strip("?")) % 2 == 0, "Read it.")


def test_each_item_gets_its_grade_beside_the_scores_it_has(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(_by_question)
    gold = _gold(4, context="Returns: 30 days.")
    found, items = judge_run(judged(server.url), gold, _answered(gold))
    assert [items[f"q{n:02}"].scores[NAME].value for n in range(4)] == [1.0, 0.0, 1.0, 0.0]
    assert items["q01"].scores[NAME].detail["votes"][0]["reasoning"] == "Read it."
    assert (found.judged, found.unscored, found.outside, found.calls, found.tokens) == (4, 0, 0, 4, 440)
    assert str(found).startswith(f"{NAME}: 4 judged")


def test_what_is_no_grade_is_counted_apart_and_never_zero(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(
        lambda body: "Looks good!" if "Question 1?" in shown(body)["input"] else verdict(True)
    )
    gold = _gold(3, context="Returns: 30 days.")
    found, items = judge_run(judged(server.url), gold, _answered(gold))
    score = items["q01"].scores[NAME]
    assert (score.value, score.statistics) == (None, {})
    assert "prose" in str(score.error)
    assert (found.judged, found.unscored) == (2, 1)


def test_refusals_failures_and_answers_without_a_context_are_not_asked_about(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(lambda body: verdict(True))
    gold = [*_gold(3, context="Returns: 30 days."), GoldItem(id="bare", input="Question 9?")]
    items = [
        RunItem(item_id="q00", output={"output": "I cannot say.", "answered": False}),
        RunItem(item_id="q01", error="HTTP 500"),
        RunItem(item_id="q02", output="30 days."),
        RunItem(item_id="bare", output="30 days."),
    ]
    found, told = judge_run(judged(server.url), gold, items)
    assert len(server.calls) == 1
    assert (found.judged, found.unscored, found.outside) == (1, 1, 1)
    assert NAME not in told["q00"].scores
    assert NAME not in told["q01"].scores
    assert told["bare"].scores[NAME].error == "there is no context to judge by"


def test_the_passages_that_an_answer_had_come_before_those_of_the_gold_set(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(lambda body: verdict(True))
    gold = _gold(3, context="Of the gold set.")
    outputs: list[Any] = [
        {"output": "30 days.", "context": ["What was retrieved."]},
        {"output": "30 days.", "documents": [{"id": "d1", "text": "A passage."}]},
        {"output": "30 days.", "documents": ["d1"]},
    ]
    items = [RunItem(item_id=item.id, output=output) for item, output in zip(gold, outputs, strict=True)]
    judge_run(judged(server.url), gold, items)
    contexts = {shown(call)["input"]: shown(call)["context"] for call in server.calls}
    assert contexts == {
        "Question 0?": ["What was retrieved."],
        "Question 1?": [{"id": "d1", "text": "A passage."}],
        "Question 2?": "Of the gold set.",
    }


def test_correctness_asks_only_where_there_is_a_reference_and_a_silent_refusal_is_wrong(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(lambda body: verdict(True))
    gold = [*_gold(2, expected="30 days"), GoldItem(id="open", input="Question 9?")]
    items = [
        RunItem(item_id="q00", output={"output": None, "no_answer": "refuse"}),
        RunItem(item_id="q01", output="30 days."),
        RunItem(item_id="open", output="Who knows."),
    ]
    found, told = judge_run(judged(server.url, "correctness"), gold, items)
    assert [shown(call)["reference"] for call in server.calls] == ["30 days"]
    values = {key: item.scores["correctness:grounding-v2"].value for key, item in told.items() if item.scores}
    assert values == {"q00": 0.0, "q01": 1.0}
    assert (found.judged, found.outside) == (2, 1)


def test_a_scale_becomes_a_share_from_its_worst_to_its_best(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    server = chat_server(lambda body: verdict(4))
    gold = _gold(1)
    _, told = judge_run(
        judged(server.url, "completeness", scale="1-5", rubric="All of it?"), gold, _answered(gold)
    )
    assert told["q00"].scores["completeness:grounding-v2"].value == pytest.approx(0.75)


def test_a_pair_is_won_lost_or_tied_against_the_baselines_answer(
    chat_server: Any, judged: Any, judge_run: Any
) -> None:
    def answer(body: dict[str, Any]) -> str:
        first, second = shown(body)["first"], shown(body)["second"]
        return verdict("tie" if first == second else "first" if first > second else "second")

    gold = _gold(4)
    ours = [RunItem(item_id=item.id, output=text) for item, text in zip(gold, "babx", strict=True)]
    theirs = [RunItem(item_id=item.id, output=text) for item, text in zip(gold, "abb", strict=False)]
    found, told = judge_run(judged(chat_server(answer).url, "win_rate"), gold, ours, baseline=theirs)
    scores = [told[item.id].scores["win-rate:grounding-v2"] for item in gold]
    assert [score.value for score in scores] == [1.0, 0.0, 0.5, None]
    assert scores[3].error == "the baseline has no answer to compare with"
    assert found.unscored == 1


class Killed(Exception):
    """Stands for the end of the process."""


def test_a_pass_that_was_killed_goes_on_without_a_call_that_had_come_back(
    chat_server: Any, judged: Any, judge_run: Any, runs: Any, new_run: Any
) -> None:
    def slow(body: dict[str, Any]) -> str:
        time.sleep(0.05)
        return _by_question(body)

    server: ChatServer = chat_server(slow)
    gold = _gold(12, context="Returns: 30 days.")

    def kill(progress: Progress) -> None:
        if progress.done >= 1:
            raise Killed

    subject = judged(server.url)
    with pytest.raises(Killed):
        judge_run(subject, gold, _answered(gold), on_progress=kill)
    stored = [item.item_id for item in runs.run_items("run-1") if NAME in item.scores]
    assert 1 <= len(stored) < 12
    asked = [shown(call)["input"] for call in server.calls]
    judge_items(runs, new_run(), subject, gold=gold, limits=LIMITS)
    again = {shown(call)["input"] for call in server.calls[len(asked) :]}
    assert not again & {f"Question {int(key[1:])}?" for key in stored}
    assert all(item.scores[NAME].value is not None for item in runs.run_items("run-1"))
    total = len(server.calls)
    judge_items(runs, new_run(), subject, gold=gold, limits=LIMITS)
    assert len(server.calls) == total


def test_another_version_of_the_judge_judges_again_and_one_that_failed_is_asked_again(
    chat_server: Any, judged: Any, runs: Any, new_run: Any, judge_run: Any
) -> None:
    replies: list[Any] = [(500, "broken"), verdict(True), verdict(False)]
    server = chat_server(lambda body: replies.pop(0))
    gold = _gold(1, context="Returns: 30 days.")

    def value() -> float | None:
        found: float | None = runs.run_items("run-1")[0].scores[NAME].value
        return found

    judge_run(judged(server.url), gold, _answered(gold))
    assert value() is None
    judge_items(runs, new_run(), judged(server.url), gold=gold, limits=LIMITS)
    assert value() == 1.0
    judge_items(runs, new_run(), judged(server.url, policy="Be strict."), gold=gold, limits=LIMITS)
    assert value() == 0.0
    assert len(server.calls) == 3


def test_the_ceiling_counts_what_earlier_sittings_took(
    chat_server: Any, judged: Any, runs: Any, new_run: Any, judge_run: Any
) -> None:
    server = chat_server(lambda body: verdict(True))
    gold = _gold(6, context="Returns: 30 days.")
    subject = judged(server.url, tokens=220)
    first, _ = judge_run(subject, gold[:2], _answered(gold))
    assert (first.judged, first.tokens) == (2, 220)
    second = judge_items(runs, new_run(), subject, gold=gold, limits=LIMITS)
    assert (second.judged, second.unscored, second.calls) == (2, 4, 0)
    assert len(server.calls) == 2


def test_a_judge_without_a_model_is_told_and_judges_nothing(tmp_path: Path) -> None:
    claims = [_claim(), agreement_claim(tmp_path, "http://127.0.0.1:1/v1", models=())]
    found, told = judgings(claims, workflow="answer")
    assert found == {}
    assert told == ["the judge grounding-v2 names no model in the contract, so groundedness is not judged"]


def test_claims_of_another_workflow_without_a_judge_or_against_the_old_workflow_are_not_judged(
    tmp_path: Path,
) -> None:
    claims = [
        _claim(workflow="refund"),
        _claim(options={}),
        _claim(kind=ClaimKind.DELTA, options={"judge": "grounding-v2", "against": "before"}),
        _claim(options={"judge": "grounding-v2", "weight": "amount"}),
        _claim(options={"judge": "nobody"}),
        agreement_claim(tmp_path, "http://127.0.0.1:1/v1"),
    ]
    assert judgings(claims, workflow="answer") == ({}, [])
