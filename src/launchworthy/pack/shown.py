"""What was shown: evaluations, attacks, people's decisions, incidents, signatures, verdicts.

May import ``evidence``, ``quantity`` and this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from launchworthy.evidence import AuditEntry
from launchworthy.pack.document import Cell, Figure, Section, Table
from launchworthy.pack.material import CLAIM_COLUMNS, COUNT_COLUMNS, Material, words
from launchworthy.quantity import format_value

__all__ = ["changes", "incidents", "oversight", "people", "quality", "red_team"]

_NEWEST = 50
_WATCHED = ("monitors", "rollout", "fallbacks", "limits")
_ELSEWHERE = frozenset({"data", "gold", "tools", "abuse", "guards", "attest", "decisions", *_WATCHED})


def quality(known: Material) -> Section:
    """What was measured, on how much, with what certainty."""
    # Whatever no other section shows is shown here, so that no claim of the contract is left out.
    families = dict.fromkeys(claim.family for claim in known.claims if claim.family not in _ELSEWHERE)
    return Section(
        id="evaluations",
        title="Evaluations: what was measured, on how much, with what certainty",
        nist=("MEASURE",),
        annex_iv=("2", "3", "4"),
        lead=(
            "A claim is met only where the bound of its interval clears the target; what was not measured,"
            " too little or too long ago is unproven, and never counts as met.",
        ),
        tables=tuple(
            Table(
                title=family.capitalize().replace("_", " "),
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, found)),
            )
            for family in families
            if (found := known.of_family(family))
        )
        or (Table(title="Claims", columns=CLAIM_COLUMNS, rows=()),),
    )


def red_team(known: Material) -> Section:
    """What was tried against it."""
    return Section(
        id="red-team",
        title="Red team: what was tried against it",
        nist=("MEASURE", "MANAGE"),
        annex_iv=("2", "5"),
        tables=(
            Table(
                title="Attacks",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family("abuse"))),
                empty="The contract names no attack.",
            ),
        ),
    )


def oversight(known: Material) -> Section:
    """What people approved, refused and overrode."""
    approvals = known.decisions("approval", "override")
    return Section(
        id="oversight",
        title="Human oversight: what people approved, refused and overrode",
        nist=("GOVERN", "MANAGE"),
        annex_iv=("2", "3"),
        tables=(
            Table(
                title="Outcomes",
                columns=("Outcome", "How often"),
                rows=tuple(
                    (outcome, known.count(each for each in approvals if each.body["outcome"] == outcome))
                    for outcome in sorted({str(each.body["outcome"]) for each in approvals})
                ),
            ),
            Table(
                title=f"The newest, {_NEWEST} at most",
                columns=("Entry", "Case", "Outcome", "By", "Why"),
                rows=tuple(
                    (
                        Figure(text=str(each.seq), entries=(each.seq,), rule="entry"),
                        str(each.body["subject"]),
                        str(each.body["outcome"]),
                        words((each.detail or {}).get("decided_by")) if each.detail else "closed",
                        words((each.detail or {}).get("reason")) if each.detail else "closed",
                    )
                    for each in approvals[: -_NEWEST - 1 : -1]
                ),
            ),
        ),
    )


def incidents(known: Material) -> Section:
    """What went wrong, and what happened then."""
    found = known.decisions("budget", "fallback", "no_answer", "drill")
    return Section(
        id="incidents",
        title="Incidents, fallbacks and drills: what went wrong, and what happened then",
        nist=("MANAGE",),
        annex_iv=("3", "5", "9"),
        tables=(
            Table(
                title="Incidents",
                columns=("Incident", "About", "Severity", "Found by", "Steps", "State"),
                rows=tuple(_incident(known, steps) for steps in known.incidents().values()),
            ),
            Table(
                title="Budgets, fallbacks, answers that were not given, drills",
                columns=("Kind", *COUNT_COLUMNS),
                rows=tuple(
                    (kind.replace("_", " "), *row)
                    for kind in ("budget", "fallback", "no_answer", "drill")
                    for row in known.counts([each for each in found if each.kind == kind])
                ),
            ),
            Table(
                title="What is watched",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family(*_WATCHED))),
            ),
        ),
    )


def _incident(known: Material, steps: Sequence[AuditEntry]) -> tuple[Cell, ...]:
    """One incident by its timeline in the chain; its words are committed to there and stand elsewhere."""
    first, last = steps[0], steps[-1].body
    about = last.get("failure_mode") or last.get("address") or "nothing that the contract names"
    return (
        f"{last['incident']}, opened {first.at:%Y-%m-%d}",
        str(about),
        str(last.get("severity", "")),
        str(last.get("source", "")).replace("_", " "),
        known.count(steps),
        f"{last.get('state', '')}: {str(last.get('step', '')).replace('_', ' ')} {steps[-1].at:%Y-%m-%d}",
    )


def people(known: Material) -> Section:
    """What people vouch for, and what they let pass."""
    attested = known.of_family("attest")
    waivers = known.contract.launch.waivers
    return Section(
        id="signatures",
        title="Signatures: what people vouch for, and what they let pass",
        nist=("GOVERN",),
        annex_iv=("5", "7", "8"),
        tables=(
            Table(
                title="Vouched for",
                columns=("What", "State", "Signed by", "Why"),
                rows=tuple(
                    (
                        each.claim.sentence,
                        each.state.value,
                        "nobody" if each.evidence is None else each.evidence.producer,
                        each.reason,
                    )
                    for each in attested
                ),
            ),
            Table(
                title="Waived",
                columns=("Claim", "By", "Until", "Because"),
                rows=tuple(
                    (waiver.claim, waiver.by, waiver.until.isoformat(), waiver.because) for waiver in waivers
                ),
            ),
        ),
    )


def changes(known: Material) -> Section:
    """What was decided, and when."""
    verdicts = [entry for entry in known.trail if entry.kind == "verdict"]
    return Section(
        id="verdicts",
        title="Verdicts and stages: what was decided, and when",
        nist=("GOVERN", "MANAGE"),
        annex_iv=("6",),
        tables=(
            Table(
                title="Stages now",
                columns=("Stage", "Share", "State", "What blocks it"),
                rows=tuple(
                    (
                        stage.name,
                        Figure(text=format_value(stage.share, unit="ratio"), rule="rollout/stages"),
                        stage.state.value,
                        stage.blockers or "nothing",
                    )
                    for stage in known.verdict.stages
                ),
            ),
            Table(
                title="Choices, and what would reopen them",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family("decisions"))),
            ),
            Table(
                title=f"Verdicts on record, the newest {_NEWEST}",
                columns=("Entry", "At", "Release", "Contract", "Conclusion"),
                rows=tuple(
                    (
                        Figure(text=str(each.seq), entries=(each.seq,), rule="entry"),
                        f"{each.at:%Y-%m-%d %H:%M} UTC",
                        words(each.body.get("release")),
                        words(_field(each.body.get("contract"), "version")),
                        words(each.body.get("conclusion")),
                    )
                    for each in verdicts[: -_NEWEST - 1 : -1]
                ),
            ),
            Table(
                title="The chain, by kind of entry",
                columns=("Kind", "Entries"),
                rows=tuple(
                    (kind, Figure(text=f"{count:,}", rule="count"))
                    for kind, count in sorted(known.kinds.items())
                ),
            ),
        ),
    )


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
