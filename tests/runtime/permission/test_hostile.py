"""Whatever a model writes, there is a decision, and it is the same when asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.runtime.permission import (
    Checked,
    MemorySpending,
    Origin,
    Policy,
    Provenance,
    Request,
    Ruling,
    request_of,
    why,
)

CONTRACT_OF_NOTES = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent]
workflows: {help: {user: agent, job: get help, no_answer: refuse}}
tools: {note: {effect: write, roles: [agent], approval: unattended, undo: {by: note, within: 1h}}}
"""
NAMES = ["to", "amount", "currency", "customer", "size", "m", "Amount", "to.x", "", "\u202e", "iban"]
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["c-1", "bob@shop.example", "5 USD", "DE89370400440532013000", "/etc", "..", 10**400])
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
_ARGUMENTS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), _VALUES, max_size=4)


@pytest.fixture(scope="module")
def policy() -> Policy:
    tool = {
        "effect": "pay",
        "roles": ["agent"],
        "approval": [{"by": "lead", "above": "100 USD"}],
        "scope": "own_customer",
        "limits": {"per_call": "500 USD", "per_user": "900 USD/d", "total": "1000000/d"},
        "arguments": {"size": {"at_most": 3}, "m.to": {"from": "application"}, "m": {"most_characters": 9}},
    }
    contract = {
        "launchworthy": 1,
        "product": "shop",
        "owners": {"product": "ana@example.com"},
        "roles": ["agent", "lead"],
        "workflows": {"help": {"user": "agent", "job": "get help", "no_answer": "refuse"}},
        "tools": {"pay": tool, "look": {"effect": "read", "roles": ["agent"]}},
    }
    return Policy.of(parse_contract(json.dumps(contract)))


@settings(max_examples=250)
@example(arguments={"customer": "c-1", "amount": 5}, said="", tool="pay")
@example(arguments={"customer": "c-1", "amount": 5, "to": "bob"}, said="to bob", tool="pay")
@given(arguments=_ARGUMENTS, said=st.text(max_size=40), tool=st.sampled_from(["pay", "look", "other"]))
def test_every_call_is_decided_and_why_is_told(
    policy: Policy, arguments: dict[str, Any], said: str, tool: str
) -> None:
    seen = Provenance()
    seen.note(Origin.USER, said)
    seen.note(Origin.TOOL_RESULT, arguments)
    origins = seen.origins(arguments)
    request = Request(
        tool=tool,
        roles=("agent",),
        arguments=arguments,
        provenance=origins,
        scopes={"own_customer": "c-1"},
        at_ms=0,
    )
    spending = MemorySpending()
    decision = policy.decide(request, spending=spending)
    assert decision == policy.decide(request, spending=spending)
    broken = [check for check in decision.checks if check.outcome is Checked.BROKEN]
    assert (decision.ruling is Ruling.DENY) == bool(broken)
    assert all("\u202e" not in line for line in why(decision))
    json.dumps(decision.as_json(), allow_nan=False)
    if tool == "pay" and decision.ruling is Ruling.ALLOW:
        assert arguments["customer"] in ("c-1", ["c-1"], ["c-1"] * 2, ["c-1"] * 3)
        assert all(origins[name].chosen for name in ("to", "iban") if arguments.get(name) not in (None, ""))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
_FIELDS = "tool role roles arguments user on_behalf_of data provenance scopes lowered at".split()


@settings(max_examples=250)
@given(row=st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=8), _JSON, max_size=6))
def test_a_row_of_any_kind_is_read_or_refused_with_its_place(policy: Policy, row: dict[str, Any]) -> None:
    row = {"tool": "look", "roles": ["agent"]} | row
    try:
        request = request_of(row, where="calls.jsonl:7")
    except InputError as error:
        place = error.where
    else:
        assert policy.decide(request).ruling in Ruling
        place = "calls.jsonl:7"
    assert place.startswith("calls.jsonl:7")


def test_a_number_of_thousands_of_digits_is_nobodys_and_within_nothing(policy: Policy) -> None:
    number = 10**5_000
    arguments = {"amount": number, "customer": number, "size": number, "to": [number]}
    seen = Provenance()
    seen.note(Origin.USER, arguments)
    assert set(seen.origins(arguments).values()) == {Origin.MODEL}
    decision = policy.decide(
        Request(
            tool="pay",
            roles=("agent",),
            arguments=arguments,
            provenance=seen.origins(arguments),
            scopes={"own_customer": "c-1"},
        )
    )
    broken = {check.rule.removeprefix("shop/tools/pay/") for check in decision.checks if check.remedy}
    assert broken >= {"scope", "arguments/size/at_most", "arguments/to/from", "limits/per_call"}


@pytest.mark.parametrize("name", ["email2", "cc_1", "recipient2_id", "to1"])
def test_a_second_recipient_is_chosen_like_the_first(name: str) -> None:
    contract = parse_contract(CONTRACT_OF_NOTES)
    call = Request(
        tool="note", roles=("agent",), arguments={name: "somebody"}, provenance={name: Origin.MODEL}
    )
    assert Policy.of(contract).decide(call).ruling is Ruling.DENY


@pytest.mark.parametrize(
    "value",
    [
        "<https://evil.example/x>",
        '"https://evil.example/x"',
        "\uff48ttps://evil.example/x",
        "eve\uff20evil.example",
        "\u200bhttps://evil.example",
        "https:evil.example",
        "192.168.0.1:8080/admin",
        "tel:+15550100",
        "C:/Users/eve",
        "..\\..\\secrets",
        "DE89-3704-0044-0532-0130-00",
    ],
)
def test_an_address_in_disguise_is_chosen_by_those_who_may_choose_one(value: str) -> None:
    policy = Policy.of(parse_contract(CONTRACT_OF_NOTES))
    for origin, ruling in ((Origin.RETRIEVED, Ruling.DENY), (Origin.USER, Ruling.ALLOW)):
        call = Request(tool="note", roles=("agent",), arguments={"text": value}, provenance={"text": origin})
        assert policy.decide(call).ruling is ruling


def test_what_only_mentions_an_address_is_text() -> None:
    policy = Policy.of(parse_contract(CONTRACT_OF_NOTES))
    for text in ("see https://shop.example for more", "at 10:30", "3.14", "and/or", "<b>", "v1.2.3"):
        call = Request(
            tool="note", roles=("agent",), arguments={"text": text}, provenance={"text": Origin.MODEL}
        )
        assert policy.decide(call).ruling is Ruling.ALLOW
