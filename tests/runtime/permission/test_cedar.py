"""Cedar decides as the policy does where it can, says where it cannot, and is read back without guessing."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import cedarpy
import pytest

from launchworthy.contract import Contract, parse_contract
from launchworthy.errors import InputError, MissingExtraError
from launchworthy.runtime.permission import (
    Checked,
    Policy,
    Request,
    cedar_export,
    cedar_import,
    cedar_request,
)

ROLES = ["a", "b", "c"]
CLASSES = ["public", "internal", "confidential", "restricted"]


def _contract(rng: random.Random) -> dict[str, Any]:
    tools: dict[str, Any] = {}
    for number in range(3):
        roles = rng.sample(ROLES, rng.randint(1, 2))
        tool: dict[str, Any] = {"effect": rng.choice(["read", "write"]), "roles": roles}
        if rng.random() < 0.5:
            tool["deny"] = [role for role in ROLES if role not in roles][:1]
        if tool["effect"] == "write":
            tool["approval"] = rng.choice(["unattended", [{"by": "a"}]])
            tool["limits"] = {"total": "900/d"}
        if rng.random() < 0.5:
            tool.setdefault("limits", {})["per_call"] = rng.choice(["50 USD", "12.5 USD", "3"])
        if rng.random() < 0.4:
            tool["scope"] = "own_shop"
        if rng.random() < 0.4:
            tool["data"] = rng.sample(CLASSES, rng.randint(0, 3))
        arguments: dict[str, Any] = {}
        if rng.random() < 0.6:
            arguments["size"] = {"at_least": 2, "at_most": 4.5}
        if rng.random() < 0.6:
            arguments["colour-s"] = {"one_of": ["red", 'bl"ue\\', "grün"]}
        if rng.random() < 0.4:
            arguments["pen.width"] = {"one_of": [1, 2.5]}
        if rng.random() < 0.3:
            arguments["loud"] = {"one_of": [True]}
        if rng.random() < 0.3:
            arguments["code"] = {"pattern": "[a-z]+", "from": "user"}
        if arguments:
            tool["arguments"] = arguments
        tools[f"t-{number}"] = tool
    return {
        "launchworthy": 1,
        "product": "p",
        "owners": {"product": "ana@example.com"},
        "roles": ROLES,
        "workflows": {"w": {"user": "a", "job": "get help", "no_answer": "refuse"}},
        "tools": tools,
        "data": {"sources": {"own": {"class": "internal"}}},
    }


def _request(rng: random.Random) -> Request:
    choices: dict[str, list[Any]] = {
        "amount": [0, 1, 3, 12.5, "12.5001", "50 USD", 50.01],
        "size": [1, 2, 4.5, "4.6"],
        "colour-s": ["red", 'bl"ue\\', "grün", "Red", ""],
        "pen": [{"width": 1}, {"width": 2.5}, {"width": 2}, {}],
        "loud": [True, False],
        "shop": ["s-1", "s-2"],
        "shop_id": ["s-1", "s-2", 5],
    }
    arguments = {
        name: rng.choice(values)
        for name, values in choices.items()
        if rng.random() < (0.9 if name == "amount" else 0.3)
    }
    return Request(
        tool=rng.choice(["t-0", "t-1", "t-2"] * 4 + ["t-3"]),
        roles=tuple(rng.sample(ROLES, rng.randint(0, 3))),
        arguments=arguments,
        scopes={"own_shop": rng.choice(["s-1", "5"])} if rng.random() < 0.7 else {},
        data=tuple(rng.sample([*CLASSES, "own"], rng.choice([0, 0, 1, 2]))),
        lowered=rng.random() < 0.1,
    )


@pytest.mark.parametrize("seed", range(4))
def test_cedar_decides_as_the_policy_does_on_all_that_it_can_say(seed: int) -> None:
    rng = random.Random(seed)
    decided: list[bool] = []
    for _ in range(8):
        contract = parse_contract(json.dumps(_contract(rng), ensure_ascii=False))
        policy, exported = Policy.of(contract), cedar_export(contract)
        valid = cedarpy.validate_policies(exported.policies, exported.schema)
        assert valid.validation_passed, [str(each) for each in valid.errors]
        policies = cedarpy.PolicySet.from_str(exported.policies)
        lost = {rule for rule, _ in exported.not_expressed}
        for _ in range(60):
            request = _request(rng)
            try:
                asked, entities = cedar_request(contract, request)
            except InputError as error:
                assert "is no Cedar" in str(error)  # noqa: PT017 (what stands in it is the point)
                assert not _allowed(policy, request, set())
                continue
            known = contract.tools.get(request.tool) is not None
            answer = cedarpy.is_authorized(asked, policies, entities, exported.schema if known else None)
            assert answer.diagnostics.errors == []
            assert answer.allowed == _allowed(policy, request, lost), (request, exported.policies)
            decided.append(answer.allowed)
    assert 0.05 < sum(decided) / len(decided) < 0.95


def _allowed(policy: Policy, request: Request, lost: set[str]) -> bool:
    """Whether nothing stands against a call, but what the export says Cedar does not enforce."""
    checks = policy.decide(request).checks
    return not any(check.outcome is Checked.BROKEN and check.rule not in lost for check in checks)


def test_what_cedar_does_not_enforce_is_listed_and_stands_in_the_policy() -> None:
    text = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent, lead]
workflows: {help: {user: agent, job: pay back, no_answer: refuse}}
data: {sources: {groups: {class: internal, only_for: fairness}}}
tools:
  refund:
    effect: pay
    roles: [agent]
    approval: [{by: lead, above: 100 USD}]
    limits: {per_call: 0.00015 USD, per_user: 2000 USD/d}
    arguments:
      to: {from: application, pattern: "[a-z]+", most_characters: 9}
      delay: {at_most: 3d}
      kind: {one_of: [a, 1]}
"""
    exported = cedar_export(parse_contract(text))
    assert dict(exported.not_expressed) == {
        "shop/tools/refund/approval": "lead approves above 100 USD",
        "shop/tools/refund/limits/per_call": "at most 0.00015 USD a call",
        "shop/tools/refund/limits/per_user": "at most 2,000 USD/d for one user",
        "shop/tools/refund/arguments/to/from": "to was chosen by the application",
        "shop/tools/refund/arguments/to/pattern": "to matches [a-z]+",
        "shop/tools/refund/arguments/to/most_characters": "to has at most 9 characters",
        "shop/tools/refund/arguments/delay/at_most": "delay is at most 3 d",
        "shop/tools/refund/arguments/kind/one_of": "kind is one of values of several kinds",
        "shop/tools/refund/arguments": "whom the tool acts on was chosen by the user or the application",
        "shop/data/sources/groups/only_for": "groups serves only fairness",
    }
    policy = json.loads(cedarpy.policies_to_json_str(exported.policies))["staticPolicies"]["policy0"]
    assert policy["annotations"]["rule"] == "shop/tools/refund"
    assert "lead approves above 100 USD" in policy["annotations"]["not_expressed"]
    assert cedarpy.validate_policies(exported.policies, exported.schema).validation_passed


def _tools(contract: Contract) -> dict[str, Any]:
    return {
        name: {"effect": tool.effect, "roles": list(tool.roles)}
        | ({"deny": list(tool.deny)} if tool.deny else {})
        for name, tool in contract.tools.items()
    }


def test_roles_and_denials_come_back_from_cedar_as_they_went() -> None:
    text = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent, lead, trainee]
workflows: {help: {user: agent, job: pay back, no_answer: refuse}}
tools:
  look: {effect: read, roles: [agent, lead], deny: [trainee]}
  refund: {effect: pay, roles: [agent], approval: [{by: lead}]}
"""
    contract = parse_contract(text)
    assert cedar_import(cedar_export(contract).policies) == _tools(contract)


def test_policies_that_others_wrote_are_read() -> None:
    assert cedar_import(
        """
        permit (principal in App::Role::"agent", action in [Action::"look", Action::"list"], resource);
        @effect("pay") permit (principal is Caller in Role::"lead", action == Action::"refund", resource);
        permit (principal, action == Action::"refund", resource) when { principal in Role::"agent" };
        forbid (principal in Role::"trainee", action == Action::"refund", resource == Product::"shop");
        """
    ) == {
        "look": {"effect": "write", "roles": ["agent"]},
        "list": {"effect": "write", "roles": ["agent"]},
        "refund": {"effect": "pay", "roles": ["lead", "agent"], "deny": ["trainee"]},
    }
    assert cedar_import("") == {}


ROLE = 'principal in Role::"a"'
ACT = 'action == Action::"x"'


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (f"permit (principal, {ACT}, resource);", "it permits everybody"),
        (f"forbid (principal, {ACT}, resource);", "it forbids everybody"),
        (f'permit (principal == User::"ann", {ACT}, resource);', "it is about one person"),
        (f'permit (principal in Team::"a", {ACT}, resource);', "it is about a Team"),
        (f"permit ({ROLE}, action, resource);", "it is not about named actions"),
        (f'permit ({ROLE}, action in Action::"all", resource);', "it is not about named actions"),
        (f'permit ({ROLE}, {ACT}, resource == Photo::"1");', "it is about single resources"),
        (f'permit ({ROLE}, {ACT}, resource in Product::"p");', "it is about single resources"),
        (f"permit ({ROLE}, {ACT}, resource) when {{ context.amount < 5 }};", "a condition other than"),
        (f"permit (principal, {ACT}, resource) unless {{ {ROLE} }};", "a condition other than"),
        (f"permit (principal, {ACT}, resource) when {{ {ROLE} || 1 == 1 }};", "a condition other than"),
        (
            f"permit (principal, {ACT}, resource) when {{ principal in context.role }};",
            "a condition other than",
        ),
        (
            f'permit ({ROLE}, {ACT}, resource) when {{ principal in Role::"b" }};',
            "it needs two roles at once",
        ),
        (f"permit (principal in ?principal, {ACT}, resource);", "a template"),
        (f"forbid ({ROLE}, {ACT}, resource);", "no policy permits it"),
        (f'@effect("eat") permit ({ROLE}, {ACT}, resource);', "its @effect is 'eat'"),
        (f'permit ({ROLE}, action == Action::"a/b", resource);', "'a/b' is no name in a contract"),
        ("permit (principal, action", "not Cedar"),
        ("permit " * 200_000, "more than 1,000,000 characters"),
    ],
)
def test_a_policy_that_no_line_of_a_contract_says_is_refused_by_name(policy: str, told: str) -> None:
    good = f'permit ({ROLE}, action == Action::"good", resource);'
    with pytest.raises(InputError, match=r"p\.cedar") as refused:
        cedar_import(f"{good}\n{policy}", where="p.cedar")
    assert told in str(refused.value)


def test_without_the_library_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    with pytest.raises(MissingExtraError, match=r"launchworthy\[cedar\]"):
        cedar_import("")
