"""A verdict that the audit chain keeps, given again on the evidence that stood in the chain before it.

Pure; may import ``contract``, ``errors`` and this room. A verdict reads what was in the chain when it was
given, the contract, the judges and the moment; all of that stands in its entry or before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim, Contract
from launchworthy.errors import InputError
from launchworthy.evidence.document import verdict_record
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.status import LedgerEntry
from launchworthy.evidence.terms import DeclaredJudge, terms_of
from launchworthy.evidence.verdict import Verdict, verdict_on

__all__ = ["Replay", "replayed"]

_TOLD = ("conclusion", "stage", "may_enter", "exit_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A verdict given again; ``differences`` say in what it is not the one of the chain."""

    verdict: Verdict
    differences: tuple[str, ...]


def replayed(
    record: Mapping[str, Any], *, contract: Contract, claims: Iterable[Claim], entries: Iterable[LedgerEntry]
) -> Replay:
    """Give a recorded verdict again.

    Args:
        record: Body of the verdict's entry.
        contract: The version that it names.
        claims: Of that contract, each with its prover.
        entries: The chain before it, oldest first.

    Raises:
        InputError: The entry is no verdict, or evidence before it cannot be read.
    """
    known = tuple(claims)
    try:
        at = datetime.fromisoformat(record["at"])
        if at.tzinfo is None:
            raise ValueError("its moment has no time zone")
        release, asked, most = record["release"], record["asked"], int(record["pieces"])
        if not isinstance(release, (str, type(None))) or not isinstance(asked, (str, type(None))):
            raise TypeError("a release and a stage are named")
        judges = {str(address): tuple(map(_judge, several)) for address, several in record["judges"].items()}
        told = {str(name): str(state) for name, state in record["statuses"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"this entry is no verdict that can be given again: {str(error)[:100]}") from error
    verdict = verdict_on(
        terms_of(contract, known, judges=judges),
        _read(entries, addresses={claim.address for claim in known}, most=most),
        release=release,
        now=at,
        stage=asked,
    )
    made = verdict_record(verdict)
    found = []
    if made["evidence"] != record.get("evidence"):
        found.append("the evidence before it is not the evidence that it was given on")
    none = "no claim"
    found += [
        f"{address} was {told.get(address, none)}, and comes out {made['statuses'].get(address, none)}"
        for address in sorted(told.keys() | made["statuses"].keys())
        if told.get(address) != made["statuses"].get(address)
    ]
    found += [
        f"{name.replace('_', ' ')} was {record.get(name)!r:.200}, and comes out {made[name]!r:.200}"
        for name in _TOLD
        if record.get(name) != made[name]
    ]
    return Replay(verdict=verdict, differences=tuple(found))


def _read(entries: Iterable[LedgerEntry], *, addresses: set[str], most: int) -> list[Evidence]:
    """The first so many pieces for these claims: more may have come while the verdict was given."""
    found: dict[str, Evidence] = {}
    for entry in entries:
        if entry.kind != "evidence":
            continue
        piece = Evidence.from_json(json.loads(entry.body), where=f"entry {entry.seq}")
        if piece.claim in addresses:
            if len(found) >= most:
                break
            found.setdefault(piece.id, piece)
    return list(found.values())


def _judge(plain: Any) -> DeclaredJudge:
    if isinstance(plain, Mapping):
        return DeclaredJudge(
            version=plain["version"], parts=dict(plain["parts"]), trouble=str(plain["trouble"])
        )
    return DeclaredJudge(version=None if plain is None else str(plain))  # as entries were written at first
