"""Monitors of drift, from records that a real store holds."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from launchworthy.evidence.judgement import judge
from launchworthy.evidence.status import State

_DAY = 86_400.0
_QUESTIONS = (
    "How do I return a jacket that does not fit me well",
    "Where is my parcel, it should have come on Monday",
    "Can I pay by invoice, and how long do I have for it",
    "The voucher that I got is refused at the checkout page",
)
_NEW = (
    "My refund was promised last week and the money is still missing",
    "Please cancel my subscription, I was charged twice this month",
)


def _scored(
    world: Any, *, ago: float, amounts: list[float], country: str = "de", release: str = "r-1"
) -> None:
    for number, amount in enumerate(amounts):
        world.call(
            ago=ago + number / 100.0,
            user_id=f"u-{ago}-{release}-{number}",
            release=release,
            input=json.dumps({"amount": amount, "country": country if number % 3 else "fr"}),
            output=json.dumps({"score": min(1.0, amount / 200.0), "decision": "pass"}),
        )


def _asked(
    world: Any, *, ago: float, questions: tuple[str, ...], many: int, seed: int, release: str = "r-1"
) -> None:
    rng = random.Random(seed)
    for number in range(many):
        text = f"{rng.choice(questions)}, order {rng.randrange(10_000)}"
        world.call(
            ago=ago + number / 100.0,
            user_id=f"u-{ago}-{number}",
            release=release,
            input=json.dumps([{"role": "user", "content": text}]),
            output=json.dumps("Here is what to do."),
        )


def _amounts(seed: int, many: int, scale: float = 1.0) -> list[float]:
    rng = random.Random(seed)
    return [scale * rng.lognormvariate(3.0, 0.5) for _ in range(many)]


def _monitor(claim: Any, **options: Any) -> Any:
    return claim(
        "monitors/watched",
        at_most=options.pop("at_most", 0.1),
        unit=options.pop("unit", ""),
        workflow=None,
        window_ms=_DAY * 1e3,
        **options,
    )


def test_scores_that_moved_are_unmet_and_the_cause_is_the_world_where_the_release_is_the_same(
    world: Any, claim: Any
) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 400))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 400, scale=1.8))
    asked = _monitor(claim, signal="score", method="psi")
    piece = world.one(asked)
    assert piece.value is not None
    assert piece.low is not None
    assert piece.low > 0.1
    assert piece.unit == ""
    assert piece.unit_of_analysis == "user"
    assert piece.n == 400
    assert judge(asked, piece, now=world.now).state is State.UNMET
    assert piece.detail["drift"]["state"] == "drifted"
    assert "its own first calls" in piece.detail["reference"]
    assert piece.detail["cause"].startswith("the world")
    assert len(piece.detail["worst"]) == 5, "calls to look at, from the group that grew most"


def test_scores_that_stayed_are_met_or_unproven_but_never_unmet(world: Any, claim: Any) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 1_500))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 1_500))
    asked = _monitor(claim, signal="score", method="psi")
    assert judge(asked, world.one(asked), now=world.now).state is State.MET
    strict = _monitor(claim, signal="score", method="psi", at_most=0.001)
    assert judge(strict, world.one(strict), now=world.now).state is State.UNPROVEN


def test_of_many_features_the_one_that_moved_is_named(world: Any, claim: Any) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 600))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 600), country="nl")
    asked = _monitor(claim, signal="features", method="jensen_shannon", at_most=0.05)
    piece = world.one(asked)
    assert piece.detail["column"] == "country"
    assert judge(asked, piece, now=world.now).state is State.UNMET
    states = {column["name"]: column["state"] for column in piece.detail["drift"]["columns"]}
    assert states["country"] == "drifted"
    assert states["amount"] != "drifted"
    only = _monitor(claim, signal="input/amount", method="ks", at_most=0.15)
    assert judge(only, world.one(only), now=world.now).state is State.MET


def test_new_questions_are_told_from_old_ones_by_their_words(world: Any, claim: Any) -> None:
    _asked(world, ago=5.5 * _DAY, questions=_QUESTIONS, many=300, seed=1)
    _asked(world, ago=0.5 * _DAY, questions=(*_QUESTIONS, *_NEW), many=300, seed=2)
    asked = _monitor(claim, signal="input", method="classifier", at_most=0.55, unit="ratio")
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.UNMET
    known = " ".join(_QUESTIONS).lower()
    new = [word for word in " ".join(_NEW).lower().split() if word not in known]
    assert any(f"more text “{word}”" in piece.detail["features"] for word in new)
    assert len(piece.detail["worst"]) == 5


def test_words_that_the_reference_did_not_have_are_a_column(world: Any, claim: Any) -> None:
    _asked(world, ago=5.5 * _DAY, questions=_QUESTIONS, many=400, seed=1)
    _asked(world, ago=0.5 * _DAY, questions=(*_QUESTIONS, *_NEW), many=400, seed=2)
    piece = world.one(_monitor(claim, signal="input", method="ks", at_most=0.1))
    found = {column["name"]: column for column in piece.detail["drift"]["columns"]}
    assert found["text: new words"]["state"] == "drifted"
    assert found["text: language"]["state"] != "drifted"


def test_what_users_ask_about_is_a_column_and_the_calls_shown_are_of_the_topic_that_grew(
    world: Any, claim: Any
) -> None:
    # Of the same length, language and variety: only what they are about tells them apart.
    about = ["where is the lost parcel now", "how do i pay with the card now", "can you reset my login now"]
    for ago, often in ((5.5 * _DAY, 3), (0.5 * _DAY, 8)):
        for number in range(400):
            text = about[min(number % often, 2) if often == 8 else number % 3]
            user = f"t-{ago}-{number}"
            world.call(ago=ago + number / 100.0, user_id=user, input=json.dumps(f"{text:.<32}"))
    asked = _monitor(claim, signal="input", method="chi2", at_most=0.1)
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.UNMET
    assert piece.detail["column"] == "text: topic"
    (told,) = (each["told"] for each in piece.detail["drift"]["columns"] if each["name"] == "text: topic")
    assert "more of " in told
    shown = world.store.query(
        "SELECT input FROM spans WHERE lower(hex(trace_id)) IN (SELECT unnest($1::VARCHAR[]))",
        [world.traces(piece)],
    )
    assert shown
    assert all("login" in row["input"] for row in shown)


def test_the_same_questions_are_not_told_apart(world: Any, claim: Any) -> None:
    _asked(world, ago=5.5 * _DAY, questions=_QUESTIONS, many=300, seed=1)
    _asked(world, ago=0.5 * _DAY, questions=_QUESTIONS, many=300, seed=2)
    asked = _monitor(claim, signal="input", method="classifier", at_most=0.6, unit="ratio")
    piece = world.one(asked)
    assert judge(asked, piece, now=world.now).state is State.MET
    assert piece.low is not None
    assert piece.low < 0.5 < piece.high


def test_answers_that_are_refused_or_whose_tools_fail_are_columns_of_the_output(
    world: Any, claim: Any
) -> None:
    for ago, often in ((5.5 * _DAY, 20), (0.5 * _DAY, 4)):
        for number in range(400):
            refused = number % often == 0
            trace = world.call(
                ago=ago + number,
                user_id=f"o-{ago}-{number}",
                output=json.dumps("Here is what you asked for."),
                no_answer="refuse" if refused else None,
            )
            broken = number % often == 1
            world.span(kind="tool", trace=trace, ago=ago + number, status="error" if broken else "ok")
    piece = world.one(_monitor(claim, signal="output", method="jensen_shannon", at_most=0.05))
    found = {column["name"]: column for column in piece.detail["drift"]["columns"]}
    assert found["answered"]["state"] == found["tools"]["state"] == "drifted"
    assert ["refuse", 0.05, 0.25] in found["answered"]["bars"]
    assert ["one failed", 0.05, 0.25] in found["tools"]["bars"]
    assert found["text: length"]["state"] != "drifted"


def test_a_release_without_a_past_is_compared_with_earlier_ones_and_the_cause_told_apart(
    world: Any, claim: Any
) -> None:
    _scored(world, ago=1.5 * _DAY, amounts=_amounts(1, 1_200), release="r-0")
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 1_200), release="r-0")
    _scored(world, ago=0.4 * _DAY, amounts=_amounts(3, 500, scale=2.0), release="r-1")
    piece = world.one(_monitor(claim, signal="score", method="psi"))
    assert "earlier releases" in piece.detail["reference"]
    assert piece.detail["cause"] == "score: the release"


def test_what_the_world_did_to_both_releases_is_not_blamed_on_the_new_one(world: Any, claim: Any) -> None:
    _scored(world, ago=1.5 * _DAY, amounts=_amounts(1, 1_000), release="r-0")
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 1_000, scale=2.0), release="r-0")
    _scored(world, ago=0.4 * _DAY, amounts=_amounts(3, 1_000, scale=2.0), release="r-1")
    piece = world.one(_monitor(claim, signal="score", method="psi"))
    assert piece.detail["cause"] == "score: the world"


def _by_country(world: Any, *, ago: float, seed: int, french: float, share: int = 2) -> None:
    for number, amount in enumerate(_amounts(seed, 1_500)):
        country = "fr" if number % share == 0 else "de"
        fields = {"amount": amount * (french if country == "fr" else 1.0), "country": country}
        world.call(ago=ago + number / 100.0, user_id=f"c-{ago}-{number}", input=json.dumps(fields))


def test_the_part_of_the_calls_that_carries_a_change_is_named(world: Any, claim: Any) -> None:
    _by_country(world, ago=5.5 * _DAY, seed=1, french=1.0)
    _by_country(world, ago=0.5 * _DAY, seed=2, french=3.0)
    piece = world.one(_monitor(claim, signal="features", method="jensen_shannon", at_most=0.15))
    assert piece.detail["column"] == "amount"
    assert piece.detail["carried"].startswith("amount: country fr (jensen shannon ")
    assert piece.detail["carried"].endswith("; not de")
    assert piece.detail["parts_asked"] == 2


def test_a_change_of_who_calls_is_carried_by_no_part(world: Any, claim: Any) -> None:
    _by_country(world, ago=5.5 * _DAY, seed=1, french=4.0, share=10)
    _by_country(world, ago=0.5 * _DAY, seed=2, french=4.0, share=2)
    piece = world.one(_monitor(claim, signal="features", method="jensen_shannon", at_most=0.15))
    found = {column["name"]: column["state"] for column in piece.detail["drift"]["columns"]}
    assert found == {"amount": "drifted", "country": "drifted"}
    assert piece.detail["carried"].startswith("no part of the calls alone")


def test_a_loud_user_is_no_drift(world: Any, claim: Any) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 800))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 800))
    for number in range(400):
        world.call(
            ago=0.3 * _DAY + number,
            user_id="loud",
            input=json.dumps({"amount": 9_000.0, "country": "de"}),
            output=json.dumps({"score": 1.0}),
        )
    asked = _monitor(claim, signal="score", method="psi")
    assert judge(asked, world.one(asked), now=world.now).state is not State.UNMET


def test_a_field_that_nobody_sends_any_more_is_said(world: Any, claim: Any) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 200))
    for number in range(200):
        world.call(ago=0.5 * _DAY + number, user_id=f"x-{number}", input=json.dumps({"country": "de"}))
    piece = world.one(_monitor(claim, signal="input/amount", method="psi"))
    assert piece.value is None
    assert "missing 100" in piece.detail["reason"]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [(0, 100, "nothing came before"), (100, 10, "10 users came"), (10, 100, "nothing came before")],
)
def test_too_few_users_are_said_and_prove_nothing(
    world: Any, claim: Any, before: int, now: int, told: str
) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, before))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, now))
    piece = world.one(_monitor(claim, signal="score", method="psi"))
    assert piece.value is None
    assert told in piece.detail["reason"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"signal": "score", "method": "psi", "unit": "ms"}, "plain number"),
        ({"signal": "input/country", "method": "ks", "at_most": 0.1}, "compares numbers"),
        ({"signal": "input/nothing", "method": "psi"}, "tells its input/nothing"),
        ({"signal": "score", "method": "adwin"}, "stream"),
    ],
)
def test_what_cannot_be_compared_says_why(world: Any, claim: Any, options: dict[str, Any], told: str) -> None:
    _scored(world, ago=5.5 * _DAY, amounts=_amounts(1, 100))
    _scored(world, ago=0.5 * _DAY, amounts=_amounts(2, 100))
    piece = world.one(_monitor(claim, **options))
    assert piece.value is None
    assert told in piece.detail["reason"]


def test_hostile_inputs_are_read_as_missing_and_break_nothing(world: Any, claim: Any) -> None:
    odd = [
        '{"amount": 1e999}',
        '{"amount": [1, 2]}',
        "[[[[",
        "null",
        '{"amount": "a\\u0000b"}',
        '"' + "x" * 70_000,
    ]
    for ago in (5.5 * _DAY, 0.5 * _DAY):
        for number in range(120):
            world.call(ago=ago + number, user_id=f"h-{ago}-{number}", input=odd[number % len(odd)])
    piece = world.one(_monitor(claim, signal="features", method="jensen_shannon"))
    assert piece.claim.endswith("monitors/watched")
    json.dumps(piece.as_json(), allow_nan=False)
