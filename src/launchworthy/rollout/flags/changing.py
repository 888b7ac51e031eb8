"""What new flags would do to units that have something: moved by mistake, or on purpose. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.rollout.bucketing import Range, moved
from launchworthy.rollout.flags.model import Flag, FlagSet

__all__ = ["Move", "moves"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Units of a flag that would not keep what they have.

    Attributes:
        flag: Key.
        rule: The split.
        share: Share of all units that would be moved.
        because: What moves them, in a sentence.
        allowed: Whether the new version says so: by a higher generation, by switching the flag off, or by
            taking the split back from everybody.
    """

    flag: str
    rule: str
    share: float
    because: str
    allowed: bool


def moves(before: FlagSet, after: FlagSet) -> list[Move]:
    """Every split whose units would be moved. What conditions do to units is not looked at: a condition is
    there to tell units apart by what they become.
    """
    found = []
    for key, old in before.flags.items():
        new = after.flags.get(key)
        if new is None or not old.enabled:
            continue
        allowed = new.generation > old.generation or not new.enabled
        different = _hashed_otherwise(old, new, before, after)
        others = {rule.name: rule for rule in new.rules}
        for rule in old.rules:
            had = sum(each.high - each.low for each in rule.ranges)
            if not had:
                continue
            now = others.get(rule.name)
            ranges = () if now is None else now.ranges
            if now is not None and now.serve is not None:
                ranges = (Range(low=0.0, high=1.0, variant=now.serve),)  # all of them have it by now
            if different:
                share, because = had, f"its {different} changed"
            elif now is None:
                share, because = had, f"its rule {rule.name} is gone"
            else:
                share = moved(rule.ranges, ranges)
                if now.split and now.share < rule.share:
                    because = "its share became smaller"
                elif not rule.places and now.split == rule.split:
                    because = "the order of its split changed"
                else:
                    because = "its weights changed"
            if share > 0:
                taken_back = now is not None and bool(now.split) and now.share == 0
                found.append(
                    Move(
                        flag=key,
                        rule=rule.name,
                        share=share,
                        because=because,
                        allowed=allowed or (taken_back and not different),
                    )
                )
    return found


def _hashed_otherwise(old: Flag, new: Flag, before: FlagSet, after: FlagSet) -> str:
    """What makes the same unit fall elsewhere; empty for nothing."""
    for name in ("algorithm", "salt", "unit"):
        if getattr(old, name) != getattr(new, name):
            return {"salt": "seed"}.get(name, name)
    if new.namespace != old.namespace:
        grown = (
            old.namespace is not None
            and new.namespace is not None
            and (old.namespace.name, old.namespace.algorithm) == (new.namespace.name, new.namespace.algorithm)
            and new.namespace.low <= old.namespace.low
            and new.namespace.high >= old.namespace.high
        )
        if not grown:
            return "namespace"
    held, holds = before.holdouts.get(old.holdout or ""), after.holdouts.get(new.holdout or "")
    if held != holds and (holds is not None or held is not None):
        return "holdout"
    return ""
