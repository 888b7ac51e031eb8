"""Claims about what the model may see, do and say: data, tools, guards, abuse, fairness.

May import this room only.
"""

from __future__ import annotations

from launchworthy.contract.claim import Direction
from launchworthy.contract.defaults import guards_in_force
from launchworthy.contract.draft import Draft, words
from launchworthy.contract.model.safeguards import Tool

__all__ = ["safeguard_claims"]

_DONE = {"redact": "redacted", "block": "blocked", "pseudonymise": "pseudonymised", "drop": "dropped"}
_HELD = {
    "block": "the call is blocked",
    "redact": "the output is held back",
    "route": "the call is routed to a person",
    "refuse": "the call is refused",
    "defer": "the call is deferred",
    "ask": "the user is asked",
    "rewrite": "the text is held back",
    "log": "the gap is recorded",
    "allow": "the gap is recorded",
}


def safeguard_claims(draft: Draft) -> None:
    """Write the claims of the blocks from ``data`` to ``fairness``."""
    _data(draft)
    for name, tool in draft.contract.tools.items():
        _tool(draft, name, tool)
    draft.never("tools/unnamed", "no tool runs that the contract does not name", line="tools")
    _guards(draft)
    _abuse(draft)
    _fairness(draft)


def _data(draft: Draft) -> None:
    data = draft.contract.data
    for name, source in data.sources.items():
        denied = [may for may in ("see", "store", "learn") if may not in source.may]
        rules = [
            {"see": "is never in a prompt", "store": "is never in records", "learn": "is never learned from"}[
                may
            ]
            for may in denied
        ]
        if source.scope:
            rules.append(f"is read only within {words(source.scope)}")
        if source.only_for:
            rules.append(f"serves only {words(source.only_for)}")
        if rules:
            draft.never(
                f"data/sources/{name}",
                f"{words(name)} {', '.join(rules)}",
                options={
                    "may": source.may,
                    "scope": source.scope,
                    "only_for": source.only_for,
                    "class": source.class_,
                },
            )
    draft.never(
        "data/unnamed",
        "no data is seen, stored or learned from that the contract does not name",
        line="data",
        options={"sources": tuple(data.sources)},
    )
    if data.pii is not None:
        found = ", ".join(words(kind) for kind in data.pii.find)
        for place, where in (("prompt", "a prompt"), ("response", "an answer"), ("record", "a record")):
            action = getattr(data.pii, place)
            declared = draft.contract.declares("data", "pii", place)
            # A score is computed from what it may see and shows none of it, unless the file says otherwise.
            if action == "keep" or (
                draft.contract.kind == "predictive" and place != "record" and not declared
            ):
                continue
            draft.never(
                f"data/pii/{place}",
                f"no {found} gets into {where} without being {_DONE[action]}",
                line=None if declared else "data/pii",
                options={"find": data.pii.find, "action": action},
            )
    for name in ("traces", "feedback", "gold", "audit"):
        kept = getattr(data.retention, name)
        if kept is not None:
            draft.never(
                f"data/retention/{name}",
                f"no record of {name} is older than {kept}",
                options={"kept_ms": kept.value},
            )
    if data.erasure_within is not None:
        draft.drill(
            "data/erasure_within",
            f"a person's data is gone from every file {data.erasure_within} after the request",
            options={"within_ms": data.erasure_within.value},
        )
    if data.region is not None:
        draft.never("data/region", f"no data leaves {data.region}", options={"region": data.region})
    if data.vendor is not None:
        by = "security" if "security" in draft.contract.owners else "product"
        trains = "trains" if data.vendor.trains_on_our_data else "does not train"
        kept = ""
        if data.vendor.retention is not None:
            stays = (
                f"keeps it {data.vendor.retention}" if data.vendor.retention.value else "keeps nothing of it"
            )
            kept = f" and {stays}"
        draft.attest("data/vendor", f"the vendor {trains} on what it is sent{kept}", by=by)


def _tool(draft: Draft, name: str, tool: Tool) -> None:
    path = f"tools/{name}"
    scope = f", within {words(tool.scope)}" if tool.scope else ""
    draft.never(
        path,
        f"{words(name)} runs only for {', '.join(words(role) for role in tool.roles)}{scope}",
        options={"effect": tool.effect, "roles": tool.roles, "scope": tool.scope},
    )
    if tool.deny:
        draft.never(
            f"{path}/deny",
            f"{words(name)} never runs for {', '.join(words(role) for role in tool.deny)}",
            options={"deny": tool.deny},
        )
    if isinstance(tool.approval, tuple) and tool.approval:
        terms = [
            f"{words(each.by)}" + (f" above {each.above}" if each.above else "") for each in tool.approval
        ]
        draft.never(
            f"{path}/approval",
            f"{words(name)} never runs without the approval of {' and '.join(terms)} for its exact arguments",
            options={
                "approval": tuple(
                    {
                        "by": each.by,
                        "above": str(each.above) if each.above else None,
                        "preview": each.preview,
                        "expires_ms": each.expires.value if each.expires else None,
                    }
                    for each in tool.approval
                )
            },
        )
    if tool.arguments:
        names = ", ".join(words(key) for key in tool.arguments)
        draft.never(
            f"{path}/arguments",
            f"{words(name)} never runs with a value of {names} that the contract rules out",
        )
    if tool.schema_ is not None:
        draft.never(f"{path}/schema", f"{words(name)} never runs with arguments that break {tool.schema_}")
    if tool.data is not None:
        told = f"nothing but {' or '.join(tool.data)} data flows" if tool.data else "no data flows"
        draft.never(f"{path}/data", f"{told} into {words(name)}", options={"data": tool.data})
    if tool.caught is not None:
        draft.bound(
            f"{path}/caught",
            tool.caught.direction,
            tool.caught.threshold,
            subject=f"the share of wrong calls of {words(name)}, put there as a test, that people stop",
        )
    if tool.undo is not None:
        draft.drill(
            f"{path}/undo",
            f"{words(name)} can be undone by {words(tool.undo.by)} within {tool.undo.within}",
            options={"by": tool.undo.by, "within_ms": tool.undo.within.value},
        )
    if tool.limits is not None:
        for limit, told in (("per_call", "in one call"), ("per_user", "for one user"), ("total", "in all")):
            value = getattr(tool.limits, limit)
            if value is not None:
                draft.never(
                    f"{path}/limits/{limit}",
                    f"{words(name)} never goes beyond {value} {told}",
                    options={"limit": value.value, "unit": value.unit},
                )
    if tool.idempotent_by:
        keys = ", ".join(words(key) for key in tool.idempotent_by)
        draft.never(f"{path}/idempotent_by", f"{words(name)} never acts twice for the same {keys}")


def _guards(draft: Draft) -> None:
    for name, guard in guards_in_force(draft.contract).items():
        outcome = (
            _HELD[guard.action] if guard.fail == "closed" else "the call goes on, and the gap is recorded"
        )
        draft.drill(
            f"guards/{name}",
            f"when the guard {words(name)} cannot check, {outcome}",
            options={"checks": guard.checks, "action": guard.action, "fail": guard.fail},
        )
        if guard.false_positives is not None:
            draft.bound(
                f"guards/{name}/false_positives",
                Direction.AT_MOST,
                guard.false_positives,
                subject=f"share of good cases that the guard {words(name)} flags",
            )


def _abuse(draft: Draft) -> None:
    for name, line in draft.contract.abuse.items():
        draft.bound(
            f"abuse/{name}",
            line.direction,
            line.threshold,
            subject=f"success rate of {words(name)} attacks",
            options={"attempts": line.attempts},
        )


def _fairness(draft: Draft) -> None:
    fairness = draft.contract.fairness
    if fairness is None:
        return
    groups = ", ".join(words(group) for group in fairness.groups)
    options = {"groups": fairness.groups, "min_group": fairness.min_group}
    for which in ("gap", "ratio"):
        for address, line in getattr(fairness, which).items():
            most = "highest" if line.direction is Direction.AT_MOST else "lowest"
            told = {
                "gap": f"the largest difference of {address} between groups of {groups}",
                "ratio": f"the {most} ratio of {address} in a group of {groups} to that of all others",
            }
            draft.bound(
                f"fairness/{which}/{address}",
                line.direction,
                line.threshold,
                subject=told[which],
                metric=which,
                options={**options, "of": address},
            )
