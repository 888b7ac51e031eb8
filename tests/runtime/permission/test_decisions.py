"""What may run, what may not, and what a person must confirm: one rule at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.runtime.permission import (
    Checked,
    Decision,
    Origin,
    Policy,
    Principal,
    Request,
    Ruling,
    changes,
    why,
)

ALLOW, DENY, ASK = Ruling.ALLOW, Ruling.DENY, Ruling.NEEDS_APPROVAL
APPROVAL = [{"by": "agent", "preview": ["order"], "expires": "10m"}, {"by": "lead", "above": "100 USD"}]
REFUND = {
    "effect": "pay",
    "roles": ["agent"],
    "approval": APPROVAL,
    "limits": {"per_call": "500 USD", "per_user": "2000 USD/d"},
    "idempotent_by": ["order"],
}
NOTE = {"effect": "write", "roles": ["agent"], "approval": "unattended", "limits": {"total": "9/d"}}


def _refund(policy: Policy, amount: Any, **further: Any) -> Decision:
    return policy.decide(
        Request(
            tool="refund", roles=("agent",), user="u", arguments={"order": "A", "amount": amount} | further
        )
    )


def test_what_the_contract_does_not_name_is_denied(policy_of: Any) -> None:
    found = policy_of({"search": {"effect": "read", "roles": ["customer"]}}).decide(
        Request(tool="serach", roles=("customer", "agent", "lead"))
    )
    assert (found.ruling, found.rule) == (DENY, "shop/tools/unnamed")
    assert changes(found) == ("did you mean search?",)
    assert policy_of({}).decide(Request(tool="", roles=("agent",))).ruling is DENY


def test_a_role_that_is_denied_wins_over_every_role_that_may(policy_of: Any) -> None:
    policy = policy_of({"search": {"effect": "read", "roles": ["agent", "lead"], "deny": ["trainee"]}})
    assert policy.decide(Request(tool="search", roles=("agent",))).ruling is ALLOW
    for roles in (("trainee", "agent"), ("agent", "lead", "trainee")):
        found = policy.decide(Request(tool="search", roles=roles))
        assert (found.ruling, found.rule) == (DENY, "shop/tools/search/deny")
    assert policy.decide(Request(tool="search", roles=())).rule == "shop/tools/search/roles"
    assert policy.decide(Request(tool="search", roles=("Agent",))).ruling is DENY


def test_every_step_that_is_due_is_named_with_what_it_shows_and_how_long_it_stands(policy_of: Any) -> None:
    policy = policy_of({"refund": REFUND})
    small = _refund(policy, 100)
    assert (small.ruling, [step.by for step in small.approvals]) == (ASK, ["agent"])
    step = small.approvals[0]
    assert (step.preview, step.expires_ms, step.index) == (("order",), 600_000, 0)
    large = _refund(policy, 100.01)
    assert [step.by for step in large.approvals] == ["agent", "lead"]
    assert large.approvals[1].expires_ms == 900_000
    assert large.reason == "refund needs the approval of agent and lead (above 100 USD)"
    assert "the approval of lead, which is due above 100 USD; it stands 15 min" in changes(large)[1]


def test_where_only_large_amounts_are_approved_what_cannot_be_shown_to_be_small_is_large(
    policy_of: Any,
) -> None:
    policy = policy_of({"refund": REFUND | {"approval": [APPROVAL[1]], "limits": {"total": "50/d"}}})
    assert _refund(policy, 99).ruling is ALLOW
    odd: list[Any] = [101, "99 EUR", "9,9", None, [], "99 USD or more", True]
    for amount in odd:
        assert _refund(policy, amount).ruling is ASK, amount
    without = policy.decide(Request(tool="refund", roles=("agent",), user="u"))
    assert without.ruling is ASK


@pytest.mark.parametrize(
    "amount",
    [
        -5,
        "-5",
        float("nan"),
        float("inf"),
        True,
        None,
        "",
        "1e2",
        "1,000",
        "٥",
        "5 EUR",
        "5 usd",
        "0x5",
        10**400,
        {"value": 5, "currency": "EUR"},
        {"value": -5, "currency": "USD"},
        {"value": 5},
        [5],
        [],
        "5 USD 600",
        {"value": {"value": 5, "currency": "USD"}, "currency": "USD"},
        "5" * 5_000,
        500.01,
        "500.01 USD",
        "5 d",
    ],
)
def test_an_amount_that_is_too_large_or_cannot_be_read_is_over_the_limit(policy_of: Any, amount: Any) -> None:
    found = _refund(policy_of({"refund": REFUND}), amount)
    assert (found.ruling, found.rule) == (DENY, "shop/tools/refund/limits/per_call")


@pytest.mark.parametrize(
    "amount", [0, 500, 500.0, "500", " 500.00 USD ", {"amount": "500", "currency": "usd"}]
)
def test_an_amount_within_the_limit_is_read_as_it_may_be_written(policy_of: Any, amount: Any) -> None:
    assert _refund(policy_of({"refund": REFUND}), amount).ruling is ASK


def test_a_currency_beside_the_amount_counts_and_two_contradict(policy_of: Any) -> None:
    policy = policy_of({"refund": REFUND})
    assert _refund(policy, 5, currency="USD").ruling is ASK
    assert "another unit" in _refund(policy, 5, currency="KWD").reason
    assert _refund(policy, "5 USD", currency="EUR").reason.startswith("amount names two currencies")
    assert _refund(policy, 5, currency=["USD"]).ruling is DENY


def test_an_argument_that_could_be_taken_for_another_is_denied(policy_of: Any) -> None:
    policy = policy_of({"refund": REFUND})
    for name in ("Amount", "AMOUNT", "amount ", "a-mount", "ａｍｏｕｎｔ", "ORDER", "Currency"):
        found = _refund(policy, 5, **{name: 9_999})
        assert (found.ruling, found.rule) == (DENY, "shop/tools/refund/arguments"), name
    assert _refund(policy, 5, amount_before=7).ruling is ASK


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        ({"at_least": 2}, [2, "2", 3.5, [2, 3]], [1.99, "two", True, None, [2, 1], {"value": 3}]),
        ({"at_most": "30 EUR"}, [30, "30 EUR", 0, []], [30.1, "30 USD", -1, float("nan")]),
        ({"at_most": "2h"}, ["2h", "90m", "0.5 h"], ["121m", 30, "2 USD", "PT2H"]),
        ({"one_of": ["red", 1]}, ["red", 1, 1.0, ["red"]], ["Red", "red ", True, "1", None, {"red": 1}]),
        ({"one_of": [True]}, [True], [1, "true"]),
        (
            {"pattern": "[A-Z]-[0-9]+"},
            ["A-17", ["A-1", "B-2"]],
            ["xA-17", "A-17\n", "A-", 17, None, "A-" + "1" * 2000],
        ),
        ({"most_characters": 3}, ["abc", ""], ["abcd", 7, None, ["abcd"]]),
    ],
)
def test_each_limit_of_an_argument_holds_for_every_form_of_its_value(
    policy_of: Any, limit: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    policy = policy_of({"draw": {"effect": "read", "roles": ["agent"], "arguments": {"x": limit}}})
    rule = f"shop/tools/draw/arguments/x/{next(iter(limit))}"
    for value in good:
        found = policy.decide(Request(tool="draw", roles=("agent",), arguments={"x": value}))
        assert found.ruling is ALLOW, value
        assert rule in [check.rule for check in found.checks]
    for value in bad:
        found = policy.decide(Request(tool="draw", roles=("agent",), arguments={"x": value}))
        assert (found.ruling, found.rule) == (DENY, rule), value
        assert str(value)[:12] not in found.reason or len(str(value)) < 4
    assert policy.decide(Request(tool="draw", roles=("agent",), arguments={"y": 1})).ruling is ALLOW


def test_a_limit_reaches_a_field_within_an_argument(policy_of: Any) -> None:
    policy = policy_of(
        {"draw": {"effect": "read", "roles": ["agent"], "arguments": {"pen.width": {"at_most": 3}}}}
    )
    inside = {"pen": {"width": 4}}
    assert policy.decide(Request(tool="draw", roles=("agent",), arguments=inside)).ruling is DENY
    assert (
        policy.decide(Request(tool="draw", roles=("agent",), arguments={"pen": {"width": 3}})).ruling is ALLOW
    )
    assert policy.decide(Request(tool="draw", roles=("agent",), arguments={"pen": "wide"})).ruling is ALLOW


def test_a_field_is_found_in_every_place_in_which_it_stands(policy_of: Any) -> None:
    arguments = {"pen.width": {"at_most": 3}, "pen.to": {"from": "application"}}
    send = {"effect": "send", "roles": ["agent"], "approval": "unattended", "limits": {"total": "9/d"}}
    policy = policy_of({"draw": send | {"arguments": arguments}})

    def rule(given: dict[str, Any], **provenance: Origin) -> str:
        call = Request(tool="draw", roles=("agent",), arguments=given, provenance=provenance)
        found = policy.decide(call)
        return "" if found.ruling is ALLOW else found.rule.removeprefix("shop/tools/draw/")

    assert rule({"pen": [{"width": 1}, {"width": 3}, {}]}) == ""
    for wide in (
        {"pen": [{"width": 1}, {"width": 4}]},
        {"pen": {"width": 1}, "pen.width": 4},
        {"pen": [{"width": [1, 4]}]},
        {"pen": [[{"width": 4}]]},
        {"pen": '{"width": 4}'},
        {"pen": ['[{"width": 4}]']},
    ):
        assert rule(wide) == "arguments/pen.width/at_most", wide
    for name in (
        {"pen": {"Width": 4}},
        {"Pen": {"width": 4}},
        {"penwidth": 4},
        {"x": 1, "pen": [{"WIDTH": 1}]},
    ):
        assert rule(name) == "arguments", name
    sent = {"pen": [{"to": "a"}, {"to": "b"}]}
    assert rule(sent) == "arguments/pen.to/from"
    assert rule(sent, pen=Origin.USER) == "arguments/pen.to/from"
    assert rule(sent, pen=Origin.APPLICATION) == ""
    assert rule({"pen": '{"to": "a"}'}, pen=Origin.USER) == "arguments/pen.to/from"


SEND = {"effect": "send", "roles": ["agent"], "approval": "unattended", "limits": {"total": "9/d"}}


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": "bob"},
        {"recipient_email": "x"},
        {"payeeName": "x"},
        {"iban": "x"},
        {"account_id": 12},
        {"url": "x"},
        {"filePath": "x"},
        {"webhook_url": "x"},
        {"cc": ["x"]},
        {"message": {"to": "x"}},
        {"m": [{"deep": {"bcc": "x"}}]},
        {"anything": "https://evil.example/x"},
        {"anything": "a@b.example"},
        {"anything": "/etc/passwd"},
        {"anything": "DE89 3704 0044 0532 0130 00"},
        {"anything": {"x@evil.example": True}},
        {"x": ["../up"]},
        {"x": "file:secret"},
        {"x": "C:\\data"},
        {"payload": '{"mail": {"to": "x"}}'},
        {"payload": '  [{"x": "a@b.example"}]'},
        {"payload": ['{"x": "{\\"to\\": 1}"}']},
        {"who": "a@b.example, c@d.example"},
        {"who": "Ann <a@b.example>; Bob <c@d.example>"},
        {"attendees": "x"},
    ],
)
@pytest.mark.parametrize("origin", [None, Origin.RETRIEVED, Origin.TOOL_RESULT, Origin.MODEL])
def test_nothing_but_the_user_or_the_application_chooses_whom_a_tool_acts_on(
    policy_of: Any, arguments: dict[str, Any], origin: Origin | None
) -> None:
    policy = policy_of({"send": SEND, "look": {"effect": "read", "roles": ["agent"]}})
    name = next(iter(arguments))

    def decide(tool: str, chosen: Origin | None) -> Decision:
        provenance = {} if chosen is None else {name: chosen}
        call = Request(tool=tool, roles=("agent",), arguments=arguments, provenance=provenance)
        decision: Decision = policy.decide(call)
        return decision

    found = decide("send", origin)
    assert found.ruling is DENY
    assert found.rule.startswith(f"shop/tools/send/arguments/{name}")
    assert found.rule.endswith("/from")
    assert decide("look", origin).ruling is ALLOW  # what only reads sends nothing anywhere
    assert decide("send", Origin.USER).ruling is ALLOW
    assert decide("send", Origin.APPLICATION).ruling is ALLOW


def test_free_text_and_what_is_left_empty_choose_nobody(policy_of: Any) -> None:
    policy = policy_of({"send": SEND})
    free = {
        "body": "Write to bob@x.example or see https://x.example/y",
        "amount": 5,
        "subject": "to you",
        "cc": [],
    }
    free["note"] = '{"text": "to whom it may concern"}'
    empty: dict[str, Any] = {"to": "", "cc": None, "email_subject": "x", "url_count": 4}
    for arguments in (free, empty):
        assert policy.decide(Request(tool="send", roles=("agent",), arguments=arguments)).ruling is ALLOW


def test_the_contract_widens_or_narrows_who_may_choose_an_argument(policy_of: Any) -> None:
    arguments = {"to": {"from": "any"}, "tenant": {"from": "application"}, "order": {"from": "user"}}
    policy = policy_of({"send": SEND | {"arguments": arguments}})

    def rule(**provenance: Origin) -> str:
        given = dict.fromkeys(provenance, "x")
        found = policy.decide(Request(tool="send", roles=("agent",), arguments=given, provenance=provenance))
        return "" if found.ruling is ALLOW else found.rule

    assert rule(to=Origin.MODEL) == ""
    assert rule(tenant=Origin.USER) == "shop/tools/send/arguments/tenant/from"
    assert rule(tenant=Origin.APPLICATION) == ""
    assert rule(order=Origin.TOOL_RESULT) == "shop/tools/send/arguments/order/from"
    assert rule(order=Origin.USER) == ""


def test_a_tool_within_a_scope_reaches_only_the_rows_that_the_application_names(policy_of: Any) -> None:
    policy = policy_of({"order": {"effect": "read", "roles": ["agent"], "scope": "own_customer"}})

    def rule(arguments: dict[str, Any], **scopes: str) -> str:
        found = policy.decide(Request(tool="order", roles=("agent",), arguments=arguments, scopes=scopes))
        return "" if found.ruling is ALLOW else found.rule

    own = "shop/tools/order/scope"
    assert rule({"customer_id": "c-17"}, own_customer="c-17") == ""
    assert rule({"customer": ["c-17", "c-17"]}, own_customer="c-17") == ""
    assert rule({"customerId": 17}, own_customer="17") == ""
    elsewhere: list[dict[str, Any]] = [
        {"customer_id": "c-18"},
        {"customer": ["c-17", "c-18"]},
        {"customer": []},
        {"order": "A"},
        {},
        {"customer_id": "c-17", "customer": "c-18"},
        {"customer": None},
        {"customer": {"id": "c-17"}},
        {"customer": "c-17", "customers": ["c-18"]},
    ]
    for arguments in elsewhere:
        assert rule(arguments, own_customer="c-17") == own, arguments
    assert rule({"customer_id": "c-17"}) == own
    assert rule({"customer_id": ""}, own_customer="") == own


def test_an_argument_may_be_bound_to_a_scope_by_name(policy_of: Any) -> None:
    block = {"effect": "read", "roles": ["agent"], "arguments": {"buyer": {"scope": "own_customer"}}}
    policy = policy_of({"order": block, "within": block | {"scope": "own_customer"}})

    def ruling(tool: str, arguments: dict[str, Any]) -> Ruling:
        scopes = {"own_customer": "c-17"}
        found: Decision = policy.decide(
            Request(tool=tool, roles=("agent",), arguments=arguments, scopes=scopes)
        )
        return found.ruling

    assert ruling("order", {"buyer": "c-17"}) is ALLOW
    assert ruling("order", {"buyer": "c-1"}) is DENY
    assert ruling("order", {}) is ALLOW
    assert ruling("within", {}) is DENY
    assert ruling("within", {"customer": "c-17"}) is DENY  # the contract names another argument


def test_data_flows_only_where_its_class_may(policy_of: Any) -> None:
    sources = {
        "prices": {"class": "public", "may": ["see"]},
        "salaries": {"class": "restricted", "may": ["see"]},
        "groups": {"class": "internal", "only_for": "fairness"},
    }
    tool = {"effect": "read", "roles": ["agent"]}
    policy = policy_of(
        {"post": tool | {"data": ["public", "internal"]}, "keep": tool, "nothing": tool | {"data": []}},
        sources,
    )

    def rule(name: str, *data: str) -> str:
        found = policy.decide(Request(tool=name, roles=("agent",), data=data))
        return "" if found.ruling is ALLOW else found.rule

    assert rule("post", "prices", "internal") == ""
    assert rule("post", "prices", "salaries") == "shop/tools/post/data"
    assert rule("post", "restricted") == "shop/tools/post/data"
    assert rule("keep", "salaries") == ""
    assert rule("nothing", "prices") == "shop/tools/nothing/data"
    assert rule("nothing") == ""
    assert rule("keep", "secrets") == "shop/data/unnamed"
    assert rule("keep", "groups") == "shop/data/sources/groups/only_for"


def test_lowered_rights_leave_reading_and_what_a_person_approves(policy_of: Any) -> None:
    policy = policy_of({"refund": REFUND, "note": NOTE, "look": {"effect": "read", "roles": ["agent"]}})

    def decide(tool: str, lowered: bool) -> Decision:
        arguments = {"order": "A", "amount": 5}
        found: Decision = policy.decide(
            Request(tool=tool, roles=("agent",), user="u", arguments=arguments, lowered=lowered)
        )
        return found

    assert decide("note", False).ruling is ALLOW
    assert (decide("note", True).ruling, decide("note", True).rule) == (DENY, "shop/tools/note/effect")
    assert decide("look", True).ruling is ALLOW
    assert [step.by for step in decide("refund", False).approvals] == ["agent"]
    assert [step.by for step in decide("refund", True).approvals] == ["agent", "lead"]


def test_arguments_follow_their_json_schema_and_nothing_is_fetched_for_it(
    tmp_path: Path, contract_text: Any
) -> None:
    tool = {"effect": "read", "roles": ["agent"], "schema": "draw.json"}
    file = tmp_path / "launchworthy.yaml"
    file.write_text(contract_text({"draw": tool}))

    def decide(schema: Any, **arguments: Any) -> Decision:
        (tmp_path / "draw.json").write_text(json.dumps(schema))
        policy = Policy.of(parse_contract(file.read_text(), file=str(file)))
        return policy.decide(Request(tool="draw", roles=("agent",), arguments=arguments))

    closed = {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False}
    assert decide(closed, x=1).ruling is ALLOW
    found = decide(closed, x="secret text")
    assert (found.ruling, found.rule) == (DENY, "shop/tools/draw/schema")
    assert found.reason == "the arguments do not follow their JSON Schema: $.x breaks type"
    assert decide(closed, x=1, y=2).ruling is DENY
    remote = {"$ref": "https://schemas.example/other.json"}
    assert "could not be checked" in decide(remote, x=1).reason
    with pytest.raises(InputError, match="not a JSON Schema"):
        decide({"type": "integre"})
    (tmp_path / "draw.json").unlink()
    with pytest.raises(InputError, match="is not there"):
        Policy.of(parse_contract(file.read_text(), file=str(file)))


def test_all_that_stands_against_a_call_is_told_at_once(policy_of: Any) -> None:
    found = policy_of({"refund": REFUND}).decide(
        Request(tool="refund", roles=("customer",), arguments={"amount": 900, "Order": "A"}, lowered=True)
    )
    broken = [check.rule.removeprefix("shop/tools/refund/") for check in found.checks if check.remedy]
    assert broken == ["roles", "arguments", "limits/per_call"]
    told = why(found, place=lambda rule: "shop.yaml:7:1" if rule.endswith("roles") else "")
    assert told[0] == "denied: refund is for agent, and the caller is customer"
    assert told[1] == "rule    shop/tools/refund/roles  shop.yaml:7:1"
    assert sum(line.startswith("broken") for line in told) == 3
    assert {check.outcome for check in found.checks} == {Checked.KEPT, Checked.BROKEN, Checked.DUE}


def test_no_text_of_an_argument_gets_into_a_reason(policy_of: Any) -> None:
    policy = policy_of({"refund": REFUND, "send": SEND})
    secret = "4111 1111 1111 1111"
    for request in (
        Request(tool="send", roles=("agent",), arguments={"to": secret, "m": {"to": secret}}),
        Request(tool="refund", roles=("agent",), arguments={"amount": secret, "currency": secret}),
    ):
        assert secret not in json.dumps(policy.decide(request).as_json())


def test_arguments_nested_without_end_are_denied_and_names_of_strangers_print_safely(policy_of: Any) -> None:
    deep: Any = "x"
    for _ in range(3_000):
        deep = {"a": deep}
    policy = policy_of({"send": SEND})
    found = policy.decide(Request(tool="send", roles=("agent",), arguments={"m": deep}))
    assert (found.ruling, found.rule) == (DENY, "shop/tools/send/arguments")
    strange = policy.decide(Request(tool="x\x1b[2J" + "y" * 500, roles=("a\u202eb",)))
    assert "\x1b" not in strange.reason
    assert len(strange.reason) < 300


def test_what_is_no_json_is_not_looked_into_and_so_not_let_through(policy_of: Any) -> None:
    class Hidden:
        to = "x@evil.example"

    class Text(str):
        pass

    policy = policy_of({"send": SEND})
    odd: list[Any] = [({"to": "x"},), {"a": {"to"}}, [b"x"], Hidden(), {1: "x"}, [[{"a": Hidden()}]]]
    for value in odd:
        found = policy.decide(Request(tool="send", roles=("agent",), arguments={"m": value}))
        assert (found.ruling, found.rule) == (DENY, "shop/tools/send/arguments"), value
    numbered: Any = {7: "x"}
    assert policy.decide(Request(tool="send", roles=("agent",), arguments=numbered)).ruling is DENY
    named = policy.decide(Request(tool="send", roles=("agent",), arguments={"x": Text("a@evil.example")}))
    assert named.rule == "shop/tools/send/arguments/x/from"


def test_an_origin_may_be_written_as_its_word_and_another_word_is_nobody(policy_of: Any) -> None:
    policy = policy_of({"send": SEND})
    rulings = []
    for origin in ("user", Origin.USER, "me", Origin.MODEL, "model", "application"):
        provenance: Any = {"to": origin}
        call = Request(tool="send", roles=("agent",), arguments={"to": "x"}, provenance=provenance)
        rulings.append(policy.decide(call).ruling)
    assert rulings == [ALLOW, ALLOW, DENY, DENY, DENY, ALLOW]


def test_everyone_in_a_chain_must_have_the_right(policy_of: Any) -> None:
    policy = policy_of({"look": {"effect": "read", "roles": ["agent", "lead"], "deny": ["trainee"]}})

    def ruling(*chain: tuple[str, ...]) -> Ruling:
        behalf = tuple(Principal(roles=roles) for roles in chain[1:])
        found: Decision = policy.decide(Request(tool="look", roles=chain[0], on_behalf_of=behalf))
        return found.ruling

    assert ruling(("agent",), ("lead",)) is ALLOW
    assert ruling(("agent",), ("customer",)) is DENY
    assert ruling(("customer",), ("agent",)) is DENY
    assert ruling(("agent",), ("lead",), ("lead", "trainee")) is DENY
    assert ruling(("agent",), ()) is DENY
