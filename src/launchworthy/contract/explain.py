"""Every default in force: what a contract says by saying nothing. May import this room only.

Fields that have a default value are found in the models; what an empty block means stands in ``_SILENCE``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from launchworthy.contract.defaults import DEFAULT_BOARD, guards_in_force, stages_in_force
from launchworthy.contract.draft import COVERAGE
from launchworthy.contract.model import Contract
from launchworthy.contract.running_claims import DRIFT_TOLERATED, STREAM_METHODS
from launchworthy.contract.standing import standing

__all__ = ["Default", "defaults_in_force"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """One line that the contract does not have, and what holds instead.

    Attributes:
        address: Where the line would stand, within the product.
        value: What is in force, as it would be written.
        meaning: What that means.
    """

    address: str
    value: str
    meaning: str


# Block or key that is silent → what is in force, and its meaning. ``*`` stands for any name.
_SILENCE: dict[str, tuple[str, str]] = {
    "roles": ("none", "no role is known, so no tool can name who may call it"),
    "tools": ("none", "every tool is denied"),
    "data/sources": ("none", "no data may be seen, stored or learned from"),
    "data/sources/*/may": ("none", "it may not be seen, stored or learned from"),
    "data/retention/traces": ("for ever", "spans are kept until they are erased"),
    "data/retention/feedback": ("for ever", "feedback, labels and outcomes are kept until they are erased"),
    "data/retention/gold": ("for ever", "gold sets are kept"),
    "data/retention/audit": ("for ever", "the audit chain is kept"),
    "data/region": ("anywhere", "nothing says where data stays"),
    "abuse": ("none", "no attack is tried before a release"),
    "fairness": ("none", "groups are not compared"),
    "proof/baseline": ("none", "no claim asks how a release compares with the one before"),
    "gold/*/slices": ("none", "no slice is asked for, and no least number of items"),
    "gold/*/refresh": ("never", "a gold set does not age"),
    "feedback": ("none", "users are not asked"),
    "labels/sources": ("none", "nobody labels traffic"),
    "labels/sample": ("none", "no share of the traffic has to be labelled"),
    "labels/agreement": ("none", "nothing asks whether raters agree"),
    "rollout/harms": ("none", "no decline takes a release back by itself"),
    "rollout/roll_back": ("none", "nothing says how fast a release is taken back"),
    "monitors": ("none", "only the targets are watched"),
    "attest": ("none", "nobody has to vouch for anything"),
    "launch/waivers": ("none", "no claim may pass unproven"),
    "workflows/*/frequency": ("unknown", "no volume is promised, so sums that need one are not made"),
    "workflows/*/failures": ("none", "no failure mode is named or watched"),
    "workflows/*/success": ("none", "no event says that the job was done"),
    "workflows/*/fallbacks": ("none", "when the model cannot answer, no_answer decides"),
    "workflows/*/limits/timeout": ("none", "a call may take as long as it takes"),
    "workflows/*/limits/cost_per_action": ("none", "a call may cost what it costs"),
    "workflows/*/outcomes": ("none", "nothing says what changes for users"),
    "workflows/*/quality": ("none", "nothing says how good answers must be"),
    "tools/*/approval": ("none", "it reads only, so it runs for its roles without being confirmed"),
    "tools/*/scope": ("none", "its roles reach every row"),
    "tools/*/limits": ("none", "it may run as often, and for as much, as it is asked to"),
    "tools/*/arguments": (
        "none",
        "any value; where it acts, the user or the application chooses payee, recipient, path and URL",
    ),
    "tools/*/data": ("any", "data of every class may flow into its arguments"),
    "release": ("undeclared", "a release is what the target or its spans say it is"),
}


def defaults_in_force(contract: Contract) -> tuple[Default, ...]:
    """Every default that holds, in the order of the language."""
    return (
        *_of(contract, ()),
        *_gold(contract),
        *_guards(contract),
        *_stages(contract),
        *_board(contract),
        *_drift(contract),
        Default(
            address="claims of coverage",
            value=str(COVERAGE),
            meaning="where a line speaks of every call (shows, success, waits …), this share must have it",
        ),
        Default(
            address="records/required_fields",
            value="99 %",
            meaning="share of spans that must carry every required field",
        ),
    )


_OF_METHOD = {
    "classifier": "how well a classifier may tell now from the reference; 50 % is chance",
    "estimate": "how far what scores say of it may be from what labels say",
}


def _drift(contract: Contract) -> Iterator[Default]:
    for name, monitor in contract.monitors.items():
        if monitor.method in STREAM_METHODS and monitor.at_most is None and monitor.at_least is None:
            yield Default(
                address=f"monitors/{name}/at_most",
                value=f"the target of {monitor.signal}",
                meaning="worse than that, as a stream at the product's one rate of false alarms, is unmet",
            )
        kept = standing(contract, monitor)
        if kept is not None and monitor.at_most is None and monitor.at_least is None:
            yield Default(
                address=f"monitors/{name}/{kept.direction.value}",
                value=str(kept.promise),
                meaning=kept.meaning,
            )
        tolerated = DRIFT_TOLERATED.get(monitor.method or "")
        if tolerated is not None and monitor.at_most is None and monitor.at_least is None:
            yield Default(
                address=f"monitors/{name}/at_most",
                value=str(tolerated),
                meaning=_OF_METHOD.get(monitor.method or "")
                or f"how far its {monitor.method} may move from the reference, beyond what chance explains",
            )


def _of(block: BaseModel, path: tuple[str, ...]) -> Iterator[Default]:
    for name, field in type(block).model_fields.items():
        key, value = field.alias or name, getattr(block, name)
        own = (*path, key)
        if name not in block.model_fields_set:
            silence = _SILENCE.get(_pattern(own))
            if silence is not None and (key == "release" or value in (None, (), {})):
                yield Default(address=_address(own), value=silence[0], meaning=silence[1])
            elif isinstance(value, BaseModel):
                yield from _of(value, own)
            elif value not in (None, (), {}):
                yield Default(address=_address(own), value=_shown(value), meaning=field.description or "")
        elif isinstance(value, BaseModel):
            yield from _of(value, own)
        elif isinstance(value, dict):
            for inner, each in value.items():
                if isinstance(each, BaseModel):
                    yield from _of(each, (*own, inner))


def _pattern(path: tuple[str, ...]) -> str:
    named = len(path) > 2 and path[0] in ("workflows", "gold", "tools")
    if named:
        return "/".join((path[0], "*", *path[2:]))
    if path[:2] == ("data", "sources") and len(path) > 3:
        return "/".join(("data", "sources", "*", *path[3:]))
    return "/".join(path)


def _address(path: tuple[str, ...]) -> str:
    return "/".join(path[1:] if path[0] == "workflows" and len(path) > 1 else path)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(str(each) for each in value)}]"
    return str(value)


def _gold(contract: Contract) -> Iterator[Default]:
    for name, block in contract.workflows.items():
        own = contract.gold.get(name)
        if not block.quality or (own is not None and (own.file or own.from_)):
            continue
        gold = contract.gold_of(name)
        yield Default(
            address=f"gold/{name}/file", value=str(gold.file), meaning="where its gold set is imported from"
        )
        if own is None:
            yield Default(
                address=f"gold/{name}/holdout",
                value=str(gold.holdout),
                meaning="share of the items that only a verdict may read",
            )
            yield Default(
                address=f"gold/{name}/looks",
                value=str(gold.looks),
                meaning="readings before the holdout is worn out",
            )
    for name, gold in contract.gold.items():
        if gold.sealed.value and not contract.declares("gold", name, "sealed_looks"):
            yield Default(
                address=f"gold/{name}/sealed_looks",
                value=str(gold.sealed_looks),
                meaning="readings of the sealed items, by all releases, before they must be new",
            )


def _guards(contract: Contract) -> Iterator[Default]:
    if contract.guards is not None:
        return
    found = guards_in_force(contract)
    for name, guard in found.items():
        yield Default(
            address=f"guards/{name}",
            value=f"{{checks: {_shown(guard.checks)}, action: {guard.action}, fail: {guard.fail}}}",
            meaning=f"on a hit: {guard.action}; where it cannot check, it fails {guard.fail}",
        )
    if not found:
        yield Default(address="guards", value="none", meaning="a predictive product has no guard by default")


def _stages(contract: Contract) -> Iterator[Default]:
    if contract.rollout.stages:
        return
    for stage in stages_in_force(contract):
        lasting = f" for {stage.for_}" if stage.for_ else ""
        yield Default(
            address=f"rollout/stages/{stage.name}",
            value=f"{stage.share}{lasting}",
            meaning=f"needs {', '.join(stage.needs)}",
        )


def _board(contract: Contract) -> Iterator[Default]:
    if contract.launch.lines:
        return
    for name, selectors in DEFAULT_BOARD.items():
        yield Default(address=f"launch/{name}", value=_shown(selectors), meaning="a line of the launch board")
