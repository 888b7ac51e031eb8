"""The policy against a slow reading of the contract's own text, on random contracts and calls.

The reading below knows nothing of the policy's modules: it walks the plain YAML, adds up every earlier call
for each budget, and names every line that is broken.
"""

from __future__ import annotations

import json
import random
import re
from fractions import Fraction
from typing import Any

import pytest

from launchworthy.contract import parse_contract
from launchworthy.runtime.permission import (
    Checked,
    MemorySpending,
    Origin,
    Overrun,
    Policy,
    Principal,
    Request,
    Ruling,
)

ROLES = ["a", "b", "c", "d"]
CLASSES = ["public", "internal", "confidential", "restricted"]
DAY_MS = 86_400_000
PERIODS = {"h": DAY_MS // 24, "d": DAY_MS, "w": 7 * DAY_MS}
ORIGINS = ["application", "user", "tool_result", "retrieved", "model"]
MAY_CHOOSE: dict[str, list[str | None]] = {
    "any": [None, *ORIGINS],
    "user": ["user", "application"],
    "application": ["application"],
}


def _some(rng: random.Random, values: list[Any], least: int = 0) -> list[Any]:
    return rng.sample(values, rng.randint(least, len(values)))


def _contract(rng: random.Random) -> dict[str, Any]:
    tools = {}
    for name in [f"t{number}" for number in range(rng.randint(1, 4))]:
        roles = _some(rng, ROLES, 1)
        tool: dict[str, Any] = {
            "effect": rng.choice(["read", "write", "send", "pay", "delete"]),
            "roles": roles,
        }
        if rng.random() < 0.4:
            tool["deny"] = _some(rng, [role for role in ROLES if role not in roles])
        limits = {}
        if rng.random() < 0.5:
            limits["per_call"] = f"{rng.randint(1, 9)}0 USD"
        if rng.random() < 0.5:
            limits["per_user"] = rng.choice(["2/h", "3/d", "150 USD/d", "60 USD/h"])
        if rng.random() < 0.5 or not limits:
            limits["total"] = rng.choice(["4/h", "6/d", "300 USD/w", "9/w"])
        if rng.random() < 0.7:
            tool["limits"] = limits
        if tool["effect"] != "read" or rng.random() < 0.2:
            steps = [
                {"by": rng.choice(ROLES)}
                | ({"above": f"{rng.randint(0, 6)}0 USD"} if rng.random() < 0.5 else {})
                for _ in range(rng.randint(1, 3))
            ]
            unattended = rng.random() < 0.4 and {"per_user", "total"} & set(tool.get("limits", {}))
            tool["approval"] = "unattended" if unattended else steps
        if rng.random() < 0.3:
            tool["scope"] = "own_shop"
        if rng.random() < 0.4:
            tool["data"] = _some(rng, CLASSES)
        arguments: dict[str, Any] = {}
        if rng.random() < 0.4:
            low = rng.randint(0, 5)
            arguments["size"] = {"at_least": low, "at_most": low + rng.randint(0, 5)}
        if rng.random() < 0.3:
            arguments["colour"] = {"one_of": ["red", "blue", 3]}
        if rng.random() < 0.3:
            arguments["code"] = {"pattern": "[A-Z]{2}[0-9]+", "most_characters": 4}
        for key in ("to", "note"):
            if rng.random() < 0.4:
                arguments.setdefault(key, {})["from"] = rng.choice(["application", "user", "any"])
        if arguments:
            tool["arguments"] = arguments
        tools[name] = tool
    return {
        "launchworthy": 1,
        "product": "p",
        "owners": {"product": "ana@example.com"},
        "roles": ROLES,
        "workflows": {"w": {"user": "a", "job": "get help", "no_answer": "refuse"}},
        "tools": tools,
        "data": {"sources": {f"s{at}": {"class": name} for at, name in enumerate(CLASSES)}},
    }


def _row(rng: random.Random, tools: list[str]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    choices: dict[str, list[Any]] = {
        "amount": [0, 10, 25.5, 30, "40", "50 USD", 61, 90, 95, -1, "x", True, "20 EUR"],
        "size": [0, 2, 5, 6, 11, "4", None],
        "colour": ["red", "Red", 3, "3", True],
        "code": ["AB1", "AB12", "AB123", "ab1", 7],
        "to": ["bob", "", None],
        "note": ["hi", "a@b.example", 4, None],
        "link": ["x"],
        "shop": ["s-1", "s-2", 5],
    }
    for name, values in choices.items():
        if rng.random() < (0.9 if name == "amount" else 0.35):
            arguments[name] = rng.choice(values[:8] if name == "amount" and rng.random() < 0.8 else values)
    return {
        "tool": rng.choice([*tools, *tools, *tools, "other"]),
        "roles": _some(rng, ROLES, 1),
        "chain": [_some(rng, ROLES, 1) for _ in range(rng.choice([0, 0, 0, 1, 2]))],
        "user": rng.choice(["u1", "u2", ""]),
        "arguments": arguments,
        "provenance": {name: rng.choice(["user", *ORIGINS]) for name in arguments if rng.random() < 0.85},
        "scopes": {"own_shop": rng.choice(["s-1", "s-1", "5"])} if rng.random() < 0.8 else {},
        "data": _some(rng, ["public", "restricted", "s1", "s2", "nowhere"]) if rng.random() < 0.3 else [],
        "lowered": rng.random() < 0.1,
    }


# ── the slow reading ──────────────────────────────────────────────────────────────────────────────────


def _dollars(value: Any) -> Fraction | str:
    """The amount of a call in dollars, or what kind of amount it is not."""
    if isinstance(value, bool) or value is None:
        return "unreadable"
    text = str(value)
    if text.endswith(" EUR"):
        return "euros"
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?( USD)?", text):
        return "unreadable"
    return Fraction(text.removesuffix(" USD"))


def _size(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", str(value)):
        return None
    return Fraction(str(value))


def _holds(rule: str, limit: Any, value: Any) -> bool:
    size = _size(value)
    if rule == "at_least":
        return size is not None and size >= limit
    if rule == "at_most":
        return size is not None and size <= limit
    if rule == "one_of":
        return any(value == each and type(value) is type(each) for each in limit)
    if rule == "pattern":
        return isinstance(value, str) and bool(re.fullmatch(limit, value))
    if rule == "most_characters":
        return isinstance(value, str) and len(value) <= limit
    return rule == "from"


def _read_slowly(
    contract: dict[str, Any], row: dict[str, Any], at: int, earlier: list[tuple[int, str, str, Any]]
) -> tuple[str, set[str], list[int]]:
    """Decision, the lines that are broken, and the numbers of the approvals due."""
    broken: set[str] = set()
    tool = contract["tools"].get(row["tool"])
    if tool is None:
        return "deny", {"tools/unnamed"}, []
    name, given = row["tool"], row["arguments"]
    acts = tool["effect"] != "read"
    steps: list[dict[str, Any]] = tool["approval"] if isinstance(tool.get("approval"), list) else []
    for roles in [row["roles"], *row["chain"]]:
        denied = [role for role in roles if role in tool.get("deny", [])]
        if denied:
            broken.add(f"tools/{name}/deny")
        elif not any(role in tool["roles"] for role in roles):
            broken.add(f"tools/{name}/roles")
    if row["lowered"] and acts and not steps:
        broken.add(f"tools/{name}/effect")
    if "scope" in tool and (
        "own_shop" not in row["scopes"] or str(given.get("shop")) != row["scopes"]["own_shop"]
    ):
        broken.add(f"tools/{name}/scope")
    for key, rules in tool.get("arguments", {}).items():
        if key not in given:
            continue
        value = given[key]
        broken |= {
            f"tools/{name}/arguments/{key}/{rule}"
            for rule, limit in rules.items()
            if not _holds(rule, limit, value)
        }
    for key, value in given.items():
        declared = tool.get("arguments", {}).get(key, {}).get("from")
        chooses = key in ("to", "link") or value == "a@b.example"
        needs = declared or ("user" if acts and chooses and value not in ("", None) else "any")
        if value is not None and row["provenance"].get(key) not in MAY_CHOOSE[needs]:
            broken.add(f"tools/{name}/arguments/{key}/from")
    sources = {f"s{at}": each for at, each in enumerate(CLASSES)} | {each: each for each in CLASSES}
    for source in row["data"]:
        if source not in sources:
            broken.add("data/unnamed")
        elif "data" in tool and sources[source] not in tool["data"]:
            broken.add(f"tools/{name}/data")
    amount = _dollars(given.get("amount"))
    limits = tool.get("limits", {})
    if "per_call" in limits:
        most = Fraction(limits["per_call"].split()[0])
        if isinstance(amount, str) or amount > most:
            broken.add(f"tools/{name}/limits/per_call")
    for key in ("per_user", "total"):
        if key not in limits:
            continue
        most_text, period = limits[key].split("/")
        money = most_text.endswith(" USD")
        mine: Any = amount if money else 1
        spent = sum(
            ((each if money else 1) for when, of, user, each in earlier
             if of == name and when > at - PERIODS[period] and (key == "total" or user == row["user"])),
            start=Fraction(0),
        )  # fmt: skip
        if isinstance(mine, str) or spent + mine > Fraction(most_text.removesuffix(" USD")):
            broken.add(f"tools/{name}/limits/{key}")
    due = [
        number
        for number, step in enumerate(steps)
        if row["lowered"]
        or "above" not in step
        or isinstance(amount, str)
        or amount > Fraction(step["above"].split()[0])
    ]
    return ("deny" if broken else "needs_approval" if due else "allow"), broken, due


@pytest.mark.parametrize("seed", range(6))
def test_the_policy_agrees_with_a_slow_reading_of_the_contract(seed: int) -> None:
    rng = random.Random(seed)
    seen: set[str] = set()
    for _ in range(12):
        plain = _contract(rng)
        policy = Policy.of(parse_contract(json.dumps(plain)))
        spending, earlier, at = MemorySpending(), list[tuple[int, str, str, Any]](), 10 * DAY_MS
        for _ in range(70):
            at += rng.choice([0, 1, DAY_MS // 50, DAY_MS // 10])
            row = _row(rng, list(plain["tools"]))
            found = policy.decide(
                Request(
                    tool=row["tool"],
                    roles=tuple(row["roles"]),
                    user=row["user"] if not row["chain"] else "robot",
                    on_behalf_of=tuple(
                        Principal(roles=tuple(roles), user=row["user"]) for roles in row["chain"]
                    ),
                    arguments=row["arguments"],
                    provenance={key: Origin(value) for key, value in row["provenance"].items()},
                    scopes=row["scopes"],
                    data=tuple(row["data"]),
                    lowered=row["lowered"],
                    at_ms=at,
                ),
                spending=spending,
            )
            decision, broken, due = _read_slowly(plain, row, at, earlier)
            told = {
                check.rule.removeprefix("p/") for check in found.checks if check.outcome is Checked.BROKEN
            }
            assert (found.ruling.value, told) == (decision, broken), (plain["tools"], row)
            if found.ruling is Ruling.NEEDS_APPROVAL:
                assert [step.index for step in found.approvals] == due
            if found.ruling is Ruling.DENY:
                assert found.rule.removeprefix("p/") in broken
            else:
                assert not isinstance(spending.reserve(found.charges, at_ms=at), Overrun)
                earlier.append((at, row["tool"], row["user"], _dollars(row["arguments"].get("amount"))))
            seen |= {decision, *(line.rpartition("/")[2] for line in broken)}
    assert seen >= {
        "allow", "needs_approval", "deny", "unnamed", "roles", "effect", "scope", "at_least", "at_most",
        "one_of", "pattern", "most_characters", "from", "data", "per_call", "per_user", "total",
    }  # fmt: skip
