"""An application's enforcer with a real server: shared spending, approvals, and decisions that arrive."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import launchworthy as lw
from launchworthy.runtime.budget.remote import RemoteSpending
from launchworthy.runtime.permission import Charge, Overrun, Reservation
from launchworthy.runtime.tooling import ToolState
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

if TYPE_CHECKING:
    from tests.server.conftest import Running

CONTRACT = """
launchworthy: 1
product: shop
kind: generative
owners: {product: ana@shop.example}
roles: [agent]
workflows:
  answer:
    user: agent
    job: get an answer
    no_answer: {model_or_tool_down: defer}
    failures: {long_talk: {kind: expensive, fix: policy, watched_by: economics/cost_per_success}}
    economics: {cost_per_success: {at_most: 1 USD}}
    limits: {actions_per_user: 3/d}
tools:
  refund:
    effect: pay
    roles: [agent]
    approval: [{by: agent, preview: [order], expires: 10m}]
    idempotent_by: [order]
guards:
  terms: {checks: [input], action: refuse, fail: closed, terms: [forbidden]}
"""


@pytest.fixture(scope="module")
def live(
    tmp_path_factory: pytest.TempPathFactory, serving_in: Any
) -> Iterator[tuple[Running, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("enforcer")
    (folder / "shop.yaml").write_text(CONTRACT)
    workspace = LocalWorkspace.open(folder / "data", options=StoreOptions(min_free_bytes=0))
    keys = {"app": workspace.add_api_key(name="app", role="ingest")}
    keys["mia"] = workspace.add_api_key(name="mia", role="read", acts_as=["agent"])
    workspace.close()
    with serving_in(folder) as start:
        yield start("--contract", "shop.yaml"), keys


@pytest.fixture
def enforcers(live: tuple[Running, dict[str, str]], tmp_path: Path) -> Iterator[list[lw.Enforcer]]:
    """Two processes of one application, as far as the server can tell."""
    server, keys = live
    (tmp_path / "shop.yaml").write_text(CONTRACT)
    lw.init(
        endpoint=server.url, api_key=keys["app"], product="shop", state=tmp_path / "state", pseudonym_key="k"
    )
    yield [
        lw.Enforcer.load(
            tmp_path / "shop.yaml",
            tools={"refund": lambda order, amount: f"paid {amount} for {order}"},
            models={"main": lambda messages, **options: "yes"},
            server=server.url,
            api_key=keys["app"],
        )
        for _ in range(2)
    ]
    lw.init(enabled=False)


def _charge(amount: float, **more: Any) -> Charge:
    return Charge(
        **{
            "tool": "refund", "user": "u-1", "unit": "EUR", "amount": amount, "most": 100.0,
            "window_ms": 86_400_000, "rule": "shop/tools/refund/limits/per_user", **more,
        }
    )  # fmt: skip


def test_the_servers_ledger_is_one_for_all(live: tuple[Running, dict[str, str]]) -> None:
    server, keys = live
    first, second = (RemoteSpending(server.url, product="shop", key=keys["app"]) for _ in range(2))
    assert first.spent(_charge(1)) == 0.0
    taken = first.reserve([_charge(60)])
    assert isinstance(taken, Reservation)
    over = second.reserve([_charge(10, user="u-2"), _charge(50)])
    assert isinstance(over, Overrun)
    assert (over.spent, over.charge) == (60.0, _charge(50))
    assert second.spent(_charge(1, user="u-2")) == 0.0  # all or nothing
    first.settle(taken, amount=45.0)
    assert second.spent(_charge(1)) == 45.0
    again = second.reserve([_charge(50)])
    assert isinstance(again, Reservation)
    second.release(again)
    assert first.spent(_charge(1)) == 45.0


def test_a_server_that_does_not_answer_has_no_room_to_give() -> None:
    gone = RemoteSpending("http://127.0.0.1:9", product="shop", timeout_s=0.2, patience_s=0.2)
    over = gone.reserve([_charge(1)])
    assert isinstance(over, Overrun)
    assert over.unknown
    assert not _charge(0).fits(gone.spent(_charge(0)))
    gone.settle(Reservation(id="x", charges=()))
    gone.release(Reservation(id="x", charges=()))


def test_a_key_that_the_server_does_not_know_has_none_either(live: tuple[Running, dict[str, str]]) -> None:
    server, _ = live
    assert isinstance(RemoteSpending(server.url, product="shop", key="forged").reserve([_charge(1)]), Overrun)


def test_a_payment_waits_at_the_server_and_another_process_runs_it_once(
    live: tuple[Running, dict[str, str]], enforcers: list[lw.Enforcer]
) -> None:
    server, keys = live
    first, second = enforcers
    with first.call("answer", user="wei", roles=["agent"]) as call:
        call.input("Refund 80 for o-7")
        assert call.tool("refund", {"order": "o-7", "amount": 80}).state is ToolState.PENDING
        pending = call.answer()
    assert isinstance(pending, lw.Pending)
    assert first.resume(pending.approval_id).state is ToolState.PENDING
    approval = first.rules.tools.approvals.get(pending.approval_id)  # type: ignore[union-attr]
    body = json.dumps({"arguments_hash": approval.hash}).encode()
    status, _, _ = server.request(
        "POST",
        f"/api/v1/products/shop/approvals/{approval.id}/approve",
        body,
        headers={"Authorization": f"Bearer {keys['mia']}"},
    )
    assert status == 200
    done = second.resume(pending.approval_id, wait_s=5)
    assert (done.state, done.content) == (ToolState.DONE, "paid 80 for o-7")
    assert first.resume(pending.approval_id).reason == "it has run already"


def test_processes_share_a_ceiling_and_the_overrun_arrives_with_its_failure_mode(
    live: tuple[Running, dict[str, str]], enforcers: list[lw.Enforcer]
) -> None:
    server, keys = live
    kinds = []
    for number in range(5):
        with enforcers[number % 2].call("answer", user="u-9") as call:
            call.model(call.input("hello"))
            kinds.append(type(call.answer()).__name__)
    assert kinds == ["Answer"] * 3 + ["NoAnswer"] * 2
    assert lw.flush(10)
    sql = "SELECT outcome, rule, facts, hex(trace_id) AS trace FROM decisions WHERE kind = 'budget'"
    deadline = time.monotonic() + 20
    rows: list[dict[str, Any]] = []
    while len(rows) < 2 and time.monotonic() < deadline:
        status, _, answer = server.request(
            "POST", "/api/v1/query", json.dumps({"sql": sql}).encode(),
            headers={"Authorization": f"Bearer {keys['mia']}"},
        )  # fmt: skip
        assert status == 200, answer
        rows = json.loads(answer)
        time.sleep(0.1)
    assert {row["rule"] for row in rows} == {"shop/answer/limits/actions_per_user"}
    assert {json.loads(row["facts"])["failure_mode"] for row in rows} == {"long_talk"}
    assert len({row["trace"] for row in rows}) == 2
    version = "c-" + hashlib.sha256(CONTRACT.encode()).hexdigest()[:12]
    assert {json.loads(row["facts"])["contract"] for row in rows} == {version}
