"""Who measures what: the provers by name, and those that look at records and gold sets asked in one go.

May import every room up to the provers. The provers themselves never import one another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from launchworthy import evals, monitor
from launchworthy.contract import Claim
from launchworthy.evals.judging import judge_grades
from launchworthy.evidence import Evidence
from launchworthy.gold import SEALED, GoldStore, Look, guarded, looks_spent
from launchworthy.monitor.paged import PAGES, Pages, page_evidence
from launchworthy.records import Release, RunStore

__all__ = ["PROVERS", "measure"]

# Events of abuse that families of attacks speak for (``launchworthy.evals.redteam.families``).
_ATTACKED = (
    "abuse/approval_bypass",
    "abuse/argument_smuggling",
    "abuse/cross_tenant",
    "abuse/direct_injection",
    "abuse/encoding",
    "abuse/indirect_code",
    "abuse/indirect_document",
    "abuse/indirect_mail",
    "abuse/indirect_prompt_injection",
    "abuse/indirect_table",
    "abuse/indirect_tool_result",
    "abuse/jailbreak",
    "abuse/language",
    "abuse/many_turn",
    "abuse/obfuscation",
    "abuse/pii_extraction",
    "abuse/prompt_injection",
    "abuse/retrieval_exfiltration",
    "abuse/role_play",
    "abuse/split_payload",
    "abuse/system_prompt_extraction",
    "abuse/system_prompt_leak",
    "abuse/tool_abuse",
    "abuse/tool_misuse",
    "abuse/unapproved_action",
    "abuse/unapproved_change",
    "abuse/unapproved_deletion",
    "abuse/unapproved_message",
    "abuse/unapproved_payment",
)
# Name of the prover → what it measures, as ``contract.claims`` takes it. Drills are forced by their command.
PROVERS: Mapping[str, Sequence[str]] = {
    "redteam": _ATTACKED,  # by the command of this name; other attacks are items of gold sets
    "evals": evals.PROVES,
    "monitor": monitor.PROVES,
    "erase": ("drill:data/erasure_within",),
    "export": ("never:labels/export",),
    "guard": ("bound:guards/false_positives",),
    "incidents": PAGES,
    "drill": (
        "drill:fallbacks/*",
        "drill:guards/*",
        "drill:monitors/*",
        "drill:rollout/roll_back",
        "drill:tools/undo",
    ),
}


def measure(
    claims: Iterable[Claim],
    *,
    product: str,
    gold: GoldStore,
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    releases: Sequence[str | None],
    now: datetime,
    runs: RunStore | None = None,
    evidence: Callable[[], Iterable[Evidence]] = tuple,
    registered: Mapping[str, tuple[Release, datetime]] = MappingProxyType({}),
    pages: Pages = lambda _: (),
    references: monitor.References | None = None,
) -> list[Evidence]:
    """What records and gold sets say of the claims at this moment; a run's evidence comes with the run.

    Args:
        claims: Claims of one contract, each with its prover.
        product: Product they are about.
        gold: Where its gold sets rest.
        query: Answers one SELECT over the records.
        releases: Release ids to measure on; None for one that nothing names.
        now: When it is measured (aware).
        runs: Where runs over recorded calls rest; without it no metric is held against outcomes.
        evidence: Answers what the ledger holds of the product: when its judges were calibrated.
        pages: Answers the incidents of an address, each with its timeline: whether a test page was answered.
        registered: Registered releases by id, and since when: how old a model is.
        references: Where counts of what drift is measured against are kept.
    """
    known = list(claims)
    found: dict[str, Evidence] = {}
    models = {name: (_model(release), at) for name, (release, at) in registered.items()}
    of_gold = [claim for claim in known if claim.prover == "evals" and claim.family == "gold"]
    if of_gold:
        versions = gold.gold_versions(product=product)
        looks: list[Look] = []
        for version in {each.name: each for each in reversed(versions)}.values():
            looks += looks_spent(gold, version) + looks_spent(gold, version, split=SEALED)
        for piece in evals.gold_evidence(of_gold, versions, looks, now):
            found.setdefault(piece.id, piece)
    for piece in page_evidence(known, pages, now=now):
        found.setdefault(piece.id, piece)
    of_records = [claim for claim in known if claim.prover == "monitor"]
    private = [claim.address.split("/")[2] for claim in of_records if claim.family == "gold"]
    sets = guarded(gold, product=product, names=private)
    # A proxy's metric is a line of quality, which another prover measures: all claims are told.
    scores = evals.call_scores(known, runs, product=product, now=now) if runs and of_records else {}
    judges = judge_grades(known, runs, evidence, product=product, now=now) if runs and of_records else {}
    made = {f"{each.name}@{each.version}": each.created_at for each in gold.gold_versions(product=product)}
    settled: set[str] = set()  # what is of no release, though its monitor is looked at with each
    for place, release in enumerate(dict.fromkeys(releases) if of_records else ()):
        for piece in monitor.measure(
            known,
            product=product,
            query=query,
            release=release,
            now=now,
            gold=sets,
            scores=scores,
            judges=judges,
            sets=gold,
            versions=made,
            models=models,
            held=evidence,
            references=references,
            any_release=place == 0,
            only={claim.address for claim in known if claim.address not in settled},
        ):
            found.setdefault(piece.id, piece)
            if piece.release is None and release is not None:
                settled.add(piece.claim)
    return list(found.values())


def _model(release: Release) -> str:
    """The model of a release as text; empty where no file of it is known, whose digest changes with it."""
    text = json.dumps(release.parts.get("model"), sort_keys=True)
    return text if '"sha256"' in text else ""
