"""Flags in an application: never in its way, whatever becomes of the file, the server, or the process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import launchworthy as lw
from launchworthy.errors import InputError
from launchworthy.rollout.flags import Decision, FileSource, FileSticky, Flags, Reason, ServerSource
from launchworthy.testing import recording

HALF = {"variants": ["plain", "warm"], "rules": [{"name": "half", "split": {"plain": 1, "warm": 1}}]}


def _document(**flags: Any) -> dict[str, Any]:
    return {"product": "shop", "flags": flags or {"tone": HALF}}


class _Told:
    def __init__(self) -> None:
        self.exposures: list[tuple[str, str | None, str]] = []

    def __call__(self, decision: Decision, unit: str, attributes: Any) -> None:
        self.exposures.append((decision.flag, decision.variant, unit))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(_document()))
    return path


class _Server(ThreadingHTTPServer):
    """Answers flags with a tag, as a Launchworthy server does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.document: Any = _document()
        self.status, self.asked, self.same = 200, 0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"flags": self.server.document}).encode()
        tag = f'"{hash(body)}"'
        status = self.server.status
        if status == 200 and self.headers.get("If-None-Match") == tag:
            self.server.same += 1
            status, body = 304, b""
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    found = _Server()
    thread = threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def test_exposures_are_told_once_for_each_unit_flag_and_variant(file: Path) -> None:
    told = _Told()
    flags = Flags(FileSource(file), every_s=0, expose=told)
    for _ in range(3):
        for unit in ("ana", "bob"):
            flags.decide("tone", unit)
    flags.decide("tone", "eve", expose=False)
    flags.everything("kim")
    assert sorted(unit for _, _, unit in told.exposures) == ["ana", "bob"]
    file.write_text(json.dumps(_document(tone=HALF, other=HALF)))
    assert flags.refresh()
    flags.decide("tone", "ana")
    assert len(told.exposures) == 2  # the flag is the same, and so is what was told of it


def test_an_exposure_is_a_record_of_the_sdk_with_all_that_decided(file: Path) -> None:
    with recording(product="shop") as recorded:
        flags = Flags(FileSource(file), every_s=0)
        with lw.workflow("answer", user="ana") as span:
            decision = flags.decide("tone", "ana")
        (event,) = recorded.events
    said = {name.removeprefix("launchworthy.exposure."): value for name, value in event.attributes.items()}
    assert (said["flag"], said["variant"], said["rule"]) == ("tone", decision.variant, "half")
    assert (said["algorithm"], said["version"]) == ("growthbook@2", decision.version)
    assert (said["reason"], said["source"], said["unit_kind"]) == ("split", "launchworthy", "user")
    assert said["unit"] == said["user.id"] != "ana"
    assert f"{event.trace_id:032x}" == span.trace_id


def test_a_value_is_never_of_another_type_than_the_default(file: Path) -> None:
    file.write_text(
        json.dumps(
            _document(
                on={"variants": {"yes": True}},
                count={"variants": {"few": 3}},
                ratio={"variants": {"half": 0.5, "all": 1}},
                text={"variants": {"a": "x"}},
                tone=HALF,
            )
        )
    )
    told = _Told()
    flags = Flags(FileSource(file), every_s=0, expose=told)
    assert flags.value("on", False) is True
    assert flags.value("on", 0) == 0
    assert flags.value("count", 1) == 3
    assert flags.value("count", 1.5) == 3
    assert flags.value("count", False) is False
    assert flags.value("ratio", 1.0) == 0.5
    assert flags.value("text", b"") == b""
    assert flags.value("nowhere", "mine") == "mine"
    assert flags.value("tone", "mine") == "mine"  # nobody to split by
    assert flags.value("tone", 7, "ana") == 7
    assert told.exposures == []  # nobody met a variant
    later = flags.decide("tone", "ana", expose=False)
    assert told.exposures == []
    for _ in range(2):
        flags.shown(later, "ana")
    flags.shown(flags.decide("on", "ana"), "ana")
    assert told.exposures == [("tone", later.variant, "ana")]
    assert flags.value("text", None) == "x"
    assert flags.decide("nowhere", "ana").reason is Reason.UNKNOWN_FLAG


def test_a_unit_that_is_no_text_is_written_as_one_as_the_sdk_does(file: Path) -> None:
    told = _Told()
    flags = Flags(FileSource(file), every_s=0, expose=told)
    for unit in (1042, UUID(int=7), 1.5):
        assert flags.decide("tone", unit).variant == flags.decide("tone", str(unit)).variant
        assert flags.everything(unit, None)["tone"] == flags.decide("tone", str(unit), None)
    assert [unit for _, _, unit in told.exposures] == ["1042", str(UUID(int=7)), "1.5"]
    assert flags.decide("tone", None).reason is Reason.UNIT_MISSING
    assert flags.value("tone", "mine", None, None) == "mine"


def test_a_file_that_breaks_changes_nothing_and_says_so_once(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flags = Flags(FileSource(file), every_s=0, expose=_Told())
    before = flags.decide("tone", "ana")
    for broken in ("{", '{"product": "shop", "flags": {"tone": {}}}'):
        file.write_text(broken)
        assert not flags.refresh()
        assert flags.decide("tone", "ana") is before
    file.unlink()
    assert not flags.refresh()
    assert flags.is_stale
    assert flags.decide("tone", "ana") is before
    assert len([each for each in caplog.records if "stay as they are" in each.message]) == 1
    file.write_text(json.dumps(_document()))
    assert flags.refresh()
    assert not flags.is_stale


def test_weights_edited_in_mid_flight_move_nobody_until_the_generation_is_raised(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flags = Flags(FileSource(file), every_s=0, expose=_Told())
    units = [f"user-{n}" for n in range(200)]
    before = [flags.decide("tone", unit).variant for unit in units]
    edited = HALF | {"rules": [{"name": "half", "split": {"plain": 1, "warm": 9}}]}
    file.write_text(json.dumps(_document(tone=edited, other=HALF)))
    assert flags.refresh()
    assert [flags.decide("tone", unit).variant for unit in units] == before
    assert flags.keys == ["other", "tone"]
    with caplog.at_level(logging.ERROR):
        assert "tone stays as it was" in caplog.text
        assert "40 % of all units" in caplog.text
    file.write_text(json.dumps(_document(tone=edited | {"generation": 2}, other=HALF)))
    assert flags.refresh()
    assert [flags.decide("tone", unit).variant for unit in units] != before
    killed = edited | {"enabled": False}
    file.write_text(json.dumps(_document(tone=killed)))
    assert flags.refresh()
    assert {flags.decide("tone", unit).variant for unit in units} == {"plain"}


def test_a_server_is_asked_whether_anything_changed(server: _Server, tmp_path: Path) -> None:
    source = ServerSource(server.url, product="shop", api_key=None, state=tmp_path)
    flags = Flags(source, every_s=0, expose=_Told())
    assert flags.decide("tone", "ana").variant in ("plain", "warm")
    assert flags.refresh()
    assert (server.asked, server.same) == (2, 1)
    server.document = _document(tone=HALF | {"enabled": False})
    assert flags.refresh()
    assert flags.decide("tone", "ana").reason is Reason.DISABLED


def test_without_the_server_the_last_flags_stay_and_survive_the_process(
    server: _Server, tmp_path: Path
) -> None:
    def started() -> Flags:
        source = ServerSource(server.url, product="shop", api_key=None, state=tmp_path, timeout_s=0.5)
        return Flags(source, every_s=0, expose=_Told())

    flags = started()
    before = flags.decide("tone", "ana").variant
    for status in (500, 401, 404):
        server.status = status
        assert not flags.refresh()
        assert flags.decide("tone", "ana").variant == before
    server.status = 200
    unreadable: list[Any] = [[], {"product": 7}, "flags"]
    for broken in unreadable:
        server.document = broken
        assert not flags.refresh()
        assert flags.decide("tone", "ana").variant == before
    server.server_close()
    again = started()
    assert again.is_stale
    assert again.decide("tone", "ana").variant == before
    for copy in (tmp_path / "flags").glob("*.json"):
        assert copy.stat().st_mode & 0o077 == 0
        copy.write_text("{")
    nothing = started()
    assert nothing.keys == []
    assert nothing.value("tone", "mine", "ana") == "mine"


def test_changes_arrive_in_the_background(server: _Server, tmp_path: Path) -> None:
    source = ServerSource(server.url, product="shop", api_key=None, state=tmp_path)
    flags = Flags(source, every_s=0.02, expose=_Told())
    server.document = _document(tone=HALF | {"enabled": False})
    for _ in range(500):
        if flags.decide("tone", "ana").reason is Reason.DISABLED:
            break
        threading.Event().wait(0.02)
    assert flags.decide("tone", "ana").reason is Reason.DISABLED
    flags.close()


def test_sticky_units_are_shared_by_the_processes_of_a_machine_and_a_broken_file_breaks_nothing(
    tmp_path: Path,
) -> None:
    one, other = FileSticky(tmp_path / "s.sqlite"), FileSticky(tmp_path / "s.sqlite")
    assert one.put("tone#1", "ana", "warm") == "warm"
    assert other.put("tone#1", "ana", "plain") == "warm"
    assert other.get("tone#1", "ana") == "warm"
    assert other.get("tone#2", "ana") is None
    assert (tmp_path / "s.sqlite").stat().st_mode & 0o077 == 0
    one.close()
    assert one.get("tone#1", "bob") is None
    assert one.put("tone#1", "bob", "plain") == "plain"
    assert one.get("tone#1", "bob") == "plain"
    other.close()


def test_flags_of_a_file_by_the_short_way(file: Path) -> None:
    with recording(product="shop"):
        made = lw.flags(file, every_s=0)
        assert made.value("tone", "mine", "ana") in ("plain", "warm")
        with pytest.raises(InputError, match="cannot be read"):
            lw.flags(file.with_name("nowhere.yaml"))
        with pytest.raises(InputError, match="not the address of a server"):
            lw.flags(endpoint="ftp://x")


def test_flags_of_an_application_load_neither_the_store_nor_the_server_nor_yaml(file: Path) -> None:
    code = (
        "import sys, launchworthy as lw\n"
        f"lw.init(endpoint='http://127.0.0.1:9', product='shop', state={str(file.parent)!r}, enabled=False)\n"
        f"made = lw.flags({str(file)!r})\nmade.decide('tone', 'ana')\nmade.close()\nprint(*sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAUNCHWORTHY_")}
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout.split()
    heavy = ("duckdb", "numpy", "pydantic", "starlette", "sqlalchemy", "ruamel", "openfeature")
    rooms = ("store", "server", "contract", "evidence", "stats", "gold", "evals")
    assert "launchworthy.rollout.flags" in loaded
    assert not [each for each in loaded if each.partition(".")[0] in heavy]
    assert not [each for each in loaded if each.startswith(tuple(f"launchworthy.{room}" for room in rooms))]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_child_goes_on_asking(tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    file.write_text(json.dumps(_document()))
    code = f"""
import json, os, sys, time
from pathlib import Path
from launchworthy.rollout.flags import FileSource, Flags
file = Path({str(file)!r})
flags = Flags(FileSource(file), every_s=0.02, expose=lambda *_: None)
child = os.fork()
if child == 0:
    document = json.loads(file.read_text())
    document["flags"]["tone"]["enabled"] = False
    file.write_text(json.dumps(document))
    for _ in range(500):
        if flags.decide("tone", "ana").reason == "disabled":
            os._exit(0)
        time.sleep(0.02)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
