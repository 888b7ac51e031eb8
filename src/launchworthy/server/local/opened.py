"""The open files of a data folder, and what every room of the workspace needs of them.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from launchworthy.contract import Contract
from launchworthy.errors import LaunchworthyError
from launchworthy.records import pseudonym
from launchworthy.server.approving import Approving
from launchworthy.server.audit import Auditor
from launchworthy.server.caller import Caller
from launchworthy.server.contracts import Contracts
from launchworthy.server.flagging import Flagging
from launchworthy.server.incident_telling import IncidentTeller
from launchworthy.server.incident_watch import IncidentWatch
from launchworthy.server.incidents import Incidents
from launchworthy.server.intake import PSEUDONYM_SECRET, RecordIntake
from launchworthy.server.judging import Judge
from launchworthy.server.promoting import GoldEditor
from launchworthy.server.ramping import Ramping
from launchworthy.server.telling import Teller
from launchworthy.store import Clock, Store, StoreOptions
from launchworthy.store.options import system_clock

__all__ = ["Opened", "check_owner"]


class Opened:
    """An open :class:`Store` and those who answer for it; a second process cannot open the same folder.

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
        self.approving = Approving(
            store,
            contracts=self.contracts,
            tells=lambda one: self._teller.tells(one),
            redacted=self.take.redacted,
        )
        self._teller = Teller(store, person=self.approving.named)
        self._incident_teller = IncidentTeller(
            store,
            playbook=lambda one: self._incidents.playbook(one),
            owners=lambda product: self._incidents.owners(product),
            clock=clock,
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
    def open(cls, folder: Path, *, clock: Clock = system_clock, options: StoreOptions | None = None) -> Self:
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

    def now(self) -> datetime:
        """The moment by this workspace's clock."""
        return self._clock()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``decisions``, ``exposures``, ``rollup_hour``, ``latency_hour``."""
        return self._store.query(sql, parameters)

    def _contract(self, product: str) -> Contract | None:
        known = self.contracts.in_force(product)
        return None if known is None else known.contract

    def _pseudonym(self, user: str) -> str:
        return pseudonym(user, key=self._store.registry.secret(PSEUDONYM_SECRET))

    def _person(self, caller: Caller) -> str:
        found = self.approving.person(caller)
        return "" if found is None else found.name

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


def check_owner(caller: Caller, because: str) -> None:
    """Refuse who does not own the folder: some things are done on its own machine, by its own user."""
    if not caller.owner:
        raise LaunchworthyError(
            f"only the owner of the data folder may do this, else {because}",
            code="LW403",
            hint="use the command line on the machine and as the user that the server runs as",
        )
