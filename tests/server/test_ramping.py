"""A release on its way through the server: measured, decided, taken back, and never twice."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.errors import ConflictError, InputError, NotFoundError
from launchworthy.quantity import format_value
from launchworthy.records import TABLES, Release, Rows
from launchworthy.records.incident import Mechanism
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading

if TYPE_CHECKING:
    from tests.server.conftest import OpenWorkspace

CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@example.com, safety: kim@example.com, on_call: lee@example.com}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {escalation: {at_most: 30 %}}
    failures:
      handed_over: {kind: missing, fix: retrieval, watched_by: outcomes/escalation, severity: high}
rollout:
  stages:
    - {name: shadow, share: 0 %, for: 1h}
    - {name: pilot, share: 5 %, for: 1d}
    - {name: expand, share: 50 %, for: 1d, approve: safety}
    - {name: launch, share: 100 %}
  harms: [outcomes/escalation]
  roll_back: {when: any_harm, within: 5m}
proof: {margin: 5 %}
"""
RELEASES = Release({"model": "vendor/old"}), Release({"model": "vendor/new"})
OLD, NEW = (release.id for release in RELEASES)
START = datetime(2026, 11, 25, 9, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def on(self, **more: float) -> None:
        self.now += timedelta(**more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(open_workspace_here: OpenWorkspace, clock: Clock) -> Callable[[], LocalWorkspace]:
    return lambda: open_workspace_here(clock=clock)


@pytest.fixture
def workspace(opened: Callable[[], LocalWorkspace]) -> LocalWorkspace:
    found = opened()
    found.register_contract(product="support", text=CONTRACT, path="launchworthy.yaml")
    for release in RELEASES:
        found.register_release(release, product="support")
    return found


def _use(
    workspace: LocalWorkspace,
    clock: Clock,
    *,
    users: int,
    handed: dict[str, float],
    seed: int = 1,
    received: datetime | None = None,
) -> None:
    """Each user asks once within the last hour, and is handed over with the chance of the release."""
    rng = random.Random(seed)
    spans: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for release, share in handed.items():
        for number in range(users):
            trace, at = rng.randbytes(16), clock.now - timedelta(minutes=rng.uniform(5, 50))
            common = {"product": "support", "workflow": "answer", "trace_id": trace}
            began = int(at.timestamp() * 1e9)
            spans.append(
                common
                | {"span_id": trace[:8], "kind": "workflow", "start_time": began, "end_time": began + 10**8}
                | {"duration_ms": 100.0, "status": "ok", "release": release, "name": "answer"}
                | {"user_id": f"{release}-{seed}-{number}"}
                | {"received_at": began if received is None else int(received.timestamp() * 1e9)}
            )
            if rng.random() < share:
                outcomes.append(
                    common | {"event": "escalated", "time": began + 6 * 10**10, "received_at": began}
                )
    store = workspace._store
    for table, rows in (("spans", spans), ("outcomes", outcomes)):
        columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
        store.ingest([Rows(table, columns)], batch_id=f"{table}-{seed}-{clock.now}")
    store.flush()


def _started(workspace: LocalWorkspace, **more: Any) -> dict[str, Any]:
    return workspace.start_ramp(product="support", release=NEW, baseline=OLD, by="ana", **more)


def _ramp(workspace: LocalWorkspace) -> dict[str, Any]:
    return workspace.ramps(product="support")[0]


def _evaluate(workspace: LocalWorkspace) -> dict[str, Any]:
    found = workspace.evaluate_ramp(product="support")
    assert found is not None
    return found


def test_a_release_without_harm_reaches_everybody(workspace: LocalWorkspace, clock: Clock) -> None:
    assert _started(workspace)["next"]["action"] == "enter"
    assert _evaluate(workspace)["stage"] == "shadow"
    clock.on(hours=1)
    assert (_evaluate(workspace)["stage"], _ramp(workspace)["share"]) == ("pilot", 0.05)
    clock.on(hours=1)
    _use(workspace, clock, users=1_500, handed={OLD: 0.1, NEW: 0.1})
    waiting = _evaluate(workspace)["next"]
    assert (waiting["action"], waiting["because"]) == (None, "pilot lasts 23 h more")
    clock.on(hours=23)
    _use(workspace, clock, users=1_500, handed={OLD: 0.1, NEW: 0.1}, seed=2)
    told = _evaluate(workspace)
    assert told["harms"][0]["state"] == "met"
    assert told["next"]["because"] == "expand waits for safety to approve it"
    with pytest.raises(InputError, match="safety has to approve this stage, and ana is not"):
        workspace.step_ramp(product="support", ramp_id=told["id"], action="approve", reason="fine", by="ana")
    workspace.step_ramp(
        product="support", ramp_id=told["id"], action="approve", reason="fine", by="kim@example.com"
    )
    assert _evaluate(workspace)["stage"] == "expand"
    clock.on(days=1, minutes=5)
    _use(workspace, clock, users=500, handed={OLD: 0.1, NEW: 0.1}, seed=3)
    assert (_evaluate(workspace)["state"], _ramp(workspace)["share"]) == ("complete", 1.0)
    assert workspace.evaluate_ramp(product="support") is None
    assert workspace.incidents(product="support") == []


def test_proven_harm_takes_it_back_at_once_and_opens_one_incident_with_its_failure_mode(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.3})
    told = _evaluate(workspace)
    assert (told["state"], told["share"]) == ("rolled_back", 0.0)
    step = told["steps"][-1]
    assert step["by"] is None
    assert step["reason"].startswith("harm is proven: answer/outcomes/escalation")
    assert step["facts"]["claims"][0]["low"] > 0.05
    (incident,) = workspace.incidents(product="support")
    assert (incident.failure_mode, incident.severity, incident.release) == ("handed_over", "high", NEW)
    assert len(incident.traces) == 5
    assert incident.title.startswith(
        f"at pilot, {NEW} was taken back for harm to answer/outcomes/escalation: it differs by "
    )
    assert incident.facts["unit"] == "points"
    assert (incident.suspected[0].kind, NEW in incident.suspected[0].what) == ("release", True)
    assert workspace.evaluate_ramp(product="support") is None
    assert len(workspace.incidents(product="support")) == 1
    assert not [fault for fault in workspace.audit(product="support") if fault.fault.proves_tampering]
    with pytest.raises(ConflictError, match="it is over"):
        workspace.step_ramp(
            product="support", ramp_id=told["id"], action="resume", reason="why not", by="ana"
        )


def test_a_person_who_takes_it_back_opens_an_incident_with_the_reason_and_whoever_gives_it_up_none(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    def step(action: str, reason: str) -> dict[str, Any]:
        own = _started(workspace)["id"]
        if action == "roll_back":
            _evaluate(workspace)
            clock.on(hours=1)
            _evaluate(workspace)
            _use(workspace, clock, users=5, handed={NEW: 0.0})
        return workspace.step_ramp(product="support", ramp_id=own, action=action, reason=reason, by="kim")

    _use(workspace, clock, users=5, handed={OLD: 0.0})
    step("stop", "the campaign was moved")
    assert workspace.incidents(product="support") == []
    told = step("roll_back", "it tells customers a wrong price")
    assert told["share"] == 0.0
    (incident,) = workspace.incidents(product="support")
    assert incident.title == f"at pilot, {NEW} was taken back by kim: it tells customers a wrong price"
    assert (incident.source, incident.opened_by, incident.release) == ("rollback", "kim", NEW)
    assert (incident.failure_mode, incident.severity) == (None, "medium")
    assert workspace.incident_rules(product="support") == [], "a person is no rule"
    assert [each.what for each in incident.suspected] == [f"{OLD} → {NEW} (model)"], "said once"
    assert not [fault for fault in workspace.audit(product="support") if fault.fault.proves_tampering]


def test_a_release_that_nobody_had_is_taken_back_without_an_incident(workspace: LocalWorkspace) -> None:
    own = _started(workspace)["id"]
    _evaluate(workspace)
    told = workspace.step_ramp(
        product="support", ramp_id=own, action="roll_back", reason="it answers nothing", by="kim"
    )
    assert told["state"] == "rolled_back"
    assert workspace.incidents(product="support") == []


def test_harm_that_only_holds_names_its_failure_mode_once_a_person_takes_it_back(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    by_hand = CONTRACT.replace("when: any_harm", "when: manual")
    workspace.register_contract(product="support", text=by_hand, path="launchworthy.yaml")
    own = _started(workspace)["id"]
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.3})
    assert _evaluate(workspace)["state"] == "held"
    assert workspace.incidents(product="support") == []
    told = workspace.step_ramp(
        product="support", ramp_id=own, action="roll_back", reason="too many handed over", by="kim"
    )
    assert told["steps"][-1]["facts"]["claims"][0]["low"] > 0.05
    (incident,) = workspace.incidents(product="support")
    assert (incident.failure_mode, incident.severity) == ("handed_over", "high")
    assert incident.address == "support/answer/outcomes/escalation"
    assert len(incident.traces) == 5
    assert incident.title.endswith("was taken back by kim: too many handed over")


def test_what_is_broken_of_a_release_that_was_taken_back_for_it_is_no_second_incident(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.6})
    assert _evaluate(workspace)["state"] == "rolled_back"
    workspace.measure_all()
    broken = [
        piece
        for piece in workspace.evidence(product="support")
        if piece.claim == "support/answer/outcomes/escalation" and piece.release == NEW
    ]
    assert broken[0].low is not None
    assert broken[0].low > 0.3, "the promise is shown to be broken too"
    (one,) = workspace.incidents(product="support")
    assert one.source == "rollback"
    workspace.close_incident(product="support", incident_id=one.id, by="kim", because="a test of ours")
    workspace.measure_all()
    kept = workspace.incidents(product="support")
    assert [(each.source, each.state) for each in kept] == [("monitor", "open"), ("rollback", "closed")]


def test_a_cured_rollback_is_not_followed_by_an_incident_of_the_release_that_was_taken_back(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    without_gold = CONTRACT.replace("kind: missing", "kind: slow")
    workspace.register_contract(product="support", text=without_gold, path="launchworthy.yaml")
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.6})
    _evaluate(workspace)
    (one,) = workspace.incidents(product="support")
    workspace.close_incident(
        product="support", incident_id=one.id, by="kim", because="the old index", mechanism=Mechanism.MODEL,
        release=OLD,
    )  # fmt: skip
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1}, seed=2)
    for _ in range(2):
        workspace.measure_all()
    (cured,) = workspace.incidents(product="support")
    assert (cured.source, cured.state, cured.verified) == ("rollback", "closed", True)


def _page(workspace: LocalWorkspace, clock: Clock) -> str:
    pages = Starlette(routes=routes(WorkspaceReading(workspace), clock=clock))
    answer = TestClient(pages).get("/products/support/rollout")
    assert answer.status_code == 200
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text))


def test_the_page_says_where_the_release_is_and_what_is_known_of_harm(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    assert "No release of support is on its way" in _page(workspace, clock)
    _started(workspace)
    _evaluate(workspace)
    assert "In shadow, 0 % of users" in _page(workspace, clock)
    clock.on(hours=1)
    _evaluate(workspace)
    for hour in range(3):
        clock.on(hours=1)
        _use(workspace, clock, users=150, handed={OLD: 0.1, NEW: 0.17}, seed=hour)
        _evaluate(workspace)
    page = _page(workspace, clock)
    assert "In pilot, 5 % of users: harm is not ruled out yet" in page
    assert "answer/outcomes/escalation: candidate minus baseline, as it was seen" in page
    assert "3 measurements, oldest left" in page
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.4}, seed=9)
    _evaluate(workspace)
    page = _page(workspace, clock)
    assert "Taken back at pilot" in page
    assert "Nothing: the baseline serves everybody." in page
    (incident,) = workspace.incidents(product="support")
    assert f"Its incident: {incident.id}, open." in page


def test_a_rollback_that_was_cut_off_before_its_incident_is_finished_after_the_restart(
    workspace: LocalWorkspace,
    clock: Clock,
    opened: Callable[[], LocalWorkspace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(hours=1)
    _use(workspace, clock, users=400, handed={OLD: 0.1, NEW: 0.3})

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace._incidents, "open", killed)
    with pytest.raises(KeyboardInterrupt):
        workspace.evaluate_ramp(product="support")
    workspace.close()
    again = opened()
    assert _ramp(again)["state"] == "rolled_back"
    assert again.incidents(product="support") == []
    again.ramping.watch()
    again.ramping.watch()
    assert [each.failure_mode for each in again.incidents(product="support")] == ["handed_over"]
    actions = [step["action"] for step in _ramp(again)["steps"]]
    assert actions == ["start", "enter", "enter", "roll_back"]


def test_the_end_of_a_stage_is_a_planned_look_whose_numbers_are_chained_and_which_a_restart_keeps(
    workspace: LocalWorkspace, clock: Clock, opened: Callable[[], LocalWorkspace]
) -> None:
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    clock.on(days=1)
    _use(workspace, clock, users=150, handed={OLD: 0.1, NEW: 0.1})
    told = _evaluate(workspace)
    assert (told["stage"], told["steps"][-1]["action"]) == ("pilot", "look")
    look = told["steps"][-1]["facts"]
    assert (look["look"], look["planned"], look["harms"][0]["shown"]) == (1, 2, False)
    assert "look 1, at" in told["next"]["because"]
    page = _page(workspace, clock)
    assert "Each interval holds at every moment; the thick part at a planned look." in page
    low, high = (format_value(look["harms"][0][end], unit="points") for end in ("low", "high"))
    assert f"1 planned look, {low} to {high}" in page
    workspace.close()
    again = opened()
    _evaluate(again)
    assert [step["action"] for step in _ramp(again)["steps"]].count("look") == 1
    again.step_ramp(product="support", ramp_id=told["id"], action="enter", reason="few", by="kim@example.com")
    clock.on(days=1)
    _use(again, clock, users=600, handed={OLD: 0.1, NEW: 0.1}, seed=2)
    assert _evaluate(again)["state"] == "complete"
    entries = [entry.body for entry in again.ledger_entries(product="support") if entry.kind == "rollout"]
    assert '"spending":"pocock"' in entries[3]
    assert '"bounds":"those of planned looks"' in entries[-1]  # the step to everybody stands on its look
    second = _ramp(again)["steps"][-2]["facts"]
    assert (second["look"], second["fraction"]) == (2, pytest.approx(1.0))
    assert second["harms"][0]["spent"] == pytest.approx(0.025)


def test_people_hold_resume_and_give_up_with_a_reason_that_is_chained(
    workspace: LocalWorkspace, clock: Clock
) -> None:
    ramp = _started(workspace, reason="the new model")["id"]

    def step(action: str, reason: str = "because") -> dict[str, Any]:
        return workspace.step_ramp(product="support", ramp_id=ramp, action=action, reason=reason, by="ana")

    assert step("hold")["state"] == "held"
    assert _evaluate(workspace)["state"] == "held"
    assert step("resume")["state"] == "running"
    assert step("enter", "nobody is hurt by a shadow")["stage"] == "shadow"
    assert step("stop")["share"] == 0.0
    another = _started(workspace)["id"]
    with pytest.raises(InputError, match="gives a reason"):
        workspace.step_ramp(product="support", ramp_id=another, action="hold", reason="", by="ana")
    entries = [entry for entry in workspace.ledger_entries(product="support") if entry.kind == "rollout"]
    assert len(entries) == 6
    assert '"reason":"nobody is hurt by a shadow"' in entries[3].body


def test_what_cannot_be_is_told(workspace: LocalWorkspace) -> None:
    with pytest.raises(NotFoundError, match="no release 'r-x'"):
        workspace.start_ramp(product="support", release="r-x", by="ana")
    with pytest.raises(InputError, match="cannot be its own baseline"):
        workspace.start_ramp(product="support", release=NEW, baseline=NEW, by="ana")
    with pytest.raises(NotFoundError, match="no contract"):
        workspace.start_ramp(product="nobody", by="ana")
    ramp = _started(workspace)["id"]
    with pytest.raises(ConflictError, match="is under way"):
        _started(workspace)
    with pytest.raises(InputError, match="nothing that can be done to a ramp"):
        workspace.step_ramp(product="support", ramp_id=ramp, action="<script>", reason="x", by="ana")
    with pytest.raises(NotFoundError, match="no ramp 'x'"):
        workspace.step_ramp(product="support", ramp_id="x", action="hold", reason="x", by="ana")


def test_a_release_of_which_nothing_is_heard_goes_no_further(workspace: LocalWorkspace, clock: Clock) -> None:
    _started(workspace)
    _evaluate(workspace)
    clock.on(hours=1)
    _evaluate(workspace)
    ahead = Clock()  # of an application whose calls say that they are of next week
    ahead.on(days=7)
    _use(workspace, ahead, users=5, handed={NEW: 0.1}, received=clock.now)
    clock.on(days=3)
    _use(workspace, clock, users=50, handed={OLD: 0.1}, seed=2)
    told = _evaluate(workspace)["next"]
    assert told["action"] is None
    assert told["because"].startswith(f"nothing was heard of {NEW} since")
