"""Which records a measurement reads: product, release, workflow, window and slice, as SQL with parameters.

May import ``contract``, ``evidence``, ``gold``, ``records`` and the standard library. Names and values never
enter SQL text: they are bound.
What a call is, and what evaluation traffic, which is left out, ``records.calls`` says.
"""

# ruff: noqa: S608 (names in SQL are of this room; what comes from outside is bound)
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from launchworthy.contract import Claim
from launchworthy.evidence import Evidence
from launchworthy.gold import GoldStore, Guarded
from launchworthy.records import (
    EVALUATION,
    EVALUATION_ROOT,
    MARKED_CALL,
    ROOT,
    SEEN,
    CallScores,
    JudgeGrades,
    Own,
    no_evaluation,
)

__all__ = ["Ask", "Bind", "Query", "References", "Scene", "look"]

_OF_PEOPLE = frozenset({"outcomes", "trust"})  # families of what people did with an answer that they saw

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]

# The independent unit behind a record: the user, else the session, else the trace itself.
UNIT = "coalesce('u' || user_id, 's' || session_id, 't' || hex(trace_id))"
TIMED_OUT = (
    "(coalesce(status = 'error', false) AND (contains(lower(coalesce(error_type, '')), 'timeout')"
    " OR contains(lower(coalesce(error_type, '')), 'deadline')))"
)
FAILED = "coalesce(status = 'error', false)"


class References(Protocol):
    """Where counts of what a drift is measured against rest, which outlive the records that were counted."""

    def kept_reference(self, name: str) -> Mapping[str, Any] | None:
        """What was kept under this name; None where nothing was."""

    def keep_reference(self, name: str, counts: Mapping[str, Any]) -> None:
        """Keep these counts."""


class Bind:
    """Parameters of one query, in order; calling it answers the placeholder of a value."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is measured on, and what is known of it before the first claim is looked at.

    Attributes:
        product: Product.
        release: Release id; None for records that name none.
        query: Answers one SELECT over the records.
        now: End of every window (aware).
        claims: Claims by address, for what one line says of another (a success event, a limit).
        marked: Workflows that send spans of kind ``workflow``.
        calls: Calls of each workflow, of all time.
        spans: Workflows that have any span of the release.
        evaluated: Whether any trace has a root of kind ``evaluation``.
        gold: Gold sets by name, for those who see whether one has got out.
        scores: What metrics said of recorded calls, by address of the claim that they predict an outcome.
        judges: What calibrated judges said of recorded calls, by name.
        sets: Where gold sets rest, for those who hold one against traffic; None where there are none.
        versions: When each version of a gold set was made, by ``name@version``.
        models: Model of each registered release, as text ("" where it cannot be told), and since when.
        held: Answers what the ledger holds of the product.
        references: Where counts of a reference are kept; None where they are not.
        sample: Records of each table that are drawn to look for personal data; None: all.
        baseline: Release that a ramp compares this one with; None where none is under way.
        not_before: When the first user got the release; no window of a comparison begins earlier.
    """

    product: str
    release: str | None
    query: Query
    now: datetime
    claims: Mapping[str, Claim]
    marked: frozenset[str | None] = frozenset()
    calls: Mapping[str | None, int] = field(default_factory=dict)
    spans: frozenset[str | None] = frozenset()
    evaluated: bool = False
    gold: Mapping[str, Guarded] = field(default_factory=dict)
    scores: Mapping[str, CallScores] = field(default_factory=dict)
    judges: Mapping[str, JudgeGrades] = field(default_factory=dict)
    sets: GoldStore | None = None
    versions: Mapping[str, datetime] = field(default_factory=dict)
    models: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    held: Callable[[], Iterable[Evidence]] = tuple
    references: References | None = None
    sample: int | None = 300
    baseline: str | None = None
    not_before: datetime | None = None

    def option(self, workflow: str | None, path: str) -> Mapping[str, Any]:
        """Options of the claim at ``path`` of a workflow, such as ``success``; empty where there is none."""
        claim = self.claims.get("/".join(part for part in (self.product, workflow, path) if part))
        return {} if claim is None else claim.options

    def limit(self, bind: Bind, path: str, *, unit: str | None = None) -> str | None:
        """SQL for the limit of the row's workflow, such as ``limits/timeout``; None where there is none."""
        cases = [
            f"WHEN {bind(workflow)} THEN {bind(float(options['limit']))}::DOUBLE"
            for workflow in sorted(name for name in self.calls if name is not None)
            if isinstance((options := self.option(workflow, path)).get("limit"), (int, float))
            and unit in (None, options.get("unit"))
        ]
        return f"CASE workflow {' '.join(cases)} END" if cases else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One claim, as what must be measured for it: monitors ask for the metric of their signal.

    ``window_s`` is how far back records count, ``matures_s`` how old a use must be to tell its outcome;
    ``seen_only`` leaves out what ran in shadow, as whatever people did and every comparison does. Workflows
    of ``together`` are read in one go, in place of ``workflow``.
    """

    claim: Claim
    family: str
    metric: str
    workflow: str | None
    window_s: float
    scene: Scene
    matures_s: float = 0.0
    seen_only: bool = False
    together: tuple[str, ...] = ()

    def matured(self, seconds: float) -> Ask:
        """The same, of uses that are at least so old."""
        return replace(self, matures_s=seconds)

    def seen_by_people(self) -> Ask:
        """The same, without calls whose answer nobody saw."""
        return replace(self, seen_only=True)

    def within(self, seconds: float) -> Ask:
        """The same, of a window of this length."""
        return replace(self, window_s=seconds)

    def ever(self) -> Ask:
        """The same, of all records."""
        return replace(self, window_s=1e12)

    @property
    def unit(self) -> str:
        """Canonical unit of the target; empty where the claim has none."""
        return self.claim.target.unit if self.claim.target is not None else ""

    @property
    def since(self) -> datetime:
        """Start of the window."""
        try:
            since = self.until - timedelta(seconds=self.window_s)
        except OverflowError:
            since = datetime.fromtimestamp(0, tz=self.scene.now.tzinfo)
        return since if self.scene.not_before is None else max(since, self.scene.not_before)

    @property
    def until(self) -> datetime:
        """End of the window: now, or earlier where outcomes must mature."""
        try:
            return self.scene.now - timedelta(seconds=self.matures_s)
        except OverflowError:
            return datetime.fromtimestamp(0, tz=self.scene.now.tzinfo)

    @property
    def since_ns(self) -> int:
        """Start of the window, nanoseconds since the epoch."""
        return _ns(self.since)

    @property
    def until_ns(self) -> int:
        """End of the window, nanoseconds since the epoch."""
        return _ns(self.until)

    def seen(self) -> bool:
        """Whether there is any span of the workflow and release, ever."""
        return bool(self.scene.spans) if self.workflow is None else self.workflow in self.scene.spans

    def known(self) -> bool:
        """Whether there is any call of the workflow and release, ever."""
        calls = self.scene.calls
        return any(calls.values()) if self.workflow is None else bool(calls.get(self.workflow))

    def calls(self, bind: Bind, *, any_release: bool = False) -> str:
        """SELECT of the calls in the window."""
        marked = self.scene.marked
        if self.workflow is not None:
            of_kind = MARKED_CALL if self.workflow in marked else ROOT
        elif not marked:
            of_kind = ROOT
        else:
            # Of workflows that send no span of their own, the root of the trace.
            names = ", ".join(bind(name) for name in sorted(name for name in marked if name is not None))
            own = f"coalesce(workflow IN ({names}), false)" if names else "false"
            own = f"({own} OR workflow IS NULL)" if None in marked else own
            of_kind = f"CASE WHEN {own} THEN {MARKED_CALL} ELSE {ROOT} END"
        return (
            "SELECT trace_id, workflow, session_id, user_id, start_time, duration_ms, first_token_ms,"
            f" {FAILED} AS failed, {TIMED_OUT} AS timed_out, no_answer, cost_usd, attributes, input, output,"
            f" coalesce(simulated, false) AS sim, {UNIT} AS unit"
            f" FROM spans WHERE {self.condition(bind, any_release=any_release)} AND {of_kind}"
        )

    def spans(self, bind: Bind, *, kinds: Sequence[str]) -> str:
        """SELECT of the spans of some kinds in the window."""
        named = ", ".join(f"'{kind}'" for kind in kinds)
        return (
            f"SELECT *, {FAILED} AS failed, {TIMED_OUT} AS timed_out,"
            f" coalesce(simulated, false) AS sim, {UNIT} AS unit"
            f" FROM spans WHERE {self.condition(bind)} AND kind IN ({named})"
        )

    def condition(self, bind: Bind, *, any_release: bool = False) -> str:
        """Which spans belong to the workflow, release, window and slice; never evaluation traffic."""
        scene = self.scene
        parts = [
            f"product = {bind(scene.product)}",
            f"start_time >= {bind(self.since_ns)}",
            f"start_time < {bind(self.until_ns)}",
            no_evaluation(bind(scene.product) if scene.evaluated else None, traces=scene.evaluated),
        ]
        if self.seen_only or self.family in _OF_PEOPLE or scene.not_before is not None:
            parts.append(SEEN)
        if self.together:
            parts.append(f"workflow IN ({', '.join(map(bind, self.together))})")
        elif self.workflow is not None:
            parts.append(f"workflow = {bind(self.workflow)}")
        if not any_release:
            parts.append("release IS NULL" if scene.release is None else f"release = {bind(scene.release)}")
        if self.claim.slice is not None:
            # A plain text search first: it skips nearly every row before any JSON is read.
            parts.append(
                f"CASE WHEN contains(attributes, '{Own.SLICE}') AND json_valid(attributes) THEN"
                f" coalesce(json_contains(json_extract(attributes, '/{Own.SLICE}'),"
                f" to_json({bind(self.claim.slice)}::VARCHAR)), false) ELSE false END"
            )
        return " AND ".join(parts)


def look(claims: Iterable[Claim], *, product: str, query: Query, release: str | None, now: datetime) -> Scene:
    """A first look: which workflows there are, and how their calls can be told."""
    bind = Bind()
    of_release = "release IS NULL" if release is None else f"release = {bind(release)}"
    rows = query(
        f"SELECT workflow, count(*) FILTER ({of_release}) AS spans,"
        f" count(*) FILTER ({of_release} AND {MARKED_CALL}) AS marked, count(*) FILTER ({of_release}"
        f" AND {ROOT} AND kind IS DISTINCT FROM '{EVALUATION}') AS roots,"
        f" count(*) FILTER ({EVALUATION_ROOT}) AS evaluated"
        f" FROM spans WHERE product = {bind(product)} AND start_time < {bind(_ns(now))} GROUP BY workflow",
        bind.values,
    )
    return Scene(
        product=product,
        release=release,
        query=query,
        now=now,
        claims={claim.address: claim for claim in claims},
        marked=frozenset(row["workflow"] for row in rows if row["marked"]),
        calls={row["workflow"]: row["marked"] or row["roots"] for row in rows},
        spans=frozenset(row["workflow"] for row in rows if row["spans"]),
        evaluated=any(row["evaluated"] for row in rows),
    )


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
