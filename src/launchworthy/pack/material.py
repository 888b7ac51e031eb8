"""What the sections are written from: contract, claims, verdict and chain, and numbers with their entries.

May import ``contract``, ``evidence`` and ``provers``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from launchworthy.contract import Claim, Contract, claims, parse_contract
from launchworthy.evidence import (
    AuditEntry,
    ClaimStatus,
    Evidence,
    LedgerEntry,
    Opening,
    Verdict,
    audit_entry,
    terms_of,
    verdict_on,
)
from launchworthy.evidence.judgement import bounds_at
from launchworthy.evidence.wording import MARKS, measured_text
from launchworthy.pack.document import Cell, Figure
from launchworthy.pack.inputs import PackInputs
from launchworthy.provers import PROVERS

__all__ = ["CLAIM_COLUMNS", "CONTRACT_FILE", "COUNT_COLUMNS", "Material", "material_of", "words"]

CONTRACT_FILE = "contract.yaml"
CLAIM_COLUMNS = ("Claim", "State", "Measured", "Why")
COUNT_COLUMNS = ("What", "Outcome", "How often")
_MOST_ENTRIES = 50  # named behind one count; more are told by how many they are


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that is known; every number comes out of a method that names its entries."""

    contract: Contract
    claims: tuple[Claim, ...]
    verdict: Verdict
    inputs: PackInputs
    trail: tuple[AuditEntry, ...]
    pieces: tuple[tuple[int, Evidence], ...]

    @cached_property
    def _entry_of(self) -> dict[str, int]:
        return {piece.id: seq for seq, piece in reversed(self.pieces)}

    @cached_property
    def statuses(self) -> dict[str, ClaimStatus]:
        """Where each claim stands, by its address."""
        return {each.claim.address: each for each in self.verdict.statuses}

    def of_family(self, *families: str) -> list[ClaimStatus]:
        """The claims of some blocks of the contract."""
        return [each for each in self.verdict.statuses if each.claim.family in families]

    def status_row(self, each: ClaimStatus) -> tuple[Cell, ...]:
        """Claim, state, what was measured, and why."""
        return (
            each.claim.sentence,
            f"{MARKS[each.state]} {each.state.value}",
            self.measured(each),
            each.reason,
        )

    def measured(self, each: ClaimStatus) -> Cell:
        """What was measured for a claim, with the entry of the evidence."""
        if each.evidence is None:
            return "not measured"
        low, high = bounds_at(each.evidence, level=each.claim.confidence) or (None, None)
        return Figure(
            text=measured_text(replace(each.evidence, low=low, high=high)),
            entries=(self._entry_of[each.evidence.id],),
            rule="evidence",
        )

    def decisions(self, *kinds: str) -> list[AuditEntry]:
        """Decisions of some kinds, oldest first."""
        return [entry for entry in self.trail if entry.is_decision and entry.kind in kinds]

    def incidents(self) -> dict[str, list[AuditEntry]]:
        """The steps of each incident, oldest first."""
        found: defaultdict[str, list[AuditEntry]] = defaultdict(list)
        for entry in self.trail:
            if entry.kind == "incident" and not entry.is_decision:
                found[str(entry.body.get("incident"))].append(entry)
        return dict(found)

    def count(self, entries: Iterable[AuditEntry]) -> Figure:
        """How many there are."""
        found = [entry.seq for entry in entries]
        return Figure(text=f"{len(found):,}", entries=tuple(found[:_MOST_ENTRIES]), rule="count")

    def counts(self, entries: Sequence[AuditEntry]) -> tuple[tuple[Cell, ...], ...]:
        """Rows of subject, outcome and how often, most often first."""
        by: defaultdict[tuple[str, str], list[AuditEntry]] = defaultdict(list)
        for entry in entries:
            by[str(entry.body["subject"]), str(entry.body["outcome"])].append(entry)
        rows = sorted(by.items(), key=lambda row: (-len(row[1]), row[0]))
        return tuple((subject, outcome, self.count(found)) for (subject, outcome), found in rows)

    @cached_property
    def kinds(self) -> Counter[str]:
        """Entries of the chain by kind."""
        return Counter("decision" if entry.is_decision else entry.kind for entry in self.trail)


def material_of(
    text: str, *, inputs: PackInputs, entries: Sequence[LedgerEntry], openings: Iterable[Opening]
) -> Material:
    """Judge again what the chain holds.

    Args:
        text: Of the contract.
        inputs: What was judged, and when.
        entries: The whole chain.
        openings: What opens its decisions.

    Raises:
        ContractError: The contract cannot be read.
        InputError: A piece of evidence cannot be.
    """
    contract = parse_contract(text, file=CONTRACT_FILE)
    known = claims(contract, provers=PROVERS)
    pieces = tuple(
        (entry.seq, Evidence.from_json(json.loads(entry.body), where=f"entry {entry.seq}"))
        for entry in entries
        if entry.kind == "evidence"
    )
    by_entry = {each.seq: each for each in openings}
    return Material(
        contract=contract,
        claims=known,
        verdict=verdict_on(
            terms_of(contract, known, judges=inputs.judges),
            [piece for _, piece in pieces],
            release=inputs.release,
            now=inputs.at,
        ),
        inputs=inputs,
        trail=tuple(audit_entry(entry, by_entry.get(entry.seq)) for entry in entries),
        pieces=pieces,
    )


def words(value: Any) -> str:
    """A value of a contract or of an entry as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    plain = value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str)
