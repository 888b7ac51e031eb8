"""Incidents as the server keeps them: the contract says whose they are and how bad, keys say who acts.

May import every room below ``server``. Monitors, budgets, ramps and people all use :meth:`Incidents.open`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from launchworthy.contract import Contract
from launchworthy.contract.failure_modes import FailureMode, mode_named, mode_of, owner_of
from launchworthy.errors import InputError
from launchworthy.monitor.suspects import suspects
from launchworthy.records import facts_of
from launchworthy.records import incident_steps as steps
from launchworthy.records.incident import (
    Fix,
    Incident,
    IncidentDetail,
    IncidentSource,
    IncidentState,
    Mechanism,
    Opening,
    Suspect,
    Was,
)
from launchworthy.server.caller import Caller
from launchworthy.server.contracts import Contracts
from launchworthy.store import Clock, Store
from launchworthy.store.incidents import Telling

__all__ = ["Incidents"]

_MOST_TRACES = 20


class Incidents:
    """Incidents of every product of a folder.

    Args:
        store: Keeps them.
        contracts: The contract in force of each product.
        person: Whose key a caller showed; empty where it is nobody's.
        tell: Who is to be told of a step.
        clock: The moment.
    """

    def __init__(
        self,
        store: Store,
        *,
        contracts: Contracts,
        person: Callable[[Caller], str],
        tell: Callable[[Incident, str], Sequence[Telling]],
        clock: Clock,
    ) -> None:
        self._store, self._contracts, self._clock = store, contracts, clock
        self._person, self._tell = person, tell

    def open(
        self,
        product: str,
        *,
        title: str,
        source: IncidentSource,
        address: str = "",
        key: str = "",
        failure_mode: str | None = None,
        severity: str | None = None,
        release: str | None = None,
        cohort: str | None = None,
        traces: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        by: str = "",
        first_at: datetime | None = None,
        last_at: datetime | None = None,
        count: int | None = None,
        suspected: Sequence[Suspect] = (),
    ) -> Incident:
        """Open an incident, or join the one that is open under the same key.

        Args:
            product: Whose it is.
            title: What is being lost, in words.
            source: Who says so.
            address: Claim or line of the contract; with or without the product.
            key: What makes two of them one; the address, the failure mode or the title where it is empty.
            failure_mode: As the contract names it; found by the address where it is None.
            severity: Of the failure mode where it is None.
            release, cohort: Where it was seen.
            traces: Examples in hex, the newest first.
            facts: Numbers behind it.
            by: The person who opens it.
            first_at, last_at: Of the first and newest occurrence; None: now.
            count: How many calls failed since ``first_at``; None: one more.
            suspected: Changes that are known to stand behind it; others are looked for.

        Raises:
            InputError: No title, a severity or a trace that is none, a failure mode that the contract lacks.
        """
        if not product.strip():
            raise InputError("product is empty", where="product")
        if not title.strip():
            raise InputError("say what went wrong", where="title")
        contract = self.contract(product)
        address = address if not address or address.startswith(f"{product}/") else f"{product}/{address}"
        mode = self._mode(contract, address, failure_mode, source=source)
        worst = severity or (mode.failure.severity if mode is not None else "medium")
        named = failure_mode if mode is None else mode.name
        # A failure mode that is named without a claim is watched by the claim that the contract names.
        address = address or ("" if mode is None else mode.watched_by)
        key = key or address or named or title
        seen = self._suspects(product, key, contract, address=address, first_at=first_at)
        # What records show too says more: which parts changed.
        also = {each.kind for each in seen if release and f"→ {release}" in each.what}
        opening = Opening(
            key=key,
            source=source,
            address=address,
            title=" ".join(title.split()),
            failure_mode=named,
            severity=worst,
            owner="" if contract is None else owner_of(contract, address, severity=worst),
            release=release,
            cohort=cohort,
            traces=_traces(traces),
            facts=facts_of(facts),
            by=by,
            first_at=first_at,
            last_at=last_at,
            count=count,
            suspected=(*(each for each in suspected if each.kind not in also), *seen),
        )
        return self._store.incidents.open(product, opening, tell=self._tell)

    def listed(self, product: str, *, state: IncidentState | None) -> list[Incident]:
        """Open ones first, then those whose fix is watched, then closed ones."""
        return self._store.incidents.listed(product, states=() if state is None else (state,))

    def detail(self, product: str, incident_id: str) -> IncidentDetail:
        """One with its timeline, its playbook and who was told."""
        one = self._store.incidents.get(product, incident_id)
        return IncidentDetail(
            incident=one,
            events=tuple(self._store.incidents.events(product, incident_id)),
            playbook=self.playbook(one),
            notices=tuple(self._store.incidents.notices(product, incident_id)),
        )

    def playbook(self, one: Incident) -> str:
        """What the contract says limits the harm meanwhile; empty where it says nothing."""
        contract = self.contract(one.product)
        mode = None if contract is None else self.mode(contract, one)
        return "" if mode is None else mode.failure.mitigation or ""

    def owners(self, product: str) -> Mapping[str, str]:
        """Owners of the contract in force, and where each is reached."""
        contract = self.contract(product)
        return {} if contract is None else contract.owners

    def note(self, product: str, incident_id: str, *, text: str, by: str, caller: Caller) -> Incident:
        """Write something down."""
        who = self.who(by, caller)
        return self.step(product, incident_id, lambda one, _: steps.noted(one, by=who, text=text))

    def assign(self, product: str, incident_id: str, *, owner: str, by: str, caller: Caller) -> Incident:
        """Give it to an owner of the contract, or to somebody by name."""
        who = self.who(by, caller)
        return self.step(product, incident_id, lambda one, _: steps.assigned(one, owner=owner, by=who))

    def close(
        self,
        product: str,
        incident_id: str,
        *,
        by: str,
        because: str,
        was: Was,
        mechanism: Mechanism | None,
        gold_items: Sequence[str],
        release: str | None,
        caller: Caller,
    ) -> Incident:
        """Close what was noise, or what nobody can tell; watch what was cured until that is shown to help.

        Raises:
            InputError: It was real and nothing cured it, or a gold item or a release is not known.
        """
        who = self.who(by, caller)
        if mechanism is None:
            if gold_items or release:
                raise InputError(
                    "gold items and a release belong to a fix",
                    where="mechanism",
                    hint="say which part was changed: prompt, retrieval, tool, policy, data or model",
                )
            return self.step(
                product,
                incident_id,
                lambda one, now: steps.closed(one, was=was, by=who, because=because, now=now),
            )
        items = self._known_items(product, gold_items)
        if release is not None and release not in self._store.registry.releases(product=product):
            raise InputError(
                f"no release {release!r:.80} of {product} is registered",
                where="release",
                hint="name the release that has the fix by its id",
            )
        contract = self.contract(product)

        def fixing(one: Incident, now: datetime) -> steps.Step:
            mode = None if contract is None else self.mode(contract, one)
            if mode is not None and mode.failure.kind not in ("slow", "expensive") and not items:
                raise InputError(
                    f"{mode.name} is cured where gold items show it, and none is named",
                    where="gold_items",
                    hint="add the cases to a gold set (`launchworthy gold promote`), then name their ids",
                )
            fix = Fix(mechanism=mechanism, gold_items=items, by=who, because=because, at=now, release=release)
            return steps.fixed(one, fix, was=was)

        return self.step(product, incident_id, fixing)

    def reopen(self, product: str, incident_id: str, *, by: str, because: str, caller: Caller) -> Incident:
        """Open it again, with a reason."""
        who = self.who(by, caller)
        return self.step(
            product,
            incident_id,
            lambda one, now: steps.reopened(one, text=because, facts={}, now=now, by=who),
        )

    def step(
        self, product: str, incident_id: str, step: Callable[[Incident, datetime], steps.Step]
    ) -> Incident:
        """Take one step, and let those be told who should."""
        return self._store.incidents.change(product, incident_id, step, tell=self._tell)

    def contract(self, product: str) -> Contract | None:
        """The contract in force."""
        known = self._contracts.in_force(product)
        return None if known is None else known.contract

    def mode(self, contract: Contract, one: Incident) -> FailureMode | None:
        """The failure mode of an incident, as the contract has it now."""
        found = mode_named(contract, one.failure_mode) if one.failure_mode else None
        return found or (mode_of(contract, one.address) if one.address else None)

    def who(self, by: str, caller: Caller) -> str:
        """The person who acts: whose key was shown, else who the owner of the folder says it is.

        Raises:
            InputError: Nobody is named.
        """
        found = self._person(caller) or by.strip()
        if not found:
            raise InputError("say who does it", where="by")
        return found[:200]

    def _suspects(
        self, product: str, key: str, contract: Contract | None, *, address: str, first_at: datetime | None
    ) -> tuple[Suspect, ...]:
        """What changed before it; of one that is open this is known already."""
        now = self._clock()
        one = self._store.incidents.current(product, key)
        if one is not None and (one.state is not IncidentState.CLOSED or one.may_return(now)):
            return ()
        named = address.removeprefix(f"{product}/").partition("/")[0]
        return suspects(
            self._store.query,
            product=product,
            workflow=named if contract is not None and named in contract.workflows else None,
            first_at=first_at or now,
            releases=self._store.registry.releases(product=product),
        )

    def _mode(
        self, contract: Contract | None, address: str, name: str | None, *, source: IncidentSource
    ) -> FailureMode | None:
        if contract is None:
            return None
        if name is None:
            return mode_of(contract, address) if address else None
        found = mode_named(contract, name)
        # A record may name what an earlier contract had; a person means the one in force.
        if found is None and source is IncidentSource.PERSON:
            known = sorted({each for block in contract.workflows.values() for each in block.failures})
            raise InputError(
                f"the contract has no failure mode {name!r:.80}",
                where="failure_mode",
                hint=f"it has {', '.join(known)}" if known else "it has none",
            )
        return found

    def _known_items(self, product: str, asked: Sequence[str]) -> tuple[str, ...]:
        """The gold items as ``SET/ID``, each of which there is."""
        if not asked:
            return ()
        sets: dict[str, set[str]] = {}
        for version in reversed(self._store.gold.gold_versions(product=product)):
            sets[version.name] = {
                item.id
                for item in self._store.gold.gold_items(
                    product=product, name=version.name, version=version.version, split=None
                )
            }
        found = []
        for each in dict.fromkeys(asked):
            name, _, rest = each.partition("/")
            where = [f"{name}/{rest}"] if rest in sets.get(name, ()) else []
            where = where or [f"{own}/{each}" for own, ids in sets.items() if each in ids]
            if not where:
                raise InputError(
                    f"no gold set of {product} has an item {each!r:.80}",
                    where="gold_items",
                    hint="name items of the newest version, each as ID or SET/ID",
                )
            found.append(where[0])
        return tuple(found)


def _traces(given: Sequence[str]) -> tuple[str, ...]:
    for each in given:
        if len(each) != 32 or not set(each) <= set("0123456789abcdef"):
            raise InputError(f"{each!r:.60} is no trace id", where="traces", hint="32 hexadecimal digits")
    return tuple(dict.fromkeys(given))[:_MOST_TRACES]
