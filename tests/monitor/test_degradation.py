"""A signal that became worse than promised is told once it is shown, and a run of bad luck is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from launchworthy import monitor
from launchworthy.contract import claims, load_contract
from launchworthy.evidence import State
from launchworthy.evidence.judgement import judge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0


def _monitor(claim: ClaimOf, **options: Any) -> Claim:
    known: dict[str, Any] = {
        "signal": "error",
        "method": "cusum",
        "at_most": 0.1,
        "unit": "ratio",
        "window_ms": 7 * DAY * 1e3,
        "false_alarm_ms": 90 * DAY * 1e3,
        "streams": 2,
    } | options
    return claim("monitors/watched", workflow=None, **known)


def _calls(world: World, failed: Any) -> None:
    """Calls in the order of the list over five days, the last an hour ago, each of another user."""
    for at, bad in enumerate(failed):
        ago = 3_600.0 + (len(failed) - 1 - at) * 5 * DAY / len(failed)
        world.call(ago=ago, user_id=f"u{at}", status="error" if bad else "ok")


def test_errors_that_doubled_are_told_from_when_they_did(world: World, claim: ClaimOf) -> None:
    rng = np.random.default_rng(5)
    _calls(world, [*(rng.random(800) < 0.05), *(rng.random(400) < 0.3)])
    asked = _monitor(claim)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.UNMET
    assert piece.low is not None
    assert piece.value is not None
    assert 0.1 < piece.low <= piece.value < 0.36
    # 800 of 1,200 calls over five days: it began 40 hours before the last: the 22nd at 19.
    assert "2026-11-22T16" < piece.detail["since"] < "2026-11-22T23"
    assert piece.method == "mixture e-detector"
    assert piece.detail["worst"]


def test_a_share_within_the_promise_is_met_by_its_exact_bound(world: World, claim: ClaimOf) -> None:
    _calls(world, [at % 25 == 0 for at in range(600)])
    asked = _monitor(claim)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.MET
    assert (piece.value, piece.n) == (0.04, 600)
    assert piece.detail["alarms"] == []


def test_bad_luck_that_a_single_look_would_call_broken_proves_nothing(world: World, claim: ClaimOf) -> None:
    # 18 of 110: a bound at 95 % lies above 10 %, and who looks every minute would see that often.
    _calls(world, [at % 6 == 0 for at in range(110)])
    plain = _monitor(claim, method=None)
    assert judge(plain, world.one(plain), now=world.now).state is State.UNMET
    asked = _monitor(claim)
    assert judge(asked, world.one(asked), now=world.now).state is State.UNPROVEN


def test_an_outage_that_is_over_is_not_now(world: World, claim: ClaimOf) -> None:
    _calls(world, [*[0] * 200, *[1] * 30, *[0] * 300])
    asked = _monitor(claim)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.MET
    assert piece.detail["alarms"]


def test_one_user_who_tries_again_and_again_is_one_event_an_hour(world: World, claim: ClaimOf) -> None:
    _calls(world, [0] * 300)
    for at in range(200):
        world.call(ago=1_800.0 + at, user_id="loud", status="error")
    asked = _monitor(claim)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.MET
    assert piece.n <= 302
    assert piece.detail["records"] == 500


def test_what_must_be_high_is_watched_from_the_other_side(world: World, claim: ClaimOf) -> None:
    _calls(world, [*[0] * 200, *[at % 2 for at in range(200)]])
    asked = _monitor(claim, signal="availability", at_most=None, at_least=0.9)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.UNMET
    assert piece.high is not None
    assert 0.5 <= piece.high < 0.9


def test_adwin_measures_since_the_last_change(world: World, claim: ClaimOf) -> None:
    _calls(world, [*[at % 4 == 0 for at in range(600)], *[0] * 600])
    asked = _monitor(claim, method="adwin")
    piece = world.one(asked)
    assert piece.detail["changes"]
    assert piece.n < 1_000
    assert piece.value is not None
    assert piece.value < 0.1
    assert judge(asked, piece, now=world.now).state is State.MET


def test_the_declared_rate_is_shared_by_all_streams(world: World, claim: ClaimOf) -> None:
    _calls(world, [0] * 100)
    one = world.one(_monitor(claim, streams=1)).detail["false_alarm"]
    many = world.one(_monitor(claim, streams=10)).detail["false_alarm"]
    events = [float(told.split()[2].replace(",", "")) for told in (one, many)]
    assert events[1] == pytest.approx(10 * events[0], rel=0.01)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"signal": "latency_p95", "unit": "ms", "at_most": 100.0}, "quantile is watched"),
        ({"signal": "cost", "unit": "USD", "at_most": 0.1}, "mean is watched"),
        ({"signal": "nothing_like_it"}, "nothing_like_it"),
        ({"at_most": 0.0}, "no rate to watch"),
        ({"unit": "ms"}, "the target is none"),
    ],
)
def test_what_is_no_stream_of_a_share_says_so(
    world: World, claim: ClaimOf, options: dict[str, Any], told: str
) -> None:
    _calls(world, [0] * 20)
    piece = world.one(_monitor(claim, **options))
    assert piece.value is None
    assert told in piece.detail["reason"]


def test_a_window_without_calls_says_so(world: World, claim: ClaimOf) -> None:
    world.call(ago=20 * DAY)
    piece = world.one(_monitor(claim))
    assert piece.value is None
    assert "no call in the window" in piece.detail["reason"]


def test_a_monitor_without_a_promise_is_no_bound(world: World, claim: ClaimOf) -> None:
    _calls(world, [0] * 20)
    bare = replace(_monitor(claim), target=None)
    assert "nothing is promised" in world.one(bare).detail["reason"]


_CONTRACT = """
launchworthy: 1
product: {product}
kind: generative
owners: {{product: ana, on_call: pager}}
proof: {{false_alarm_every: 30d}}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    reliability: {{error: {{at_most: 5 %}}}}
monitors:
  errors: {{signal: answer/reliability/error, method: cusum, window: 7d, page: on_call}}
  declined: {{signal: no_answer, method: adwin, at_most: 20 %, window: 7d, page: on_call}}
"""


def test_a_contract_says_the_rate_once_and_a_stream_is_held_to_the_line_it_watches(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "launchworthy.yaml"
    file.write_text(_CONTRACT.format(product=world.product))
    known = claims(load_contract(file), provers={"monitor": monitor.PROVES})
    _calls(world, [*[0] * 300, *[at % 3 == 0 for at in range(150)]])
    found = world.measure(*known)
    errors = next(each for each in known if each.address.endswith("monitors/errors"))
    assert "at most 5 %" in errors.sentence
    piece = found[errors.address]
    assert judge(errors, piece, now=world.now).state is State.UNMET
    declined = found[f"{world.product}/monitors/declined"]
    # The other half of the rate is that of windows.
    assert {each.detail["false_alarm_days"] for each in (piece, declined)} == {120.0}
    assert declined.value == 0.0
