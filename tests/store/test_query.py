"""A query is one SELECT over the records, and can reach nothing else."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError, LaunchworthyError, NotFoundError
from launchworthy.records import Rows
from launchworthy.store import Store
from launchworthy.store import store as store_module
from launchworthy.store.reading import run_select

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "more than one statement|not a query"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1; DROP TABLE raw.spans", "Only SELECT"),
        ("DROP VIEW spans", "Only SELECT"),
        ("INSERT INTO spans SELECT * FROM spans", "Only SELECT"),
        ("UPDATE raw.state SET value = 0", "Only SELECT"),
        ("ATTACH 'other.db'", "Only SELECT"),
        ("COPY spans TO 'out.csv'", "Only SELECT"),
        ("PRAGMA database_list", "Only SELECT"),
        ("SET memory_limit = '1TB'", "Only SELECT"),
        ("CALL pragma_version()", "Only SELECT"),
        ("INSTALL httpfs", "Only SELECT"),
        ("WITH x AS (INSERT INTO raw.state VALUES ('a', '', 1) RETURNING *) FROM x", "only SELECT"),
        ("SHOW TABLES", "only SELECT"),
        ("DESCRIBE spans", "only SELECT"),
        ("SELECT * FROM raw.spans", "no table 'raw.spans'"),
        ("SELECT * FROM hot.raw.subject_user_id", "no table"),
        ("WITH spans AS (SELECT 1) SELECT * FROM main.spans", "no table 'main.spans'"),
        ("SELECT * FROM duckdb_settings", "no table"),
        (
            "SELECT (WITH duckdb_tables AS (SELECT 1) SELECT 1), * FROM duckdb_tables",
            "cannot name a subquery",
        ),
        ("SELECT (WITH \"x.parquet\" AS (SELECT 1) SELECT 1), * FROM 'x.parquet'", "cannot name a subquery"),
        ("SELECT * FROM information_schema.tables", "no table"),
        ("SELECT * FROM '/etc/passwd'", "no table"),
        ("SELECT * FROM 'segments/spans/x.parquet'", "no table"),
        ("SELECT * FROM read_text('/etc/passwd')", "function read_text is not allowed"),
        ("SELECT * FROM read_parquet('segments/*/*')", "function read_parquet is not allowed"),
        ("SELECT * FROM glob('/*')", "function glob is not allowed"),
        ("SELECT * FROM query('DROP VIEW spans')", "function query is not allowed"),
        ("SELECT (SELECT max(content) FROM read_text('/etc/passwd'))", "read_text is not allowed"),
        ("SELECT 1 WHERE EXISTS (FROM read_csv('x'))", "read_csv is not allowed"),
        ("SELECT * FROM spans WHERE nonsense = 1", "nonsense"),
        ("SELECT 1/0::BIGINT + 'x'::INTEGER", "Could not convert"),
        ("SELECT ?", "parameter"),
    ],
)
def test_everything_but_a_select_over_the_records_is_refused(store: Store, sql: str, message: str) -> None:
    for _ in range(2):  # what passed once is not read again; what was refused is
        with pytest.raises(InputError, match=message):
            store.query(sql)
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WITH x AS (SELECT 1 AS a) SELECT a FROM x", [{"a": 1}]),
        ("SELECT count(*) AS n FROM spans JOIN outcomes USING (trace_id)", [{"n": 0}]),
        ("FROM (VALUES (1), (2)) t(a) UNION ALL SELECT 3", [{"a": 1}, {"a": 2}, {"a": 3}]),
        ("SELECT unnest([1, 2]) AS a", [{"a": 1}, {"a": 2}]),
        (
            "WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r WHERE a < 3) FROM r",
            [{"a": 1}, {"a": 2}, {"a": 3}],
        ),
        ("SELECT a FROM range(2) r(a)", [{"a": 0}, {"a": 1}]),
    ],
)
def test_selects_of_every_shape_are_answered(store: Store, sql: str, expected: list[dict[str, Any]]) -> None:
    assert store.query(sql) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{'a': unhex('ff'), 'b': [unhex('00')]}", {"a": "ff", "b": ["00"]}),
        ("1.25::DECIMAL(10, 3)", 1.25),
        ("TIMESTAMP '2026-11-24 09:00:00'", "2026-11-24T09:00:00"),
        ("DATE '2026-11-24'", "2026-11-24"),
        ("TIME '09:30:00'", "09:30:00"),
        ("'0f8fad5b-d9cb-469f-a165-70867728950e'::UUID", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("map {1: 2}", {1: 2}),
    ],
)
def test_values_come_as_json_has_them(store: Store, value: str, expected: Any) -> None:
    assert store.query(f"SELECT {value} AS x") == [{"x": expected}]


def test_parentheses_that_would_keep_the_parser_busy_are_refused(store: Store) -> None:
    with pytest.raises(InputError, match="200 parentheses"):
        store.query("SELECT " + "(" * 90_000 + "1")
    assert store.query("SELECT " + "(" * 200 + "1" + ")" * 200 + " AS x") == [{"x": 1}]


def test_python_variables_are_no_tables(store: Store) -> None:
    secret = [1, 2, 3]
    with pytest.raises(InputError, match="no table 'secret'"):
        store.query("SELECT * FROM secret")
    assert secret


def test_identifiers_are_hexadecimal_at_the_edge(store: Store, rows: MakeRows) -> None:
    batch = rows(3)
    store.ingest([batch], batch_id="x")
    store.flush()
    wanted = batch.columns["span_id"][1].hex()
    assert store.query("SELECT span_id FROM spans WHERE span_id = unhex(?)", [wanted]) == [
        {"span_id": wanted}
    ]


def test_a_query_that_takes_too_long_is_stopped(open_store: OpenStore) -> None:
    store = open_store(query_timeout_s=0.2)
    with pytest.raises(InputError, match="longer than"):
        store.query(
            "SELECT count(*) FROM range(100000) a, range(10000000) b WHERE sin(a.range) > 2 + sin(b.range)"
        )
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_query_that_answers_too_much_is_refused(open_store: OpenStore) -> None:
    store = open_store(query_rows=10)
    assert len(store.query("SELECT * FROM range(10)")) == 10
    with pytest.raises(InputError, match="more than 10 rows"):
        store.query("SELECT * FROM range(11)")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet="SELECTFROM spansraw.'\"();-*?1,", max_size=60))
def test_any_text_is_answered_or_refused(store: Store, sql: str) -> None:
    with contextlib.suppress(LaunchworthyError):
        store.query(sql)
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


def test_readers_and_the_flusher_do_not_disturb_each_other(store: Store, rows: MakeRows) -> None:
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        last = 0
        while not done.is_set():
            n = store.query("SELECT count(*) AS n FROM spans")[0]["n"]
            if n < last or n % 10:
                wrong.append(n)
            last = n

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for place in range(30):
        store.ingest([rows(10, seed=place)], batch_id=str(place))
    store.flush()
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_newest_spans_come_newest_first_and_page_by_time(store: Store, rows: MakeRows) -> None:
    store.ingest([rows(10, start_time=[1000 + place for place in range(10)])], batch_id="x")
    store.flush()
    first = store.newest_spans(limit=4)
    assert [row["start_time"] for row in first] == [1009, 1008, 1007, 1006]
    second = store.newest_spans(limit=4, before=first[-1]["start_time"])
    assert [row["start_time"] for row in second] == [1005, 1004, 1003, 1002]
    assert "input" not in first[0]


def test_spans_are_filtered_by_column_and_by_attribute(store: Store, rows: MakeRows) -> None:
    batch = rows(
        4,
        workflow=["a", "a", "b", None],
        attributes=[
            '{"tenant":"ü\\"x","n":5}',
            '{"http.path/~":"/v1","n": 50}',
            '{"other":"ü\\"x"}',
            None,
        ],
        name=["w", "x", "y", "z"],
    )
    store.ingest([batch], batch_id="x")
    store.flush()

    def names(**where: Any) -> list[str]:
        return sorted(row["name"] for row in store.newest_spans(where=where))

    assert names(workflow="a") == ["w", "x"]
    assert names(workflow=None) == ["z"]
    assert names(**{"attributes.tenant": 'ü"x'}) == ["w"]
    assert names(**{"attributes.n": 5}) == ["w"]
    assert names(**{"attributes.n": "50"}) == ["x"]
    assert names(**{"attributes.http.path/~": "/v1"}) == ["x"]
    assert names(**{"attributes.tenant": "' OR 1=1 --"}) == []
    assert names(span_id=batch.columns["span_id"][2].hex()) == ["y"]
    for where in (
        {"colour": 1},
        {"trace_id": "xyz"},
        {"span_id": "00"},
        {"trace_id": 5},
        {"input_tokens": "many"},
    ):
        with pytest.raises(InputError):
            store.newest_spans(where=where)
    with pytest.raises(InputError, match="limit"):
        store.newest_spans(limit=0)


def test_a_trace_is_found_wherever_its_spans_are(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store()
    trace_id = bytes(range(16))
    for place, start in enumerate((3000, 1000, 2000)):
        store.ingest([rows(1, seed=place, trace_id=trace_id, start_time=start)], batch_id=str(place))
        store.flush()
    assert [row["start_time"] for row in store.trace(trace_id.hex())] == [1000, 2000, 3000]
    store.seal()
    store.ingest([rows(1, seed=9, trace_id=trace_id)], batch_id="late")
    store.flush()
    assert len(store.trace(trace_id.hex())) == 4
    assert store.trace("ff" * 16) == []
    with pytest.raises(InputError, match="identifier"):
        store.trace("no")


def test_newest_traces_sum_their_spans(store: Store, rows: MakeRows) -> None:
    trace_id, root = bytes(16), b"rootroot"
    batch = rows(
        3,
        trace_id=trace_id,
        span_id=[root, b"aaaaaaaa", b"bbbbbbbb"],
        parent_span_id=[None, root, root],
        status=["ok", "error", "ok"],
        input_tokens=[None, 10, 20],
        cost_usd=[None, 0.5, 0.25],
        model=[None, None, "m"],
        name=["root", "a", "b"],
    )
    store.ingest([batch, rows(1, seed=3, name="alone", start_time=5)], batch_id="x")
    store.flush()
    first, second = store.newest_traces()
    assert (first["name"], first["spans"], first["errors"], first["input_tokens"]) == ("root", 3, 1, 30)
    assert (first["cost_usd"], first["model"]) == (0.75, "m")
    assert (second["name"], second["spans"], second["cost_usd"]) == ("alone", 1, None)
    assert [row["name"] for row in store.newest_traces(where={"name": "alone"})] == ["alone"]
    assert store.newest_traces(where={"product": "none"}) == []


def test_model_statistics_are_exact(store: Store, rows: MakeRows) -> None:
    import statistics
    from datetime import UTC, datetime

    noon = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 10**9
    durations = [float(value * value) for value in range(1, 101)]
    inside = rows(100, model="m", duration_ms=durations, cost_usd=0.01, start_time=noon)
    outside = rows(1, seed=1, model="m", start_time=noon - 86_400 * 10**9)
    store.ingest([inside, outside], batch_id="x")
    store.flush()
    since, until = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
    (found,) = store.model_stats(since=since, until=until)
    assert found["calls"] == 100
    assert found["p95_ms"] == pytest.approx(statistics.quantiles(durations, n=100, method="inclusive")[94])
    assert found["cost_usd"] == pytest.approx(1.0)
    assert store.model_stats(since=since, until=until, product="other") == []


def test_an_export_is_read_by_another_engine(store: Store, rows: MakeRows, tmp_path: Path) -> None:
    import pyarrow.parquet

    batch = rows(5, workflow=["a", "a", "b", None, "a"], start_time=[5, 4, 3, 2, 1])
    store.ingest([batch], batch_id="x")
    store.flush()
    out = tmp_path / "spans.parquet"
    assert store.export("spans", out=out) == 5
    table = pyarrow.parquet.read_table(out).sort_by("start_time")
    assert table.column("trace_id").to_pylist() == [
        value.hex() for value in reversed(batch.columns["trace_id"])
    ]
    assert table.column("span_id").to_pylist() == [
        value.hex() for value in reversed(batch.columns["span_id"])
    ]
    assert str(table.schema.field("start_time").type) == "timestamp[ns]"
    assert store.export("spans", out=out, where={"workflow": "a"}) == 3
    assert store.export("spans", out=out, where={"workflow": None, "product": "shop"}) == 1
    assert store.export("feedback", out=out) == 0
    assert pyarrow.parquet.read_table(out).num_rows == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["spans.parquet"]
    with pytest.raises(InputError, match="unknown table"):
        store.export("users", out=out)
    with pytest.raises(InputError, match="no column"):
        store.export("spans", out=out, where={"x; DROP": 1})
    with pytest.raises(InputError, match="many"):
        store.export("spans", out=out, where={"input_tokens": "many"})
    with pytest.raises(LaunchworthyError, match="could not be written"):
        store.export("spans", out=tmp_path / "missing" / "x.parquet")


def test_an_export_needs_nothing_that_only_a_developer_has(
    store: Store, rows: MakeRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ingest([rows(5)], batch_id="x")
    store.flush()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = tmp_path / 'it\'s "spans".parquet'
    assert store.export("spans", out=out) == 5
    assert out.read_bytes()[:4] == b"PAR1"


def test_nothing_unknown_is_found(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.runs.run("none")


def test_what_finds_no_memory_while_others_read_is_asked_again_and_told_if_there_is_none(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_WAITS_S", (0.0, 0.01))
    run, short = run_select, [2]

    def crowded(*given: Any, **more: Any) -> Any:
        if short[0] > 0:
            short[0] -= 1
            raise duckdb.OutOfMemoryException("failed to allocate")
        return run(*given, **more)

    monkeypatch.setattr(store_module, "run_select", crowded)
    store = open_store()
    store.ingest([rows(3)], batch_id="a")
    store.flush()
    assert store.query("SELECT count(*) AS n FROM spans") == [{"n": 3}]
    assert short == [0]
    short[0] = 99
    with pytest.raises(InputError, match="needs more memory than queries may take"):
        store.query("SELECT count(*) AS n FROM spans")
    short[0] = 0
    assert store.query("SELECT count(*) AS n FROM spans") == [{"n": 3}]


def test_those_who_measure_ask_one_at_a_time(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, under_way, most = run_select, [0], [0]

    def watched(*given: Any, **more: Any) -> Any:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        try:
            time.sleep(0.01)
            return run(*given, **more)
        finally:
            under_way[0] -= 1

    monkeypatch.setattr(store_module, "run_select", watched)
    store = open_store()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(store.query_alone, ["SELECT count(*) AS n FROM spans"] * 8))
    assert found == [[{"n": 0}]] * 8
    assert most == [1]


def test_what_needs_more_memory_by_itself_is_given_it_for_once(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_WAITS_S", (0.0,))
    # A list cannot be spilled to disk while it is built.
    sql = "SELECT len(list(hex(s.span_id) || t.i)) AS n FROM spans AS s, range(400000) AS t(i)"
    for roomy, fits in ((16, False), (512, True)):
        store = open_store(memory_bytes=16 * 2**20, maintenance_memory_bytes=roomy * 2**20)
        store.ingest([rows(1)], batch_id="a")
        store.flush()
        if fits:
            assert store.query(sql) == [{"n": 400_000}]
            assert store.query("SELECT current_setting('memory_limit') AS most") == [{"most": "16.0 MiB"}]
        else:
            with pytest.raises(InputError, match="needs more memory than queries may take"):
                store.query(sql)
        store.close()
