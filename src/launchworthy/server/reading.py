"""What the console reads, answered by the workspace. May import every room below ``server``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from launchworthy.console.chain import ChainState
from launchworthy.console.desk import Desk
from launchworthy.contract import Contract
from launchworthy.contract.defaults import guards_in_force
from launchworthy.errors import InputError, LaunchworthyError, NotFoundError
from launchworthy.evals import in_folder
from launchworthy.evals.judging import JudgeVersion, calibration_claim, judge_for, judged_metrics
from launchworthy.evidence import AuditEntry, AuditFilter
from launchworthy.gold import Checked, GoldVersion, Look, check_gold, looks_spent, record_look
from launchworthy.records.incident import (
    FailureRow,
    Incident,
    IncidentDetail,
    Mechanism,
    RulePrecision,
    Was,
)
from launchworthy.runtime.compiling import CompiledGuard, compile_guards
from launchworthy.server.caller import Caller
from launchworthy.server.local import LocalWorkspace

__all__ = ["WorkspaceReading"]

_MOST_VERIFIED = 5_000  # entries of a chain: a tenth of a second
_VERIFIED_FOR = timedelta(minutes=1)
_MOST_COMPARED = 5_000  # gold items; a quarter of a second
_REMEMBERED = 32  # checks of versions, which never change


class WorkspaceReading:
    """Meets ``console.reading.Reading`` over an open workspace."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        self._workspace = workspace
        self._checked: dict[tuple[str, str, str, int], Checked] = {}
        self._chains: dict[str, ChainState] = {}
        self.products = workspace.products
        self.gold_versions = workspace.gold_versions
        self.gold_items = workspace.gold_items
        self.looks = workspace.looks
        self.runs = workspace.runs
        self.run = workspace.run
        self.run_items = workspace.run_items
        self.query = workspace.query
        self.ramps = workspace.ramping.listed
        self.counters = workspace.counters
        self.rejections = workspace.rejections
        self.verdict = workspace.judge.verdict
        self.desk: Desk = workspace.approving

    def flags(self, product: str) -> Mapping[str, Any] | None:
        """The flags in force with that of the releases; None for none."""
        try:
            return self._workspace.flags(product=product)
        except NotFoundError:
            return None

    def flag_history(self, product: str) -> list[Mapping[str, Any]]:
        """Versions of the flags that were put in force, newest first."""
        return [*self._workspace.flag_history(product=product)]

    def switch_flag(self, product: str, flag: str, *, enabled: bool, reason: str, by: str, key: str) -> None:
        """Switch a flag off for everybody, or on again."""
        self._workspace.switch_flag(
            product=product,
            flag=flag,
            enabled=enabled,
            reason=reason,
            by=by,
            caller=Caller(role="write", key=key),
        )

    def incidents(self, product: str) -> Sequence[Incident]:
        """Open ones, then those whose fix is watched, then closed ones."""
        return self._workspace.incidents(product=product)

    def incident(self, product: str, incident_id: str) -> IncidentDetail:
        """One with its timeline."""
        return self._workspace.incident(product=product, incident_id=incident_id)

    def act_on_incident(
        self, product: str, incident_id: str, *, act: str, said: Mapping[str, str], by: str, key: str
    ) -> Incident:
        """Take the step of a button with what its form says."""
        one: dict[str, Any] = {
            "product": product,
            "incident_id": incident_id,
            "by": by,
            "caller": Caller(role="write", key=key),
        }
        text = said.get("text", "")
        if act == "note":
            return self._workspace.note_incident(**one, text=text)
        if act == "assign":
            return self._workspace.assign_incident(**one, owner=said.get("owner", ""))
        if act == "reopen":
            return self._workspace.reopen_incident(**one, because=text)
        if act == "fix":
            return self._workspace.close_incident(
                **one,
                because=text,
                was=Was.REAL,
                mechanism=_mechanism(said.get("mechanism", "")),
                gold_items=said.get("gold", "").replace(",", " ").split(),
                release=said.get("release", "").strip() or None,
            )
        if act in ("noise", "unknown"):
            return self._workspace.close_incident(**one, because=text, was=Was(act))
        raise InputError(f"{act!r:.40} is nothing that a button here does", where="act")

    def incident_rules(self, product: str) -> Sequence[RulePrecision]:
        """How often the alerts of each rule were right, noisy ones first."""
        return self._workspace.incident_rules(product=product)

    def failure_board(self, product: str) -> Sequence[FailureRow]:
        """Every failure mode of the contract: how often, where that is going, what is being done."""
        return self._workspace.failure_board(product=product)

    def contract(self, product: str) -> Contract | None:
        """The contract in force; None where none is registered."""
        known = self._workspace.contracts.in_force(product)
        return None if known is None else known.contract

    def problems(self, product: str) -> Sequence[str]:
        """Why the contract file cannot be read as it stands now; empty where it can."""
        version = self._workspace.contracts.version(product)
        return () if version is None else version.problems

    def judge_version(self, product: str, name: str, *, metric: str | None) -> JudgeVersion | str:
        """The version of a judge as the contract has it now; a sentence where that cannot be told."""
        known = self._workspace.contracts.in_force(product)
        claims = () if known is None else self._workspace.judge.claims(known)
        claim, metrics = calibration_claim(claims, name), judged_metrics(claims, name)
        if known is None or claim is None or not metrics:
            return "no claim of the contract is scored by it"
        if known.folder is None and (claim.options.get("rubric") or claim.options.get("policy")):
            return (
                "the files of its rubric and label policy are on another machine, so its version is not known"
            )
        try:
            own = claim if known.folder is None else in_folder(claim, known.folder)
            return judge_for(own, metric=metric if metric in metrics else metrics[0]).version
        except LaunchworthyError as error:
            return error.message

    def looks_spent(self, version: GoldVersion, *, split: str) -> list[Look]:
        """Readings that count against what a version keeps back, oldest first."""
        return looks_spent(self._workspace, version, split=split)

    def record_look(self, version: GoldVersion, *, split: str, by: str, purpose: str, now: datetime) -> None:
        """Write down that somebody reads what a version keeps back; once for one reader and purpose."""
        record_look(self._workspace, version, split=split, by=by, purpose=purpose, now=now, each_reader=True)

    def gold_check(self, version: GoldVersion) -> Checked | None:
        """Near-copies by id alone; None where there are too many items to compare while someone waits."""
        if version.items > _MOST_COMPARED:
            return None
        items = self._workspace.gold_items(
            product=version.product, name=version.name, version=version.version, split=None
        )
        key = (version.product, version.name, version.version, len(items))  # an erasure takes items away
        known = self._checked.get(key)
        if known is None:
            found = check_gold(items)
            known = replace(found, copies=tuple(replace(copy, texts=(None, None)) for copy in found.copies))
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            self._checked[key] = known
        return known

    def chain_state(self, product: str) -> ChainState:
        """Whether the audit chain is whole; a long one is verified once a minute at most."""
        now = self._workspace.now()
        held = self._chains.get(product)
        if held is not None and held.entries > _MOST_VERIFIED and now - held.at < _VERIFIED_FOR:
            return held
        faults = tuple(self._workspace.audit(product=product))
        found = ChainState(entries=self._workspace.ledger_size(product), faults=faults, at=now)
        self._chains[product] = found
        return found

    def audit_trail(
        self, product: str, where: AuditFilter, *, before: int | None, limit: int
    ) -> list[AuditEntry]:
        """The newest entries of the audit chain that a filter lets through, newest first."""
        return self._workspace.audit_trail(
            product=product,
            person=where.person,
            tool=where.tool,
            case=where.case,
            kind=where.kind,
            since=where.since,
            until=where.until,
            before=before,
            limit=limit,
        )

    def guards(self, product: str) -> Sequence[CompiledGuard] | str:
        """The guards of the contract in force, with whether each acts; a sentence where nobody can tell.

        Functions of the product are not loaded into the server: of those only the application knows more.
        """
        known = self._workspace.contracts.in_force(product)
        if known is None:
            return "no contract is in force"
        if known.folder is None:
            return "The contract's files are on another machine: whether its guards act is not known here."
        names = guards_in_force(known.contract)
        own = {guard.uses or name: _elsewhere for name, guard in names.items() if ":" in (guard.uses or "")}
        own = {
            name: check for name, check in own.items() if not name.startswith(("http", "model:", "judge:"))
        }
        try:
            return compile_guards(known.contract, root=known.folder, callables=own)
        except LaunchworthyError as error:
            return f"The guards cannot be compiled here: {error.message}."

    def review_hit(
        self,
        product: str,
        *,
        guard: str,
        rule: str | None,
        hit: str,
        said: str,
        by: str,
        trace_id: str | None,
    ) -> None:
        """Keep what somebody says of a hit: that it was right, or a false positive."""
        self._workspace.decide(
            product=product,
            kind="override",
            subject=guard,
            outcome=said,
            rule=rule,
            reason="a person looked at the hit",
            by=by,
            facts={"hit": hit},
            trace_id=trace_id,
        )


def _mechanism(text: str) -> Mechanism:
    try:
        return Mechanism(text)
    except ValueError as error:
        raise InputError(
            f"{text!r:.40} is no part that can be changed", where="mechanism", hint=", ".join(Mechanism)
        ) from error


def _elsewhere(_text: str) -> bool:
    raise NotImplementedError("only the application runs it")
