"""What pages may ask of a data folder: reading, and the record of a look. The server implements it.

May import every room below ``console``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from launchworthy.console.chain import ChainState
    from launchworthy.console.desk import Desk
    from launchworthy.contract import Contract
    from launchworthy.evals.judging import JudgeVersion
    from launchworthy.evidence import AuditEntry, AuditFilter, Verdict
    from launchworthy.gold import Checked, GoldItem, GoldVersion, Look
    from launchworthy.records import Run, RunItem
    from launchworthy.records.incident import FailureRow, Incident, IncidentDetail, RulePrecision
    from launchworthy.runtime.compiling import CompiledGuard
    from launchworthy.store import Rejection

__all__ = ["Reading"]


class Reading(Protocol):
    """Every question that a page asks. A page changes nothing but the count of looks.

    Attributes:
        desk: Approvals, which people decide by its forms.
    """

    @property
    def desk(self) -> Desk: ...

    def products(self) -> list[str]:
        """Names of the products known from contracts or records, sorted."""

    def contract(self, product: str) -> Contract | None:
        """The contract in force; None where none is registered."""

    def problems(self, product: str) -> Sequence[str]:
        """Why the contract file cannot be read as it stands now; the contract in force is then the last that
        could be. Empty where it can."""

    def verdict(self, product: str) -> Verdict | None:
        """The verdict as of now; None where there is no contract."""

    def judge_version(self, product: str, name: str, *, metric: str | None) -> JudgeVersion | str:
        """The version of a judge as the contract has it now, for one metric (its first if None); a sentence
        where that cannot be told."""

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        """Newest first."""

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Readings of a holdout, oldest first."""

    def looks_spent(self, version: GoldVersion, *, split: str) -> list[Look]:
        """Readings that count against what a version keeps back, oldest first."""

    def record_look(self, version: GoldVersion, *, split: str, by: str, purpose: str, now: datetime) -> None:
        """Write down that somebody reads what a version keeps back; once for one reader and purpose."""

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        """Items in order of id. What is kept back may be compared with; no page shows more of it than ids.

        Raises:
            NotFoundError: No such version.
        """

    def gold_check(self, version: GoldVersion) -> Checked | None:
        """Near-copies among the items of a version, by id alone; None where there are too many to compare
        while someone waits."""

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        """Newest first."""

    def run(self, run_id: str) -> Run:
        """The header.

        Raises:
            NotFoundError: No such run.
        """

    def run_items(self, run_id: str) -> list[RunItem]:
        """In order of item id."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """One SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``, ``decisions``,
        ``exposures``, ``rollup_hour``, ``latency_hour`` and ``trace_index``."""

    def ramps(self, product: str) -> Sequence[Mapping[str, Any]]:
        """Releases that are or were brought to their users, newest first, the newest with what follows."""

    def flags(self, product: str) -> Mapping[str, Any] | None:
        """The flags in force with that of the releases, as ``launchworthy flags --json``; None for none."""

    def flag_history(self, product: str) -> list[Mapping[str, Any]]:
        """Versions of the flags that were put in force, newest first: when, by whom, why."""

    def switch_flag(self, product: str, flag: str, *, enabled: bool, reason: str, by: str, key: str) -> None:
        """Switch a flag off for everybody, or on again.

        Raises:
            LaunchworthyError: No such flag, no reason, or units would be moved.
        """

    def incidents(self, product: str) -> Sequence[Incident]:
        """Open ones, then those whose fix is watched, then closed ones."""

    def incident(self, product: str, incident_id: str) -> IncidentDetail:
        """One with its timeline.

        Raises:
            NotFoundError: No such incident.
        """

    def act_on_incident(
        self, product: str, incident_id: str, *, act: str, said: Mapping[str, str], by: str, key: str
    ) -> Incident:
        """Take the step of a button with what its form says: ``note``, ``assign``, ``fix``, ``noise``,
        ``unknown`` or ``reopen``.

        Raises:
            LaunchworthyError: The step cannot be taken.
        """

    def incident_rules(self, product: str) -> Sequence[RulePrecision]:
        """How often the alerts of each rule were right, noisy ones first."""

    def failure_board(self, product: str) -> Sequence[FailureRow]:
        """Every failure mode of the contract: how often, where that is going, what is being done."""

    def counters(self) -> Mapping[str, int]:
        """Spans accepted, stored, rejected and repeated, since the folder was made."""

    def rejections(self, *, limit: int) -> Sequence[Rejection]:
        """The newest refusals, newest first."""

    def chain_state(self, product: str) -> ChainState:
        """Whether the audit chain is whole, as of the last time that it was verified."""

    def audit_trail(
        self, product: str, where: AuditFilter, *, before: int | None, limit: int
    ) -> list[AuditEntry]:
        """The newest entries of the audit chain that a filter lets through, newest first; a person in it is
        a user as the application knows them, or a pseudonym."""

    def guards(self, product: str) -> Sequence[CompiledGuard] | str:
        """The guards of the contract in force, with whether each acts; a sentence where nobody can tell."""

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
