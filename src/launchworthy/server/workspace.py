"""The one door to a data folder: the same operations on open files and over HTTP.

May import every room below ``server``. ``local`` implements it on open files, ``remote.py`` over HTTP,
``operations.py`` says how each method looks as a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from launchworthy.evidence import (
    AuditEntry,
    ChainFault,
    Evidence,
    Ledger,
    LedgerEntry,
    Opening,
    SignedHead,
)
from launchworthy.gold import GoldItem, GoldStore, GoldVersion, ReviewStatus
from launchworthy.monitor import LabelDraw
from launchworthy.records import Release, RunPage, RunStore
from launchworthy.records.incident import (
    FailureRow,
    Incident,
    IncidentDetail,
    IncidentSource,
    IncidentState,
    Mechanism,
    RulePrecision,
    Was,
)
from launchworthy.runtime.approval import Approval, Ticket
from launchworthy.runtime.permission import Charge
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.store.preferences import Preferences

__all__ = ["ApiKey", "AuditHeads", "AuditWords", "ContractVersion", "Workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractVersion:
    """One version of a contract as it was registered; ``version`` is the content address of its text.

    ``problems`` says why the file that is followed cannot be read as it stands now; then this version, the
    last one that could be, stays in force.
    """

    product: str
    version: str
    path: str
    text: str
    registered_at: datetime
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key without its secret; of the roles ``ingest``, ``read``, ``write`` each includes the last.

    ``person`` is whose key it is, and ``acts_as`` in which roles of contracts they confirm calls.
    """

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None
    person: str = ""
    acts_as: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHeads:
    """The signed heads of a product's chain, the longest last, and the key that signs them, in hex."""

    heads: Sequence[SignedHead]
    public_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWords:
    """What the records say of some entries of a chain, against what the chain committed to.

    Attributes:
        entries: How many entries were looked at; 0: there are no more.
        opened: Decisions whose words are what was committed to.
        closed: Decisions whose words were erased, or are past their retention.
        altered: Numbers of the entries whose words are others.
    """

    entries: int
    opened: int
    closed: int
    altered: Sequence[int]


class Workspace(GoldStore, Ledger, RunStore, Protocol):
    """Everything a command may ask of a data folder."""

    def products(self) -> list[str]:
        """Names of the products known from contracts, records, gold sets, runs or evidence, sorted."""

    def register_contract(self, *, product: str, text: str, path: str, caller: Caller = THIS_MACHINE) -> str:
        """Store this version of a contract; answers its content address. The same text changes nothing."""

    def contract_version(self, *, product: str, version: str = "") -> ContractVersion | None:
        """The version in force: the registered file as it stands now, or the last one that could be read; or
        one that was, by its name ``c-…``."""

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id."""

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id."""

    def measure(self, *, product: str) -> list[Evidence]:
        """Let the provers that read records and gold sets look again; appends and answers what is new."""

    def verdict(self, *, product: str, stage: str | None = None) -> dict[str, Any] | None:
        """The verdict as of this minute, as ``launchworthy verdict --json``; None without a contract."""

    def gold_page(
        self, *, product: str, name: str, version: str, split: str | None, after: str | None
    ) -> list[GoldItem]:
        """The next few hundred items in order of id, after the one of this id; none where no more are."""

    def run_page(self, run_id: str, *, before: int | None = None) -> RunPage:
        """Some items of a run, those stored last first; ``before`` is that of the page before.

        An item that was stored again stands in an earlier page than what it replaced.
        """

    def record(self, *, product: str, kind: str, body: Mapping[str, Any]) -> LedgerEntry:
        """Append an entry of another kind than evidence, such as a verdict, to the audit chain."""

    def ledger_entries(self, *, product: str, after: int = 0) -> list[LedgerEntry]:
        """Entries of the audit chain, oldest first, from the one that follows number ``after``."""

    def audit(self, *, product: str) -> list[ChainFault]:
        """What is wrong with the audit chain, judged by the newest signed head; empty where it is whole."""

    def audit_heads(self, *, product: str) -> AuditHeads:
        """The signed heads of the audit chain, and the public key, as they are kept apart."""

    def audit_words(self, *, product: str, after: int = 0) -> AuditWords:
        """Whether the records say of the next thousand entries after number ``after`` what the chain
        committed to."""

    def audit_trail(
        self,
        *,
        product: str,
        person: str = "",
        tool: str = "",
        case: str = "",
        kind: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditEntry]:
        """The newest entries of the audit chain by person, tool, case, kind and time, each opened as far as
        its detail is still there."""

    def audit_openings(self, *, product: str, after: int = 0) -> list[Opening]:
        """Details and salts of the decisions among the next thousand entries after number ``after``."""

    def decide(
        self,
        *,
        product: str,
        kind: str,
        subject: str,
        outcome: str,
        rule: str | None = None,
        reason: str = "",
        by: str | None = None,
        facts: Mapping[str, Any] | None = None,
        user: str | None = None,
        trace_id: str | None = None,
        decision_id: str | None = None,
    ) -> None:
        """Append a decision that was made here and not in an application, such as a drill."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``decisions``, ``exposures``, ``rollup_hour``, ``latency_hour``."""

    def newest_spans(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest spans without their long texts; ``where`` maps a column or ``attributes.NAME`` to its value,
        ``before`` is a start time (ns) to page from."""

    def newest_traces(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest root spans, each with spans, errors, tokens and cost of its whole trace."""

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Every span of a trace, all columns, in order of start; empty if there is none."""

    def model_stats(
        self, *, since: datetime, until: datetime, product: str | None = None
    ) -> list[dict[str, Any]]:
        """Calls, errors, P50 and P95 latency, tokens and cost for each model; most calls first."""

    def export(
        self, table: str, *, out: Path, where: Mapping[str, Any] | None = None, learn: bool = False
    ) -> int:
        """Write a table of records to a Parquet file; answers the number of rows. With ``learn``, only what
        the contract of the product that ``where`` names lets be learnt from."""

    def refused_traces(self, *, product: str) -> list[dict[str, Any]]:
        """How many traces read each source that may not be learnt from, as ``{source, traces}``."""

    def preferences(self, *, product: str, by: str, workflow: str | None = None) -> Preferences:
        """Pairs of answers of which people prefer one, as far as the contract lets them be learnt from; the
        export, or that it was refused, is on record in the audit chain."""

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row."""

    def find_texts(self, *, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Where any of these texts stands in any file of the folder, and which of them it is."""

    def drill_erasure(self, *, product: str, by: str) -> Evidence:
        """Erase a made-up person and look for what is left; answers, and keeps, the evidence."""

    def apply_retention(self) -> Mapping[str, int]:
        """Unlink what is older than the contracts allow; answers rows removed per table."""

    def promote_trace(
        self,
        *,
        product: str,
        name: str,
        trace_id: str,
        by: str,
        expected: Any = None,
        slices: Sequence[str] = (),
    ) -> GoldVersion:
        """Add what a user asked in a trace to a gold set, proposed for review; answers the new version."""

    def review_item(
        self,
        *,
        product: str,
        name: str,
        item_id: str,
        status: ReviewStatus,
        by: str,
        because: str = "",
        expected: Any = None,
    ) -> GoldVersion:
        """Accept or reject a gold item of the newest version; answers the new version."""

    def waiting_items(self, *, product: str, name: str) -> list[GoldItem]:
        """Gold items of the newest version that nobody has reviewed."""

    def draw_labels(
        self, *, product: str, workflow: str, event: str, share: float, since: datetime, seed: int = 0
    ) -> LabelDraw:
        """Draw calls at random to be labelled by an outcome, and record the chance of each, once."""

    def request_approval(
        self, *, product: str, call: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Ask for the approval of a call; the same id again answers the same one, as it is now."""

    def seed_approval(
        self, *, product: str, call: Mapping[str, Any], wrong: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Put a wrong call among those that wait, to see whether people stop it; it never runs."""

    def approvals(self, *, product: str, state: str | None = None, limit: int = 200) -> list[Approval]:
        """Calls that wait, waited or ran, newest first; those of one state, if it is named."""

    def approval(
        self, *, product: str, approval_id: str, wait_s: float = 0.0, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """One of them; with ``wait_s``, once it waits for no person any more, or after so many seconds."""

    def approve(
        self, *, product: str, approval_id: str, arguments_hash: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Confirm a call with exactly these arguments, as the person whose key is shown."""

    def reject(
        self,
        *,
        product: str,
        approval_id: str,
        reason: str,
        arguments_hash: str | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> Approval:
        """Reject a call, with a reason."""

    def edit_approval(
        self,
        *,
        product: str,
        approval_id: str,
        arguments: Mapping[str, Any],
        arguments_hash: str,
        caller: Caller = THIS_MACHINE,
    ) -> Approval:
        """Correct arguments: they are checked anew, and what was approved before is void."""

    def resolve_approval(
        self, *, product: str, approval_id: str, ran: bool, reason: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Say whether a call ran of which nothing was heard, as a person who looked."""

    def claim_approval(
        self,
        *,
        product: str,
        approval_id: str,
        claimant: str,
        arguments_hash: str,
        lease_s: float = 60.0,
        caller: Caller = THIS_MACHINE,
    ) -> Ticket:
        """Take an approved call to run it now; one claimant gets it."""

    def settle_approval(
        self, *, product: str, approval_id: str, ticket: str, outcome: str, reason: str = ""
    ) -> Approval:
        """Say how a call ended: ``done``, ``failed`` or ``unknown``."""

    def withdraw_approval(
        self, *, product: str, approval_id: str, reason: str = "", caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Want a call no longer."""

    def tell_approvals(
        self,
        *,
        product: str,
        url: str,
        console: str = "http://127.0.0.1:8321",
        people: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Post to an address whenever a call waits, with a link for each of these people; answers the secret
        that messages are signed with. An empty address ends it."""

    def start_ramp(
        self,
        *,
        product: str,
        release: str | None = None,
        baseline: str | None = None,
        reason: str = "",
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Begin to bring a release to its users stage by stage; the one that serves now is its baseline."""

    def ramps(self, *, product: str) -> list[dict[str, Any]]:
        """Releases that are or were brought to their users, newest first, the newest with what follows."""

    def step_ramp(
        self,
        *,
        product: str,
        ramp_id: str,
        action: str,
        reason: str,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Decide about a ramp as a person: enter, hold, resume, approve, roll_back or stop."""

    def evaluate_ramp(self, *, product: str) -> dict[str, Any] | None:
        """Look at the ramp under way at once, and do what follows; None where there is none."""

    def flags(self, *, product: str) -> dict[str, Any]:
        """The flags in force, with that of the product's releases; for clients that decide by themselves."""

    def set_flags(
        self,
        *,
        product: str,
        flags: Mapping[str, Any],
        reason: str,
        by: str = "",
        replaces: int | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Put flags in force, unless they would move units and no higher generation says so."""

    def switch_flag(
        self,
        *,
        product: str,
        flag: str,
        enabled: bool,
        reason: str,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> dict[str, Any]:
        """Switch a flag off for everybody at once, or on again."""

    def flag_history(self, *, product: str) -> list[dict[str, Any]]:
        """Versions of the flags that were put in force, newest first: when, by whom, why."""

    def experiments(self, *, product: str, simulated: bool = False) -> list[dict[str, Any]]:
        """Flags and experiments of which units met at least two variants, newest first."""

    def experiment(self, *, product: str, key: str, simulated: bool = False) -> dict[str, Any]:
        """What an experiment says now, from who met which variant and what they did since."""

    def open_incident(
        self,
        *,
        product: str,
        title: str,
        source: IncidentSource = IncidentSource.PERSON,
        address: str = "",
        key: str = "",
        failure_mode: str | None = None,
        severity: str | None = None,
        release: str | None = None,
        cohort: str | None = None,
        traces: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> Incident:
        """Open an incident, or join the one that is open under the same key (else the same address); the
        contract says whose it is and how bad."""

    def incidents(self, *, product: str, state: IncidentState | None = None) -> list[Incident]:
        """Incidents of a product: open ones, then those whose fix is watched, then closed ones."""

    def incident(self, *, product: str, incident_id: str) -> IncidentDetail:
        """One incident with its timeline, what to do meanwhile, and who was told."""

    def note_incident(
        self, *, product: str, incident_id: str, text: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Write something into the timeline of an incident."""

    def assign_incident(
        self, *, product: str, incident_id: str, owner: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Give an incident to an owner of the contract, or to somebody by name."""

    def close_incident(
        self,
        *,
        product: str,
        incident_id: str,
        because: str,
        by: str = "",
        was: Was = Was.UNKNOWN,
        mechanism: Mechanism | None = None,
        gold_items: Sequence[str] = (),
        release: str | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> Incident:
        """Close an alert that was noise; with what was changed to cure it, watch it until that is shown to
        help."""

    def reopen_incident(
        self, *, product: str, incident_id: str, because: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Open an incident again, with a reason."""

    def incident_rules(self, *, product: str) -> list[RulePrecision]:
        """How often the alerts of each rule were right, as those say who closed them; noisy ones first."""

    def failure_board(self, *, product: str) -> list[FailureRow]:
        """Every failure mode of the contract: how often, where that is going, and what is being done."""

    def tell_incidents(
        self, *, product: str, settings: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> str:
        """Set who is told of incidents, when and how; answers the secret that webhooks are signed with. Empty
        settings end it."""

    def test_incident_notices(self, *, product: str, caller: Caller = THIS_MACHINE) -> dict[str, str]:
        """Send each target a test message; answers why it was not heard by target, empty where it was."""

    def reserve_spending(self, *, product: str, charges: Sequence[Charge]) -> Mapping[str, Any]:
        """Take room in every budget, or in none: ``{"reservation": …}``, or ``{"overrun": …}``."""

    def settle_spending(self, *, product: str, reservation: str, amount: float | None = None) -> None:
        """The call ran; ``amount`` is what it really took."""

    def release_spending(self, *, product: str, reservation: str) -> None:
        """The call did not run, for certain."""

    def add_api_key(
        self,
        *,
        name: str,
        role: str,
        person: str = "",
        acts_as: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Make an API key; the answer is the only time that its secret is shown. Keys of people who confirm
        calls are made by whoever owns the folder."""

    def api_keys(self) -> list[ApiKey]:
        """Every key, revoked ones included, by name."""

    def revoke_api_key(self, *, name: str) -> None:
        """End a key at once."""

    def counters(self) -> Mapping[str, int]:
        """Spans accepted, stored, rejected, and repeated, since the folder was made."""

    def close(self) -> None:
        """Release every file."""
