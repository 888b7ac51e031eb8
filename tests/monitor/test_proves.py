"""What the prover says it can measure is what it measures: by a whole contract, pattern by pattern."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from tests.monitor.conftest import World

from launchworthy import monitor
from launchworthy.contract import claims, parse_contract
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence, terms_of, verdict_on
from launchworthy.gold import Guarded, Told
from launchworthy.provers import PROVERS
from launchworthy.records import CallScores

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf

    from launchworthy.contract import Claim
    from launchworthy.store import Store

DAY = 86_400.0
CONTRACT = """
launchworthy: 1
product: {product}
owners: {{product: ana@example.com, engineering: wei@example.com}}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    frequency: 5/d
    success: {{event: settled, within: 1d, unless: [handed]}}
    after: [system: suggest, developer: edit]
    decides: developer
    shows: [sources]
    hides: [score]
    editable: [answer]
    waits: [stream]
    predicts: {{label: fraud, horizon: 1d}}
    decide: {{bands: [pass, hold], capacity: {{hold: 500/d}}}}
    no_answer: refuse
    failures:
      slow: {{kind: slow, fix: model, watched_by: reliability/latency_p95}}
    outcomes:
      resolved: {{at_least: 60 %, before: 20 %}}
      time_to_resolution: {{at_most: 1d, before: 9h, statistic: median}}
      deflection: {{at_least: 40 %, before: 10 %}}
      escalation: {{at_most: 50 %, before: 90 %}}
      task_completion: {{at_least: 30 %, before: 10 %}}
      conversion: {{at_least: 30 %, before: 10 %}}
      reopened: {{at_most: 90 %, before: 95 %}}
    quality:
      hit@5: {{at_least: 80 %}}
    trust:
      acceptance: {{at_least: 20 %}}
      appeal: {{at_most: 90 %}}
      follow_up: {{at_most: 90 %}}
      override: {{at_most: 90 %}}
      re_edit: {{at_most: 90 %}}
      regenerate: {{at_most: 90 %}}
      undo: {{at_most: 90 %}}
      reported_confidence: {{at_least: 3.0}}
      calibration_error: {{at_most: 90 %}}
      seeded_caught: {{at_least: 1 %}}
      explanation_useful: {{at_least: 3.0}}
    reliability:
      latency: {{at_most: 2s}}
      latency_p95: {{at_most: 2s}}
      first_token_p90: {{at_most: 2s}}
      retrieval_latency_p50: {{at_most: 2s}}
      tool_latency_p50: {{at_most: 2s}}
      timeout: {{at_most: 50 %}}
      fallback: {{at_most: 50 %}}
      error: {{at_most: 50 %}}
      availability: {{at_least: 50 %}}
      feature_staleness_p50: {{at_most: 5s}}
      queue_wait_p50: {{at_most: 90d}}
      tool_call_error: {{at_most: 50 %}}
      empty_retrieval: {{at_most: 90 %}}
    economics:
      cost: {{at_most: 1 USD}}
      cost_per_action: {{at_most: 1 USD}}
      cost_per_session: {{at_most: 1 USD}}
      cost_per_active_user: {{at_most: 9 USD/w}}
      cost_per_success: {{at_most: 3 USD}}
      cache_hit: {{at_least: 1 %}}
      margin: {{at_least: 1 %}}
    limits: {{timeout: 8s, cost_per_action: 1 USD, turns: 9, steps: 9, actions_per_user: 50/d,
      cost_per_session: 5 USD/d, tokens_per_workflow: 1000000/d}}
roles: [developer]
release:
  model: {{algorithm: trees}}
  retrieval: {{index: help, fresh_within: 1d}}
  features: {{fresh_within: 5s}}
  training: {{retrain: 30d}}
tools:
  search: {{effect: write, roles: [developer], approval: [{{by: developer}}], caught: {{at_least: 50 %}}}}
data:
  sources: {{help: {{class: public, may: [see, store]}}}}
  retention: {{traces: 30d, feedback: 400d}}
gold: {{answer: {{slices: {{plain: 100}}}}}}
fairness:
  groups: [language]
  min_group: 20
  gap: {{answer/outcomes/resolved: {{at_most: 90 %}}}}
  ratio: {{answer/outcomes/resolved: {{at_most: 9}}}}
proof: {{proxies: {{answer/quality/hit@5: answer/outcomes/resolved}}}}
feedback: {{ask: What was wrong?, offer: [reason], coverage: {{at_least: 3 %}}}}
decisions: {{often: {{chosen: buy, revisit: {{calls: {{at_least: 9000/d}}}}}}}}
rollout: {{harms: [outcomes/escalation]}}
pricing:
  value: resolved
  packaging: usage
  usage: 0.50 USD/resolved
  margin: {{at_least: 1 %}}
  heavy_users: {{above: p90, margin: {{at_least: 1 %}}, cap: 50/d}}
  expectations: {{not_for: [law], shown_in: [help], misfit: {{at_most: 90 %}}}}
labels:
  sources: {{people: {{within: 1d, covers: hold}}}}
  sample: {{random: 1 %}}
  explore: {{share: 1 %}}
  blind_to: [model_score]
  agreement: {{at_least: 0.1}}
adoption: {{activation: {{at_least: 5 %, within: 1d}}, retention: {{at_least: 1 %, after: 1d}}}}
monitors:
  misses: {{signal: empty_retrieval, at_most: 90 %, window: 10d, page: engineering}}
"""
EVENTS = (
    "settled deflected escalated task_completed converted reopened accepted appealed followed_up overridden"
    " edited regenerated undone"
).split()


def _live(world: World) -> dict[str, float]:
    """Calls and what came of them; answers how good a metric calls each."""
    rng, scores = random.Random(17), {}
    for place in range(120):
        ago = rng.uniform(2, 9) * DAY
        session = f"s_{place % 60 if place % 30 else place}"  # the first user has more than the others
        who: dict[str, Any] = {"user_id": f"u_{place % 30}", "session_id": session, "ago": ago}
        inner: dict[str, Any] = {**who, "parent_span_id": b"12345678"}
        trace = world.call(
            duration_ms=rng.uniform(100, 900),
            first_token_ms=rng.uniform(10, 90),
            no_answer="refuse" if place % 10 == 0 else None,
            attributes={
                "launchworthy.fallback": place % 20 == 0,
                "launchworthy.feature_age_ms": 9.0,
                "launchworthy.slice": [f"language:{'de' if place % 2 else 'en'}", "explore"],
            },
            input='"q"',
            output='{"action": "hold", "confidence": 0.5}',
            **who,
        )
        world.span(
            kind="model",
            trace=trace,
            cost_usd=rng.uniform(0.01, 0.05),
            input_tokens=100,
            cache_read_tokens=rng.randrange(50),
            **inner,
        )
        world.span(
            kind="retrieval",
            trace=trace,
            context=rng.choice(["[]", '["d"]']),
            duration_ms=5.0,
            attributes={"launchworthy.index_age_ms": 9.0},
            **inner,
        )
        world.span(
            kind="tool",
            tool_name="search",
            trace=trace,
            duration_ms=7.0,
            status=rng.choice(["ok", "ok", "error"]),
            **inner,
        )
        for kind, outcome, seeded in (
            ("permission", "needs_approval", False),
            ("approval", "rejected", True),
            ("approval", "requested", False),
            ("guard", "hit", False),
        ):
            world._add(
                "decisions",
                ago,
                event_id=f"approval:{place}-{outcome}",
                trace_id=trace,
                kind=kind,
                subject="search",
                outcome=outcome,
                decided_by=f"p-{place % 9}",
                facts=f'{{"seeded": {str(seeded).lower()}, "category": "off_topic",'
                f' "approval": "a-{place}"}}',
            )
        for event in EVENTS:
            if rng.random() < 0.3:
                world.outcome(event, trace=trace, ago=ago - rng.uniform(10, 3600))
        world.outcome("expectations_shown", user_id=who["user_id"], ago=ago)
        world.outcome("shown", trace=trace, ago=ago, attributes={"fields": ["sources"]})
        world.outcome("explanation_useful", trace=trace, ago=ago - 1, value=4.0)
        for rater in "ab":
            said = {"rater": rater, "saw": [], "sample": "random"}
            world.outcome("people", trace=trace, ago=ago - 60, value=place % 2, attributes=said)
        if place % 30 == 0:
            world.outcome("settled", trace=trace, ago=ago - 60)
        if place % 3 == 0:
            world.feedback(trace=trace, confidence=rng.choice([3.0, 4.0, 5.0]), ago=ago - 60)
        scores[trace.hex()] = rng.random()
    for place in range(30):  # what the others got, while a ramp was under way
        ago = rng.uniform(2, 9) * DAY
        trace = world.call(release="r-0", user_id=f"old_{place}", session_id=f"old_{place}", ago=ago)
        world.outcome("escalated" if place % 3 else "resolved", trace=trace, ago=ago - 60)
    return scores


def _measured(world: World) -> tuple[Any, Sequence[Any], Sequence[Evidence]]:
    contract = parse_contract(CONTRACT.format(product=world.product), file="launchworthy.yaml")
    known = claims(contract, provers=PROVERS)
    values = _live(world)
    since = world.now - timedelta(days=30)
    gold = Guarded(name="answer", version="g-1", since=since, canaries=("mark",), told=Told([]))
    proxies = [each.address for each in known if each.metric == "proxies"]
    scores = {address: CallScores(metric="hit@5", values=values) for address in proxies}
    began = world.now - timedelta(days=20)
    models = {"r-1": ("trees", since)}
    found = world.measure(*known, gold=[gold], scores=scores, models=models, baseline="r-0", not_before=began)
    return contract, known, list(found.values())


def _path(claim: Claim) -> str:
    of = f"/{claim.options['of']}" if claim.family == "fairness" else ""
    return f"{claim.family}/{claim.metric}{of}"


Whole = tuple[World, Any, Sequence[Any], Sequence[Evidence]]


@pytest.fixture(scope="module")
def whole(shared_store: Store) -> Whole:
    """A product that promises everything, and what its records say of it."""
    world = World(shared_store, "shop-whole", seed="shop-whole")
    return world, *_measured(world)


def test_each_pattern_is_measured_and_nothing_else_is(whole: Whole) -> None:
    _, _, known, pieces = whole
    values = {piece.claim: piece.value for piece in pieces}
    mine = [each for each in known if each.prover == "monitor"]
    assert {each.address for each in mine} == set(values)
    for pattern in monitor.PROVES:
        kind, _, path = pattern.partition(":")
        of_pattern = [each for each in mine if each.kind == kind and fnmatchcase(_path(each), path)]
        assert of_pattern, pattern
        for each in of_pattern:
            assert values[each.address] is not None, each.address


def test_a_verdict_reads_what_was_measured_and_survives_a_file(whole: Whole) -> None:
    world, contract, known, pieces = whole
    again = [Evidence.from_json(piece.as_json()) for piece in pieces]
    assert [piece.id for piece in again] == [piece.id for piece in pieces]
    verdict = verdict_on(terms_of(contract, known), again, release="r-1", now=world.now)
    states = {each.claim.address: each for each in verdict.statuses}
    met = states[world.at("reliability/latency_p95")]
    assert met.state.value == "met"
    assert met.evidence is not None
    assert len(world.traces(met.evidence)) == 20
    for each in verdict.statuses:
        if each.claim.prover == "monitor":
            assert each.evidence is not None, each.claim.address
            assert "targets are in" not in each.reason


def test_claims_of_other_provers_are_passed_over(world: World, claim: ClaimOf) -> None:
    world.call()
    own = claim("reliability/error", at_most=0.5, unit="ratio")
    others = [
        claim("reliability/error", at_most=0.5, unit="ratio", slice_="*"),
        claim("quality/hit@5", at_least=0.5, unit="ratio"),
        claim("quality/completeness", at_least=0.5, unit="ratio"),
    ]
    assert list(world.measure(own, *others)) == [own.address]


def test_one_query_that_fails_leaves_its_own_claim_unmeasured(world: World, claim: ClaimOf) -> None:
    for _ in range(3):
        world.call()
    slow = claim("reliability/latency_p50", at_most=10.0, unit="ms")
    quick = claim("reliability/error", at_most=0.5, unit="ratio")
    world.settle()

    def query(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        if "quantile_disc" in sql:
            raise InputError("the query took longer than 30 s")
        return world.store.query(sql, parameters)

    first, second = monitor.measure(
        [slow, quick], product=world.product, query=query, release="r-1", now=world.now
    )
    assert (first.value, first.detail["reason"]) == (None, "the query took longer than 30 s")
    assert second.value == 0.0


def test_what_is_measured_an_hour_later_reads_the_records_of_that_hour(world: World, claim: ClaimOf) -> None:
    world.call(ago=-1800.0, duration_ms=7.0)
    asked = claim("reliability/latency_p50", at_most=10.0, unit="ms")
    assert world.measure(asked) == {}
    later = world.now + timedelta(hours=1)
    (piece,) = monitor.measure(
        [asked], product=world.product, query=world.store.query, release="r-1", now=later
    )
    assert (piece.value, piece.observed_at) == (7.0, later)


@pytest.mark.parametrize("valid_for_s", [1e-3, 1e12])
def test_windows_of_any_length_are_read(world: World, claim: ClaimOf, valid_for_s: float) -> None:
    world.call(duration_ms=7.0)
    asked = claim("reliability/latency_p50", at_most=10.0, unit="ms", valid_for_s=valid_for_s)
    assert len(world.measure(asked)) == (1 if valid_for_s > 1 else 0)
