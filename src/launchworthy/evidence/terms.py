"""What a verdict reads of a contract, as plain values. May import ``contract`` and the standard library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from launchworthy.contract import Claim, Contract, stages
from launchworthy.contract.units import per_day

__all__ = ["DeclaredJudge", "Stage", "Terms", "Waiver", "terms_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A rollout stage by name and its share of users, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Who lets a claim pass unproven, until when (that day included) and why."""

    claim: str
    by: str
    until: date
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredJudge:
    """A judge as the contract in force has it; what it graded as another version counts no longer.

    Attributes:
        version: Its content address; None where not every file of it is on this machine.
        parts: Digest by name of each part that is known.
        trouble: Why it cannot be told; empty where it can.
    """

    version: str | None
    parts: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""

    def differences(self, version: str, parts: Mapping[str, object] | None) -> list[str]:
        """Parts in which a version is another than this one; ``version`` where its parts are not known."""
        if self.trouble:
            return ["version"]
        if parts is not None:
            return [name for name, digest in self.parts.items() if parts.get(name) != digest]
        return [] if self.version in (None, version) else ["version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract reduced to what is judged.

    Attributes:
        product: Name of the product.
        claims: Every claim, in the contract's order.
        stages: In order of rollout.
        waivers: As the contract lists them, expired ones included.
        owners: Person or page by role, such as ``security`` → ``noor@shop.example``.
        labels_per_day: Items that the contract's label sources label a day; None if it names no volume.
        contract: Where the contract came from and its content address, for the record.
        judges: What judges are now, by address of the claim that they score or that they agree with people;
            several where one judges several metrics.
    """

    product: str
    claims: tuple[Claim, ...]
    stages: tuple[Stage, ...]
    waivers: tuple[Waiver, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    labels_per_day: float | None = None
    contract: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[str, tuple[DeclaredJudge, ...]] = field(default_factory=dict)

    def waiver_of(self, address: str) -> Waiver | None:
        """The waiver of a claim that lasts longest, also one that has ended; None where there is none."""
        own = [each for each in self.waivers if address in (each.claim, f"{self.product}/{each.claim}")]
        return max(own, key=lambda each: each.until, default=None)


def terms_of(
    contract: Contract,
    claims: Iterable[Claim],
    *,
    judges: Mapping[str, tuple[DeclaredJudge, ...]] | None = None,
) -> Terms:
    """The terms of a contract.

    Args:
        contract: The contract in force.
        claims: Its claims, each with its prover (``launchworthy.contract.claims``).
        judges: What its judges are now (``launchworthy.evals.judging.declared_judges``); None: not compared.
    """
    return Terms(
        product=contract.product,
        claims=tuple(claims),
        stages=tuple(Stage(name=each.name, share=each.share) for each in stages(contract)),
        waivers=tuple(
            Waiver(claim=each.claim, by=each.by, until=each.until, because=each.because)
            for each in contract.launch.waivers
        ),
        owners=dict(contract.owners),
        labels_per_day=_labels_per_day(contract),
        contract={"file": contract.file, "version": contract.version},
        judges=dict(judges or {}),
    )


def _labels_per_day(contract: Contract) -> float | None:
    """Items labelled a day, all sources together: where each item takes two raters, half of what they do."""
    found = []
    for source in contract.labels.sources.values():
        rate = None if source.volume is None else per_day(source.volume)
        if rate is not None:
            again = 0.0 if source.second is None else source.second.value
            found.append(rate / ((source.per_item or 1) + again))
    return sum(found) if any(found) else None
