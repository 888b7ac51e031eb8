"""What a cycle of 100 monitors costs over many stored spans.

    python bench/monitors.py [--spans 10000000] [--folder FOLDER]

Twenty workflows ran for four weeks: calls, a retrieval, two model calls and a tool in each trace, of 20,000
users. The spans are generated into the hot file a day at a time, with what a flush adds beside them, and
sealed as the server seals them. Then all monitors of a contract are measured, once with a store that was just
opened and three times more. ``--folder`` keeps the store there, and finds it again.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launchworthy import monitor
from launchworthy.contract import Claim, claims, load_contract
from launchworthy.evidence import Evidence
from launchworthy.store import Store, StoreOptions, rollup

_NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_PRODUCT, _RELEASE = "bench", "r-1"
_WORKFLOWS, _USERS, _DAYS, _OF_TRACE = 20, 20_000, 28, 5
_SIGNALS = (
    "reliability/error, at_most: 2 %, window: 1d",
    "reliability/latency_p95, at_most: 3 s, window: 7d",
    "reliability/tool_call_error, at_most: 3 %, window: 7d",
    "reliability/timeout, at_most: 1 %, window: 28d",
    "no_answer, at_most: 10 %, window: 7d",
)


def _contract(folder: Path) -> list[Claim]:
    """Five monitors of each workflow."""
    lines = ["launchworthy: 1", f"product: {_PRODUCT}", "owners: {product: ana@example.com}", "workflows:"]
    for at in range(_WORKFLOWS):
        lines += [
            f"  w{at}:",
            "    user: anybody",
            "    job: answer a question within a minute",
            "    no_answer: refuse",
            "    reliability:",
            "      error: {at_most: 2 %}",
            "      latency_p95: {at_most: 3 s}",
            "      tool_call_error: {at_most: 3 %}",
            "      timeout: {at_most: 1 %}",
        ]
    lines.append("monitors:")
    for at in range(_WORKFLOWS):
        for number, signal in enumerate(_SIGNALS):
            lines.append(f"  m{at}_{number}: {{signal: w{at}/{signal}, page: product}}")
    path = folder / "launchworthy.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    contract = load_contract(path)
    known = claims(contract, provers={"monitor": monitor.PROVES})
    return [claim for claim in known if claim.family == "monitors"]


def _day(store: Store, day: int, spans: int) -> None:
    """The spans of one day: into the hot file, rollups and the trace index, in one transaction."""
    start = int((_NOW - timedelta(days=_DAYS - day)).timestamp()) * 1_000_000_000
    traces = spans // _OF_TRACE
    step = 86_400_000_000_000 // traces
    # One draw for each purpose, from the number of the trace and the purpose.
    draw = f"(hash({day}::BIGINT * 100000000 + t * 10 + {{}}) % 1000000) / 1000000.0".format
    kinds = "['workflow', 'retrieval', 'model', 'model', 'tool']"
    generated = f"""
        CREATE OR REPLACE TEMP TABLE generated AS
        SELECT unhex(printf('%016x%016x', {day}, t)) AS trace_id, unhex(printf('%016x', p)) AS span_id,
            CASE WHEN p > 0 THEN unhex(printf('%016x', 0)) END AS parent_span_id, '{_PRODUCT}' AS product,
            'w' || (hash(t) % {_WORKFLOWS}) AS workflow, '{_RELEASE}' AS release,
            'u' || (hash({day} * 7 + t) % {_USERS}) AS user_id, {kinds}[p + 1] AS name,
            {kinds}[p + 1] AS kind, ({start} + t * {step} + p * 1000)::BIGINT AS start_time,
            CASE WHEN p = 0 THEN 400.0 ELSE 80.0 END * exp(2.0 * {draw(1)}) AS duration_ms,
            CASE WHEN p IN (0, 4) AND {draw(2)} < 0.01 THEN 'error' ELSE 'ok' END AS status,
            CASE WHEN p IN (0, 4) AND {draw(2)} < 0.002 THEN 'timeout' END AS error_type,
            CASE WHEN p IN (2, 3) THEN 'model-' || (hash(t) % 3) END AS model,
            CASE WHEN p IN (2, 3) THEN 900 END AS input_tokens,
            CASE WHEN p IN (2, 3) THEN 150 END AS output_tokens,
            CASE WHEN p IN (2, 3) THEN 0.002 * {draw(3)} END AS cost_usd,
            CASE WHEN p = 0 AND {draw(4)} < 0.05 THEN 'refuse' END AS no_answer,
            NULL::VARCHAR AS cohort, false AS simulated
        FROM range({traces}) AS a(t), range({_OF_TRACE}) AS b(p)
    """
    with store._hot.roomy(), store._hot.writing() as cursor:
        cursor.execute(generated)
        cursor.execute("INSERT INTO raw.spans BY NAME FROM temp.generated")
        for added in rollup.ADD:
            cursor.execute(added.format(source="temp.generated"))
        cursor.execute("DROP TABLE temp.generated")


def _opened(folder: Path) -> Store:
    return Store.open(folder / "data", clock=lambda: _NOW, options=StoreOptions(query_timeout_s=300.0))


def _built(folder: Path, spans: int) -> float:
    """Fill the store, unless it is there; answers the seconds that took."""
    done = folder / f"built-{spans}"
    if done.exists():
        return 0.0
    shutil.rmtree(folder / "data", ignore_errors=True)
    began = time.perf_counter()
    with _opened(folder) as store:
        for day in range(_DAYS):
            _day(store, day, spans // _DAYS)
            store.seal(_NOW)
    done.touch()
    return time.perf_counter() - began


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    else:
        given.mkdir(parents=True, exist_ok=True)
        yield given


def main() -> None:
    """Build, then measure one cycle cold and three warm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with _folder(given.folder) as folder:
        asked = _contract(folder)
        print(f"{given.spans:,} spans stored in {_built(folder, given.spans):.0f} s")
        with _opened(folder) as store:
            found: list[Evidence] = []
            cycles, cpu = [], []
            for _ in range(4):
                began, worked = time.perf_counter(), time.process_time()
                found = monitor.measure(
                    asked, product=_PRODUCT, query=store.query, release=_RELEASE, now=_NOW
                )
                cycles.append(time.perf_counter() - began)
                cpu.append(time.process_time() - worked)
        told = sum(piece.value is not None for piece in found)
        print(f"{len(asked)} monitors, {told} measured, records {sum(p.detail['records'] for p in found):,}")
        print(
            f"a cycle: {cycles[0]:.2f} s cold, {min(cycles[1:]):.2f} s warm ({min(cpu[1:]):.2f} s CPU); to reach: 5 s"
        )


if __name__ == "__main__":
    main()
