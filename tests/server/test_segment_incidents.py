"""Incidents that name the calls that carry what is broken, and scores that no longer mean what they did."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from click.testing import CliRunner

from launchworthy.cli import incidents
from launchworthy.monitor.notifying import message_of
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONTRACT = """\
launchworthy: 1
product: bank
kind: predictive
owners: {product: ana@bank.example, on_call: pager:bank}
release: {threshold: {value: 0.5}}
workflows:
  pay:
    user: customer
    job: pay
    no_answer: defer
    predicts: {label: fraud, base_rate: 30 %}
    quality: {accuracy: {at_least: 60 %}}
    reliability: {error: {at_most: 5 %}}
labels: {sources: {analyst: {}}, sample: {random: 20 %}}
monitors:
  meaning: {signal: pay/quality/accuracy, method: estimate, labels: [analyst], window: 7d, page: product}
"""
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """Payments of two months; in the last week scores are turned round, and one country's calls fail."""
    folder = tmp_path_factory.mktemp("bank")
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.02)
    workspace = LocalWorkspace.open(folder / "data", clock=lambda: NOW, options=options)
    (folder / "launchworthy.yaml").write_text(CONTRACT)
    workspace.follow_contract(folder / "launchworthy.yaml")
    rng = random.Random(11)
    spans, labels = [], []
    for place in range(1_600):
        late = place >= 800
        at = NOW - timedelta(days=rng.uniform(0.2, 6.8) if late else rng.uniform(20.0, 60.0))
        score, french = rng.random(), rng.random() < 0.25
        number = next(_NUMBERS)
        spans.append(
            {
                "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
                "product": "bank", "workflow": "pay", "kind": "workflow", "release": "r-1",
                "user_id": f"u-{number}", "start_time": int(at.timestamp() * 1e9), "duration_ms": 5.0,
                "status": "error" if late and french and rng.random() < 0.8 else "ok",
                "input": json.dumps({"country": "fr" if french else "de"}),
                "output": json.dumps({"score": score}),
            }
        )  # fmt: skip
        if not late or rng.random() < 0.3:
            bad = rng.random() < (1.0 - score if late else score)
            labels.append(
                {
                    "event_id": f"e-{number}", "trace_id": spans[-1]["trace_id"], "product": "bank",
                    "workflow": "pay", "event": "analyst", "value": float(bad),
                    "time": int(at.timestamp() * 1e9) + 10**9,
                    "attributes": json.dumps({"chance": 0.3 if late else 1.0}),
                }
            )  # fmt: skip
    for table, rows in (("spans", spans), ("outcomes", labels)):
        columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
        workspace._store.ingest([Rows(table, columns)], batch_id=table)
    workspace._store.flush()
    workspace.measure_all()
    yield workspace
    workspace.close()


def _one(bank: LocalWorkspace, address: str) -> Any:
    return next(each for each in bank.incidents(product="bank") if each.address == address)


def test_the_incident_of_a_broken_promise_names_the_part_that_carries_it(
    bank: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _one(bank, "bank/pay/reliability/error")
    assert one.facts["segment"] == "input/country:fr"
    assert one.facts["parts_asked"] == 2
    rows = bank._store.query(
        "SELECT input, status FROM spans WHERE lower(hex(trace_id)) IN (SELECT unnest($1))",
        [list(one.traces)],
    )
    assert [(row["input"], row["status"]) for row in rows] == [('{"country": "fr"}', "error")] * 5
    events = bank.incident(product="bank", incident_id=one.id).events
    assert any(each.text.endswith("is promised; carried by input/country:fr") for each in events)
    message = message_of(one, "opened", playbook="", console="https://lw.example", owners={})
    [told] = [value for name, value in message.lines if name == "Carried by"]
    assert told.startswith("input/country:fr (")
    assert "others" in told
    monkeypatch.setattr(incidents, "opened", lambda _: nullcontext(bank))
    shown = CliRunner().invoke(incidents.command, ["show", one.id, "--product", "bank"])
    assert f"carried by: {told}" in shown.output


def test_scores_that_labels_contradict_open_an_incident_while_the_estimate_looks_fine(
    bank: LocalWorkspace,
) -> None:
    one = _one(bank, "bank/monitors/meaning")
    assert (one.state, one.owner) == ("open", "product")
    assert one.facts["low"] > 0.05
    piece = next(each for each in bank.evidence(product="bank") if each.claim == one.address)
    assert piece.sample["estimated"] > 0.6 > 0.4 > piece.sample["labelled"]
    assert one.facts["value"] == pytest.approx(piece.sample["estimated"] - piece.sample["labelled"])
