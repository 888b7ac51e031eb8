"""What changed between two contracts, in terms of claims: added, dropped, loosened, tightened.

May import this room only. A change of words changes nothing; a change of a number says which way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from launchworthy.contract.claim import Claim, ClaimKind, Direction
from launchworthy.contract.claiming import claims
from launchworthy.contract.draft import words
from launchworthy.contract.model import Contract
from launchworthy.contract.stages import stages
from launchworthy.quantity import format_value

__all__ = ["Change", "Way", "contract_diff"]


class Way(StrEnum):
    """Which way a claim moved; the gravest first."""

    LOOSENED = "loosened"
    DROPPED = "dropped"
    CHANGED = "changed"
    TIGHTENED = "tightened"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is promised otherwise.

    Attributes:
        address: Address of the claim, or of the line for stages, waivers and release parts.
        way: Loosened, dropped, changed, tightened or added.
        what: Which part of the claim: ``target``, ``due``, ``confidence`` …; ``claim`` for the whole.
        before: As it was, None for what was added.
        after: As it is, None for what was dropped.
    """

    address: str
    way: Way
    what: str
    before: str | None
    after: str | None


def contract_diff(old: Contract, new: Contract) -> tuple[Change, ...]:
    """What ``new`` promises otherwise than ``old``, the gravest first.

    A product that is only renamed promises the same.
    """
    found = [
        *_proof(old, new),
        *_claims(old, new),
        *_stages(old, new),
        *_waivers(old, new),
        *_release(old, new),
    ]
    order = list(Way)
    return tuple(sorted(found, key=lambda each: order.index(each.way)))


def _claims(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = _by_address(old), _by_address(new)
    due = [[stage.name for stage in stages(each)] for each in (old, new)]
    for address, claim in before.items():
        if address not in after:
            yield Change(
                address=claim.address, way=Way.DROPPED, what="claim", before=claim.sentence, after=None
            )
            continue
        general = (claim.valid_for_s, after[address].valid_for_s) == tuple(
            each.proof.valid_for.value / 1_000.0 for each in (old, new)
        )
        yield from _moved(claim, after[address], due[0], due[1], general=general)
    for address, claim in after.items():
        if address not in before:
            yield Change(
                address=claim.address, way=Way.ADDED, what="claim", before=None, after=claim.sentence
            )


def _by_address(contract: Contract) -> dict[str, Claim]:
    return {claim.address.removeprefix(f"{contract.product}/"): claim for claim in claims(contract)}


def _proof(old: Contract, new: Contract) -> Iterator[Change]:
    """What holds for all claims alike is told once."""
    before, after, path = old.proof, new.proof, f"{new.product}/proof"
    for key, looser in (("confidence", False), ("valid_for", True)):
        was, now = getattr(before, key), getattr(after, key)
        yield from _number(f"{path}/{key}", "all claims", was.value, now.value, looser=looser, unit=now.unit)


def _moved(
    old: Claim, new: Claim, old_stages: list[str], new_stages: list[str], *, general: bool
) -> Iterator[Change]:
    if old.kind is not ClaimKind.DELTA or new.options.get("against") == "before":
        yield from _target(old, new)  # else it is the margin that decides
    unit = new.target.unit if new.target is not None else ""
    yield from _number(new.address, "margin", old.margin, new.margin, looser=True, unit=unit)
    if not general:
        valid = old.valid_for_s * 1_000, new.valid_for_s * 1_000
        yield from _number(new.address, "valid for", *valid, looser=True, unit="ms")
    if old.kind is not new.kind:
        yield _change(new.address, Way.CHANGED, "kind", old.kind.value, new.kind.value)
    if old.slice != new.slice:
        yield _change(new.address, Way.CHANGED, "slice", old.slice or "all items", new.slice or "all items")
    if old.due != new.due:
        yield _due(old, new, old_stages, new_stages)
    yield from _options(old, new)


def _target(old: Claim, new: Claim) -> Iterator[Change]:
    before, after = old.target, new.target
    if before == after:
        return
    shown = [
        "none" if each is None else _side(each.direction, each.threshold, each.unit)
        for each in (before, after)
    ]
    if before is None or after is None or (before.direction, before.unit) != (after.direction, after.unit):
        yield _change(new.address, Way.CHANGED, "target", *shown)
        return
    lower = after.threshold < before.threshold
    looser = lower if after.direction is Direction.AT_LEAST else not lower
    yield _change(new.address, Way.LOOSENED if looser else Way.TIGHTENED, "target", *shown)


def _side(direction: Direction, threshold: float, unit: str) -> str:
    return f"{direction.value.replace('_', ' ')} {format_value(threshold, unit=unit)}"


def _number(
    address: str, what: str, before: float | None, after: float | None, *, looser: bool, unit: str
) -> Iterator[Change]:
    if before == after:
        return
    told = ["none" if each is None else format_value(each, unit=unit) for each in (before, after)]
    if before is None or after is None:
        # A limit that is taken away lets everything pass; one that is new lets less pass.
        way = Way.LOOSENED if (after is None) == looser else Way.TIGHTENED
    else:
        way = Way.LOOSENED if (after > before) == looser else Way.TIGHTENED
    yield _change(address, way, what, *told)


def _due(old: Claim, new: Claim, old_stages: list[str], new_stages: list[str]) -> Change:
    """A claim that is needed later, or by no stage, is looser; stages are compared by their place."""
    before = old_stages.index(old.due) if old.due is not None else len(old_stages)
    after = new_stages.index(new.due) if new.due is not None else len(new_stages)
    if new.due is None or (old.due is not None and after > before):
        way = Way.LOOSENED
    elif old.due is None or after < before:
        way = Way.TIGHTENED
    else:
        way = Way.CHANGED
    return _change(new.address, way, "due", old.due or "no stage", new.due or "no stage")


# Number that a claim carries → whether more of it is looser, and its unit (None: that of the claim's limit).
_MORE_IS_LOOSER: Mapping[str, tuple[bool, str | None]] = {
    "limit": (True, None),
    "within_ms": (True, "ms"),
    "kept_ms": (True, "ms"),
    "matures_ms": (True, "ms"),
    "window_ms": (True, "ms"),
    "embargo_ms": (False, "ms"),
    "attempts": (False, ""),
    "labels": (False, ""),
    "min_group": (True, ""),
}
# Set that a claim carries → whether more of it is looser.
_WIDER_IS_LOOSER: Mapping[str, bool] = {
    "roles": True,
    "may": True,
    "find": False,
    "checks": False,
    "shows": False,
    "groups": False,
    "covers": False,
    "inject": False,
    "slices": False,
}
_LOOSER_LAST = {"fail": ("closed", "open"), "action": ("block", "drop", "pseudonymise", "redact", "keep")}


def _options(old: Claim, new: Claim) -> Iterator[Change]:
    for key in dict.fromkeys((*old.options, *new.options)):
        before, after = old.options.get(key), new.options.get(key)
        if before == after or key in ("unit", "against", "before"):
            continue  # the unit is told with the limit, and `before` is the target of the change
        if key in _MORE_IS_LOOSER and _numeric(before) and _numeric(after):
            looser, unit = _MORE_IS_LOOSER[key]
            told = str(new.options.get("unit", "")) if unit is None else unit
            yield from _number(new.address, _name(key), before, after, looser=looser, unit=told)
        elif key in _WIDER_IS_LOOSER and isinstance(before or (), tuple) and isinstance(after or (), tuple):
            yield from _set(new.address, key, before or (), after or ())
        elif key == "scope" and (before is None or after is None):
            way = Way.LOOSENED if after is None else Way.TIGHTENED
            yield _change(new.address, way, "scope", before or "none", after or "none")
        elif key == "approval":
            yield from _approvals(new.address, before or (), after or ())
        elif key in _LOOSER_LAST and before in _LOOSER_LAST[key] and after in _LOOSER_LAST[key]:
            order = _LOOSER_LAST[key]
            way = Way.LOOSENED if order.index(after) > order.index(before) else Way.TIGHTENED
            yield _change(new.address, way, key, before, after)
        else:
            yield _change(new.address, Way.CHANGED, _name(key), _told(before), _told(after))


def _numeric(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _name(key: str) -> str:
    return words(key.removesuffix("_ms"))


def _set(address: str, key: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[Change]:
    more, less = set(after) - set(before), set(before) - set(after)
    if not more and not less:
        return  # in another order
    way = Way.CHANGED
    if not (more and less):
        way = Way.LOOSENED if bool(more) == _WIDER_IS_LOOSER[key] else Way.TIGHTENED
    yield _change(address, way, _name(key), _told(before), _told(after))


def _approvals(address: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[Change]:
    old, new = ({each["by"]: each for each in side} for side in (before, after))
    for role in dict.fromkeys((*old, *new)):
        if role not in new:
            yield _change(address, Way.LOOSENED, "approval", f"by {words(role)}", "none")
        elif role not in old:
            yield _change(address, Way.TIGHTENED, "approval", "none", f"by {words(role)}")
        elif old[role] != new[role]:
            yield from _approval(address, role, old[role], new[role])


def _approval(address: str, role: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    what = f"approval by {words(role)}"
    if old["above"] != new["above"]:
        amounts = [_leading(each["above"]) for each in (old, new)]
        way = Way.LOOSENED if amounts[1] > amounts[0] else Way.TIGHTENED
        yield _change(
            address,
            way,
            what,
            *(f"above {each['above']}" if each["above"] else "always" for each in (old, new)),
        )
    yield from _number(
        address, f"{what} expires", old["expires_ms"], new["expires_ms"], looser=True, unit="ms"
    )
    if set(old["preview"]) != set(new["preview"]):
        fewer = not set(old["preview"]) <= set(new["preview"])
        way = Way.LOOSENED if fewer else Way.TIGHTENED
        yield _change(address, way, f"{what} sees", _told(old["preview"]), _told(new["preview"]))


def _leading(amount: str | None) -> float:
    return float(amount.split()[0].replace(",", "")) if amount else 0.0


def _told(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_told(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(_told(each) for each in value)
    return str(value)


def _change(address: str, way: Way, what: str, before: str, after: str) -> Change:
    return Change(address=address, way=way, what=what, before=before, after=after)


def _stages(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({stage.name: stage for stage in stages(each)} for each in (old, new))
    for name, stage in before.items():
        address = f"{new.product}/rollout/stages/{name}"
        if name not in after:
            share = format_value(stage.share, unit="ratio")
            yield Change(address=address, way=Way.DROPPED, what="stage", before=share, after=None)
            continue
        other = after[name]
        yield from _number(address, "share", stage.share, other.share, looser=True, unit="ratio")
        yield from _number(address, "for", stage.dwell_ms, other.dwell_ms, looser=False, unit="ms")
        yield from _number(address, "sample", stage.sample, other.sample, looser=False, unit="")
        if stage.approver != other.approver:
            way = Way.CHANGED
            if stage.approver is None or other.approver is None:
                way = Way.LOOSENED if other.approver is None else Way.TIGHTENED
            yield _change(address, way, "approval", stage.approver or "none", other.approver or "none")
    for name, stage in after.items():
        if name not in before:
            share = format_value(stage.share, unit="ratio")
            yield Change(
                address=f"{new.product}/rollout/stages/{name}",
                way=Way.ADDED,
                what="stage",
                before=None,
                after=share,
            )


def _waivers(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({waiver.claim: waiver for waiver in each.launch.waivers} for each in (old, new))
    for claim in dict.fromkeys((*before, *after)):
        was, now = before.get(claim), after.get(claim)
        told = ["none" if each is None else f"until {each.until} by {each.by}" for each in (was, now)]
        if was is None or now is None:
            way = Way.LOOSENED if was is None else Way.TIGHTENED
            yield _change(claim, way, "waiver", *told)
        elif was.until != now.until:
            way = Way.LOOSENED if now.until > was.until else Way.TIGHTENED
            yield _change(claim, way, "waiver", *told)
        elif was.by != now.by:
            yield _change(claim, Way.CHANGED, "waiver", *told)


def _release(old: Contract, new: Contract) -> Iterator[Change]:
    """Parts of the release: whatever was proven of the old one is proven of it alone."""
    before, after = (_plain(each.release) for each in (old, new))
    for part in dict.fromkeys((*before, *after)):
        if before.get(part) != after.get(part):
            yield _change(
                f"{new.product}/release/{part}",
                Way.CHANGED,
                "release",
                _told(before.get(part)),
                _told(after.get(part)),
            )


def _plain(value: Any) -> Any:
    """A block as the mapping that stands in the file."""
    if not isinstance(value, BaseModel):
        return value
    known = {
        field.alias or name: getattr(value, name)
        for name, field in type(value).model_fields.items()
        if name in value.model_fields_set
    }
    return {key: _plain(each) for key, each in {**known, **(value.model_extra or {})}.items()}
