"""Flags under OpenFeature's SDK: values, reasons, errors, events, tracking."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.track import TrackingEventDetails

from launchworthy.errors import MissingExtraError
from launchworthy.rollout.flags import FileSource, Flags
from launchworthy.rollout.openfeature import LaunchworthyProvider
from launchworthy.testing import Recording, recording

FLAGS: dict[str, Any] = {
    "product": "shop",
    "flags": {
        "tone": {
            "variants": {"plain": "p", "warm": "w"},
            "rules": [
                {"name": "new", "when": {"since": {"starts_with": "2026-"}}, "serve": "warm"},
                {"name": "half", "split": {"plain": 1, "warm": 1}},
            ],
        },
        "on": {"variants": {"on": True}},
        "limit": {"variants": {"few": 3}},
        "shape": {"variants": {"a": {"rows": 1}}},
    },
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(FLAGS))
    return path


@pytest.fixture
def flags(file: Path) -> Flags:
    return Flags(FileSource(file), every_s=0)


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(product="shop") as found:
        yield found


@pytest.fixture
def client(flags: Flags, recorded: Recording) -> Iterator[OpenFeatureClient]:
    api.set_provider(LaunchworthyProvider(flags))
    yield api.get_client()
    api.clear_providers()


def test_values_reasons_and_what_decided(client: OpenFeatureClient, recorded: Recording) -> None:
    ana = EvaluationContext("ana")
    found = client.get_string_details("tone", "mine", ana)
    assert found.value == {"plain": "p", "warm": "w"}[str(found.variant)]
    assert (found.reason, found.flag_metadata["rule"]) == ("SPLIT", "half")
    newer = EvaluationContext("ana", {"since": datetime(2026, 5, 1, tzinfo=UTC)})
    assert client.get_string_details("tone", "mine", newer).reason == "TARGETING_MATCH"
    assert client.get_boolean_details("on", False, ana).reason == "STATIC"
    assert client.get_integer_value("limit", 0, ana) == 3
    assert client.get_float_value("limit", 0.0, ana) == 3.0
    assert client.get_object_value("shape", {}, ana) == {"rows": 1}
    (event,) = recorded.events  # the split alone, and once
    assert event.attributes["launchworthy.exposure.variant"] == found.variant


def test_errors_are_openfeatures_own_and_the_default_holds(
    client: OpenFeatureClient, recorded: Recording
) -> None:
    for details, code in (
        (client.get_string_details("nowhere", "mine"), ErrorCode.FLAG_NOT_FOUND),
        (client.get_string_details("tone", "mine"), ErrorCode.TARGETING_KEY_MISSING),
        (client.get_string_details("on", "mine"), ErrorCode.TYPE_MISMATCH),
        (client.get_integer_details("on", 7), ErrorCode.TYPE_MISMATCH),
        (client.get_integer_details("tone", 7, EvaluationContext("ana")), ErrorCode.TYPE_MISMATCH),
    ):
        assert (details.error_code, details.reason) == (code, "ERROR")
        assert details.value in ("mine", 7)
    assert recorded.events == []  # nobody met a variant


def test_a_tracked_event_is_an_outcome(client: OpenFeatureClient, recorded: Recording) -> None:
    details = TrackingEventDetails(2.5, {"channel": "web"})
    client.track("resolved", EvaluationContext("ana", {"session": "s-1"}), details)
    client.track("seen", EvaluationContext("ana"))
    resolved, seen = recorded.events
    assert resolved.attributes["launchworthy.outcome.event"] == "resolved"
    assert resolved.attributes["launchworthy.outcome.value"] == 2.5
    assert resolved.attributes["channel"] == "web"
    assert resolved.attributes["user.id"] == seen.attributes["user.id"] != "ana"
    assert resolved.attributes["session.id"].startswith("s_")


def test_changes_and_a_source_that_is_gone_are_events(
    client: OpenFeatureClient, flags: Flags, file: Path
) -> None:
    heard: list[tuple[str, list[str] | None]] = []

    def handler(name: str) -> Any:
        return lambda details: heard.append((name, details.flags_changed))

    api.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, handler("changed"))
    api.add_handler(ProviderEvent.PROVIDER_STALE, handler("stale"))
    changed = {**FLAGS, "flags": {**FLAGS["flags"], "on": {"variants": {"off": False}}}}
    file.write_text(json.dumps(changed))
    flags.refresh()
    file.unlink()
    flags.refresh()
    flags.refresh()
    file.write_text(json.dumps(changed))
    flags.refresh()
    expected = [("changed", ["on"]), ("stale", None)]
    deadline = time.monotonic() + 10.0  # handlers run in threads of their own, in whatever order
    while len(heard) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(heard) == expected
    assert client.get_boolean_value("on", True) is False


def test_without_openfeature_it_says_what_to_install() -> None:
    import importlib

    import launchworthy.rollout.openfeature as module

    with (
        mock.patch.dict(sys.modules, {"openfeature.evaluation_context": None}),
        pytest.raises(MissingExtraError) as caught,
    ):
        importlib.reload(module)
    assert caught.value.hint == 'pip install "launchworthy[openfeature]"'
    importlib.reload(module)
