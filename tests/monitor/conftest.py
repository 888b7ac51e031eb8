"""A real store with records made one by one, and claims as a contract makes them.

The store is shared by the tests of this room; each test has a product of its own in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from launchworthy import monitor
from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evidence import Evidence
from launchworthy.gold import Guarded
from launchworthy.records import TABLES, CallScores, Rows
from launchworthy.store import Store, StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Identifier = bytes


class World:
    """Records of workflow ``answer``, release ``r-1`` of the test's product, unless told otherwise.

    Times are given as ages: ``ago`` seconds before ``now``.
    """

    now = NOW

    def __init__(self, store: Store, product: str, *, seed: str) -> None:
        self.store, self.product = store, product
        self._rng = random.Random(seed)
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self._batches = 0
        self.references: Any = None

    def call(self, *, ago: float = 3600.0, trace: Identifier | None = None, **columns: Any) -> Identifier:
        """One call of the workflow; answers its trace."""
        return self.span(**{"kind": "workflow", "duration_ms": 100.0, "ago": ago, "trace": trace, **columns})

    def span(self, *, ago: float = 3600.0, trace: Identifier | None = None, **columns: Any) -> Identifier:
        """Any span; answers its trace."""
        trace = trace or self._rng.randbytes(16)
        known = {"status": "ok", "release": "r-1", "span_id": self._rng.randbytes(8), **columns}
        self._add("spans", ago, trace_id=trace, **known)
        return trace

    def outcome(
        self, event: str, *, ago: float = 1800.0, trace: Identifier | None = None, **more: Any
    ) -> None:
        self._add("outcomes", ago, event=event, trace_id=trace, **more)

    def feedback(self, *, ago: float = 1800.0, trace: Identifier | None = None, **columns: Any) -> None:
        self._add("feedback", ago, trace_id=trace, **columns)

    def _add(self, table: str, ago: float, **columns: Any) -> None:
        time = int((NOW - timedelta(seconds=ago)).timestamp() * 1e9)
        row = {"product": self.product, "workflow": "answer", TABLES[table].time: time, **columns}
        attributes = row.get("attributes")
        if attributes is not None and not isinstance(attributes, str):
            row["attributes"] = json.dumps(attributes)
        self._rows[table].append(row)

    def settle(self) -> None:
        """Send what was made since the last time, and wait until queries see it."""
        for table, rows in self._rows.items():
            if rows:
                columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
                self.store.ingest([Rows(table, columns)], batch_id=f"{self.product}-{self._batches}")
                self._batches += 1
                self._rows[table] = []
        self.store.flush()

    def measure(
        self,
        *claims: Claim,
        release: str | None = "r-1",
        product: str | None = None,
        gold: Sequence[Guarded] = (),
        scores: Mapping[str, CallScores] | None = None,
        models: Mapping[str, tuple[str, datetime]] | None = None,
        baseline: str | None = None,
        not_before: datetime | None = None,
    ) -> dict[str, Evidence]:
        """Evidence by address of its claim; there is never more than one piece for a claim."""
        self.settle()
        pieces = monitor.measure(
            claims,
            product=product or self.product,
            query=self.store.query,
            release=release,
            now=self.now,
            gold=gold,
            scores=scores,
            models=models,
            references=self.references,
            baseline=baseline,
            not_before=not_before,
        )
        found = {piece.claim: piece for piece in pieces}
        assert len(found) == len(pieces)
        return found

    def one(self, claim: Claim, *others: Claim, release: str | None = "r-1") -> Evidence:
        """The evidence for one claim, which is the first."""
        return self.measure(claim, *others, release=release)[claim.address]

    def at(self, path: str) -> str:
        """Address of what stands at a path of the workflow."""
        return f"{self.product}/answer/{path}"

    @staticmethod
    def traces(piece: Evidence) -> Sequence[str]:
        """Traces that a piece names, worst first."""
        return [each["trace"] for each in piece.detail["worst"]]


ClaimOf = Callable[..., Claim]


def make_claim(
    path: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    unit: str = "",
    kind: ClaimKind = ClaimKind.BOUND,
    workflow: str | None = "answer",
    product: str,
    valid_for_s: float = 30 * 86_400.0,
    slice_: str | None = None,
    confidence: float = 0.95,
    **options: Any,
) -> Claim:
    """A claim at ``family/metric``, or at the path of a longer address (``data/retention/traces``)."""
    threshold = at_least if at_most is None else at_most
    direction = Direction.AT_LEAST if at_most is None else Direction.AT_MOST
    parts = path.split("/")
    if threshold is None and unit:
        options["unit"] = unit  # of the limit of a rule, which has no target
    return Claim(
        address="/".join(part for part in (product, workflow, path) if part),
        kind=kind,
        family=parts[0],
        metric=parts[1] if kind is ClaimKind.DELTA else parts[-1],
        sentence=path,
        workflow=workflow,
        target=None if threshold is None else Target(direction=direction, threshold=threshold, unit=unit),
        confidence=confidence,
        valid_for_s=valid_for_s,
        slice=slice_,
        options=options,
    )


@pytest.fixture
def claim(world: World) -> ClaimOf:
    return partial(make_claim, product=world.product)


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.02)
    folder = tmp_path_factory.mktemp("monitor") / "data"
    with Store.open(folder, clock=lambda: NOW, options=options) as store:
        yield store


_NUMBERS = count(1)


@pytest.fixture
def world(shared_store: Store, request: pytest.FixtureRequest) -> World:
    # The seed is the test's own, so that what is drawn does not hang on which tests ran before.
    return World(shared_store, f"shop-{next(_NUMBERS)}", seed=request.node.name)
