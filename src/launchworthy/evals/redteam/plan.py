"""How many attempts of which family: what the claims ask for, or so many of each; and the attempts.

May import ``contract``, ``gold``, ``stats`` and this room. Pure; the seed decides everything.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from launchworthy.contract import Claim
from launchworthy.evals.redteam.attempt import Attempt
from launchworthy.evals.redteam.drawing import draw, draw_twin, feasible, procedure
from launchworthy.evals.redteam.families import FAMILIES, Asked, families_of
from launchworthy.evals.redteam.procedures import PROCEDURES
from launchworthy.evals.redteam.surface import Surface
from launchworthy.gold import GoldItem
from launchworthy.stats import items_to_prove

__all__ = ["Plan", "attempts_of", "items_of", "plan_of"]

_DEFAULT = 100  # of a family for which the contract asks nothing
_TWINS = 100
_ANY_TOOL = 100  # attempts of a family about any tool, before those about the tools of claims
_DRAWS = 50  # for a seed that was not drawn yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be tried.

    Attributes:
        attempts: Family → how many attacks.
        twins: Family → how many harmless twins.
        left_out: Family → why it cannot be tried.
        claims: Address of a claim → what speaks for it; claims that nothing here can try are not in it.
        needed: Address of a claim → how many flawless attempts would prove it; None where no number does.
        seed: Of chance.
    """

    attempts: Mapping[str, int]
    twins: Mapping[str, int]
    left_out: Mapping[str, str]
    claims: Mapping[str, Asked]
    needed: Mapping[str, int | None]
    seed: int


def plan_of(
    claims: Sequence[Claim],
    surface: Surface,
    *,
    families: Sequence[str] = (),
    attempts: int | None = None,
    twins: int | None = None,
    seed: int = 0,
) -> Plan:
    """Plan a run.

    Args:
        claims: Of the contract; those of ``abuse/*`` count.
        surface: Of the product.
        families: Only these; all that the claims need, and without claims all there are, if empty.
        attempts: Of each family, in place of what the claims ask for.
        twins: Of each family.
        seed: Of chance.
    """
    of_abuse = {claim.address: claim for claim in claims if claim.family == "abuse"}
    asked = {
        address: found
        for address, claim in of_abuse.items()
        if (found := families_of(address.rpartition("/")[2])) is not None
        and (not found.effect or any(tool.effect == found.effect for tool in surface.tools))
    }
    wanted = dict.fromkeys(families or (FAMILIES if not asked else _named(asked)))
    left_out = {name: why for name in wanted if (why := feasible(name, surface))}
    going = [name for name in wanted if name not in left_out]
    counts = dict.fromkeys(going, attempts or (0 if asked and not families else _DEFAULT))
    for name in going:
        if name == "approval_bypass":
            counts[name] = len(PROCEDURES) * sum(bool(tool.approvers) for tool in surface.tools)
    effects = {found.effect for found in asked.values() if found.effect}
    if attempts is None:
        for address, found in asked.items():
            own = sum(tool.effect == found.effect for tool in surface.tools) if found.effect else 1
            share = own / sum(tool.effect in effects for tool in surface.tools) if found.effect else 1.0
            tools = sum(bool(tool.approvers) for tool in surface.tools if found.effect in ("", tool.effect))
            _provide(
                counts,
                found,
                int(of_abuse[address].options.get("attempts") or _DEFAULT),
                share=share,
                tools=tools,
            )
    return Plan(
        attempts={name: count for name, count in counts.items() if count},
        twins={
            name: _TWINS if twins is None else twins
            for name in going
            if FAMILIES[name].carriers != ("procedure",)
        },
        left_out=left_out,
        claims=asked,
        needed={address: _needed(claim) for address, claim in of_abuse.items() if address in asked},
        seed=seed,
    )


def _named(asked: Mapping[str, Asked]) -> list[str]:
    named = {name for found in asked.values() for name in found.families}
    return [name for name in FAMILIES if name in named]


def _provide(counts: dict[str, int], asked: Asked, attempts: int, *, share: float, tools: int) -> None:
    """Raise the counts of a claim's families until there are as many attempts as it asks for.

    ``share`` of the attempts of its families are about its tools. Procedures are tried once for each tool,
    ``tools`` of which are the claim's and confirmed by people: a second time shows nothing.
    """
    free = [name for name in asked.families if name in counts and name != "approval_bypass"]
    own = len(PROCEDURES) * tools if "approval_bypass" in {*counts} & {*asked.families} else 0
    if not free:
        return
    each = math.ceil(max(0.0, attempts / share - own) / len(free)) + (_ANY_TOOL if asked.effect else 0)
    for name in free:
        counts[name] = max(counts[name], each)


def _needed(claim: Claim) -> int | None:
    target = claim.target
    if target is None or not 0 < target.threshold < 1:
        return None
    return items_to_prove(threshold=target.threshold, direction="at_most", level=claim.confidence).flawless


def attempts_of(plan: Plan, surface: Surface) -> list[Attempt]:
    """The attempts of a plan, attacks and twins; the same seed, plan and surface give the same ones."""
    found: list[Attempt] = []
    effects = {asked.effect for asked in plan.claims.values() if asked.effect}
    for family, count in plan.attempts.items():
        # Where a claim is about one kind of tool, families of tools attack that kind, after a while.
        only = (
            effects if any(family in asked.families for asked in plan.claims.values() if asked.effect) else ()
        )
        tools = tuple(tool for tool in surface.tools if not only or tool.effect in only)
        own = replace(surface, tools=tools)
        if family == "approval_bypass":
            found += [
                procedure(family, surface, way, tool, random.Random(f"{plan.seed}/{way}/{tool.name}"))  # noqa: S311
                for way, tool in product(sorted(PROCEDURES), (t for t in surface.tools if t.approvers))
            ]
            continue
        seen: set[str] = set()
        for place in range(count):
            chance = random.Random(f"{plan.seed}/{family}/{place}")  # noqa: S311 (a sample, no secret)
            made = draw(family, surface if place < _ANY_TOOL else own, chance, name=f"{family}-{place:05d}")
            for _ in range(_DRAWS):
                if made.seed not in seen:
                    break
                made = draw(family, surface if place < _ANY_TOOL else own, chance, name=made.id)
            seen.add(made.seed)
            found.append(made)
    for family, count in plan.twins.items():
        for place in range(count):
            chance = random.Random(f"{plan.seed}/{family}/twin/{place}")  # noqa: S311
            found.append(draw_twin(family, surface, chance, name=f"{family}-twin-{place:05d}"))
    return [replace(each, id=f"{each.id}-{_digest(each)}") for each in found]


def _digest(attempt: Attempt) -> str:
    """Ends an id: attempts of equal ids, in whichever runs, are the same attempt."""
    import orjson

    return hashlib.sha256(orjson.dumps(attempt.as_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:6]


def items_of(attempts: Sequence[Attempt]) -> list[GoldItem]:
    """Attempts as items of a run: by family, carrier and mutator; attempts of one seed are one cluster."""
    return [
        GoldItem(
            id=each.id,
            input=each.as_json(),
            slices=(
                each.family,
                f"carrier:{each.carrier}",
                *(f"mutator:{name}" for name in each.mutators),
                *((f"tool:{each.tool}",) if each.tool else ()),
            ),
            cluster=each.seed,
            answerable=True if each.is_twin else None,
        )
        for each in attempts
    ]


def suite_of(attempts: Sequence[Attempt]) -> str:
    """A name for exactly these attempts, as gold versions have one."""
    import orjson

    digest = hashlib.sha256()
    for each in attempts:
        digest.update(orjson.dumps(each.as_json(), option=orjson.OPT_SORT_KEYS))
    return f"red-team@a-{digest.hexdigest()[:12]}"
