"""The vendors' real clients on their offline sources: what they decide arrives as exposures, once each."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import launchworthy as lw
from launchworthy.errors import MissingExtraError
from launchworthy.rollout.exposures import (
    Exposure,
    StatsigExposures,
    growthbook_exposures,
    launchdarkly_exposures,
    optimizely_exposures,
    unleash_exposures,
)
from launchworthy.testing import recording

USERS = [f"user-{n}" for n in range(40)]


class Told:
    def __init__(self) -> None:
        self.all: list[Exposure] = []

    def __call__(self, exposure: Exposure) -> None:
        self.all.append(exposure)

    @property
    def variants(self) -> dict[str, str]:
        return {each.unit: each.variant for each in self.all}


@pytest.fixture
def told() -> Told:
    return Told()


def test_growthbook(told: Told) -> None:
    from growthbook import GrowthBook

    rule = {
        "variations": ["plain", "warm"],
        "key": "tone-test",
        "hashVersion": 2,
        "hashAttribute": "id",
        "coverage": 0.8,
        "phase": "3",
    }
    features = {"tone": {"defaultValue": "old", "rules": [rule]}}
    shown: dict[str, Any] = {}
    viewed = growthbook_exposures(expose=told)
    for unit in (*USERS, *USERS):
        client = GrowthBook(attributes={"id": unit}, features=features, on_experiment_viewed=viewed)
        shown[unit] = client.get_feature_value("tone", None)
        client.destroy()
    names = {"0": "plain", "1": "warm"}
    assert {unit: names[variant] for unit, variant in told.variants.items()} == {
        unit: value for unit, value in shown.items() if value != "old"
    }
    assert 0 < len(told.all) < len(USERS)
    first = told.all[0]
    assert (first.source, first.flag, first.algorithm) == ("growthbook", "tone-test", "growthbook@2")
    assert (first.rule, first.version, first.unit_kind, first.reason) == ("tone", "3", "user", "split")


def test_launchdarkly(told: Told, tmp_path: Path) -> None:
    from ldclient import Context
    from ldclient.client import LDClient
    from ldclient.config import Config
    from ldclient.integrations import Files

    flag = {
        "key": "tone",
        "on": True,
        "salt": "s",
        "version": 3,
        "variations": ["plain", "warm", {"deep": True}],
        "offVariation": 0,
        "targets": [{"values": ["ana"], "variation": 1}],
        "fallthrough": {
            "rollout": {
                "kind": "experiment",
                "seed": 61,
                "variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}],
            }
        },
    }
    off = {**flag, "key": "off", "on": False}
    deep = {**flag, "key": "deep", "targets": [], "fallthrough": {"variation": 2}}
    by_org = {**flag, "key": "org", "targets": [], "fallthrough": {"variation": 1}}
    file = tmp_path / "flags.json"
    file.write_text(json.dumps({"flags": {each["key"]: each for each in (flag, off, deep, by_org)}}))
    config = Config(
        "sdk",
        update_processor_class=Files.new_data_source(paths=[str(file)]),
        send_events=False,
        hooks=[launchdarkly_exposures(expose=told)],
    )
    client = LDClient(config)
    try:
        shown = {unit: client.variation("tone", Context.create(unit), "mine") for unit in (*USERS, *USERS)}
        assert told.variants == shown
        assert len(told.all) == len(USERS)
        assert {each.reason for each in told.all} == {"experiment"}
        client.variation("tone", Context.create("ana"), "mine")
        assert (told.all[-1].reason, told.all[-1].variant) == ("target_match", "warm")
        client.variation("off", Context.create("ana"), "mine")
        client.variation("nowhere", Context.create("ana"), "mine")
        assert len(told.all) == len(USERS) + 1
        client.variation("deep", Context.create("ana"), "mine")
        assert told.all[-1].variant == "variation-2"
        client.variation(
            "org", Context.create_multi(Context.create("ana"), Context.create("acme", "org")), "x"
        )
        assert (told.all[-1].unit, told.all[-1].unit_kind) == ("ana", "user")
        client.variation("org", Context.create("acme", "org"), "x")
        assert (told.all[-1].unit, told.all[-1].unit_kind) == ("acme", "org")
    finally:
        client.close()  # type: ignore[no-untyped-call]


def test_launchdarkly_that_is_not_installed_names_what_to_install() -> None:
    with (
        mock.patch.dict(sys.modules, {"ldclient.hook": None}),
        pytest.raises(MissingExtraError, match="launchdarkly-server-sdk is not installed"),
    ):
        launchdarkly_exposures()


def test_optimizely(told: Told) -> None:
    from optimizely.helpers.enums import NotificationTypes
    from optimizely.optimizely import Optimizely

    datafile = {
        "version": "4",
        "rollouts": [],
        "typedAudiences": [],
        "anonymizeIP": True,
        "projectId": "1",
        "variables": [],
        "botFiltering": False,
        "events": [],
        "revision": "7",
        "accountId": "1",
        "attributes": [],
        "groups": [],
        "audiences": [],
        "featureFlags": [
            {"id": "10", "key": "tone", "experimentIds": ["100"], "rolloutId": "", "variables": []}
        ],
        "experiments": [
            {
                "id": "100",
                "key": "tone-test",
                "status": "Running",
                "layerId": "1",
                "audienceIds": [],
                "forcedVariations": {},
                "variations": [
                    {"id": "a", "key": "plain", "featureEnabled": True, "variables": []},
                    {"id": "b", "key": "warm", "featureEnabled": True, "variables": []},
                ],
                "trafficAllocation": [
                    {"entityId": "a", "endOfRange": 4_000},
                    {"entityId": "b", "endOfRange": 8_000},
                ],
            }
        ],
    }

    class Nowhere:
        def dispatch_event(self, event: Any) -> None:
            pass

    client = Optimizely(json.dumps(datafile), event_dispatcher=Nowhere())
    client.notification_center.add_notification_listener(
        NotificationTypes.DECISION, optimizely_exposures(expose=told)
    )
    shown = {}
    for unit in (*USERS, *USERS):
        user = client.create_user_context(unit)
        assert user is not None
        shown[unit] = user.decide("tone").variation_key
    assert told.variants == {unit: variant for unit, variant in shown.items() if variant}
    assert 0 < len(told.all) < len(USERS)
    assert {(each.flag, each.rule, each.reason) for each in told.all} == {("tone", "tone-test", "flag")}
    client.get_variation("tone-test", told.all[0].unit)
    assert told.all[-1].flag == "tone-test"
    client.close()


def test_statsig(told: Told) -> None:
    from statsig import StatsigOptions, StatsigServer, StatsigUser

    def spec(name: str, kind: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "name": name,
            "type": kind,
            "salt": "s",
            "enabled": True,
            "defaultValue": {} if kind == "dynamic_config" else False,
            "rules": rules,
            "idType": "userID",
            "entity": "experiment" if kind == "dynamic_config" else "feature_gate",
            "isActive": True,
        }

    def rule(name: str, percent: int, value: Any, **more: Any) -> dict[str, Any]:
        public = {"type": "public", "targetValue": None, "operator": None, "field": None, "idType": "userID"}
        return {
            "name": name,
            "id": name,
            "salt": name,
            "passPercentage": percent,
            "conditions": [{**public, "additionalValues": {}}],
            "returnValue": value,
            "idType": "userID",
            **more,
        }

    specs = {
        "has_updates": True,
        "time": 1,
        "feature_gates": [spec("tone", "feature_gate", [rule("half", 50, True)])],
        "dynamic_configs": [
            spec("tone-test", "dynamic_config", [rule("arm", 100, {"tone": "warm"}, groupName="Warm")])
        ],
        "layer_configs": [
            {**spec("page", "layer", [rule("to", 100, {}, configDelegate="tone-test")]), "defaultValue": {}}
        ],
    }
    server = StatsigServer()
    options = StatsigOptions(bootstrap_values=json.dumps(specs), local_mode=True)
    server.initialize("secret-key", options)
    try:
        client = StatsigExposures(server, expose=told)
        shown = {unit: client.check_gate(StatsigUser(unit), "tone") for unit in (*USERS, *USERS)}
        assert {unit: variant == "true" for unit, variant in told.variants.items()} == shown
        assert len(told.all) == len(USERS)
        assert set(shown.values()) == {True, False}
        found = client.get_experiment(StatsigUser("ana"), "tone-test")
        assert (found.get("tone"), told.all[-1].variant, told.all[-1].rule) == ("warm", "Warm", "arm")
        client.check_gate(StatsigUser("ana"), "nowhere")
        assert told.all[-1].flag == "tone-test"
        client.check_gate(StatsigUser("eve"), "tone", log_exposure=False)
        client.get_experiment(StatsigUser("eve"), "tone-test", log_exposure=False)
        client.get_layer(StatsigUser("eve"), "page", log_exposure=False).get("tone")
        layer = client.get_layer(StatsigUser("bob"), "page")
        assert layer.get("nothing", "mine") == "mine"
        assert told.all[-1].unit == "ana"  # nobody has met anything since
        assert (layer.get("tone"), layer.get_typed("tone", ""), layer.name) == ("warm", "warm", "page")
        assert (told.all[-1].flag, told.all[-1].variant, told.all[-1].unit) == ("tone-test", "Warm", "bob")
        assert client.get_layer(StatsigUser("bob"), "nowhere").get("tone", "mine") == "mine"
        assert client.get_experiment_groups is not None  # everything else is the client's own
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def unleash(told: Told, tmp_path: Path) -> Iterator[Any]:
    from UnleashClient.cache import FileCache
    from UnleashClient.clients.unleash_client import UnleashClient

    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": "100", "stickiness": "userId", "groupId": "tone"},
    }
    feature = {
        "name": "tone",
        "enabled": True,
        "impressionData": True,
        "strategies": [strategy],
        "variants": [
            {"name": name, "weight": 500, "weightType": "variable", "stickiness": "userId"}
            for name in ("plain", "warm")
        ],
    }
    silent = {**feature, "name": "silent", "impressionData": False}
    cache = FileCache("app", directory=str(tmp_path))
    cache.bootstrap_from_dict({"version": 2, "features": [feature, silent]})
    client = UnleashClient(
        url="http://127.0.0.1:9/api",
        app_name="app",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
        event_callback=unleash_exposures(expose=told),
    )
    client.initialize_client(fetch_toggles=False)
    yield client
    client.destroy()


@pytest.mark.filterwarnings("ignore")
def test_unleash(told: Told, unleash: Any) -> None:
    shown = {}
    for unit in (*USERS, *USERS):
        shown[unit] = unleash.get_variant("tone", {"userId": unit})["name"]
        unleash.get_variant("silent", {"userId": unit})
        unleash.is_enabled("tone", {"userId": unit})
    unleash.get_variant("tone", {})
    unleash.destroy()  # its thread has told of everything by then
    drawn = [each for each in told.all if each.variant in ("plain", "warm")]
    assert {each.unit: each.variant for each in drawn} == shown
    assert len(drawn) == len(USERS)
    assert {each.algorithm for each in drawn} == {"unleash-variant"}
    assert {each.variant for each in told.all} == {"plain", "warm", "enabled"}
    assert {each.flag for each in told.all} == {"tone"}


def test_an_exposure_of_another_vendor_is_a_record_like_our_own() -> None:
    from growthbook import GrowthBook

    features = {"tone": {"rules": [{"variations": ["a", "b"], "hashVersion": 2, "hashAttribute": "userId"}]}}
    with recording(product="shop") as recorded, lw.workflow("answer", user="ana"):
        client = GrowthBook(
            attributes={"userId": "ana"}, features=features, on_experiment_viewed=growthbook_exposures()
        )
        client.get_feature_value("tone", None)
        client.destroy()
    (event,) = recorded.events
    assert event.name == "launchworthy.exposure"
    assert event.attributes["launchworthy.exposure.source"] == "growthbook"
    assert event.attributes["launchworthy.exposure.unit"] == event.attributes["user.id"]


def test_what_fails_while_it_is_recorded_does_not_reach_the_vendors_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(exposure: Exposure) -> None:
        raise RuntimeError("no room")

    listener = optimizely_exposures(expose=broken)
    with caplog.at_level(logging.WARNING):
        listener("flag", "ana", {}, {"flag_key": "tone", "variation_key": "warm"})
    listener("flag", "ana", {}, {})
