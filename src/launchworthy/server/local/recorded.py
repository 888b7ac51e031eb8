"""What happened: traces, what the receiver refused, and what leaves as a file.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from launchworthy.contract import Contract
from launchworthy.errors import InputError
from launchworthy.monitor import LabelDraw, asked_rows, draw_calls
from launchworthy.server.exporting import learnable
from launchworthy.server.local.chained import Chained
from launchworthy.server.preferring import checked, entry_of, evidence_of, refuse_unless_declared
from launchworthy.server.retention import retention_rules
from launchworthy.store import Rejection
from launchworthy.store.export import Learnable
from launchworthy.store.plain import to_json
from launchworthy.store.preferences import Preferences

__all__ = ["Recorded"]


class Recorded(Chained):
    """What happened: traces, what the receiver refused, and what leaves as a file."""

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

    def draw_labels(
        self, *, product: str, workflow: str, event: str, share: float, since: datetime, seed: int = 0
    ) -> LabelDraw:
        """Draw calls at random to be labelled by an outcome, and record the chance of each, once.

        Args:
            product, workflow: Whose calls.
            event: Outcome that is the label.
            share: Chance of each call, above 0 to 1.
            since: Start of the window (aware), which ends now.
            seed: Of the drawing.

        Raises:
            InputError: The share is impossible, or another seed was drawn with.
        """
        self._store.flush()  # what was acknowledged a moment ago is drawn from too
        now = self._clock()
        draw = draw_calls(
            self.query,
            product=product,
            workflow=workflow,
            event=event,
            share=share,
            since=since,
            until=now,
            seed=seed,
        )
        if any(call.new for call in draw.drawn):
            self._store.ingest([asked_rows(self.query, draw, now=now)], batch_id=f"draw-{uuid.uuid4().hex}")
        return draw

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
