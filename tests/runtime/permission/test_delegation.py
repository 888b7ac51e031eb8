"""An agent has at most the rights of those on whose behalf it acts, and its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.runtime.permission import Policy, Principal, Request, Ruling

ROLES = ("customer", "agent", "lead", "trainee")
TOOLS: dict[str, Any] = {
    "look": {"effect": "read", "roles": ["customer", "agent"]},
    "read_all": {"effect": "read", "roles": ["lead"], "deny": ["trainee"]},
    "note": {
        "effect": "write",
        "roles": ["agent", "lead"],
        "approval": [{"by": "lead"}],
        "deny": ["customer"],
    },
}
_POWER = {Ruling.DENY: 0, Ruling.NEEDS_APPROVAL: 1, Ruling.ALLOW: 2}
_SETS = st.lists(st.sampled_from(ROLES), max_size=3, unique=True).map(tuple)


@pytest.fixture(scope="module")
def policy() -> Policy:
    import json

    from launchworthy.contract import parse_contract

    return Policy.of(
        parse_contract(
            json.dumps(
                {
                    "launchworthy": 1,
                    "product": "shop",
                    "owners": {"product": "ana@example.com"},
                    "roles": ROLES,
                    "workflows": {"help": {"user": "customer", "job": "get help", "no_answer": "refuse"}},
                    "tools": TOOLS,
                }
            )
        )
    )


@settings(max_examples=200)
@given(st.sampled_from([*TOOLS, "unnamed"]), _SETS, st.lists(_SETS, max_size=4))
def test_a_chain_has_the_rights_that_all_in_it_have(
    policy: Policy, tool: str, own: tuple[str, ...], chain: list[tuple[str, ...]]
) -> None:
    behalf = tuple(Principal(roles=roles) for roles in chain)
    together = policy.decide(Request(tool=tool, roles=own, on_behalf_of=behalf)).ruling
    alone = [policy.decide(Request(tool=tool, roles=roles)).ruling for roles in (own, *chain)]
    assert together is min(alone, key=_POWER.__getitem__)


@settings(max_examples=100)
@given(st.sampled_from(list(TOOLS)), _SETS, st.lists(_SETS, max_size=3), _SETS, st.integers(0, 3))
def test_one_more_in_the_chain_never_adds_a_right(
    policy: Policy,
    tool: str,
    own: tuple[str, ...],
    chain: list[tuple[str, ...]],
    more: tuple[str, ...],
    at: int,
) -> None:
    longer = [*chain[:at], more, *chain[at:]]
    before, after = (
        policy.decide(
            Request(tool=tool, roles=own, on_behalf_of=tuple(Principal(roles=each) for each in behalf))
        ).ruling
        for behalf in (chain, longer)
    )
    assert _POWER[after] <= _POWER[before]
