"""What is promised of data, counted in records: sources, personal data, places, ages."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy import monitor
from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.monitor.regions import belongs
from launchworthy.runtime.redaction import TextRedaction

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

NEVER = ClaimKind.NEVER
INNER: dict[str, Any] = {"parent_span_id": b"12345678"}
MAIL = "ana.silva@example.org"
FIND = ("email", "phone", "card")


def _claim(claim: ClaimOf, path: str, **options: Any) -> Claim:
    return claim(f"data/{path}", kind=NEVER, workflow=None, **options)


def _read(world: World, *documents: Any, **more: Any) -> bytes:
    return world.span(kind="retrieval", context=json.dumps(documents), **{**INNER, **more})


def test_documents_of_a_source_that_may_not_be_seen_are_breaches(world: World, claim: ClaimOf) -> None:
    _read(world, {"id": "a", "source": "help", "content": "x"})
    seen = _read(world, {"id": "b", "source": "payments"}, {"id": "c", "metadata": {"source": "payments"}})
    whole = _read(world, {"id": "d"}, attributes={"gen_ai.data_source.id": "payments"})
    asked = _claim(claim, "sources/payments", may=())
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.release) == (3.0, 4, None)
    assert set(world.traces(piece)) == {seen.hex(), whole.hex()}
    assert status(asked, [piece], release="r-1", now=world.now).state is State.UNMET


def test_only_the_text_of_a_source_that_may_not_be_stored_is_a_breach(world: World, claim: ClaimOf) -> None:
    _read(world, {"id": "a", "source": "orders"}, {"id": "b", "source": "orders", "score": 0.5})
    asked = _claim(claim, "sources/orders", may=("see",))
    assert world.one(asked).value == 0.0
    _read(world, {"id": "c", "source": "orders", "content": "Order 7 of Ana"})
    assert (world.one(asked).value, world.one(asked).n) == (1.0, 3)


def test_a_source_for_one_workflow_is_not_read_in_another(world: World, claim: ClaimOf) -> None:
    _read(world, {"source": "tickets", "content": "x"}, workflow="triage")
    asked = _claim(claim, "sources/tickets", may=("see", "store"), only_for="triage")
    assert world.one(asked).value == 0.0
    _read(world, {"source": "tickets", "content": "x"}, workflow="answer")
    assert world.one(asked).value == 1.0


def test_whose_row_a_document_was_is_known_only_where_it_was_looked_at(world: World, claim: ClaimOf) -> None:
    world.call()
    checked = {"source": "orders", "scope_checked": "own_customer"}
    asked = _claim(claim, "sources/orders", may=("see",), scope="own_customer")
    _read(world, *[checked] * 50, {"source": "help", "content": "anything"})
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unscored) == (0.0, 51, 0)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET
    _read(world, *[{"source": "orders"}] * 4, {"source": "orders", "scope_checked": "own_shop"})
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unscored) == (0.0, 51, 5)
    found = status(asked, [piece], release="r-1", now=world.now)
    assert found.state is State.UNPROVEN
    assert "could not be measured on 5 of 56" in found.reason
    _read(world, {"source": "orders", "content": "kept against the contract"})
    assert status(asked, [world.one(asked)], release="r-1", now=world.now).state is State.UNMET


def test_documents_of_unnamed_sources_are_breaches(world: World, claim: ClaimOf) -> None:
    world.call()
    _read(world, {"source": "help"}, {"source": "wiki"}, "text alone", {"id": "x"})
    asked = _claim(claim, "unnamed", sources=("help", "orders"))
    assert (world.one(asked).value, world.one(asked).n) == (3.0, 4)
    nothing_named = _claim(claim, "unnamed", sources=())
    found = status(nothing_named, [world.one(nothing_named)], release="r-1", now=world.now)
    assert (found.state, found.reason) == (
        State.UNPROVEN,
        "could not be measured: the contract names no source of data",
    )


@pytest.mark.parametrize("context", ["{", "null", '"text"', '{"source": "wiki"}', "[", "[1, null, true]"])
def test_contexts_of_any_form_are_read(world: World, claim: ClaimOf, context: str) -> None:
    world.span(kind="retrieval", context=context, attributes="{not json", **INNER)
    _read(world, {"source": "help"})
    assert world.one(_claim(claim, "unnamed", sources=("help",))).n >= 1


def test_stored_personal_data_is_found_in_every_field(world: World, claim: ClaimOf) -> None:
    clean = [world.call(input='"How long?"', output='"30 days"') for _ in range(3)]
    held = [
        world.call(input=json.dumps([{"role": "user", "parts": [{"type": "text", "content": MAIL}]}])),
        world.span(kind="tool", input=json.dumps({"card": 4111111111111111}), **INNER),
        _read(world, {"content": f"Ticket of {MAIL}"}),
        world.span(kind="step", attributes={"note": f"wrote to {MAIL}"}, **INNER),
    ]
    world.feedback(trace=clean[0], comment=f"mail me at {MAIL}")
    world.feedback(trace=clean[1], correction="call +44 20 7946 0958")
    piece = world.one(_claim(claim, "pii/record", find=FIND, action="redact"))
    assert piece.value == 6.0
    assert piece.detail["kinds"] == {"card": 1, "email": 4, "phone": 1}
    assert piece.detail["fields"] == {
        "attributes": 1,
        "comment": 1,
        "context": 1,
        "correction": 1,
        "input": 2,
    }
    assert set(world.traces(piece)) == {each.hex() for each in (*held, *clean[:2])}


@pytest.mark.parametrize("how", ["pseudonymise", "redact"])
def test_records_that_were_redacted_hold_none(world: World, claim: ClaimOf, how: Any) -> None:
    redact = TextRedaction(find=FIND, how=how, key=b"k" * 16)
    for _ in range(5):
        world.call(
            input=json.dumps(redact(f"I am {MAIL}, card 4111 1111 1111 1111")), user_id="u_" + "0" * 24
        )
    asked = _claim(claim, "pii/record", find=FIND, action=how)
    piece = world.one(asked)
    assert (piece.value, piece.n) == (0.0, 5)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET


def test_a_text_that_is_too_long_to_be_looked_through_counts_as_missing(world: World, claim: ClaimOf) -> None:
    world.call(input=json.dumps("word " * 250_000))
    world.call(input='"short"')
    piece = world.one(_claim(claim, "pii/record", find=FIND))
    assert piece.unscored == 1
    assert piece.n <= 1, "where it is drawn first, it uses up what is read"


def test_a_prompt_shows_by_the_pseudonym_in_its_record_what_it_held(world: World, claim: ClaimOf) -> None:
    keep = _claim(claim, "pii/record", find=FIND, action="pseudonymise")
    asked = _claim(claim, "pii/prompt", find=FIND, action="redact")
    world.call()
    world.span(kind="model", input='"I am [EMAIL_1]"', **INNER)  # the guard masked it before the model
    world.span(kind="model", input='"of u_0123456789abcdef01234567"', **INNER)
    assert world.one(asked, keep).value == 0.0
    redact = TextRedaction(find=FIND, how="pseudonymise", key=b"k" * 16)
    world.span(kind="model", input=json.dumps(redact(f"I am {MAIL}")), **INNER)  # only the record was
    assert (world.one(asked, keep).value, world.one(asked, keep).n) == (1.0, 3)
    for action in ("redact", "drop"):
        told = _claim(claim, "pii/record", find=FIND, action=action)
        assert world.one(asked, told).value is None


def test_answers_to_users_are_those_of_the_workflow(world: World, claim: ClaimOf) -> None:
    world.call(output=json.dumps(f"Write to {MAIL}"))
    world.call(output='"30 days"')
    world.span(kind="model", output=json.dumps(f"Write to {MAIL}"), **INNER)
    piece = world.one(_claim(claim, "pii/response", find=FIND, action="block"))
    assert (piece.value, piece.n) == (1.0, 2)


def test_a_kind_that_nothing_finds_leaves_the_claim_unmeasured(world: World, claim: ClaimOf) -> None:
    world.call(input='"x"')
    piece = world.one(_claim(claim, "pii/record", find=("blood_group",)))
    assert piece.value is None
    assert "blood_group" in piece.detail["reason"]


@pytest.mark.parametrize(
    ("place", "declared", "inside"),
    [
        ("eu-central-1", "EU", True),
        ("europe-west4", "EU", True),
        ("germanywestcentral", "EU", True),
        ("eu", "EU", True),
        ("us-east-1", "EU", False),
        ("eu-west-2", "EU", False),
        ("europe-west2-a", "EU", False),
        ("eu-west-2", "UK", True),
        ("us-east-1", "US", True),
        ("eu-central-1", "eu-central-1", True),
        ("eu-central-1", "eu-west-1", False),
        ("ap-south-1", "AP", True),
    ],
)
def test_regions_lie_within_what_is_declared(place: str, declared: str, inside: bool) -> None:
    assert belongs(place, declared) is inside


def test_calls_of_models_elsewhere_are_breaches(world: World, claim: ClaimOf) -> None:
    asked = _claim(claim, "region", region="EU")
    world.call()
    world.span(kind="model", attributes={"server.address": "api.example.com", "cloud.region": "eu-west-1"})
    assert world.one(asked).value is None
    for host in (
        "bedrock-runtime.eu-central-1.amazonaws.com",
        "europe-west4-aiplatform.googleapis.com",
        "eu.api.example.com",
    ):
        world.span(kind="model", attributes={"server.address": host}, **INNER)
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unscored) == (0.0, 3, 1)
    away = world.span(kind="model", attributes={"launchworthy.region": "us-east-1"}, **INNER)
    piece = world.one(asked)
    assert (piece.value, world.traces(piece), piece.detail["outside"]) == (1.0, [away.hex()], ["us-east-1"])


def test_each_line_of_retention_counts_what_is_too_old(world: World, claim: ClaimOf) -> None:
    day = 86_400.0
    old = world.call(ago=40 * day)
    world.call(ago=30.5 * day)
    world.outcome("resolved", ago=40 * day, trace=old)
    world.feedback(ago=1 * day)
    traces = world.one(_claim(claim, "retention/traces", kept_ms=30 * day * 1e3))
    assert (traces.value, traces.n, world.traces(traces)) == (1.0, 2, [old.hex()])
    feedback = world.one(_claim(claim, "retention/feedback", kept_ms=30 * day * 1e3))
    assert (feedback.value, feedback.n) == (1.0, 2)


def test_versions_of_gold_sets_age_too(world: World, claim: ClaimOf) -> None:
    asked = _claim(claim, "retention/gold", kept_ms=10 * 86_400_000.0)
    made = {"answer@g-1": world.now - timedelta(days=20), "answer@g-2": world.now - timedelta(days=2)}
    (piece,) = monitor.measure(
        [asked],
        product=world.product,
        query=world.store.query,
        release=None,
        now=world.now,
        versions=made,
    )
    assert (piece.value, piece.n, piece.detail["worst"]) == (1.0, 2, [{"version": "answer@g-1"}])


def test_what_does_not_depend_on_the_release_is_looked_at_once(world: World, claim: ClaimOf) -> None:
    world.call(input='"x"')
    world.settle()
    asked = _claim(claim, "pii/record", find=FIND)
    for any_release, count in ((True, 1), (False, 0)):
        found = monitor.measure(
            [asked],
            product=world.product,
            query=world.store.query,
            release="r-1",
            now=world.now,
            any_release=any_release,
        )
        assert len(found) == count


def test_a_sample_is_drawn_anew_in_the_same_way(world: World, claim: ClaimOf) -> None:
    for number in range(60):
        said = json.dumps(f"text {number} of user{number}@example.org")
        world.call(input=said, ago=3600.0 + 86_400.0 * (number % 5))
    world.settle()
    asked = _claim(claim, "pii/record", find=FIND)

    def drawn(sample: int | None) -> Evidence:
        (piece,) = monitor.measure(
            [asked],
            product=world.product,
            query=world.store.query,
            release=None,
            now=world.now,
            sample=sample,
        )
        return piece

    first, second, whole = drawn(20), drawn(20), drawn(None)
    assert (first.n, first.value) == (20, 20.0)
    assert world.traces(first) == world.traces(second)
    assert (whole.n, whole.method, "sampled" in whole.detail) == (60, "full count", False)


def test_of_long_texts_fewer_are_drawn(world: World, claim: ClaimOf) -> None:
    for number in range(20):
        world.call(input=json.dumps(f"{number} " + "word " * 2_000))
    world.settle()
    (piece,) = monitor.measure(
        [_claim(claim, "pii/record", find=FIND)],
        product=world.product,
        query=world.store.query,
        release=None,
        now=world.now,
        sample=10,
    )
    assert 1 <= piece.n < 10
