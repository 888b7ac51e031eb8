"""What one permission decision costs, beside a plain dict, Cedar and Casbin, on the same random calls.

    .venv/bin/python bench/permission.py [--rules 20 200 2000] [--calls 2000]

A rule is one role that may call one tool, with an amount limit and classes of data that may flow in. Every
side decides every call, and they must agree: one disagreement ends the run. Times are of single decisions, in
microseconds, the median and the 99th percentile. Cedar and Casbin take part where they are installed; Cedar
with its policies parsed once, which is how it is fast. The plain dict is the floor: it says yes or no, and
neither why nor what would change it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from launchworthy.contract import Contract, parse_contract
from launchworthy.runtime.permission import (
    MemorySpending,
    Policy,
    Request,
    Ruling,
    cedar_export,
    cedar_request,
)

ROLES = ("r0", "r1", "r2", "r3", "r4", "r5")
CLASSES = ("public", "internal", "confidential", "restricted")
A_TOOL = 4  # roles that may call it

Decide = Callable[[Any], bool]


def made_contract(rules: int, rng: random.Random) -> Contract:
    """A contract of so many rules."""
    tools = {
        f"tool_{number}": {
            "effect": "pay",
            "roles": rng.sample(ROLES, A_TOOL),
            "approval": "unattended",
            "limits": {"per_call": f"{rng.randint(1, 9)}00 USD", "per_user": "1000000000 USD/d"},
            "data": list(CLASSES[: rng.randint(1, 4)]),
        }
        for number in range(rules // A_TOOL)
    }
    return parse_contract(
        json.dumps(
            {
                "launchworthy": 1,
                "product": "bench",
                "owners": {"product": "ana@example.com"},
                "roles": ROLES,
                "workflows": {"pay": {"user": "r0", "job": "pay what is due", "no_answer": "refuse"}},
                "tools": tools,
            }
        )
    )


def made_calls(contract: Contract, count: int, rng: random.Random) -> list[Request]:
    """Random calls, about half of which may run."""
    names = [*contract.tools, "unnamed"]
    return [
        Request(
            tool=rng.choice(names),
            roles=(rng.choice(ROLES),),
            user=f"u{rng.randint(1, 50)}",
            arguments={"order": f"A-{number}", "amount": rng.randint(0, 700)},
            data=(rng.choice(CLASSES[:2]),),
        )
        for number in range(count)
    ]


def sides(contract: Contract, calls: Sequence[Request]) -> Iterator[tuple[str, list[Any], Decide]]:
    """Name, the calls as the side is asked them, and how it decides one."""
    floor = {
        (name, role): (tool.limits.per_call.value, frozenset(tool.data or ()))  # type: ignore[union-attr]
        for name, tool in contract.tools.items()
        for role in tool.roles
    }

    def plain(call: Request) -> bool:
        rule = floor.get((call.tool, call.roles[0]))
        return rule is not None and call.arguments["amount"] <= rule[0] and call.data[0] in rule[1]

    yield "plain dict (the floor: no reason given)", list(calls), plain
    policy, spending = Policy.of(contract), MemorySpending()
    yield (
        "launchworthy, every rule told, budgets held against a ledger",
        list(calls),
        lambda call: policy.decide(call, spending=spending).ruling is Ruling.ALLOW,
    )
    yield from _cedar(contract, calls)
    yield from _casbin(contract, calls)


def _cedar(contract: Contract, calls: Sequence[Request]) -> Iterator[tuple[str, list[Any], Decide]]:
    try:
        import cedarpy
    except ImportError:
        print("cedarpy is not installed")
        return
    policies = cedarpy.PolicySet.from_str(cedar_export(contract).policies)
    asked = [cedar_request(contract, call) for call in calls]
    yield (
        "cedarpy, policies parsed once",
        [(request, json.dumps(entities)) for request, entities in asked],
        lambda each: cedarpy.is_authorized(each[0], policies, each[1]).allowed,
    )


_CASBIN = """
[request_definition]
r = role, tool, amount, data
[policy_definition]
p = role, tool, most, classes
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.tool == p.tool && r.role == p.role && within(r.amount, p.most) && flows(r.data, p.classes)
"""


def _casbin(contract: Contract, calls: Sequence[Request]) -> Iterator[tuple[str, list[Any], Decide]]:
    try:
        casbin = import_module("casbin")
    except ImportError:
        print("casbin is not installed")
        return
    model = casbin.Model()
    model.load_model_from_text(_CASBIN)
    enforcer = casbin.Enforcer(model)
    enforcer.add_function("within", lambda amount, most: amount <= float(most))
    enforcer.add_function("flows", lambda data, classes: data in classes.split("|"))
    for name, tool in contract.tools.items():
        for role in tool.roles:
            most = str(tool.limits.per_call.value)  # type: ignore[union-attr]
            enforcer.add_policy(role, name, most, "|".join(tool.data or ()))
    yield (
        "casbin",
        [(call.roles[0], call.tool, call.arguments["amount"], call.data[0]) for call in calls],
        lambda each: bool(enforcer.enforce(*each)),
    )


def measure(calls: list[Any], decide: Decide) -> tuple[list[bool], float, float]:
    """The decisions, and the median and 99th percentile of one, in microseconds."""
    for call in calls[:200]:
        decide(call)
    answers, times = [], []
    for call in calls:
        start = time.perf_counter_ns()
        answer = decide(call)
        times.append(time.perf_counter_ns() - start)
        answers.append(answer)
    return answers, statistics.median(times) / 1e3, statistics.quantiles(times, n=100)[98] / 1e3


def main() -> None:
    """Print a table for each number of rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rules", type=int, nargs="+", default=[20, 200, 2000])
    parser.add_argument("--calls", type=int, default=2_000)
    given = parser.parse_args()
    for rules in given.rules:
        rng = random.Random(rules)
        contract = made_contract(rules, rng)
        calls = made_calls(contract, given.calls, rng)
        expected: list[bool] | None = None
        for name, asked, decide in sides(contract, calls):
            answers, median, late = measure(asked, decide)
            expected = expected or answers
            wrong = sum(each != other for each, other in zip(answers, expected, strict=True))
            if wrong:
                raise SystemExit(f"{name} disagrees on {wrong} of {len(calls)} calls")
            print(f"{rules:>6} rules  p50 {median:>9.1f} µs  p99 {late:>9.1f} µs  {name}")
        print(f"{'':>13} all agree on {len(calls):,} calls, of which {sum(expected or []):,} may run\n")


if __name__ == "__main__":
    main()
