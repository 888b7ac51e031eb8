"""permit and why: decisions on files and on one call, as a reviewer reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from launchworthy.cli.main import main

CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@example.com}
roles: [customer, agent, team_lead, contractor]
workflows:
  refund: {user: agent, job: pay back what is due, no_answer: refuse}
tools:
  search: {effect: read, roles: [customer, agent], deny: [contractor]}
  get_order: {effect: read, roles: [agent], scope: own_customer}
  refund:
    effect: pay
    roles: [agent]
    approval: [{by: agent, preview: [order, amount], expires: 10m}, {by: team_lead, above: 100 USD}]
    limits: {per_call: 500 USD, per_user: 1000 USD/d}
  mail:
    effect: send
    roles: [agent]
    approval: unattended
    limits: {total: 2/h}
"""


@pytest.fixture
def contract(tmp_path: Path) -> str:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    return str(path)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def _permit(
    capsys: pytest.CaptureFixture[str], contract: str, rows: list[Any], *further: str
) -> tuple[int, str, str]:
    file = Path(contract).parent / "calls.jsonl"
    file.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return _run(capsys, "permit", "--contract", contract, "--input", str(file), *further)


def test_each_row_is_answered_with_its_decision_rule_reason_and_approvals(
    contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "find", "tool": "search", "role": "customer", "arguments": {"q": "hats"}},
        {"tool": "search", "roles": ["agent", "contractor"]},
        {"tool": "refund", "roles": ["agent"], "user": "u", "arguments": {"amount": 150}, "expected": "mine"},
        {"tool": "delete_all", "roles": ["team_lead"]},
        {"tool": "mail", "roles": "agent", "arguments": {"to": "x"}, "provenance": {"to": "retrieved"}},
        {"tool": "mail", "roles": "agent", "arguments": {"to": "x"}, "provenance": {"to": "user"}},
        {"tool": "get_order", "role": "agent", "arguments": {"customer": 4}, "scopes": {"own_customer": 4}},
        {"tool": "mail", "role": "agent", "lowered": True},
        {"tool": "search", "role": "agent", "on_behalf_of": {"roles": ["team_lead"], "user": "u"}},
    ]
    code, out, err = _permit(capsys, contract, rows, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(answer["id"], answer["decision"], answer["rule"]) for answer in answers] == [
        ("find", "allow", "support/tools/search"),
        (2, "deny", "support/tools/search/deny"),
        (3, "needs_approval", "support/tools/refund/approval"),
        (4, "deny", "support/tools/unnamed"),
        (5, "deny", "support/tools/mail/arguments/to/from"),
        (6, "allow", "support/tools/mail"),
        (7, "allow", "support/tools/get_order"),
        (8, "deny", "support/tools/mail/effect"),
        (9, "deny", "support/tools/search/roles"),
    ]
    assert [step["by"] for step in answers[2]["approvals"]] == ["agent", "team_lead"]
    assert answers[2]["approvals"][0]["expires_ms"] == 600_000
    assert answers[4]["reason"] == (
        "to was chosen by retrieved text; only the user or the application may choose it"
    )
    code, out, _ = _permit(capsys, contract, rows)
    assert out.splitlines()[3] == (
        "4: deny delete_all: delete_all is no tool of the contract, and what is not named is denied "
        "(support/tools/unnamed)"
    )


def test_budgets_add_up_over_the_rows_and_a_clock_that_goes_back_refills_none(
    contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def refund(amount: int, user: str, at: str | None = None) -> dict[str, Any]:
        row = {"tool": "refund", "roles": ["agent"], "user": user, "arguments": {"amount": amount}}
        return row | ({} if at is None else {"at": at})

    mail = {"tool": "mail", "role": "agent", "at": "2026-11-24T12:00:00Z"}
    rows = [
        refund(500, "u", "2026-11-24T09:00:00Z"),
        refund(500, "u"),
        refund(1, "u", "2026-11-24T09:30:00+00:00"),
        refund(500, "v"),
        refund(1, "u", "2026-11-20T09:00:00Z"),
        refund(500, "u", "2026-11-25T09:30:00"),
        mail | {"at": "2026-11-25T12:00:00+02:00"},
        mail,
        mail,
        mail | {"at": "2026-11-25T12:00:00Z"},
    ]
    _, out, _ = _permit(capsys, contract, rows, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["decision"] for answer in answers] == [
        "needs_approval",
        "needs_approval",
        "deny",
        "needs_approval",
        "deny",
        "needs_approval",
        "allow",
        "allow",
        "deny",
        "allow",
    ]
    assert answers[2]["rule"] == "support/tools/refund/limits/per_user"
    assert answers[8]["rule"] == "support/tools/mail/limits/total"


@pytest.mark.parametrize(
    ("row", "message", "hint"),
    [
        ("{", "not JSON", ""),
        ("[1]", "holds a list", ""),
        ({"role": "agent"}, "there is no tool", '"tool": "…"'),
        ({"tool": 7, "role": "agent"}, "a number is no tool", ""),
        ({"tool": "mail"}, "the caller has no roles", ""),
        ({"tool": "mail", "role": "a", "roles": ["b"]}, "exclude each other", ""),
        ({"tool": "mail", "roles": [1]}, "roles is a list, not a name", ""),
        (
            {"tool": "mail", "role": "agent", "lowred": True},
            "'lowred' is not known",
            'did you mean "lowered"?',
        ),
        ({"tool": "mail", "role": "agent", "lowered": "true"}, "lowered is text, not true or false", ""),
        ({"tool": "mail", "role": "agent", "arguments": [1]}, "arguments is a list, not an object", ""),
        ({"tool": "mail", "role": "agent", "args": {}}, "'args' is not known", "arguments"),
        (
            {"tool": "mail", "role": "agent", "provenance": {"to": "me"}},
            "provenance of 'to' is 'me'",
            "retrieved",
        ),
        ({"tool": "mail", "role": "agent", "provenance": {"to": None}}, "provenance of 'to' is 'None'", ""),
        ({"tool": "mail", "role": "agent", "scopes": {"own": True}}, "scope 'own' is true or false", ""),
        ({"tool": "mail", "role": "agent", "on_behalf_of": "u"}, "on_behalf_of holds text", "nearest first"),
        ({"tool": "mail", "role": "agent", "on_behalf_of": {"user": "u"}}, "the caller has no roles", ""),
        ({"tool": "mail", "role": "agent", "at": "yesterday"}, "at is 'yesterday', not a moment", "2026"),
        ({"tool": "mail", "role": "agent", "at": 17}, "at is '17', not a moment", ""),
        ({"tool": "mail", "role": "agent", "data": {"x": 1}}, "data is an object", ""),
        ({"id": "a", "tool": "mail", "role": "agent"}, "stands in line 1 already", ""),
        ('{"tool": "mail", "role": "agent", "arguments": {"amount": NaN}}', "NaN is not JSON", ""),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_its_line_and_nothing_is_decided(
    contract: str, capsys: pytest.CaptureFixture[str], row: Any, message: str, hint: str
) -> None:
    good = {"id": "a", "tool": "search", "role": "agent"}
    code, out, err = _permit(capsys, contract, [good, row])
    assert (code, out) == (64, "")
    assert "calls.jsonl:2" in err
    assert message in err
    assert hint in err


def test_files_that_are_not_there_or_empty_are_told(
    contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _permit(capsys, contract, [])[0] == 64
    code, _, err = _run(capsys, "permit", "--contract", contract, "--input", "nowhere.jsonl")
    assert (code, "nowhere.jsonl" in err) == (64, True)
    code, _, err = _run(capsys, "why", "--contract", "nowhere.yaml", "--tool", "x", "--role", "agent")
    assert (code, "no such contract" in err) == (64, True)
    Path(contract).write_text(
        CONTRACT.replace("roles: [agent]\n    approval: un", "roles: [agnt]\n    approval: un")
    )
    code, _, err = _run(capsys, "why", "--contract", contract, "--tool", "mail", "--role", "agent")
    assert code == 64
    assert '"agnt" is not a role; did you mean "agent"?' in err


def test_why_says_in_words_what_stands_against_a_call_and_where(
    contract: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["why", "--contract", contract, "--tool", "refund"]
    code, out, _ = _run(capsys, *call, "--role", "customer", "--arguments", '{"amount": 700}')
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "denied: refund is for agent, and the caller is customer"
    assert lines[1].startswith("rule    support/tools/refund/roles  ")
    assert lines[1].endswith("launchworthy.yaml:13:5")
    assert lines[2] == "change  call it for agent, or add a role to support/tools/refund/roles"
    assert lines[3] == "        give amount as a number of at most 500 USD"
    code, out, _ = _run(capsys, *call, "--role", "agent", "--arguments", '{"amount": 70}')
    assert code == 2
    assert out.startswith("needs approval: refund needs the approval of agent\n")
    assert "change  the approval of agent, who is shown order, amount; it stands 10 min" in out
    code, out, _ = _run(
        capsys, "why", "--contract", contract, "--tool", "search", "--role", "agent", "--json"
    )
    assert code == 0
    assert json.loads(out)["decision"] == "allow"


def test_why_takes_all_that_a_row_may_say(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    mail = [
        "why",
        "--contract",
        contract,
        "--tool",
        "mail",
        "--role",
        "agent",
        "--arguments",
        '{"to": "x"}',
        "--json",
    ]
    assert json.loads(_run(capsys, *mail)[1])["rule"] == "support/tools/mail/arguments/to/from"
    known = [*mail, "--provenance", "to=user"]
    assert _run(capsys, *known)[0] == 0
    assert json.loads(_run(capsys, *known, "--lowered")[1])["rule"] == "support/tools/mail/effect"
    assert (
        json.loads(_run(capsys, *known, "--on-behalf-of", "customer")[1])["rule"]
        == "support/tools/mail/roles"
    )
    assert _run(capsys, *known, "--on-behalf-of", "customer,agent")[0] == 0
    assert json.loads(_run(capsys, *known, "--data", "secrets")[1])["rule"] == "support/data/unnamed"
    order = ["why", "--contract", contract, "--tool", "get_order", "--role", "agent"]
    order += ["--arguments", '{"customer": "c-1"}']
    assert _run(capsys, *order, "--scope", "own_customer=c-1")[0] == 0
    code, out, _ = _run(capsys, *order, "--scope", "own_customer=c-2")
    assert (code, "names rows outside own_customer" in out) == (1, True)
    for wrong in (["--provenance", "to"], ["--provenance", "to=me"], ["--scope", "=x"], ["--arguments", "{"]):
        assert _run(capsys, *mail, *wrong)[0] == 64
    assert _run(capsys, *mail, "--arguments", "[]")[0] == 64
