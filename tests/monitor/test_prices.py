"""Whether model calls cost what the table of prices says, and whether the same model still answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.monitor.conftest import NOW

from launchworthy import monitor
from launchworthy.contract import parse_contract
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.provers import measure

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY = 86_400.0
TABLE = {
    "version": "2026-11-20",
    "prices": [
        {
            "providers": ["vendor"],
            "models": ["small", "small-*"],
            "input": 1.0,
            "output": 4.0,
            "cache_read": 0.1,
            "source": "https://vendor.example/prices",
            "seen": "2026-11-20",
        }
    ],
}


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(TABLE))
    monkeypatch.setenv("LAUNCHWORTHY_PRICES", str(path))
    return path


def _model(world: World, *, cost: float | None, ago: float = DAY, **columns: Any) -> str:
    """A call that reads 1,000 tokens, 200 of them cached, and writes 500."""
    plain: dict[str, Any] = {
        "kind": "model",
        "provider": "vendor",
        "model": "small",
        "input_tokens": 1_000,
        "cache_read_tokens": 200,
        "output_tokens": 500,
        "cost_usd": cost,
        "price_version": None if cost is None else "2026-11-20",
    }
    trace = world.call(ago=ago)
    return world.span(ago=ago, trace=trace, **plain | columns).hex()


LISTED = 0.00282


def _watching(claim: ClaimOf, **options: Any) -> Claim:
    told: dict[str, Any] = {"at_most": 0.01, "unit": "ratio"} | options
    return claim("monitors/prices", workflow=None, signal="prices", window_ms=7 * DAY * 1e3, **told)


def _state(watching: Claim, piece: Evidence) -> State:
    return status(watching, [piece], release="r-1", now=piece.observed_at).state


def test_calls_that_cost_what_the_table_says_keep_the_promise(world: World, claim: ClaimOf) -> None:
    for n in range(50):
        _model(world, cost=LISTED * (1.004 if n % 2 else 1.0), release=f"r-{n % 2 + 1}")
    _model(world, cost=None, status="error", input_tokens=0)  # failed before it read a token: not billed
    watching = _watching(claim)
    piece = world.one(watching)
    assert (piece.value, piece.n, piece.release) == (0.0, 50, None)
    assert _state(watching, piece) is State.MET, "all calls were looked at, of every release"
    (told,) = piece.detail["models"]
    assert told["listed_per_million_usd"] == pytest.approx(LISTED / 1_500 * 1e6)
    assert told["paid_per_million_usd"] == pytest.approx(told["listed_per_million_usd"], rel=0.003)
    assert "remark" not in piece.detail


def test_a_table_that_changed_shows_by_model_what_is_paid_and_what_is_listed(
    world: World, claim: ClaimOf, table: Path
) -> None:
    wrong = {_model(world, cost=LISTED) for _ in range(3)}
    table.write_text(json.dumps(TABLE).replace('"output": 4.0', '"output": 8.0'))
    watching = _watching(claim)
    piece = world.one(watching)
    assert piece.value == 1.0
    assert _state(watching, piece) is State.UNMET
    (told,) = piece.detail["models"]
    assert told["otherwise"] == 3
    assert told["listed_per_million_usd"] == pytest.approx((LISTED + 0.002) / 1_500 * 1e6)
    assert piece.detail["remark"] == "small costs 1.88 USD a million tokens, and the table says 3.21 USD"
    assert set(world.traces(piece)) == wrong


def test_a_model_without_a_price_is_named(world: World, claim: ClaimOf) -> None:
    for _ in range(90):
        _model(world, cost=LISTED)
    for _ in range(10):
        _model(world, cost=None, model="brand-new")
    watching = _watching(claim)
    piece = world.one(watching)
    assert piece.value == pytest.approx(0.1)
    assert _state(watching, piece) is State.UNMET
    assert piece.detail["remark"] == "brand-new has no price (10 calls): name it in LAUNCHWORTHY_PRICES"


def test_a_table_that_cannot_be_read_leaves_it_unproven_and_says_why(
    world: World, claim: ClaimOf, table: Path
) -> None:
    _model(world, cost=LISTED)
    table.write_text('{"version": "own", "prices": [')
    watching = _watching(claim)
    piece = world.one(watching)
    assert _state(watching, piece) is State.UNPROVEN
    assert str(table) in piece.detail["reason"]


def test_a_cost_that_a_sender_tells_of_an_unlisted_model_is_no_difference(
    world: World, claim: ClaimOf
) -> None:
    for _ in range(5):
        _model(world, cost=0.5, model="own", price_version="reported")
    piece = world.one(_watching(claim))
    assert piece.value == 0.0
    (told,) = piece.detail["models"]
    assert (told["not_listed"], list(told["price_versions"])) == (5, ["reported"])


def test_a_call_that_tells_its_cost_as_a_whole_owes_none_for_its_models(world: World, claim: ClaimOf) -> None:
    trace = world.call(ago=DAY, cost_usd=0.01)
    world.span(ago=DAY, trace=trace, kind="model", provider="vendor", model="brand-new", input_tokens=5)
    _model(world, cost=LISTED)
    piece = world.one(_watching(claim))
    assert (piece.value, piece.n) == (0.0, 1)


def test_calls_that_do_not_tell_their_tokens_leave_it_open(world: World, claim: ClaimOf) -> None:
    for _ in range(9):
        _model(world, cost=LISTED)
    _model(world, cost=None, input_tokens=None)
    watching = _watching(claim)
    piece = world.one(watching)
    assert piece.unscored == 1
    assert _state(watching, piece) is State.UNPROVEN


@pytest.mark.parametrize("text", ["{", "[]", '{"version": "1", "prices": [{"models": ["x"]}]}'])
def test_a_broken_table_is_said_and_proves_nothing(
    world: World, claim: ClaimOf, table: Path, text: str
) -> None:
    _model(world, cost=LISTED)
    table.write_text(text)
    piece = world.one(_watching(claim))
    assert piece.value is None
    assert piece.detail["reason"]


def test_a_limit_that_is_no_share_is_refused(world: World, claim: ClaimOf) -> None:
    _model(world, cost=LISTED)
    assert "a share of model calls" in world.one(_watching(claim, at_most=0.5, unit="USD")).detail["reason"]
    assert "no model call" in world.one(_watching(claim, slice_="none")).detail["reason"]


CONTRACT = """\
launchworthy: 1
product: {product}
owners: {{product: ana@example.com}}
workflows: {{answer: {{user: customer, job: learn what to do, no_answer: refuse}}}}
"""


def test_another_version_under_the_same_name_is_told_by_monitor_and_scan(
    world: World, claim: ClaimOf
) -> None:
    asked = {"gen_ai.request.model": "small"}
    for days in (6.0, 5.0, 3.0):
        _model(world, cost=LISTED, ago=days * DAY, model="small-0801", attributes=asked)
    for days in (2.0, 1.0):
        _model(world, cost=LISTED, ago=days * DAY, model="small-1120", attributes=asked)
    _model(world, cost=LISTED, ago=DAY, model="other")
    _model(world, cost=LISTED, ago=DAY, model="small-x", attributes="{")
    piece = world.one(_watching(claim))
    (changed,) = piece.detail["changed"]
    told = {name: changed[name] for name in ("requested", "from", "to", "calls")}
    assert told == {"requested": "small", "from": "small-0801", "to": "small-1120", "calls": 2}
    assert changed["since"].startswith("2026-11-22")
    assert "small is answered by small-1120 since 2026-11-22" in piece.detail["remark"]
    found = monitor.scan(
        parse_contract(CONTRACT.format(product=world.product)), query=world.store.query, now=NOW, sample=1
    )
    (drift,) = (each for each in found.drift if each.address == "release/model")
    assert "by small-0801 before" in drift.observed


def test_what_is_of_no_release_is_measured_once_however_many_are_served(world: World, claim: ClaimOf) -> None:
    for release in ("r-1", "r-2", "r-3"):
        _model(world, cost=LISTED, release=release)
    watching = replace(_watching(claim), prover="monitor")
    latency = replace(claim("reliability/latency", at_most=2_000.0, unit="ms"), prover="monitor")
    world.settle()
    asked = []

    def query(sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        asked.append(sql)
        return world.store.query(sql, values)

    found = measure(
        [watching, latency],
        product=world.product,
        gold=world.store.gold,
        query=query,
        releases=["r-3", None, "r-1", "r-2"],
        now=NOW,
    )
    assert [piece.release for piece in found if piece.claim == watching.address] == [None]
    assert sum("price_version" in sql for sql in asked) == 1
