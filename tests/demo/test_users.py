from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import launchworthy as lw
from launchworthy.contract import Contract
from launchworthy.demo.assistant import Answer
from launchworthy.demo.retrieval import Hit
from launchworthy.demo.users import SimulatedQuestion, ask_all, question_stream, reaction
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem
from launchworthy.records.attributes import Own
from launchworthy.testing import Recording


def test_the_stream_is_the_same_for_the_same_seed(gold: tuple[GoldItem, ...]) -> None:
    one, again, other = (list(question_stream(gold, questions=80, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one) == 80


def test_only_the_dev_split_is_asked(gold: tuple[GoldItem, ...]) -> None:
    stream = list(question_stream(gold, questions=500, seed=3))
    assert {question.item.split for question in stream} == {"dev"}
    with pytest.raises(InputError, match="no dev items"):
        next(question_stream([item for item in gold if item.split == "holdout"], questions=1, seed=1))


def test_users_ask_unevenly_in_sessions_and_each_keeps_their_release(gold: tuple[GoldItem, ...]) -> None:
    stream = list(question_stream(gold, questions=400, seed=4))
    by_user = Counter(question.user for question in stream)
    assert len(by_user) > 50
    assert max(by_user.values()) >= 4 * min(by_user.values())
    assert len({(question.user, question.release) for question in stream}) == len(by_user)
    assert len({(question.user, question.session) for question in stream}) == len(
        {question.session for question in stream}
    )
    share = sum(question.release == "candidate" for question in stream) / len(stream)
    assert 0.4 < share < 0.9


def test_questions_are_varied_and_never_lost(gold: tuple[GoldItem, ...]) -> None:
    stream = list(question_stream(gold, questions=400, seed=5))
    changed = [question for question in stream if question.text != question.item.input]
    assert 0.3 < len(changed) / len(stream) < 0.8
    assert all(question.text.strip() for question in stream)


def test_everything_they_leave_is_labelled_as_simulated(
    recorded: Recording, gold: tuple[GoldItem, ...], contract: Contract
) -> None:
    told = ask_all(question_stream(gold, questions=60, seed=6), seed=6)
    assert len(told) == 60
    assert recorded.spans
    assert recorded.events
    told_of = [span.attributes for span in recorded.spans] + [event.attributes for event in recorded.events]
    for attributes in told_of:
        assert attributes["launchworthy.simulated"] is True
        assert attributes["launchworthy.product"] == "python-docs"
    traces = {span.trace_id for span in recorded.spans}
    assert {f"{event.trace_id:032x}" for event in recorded.events} <= traces
    failed = [each for each in told_of if each.get("launchworthy.decision.kind") == "fallback"]
    assert len(failed) == 3  # the model was made to fail so often
    assert sum(found.fallback == "extractive_answer" for _, found in told) >= 1
    workflow = contract.workflows["answer"]
    assert workflow.success is not None
    outcomes = {event.attributes.get("launchworthy.outcome.event") for event in recorded.events} - {None}
    assert outcomes == {workflow.success.event, *workflow.success.unless, "followed_up"}
    reasons = {event.attributes.get("launchworthy.feedback.reason") for event in recorded.events} - {None}
    assert reasons <= set(workflow.failures)
    assert all(span.attributes.get("user.id") != "simulated-user-6-0" for span in recorded.spans)


def _question(*, answerable: bool = True) -> SimulatedQuestion:
    item = GoldItem(id="x", input="q", expected={"sorted": 2} if answerable else None, answerable=answerable)
    return SimulatedQuestion(text="q", item=item, user="u", session="s", release="candidate")


def _answer(*citations: str, found: tuple[str, ...] = ()) -> Answer:
    return Answer(
        text="t",
        answered=bool(citations),
        citations=citations,
        documents=(),
        found=tuple(Hit(id=name, score=1.0) for name in found),
        confidence=None,
        safety_flags=(),
        release="r",
        cost_usd=0.0,
        trace_id="0" * 32,
    )


@pytest.mark.parametrize(
    ("answerable", "answer", "most_often", "reasons"),
    [
        (True, _answer("sorted"), "found_it", {None}),
        (True, _answer("list.sort"), "asked_elsewhere", {None, "wrong_object", "wrong_citation"}),
        (True, _answer(), "asked_elsewhere", {None, "refuses_documented"}),
        (False, _answer("sorted"), "asked_elsewhere", {None, "answers_undocumented"}),
        (False, _answer(), None, {None}),
    ],
)
def test_what_users_do_follows_from_what_they_were_shown(
    answerable: bool, answer: Answer, most_often: str | None, reasons: set[str | None]
) -> None:
    chance = random.Random(1)
    done = [reaction(_question(answerable=answerable), answer, chance) for _ in range(400)]
    assert {each.reason for each in done} == reasons
    if most_often is not None:
        assert Counter(each.event for each in done).most_common(1)[0][0] == most_often
    else:
        assert "found_it" not in {each.event for each in done}
    assert all((each.rating == -1.0) is (each.reason is not None) for each in done)


def test_more_users_find_it_where_more_documents_are_named_as_near() -> None:
    refused = _answer(found=("a", "b", "c", "d", "sorted"))

    def found_it(nearest: int) -> int:
        chance = random.Random(1)
        done = [reaction(_question(), refused, chance, nearest=nearest) for _ in range(400)]
        return sum(each.event == "found_it" for each in done)

    assert (found_it(3), found_it(6) > 100) == (0, True)


def test_the_flag_decides_how_many_are_named_and_who_met_it_is_recorded_as_simulated(
    recorded: Recording, gold: tuple[GoldItem, ...], product: Path
) -> None:
    flags = lw.flags(product / "flags.yaml", every_s=0)
    told = ask_all(question_stream(gold, questions=60, seed=6), seed=6, flags=flags)
    met = {
        event.attributes[Own.EXPOSURE_UNIT]: event.attributes[Own.EXPOSURE_VARIANT]
        for event in recorded.events
        if event.attributes.get(Own.EXPOSURE) == "nearest"
    }
    assert len(met) == len({question.user for question, _ in told})
    assert set(met.values()) == {"three", "six"}
    assert all(event.attributes["launchworthy.simulated"] is True for event in recorded.events)
    named = {len(found.text.split(", ")) for _, found in told if "Nearest to it: " in found.text}
    assert max(named) == 6
    assert flags.decide("nearest", "tester-1", expose=False).reason == "override"
    staff = {"email": "ana@python-docs.example"}
    assert flags.decide("nearest", "ana", staff, expose=False).rule == "maintainers"


def test_without_a_server_the_command_says_that_records_wait(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ran = subprocess.run(
        [sys.executable, "-m", "launchworthy.demo.users", "--questions", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"LAUNCHWORTHY_ENDPOINT": f"http://127.0.0.1:{port}", "LAUNCHWORTHY_STATE": str(tmp_path)},
    )
    assert ran.returncode == 2
    assert "--questions is at least 1" in ran.stderr
