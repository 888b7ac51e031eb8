"""Flags of a real server: OFREP as its clients speak it, the flags themselves, tracking, and refusals."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.errors import ConflictError
from launchworthy.rollout.flags import FileSource, Flags, ServerSource
from launchworthy.server.ofrep import Ofrep

FLAGS: dict[str, Any] = {
    "segments": {"staff": {"when": {"email": {"ends_with": "@shop.example"}}}},
    "flags": {
        "tone": {
            "variants": {"plain": "p", "warm": "w"},
            "rules": [
                {"name": "staff", "segments": ["staff"], "serve": "warm"},
                {"name": "half", "split": {"plain": 1, "warm": 1}},
            ],
        },
        "limit": {"variants": {"few": 3}},
        "ratio": {"variants": {"half": 0.5}},
        "shape": {"variants": {"a": {"rows": [1, 2]}}},
        "on": {"variants": {"off": False, "on": True}, "enabled": False},
        "plan": {"variants": ["a", "b"], "unit": "account", "rules": [{"split": {"a": 1, "b": 1}}]},
        "kept": {"variants": ["a", "b"], "sticky": True, "rules": [{"split": {"a": 1, "b": 1}}]},
    },
}
_KEY = {"type": "string"}
# open-feature/protocol, service/openapi.yaml: components/schemas of an answer.
SUCCESS = {
    "type": "object",
    "required": ["key", "reason", "variant", "value"],
    "properties": {
        "key": _KEY,
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "DEFAULT", "UNKNOWN"]},
        "variant": _KEY,
        "metadata": {"type": "object", "additionalProperties": {"type": ["boolean", "string", "number"]}},
    },
}
FAILURE = {
    "type": "object",
    "required": ["key", "errorCode"],
    "properties": {
        "key": _KEY,
        "errorCode": {"enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"]},
        "errorDetails": _KEY,
    },
}
BULK = {
    "type": "object",
    "required": ["flags"],
    "properties": {
        "flags": {"type": "array", "items": {"oneOf": [SUCCESS, FAILURE]}},
        "metadata": {"type": "object", "additionalProperties": {"type": ["boolean", "string", "number"]}},
        "eventStreams": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "endpoint"],
                "properties": {
                    "type": {"const": "sse"},
                    "endpoint": {"type": "object", "required": ["requestUri"]},
                    "inactivityDelaySec": {"type": "integer", "minimum": 1},
                },
            },
        },
    },
}
EVALUATE = "/ofrep/v1/evaluate/flags"


def _put(server: Any, flags: Any, **more: Any) -> tuple[int, Any]:
    body = {"flags": flags, "reason": "a test", "by": "ana", **more}
    status, _, answer = server.request("PUT", "/api/v1/products/docs-bot/flags", json.dumps(body).encode())
    return status, json.loads(answer)


@pytest.fixture(scope="module")
def flagged(server: Any) -> Any:
    status, told = _put(server, FLAGS)
    assert status == 200, told
    return server


def _ask(server: Any, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, told, answer = server.request("POST", path, sent, headers=headers)
    return status, told, json.loads(answer) if answer else None


def test_an_openfeature_client_resolves_every_type(flagged: Any) -> None:
    api.set_provider(OFREPProvider(flagged.url))
    try:
        client = api.get_client()
        ana = EvaluationContext("ana")
        found = client.get_string_details("tone", "mine", ana)
        assert found.value in ("p", "w")
        assert (found.reason, found.error_code) == ("SPLIT", None)
        assert found.flag_metadata["rule"] == "half"
        staff = EvaluationContext("bob", {"email": "bob@shop.example"})
        assert client.get_string_details("tone", "mine", staff).reason == "TARGETING_MATCH"
        assert client.get_integer_value("limit", 0, ana) == 3
        assert client.get_float_value("ratio", 0.0, ana) == 0.5
        assert client.get_object_value("shape", {}, ana) == {"rows": [1, 2]}
        off = client.get_boolean_details("on", True, ana)
        assert (off.value, off.reason) == (False, "DISABLED")
        assert client.get_string_details("nowhere", "mine", ana).error_code is ErrorCode.FLAG_NOT_FOUND
        nobody = client.get_string_details("tone", "mine")
        assert (nobody.value, nobody.error_code) == ("mine", ErrorCode.TARGETING_KEY_MISSING)
        by_account = client.get_string_details("plan", "mine", ana)
        assert by_account.error_code is ErrorCode.TARGETING_KEY_MISSING
        assert client.get_string_value("plan", "mine", EvaluationContext("ana", {"account": "acme"})) in "ab"
    finally:
        api.clear_providers()


def test_a_split_put_in_force_gives_units_what_its_file_gives_them(tmp_path: Path) -> None:
    from launchworthy.server.local import LocalWorkspace

    split = {
        "variants": ["old", "new"],
        "overrides": {"eve": "new"},
        "rules": [{"split": {"old": 1, "new": 1}}],
    }
    document = {"product": "docs-bot", "flags": {"tone": split}}
    file = tmp_path / "flags.json"
    file.write_text(json.dumps(document))
    inside = Flags(FileSource(file), every_s=0, expose=lambda *_: None)

    def same(workspace: LocalWorkspace) -> None:
        of_server = workspace.flagging.current("docs-bot").evaluates["tone"]
        assert all(
            of_server(unit, {}).value == inside.value("tone", "", unit) for unit in ("ana", "bob", "cem")
        )

    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        for _ in range(2):  # the same file again moves nobody
            workspace.set_flags(product="docs-bot", flags=document, reason="a test", by="kim")
            same(workspace)
        workspace.erase_subject(product="docs-bot", user_id="eve", by="kim")
        same(workspace)


def test_the_flags_inside_an_application_are_those_over_ofrep(flagged: Any, tmp_path: Path) -> None:
    source = ServerSource(flagged.url, product="docs-bot", api_key=None, state=tmp_path)
    inside = Flags(source, every_s=0, expose=lambda *_: None)
    assert source.changed() is None  # 304
    for unit in (f"user-{n}" for n in range(20)):
        _, _, told = _ask(flagged, f"{EVALUATE}/tone", {"context": {"targetingKey": unit}})
        decision = inside.decide("tone", unit)
        assert (told["variant"], told["metadata"]["version"]) == (decision.variant, decision.version)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", EVALUATE, "POST"),
        ("DELETE", f"{EVALUATE}/tone", "POST"),
        ("GET", "/products/docs-bot/ofrep/v1/track", "POST"),
        ("POST", "/ofrep/v1/events", "GET"),
    ],
)
def test_another_method_is_refused_in_the_words_of_the_protocol(
    flagged: Any, method: str, path: str, allowed: str
) -> None:
    status, headers, answer = flagged.request(method, path, b"{}" if method == "POST" else b"")
    told = json.loads(answer)
    assert (status, headers["allow"], told["errorCode"]) == (405, allowed, "GENERAL")
    assert told["errorDetails"] == f"use {allowed} here, not {method}"


def test_a_bulk_answer_has_the_shape_of_the_protocol_and_a_tag(flagged: Any) -> None:
    context = {"context": {"targetingKey": "ana", "account": 7}}
    status, headers, told = _ask(flagged, EVALUATE, context)
    assert status == 200
    Draft202012Validator(BULK).validate(told)
    assert {each["key"] for each in told["flags"]} == set(FLAGS["flags"])
    assert all("value" in each for each in told["flags"])
    status, same, nothing = _ask(flagged, EVALUATE, context, **{"If-None-Match": headers["etag"]})
    assert (status, nothing, same["etag"]) == (304, None, headers["etag"])
    status, other, _ = _ask(flagged, EVALUATE, {"context": {"targetingKey": "bob"}})
    assert (status, other["etag"] != headers["etag"]) == (200, True)
    status, _, told = _ask(flagged, f"{EVALUATE}?flagConfigEtag=x&flagConfigLastModified=y", b"")
    Draft202012Validator(BULK).validate(told)
    missing = [each["key"] for each in told["flags"] if each.get("errorCode") == "TARGETING_KEY_MISSING"]
    assert sorted(missing) == ["kept", "plan", "tone"]
    assert _ask(flagged, "/products/docs-bot" + EVALUATE, context)[1]["etag"] == headers["etag"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"{EVALUATE}/tone", b"{", 400, "PARSE_ERROR"),
        (f"{EVALUATE}/tone", b"\xff", 400, "PARSE_ERROR"),
        (f"{EVALUATE}/tone", b"[" * 100_000, 400, "PARSE_ERROR"),
        (f"{EVALUATE}/tone", [], 400, "PARSE_ERROR"),
        (f"{EVALUATE}/tone", {"context": "ana"}, 400, "INVALID_CONTEXT"),
        (f"{EVALUATE}/tone", {"context": {"targetingKey": 7}}, 400, "INVALID_CONTEXT"),
        (f"{EVALUATE}/tone", {"context": {}}, 400, "TARGETING_KEY_MISSING"),
        (f"{EVALUATE}/a/b%20c", {}, 404, "FLAG_NOT_FOUND"),
        (f"/products/nobody{EVALUATE}/tone", {}, 404, "FLAG_NOT_FOUND"),
        (f"{EVALUATE}/tone", b" " * 1_100_000, 413, "GENERAL"),
        (EVALUATE, {"context": []}, 400, "INVALID_CONTEXT"),
        ("/ofrep/v1/track", {}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"name": "x", "flag": "tone"}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"name": "x", "value": "1"}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"name": "x", "time": "noon"}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"name": "x", "time": "2026-01-01T00:00"}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"flag": "tone", "variant": "cold"}]}, 400, "PARSE_ERROR"),
        ("/ofrep/v1/track", {"events": [{"name": "x", "time": "1700-01-01T00:00:00Z"}]}, 400, "GENERAL"),
        ("/ofrep/v1/track", {"events": [{"name": "x"}] * 1_001}, 400, "PARSE_ERROR"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_protocols_words(
    flagged: Any, path: str, body: Any, status: int, code: str
) -> None:
    found, _, told = _ask(flagged, path, body)
    assert (found, told["errorCode"]) == (status, code)
    assert told["errorDetails"]
    if "/tone" in path:
        assert told["key"] == "tone"


def test_a_flag_that_was_asked_for_is_an_exposure_once_and_tracked_events_are_outcomes(flagged: Any) -> None:
    ana = {"context": {"targetingKey": "exposed-ana", "session": "s-1"}}
    for _ in range(3):
        assert _ask(flagged, f"{EVALUATE}/tone", ana)[0] == 200
    assert _ask(flagged, EVALUATE, ana)[0] == 200  # asked for all says nothing of any
    shown = {"flag": "kept", "variant": "b"}
    told = {"name": "resolved", "value": 2.5, "attributes": {"channel": "web", "tags": ["x"]}}
    late = {"name": "resolved", "time": "2026-11-20T09:00:00+01:00"}
    status, _, nothing = _ask(flagged, "/ofrep/v1/track", {**ana, "events": [shown, told, late]})
    assert (status, nothing) == (204, None)
    deadline = time.monotonic() + 20
    mine: dict[str, list[dict[str, Any]]] = {}
    person = ""
    while {*mine} != {"kept", "tone"} and time.monotonic() < deadline:
        rows = flagged.query("SELECT flag, variant, unit, user_id, rule, source FROM exposures")
        person = next((each["unit"] for each in rows if each["flag"] == "kept"), "")
        mine = {
            flag: [each for each in rows if (each["flag"], each["unit"]) == (flag, person)]
            for flag in {each["flag"] for each in rows if each["unit"] == person}
        }
        time.sleep(0.05)
    assert person.startswith("u_")
    assert mine["kept"][0]["variant"] == "b"
    (asked,) = mine["tone"]
    assert (asked["user_id"], asked["rule"], asked["source"]) == (person, "half", "launchworthy")
    outcomes = flagged.query(
        "SELECT value, session_id, attributes, time FROM outcomes WHERE user_id = ? ORDER BY time", person
    )
    assert [each["value"] for each in outcomes] == [None, 2.5]
    assert json.loads(outcomes[1]["attributes"])["channel"] == "web"
    assert outcomes[0]["session_id"].startswith("s_")


def test_flags_that_would_move_units_are_refused_until_they_say_so(start_server: Any) -> None:
    server = start_server()
    assert _put(server, FLAGS)[0] == 200
    edited = json.loads(json.dumps(FLAGS))
    edited["flags"]["tone"]["rules"][1]["split"] = {"plain": 1, "warm": 3}
    status, told = _put(server, edited)
    assert (status, told["error"]["code"]) == (409, "LW409")
    assert "25 % of all units would be moved" in told["error"]["message"]
    edited["flags"]["tone"]["generation"] = 2
    assert _put(server, edited, replaces=7)[0] == 409
    status, told = _put(server, edited, replaces=1)
    assert (status, told["version"]) == (200, 2)
    assert _put(server, edited, reason=" ")[0] == 400
    assert _put(server, {"flags": {"release": {"variants": ["a"]}}})[1]["error"]["where"] == "flags.release"
    assert _put(server, {"product": "other", "flags": {}})[0] == 400
    assert _put(server, {"flags": {"tone": {}}})[1]["error"]["where"] == "flags.tone.variants"

    stream = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    with closing(stream):
        stream.request("GET", "/ofrep/v1/events", headers={"Accept": "text/event-stream"})
        events = stream.getresponse()
        assert events.getheader("Content-Type") == "text/event-stream"
        assert events.readline() == b": still here\n"
        switched = {"flag": "tone", "enabled": False, "reason": "too warm", "by": "ana"}
        path = "/api/v1/products/docs-bot/flags-switch"
        status, _, answer = server.request("POST", path, json.dumps(switched).encode())
        assert (status, json.loads(answer)["version"]) == (200, 3)
        lines = [events.readline() for _ in range(4)]
    said = json.loads(next(line for line in lines if line.startswith(b"data: "))[6:])
    assert (said["type"], said["etag"]) == ("refetchEvaluation", json.loads(answer)["tag"])
    _, _, told = _ask(server, f"{EVALUATE}/tone", {"context": {"targetingKey": "ana"}})
    assert (told["reason"], told["value"]) == ("DISABLED", "p")
    history = json.loads(server.request("GET", "/api/v1/products/docs-bot/flags-history")[2])
    assert [each["reason"] for each in history] == ["too warm", "a test", "a test"]
    audit = json.loads(server.request("GET", "/api/v1/products/docs-bot/ledger")[2])
    chained = [json.loads(each["body"]) for each in audit if each["kind"] == "flags"]
    assert [each["changed"] for each in chained] == [sorted(FLAGS["flags"]), ["tone"], ["tone"]]
    assert [each["moved"] for each in chained] == [{}, {"tone": 0.25}, {}]


def test_who_may_ask_and_who_may_change(tmp_path: Path, run_command: Any) -> None:
    from launchworthy.server.app import build_app
    from launchworthy.server.local import LocalWorkspace

    workspace = LocalWorkspace.open(tmp_path / "data")
    with closing(workspace):
        workspace.set_flags(product="docs-bot", flags=FLAGS, reason="a test", by="ana")
        sends, reads = (workspace.add_api_key(name=role, role=role) for role in ("ingest", "read"))
        client = TestClient(build_app(workspace, require_key=True, token="t" * 32))
        path, body = f"{EVALUATE}/limit", {"context": {"targetingKey": "ana"}}
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers={"X-API-Key": "wrong"}).status_code == 401
        assert client.post(path, json=body, headers={"X-API-Key": sends}).json()["value"] == 3
        assert client.post(path, json=body, headers={"Authorization": f"Bearer {sends}"}).status_code == 200
        flags = "/api/v1/products/docs-bot/flags"
        assert client.get(flags, headers={"X-API-Key": sends}).json()["version"] == 1
        change = {"flags": FLAGS, "reason": "x", "by": "eve"}
        for key in (sends, reads):
            assert client.put(flags, json=change, headers={"X-API-Key": key}).status_code == 403
        assert client.get(f"{flags}-history", headers={"X-API-Key": sends}).status_code == 403
        assert client.get("/api/v1/products/nobody/flags", headers={"X-API-Key": sends}).status_code == 404


def test_whatever_is_sent_is_answered_or_refused_in_the_protocols_shape(tmp_path: Path) -> None:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    from launchworthy.server.local import LocalWorkspace

    value = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )
    names = st.sampled_from(["targetingKey", "email", "account", "session"])
    event = st.dictionaries(
        st.sampled_from(["name", "flag", "variant", "value", "attributes", "time"]), value, max_size=4
    )
    body = st.fixed_dictionaries(
        {"context": value | st.dictionaries(names, value)},
        optional={"events": value | st.lists(event, max_size=3)},
    )
    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        workspace.set_flags(product="docs-bot", flags=FLAGS, reason="a test", by="ana")
        client = TestClient(Starlette(routes=Ofrep(workspace.flagging).routes()))

        @settings(max_examples=60, deadline=None)
        @given(
            body | value, st.sampled_from([EVALUATE, "/ofrep/v1/track"]) | st.sampled_from([*FLAGS["flags"]])
        )
        def asked(sent: Any, where: str) -> None:
            path = where if where.startswith("/") else f"{EVALUATE}/{where}"
            answer = client.post(path, content=json.dumps(sent).encode())
            assert answer.status_code in (200, 204, 400), answer.text
            if answer.status_code == 400:
                assert set(answer.json()) - {"key"} == {"errorCode", "errorDetails"}
            elif answer.status_code == 200:
                told = answer.json()
                Draft202012Validator(BULK if path == EVALUATE else SUCCESS).validate(told)

        asked()


def test_a_key_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    from launchworthy.server.local import LocalWorkspace

    seconds = 10.0
    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        workspace.set_flags(product="docs-bot", flags=FLAGS, reason="a test", by="ana")
        ofrep = Ofrep(workspace.flagging, most_per_s=2, now=lambda: seconds)
        client = TestClient(Starlette(routes=ofrep.routes()))
        assert [client.post(f"{EVALUATE}/limit").status_code for _ in range(3)] == [200, 200, 429]
        refused = client.post(f"{EVALUATE}/limit")
        assert refused.headers["retry-after"] == "1"
        seconds += 1
        assert client.post(f"{EVALUATE}/limit").status_code == 200


def test_sticky_units_are_kept_by_pseudonym_survive_a_restart_and_are_erased(tmp_path: Path) -> None:
    from launchworthy.server.local import LocalWorkspace

    def kept(workspace: LocalWorkspace) -> Any:
        return workspace.flagging.current("docs-bot").evaluates["kept"]("ana", {}).variant

    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        workspace.set_flags(product="docs-bot", flags=FLAGS, reason="a test", by="kim")
        first = kept(workspace)
    other = "b" if first == "a" else "a"
    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        changed = json.loads(json.dumps(FLAGS))
        changed["flags"]["kept"]["rules"] = [{"name": "anew", "split": {other: 1}}]
        changed["flags"]["kept"]["generation"] = 1
        with pytest.raises(Exception, match="would be moved"):
            workspace.set_flags(product="docs-bot", flags=changed, reason="a test", by="kim")
        assert kept(workspace) == first
        with closing(sqlite3.connect(tmp_path / "data" / "metadata.sqlite")) as metadata:
            ((unit,),) = metadata.execute("SELECT unit FROM sticky_units").fetchall()
        assert unit.startswith("u_")
        named = json.loads(json.dumps(FLAGS))
        named["flags"]["tone"]["overrides"] = {"ana": "warm", "bob": "warm"}
        named["flags"]["tone"]["rules"][0]["when"] = {"unit": ["ana", "eve"]}
        named["segments"]["staff"] |= {"include": ["ana"], "exclude": ["ana", "kim"]}
        workspace.set_flags(product="docs-bot", flags=named, reason="testers", by="kim")
        removed = workspace.erase_subject(product="docs-bot", user_id="ana", by="kim")["removed"]
        assert removed["flags"] == 2
        left = workspace.flags(product="docs-bot")["flags"]
        assert left["flags"]["tone"]["overrides"] == {"bob": "warm"}
        assert left["flags"]["tone"]["rules"][0]["when"] == {"unit": {"in": ["eve"]}}
        assert (left["segments"]["staff"]["include"], left["segments"]["staff"]["exclude"]) == ([], ["kim"])
        for path in (tmp_path / "data").rglob("*"):
            assert path.is_dir() or b'"ana"' not in path.read_bytes()


@pytest.mark.parametrize("away", ["off", "gone"])
def test_a_flag_that_comes_back_may_not_move_whoever_had_met_it(tmp_path: Path, away: str) -> None:
    from launchworthy.server.local import LocalWorkspace

    def tone(split: dict[str, int], **more: Any) -> dict[str, Any]:
        rules = [{"name": "half", "split": split}]
        return {"product": "docs-bot", "flags": {"tone": {"variants": ["a", "b"], "rules": rules, **more}}}

    one, other = {"a": 1, "b": 1}, {"a": 3, "b": 1}
    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:

        def put(flags: dict[str, Any]) -> Any:
            return workspace.set_flags(product="docs-bot", flags=flags, reason="a test", by="ana")

        put(tone(one))
        # Taking it back is allowed at once, whatever else changes; so is editing while nobody has it.
        put(
            tone(other, enabled=False)
            if away == "off"
            else {"product": "docs-bot", "flags": {"x": {"variants": ["a"]}}}
        )
        with pytest.raises(ConflictError, match="its weights changed, and 25 % of all units would be moved"):
            put(tone(other))
        assert put(tone(one))["version"] == 3
        put(tone(one, enabled=False))
        assert put(tone(other, generation=2))["version"] == 5


def test_the_release_on_its_way_is_a_flag_that_keeps_whoever_has_it() -> None:
    from datetime import UTC, datetime

    from launchworthy.contract import Stage
    from launchworthy.rollout.flags import FlagSet, compiled, moves
    from launchworthy.rollout.ramp import Action, Ramp, Step, release_flag

    at = datetime(2026, 11, 25, tzinfo=UTC)
    stages = tuple(
        Stage(name=f"s{share}", share=share / 100, dwell_ms=None, approver=None, needs=())
        for share in (1, 25, 100)
    )
    ramp = Ramp(
        id="ramp-1",
        product="docs-bot",
        release="r-new",
        baseline="r-old",
        unit="user",
        stages=stages,
        takes_back=True,
        within_ms=None,
        steps=(Step(at=at, action=Action.START, stage="s1", reason="x"),),
    )
    sets, who = [], []
    for stage in (*stages, None):
        action = Action.ENTER if stage is not None else Action.ROLL_BACK
        step = Step(at=at, action=action, stage="s1" if stage is None else stage.name, reason="x", by="ana")
        ramp = ramp.after(step)
        flag = release_flag(ramp)
        sets.append(FlagSet(product="docs-bot", flags={"release": flag}))
        evaluate = compiled(flag, sets[-1])
        units = [f"user-{n}" for n in range(2_000)]
        who.append({unit for unit in units if evaluate(unit, {}).value == "r-new"})
    assert who[0] < who[1] < who[2]
    assert len(who[2]) == 2_000
    assert 400 < len(who[1]) < 600
    assert who[3] == set()
    assert all(move.allowed for one, other in pairwise(sets) for move in moves(one, other))


def test_each_step_of_a_rollout_is_in_force_for_whoever_asks_for_the_release(tmp_path: Path) -> None:
    from launchworthy.server.local import LocalWorkspace

    contract = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example}
release: {model: {name: vendor/new}}
workflows:
  answer: {user: customer, job: get an answer, no_answer: refuse, quality: {exact_match: {at_least: 80 %}}}
gold: {answer: {file: gold.jsonl}}
rollout:
  stages: [{name: pilot, share: 50 %}, {name: launch, share: 100 %, needs: [quality]}]
"""
    units = [f"user-{n}" for n in range(100)]
    with closing(LocalWorkspace.open(tmp_path / "data")) as workspace:
        workspace.register_contract(product="shop", text=contract, path="launchworthy.yaml")
        ramp = workspace.start_ramp(product="shop", reason="a new model", by="ana")
        ofrep = Ofrep(workspace.flagging)
        client = TestClient(Starlette(routes=ofrep.routes()))

        def have_it() -> set[str]:
            time.sleep(0.3)  # a step is in force a quarter of a second later
            asked = {
                unit: client.post(f"{EVALUATE}/release", json={"context": {"targetingKey": unit}}).json()
                for unit in units
            }
            return {unit for unit, told in asked.items() if told["value"] == ramp["release"]}

        def step(action: str) -> None:
            workspace.step_ramp(product="shop", ramp_id=ramp["id"], action=action, reason="x", by="ana")

        assert have_it() == set()
        step("enter")
        half = have_it()
        assert 25 < len(half) < 75
        step("enter")
        assert have_it() == set(units)
        nobody = client.post(f"{EVALUATE}/release", json={}).json()
        assert (nobody["value"], nobody["reason"]) == (ramp["release"], "TARGETING_MATCH")
        assert workspace.flags(product="shop")["flags"]["flags"]["release"]["seed"] == ramp["id"]
        other = workspace.start_ramp(product="shop", release=_another(workspace), reason="the next", by="ana")
        step_of: dict[str, Any] = {"product": "shop", "ramp_id": other["id"], "reason": "x", "by": "ana"}
        workspace.step_ramp(**step_of, action="enter")
        ramp = other
        assert 25 < len(have_it()) < 75
        assert have_it() != half  # another ramp draws other users
        workspace.step_ramp(**step_of, action="roll_back")
        assert have_it() == set()


def _another(workspace: Any) -> str:
    from launchworthy.records import Release

    release = Release({"model": "vendor/newer"})
    workspace.register_release(release, product="shop")
    return release.id
