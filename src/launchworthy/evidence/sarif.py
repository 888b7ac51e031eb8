"""A verdict as SARIF 2.1.0, for code scanning: what does not stand, each at its line of the contract. Pure.

May import this room and the standard library. A claim is a rule. What the stage in question needs is an error
where it is unmet and a warning where it is unproven; what only a later stage needs is a note. A waived claim
is a suppressed result; met and attested ones are no result, so that an alert closes when its claim is proven.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from launchworthy import __version__
from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import Verdict
from launchworthy.evidence.wording import (
    clean,
    judged_line,
    measured_text,
    origin_text,
    plan_text,
    repository_path,
)

__all__ = ["verdict_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def verdict_sarif(verdict: Verdict, *, root: PurePath | None = None) -> dict[str, Any]:
    """The verdict as one SARIF log.

    Args:
        verdict: What was judged.
        root: Folder of the repository: paths of the contract are told from there.
    """
    told = [each for each in verdict.statuses if each.state not in (State.MET, State.ATTESTED)]
    needed = {each.claim.address for each in verdict.subject.needed}
    driver = {
        "name": "launchworthy",
        "semanticVersion": __version__,
        "rules": [_rule(each, needed=needed) for each in told],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"launchworthy/{verdict.terms.product}/"},
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "conclusion": clean(verdict.conclusion),
                    "judged": judged_line(verdict),
                    "exitCode": verdict.exit_code,
                },
                "results": [
                    _result(each, number, verdict, needed=needed, root=root)
                    for number, each in enumerate(told)
                ],
            }
        ],
    }


def _level(each: ClaimStatus, *, needed: set[str]) -> str:
    if each.state is State.WAIVED or each.claim.address not in needed:
        return "note"
    return "error" if each.state is State.UNMET else "warning"


def _rule(each: ClaimStatus, *, needed: set[str]) -> dict[str, Any]:
    claim = each.claim
    help_ = clean(claim.sentence) + (f" Next: {plan_text(each.plan)}." if each.plan is not None else "")
    return {
        "id": clean(claim.address),
        "name": clean(claim.metric),
        "shortDescription": {"text": clean(claim.sentence)},
        "fullDescription": {"text": clean(claim.sentence)},
        "help": {"text": help_},
        "defaultConfiguration": {"level": _level(each, needed=needed)},
        "properties": {"tags": [clean(claim.family), claim.kind.value]},
    }


def _result(
    each: ClaimStatus, number: int, verdict: Verdict, *, needed: set[str], root: PurePath | None
) -> dict[str, Any]:
    claim = each.claim
    file = verdict.terms.contract.get("file") or "launchworthy.yaml"
    line, column = 1, 1
    if claim.place is not None:
        file, line, column = claim.place.file, claim.place.line, claim.place.column
    result: dict[str, Any] = {
        "ruleId": clean(claim.address),
        "ruleIndex": number,
        "level": _level(each, needed=needed),
        "message": {"text": _message(each)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(repository_path(file, root=root))},
                    "region": {"startLine": max(1, line), "startColumn": max(1, column)},
                }
            }
        ],
        # The claim, not its line: an alert stays the same one when the contract grows above it.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{hashlib.sha256(claim.address.encode()).hexdigest()[:16]}:1"
        },
        "properties": {"state": each.state.value},
    }
    if each.state is State.WAIVED:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": clean(each.reason)}
        ]
    return result


def _message(each: ClaimStatus) -> str:
    lines = [f"{each.state.value}: {clean(each.claim.sentence)}", clean(each.reason)]
    if each.evidence is not None:
        lines.append(f"from: {measured_text(each.evidence)}, {origin_text(each.evidence)}")
    if each.plan is not None:
        lines.append(f"next: {plan_text(each.plan)}")
    return "\n".join(lines)
