from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from launchworthy.demo.assistant import Assistant
from launchworthy.demo.reporting import Report, read_report
from launchworthy.demo.tickets import Tickets
from launchworthy.testing import Recording


def test_a_ticket_is_filed_once_under_its_key_and_is_there_in_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tickets.sqlite"
    tickets = Tickets(file)
    assert tickets.find_tickets(document="list.sort") == []
    assert not file.exists()  # looking makes nothing
    first = tickets.file_ticket(document="list.sort", problem="a", idempotency_key="k1")
    again = tickets.file_ticket(document="list.sort", problem="a", idempotency_key="k1")
    other = tickets.file_ticket(
        document="list.sort", problem="b'; DROP TABLE tickets; --", idempotency_key="k2"
    )
    assert (first, again) == ({"ticket": 1, "document": "list.sort"}, first)
    assert other["ticket"] == 2
    assert [each["problem"] for each in Tickets(file).find_tickets(document="list.sort")] == [
        "a",
        "b'; DROP TABLE tickets; --",
    ]
    assert Tickets(file).find_tickets(document="str") == []


def test_a_file_that_is_no_tracker_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "tickets.sqlite"
    file.write_text("my notes " * 200)
    with pytest.raises(sqlite3.DatabaseError):
        Tickets(file).find_tickets(document="x")
    assert file.read_text().startswith("my notes")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Please file a ticket about list.sort: it does not say that sorting is stable",
            Report(document="list.sort", problem="it does not say that sorting is stable"),
        ),
        (
            "open a bug on `topic:lambda` - an\nexample  helps",
            Report(document="topic:lambda", problem="an example helps"),
        ),
        ("file a ticket about print:", None),
        ("How do I file a ticket about print: anything?", None),
        ("file a ticket about ../../etc/passwd: x", None),
        ("file a ticket", None),
        ("file a ticket about print: " + "x" * 4_001, None),
        ("", None),
    ],
)
def test_a_ticket_is_asked_for_in_words_and_a_question_is_none(text: str, found: Report | None) -> None:
    assert read_report(text) == found


def test_without_a_server_nobody_can_confirm_so_nothing_is_filed(
    recorded: Recording, candidate: Assistant
) -> None:
    asked = candidate.answer("Please file a ticket about list.sort: it needs an example", user="u1")
    assert asked.text.startswith("No ticket was filed: it needs an approval, and there is nobody to ask here")
    assert asked.approval is None
    assert not candidate.tickets.file.exists()
    root = recorded.span("invoke_workflow answer")
    assert root.trace_id == asked.trace_id
    ran = [span.name for span in recorded.spans if span.attributes["launchworthy.kind"] == "tool"]
    assert ran == ["execute_tool find_tickets"]


@pytest.mark.usefixtures("recorded")
def test_how_long_a_problem_may_be_the_contract_says(candidate: Assistant) -> None:
    found = candidate.answer(f"file a ticket about print: {'x' * 501}")
    assert found.text.startswith("No ticket was filed: problem is not text of at most 500 characters")


@pytest.mark.usefixtures("recorded")
def test_a_ticket_about_nothing_that_there_is_is_not_asked_for(candidate: Assistant) -> None:
    found = candidate.answer("file a ticket about pandas.DataFrame: it is missing")
    assert found.text == "There is no documentation of pandas.DataFrame, so no ticket was filed."
