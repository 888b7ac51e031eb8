"""Whether what serves is what was admitted: a signed verdict against a contract and the releases that run.

Pure; may import ``contract`` and the standard library. Each check is a line with its outcome; the admission
is the weakest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from launchworthy.contract import Contract
from launchworthy.evidence.envelope import VERDICT, Opened, Trusted, statement

__all__ = ["Admission", "AdmissionCheck", "admission", "verdict_statement"]

_WITHIN_DAYS = 30.0
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionCheck:
    """One thing that must hold; ``holds`` is None where it cannot be told."""

    name: str
    holds: bool | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a deployment is admitted, and why."""

    checks: tuple[AdmissionCheck, ...]

    @property
    def exit_code(self) -> int:
        """As a verdict: 0 admitted, 1 not, 2 it cannot be told."""
        found = {check.holds for check in self.checks}
        return 1 if False in found else 2 if None in found else 0

    @property
    def conclusion(self) -> str:
        """The title: admitted, or the first line that is in the way."""
        code = self.exit_code
        if code == 0:
            return "admitted: what runs is what was admitted"
        wrong = next(check for check in self.checks if check.holds is (False if code == 1 else None))
        return f"{'not admitted' if code == 1 else 'cannot be told'}: {wrong.message}"


def verdict_statement(verdict: dict[str, Any], *, head: tuple[int, str] | None) -> dict[str, Any]:
    """The statement about a release that a verdict is signed in.

    Args:
        verdict: As ``launchworthy verdict --json``.
        head: Size of the audit chain and its last hash when it was judged.
    """
    release = verdict.get("release")
    predicate = {
        "product": verdict["product"],
        "release": release,
        "contract": verdict["contract"],
        "at": verdict["at"],
        "conclusion": verdict["conclusion"],
        "stages": [
            {"name": row["name"], "status": row["status"], "stands_until": row.get("stands_until")}
            for row in verdict["stages"]
        ],
        "claims": {
            row["claim"]: {
                "status": row["status"],
                "evidence": None if row["evidence"] is None else row["evidence"]["id"],
            }
            for row in verdict["claims"]
        },
        "ledger": None if head is None else {"entries": head[0], "hash": head[1]},
    }
    subject = [{"name": f"{verdict['product']}@{release}", "digest": {"launchworthyRelease": str(release)}}]
    return statement(subject=subject, predicate_type=VERDICT, predicate=predicate)


def admission(
    opened: Opened, *, contract: Contract, running: Sequence[str], stage: str | None, now: datetime
) -> Admission:
    """Judge a signed verdict.

    Args:
        opened: The verdict, and whose signature it bears.
        contract: Says which keys are trusted, how old a verdict may be and which stages there are.
        running: Releases that serve, or are about to.
        stage: Stage that is to be entered or held; None: the first one.
        now: When it is asked.
    """
    told = opened.statement["predicate"]
    if opened.statement.get("predicateType") != VERDICT:
        kind = str(opened.statement.get("predicateType"))[:80]
        return Admission(
            checks=(
                _check("signature", _signed(opened), _signed_words(opened)),
                _check("statement", False, f"the statement is about {kind} and is no verdict"),
            )
        )
    return Admission(
        checks=(
            _check("signature", _signed(opened), _signed_words(opened)),
            _same("product", told.get("product"), contract.product),
            _same("contract", _version(told), contract.version),
            _stage(told, contract, stage, now),
            _age(told, contract, now),
            _subject(opened, told),
            _runs(told, running),
        )
    )


def _check(name: str, holds: bool | None, message: str) -> AdmissionCheck:
    return AdmissionCheck(name=name, holds=holds, message=message)


def _signed(opened: Opened) -> bool:
    return opened.trusted is Trusted.YES


def _signed_words(opened: Opened) -> str:
    if opened.trusted is Trusted.YES:
        return f"signed by {opened.by}"
    if opened.trusted is Trusted.FORGED:
        return f"the signature is not one of {opened.by}, whose key it names"
    return "no key that the contract trusts has signed it"


def _same(name: str, told: Any, known: str) -> AdmissionCheck:
    if told == known:
        return _check(name, True, f"{name} {known}")
    return _check(name, False, f"it is about {name} {str(told)[:80]} and not {known}")


def _version(told: dict[str, Any]) -> Any:
    contract = told.get("contract")
    return contract.get("version") if isinstance(contract, dict) else None


def _stage(told: dict[str, Any], contract: Contract, asked: str | None, now: datetime) -> AdmissionCheck:
    rows = told.get("stages")
    found = {
        str(row.get("name")): row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)
    }
    name = asked if asked is not None else next(iter(found), None)
    if name is None or name not in found:
        return _check("stage", False, f"it says nothing of stage {name!r:.60} of {contract.product}")
    status, ends = str(found[name].get("status")), found[name].get("stands_until")
    if status == "met":
        try:
            if ends is not None and now >= datetime.fromisoformat(ends):
                return _check("stage", False, f"what stage {name} rests on ended at {ends[:16]}: judge anew")
        except (TypeError, ValueError):
            return _check("stage", None, f"it does not say until when stage {name} stands")
        return _check("stage", True, f"may enter {name}")
    # Unproven is not a no, and never a yes.
    return _check("stage", None if status == "unproven" else False, f"stage {name} is {status}")


def _age(told: dict[str, Any], contract: Contract, now: datetime) -> AdmissionCheck:
    within = contract.trust.within if contract.trust is not None else None
    days = _WITHIN_DAYS if within is None else within.value / 86_400_000
    try:
        at = datetime.fromisoformat(str(told.get("at")))
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        age = now - at
    except (ValueError, OverflowError):
        return _check("age", None, "it does not say when it was judged")
    if age < -_SKEW:
        return _check("age", False, f"it was judged at {at:%Y-%m-%d %H:%M} UTC, which has not come yet")
    old = age.total_seconds() / 86_400
    if old > days:
        return _check("age", False, f"it is {old:.1f} days old, and may be {days:g}")
    return _check("age", True, f"judged at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def _subject(opened: Opened, told: dict[str, Any]) -> AdmissionCheck:
    """What other tools read as the subject must be what the verdict is on."""
    named = [each.get("digest") for each in opened.statement["subject"] if isinstance(each, dict)]
    wanted = {"launchworthyRelease": str(told.get("release"))}
    if named == [wanted]:
        return _check("subject", True, f"about {_named(told)}")
    return _check("subject", False, "its subject is another release than its verdict is on")


def _runs(told: dict[str, Any], running: Sequence[str]) -> AdmissionCheck:
    admitted = told.get("release")
    if not running:
        return _check("release", None, "it is not known which release runs")
    others = [each for each in running if each != admitted]
    if others:
        return _check("release", False, f"{', '.join(others)[:120]} runs, and {_named(told)} was admitted")
    return _check("release", True, f"release {admitted} runs")


def _named(told: dict[str, Any]) -> str:
    release = told.get("release")
    return "no release that is named" if release is None else str(release)[:60]
