"""Which part of the calls carries a broken promise."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from launchworthy import monitor
from launchworthy.monitor import segments
from launchworthy.monitor.segment_search import searched
from launchworthy.stats import fisher_p_value

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY_S = 86_400.0


def test_equal_parts_of_unequal_size_are_called_worse_no_more_often_than_declared() -> None:
    rng = np.random.default_rng(1)
    sizes = np.array([3_000, 1_000, 400, 120, 60, 25])
    group = np.repeat(np.arange(6), sizes)
    parts = {f"group:{each}": group == each for each in range(6)} | {"half": np.arange(group.size) % 2 == 0}
    finds = 0
    for _ in range(200):
        found = searched(rng.random(group.size) < 0.05, parts)
        assert found is not None
        finds += bool(found.found)
        assert (found.asked, found.smallest) == (7, 25)
    assert finds <= 20, "5 % of 200, and three standard errors"


def test_a_part_that_is_worse_is_named_alone_with_holms_chance_and_newcombes_bounds() -> None:
    rng = np.random.default_rng(2)
    n = 2_000
    german, mobile, tablet = rng.random(n) < 0.15, rng.random(n) < 0.5, rng.random(n) < 0.1
    follows = german & (rng.random(n) < 0.9)  # hangs together with it, and is no worse by itself
    wrong = rng.random(n) < np.where(german, 0.30, 0.03)
    parts = {"de": german, "mobile": mobile, "tablet": tablet, "follows": follows, "tiny": np.arange(n) < 9}
    found = searched(wrong, parts)
    assert found is not None
    [one] = found.found
    assert (one.name, found.asked, one.n) == ("de", 4, int(german.sum()))
    names = ["de", "mobile", "tablet", "follows"]
    hits = {name: int((wrong & parts[name]).sum()) for name in names}
    chances = [
        fisher_p_value(hits[name], n=own, others=int(wrong.sum()) - hits[name], others_n=n - own)
        for name in names
        for own in [int(parts[name].sum())]
    ]
    assert one.p_value == pytest.approx(multipletests(chances, method="holm")[1][0])
    low, high = confint_proportions_2indep(
        hits["de"], one.n, int(wrong.sum()) - hits["de"], one.others_n, method="newcomb", alpha=0.05 / 4
    )
    assert (one.low, one.high) == pytest.approx((low, high), abs=1e-6)
    assert 0.5 < one.excess < 1.0
    both = searched(wrong | (tablet & (rng.random(n) < 0.3)), parts)
    assert both is not None
    assert {each.name for each in both.found} == {"de", "tablet"}


def test_there_is_no_part_where_none_has_enough_users_or_all_are_in_it() -> None:
    wrong = np.arange(100) < 50
    assert searched(wrong, {}) is None
    assert searched(wrong, {"few": np.arange(100) < 19, "all": np.arange(100) < 100}) is None


def _error(claim: ClaimOf, **more: Any) -> Claim:
    return claim("reliability/error", at_most=0.05, unit="ratio", workflow="answer", **more)


def _explained(world: World, claim: Claim) -> Evidence:
    """What is measured of a claim, and which calls carry it."""
    [found] = monitor.explained(
        world.measure(claim).values(), claims=[claim], product=world.product, query=world.store.query
    )
    return found


def _call(world: World, user: int, *, failed: bool, ago: float = 3_600.0, **columns: Any) -> None:
    if failed:
        columns["status"] = "error"
    if "slices" in columns:
        columns["attributes"] = json.dumps({"launchworthy.slice": columns.pop("slices")})
    world.call(user_id=f"u{user}", ago=ago, **columns)


def _span(world: World, trace: str) -> dict[str, Any]:
    [row] = world.store.query("SELECT user_id, duration_ms FROM spans WHERE trace_id = unhex($1)", [trace])
    return row


def test_the_slice_that_breaks_a_promise_is_named_with_what_it_was_before(
    world: World, claim: ClaimOf
) -> None:
    rng = random.Random(4)
    for user in range(600):
        german = user % 5 == 0
        slices = ["language:de" if german else "language:en", "loud"]
        for days, rate in ((45.0, 0.02), (5.0, 0.5 if german else 0.02)):
            _call(world, user, failed=rng.random() < rate, ago=days * DAY_S, slices=slices, model="m-1")
    for _ in range(300):  # a loud user is no part of the users
        _call(world, 1, failed=True, slices="language:en")
    found = _explained(world, _error(claim))
    assert found.low is not None
    assert found.low > 0.05
    assert found.detail["segment"] == "language:de"
    [told] = found.detail["segments"]
    assert (told["users"], told["others"]) == (120, 480)
    assert told["share"] > 0.3 > 0.1 > told["others_share"]
    assert told["before"] < 0.1
    assert found.detail["carried"].startswith("language:de (")
    assert "the window before" in found.detail["carried"]
    assert found.detail["parts_asked"] == 2, "all are loud and of one model: that is no part"
    assert found.detail["smallest_part"] == 120


def test_a_model_a_prompt_and_a_field_of_the_input_are_parts_and_free_text_is_none(
    world: World, claim: ClaimOf
) -> None:
    rng = random.Random(5)
    for user in range(500):
        country, new = ("fr" if user % 4 == 0 else "at"), user % 3 == 0
        asked = {"country": country, "note": f"call me at {user}", "amount": user}
        failed = rng.random() < (0.4 if country == "fr" else 0.02) or (new and rng.random() < 0.4)
        _call(
            world, user, failed=failed, input=json.dumps(asked), model="m-2" if new else "m-1",
            prompt_name="ask", prompt_version="2" if new else "1",
        )  # fmt: skip
    found = _explained(world, _error(claim))
    names = [each["name"] for each in found.detail["segments"]]
    assert sorted(names) == ["input/country:fr", "model:m-2"], "its prompt is the same calls"
    assert "note" not in found.detail["carried"]


def test_what_is_kept_or_not_shown_is_not_searched_and_a_bad_day_for_all_is_said(
    world: World, claim: ClaimOf
) -> None:
    for user in range(200):
        _call(world, user, failed=user % 50 == 0, slices=f"language:{'de' if user % 2 else 'en'}")
    assert "carried" not in _explained(world, _error(claim)).detail
    for user in range(200, 400):
        _call(world, user, failed=user % 3 == 0, slices=f"language:{'de' if user % 2 else 'en'}")
    found = _explained(world, _error(claim))
    assert "segment" not in found.detail
    assert found.detail["carried"] == "no part of the calls alone, of 2 parts, the smallest of 200"


def test_a_slow_tail_a_dear_mean_and_a_stream_are_searched_too(world: World, claim: ClaimOf) -> None:
    rng = random.Random(6)
    for user in range(900):
        late = user >= 600  # since then it goes wrong, for one language
        german = user % 4 == 0
        bad = rng.random() < (0.6 if german and late else 0.02)
        slices = "language:de" if german else "language:en"
        _call(
            world, user, failed=False, ago=(900 - user) * 600.0, slices=slices,
            duration_ms=9_000.0 if bad else rng.uniform(50.0, 400.0), cost_usd=0.5 if bad else 0.001,
            no_answer="refuse" if bad else None,
        )  # fmt: skip
    slow = claim("reliability/latency_p95", at_most=2_000.0, unit="ms", workflow="answer")
    dear = claim("economics/cost_per_action", at_most=0.01, unit="USD", workflow="answer")
    stream = claim(
        "monitors/refusals", at_most=0.05, unit="ratio", signal="no_answer", method="cusum",
        window_ms=30 * DAY_S * 1e3, false_alarm_ms=90 * DAY_S * 1e3, streams=1,
    )  # fmt: skip
    found = {each.address: _explained(world, each) for each in (slow, dear, stream)}
    assert {piece.detail.get("segment") for piece in found.values()} == {"language:de"}
    german_users = {f"u{user}" for user in range(0, 900, 4)}
    for piece in found.values():
        traces = piece.detail["segments"][0]["traces"]
        assert len(traces) == 5
        assert {_span(world, trace)["user_id"] for trace in traces} <= german_users, (
            "calls of the part that is named"
        )
        assert all(_span(world, trace)["duration_ms"] == 9_000.0 for trace in traces), (
            "and such as went wrong"
        )
    [told] = found[stream.address].detail["segments"]
    assert told["users"] + told["others"] < 500, "only since it is worse"
    assert told["share"] > 0.45


def test_a_search_that_fails_leaves_the_broken_promise_as_it_is(
    world: World, claim: ClaimOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for user in range(100):
        _call(world, user, failed=user % 2 == 0, slices="[broken" if user % 3 else "a:b")
    whole = _explained(world, _error(claim))
    assert whole.value == 0.5

    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(segments, "searched", fails)
    found = _explained(world, _error(claim))
    assert (found.value, found.low, found.high) == (whole.value, whole.low, whole.high)
    assert found.detail["carried"] == "not searched (MemoryError)"
    assert "not searched" in caplog.text
