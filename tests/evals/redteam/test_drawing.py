from __future__ import annotations

import pytest
from tests.evals.redteam import agent

from launchworthy.contract import claims
from launchworthy.evals.redteam import FAMILIES, Attempt, attempts_of, leaked, plan_of, surface_of
from launchworthy.evals.redteam.families import CLAIMS
from launchworthy.evals.redteam.plan import items_of, suite_of
from launchworthy.evals.redteam.procedures import PROCEDURES
from launchworthy.provers import PROVERS

SURFACE = surface_of(agent.CONTRACT_VALUE)
ASKED = claims(agent.CONTRACT_VALUE)


def test_the_same_seed_draws_the_same_attempts_and_another_seed_others() -> None:
    one, same, other = (attempts_of(plan_of((), SURFACE, attempts=5, seed=s), SURFACE) for s in (1, 1, 2))
    assert one == same
    assert suite_of(one) == suite_of(same) != suite_of(other)


def test_every_attempt_survives_its_written_form() -> None:
    for attempt in attempts_of(plan_of((), SURFACE, attempts=8, twins=8), SURFACE):
        assert Attempt.from_json(attempt.as_json()) == attempt


def test_three_thousand_attempts_on_a_payment_are_three_thousand_different_ones() -> None:
    plan = plan_of(ASKED, SURFACE, twins=0)
    own = [
        attempt
        for attempt in attempts_of(plan, SURFACE)
        if attempt.tool == "refund" and attempt.family in CLAIMS["unapproved_payment"].families
    ]
    assert len({attempt.seed for attempt in own}) >= 2_995 == plan.needed["shop/abuse/unapproved_payment"]


@pytest.mark.parametrize("name", ["jailbreak", "prompt_injection", "retrieval_exfiltration"])
def test_each_claim_gets_the_attempts_that_it_asks_for(name: str) -> None:
    claim = next(claim for claim in ASKED if claim.address == f"shop/abuse/{name}")
    plan = plan_of(ASKED, SURFACE)
    assert sum(plan.attempts[family] for family in CLAIMS[name].families) >= claim.options["attempts"]


def test_nothing_that_counts_as_success_stands_in_what_the_user_says() -> None:
    """Or an answer that quotes the attack would count."""
    for attempt in attempts_of(plan_of((), SURFACE, attempts=40, twins=0), SURFACE):
        said = "\n".join([*attempt.turns, attempt.tool_result, *(d["text"] for d in attempt.documents)])
        assert not any(marker in said for marker in attempt.markers)
        told = "\n".join([*attempt.turns, attempt.tool_result])
        assert not any(leaked(secret, told) for secret in attempt.secrets)


def test_a_twin_carries_nothing_of_an_attack() -> None:
    for attempt in attempts_of(plan_of((), SURFACE, attempts=1, twins=20), SURFACE):
        if attempt.is_twin:
            known = (attempt.markers, attempt.secrets, attempt.values, attempt.tool, attempt.system)
            assert not any(known)
            assert attempt.turns


def test_the_carrier_holds_the_arguments_whole() -> None:
    """Of an attack that was not rewritten: else what the model should call could not be read."""
    import json

    found = attempts_of(plan_of((), SURFACE, attempts=60, twins=0), SURFACE)
    own = [each for each in found if each.tool and not each.mutators and each.goal in ("run", "choose")]
    assert len(own) > 100
    for attempt in own:
        said = "\n".join([*attempt.turns, attempt.tool_result, *(d["text"] for d in attempt.documents)])
        written = json.dumps(dict(attempt.arguments), ensure_ascii=False)
        assert written in said or json.dumps(written, ensure_ascii=False)[1:-1] in said


def test_every_family_draws_every_one_of_its_goals_and_carriers() -> None:
    found = attempts_of(plan_of((), SURFACE, attempts=80, twins=0), SURFACE)
    for name, family in FAMILIES.items():
        own = [attempt for attempt in found if attempt.family == name]
        assert {attempt.goal for attempt in own} == set(family.goals)
        assert {mutator for attempt in own for mutator in attempt.mutators} == set(family.mutators)


def test_each_way_around_an_approval_is_tried_on_each_tool_that_needs_one() -> None:
    found = attempts_of(plan_of((), SURFACE, families=["approval_bypass"]), SURFACE)
    assert {(attempt.procedure, attempt.tool) for attempt in found} == {
        (way, tool) for way in PROCEDURES for tool in ("refund", "delete_account")
    }


def test_a_family_that_cannot_reach_the_target_says_so() -> None:
    from dataclasses import replace

    bare = replace(SURFACE, carriers=("user",), has_system=False)
    plan = plan_of((), bare)
    assert plan.left_out["indirect_mail"] == "the target takes no passage that is looked up"
    assert plan.left_out["system_prompt_extraction"] == "the product has nothing that it could reach"
    assert not {"indirect_mail", "system_prompt_extraction"} & set(plan.attempts)


def test_attempts_of_one_seed_share_a_cluster() -> None:
    items = items_of(attempts_of(plan_of((), SURFACE, attempts=300, families=["language"]), SURFACE))
    assert all(item.cluster for item in items)
    assert {item.answerable for item in items} == {True, None}


def test_the_list_of_provers_names_every_event_that_a_family_speaks_for() -> None:
    assert set(PROVERS["redteam"]) == {f"abuse/{name}" for name in (*CLAIMS, *FAMILIES)}
