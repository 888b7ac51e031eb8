"""What an incident is: what went wrong, whose it is, what was done, and whether that is proven to help.

Stands on the ground: standard library only. Times are aware, UTC. What changes an incident stands in
``incident_steps``; the store keeps each as one row with a timeline beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

__all__ = [
    "SEVERITIES",
    "FailureRow",
    "Fix",
    "Incident",
    "IncidentDetail",
    "IncidentEvent",
    "IncidentSource",
    "IncidentState",
    "Mechanism",
    "Notice",
    "Opening",
    "Proof",
    "Rate",
    "RulePrecision",
    "Suspect",
    "Verification",
    "Was",
    "plain_incident",
]

RETURNS_FOR = timedelta(days=90)
SEVERITIES = ("low", "medium", "high", "critical")


class IncidentSource(StrEnum):
    """Who opened it."""

    MONITOR = "monitor"
    BUDGET = "budget"
    GUARD = "guard"
    ROLLBACK = "rollback"
    PERSON = "person"
    CANARY = "canary"


class IncidentState(StrEnum):
    """Open, fixed and watched until the fix is proven, or closed."""

    OPEN = "open"
    WATCHED = "watched"
    CLOSED = "closed"


class Mechanism(StrEnum):
    """What was changed to cure it."""

    PROMPT = "prompt"
    RETRIEVAL = "retrieval"
    TOOL = "tool"
    POLICY = "policy"
    DATA = "data"
    MODEL = "model"


class Was(StrEnum):
    """Whether the alert was right, as whoever closed it says."""

    REAL = "real"
    NOISE = "noise"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Something that changed shortly before the first occurrence.

    Attributes:
        kind: ``release``, ``prompt``, ``model``, ``price`` or ``contract``.
        at: When it was first seen.
        what: The change in words, such as ``r-1 → r-2``.
    """

    kind: str
    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What somebody did about it, and which gold items keep it from coming back unseen.

    Attributes:
        mechanism: What was changed.
        gold_items: Ids of items that were added for it, each ``ID`` or ``SET/ID``.
        by: Who.
        because: In a sentence.
        at: From when on production counts as after it.
        release: Id of the release that has it; None where the change is part of no release.
    """

    mechanism: Mechanism
    gold_items: tuple[str, ...] = ()
    by: str
    because: str
    at: datetime
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often it failed: value and bounds in ``unit``, each bound holding alone with its confidence."""

    value: float
    low: float
    high: float
    n: int
    unit: str = "ratio"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The rate of a failure before and after its fix, offline or in production.

    Attributes:
        where: ``evals`` or ``production``.
        what: What was counted, in words.
        before, after: The rates; None where one cannot be told.
        low, high: Bounds of after minus before, each holding alone.
        fallen: The rate is shown to be better; False: shown to be worse; None: neither.
        reason: Why not, or what is missing.
        less_is_better: Whether a fall is what was wanted.
    """

    where: str
    what: str = ""
    before: Rate | None = None
    after: Rate | None = None
    low: float | None = None
    high: float | None = None
    fallen: bool | None = None
    reason: str = ""
    less_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was computed of a fix at one moment; it is verified where every proof that is due shows it.

    ``looks`` counts how often was looked so far: the level of each look allows for all that are planned.
    """

    at: datetime
    verified: bool
    returned: bool = False
    looks: int = 0
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is said when something went wrong; the same key joins what is open under it.

    Attributes:
        key: What makes two openings the same incident.
        source: Who says so.
        address: Of the claim or line of the contract; empty where none is meant.
        title: In words: what is being lost, and by when.
        failure_mode, severity, owner: As the contract has them.
        release, cohort: Where it was first seen.
        traces: Examples in hex, the newest first.
        facts: Numbers behind it.
        by: The person; empty where nobody opened it by hand.
        first_at, last_at: Of the first and newest occurrence; None: now.
        count: How many calls failed so far; None counts how often it was told.
        suspected: What changed shortly before.
    """

    key: str
    source: IncidentSource
    address: str = ""
    title: str
    failure_mode: str | None = None
    severity: str = "medium"
    owner: str = ""
    release: str | None = None
    cohort: str | None = None
    traces: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    count: int | None = None
    suspected: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as it stands.

    Attributes:
        id: ``i-`` and 12 hex digits.
        key, source, address, title, failure_mode, severity, release, cohort, traces, facts, suspected: See
            :class:`Opening`; ``traces`` and ``facts`` are those of the newest occurrence.
        owner: Owner of the contract, or a person, who sees to it.
        acknowledged: Somebody has taken it: nobody else need be told.
        opened_at, last_at: Of the first and newest occurrence.
        told_at: When its timeline last told of an occurrence.
        count: How many calls failed, or how often it was told.
        was: Whether the alert was right; None until somebody said so.
        fix: What was done; None until something was.
        verification: The newest one of the fix.
        checked_at: When it was last looked whether a proven fix still holds.
        closed_at, closed_by, because: How it ended; also set while a fix is watched.
        reopened: How often it came back.
    """

    product: str
    id: str
    key: str
    state: IncidentState
    source: IncidentSource
    address: str
    title: str
    failure_mode: str | None
    severity: str
    owner: str
    acknowledged: bool = False
    opened_at: datetime
    last_at: datetime
    told_at: datetime
    count: int = 1
    opened_by: str = ""
    release: str | None = None
    cohort: str | None = None
    traces: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    suspected: tuple[Suspect, ...] = ()
    was: Was | None = None
    fix: Fix | None = None
    verification: Verification | None = None
    checked_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    because: str = ""
    reopened: int = 0

    @property
    def verified(self) -> bool:
        """Its fix is shown to have helped."""
        return self.verification is not None and self.verification.verified

    def may_return(self, now: datetime) -> bool:
        """Whether the same failure opens it again, and not another one: a proven fix closed it lately."""
        return self.verified and self.closed_at is not None and now - self.closed_at <= RETURNS_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """One line of a timeline.

    Attributes:
        seq: 1 for the opening.
        at: When.
        kind: ``opened``, ``again``, ``noted``, ``assigned``, ``escalated``, ``fixed``, ``closed``,
            ``verified``, ``reopened``.
        by: The person; empty where the server did it.
        text: In words.
        facts: Numbers behind it.
        entry: Number of its entry in the audit chain.
        altered: True where the chain committed to another text.
    """

    seq: int
    at: datetime
    kind: str
    by: str = ""
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    entry: int = 0
    altered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message of one event to one target, told or still to be told.

    Attributes:
        product, incident, event: Of which line of which timeline.
        kind: ``opened``, ``escalated``, ``reopened``, ``verified`` …
        target: Name of the target among those of the settings.
        attempts: How often it was tried.
        due_at: When it is tried next; None: no more.
        told_at: When it was heard.
        failure: Why the newest attempt was not.
    """

    product: str
    incident: str
    event: int
    kind: str
    target: str
    attempts: int
    due_at: datetime | None
    told_at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDetail:
    """An incident with its timeline, what the contract says to do meanwhile, and who was told."""

    incident: Incident
    events: tuple[IncidentEvent, ...]
    playbook: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrecision:
    """How often the alerts of one rule were right, as those say who closed them.

    Attributes:
        address: Claim or limit that opened them.
        source: Who opened them.
        alerts: How many incidents.
        real, noise, unknown, waiting: How they were judged; ``waiting`` are not closed yet.
        precision, low, high: Share of real ones among those that were judged; each bound holds alone with
            95 %. None where none was.
        noisy: Shown to be noise more often than not.
    """

    address: str
    source: IncidentSource
    alerts: int
    real: int
    noise: int
    unknown: int
    waiting: int
    precision: float | None
    low: float | None
    high: float | None
    noisy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """One failure mode on the board.

    Attributes:
        workflow, name, kind, severity, watched_by: As the contract has them.
        clicks: Of how many calls of the last eight weeks users said so, by week, the oldest first; ``calls``
            is of how many.
        rate: Of the last four weeks; None without a call.
        measured: What the claim that watches it measured last; None where nothing did.
        trend: Change of the rate against the four weeks before; None where either has none.
        open, watched, cured: Incidents by state; ``cured`` are those with a proven fix.
        days_to_cure: Median days from opening to the proven fix; None where there is none.
    """

    workflow: str
    name: str
    kind: str
    severity: str
    watched_by: str
    clicks: tuple[int, ...]
    calls: tuple[int, ...]
    rate: Rate | None
    measured: Rate | None
    trend: Proof | None
    open: int
    watched: int
    cured: int
    days_to_cure: float | None


def plain_incident(value: Any) -> Any:
    """An incident, an event or a part of one as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain_incident(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): plain_incident(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain_incident(each) for each in value]
    return value
