"""The workspace on open files: every operation answered by the store, the contracts and the judge.

May import every room below ``server``. One process opens a data folder at a time: the server, or a command
while no server runs.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from launchworthy.contract import Contract
from launchworthy.errors import InputError, LaunchworthyError, StorageError
from launchworthy.evals.cache import forget_replies
from launchworthy.evidence import (
    AuditEntry,
    AuditFilter,
    ChainFault,
    Evidence,
    LedgerEntry,
    Opening,
    verdict_json,
)
from launchworthy.gold import Canary, GoldItem, GoldVersion, Look, ReviewStatus
from launchworthy.monitor.alert_rules import rule_precisions
from launchworthy.monitor.failure_board import failure_board
from launchworthy.provers import measure
from launchworthy.records import TABLES, Release, Run, RunItem, RunPage, is_pseudonym, pseudonym
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
from launchworthy.rollout.experiment import (
    PLAN_KIND,
    DeclaredPlan,
    stored_experiment,
    stored_experiments,
)
from launchworthy.runtime.approval import Approval, Ticket
from launchworthy.runtime.permission import Charge, Overrun, Reservation
from launchworthy.server.approving import Approving
from launchworthy.server.audit import Auditor
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.contracts import Contracts
from launchworthy.server.deciding import own_decision
from launchworthy.server.erasing import drill, what_is_left
from launchworthy.server.experiments import MOST_PLANS, plain_experiment, plain_summary, plans_in
from launchworthy.server.exporting import learnable
from launchworthy.server.flagging import Flagging
from launchworthy.server.incident_telling import IncidentTeller
from launchworthy.server.incident_watch import IncidentWatch
from launchworthy.server.incidents import Incidents
from launchworthy.server.intake import PSEUDONYM_SECRET, RecordIntake
from launchworthy.server.judging import Judge
from launchworthy.server.measuring import AT_ONCE, HOURLY, what_is_new
from launchworthy.server.preferring import checked, entry_of, evidence_of, refuse_unless_declared
from launchworthy.server.promoting import GoldEditor
from launchworthy.server.ramping import Ramping
from launchworthy.server.retention import retention_rules
from launchworthy.server.telling import Teller
from launchworthy.server.workspace import ApiKey, AuditHeads, ContractVersion
from launchworthy.store import Clock, Rejection, Store, StoreOptions
from launchworthy.store.erasure import about_subject
from launchworthy.store.export import Learnable
from launchworthy.store.options import system_clock
from launchworthy.store.plain import to_json
from launchworthy.store.preferences import Preferences
from launchworthy.store.searching import LEAST

__all__ = ["LocalWorkspace"]

_log = logging.getLogger("launchworthy.server")

# What has a meaning of its own in the chain is appended by the operation that it belongs to.
_OWN_KINDS = ("evidence", "erasure", "decision", "export", "rollout", "incident", "flags")


class LocalWorkspace:
    """Meets ``Workspace`` on an open :class:`Store`; open with :meth:`open`, close when done.

    Attributes:
        contracts: The contract in force of each product.
        judge: Verdicts.
        take: Takes one OTLP request (``otlp.Intake``).
        approving: Approvals, and who may give them.
    """

    def __init__(self, store: Store, *, clock: Clock = system_clock) -> None:
        self._store, self._clock = store, clock
        self.contracts = Contracts(store)
        self.judge = Judge(store, contracts=self.contracts, clock=clock)
        self.take = RecordIntake(store, contracts=self.contracts, clock=clock)
        self._gold = GoldEditor(store, contract=self._contract, clock=clock)
        self._auditor = Auditor(store, clock=clock)
        self.approving = Approving(store, contracts=self.contracts, tells=lambda one: self._teller.tells(one))
        self._teller = Teller(store, person=self.approving.named)
        self._incident_teller = IncidentTeller(
            store, playbook=lambda one: self._incidents.playbook(one), clock=clock
        )
        self._incidents = Incidents(
            store,
            contracts=self.contracts,
            person=self._person,
            tell=self._incident_teller.due,
            clock=clock,
        )
        self._watch = IncidentWatch(
            store, contracts=self.contracts, judge=self.judge, incidents=self._incidents, clock=clock
        )
        self.ramping = Ramping(
            store,
            contracts=self.contracts,
            judge=self.judge,
            incidents=self._incidents,
            person=self._person,
            clock=clock,
        )
        self.flagging = Flagging(
            store,
            newest_ramp=self.ramping.newest,
            who=self._incidents.who,
            take=self.take,
            clock=clock,
        )
        self._closed = False

    @classmethod
    def open(
        cls, folder: Path, *, clock: Clock = system_clock, options: StoreOptions | None = None
    ) -> LocalWorkspace:
        """Own a data folder, making it if it is not there.

        Raises:
            ConflictError: Another process owns the folder; names its pid.
            StorageError: A file is damaged, or newer than this program.
        """
        store = Store.open(folder, clock=clock, options=options)
        try:
            return cls(store, clock=clock)
        except BaseException:
            store.close()
            raise

    def products(self) -> list[str]:
        """Names of the products known from contracts, records, gold sets, runs or evidence, sorted."""
        recorded = self._store.query("SELECT DISTINCT product FROM spans")  # narrower than the rollup
        return sorted(
            {
                *self.contracts.products(),
                *(row["product"] for row in recorded),
                *self._store.gold.gold_products(),
                *self._store.runs.run_products(),
                *self._store.ledger.ledger_products(),
            }
        )

    def follow_contract(self, path: Path) -> str:
        """Register a contract file and read it again whenever it changes; answers its product."""
        return self.contracts.follow(path)

    def register_contract(self, *, product: str, text: str, path: str) -> str:
        """Store this version of a contract; answers its content address. The same text changes nothing."""
        return self.contracts.register(product=product, text=text, path=path)

    def contract_version(self, *, product: str) -> ContractVersion | None:
        """The version in force: the registered file as it stands now, or the last one that could be read."""
        return self.contracts.version(product)

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id."""
        self._store.registry.register_release(release, product=product)

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id."""
        return self._store.registry.releases(product=product)

    def verdict(self, *, product: str, stage: str | None = None) -> dict[str, Any] | None:
        """The verdict as of this minute, as ``launchworthy verdict --json``; None without a contract."""
        found = self.judge.verdict(product, stage=stage)
        return None if found is None else verdict_json(found)

    def measure(self, *, product: str) -> list[Evidence]:
        """Let the provers that read records and gold sets look again; appends and answers what is new."""
        return self._measure(product, often=AT_ONCE)

    def _measure(self, product: str, *, often: timedelta = HOURLY) -> list[Evidence]:
        known = self.contracts.in_force(product)
        if known is None:
            return []
        self._store.flush()  # what was acknowledged a moment ago is measured too
        claims = self.judge.claims(known)
        release = self.judge.release(known)
        judged = None if release is None else release.id
        # A contract without a release does not tell releases apart: records that name none count too.
        unnamed = [] if self.judge.described(known) else [None]
        pieces = measure(
            claims,
            product=product,
            gold=self,
            query=self.query,
            releases=[judged, *unnamed, *self.judge.serving(product)],
            now=self._clock(),
            runs=self,
        )
        new = what_is_new(
            pieces,
            held=self.evidence(product),
            claims={claim.address: claim for claim in claims},
            often=often,
        )
        if new:
            self._store.ledger.add_evidence(product, new)
        return new

    def _contract(self, product: str) -> Contract | None:
        known = self.contracts.in_force(product)
        return None if known is None else known.contract

    def measure_all(self) -> None:
        """:meth:`measure` every product that has a contract; where it fails for one, the others still are.

        What was appended to the ledger is then signed, so that its tail is never unsigned for long.
        """
        for product in self.contracts.products():
            try:
                self._measure(product)
                self._watch.look(product)
            except LaunchworthyError as error:
                _log.warning("%s was not measured: %s", product, error)
            except Exception as error:
                _log.exception("%s was not measured", product)
                self._watch.failed(product, error)
        self._auditor.sign()

    def attend(self) -> None:
        """Let approvals expire that are due, and tell who wants to know of those that wait."""
        self._store.approvals.sweep()
        self._teller.tell_due()

    def maintain(self) -> None:
        """Seal past days and apply retention."""
        self._store.seal()
        self.apply_retention()

    def add_evidence(self, product: str, evidence: Sequence[Evidence]) -> None:
        """Append all or none, chained.

        Raises:
            InputError: A piece contradicts its own sample.
        """
        for piece in evidence:
            if piece.disagreement:
                raise InputError(piece.disagreement, where=piece.claim)
        self._store.ledger.add_evidence(product, evidence)

    def evidence(self, product: str) -> list[Evidence]:
        """Every piece, oldest first."""
        return self._store.ledger.evidence(product)

    def record(self, *, product: str, kind: str, body: Mapping[str, Any]) -> LedgerEntry:
        """Append an entry of another kind than evidence, such as a verdict, to the chain, and sign it."""
        if kind in _OWN_KINDS or not kind.isidentifier() or len(kind) > 40:
            raise InputError(
                f"an entry of kind {kind!r:.60} is not appended this way",
                where="kind",
                hint="a word such as verdict; evidence and erasures have operations of their own",
            )
        [entry] = self._store.ledger.append_ledger(product, kind=kind, bodies=[to_json(dict(body))])
        try:
            self._auditor.sign()
        except StorageError as error:
            _log.warning("an entry of kind %s is not signed yet: %s", kind, error)
        return entry

    def ledger_entries(self, *, product: str, after: int = 0) -> list[LedgerEntry]:
        """Entries of the audit chain, oldest first, from the one that follows number ``after``."""
        return list(self._store.ledger.ledger_entries(product, after=after))

    def audit(self, *, product: str) -> list[ChainFault]:
        """What is wrong with the audit chain, judged by the newest signed head; empty where it is whole."""
        return list(self._auditor.faults(product))

    def now(self) -> datetime:
        """The moment by this workspace's clock."""
        return self._clock()

    def ledger_size(self, product: str) -> int:
        """How many entries the audit chain has."""
        last = self._store.ledger.last_entry(product)
        return 0 if last is None else last.seq

    def audit_heads(self, *, product: str) -> AuditHeads:
        """The signed heads of the audit chain, and the public key, as they are kept apart."""
        key = self._auditor.public_key(product)
        return AuditHeads(heads=self._auditor.heads(product), public_key=None if key is None else key.hex())

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
        where = AuditFilter(
            person=self._pseudonym(person) if person else "",
            tool=tool,
            case=case,
            kind=kind,
            since=since,
            until=until,
        )
        return self._auditor.trail(product, where=where, before=before, limit=limit)

    def audit_openings(self, *, product: str, after: int = 0) -> list[Opening]:
        """Details and salts of the decisions among the next thousand entries after number ``after``."""
        return self._auditor.openings(product, after=after)

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
        row = own_decision(
            product=product,
            kind=kind,
            subject=subject,
            outcome=outcome,
            rule=rule,
            reason=reason,
            by=by,
            facts=facts,
            user=self._pseudonym(user) if user else None,
            trace_id=trace_id,
            decision_id=decision_id,
            at=self._clock(),
        )
        self._store.ingest([row], batch_id=f"decision-{row.columns['event_id'][0]}")

    def _pseudonym(self, user: str) -> str:
        return pseudonym(user, key=self._store.registry.secret(PSEUDONYM_SECRET))

    def add_gold(self, version: GoldVersion, items: Sequence[GoldItem]) -> None:
        """Store one version whole, or nothing. Adding the same version again changes nothing."""
        self._store.gold.add_gold(version, items)

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        """Newest first."""
        return self._store.gold.gold_versions(product=product, name=name)

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        """Items in order of id; reading the holdout does not count by itself."""
        return self._store.gold.gold_items(product=product, name=name, version=version, split=split)

    def gold_page(
        self, *, product: str, name: str, version: str, split: str | None, after: str | None
    ) -> list[GoldItem]:
        """The next few hundred items in order of id, after the one of this id; none where no more are."""
        return self._store.gold.gold_page(
            product=product, name=name, version=version, split=split, after=after
        )

    def iter_gold_items(
        self, *, product: str, name: str, version: str, split: str | None, without: Container[str] = ()
    ) -> Iterator[GoldItem]:
        """Items in order of id but for these, a few hundred held at a time."""
        return self._store.gold.iter_gold_items(
            product=product, name=name, version=version, split=split, without=without
        )

    def add_look(self, look: Look) -> None:
        """Record one reading of a holdout, before it is read."""
        self._store.gold.add_look(look)

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Oldest first."""
        return self._store.gold.looks(product=product, name=name, version=version)

    def gold_canaries(self, *, product: str, name: str) -> list[Canary]:
        """The canaries of a set, oldest first: its own, and those that came with files."""
        return self._store.gold.gold_canaries(product=product, name=name)

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
        return self._gold.promote(
            product=product, name=name, trace_id=trace_id, expected=expected, slices=slices, by=by
        )

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
        return self._gold.review(
            product=product,
            name=name,
            item_id=item_id,
            status=ReviewStatus(status),
            because=because,
            expected=expected,
            by=by,
        )

    def waiting_items(self, *, product: str, name: str) -> list[GoldItem]:
        """Gold items of the newest version that nobody has reviewed."""
        return self._gold.waiting(product=product, name=name)

    def add_run(self, run: Run) -> None:
        """Store a new run, or replace the header of one with the same id (its items stay)."""
        self._store.runs.add_run(run)

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Append items durably; an item id that the run already has is replaced, never doubled."""
        self._store.runs.add_run_items(run_id, items)

    def run(self, run_id: str) -> Run:
        """The header."""
        return self._store.runs.run(run_id)

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        """Newest first."""
        return self._store.runs.runs(product=product, workflow=workflow)

    def run_items(self, run_id: str) -> list[RunItem]:
        """In order of item id."""
        return self._store.runs.run_items(run_id)

    def run_page(self, run_id: str, *, before: int | None = None) -> RunPage:
        """Some items of a run, those stored last first; ``before`` is that of the page before."""
        return self._store.runs.run_page(run_id, before=before)

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """Each item once, in no order."""
        return self._store.runs.iter_run_items(run_id)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``decisions``, ``exposures``, ``rollup_hour``."""
        return self._store.query(sql, parameters)

    def newest_spans(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest spans without their long texts."""
        return self._store.newest_spans(where=where, before=before, limit=limit)

    def newest_traces(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest root spans, each with the sums of its whole trace."""
        return self._store.newest_traces(where=where, before=before, limit=limit)

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Every span of a trace, all columns, in order of start; empty if there is none."""
        return self._store.trace(trace_id)

    def model_stats(
        self, *, since: datetime, until: datetime, product: str | None = None
    ) -> list[dict[str, Any]]:
        """Calls, errors, P50 and P95 latency, tokens and cost for each model; most calls first."""
        return self._store.model_stats(since=since, until=until, product=product)

    def rejections(self, *, limit: int = 100) -> list[Rejection]:
        """The newest refusals of the receiver, newest first."""
        return self._store.rejections(limit)

    def export(
        self, table: str, *, out: Path, where: Mapping[str, Any] | None = None, learn: bool = False
    ) -> int:
        """Write a table of records to a Parquet file; answers the number of rows.

        Raises:
            InputError: What may be learnt is asked for, and no contract in force says so.
        """
        self._store.flush()
        learnable = self._learnable(str((where or {}).get("product", ""))) if learn else None
        return self._store.export(table, out=out, where=where, learnable=learnable)

    def refused_traces(self, *, product: str) -> list[dict[str, Any]]:
        """How many traces read each source that may not be learnt from, as ``{source, traces}``."""
        return self._store.refused_traces(self._learnable(product))

    def preferences(self, *, product: str, by: str, workflow: str | None = None) -> Preferences:
        """Pairs of answers of which people prefer one, as far as the contract lets them be learnt from.

        Raises:
            InputError: No contract is in force, or it does not let preferences be exported.
        """
        contract = self._in_force(product)
        try:
            refuse_unless_declared(contract)
        except InputError as error:
            self._note_export(product, {"what": "preferences", "by": by, "refused": str(error)})
            raise
        said = self._store.preferences(self._learnable(product), workflow=workflow)
        found = checked(said, contract, read=self._store.read_in)
        self._note_export(product, entry_of(found, by=by, workflow=workflow))
        self.add_evidence(product, [evidence_of(found, contract, now=self._clock())])
        return found

    def _note_export(self, product: str, body: Mapping[str, Any]) -> None:
        self._store.ledger.append_ledger(product, kind="export", bodies=[to_json(dict(body))])

    def _learnable(self, product: str) -> Learnable:
        contract = self._in_force(product)
        return learnable(contract, retention=retention_rules(self.contracts), now=self._clock())

    def _in_force(self, product: str) -> Contract:
        contract = self._contract(product)
        if contract is None:
            raise InputError(
                f"no contract of {product!r:.80} is in force, so nothing says what may be learnt",
                where="product",
                hint="name the product, and register its contract",
            )
        return contract

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row.

        A user id as the application knows it is erased under its pseudonym, and as it stands: a contract may
        keep ids, and a gold set or a run may name one. Remembered replies are forgotten where they, or what
        was asked, name the subject or a trace of theirs, and where they do not say what was asked, as those
        of judges.
        """
        self._forget_replies(product, user_id)
        if is_pseudonym(user_id) or not user_id.strip():
            return self._store.erase_subject(product=product, user_id=user_id, by=by)
        key = self._store.registry.secret(PSEUDONYM_SECRET)
        hidden = self._store.erase_subject(product=product, user_id=pseudonym(user_id, key=key), by=by)
        plain = self._store.erase_subject(product=product, user_id=user_id, by=by)
        removed = dict(plain["removed"])
        for name, count in hidden["removed"].items():
            removed[name] = removed.get(name, 0) + count
        return {**plain, "requested_at_ns": hidden["requested_at_ns"], "removed": removed}

    def find_texts(self, *, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Where any of these texts stands in any file of the folder, and which of them it is.

        Each is looked for as a user too, who stands under a pseudonym.
        """
        # A user stands under a pseudonym; a short id stands anywhere by chance, and its pseudonym does not.
        wanted = [(place, text) for place, text in enumerate(texts) if len(text) >= LEAST]
        wanted += [(place, self._pseudonym(text)) for place, text in enumerate(texts)]
        left = what_is_left(self._store, [text for _, text in wanted])
        found = dict.fromkeys((each["place"], wanted[each["text"]][0]) for each in left)
        return [{"place": place, "text": text} for place, text in found]

    def drill_erasure(self, *, product: str, by: str) -> Evidence:
        """Erase a made-up person and look for what is left; answers, and keeps, the evidence.

        Raises:
            InputError: The contract in force says nothing of erasure.
        """
        piece = drill(
            self._store,
            product=product,
            within_ms=self._erasure_within(product),
            erase=lambda user: self.erase_subject(product=product, user_id=user, by=by),
            pseudonym=self._pseudonym,
            clock=self._clock,
        )
        self.add_evidence(product, [piece])
        return piece

    def _erasure_within(self, product: str) -> float:
        contract = self._contract(product)
        declared = None if contract is None else contract.data.erasure_within
        if declared is None:
            raise InputError(
                f"the contract in force of {product!r:.80} says nothing of erasure",
                where="data/erasure_within",
                hint="declare how soon a person's data is gone: data: {erasure_within: 72h}",
            )
        return declared.value

    def _forget_replies(self, product: str, user_id: str) -> None:
        if not user_id.strip():
            return  # the store says what is wrong with it
        key = self._store.registry.secret(PSEUDONYM_SECRET)
        names = [user_id] if is_pseudonym(user_id) else [user_id, pseudonym(user_id, key=key)]
        self._store.flush()
        traces = {
            row["trace_id"]
            for table in TABLES
            for name in names
            for row in self.query(
                f"SELECT DISTINCT trace_id FROM {table}"  # noqa: S608 (a name of our own)
                " WHERE product = ? AND user_id = ? AND trace_id IS NOT NULL",
                [product, name],
            )
        }
        told = [about_subject(name, traces=traces) for name in names]
        forget_replies(self._store.folder, about=lambda text: any(about(text) for about in told))

    def apply_retention(self) -> Mapping[str, int]:
        """Unlink what is older than the contracts allow; answers rows removed per table."""
        return self._store.apply_retention(self._clock(), retention_rules(self.contracts))

    def request_approval(
        self, *, product: str, call: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Ask for the approval of a call; the same id again answers the same one, as it is now."""
        return self.approving.request(product, call, caller=caller)

    def seed_approval(
        self, *, product: str, call: Mapping[str, Any], wrong: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Put a wrong call among those that wait, to see whether people stop it; it never runs."""
        _check_owner(caller, "an application could hide what it wants among tests")
        if not wrong.strip():
            raise InputError("why it is wrong is not said", where="wrong", hint="people are told afterwards")
        return self.approving.request(product, call, caller=caller, wrong=wrong.strip()[:500])

    def approvals(self, *, product: str, state: str | None = None, limit: int = 200) -> list[Approval]:
        """Calls that wait, waited or ran, newest first; those of one state, if it is named."""
        return self.approving.listed(product, state=state, limit=limit)

    def approval(
        self, *, product: str, approval_id: str, wait_s: float = 0.0, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """One of them; with ``wait_s``, once it waits for no person any more, or after so many seconds."""
        return self.approving.get(product, approval_id, wait_s=wait_s, caller=caller)

    def approve(
        self, *, product: str, approval_id: str, arguments_hash: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Confirm a call with exactly these arguments, as the person whose key is shown."""
        who = self.approving.person(caller)
        return self.approving.approve(product, approval_id, arguments_hash=arguments_hash, who=who)

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
        who = self.approving.person(caller)
        return self.approving.reject(
            product, approval_id, reason=reason, arguments_hash=arguments_hash, who=who
        )

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
        return self.approving.edit(
            product,
            approval_id,
            arguments=arguments,
            arguments_hash=arguments_hash,
            who=self.approving.person(caller),
        )

    def resolve_approval(
        self, *, product: str, approval_id: str, ran: bool, reason: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Say whether a call ran of which nothing was heard, as a person who looked."""
        who = self.approving.person(caller)
        return self.approving.resolve(product, approval_id, ran=ran, reason=reason, who=who)

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
        return self.approving.claim(
            product,
            approval_id,
            claimant=claimant,
            arguments_hash=arguments_hash,
            lease_s=lease_s,
            caller=caller,
        )

    def settle_approval(
        self, *, product: str, approval_id: str, ticket: str, outcome: str, reason: str = ""
    ) -> Approval:
        """Say how a call ended: ``done``, ``failed`` or ``unknown``."""
        return self.approving.settle(product, approval_id, ticket=ticket, outcome=outcome, reason=reason)

    def withdraw_approval(
        self, *, product: str, approval_id: str, reason: str = "", caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Want a call no longer."""
        return self.approving.withdraw(product, approval_id, reason=reason, caller=caller)

    def tell_approvals(
        self,
        *,
        product: str,
        url: str,
        console: str = "http://127.0.0.1:8321",
        people: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Post to an address whenever a call waits; answers the secret that messages are signed with."""
        _check_owner(caller, "whoever gets the links can approve")
        return self._teller.set(product, url=url, console=console, people=people)

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
        return self.ramping.start(
            product, release=release, baseline=baseline, reason=reason, by=by, caller=caller
        )

    def experiments(self, *, product: str, simulated: bool = False) -> list[dict[str, Any]]:
        """Flags and experiments of which units met at least two variants, newest first."""
        found = stored_experiments(
            self.query, product=product, plans=self._plans(product), simulated=simulated
        )
        return [plain_summary(each) for each in found]

    def experiment(self, *, product: str, key: str, simulated: bool = False) -> dict[str, Any]:
        """What an experiment says now, from who met which variant and what they did since."""
        found = stored_experiment(
            self.query,
            product=product,
            key=key,
            plans=self._plans(product).get(key, ()),
            simulated=simulated,
        )
        return plain_experiment(found)

    def _plans(self, product: str) -> dict[str, list[DeclaredPlan]]:
        return plans_in(self.audit_trail(product=product, kind=PLAN_KIND, limit=MOST_PLANS))

    def ramps(self, *, product: str) -> list[dict[str, Any]]:
        """Releases that are or were brought to their users, newest first, the newest with what follows."""
        return self.ramping.listed(product)

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
        return self.ramping.step(product, ramp=ramp_id, action=action, reason=reason, by=by, caller=caller)

    def evaluate_ramp(self, *, product: str) -> dict[str, Any] | None:
        """Look at the ramp under way at once, and do what follows; None where there is none."""
        found = self.ramping.evaluate(product)
        return None if found is None else self.ramping.listed(product)[0]

    def flags(self, *, product: str) -> dict[str, Any]:
        """The flags in force, with that of the product's releases; for clients that decide by themselves."""
        return self.flagging.told(product)

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
        return self.flagging.put(
            product, document=flags, reason=reason, by=by, replaces=replaces, caller=caller
        )

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
        return self.flagging.switch(product, flag=flag, enabled=enabled, reason=reason, by=by, caller=caller)

    def flag_history(self, *, product: str) -> list[dict[str, Any]]:
        """Versions of the flags that were put in force, newest first: when, by whom, why."""
        return self.flagging.history(product)

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
        """Open an incident, or join the one that is open under the same key (else the same address)."""
        by_hand = source is IncidentSource.PERSON
        return self._incidents.open(
            product,
            title=title,
            source=source,
            address=address,
            key=key,
            failure_mode=failure_mode,
            severity=severity,
            release=release,
            cohort=cohort,
            traces=traces,
            facts=facts,
            by=self._incidents.who(by, caller) if by_hand else by,
        )

    def incidents(self, *, product: str, state: IncidentState | None = None) -> list[Incident]:
        """Incidents of a product: open ones, then those whose fix is watched, then closed ones."""
        self._store.flush()
        self._watch.overran(product)
        found = self._incidents.listed(product, state=state)
        return found + [each for each in self._watch.earlier(product) if state in (None, each.state)]

    def incident(self, *, product: str, incident_id: str) -> IncidentDetail:
        """One incident with its timeline, what to do meanwhile, and who was told."""
        earlier = next((each for each in self._watch.earlier(product) if each.id == incident_id), None)
        if earlier is not None:
            return IncidentDetail(incident=earlier, events=(), playbook="", notices=())
        return self._incidents.detail(product, incident_id)

    def note_incident(
        self, *, product: str, incident_id: str, text: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Write something into the timeline of an incident."""
        return self._incidents.note(product, incident_id, text=text, by=by, caller=caller)

    def assign_incident(
        self, *, product: str, incident_id: str, owner: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Give an incident to an owner of the contract, or to somebody by name."""
        return self._incidents.assign(product, incident_id, owner=owner, by=by, caller=caller)

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
        """Close an alert that was noise; what was cured is watched until that is shown to help."""
        return self._incidents.close(
            product,
            incident_id,
            by=by,
            because=because,
            was=was,
            mechanism=mechanism,
            gold_items=gold_items,
            release=release,
            caller=caller,
        )

    def reopen_incident(
        self, *, product: str, incident_id: str, because: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Open an incident again, with a reason."""
        return self._incidents.reopen(product, incident_id, by=by, because=because, caller=caller)

    def incident_rules(self, *, product: str) -> list[RulePrecision]:
        """How often the alerts of each rule were right, as those say who closed them; noisy ones first."""
        return rule_precisions(self.incidents(product=product))

    def failure_board(self, *, product: str) -> list[FailureRow]:
        """Every failure mode of the contract: how often, where that is going, and what is being done."""
        contract = self._contract(product)
        if contract is None:
            return []
        found = self.incidents(product=product)
        held = self.evidence(product)
        return failure_board(contract, found, evidence=held, query=self.query, now=self._clock())

    def tell_incidents(
        self, *, product: str, settings: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> str:
        """Set who is told of incidents, when and how; answers the secret that webhooks are signed with."""
        _check_owner(caller, "it could have this machine call any address")
        return self._incident_teller.set(product, settings)

    def test_incident_notices(self, *, product: str, caller: Caller = THIS_MACHINE) -> dict[str, str]:
        """Send each target a test message; answers why it was not heard by target, empty where it was."""
        _check_owner(caller, "anybody could page people at night")
        return self._incident_teller.test(product)

    def tell_of_incidents(self) -> None:
        """Tell of incidents whoever is due to be told."""
        self._incident_teller.tell_due()

    def _person(self, caller: Caller) -> str:
        found = self.approving.person(caller)
        return "" if found is None else found.name

    def reserve_spending(self, *, product: str, charges: Sequence[Charge]) -> Mapping[str, Any]:
        """Take room in every budget, or in none: ``{"reservation": …}``, or ``{"overrun": …}``."""
        found = self._store.spending(product).reserve(charges)
        if isinstance(found, Overrun):
            return {"overrun": {"place": list(charges).index(found.charge), "spent": found.spent}}
        return {"reservation": found.id}

    def settle_spending(self, *, product: str, reservation: str, amount: float | None = None) -> None:
        """The call ran; ``amount`` is what it really took."""
        self._store.spending(product).settle(Reservation(id=reservation, charges=()), amount=amount)

    def release_spending(self, *, product: str, reservation: str) -> None:
        """The call did not run, for certain."""
        self._store.spending(product).release(Reservation(id=reservation, charges=()))

    def add_api_key(
        self,
        *,
        name: str,
        role: str,
        person: str = "",
        acts_as: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Make an API key; the answer is the only time that its secret is shown."""
        if person or acts_as:
            _check_owner(caller, "an application could make itself an approver")
        return self._store.registry.add_api_key(name=name, role=role, person=person, acts_as=acts_as)

    def api_keys(self) -> list[ApiKey]:
        """Every key, revoked ones included, by name."""
        return [
            ApiKey(
                name=key.name,
                role=key.role,
                created_at=key.created_at,
                revoked_at=key.revoked_at,
                person=key.person,
                acts_as=key.acts_as,
            )
            for key in self._store.registry.api_keys()
        ]

    def revoke_api_key(self, *, name: str) -> None:
        """End a key at once."""
        self._store.registry.revoke_api_key(name=name)

    def is_live_key(self, name: str) -> bool:
        """Whether a key of this name is in force."""
        return self._store.registry.is_live(name)

    def role_of_key(self, key: str) -> str | None:
        """The role of a key that is in force, or None."""
        return self._store.registry.role_of_key(key)

    def name_of_key(self, key: str) -> str:
        """The name of a key that is in force; empty for any other."""
        return self._store.registry.name_of_key(key) or ""

    def counters(self) -> Mapping[str, int]:
        """Spans accepted, stored, rejected, and repeated, since the folder was made."""
        return self._store.counters()

    def close(self) -> None:
        """Sign the ledger's heads and let go of every file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._auditor.sign()
        finally:
            self._store.close()


def _check_owner(caller: Caller, because: str) -> None:
    """Refuse who does not own the folder: some things are done on its own machine, by its own user."""
    if not caller.owner:
        raise LaunchworthyError(
            f"only the owner of the data folder may do this, else {because}",
            code="LW403",
            hint="use the command line on the machine and as the user that the server runs as",
        )
