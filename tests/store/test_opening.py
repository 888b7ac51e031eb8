"""One process owns a folder, and a folder that cannot be used says why."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import launchworthy.store
from launchworthy.errors import ConflictError, DiskFullError, StorageError
from launchworthy.records import Rows
from launchworthy.store import Store
from launchworthy.store.database import Database
from launchworthy.store.gold import GoldRepository
from launchworthy.store.schema import HEAD, metadata
from launchworthy.store.sqlite import open_engine

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]


def test_a_second_store_on_the_folder_is_refused(open_store: OpenStore, folder: Path) -> None:
    first = open_store()
    with pytest.raises(ConflictError, match=f"process {os.getpid()} owns"):
        open_store()
    first.close()
    open_store().close()


def test_a_second_process_is_refused_and_told_who_owns_the_folder(store: Store, folder: Path) -> None:
    program = (
        f"from pathlib import Path; from launchworthy.store import Store; Store.open(Path({str(folder)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"LW409 process {os.getpid()} owns this data folder" in done.stderr


def test_everything_is_there_after_opening_again(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store(flush_interval_s=60.0)
    store.ingest([rows(5)], batch_id="x")
    store.close()
    assert len(open_store().query("SELECT * FROM spans")) == 5


def test_a_full_disk_at_opening_is_no_damage(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    store.ingest([rows(5)], batch_id="x")
    store.close()

    def refuse(*_: object) -> None:
        raise duckdb.IOException("Could not write file 'hot.duckdb.wal': No space left on device")

    with monkeypatch.context() as full:
        full.setattr("launchworthy.store.hot.Hot.show", refuse)
        with pytest.raises(DiskFullError, match="the disk is full") as caught:
            open_store()
    assert "damaged" not in str(caught.value)
    assert "restore" not in str(caught.value)
    assert len(open_store().query("SELECT * FROM spans")) == 5


def test_only_the_owner_may_read_the_files(store: Store, folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("metadata.sqlite", "hot.duckdb", "lock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["metadata.sqlite", "hot.duckdb"])
@pytest.mark.parametrize("content", [b"not a database at all" * 400, b""])
def test_a_damaged_file_is_named(
    open_store: OpenStore, rows: MakeRows, folder: Path, name: str, content: bytes
) -> None:
    store = open_store()
    store.ingest([rows(50)], batch_id="x")
    store.close()
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    with pytest.raises(StorageError) as caught:
        open_store()
    assert name in caught.value.where
    assert caught.value.hint
    (folder / name).write_bytes(whole)
    assert len(open_store().query("SELECT * FROM spans")) == 50


def test_lost_metadata_is_not_made_anew_over_the_records(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store()
    store.ingest([rows(5, start_time=0)], batch_id="x")
    store.flush()
    store.seal()
    store.close()
    (folder / "metadata.sqlite").unlink()
    for _ in range(2):
        with pytest.raises(StorageError, match="metadata file is missing"):
            open_store()
    assert list((folder / "segments").rglob("*.parquet"))


def test_a_hot_file_that_was_moved_away_is_counted_as_lost(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store()
    store.ingest([rows(3, start_time=0)], batch_id="old")
    store.ingest([rows(4, seed=1)], batch_id="new")
    store.flush()
    store.seal()
    store.close()
    (folder / "hot.duckdb").unlink()
    store = open_store()
    store.ingest([rows(2, seed=2)], batch_id="newer")
    store.flush()
    assert len(store.query("SELECT * FROM spans")) == 5
    counters = store.counters()
    assert (counters["accepted"], counters["stored"], counters["lost"], counters["pending"]) == (9, 5, 4, 0)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        Store.open(tmp_path / "file" / "data")


def test_a_newer_schema_is_refused(open_store: OpenStore, folder: Path) -> None:
    open_store().close()
    with closing(sqlite3.connect(folder / "metadata.sqlite")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StorageError, match="newer version \\(schema 9999"):
        open_store()


def test_the_migrations_make_the_schema_that_the_code_knows(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(launchworthy.store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    engine = open_engine(tmp_path / "metadata.sqlite")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        migrated = _definitions(connection)
    engine.dispose()
    Database(tmp_path / "metadata.sqlite").close()  # opens as it is
    database = Database(tmp_path / "new.sqlite")
    with database.read() as connection:
        assert _definitions(connection) == migrated
    database.close()


def _definitions(connection: Connection) -> set[str]:
    """Every table and index of a file as SQL, with one spelling of spaces and of keys."""
    found = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").scalars()
    return {re.sub(r"[\s]+|CONSTRAINT \w+", "", sql) for sql in found}


def test_a_column_that_an_older_file_lacks_is_null(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    import duckdb

    store = open_store()
    store.ingest([rows(2, dialect="genai")], batch_id="x")
    store.close()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{folder / 'hot.duckdb'}' AS hot")
        connection.execute("ALTER TABLE hot.raw.spans DROP COLUMN dialect")
    store = open_store()
    store.ingest([rows(1, seed=1, dialect="otel")], batch_id="y")
    store.flush()
    assert store.query("SELECT dialect, count(*) AS n FROM spans GROUP BY dialect ORDER BY n") == [
        {"dialect": "otel", "n": 1},
        {"dialect": None, "n": 2},
    ]


def test_sqlite_is_named_in_one_module_only() -> None:
    room = Path(launchworthy.store.__file__).parent
    naming = [
        path.name
        for path in sorted(room.glob("*.py"))
        if "pragma " in path.read_text().lower()
        or "sqlite:" in path.read_text()
        or "sqlite3" in path.read_text()
    ]
    assert naming == ["sqlite.py"]


def test_a_folder_of_the_first_schema_keeps_its_gold_sets_and_their_looks(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(launchworthy.store.__file__).parent / "migrations"))
    engine = open_engine(tmp_path / "metadata.sqlite")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO gold_versions VALUES ('p', 'n', 'g-1', 7, 3, '{}', '{}', 'old')"
        )
        connection.exec_driver_sql("INSERT INTO gold_looks VALUES (1, 'p', 'n', 'g-1', 7, 'ana', 'run 1')")
    engine.dispose()
    database = Database(tmp_path / "metadata.sqlite")
    gold = GoldRepository(database)
    assert [(each.note, each.waiting) for each in gold.gold_versions(product="p")] == [("old", 0)]
    assert [(look.by, look.split, look.release) for look in gold.looks(product="p", name="n")] == [
        ("ana", "holdout", None)
    ]
    database.close()
