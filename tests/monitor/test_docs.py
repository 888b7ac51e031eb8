"""The page on records as evidence: its example runs, and it names all that is measured."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from launchworthy import monitor
from launchworthy.monitor.outcomes import EVENTS as OUTCOMES
from launchworthy.monitor.trust import EVENTS as TRUST
from launchworthy.records import EVALUATION, TABLES, Own, Rows
from launchworthy.store import Store, StoreOptions

DOCS = Path(__file__).parents[2] / "docs" / "monitor.md"
CONTRACT = """
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    reliability: {latency_p50: {at_most: 2s}, fallback: {at_most: 2 %}}
"""


def test_the_example_of_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("launchworthy.yaml").write_text(CONTRACT)
    columns: dict[str, list[object]] = {name: [None] * 8 for name in TABLES["spans"].names}
    columns |= {
        "product": ["docs-bot"] * 8,
        "workflow": ["answer"] * 8,
        "release": ["r-1"] * 8,
        "kind": ["workflow"] * 8,
        "trace_id": [bytes([place] * 16) for place in range(8)],
        "span_id": [bytes([place] * 8) for place in range(8)],
        "start_time": [time.time_ns() - 10**9] * 8,
        "duration_ms": [float(100 * place) for place in range(1, 9)],
    }
    with Store.open(Path(".launchworthy"), options=StoreOptions(min_free_bytes=0)) as store:
        store.ingest([Rows("spans", columns)], batch_id="b")
        store.flush()
    [example] = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(example, {})
    printed = capsys.readouterr().out
    # Of 8 values, P(Binomial(8, 1/2) ≥ 7) = 3.5 %: the second and the seventh bound the median.
    assert "docs-bot/answer/reliability/latency_p50: 400 ms (200 to 700, n = 8)" in printed
    assert f"fallback: not measured (n = 0) none of 8: the call does not tell by {Own.FALLBACK}" in printed


def test_the_page_names_every_claim_event_and_attribute_that_is_read() -> None:
    told = DOCS.read_text(encoding="utf-8")
    for pattern in monitor.PROVES:
        family, metric = pattern.partition(":")[2].split("/", 1)
        assert f"`{family}" in told or f"/{metric}`" in told, pattern
        assert metric in told.replace("…", "*"), pattern
    for name in (
        Own.FALLBACK,
        Own.SLICE,
        EVALUATION,
        *(event for events in OUTCOMES.values() for event in events),
    ):
        assert f"`{name}`" in told or f"/{name}`" in told or f"`{name}" in told, name
    for events in TRUST.values():
        assert any(f"`{event}`" in told for event in events), events
