"""Experiments from stored exposures: the operation, the page and the command, over a real data folder."""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from statsmodels.duration.survfunc import SurvfuncRight

from launchworthy.cli.main import main
from launchworthy.console import routes
from launchworthy.errors import InputError, NotFoundError
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>'; DROP TABLE exposures;--"
PLAN: dict[str, Any] = {
    "experiment": "answer-v2",
    "arms": {"control": 1, "candidate": 1},
    "users": 2_000,
    "looks": [0.5, 1],
    "metrics": {
        "resolved": {"detect": "5 %"},
        "escalated": {"role": "harm", "margin": "10 %", "higher_is_better": False},
        "cost": {"column": "cost_usd", "denominator": "calls", "role": "harm", "margin": 0.01, "higher_is_better": False},  # noqa: E501
        "spent": {"column": "value:purchase"},
        "slow": {"column": "latency_ms", "quantile": 0.95},
        "until_bought": {"happened": "purchase", "horizon": "2h", "higher_is_better": False},
        "odd": {"column": "resolved", "quantile": 0.5},
    },
}  # fmt: skip


@pytest.fixture
def workspace(open_workspace_here: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return open_workspace_here(clock=lambda: NOW)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)


def _ingest(workspace: LocalWorkspace, **tables: list[dict[str, Any]]) -> None:
    for table, rows in tables.items():
        if rows:
            columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
            batch = f"{table}-{random.Random(str(rows[0])).random()}"
            workspace._store.ingest([Rows(table, columns)], batch_id=batch)
    workspace._store.flush()


def _meet(
    workspace: LocalWorkspace, *, units: int = 1_000, better: float = 0.12, worse: float = 0.0, seed: int = 1
) -> None:
    """Units of two variants over four days; the candidate's are resolved more often."""
    rng = random.Random(seed)
    exposures, outcomes, spans = [], [], []
    for number in range(2 * units):
        variant = "candidate" if number % 2 else "control"
        at = NOW - timedelta(days=4) + timedelta(seconds=rng.uniform(0, 4 * 86_000))
        user = f"user-{number}"
        common = {"product": "support", "user_id": user, "received_at": _ns(at)}
        own = {**common, "flag": "answer-v2", "variant": variant, "unit": user, "unit_kind": "user"}
        exposures.append({**own, "time": _ns(at)})
        if number % 7 == 0:
            exposures.append({**own, "time": _ns(at + timedelta(hours=2))})  # met again: counts once
        lift = variant == "candidate"
        # What happened before the unit met its variant is not its doing.
        outcomes.append({**common, "event": "resolved", "time": _ns(at - timedelta(minutes=5))})
        if rng.random() < 0.5 + better * lift:
            outcomes.append({**common, "event": "resolved", "time": _ns(at + timedelta(minutes=5))})
        if rng.random() < 0.1 + worse * lift:
            outcomes.append({**common, "event": "escalated", "time": _ns(at + timedelta(minutes=6))})
        if rng.random() < 0.2:
            bought = {
                "event": "purchase",
                "value": rng.uniform(5, 50),
                "time": _ns(at + timedelta(minutes=7)),
            }
            outcomes.append({**common, **bought})
        trace, began = rng.randbytes(16), _ns(at + timedelta(seconds=1))
        spans.append(
            {**common, "trace_id": trace, "span_id": trace[:8], "kind": "workflow", "start_time": began}
            | {"duration_ms": rng.uniform(100, 900), "status": "ok", "name": "answer", "cost_usd": rng.uniform(0.01, 0.03)}  # noqa: E501
        )  # fmt: skip
    _ingest(workspace, exposures=exposures, outcomes=outcomes, spans=spans)


def _page(workspace: LocalWorkspace, path: str) -> tuple[str, str]:
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    assert found is not None
    return html.unescape(" ".join(found[1].split())), html.unescape(answer.text)


def test_a_declared_plan_is_read_from_exposures_and_what_units_did_since(workspace: LocalWorkspace) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace)
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["conclusion"] == "ship"
    assert found["arms"]["control"]["users"] == found["arms"]["candidate"]["users"] == 1_000
    assert found["declared"] is not None
    metrics = found["comparisons"][0]["metrics"]
    assert metrics["resolved"]["baseline"] == pytest.approx(0.5, abs=0.05), (
        "one before the exposure counts not"
    )
    assert metrics["resolved"]["unit"] == "ratio"
    assert metrics["escalated"]["status"] == "met"
    assert metrics["cost"]["baseline"] == pytest.approx(0.02, abs=0.001)
    assert metrics["spent"]["baseline"] == pytest.approx(0.2 * 27.5, rel=0.25)
    assert found["left_out"] == {
        "odd": "a quantile of records is of latency_ms, cost_usd, value:EVENT or score:NAME"
    }
    path = next(each for each in found["history"] if each["metric"] == "resolved")
    assert [point["fraction"] for point in path["points"]] == sorted(p["fraction"] for p in path["points"])
    assert len(path["points"]) >= 3
    json.dumps(found, allow_nan=False)


def test_quantiles_and_times_of_records_are_what_their_rows_say(workspace: LocalWorkspace) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace, units=400)
    # A loud user's calls are many rows and one unit; a purchase in the future has not happened yet.
    loud = {"product": "support", "user_id": "user-0", "received_at": _ns(NOW), "kind": "workflow"}
    began = NOW - timedelta(minutes=1)
    _ingest(
        workspace,
        spans=[
            {**loud, "trace_id": bytes([n]) * 16, "span_id": bytes([n]) * 8, "start_time": _ns(began)}
            | {"name": "answer", "duration_ms": 5_000.0, "status": "ok", "cost_usd": 0.01}
            for n in range(1, 120)
        ],
        outcomes=[
            {**loud, "event": "purchase", "value": 1.0, "time": _ns(NOW + timedelta(hours=1))}
            | {"user_id": "user-2", "kind": None}
        ],
    )  # fmt: skip
    seen = workspace.query(
        "SELECT e.arm, s.duration_ms AS ms FROM spans s "
        "JOIN (SELECT DISTINCT user_id, variant AS arm FROM exposures) e USING (user_id)"
    )
    found = workspace.experiment(product="support", key="answer-v2")["comparisons"][0]["metrics"]
    for side, arm in (("baseline", "control"), ("candidate", "candidate")):
        values = np.array([row["ms"] for row in seen if row["arm"] == arm])
        assert found["slow"][side] == np.quantile(values, 0.95, method="inverted_cdf")
    assert found["slow"]["unit"] == "ms"
    assert found["slow"]["low"] is None, "one user's calls are worth one user, and bound nothing"
    assert found["slow"]["status"] == "unproven"
    waits = workspace.query(
        "SELECT e.arm, e.since, min(o.time) AS at FROM "
        "(SELECT user_id, any_value(variant) AS arm, min(time) AS since FROM exposures GROUP BY 1) e "
        "LEFT JOIN outcomes o ON o.user_id = e.user_id AND o.event = 'purchase' AND o.time >= e.since "
        f"AND o.time <= {_ns(NOW)} GROUP BY ALL"
    )
    for side, arm in (("baseline", "control"), ("candidate", "candidate")):
        own = [row for row in waits if row["arm"] == arm]
        times = [((row["at"] or _ns(NOW)) - row["since"]) / 1e6 for row in own]
        curve = SurvfuncRight(times, [row["at"] is not None for row in own])
        steps = np.append(curve.surv_times[curve.surv_times < 7.2e6], 7.2e6)
        levels = np.concatenate([[1.0], curve.surv_prob[: steps.size - 1]])
        assert found["until_bought"][side] == pytest.approx(
            float(levels @ np.diff(steps, prepend=0.0)), rel=1e-9
        )
    assert found["until_bought"]["unit"] == "ms"


def test_harm_is_told_and_units_of_two_variants_count_nowhere(workspace: LocalWorkspace) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace, worse=0.35)
    moved = {
        "product": "support",
        "flag": "answer-v2",
        "user_id": "user-0",
        "unit": "user-0",
        "variant": "candidate",
    }
    _ingest(workspace, exposures=[{**moved, "time": _ns(NOW), "received_at": _ns(NOW)}])
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["conclusion"] == "harm"
    assert "escalated" in found["reason"]
    assert found["in_two_arms"] == 1
    assert found["arms"]["control"]["users"] == 999


def test_what_is_no_arm_of_the_plan_moves_nobody_out_of_one(workspace: LocalWorkspace) -> None:
    """Unleash tells of ``enabled`` beside each variant, and Statsig of rules from before the start."""
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace, units=100)
    before = workspace.experiment(product="support", key="answer-v2")
    common = {"product": "support", "flag": "answer-v2", "variant": "enabled", "received_at": _ns(NOW)}
    early = _ns(NOW - timedelta(days=5))
    _ingest(
        workspace,
        exposures=[
            {**common, "user_id": f"user-{n}", "unit": f"user-{n}", "time": early} for n in range(203)
        ],
    )
    found = workspace.experiment(product="support", key="answer-v2")
    assert (found["arms"], found["in_two_arms"]) == (before["arms"], 0)
    assert (found["first"], found["comparisons"]) == (
        before["first"],
        before["comparisons"],
    )  # what came before counts not
    assert found["notes"] == [
        "3 met no arm of the plan but another variant, such as 'enabled'; they count nowhere"
    ]
    workspace.record(product="support", kind="experiment", body=PLAN | {"arms": {"0": 1, "1": 1}})
    with pytest.raises(InputError, match="nobody met an arm of the plan, but 'candidate'") as told:
        workspace.experiment(product="support", key="answer-v2")
    assert told.value.hint == "its arms are 0, 1"


def test_a_product_of_which_only_exposures_are_known_is_known(workspace: LocalWorkspace) -> None:
    unit = {"product": "shop", "flag": "tone", "variant": "warm", "unit": "ana", "user_id": "ana"}
    _ingest(workspace, exposures=[{**unit, "time": _ns(NOW), "received_at": _ns(NOW)}])
    assert workspace.products() == ["shop"]


def test_units_that_were_given_their_variant_or_are_held_out_count_nowhere_and_are_told(
    workspace: LocalWorkspace,
) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace)
    before = workspace.experiment(product="support", key="answer-v2")
    own = {"product": "support", "flag": "answer-v2", "variant": "candidate", "received_at": _ns(NOW)}
    _ingest(
        workspace,
        exposures=[
            {
                **own,
                "user_id": f"by-hand-{reason}",
                "unit": f"by-hand-{reason}",
                "reason": reason,
                "time": _ns(NOW),
            }
            for reason in ("override", "holdout", "tester")
        ]
        + [{**own, "user_id": "chance", "unit": "chance", "reason": "split", "time": _ns(NOW)}],
    )
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["arms"]["candidate"]["users"] == before["arms"]["candidate"]["users"] + 1
    assert found["in_two_arms"] == 0
    assert found["notes"] == ["3 got their variant by hand or are held out; they count nowhere"]


def test_a_clock_that_is_ahead_late_and_repeated_exposures_change_no_reading(
    workspace: LocalWorkspace,
) -> None:
    """Ten units of an application whose clock is a week ahead, ten whose exposures came late and twice."""
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace)
    before = workspace.experiment(product="support", key="answer-v2")
    own = {"product": "support", "flag": "answer-v2", "variant": "candidate", "reason": "split"}
    met, came = NOW - timedelta(days=3), NOW - timedelta(minutes=5)
    exposures, outcomes = [], []
    for number in range(20):
        user = f"skewed-{number}"
        who = {"product": "support", "user_id": user}
        if number < 10:
            told = {"time": _ns(met + timedelta(days=7)), "received_at": _ns(met)}
            exposures.append({**own, **who, "unit": user, **told})
        else:
            late = {**own, **who, "unit": user, "time": _ns(met), "received_at": _ns(came)}
            exposures += [late, late]
        solved = {"event": "resolved", "time": _ns(met + timedelta(hours=1)), "received_at": _ns(came)}
        outcomes += [{**who, **solved}] * 2  # one outcome told twice is one
    _ingest(workspace, exposures=exposures, outcomes=outcomes)
    found = workspace.experiment(product="support", key="answer-v2")
    old, new = (
        each["comparisons"][0]["metrics"]["resolved"]["candidate"] * each["arms"]["candidate"]["users"]
        for each in (before, found)
    )
    assert found["arms"]["candidate"]["users"] == before["arms"]["candidate"]["users"] + 20
    assert new == pytest.approx(old + 20)
    assert found["last"] <= NOW.isoformat()
    assert found["notes"] == [
        "10 met their variant by a clock that is ahead; they count from when that was received"
    ]


def test_without_a_plan_differences_are_shown_and_nothing_is_concluded(workspace: LocalWorkspace) -> None:
    _meet(workspace, units=200)
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["declared"] is None
    assert {"resolved", "escalated", "purchase", "calls", "cost_usd"} <= set(
        found["comparisons"][0]["metrics"]
    )
    title, text = _page(workspace, "/products/support/experiments/answer-v2")
    assert title == "answer-v2: no plan says what it is to show"
    assert "launchworthy experiment declare" in text
    assert "bounds of the plan" not in text


def test_what_nobody_recorded_is_no_zero(workspace: LocalWorkspace) -> None:
    common = {"product": "support", "time": _ns(NOW), "received_at": _ns(NOW)}
    met = [
        {**common, "flag": "tone", "variant": "ab"[n % 2], "user_id": f"u{n}", "unit": f"u{n}"}
        for n in range(40)
    ]
    _ingest(workspace, exposures=met)
    found = workspace.experiment(product="support", key="tone")
    assert [pair["metrics"] for pair in found["comparisons"]] == [{}]
    text = _page(workspace, "/products/support/experiments/tone")[1]
    assert "Nothing of what units did from then on is recorded yet" in text
    _ingest(workspace, outcomes=[{**common, "event": "resolved", "user_id": "u1"}])
    found = workspace.experiment(product="support", key="tone")
    assert list(found["comparisons"][0]["metrics"]) == ["resolved"]  # no calls and no cost of 0


def test_the_page_says_what_follows_with_its_forest_bounds_and_numbers(workspace: LocalWorkspace) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    _meet(workspace)
    title, text = _page(workspace, "/products/support/experiments/answer-v2")
    assert title == "Answer-v2: ship"
    assert "Users fell into the arms as planned" in text
    assert "candidate minus control, at this look, 6 metrics" in text
    assert "resolved: evidence for candidate" in text
    assert "odd is left out" in text
    assert "The plan was written on" in text
    listed, text = _page(workspace, "/products/support/experiments")
    assert listed == "1 experiment, none without a plan"
    assert "candidate 1,000, control 1,000" in text


def test_a_plan_written_after_the_start_is_told(workspace: LocalWorkspace) -> None:
    _meet(workspace, units=200)
    workspace.record(product="support", kind="experiment", body=PLAN)
    assert workspace.experiment(product="support", key="answer-v2")["plans_after_start"] == 1
    assert "after the first unit had come" in _page(workspace, "/products/support/experiments/answer-v2")[1]


def test_a_share_that_is_off_stops_the_page_too(workspace: LocalWorkspace) -> None:
    workspace.record(
        product="support", kind="experiment", body=PLAN | {"arms": {"control": 9, "candidate": 1}}
    )
    _meet(workspace, units=200)
    title, text = _page(workspace, "/products/support/experiments/answer-v2")
    assert title == "Answer-v2: not read: the arms are not what was planned"
    assert "resolved" not in text


def test_simulated_units_are_kept_apart(workspace: LocalWorkspace) -> None:
    _meet(workspace, units=20)
    with pytest.raises(NotFoundError):
        workspace.experiment(product="support", key="answer-v2", simulated=True)
    assert workspace.experiments(product="support", simulated=True) == []
    assert workspace.experiments(product="support")[0]["variants"] == {"candidate": 20, "control": 20}


def test_what_cannot_be_read_says_why(workspace: LocalWorkspace) -> None:
    exposure = {
        "product": "support",
        "flag": HOSTILE,
        "variant": HOSTILE,
        "time": _ns(NOW),
        "received_at": _ns(NOW),
    }
    accounts = [
        {**exposure, "unit": f"a{at}", "unit_kind": "account", "variant": f"v{at % 2}"} for at in range(4)
    ]
    _ingest(workspace, exposures=accounts)
    with pytest.raises(InputError, match="units are account"):
        workspace.experiment(product="support", key=HOSTILE)
    alone = [{**exposure, "flag": "alone", "unit": "u1", "variant": "v"}]
    _ingest(workspace, exposures=alone)
    with pytest.raises(InputError, match="two arms"):
        workspace.experiment(product="support", key="alone")
    from urllib.parse import quote

    for key in (HOSTILE, "alone", "nothing"):
        assert "cannot be read" in _page(workspace, f"/products/support/experiments/{quote(key, safe='')}")[0]
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    assert "<script>alert" not in client.get("/products/support/experiments").text
    workspace.record(product="support", kind="experiment", body={"experiment": "alone", "metrics": "none"})
    assert workspace.experiments(product="support")[0]["declared"] is None, "what is no plan is passed over"


def test_a_plan_without_arms_has_those_of_the_flag_and_says_so(
    workspace: LocalWorkspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"experiment": "answer-v2", "metrics": {"resolved": {}}}), encoding="utf-8")
    data = tmp_path / "data"

    def declared() -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["experiment", "declare", "--plan", str(plan), "--product", "support", "--data", str(data)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    def split_by(*splits: dict[str, int], generation: int) -> None:
        rules = [{"name": f"r{n}", "split": split} for n, split in enumerate(splits)]
        flag = {"variants": ["control", "candidate", "no"], "rules": rules, "generation": generation}
        with closing(LocalWorkspace.open(data, clock=lambda: NOW)) as again:
            flags = {"product": "support", "flags": {"answer-v2": flag}}
            again.set_flags(product="support", flags=flags, reason="a test", by="ana")

    workspace.close()
    assert "no flag says what its arms are" in declared()[1]
    split_by({"control": 9, "candidate": 1}, {"control": 1, "candidate": 1}, generation=1)
    code, _, err = declared()
    assert code == 64
    assert "split by different shares" in err
    split_by({"control": 90, "candidate": 10, "no": 0}, generation=2)
    assert "arms of the flag: control 90 %, candidate 10 %" in declared()[1]
    with closing(LocalWorkspace.open(data, clock=lambda: NOW)) as again:
        _meet(again, units=200)
        found = again.experiment(product="support", key="answer-v2")
    assert found["conclusion"] == "stopped_by_srm", "as many met each variant, where nine to one were planned"
    arms = {"old": 1, "new": 1}
    plan.write_text(json.dumps({"experiment": "tone", "arms": arms, "metrics": {"x": {}}}), encoding="utf-8")
    declared()
    with closing(LocalWorkspace.open(data, clock=lambda: NOW)) as again:
        bodies = [entry.body for entry in again.audit_trail(product="support", kind="experiment", limit=9)]
    assert [body["baseline"] for body in bodies if body["experiment"] == "tone"] == ["old"], (
        "as written first"
    )


def test_the_commands_write_a_plan_down_and_read_it(
    workspace: LocalWorkspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _meet(workspace)
    workspace.close()
    data = str(tmp_path / "data")
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN), encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["experiment", *arguments, "--product", "support", "--data", data])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    assert run("show", "answer-v2")[0] == 2
    code, out, _ = run("declare", "--plan", str(plan))
    assert code == 0
    assert out.startswith("the plan of answer-v2 is entry")
    code, out, _ = run("show", "answer-v2")
    assert code == 0
    assert out.startswith("ship: resolved")
    assert "written once after" in out
    assert json.loads(run("show", "--json")[1])["experiments"][0]["key"] == "answer-v2"
    assert "answer-v2" in run("show")[1]
    plan.write_text('{"metrics": {"x": {}}}', encoding="utf-8")
    assert "names no experiment" in run("declare", "--plan", str(plan))[2]
    assert run("show", "nothing")[0] == 64


def test_what_cannot_be_read_yet_holds_up_no_other_metric_and_is_never_taken_for_harmless(
    open_workspace_here: Callable[..., LocalWorkspace],
) -> None:
    moments = iter(NOW + timedelta(seconds=second) for second in range(1_000))
    workspace = open_workspace_here(clock=lambda: next(moments))
    harm = {"role": "harm", "margin": "10 %", "higher_is_better": False}
    metrics: dict[str, Any] = {"resolved": {"detect": "5 %"}, "escalated": harm}
    _meet(workspace, units=500, better=0.3)
    plan = {**PLAN, "users": 1_000, "metrics": metrics}
    workspace.record(product="support", kind="experiment", body=plan)
    before = workspace.experiment(product="support", key="answer-v2")
    assert before["conclusion"] == "ship"
    later = {
        "until": {"happened": "purchase", "horizon": "30d", **harm, "margin": "1h"},
        "judged": {"human": "label", **harm},
    }
    workspace.record(product="support", kind="experiment", body={**plan, "metrics": metrics | later})
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["conclusion"] == "underpowered"
    assert all(f"{name} could not be read" in found["reason"] for name in later)
    assert found["left_out"]["until"] == "nobody of 'control' was followed to the horizon of 30 d"
    read, alone = (each["comparisons"][0]["metrics"] for each in (found, before))
    assert set(read) == {"resolved", "escalated"}
    part, whole = (each["escalated"]["always_valid"]["high"] for each in (read, alone))
    assert part > whole, "what is not read keeps its part of the error"


def test_an_arm_that_nobody_met_yet_is_waited_for(workspace: LocalWorkspace) -> None:
    workspace.record(product="support", kind="experiment", body=PLAN)
    at = _ns(NOW - timedelta(minutes=5))
    own = {"product": "support", "flag": "answer-v2", "variant": "candidate", "unit_kind": "user"}
    _ingest(workspace, exposures=[{**own, "unit": "ana", "user_id": "ana", "time": at, "received_at": at}])
    found = workspace.experiment(product="support", key="answer-v2")
    assert found["conclusion"] == "go_on"
    assert found["left_out"]["resolved"] == "nothing was measured in the arm 'control'"
    _, text = _page(workspace, "/products/support/experiments/answer-v2")
    assert "resolved is left out: nothing was measured in the arm 'control'." in text


def test_an_outcome_that_knows_its_trace_or_session_alone_counts_for_the_unit_of_it(
    workspace: LocalWorkspace,
) -> None:
    at = NOW - timedelta(hours=2)
    exposures, spans = list[dict[str, Any]](), list[dict[str, Any]]()
    outcomes, scores = list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(200):
        user, trace = f"user-{number}", bytes([number + 1]) * 16
        common = {"product": "support", "received_at": _ns(at), "time": _ns(at)}
        own = {"unit": user, "unit_kind": "user", "user_id": user}
        exposures.append({**common, **own, "flag": "told", "variant": ("old", "new")[number % 2]})
        later = {"product": "support", "received_at": _ns(at), "time": _ns(at + timedelta(minutes=30))}
        spans.append(
            {"product": "support", "received_at": _ns(at), "start_time": _ns(at), "user_id": user}
            | {"trace_id": trace, "span_id": trace[:8], "session_id": f"chat-{number}", "name": "answer"}
        )
        if number % 4 < 2:
            outcomes.append({**later, "event": "traced", "trace_id": trace})
            outcomes.append({**later, "event": "sat", "session_id": f"chat-{number}"})
        scores.append({**later, "name": "judge", "value": 0.25 + 0.5 * (number % 2), "trace_id": trace})
    # Whose a session is that two users shared, nobody can say.
    spans.append({**spans[0], "span_id": b"shared-1", "user_id": "user-1"})
    # What ran beside it in shadow, nobody saw.
    spans.append({**spans[2], "span_id": b"shadow-1", "trace_id": b"\xff" * 16, "cohort": "shadow"})
    _ingest(workspace, exposures=exposures, outcomes=outcomes, spans=spans, scores=scores)
    metrics: dict[str, Any] = {
        "calls": {},
        "traced": {},
        "sat": {},
        "judge": {"column": "score:judge"},
        "middle": {"column": "score:judge", "quantile": "50 %"},
        "until": {"happened": "traced", "horizon": "1h"},
    }
    plan = {"experiment": "told", "arms": {"old": 1, "new": 1}, "baseline": "old", "metrics": metrics}
    workspace.record(product="support", kind="experiment", body=plan)
    found = workspace.experiment(product="support", key="told")
    [pair] = found["comparisons"]
    seen = {name: (each["baseline"], each["candidate"]) for name, each in pair["metrics"].items()}
    assert seen["calls"] == (1.0, pytest.approx(1.01)), "the span that two users share is a call of one"
    assert seen["traced"] == (0.49, 0.5)
    assert seen["sat"] == (0.49, 0.5)
    assert seen["judge"] == (pytest.approx(0.25 * 0.99), 0.75)
    assert seen["middle"] == (0.25, 0.75)
    assert seen["until"][1] == pytest.approx(0.75 * 3_600_000), (
        "half after 30 minutes, half not within the hour"
    )
