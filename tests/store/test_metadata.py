"""Metadata is kept whole or not at all, and comes back as it went in."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from launchworthy.errors import ConflictError, InputError, NotFoundError, StorageError
from launchworthy.evidence import Evidence, verify
from launchworthy.gold import GoldItem, GoldStore, GoldVersion, Look
from launchworthy.records import Release, Run, RunItem, RunStore, Score
from launchworthy.store import Store

OpenStore = Callable[..., Store]
NOW = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)


def version(name: str = "questions", digest: str = "g-1", **changes: Any) -> GoldVersion:
    values: dict[str, Any] = {
        "slices": {"ü": 1},
        "splits": {"dev": 1, "holdout": 1},
        "note": "first",
        **changes,
    }
    return GoldVersion(product="shop", name=name, version=digest, created_at=NOW, items=2, **values)


def piece(value: float, **changes: Any) -> Evidence:
    return Evidence(
        claim="shop/answer/quality/x", kind="bound", value=value, n=10, observed_at=NOW, **changes
    )


ITEMS = [
    GoldItem(
        id="b", input={"q": ["ü", None]}, expected=1.5, slices=("a", "b"), cluster="c", answerable=False
    ),
    GoldItem(id="a", input="text \x00 \ud800", split="holdout", context=["x"], meta={"author": "me"}),
]


def test_a_gold_version_comes_back_as_it_went_in(open_store: OpenStore) -> None:
    gold: GoldStore = open_store().gold
    gold.add_gold(version(), ITEMS)
    assert gold.gold_versions(product="shop") == [version()]
    key = {"product": "shop", "name": "questions", "version": "g-1"}
    assert gold.gold_items(**key, split=None) == [ITEMS[1], ITEMS[0]]
    assert gold.gold_items(**key, split="holdout") == [ITEMS[1]]
    with pytest.raises(NotFoundError, match="questions@g-2"):
        gold.gold_items(product="shop", name="questions", version="g-2", split=None)


def test_the_same_gold_version_again_changes_nothing(store: Store) -> None:
    store.gold.add_gold(version(), ITEMS)
    store.gold.add_gold(version(note="other"), [])
    assert store.gold.gold_versions(product="shop", name="questions") == [version()]
    assert len(store.gold.gold_items(product="shop", name="questions", version="g-1", split=None)) == 2


def test_a_broken_item_leaves_nothing_of_its_version(store: Store) -> None:
    with pytest.raises(InputError, match="JSON"):
        store.gold.add_gold(version(), [ITEMS[0], GoldItem(id="x", input=float("nan"))])
    with pytest.raises(StorageError, match="UNIQUE"):
        store.gold.add_gold(version(), [ITEMS[0], ITEMS[0]])
    assert store.gold.gold_versions(product="shop") == []


def test_gold_versions_are_newest_first(store: Store) -> None:
    for age, digest in ((2, "g-old"), (0, "g-new"), (1, "g-mid")):
        store.gold.add_gold(version(digest=digest, note=""), [])
        del age
    assert {each.version for each in store.gold.gold_versions(product="shop")} == {"g-old", "g-new", "g-mid"}
    assert store.gold.gold_versions(product="other") == []


def test_looks_are_kept_in_order(store: Store) -> None:
    looks = [
        Look(product="shop", name="questions", version=f"g-{place % 2}", at=NOW, by="me", purpose=str(place))
        for place in range(4)
    ]
    for look in looks:
        store.gold.add_look(look)
    assert store.gold.looks(product="shop", name="questions") == looks
    assert store.gold.looks(product="shop", name="questions", version="g-1") == looks[1::2]


def run(run_id: str = "run-1", **changes: Any) -> Run:
    values: dict[str, Any] = {
        "product": "shop",
        "workflow": "answer",
        "release": "r-1",
        "target": "module:function",
        "gold": "questions@g-1",
        "split": "dev",
        "scorers": ("exact", "hit@5"),
        "status": "running",
        "started_at": NOW,
        "config": {"timeout_s": 3},
    }
    return Run(id=run_id, **{**values, **changes})


def test_a_run_and_its_items_come_back_as_they_went_in(store: Store) -> None:
    runs: RunStore = store.runs
    runs.add_run(run())
    item = RunItem(
        item_id="a",
        input={"q": 1},
        output="ü",
        latency_ms=1.5,
        slices=("s",),
        scores={"exact": Score(value=None, error="no"), "f1": Score(value=0.5, statistics={"tp": 1.0})},
    )
    runs.add_run_items("run-1", [RunItem(item_id="b", error="timeout", attempts=3), item])
    runs.add_run_items("run-1", [])
    assert runs.run("run-1") == run()
    assert runs.run_items("run-1") == [item, RunItem(item_id="b", error="timeout", attempts=3)]
    with pytest.raises(NotFoundError, match="no run 'none'"):
        runs.add_run_items("none", [item])


def test_an_item_that_is_added_again_replaces_the_first(store: Store) -> None:
    store.runs.add_run(run())
    store.runs.add_run_items("run-1", [RunItem(item_id="a", output=1), RunItem(item_id="b", output=1)])
    store.runs.add_run_items("run-1", [RunItem(item_id="a", output=2)])
    assert [item.output for item in store.runs.run_items("run-1")] == [2, 1]


def test_a_run_header_is_replaced_and_its_items_stay(store: Store) -> None:
    store.runs.add_run(run())
    store.runs.add_run_items("run-1", [RunItem(item_id="a")])
    finished = run(status="complete", finished_at=NOW + timedelta(seconds=1), done=1, cost_usd=0.5)
    store.runs.add_run(finished)
    store.runs.add_run(run("run-2", workflow="other", started_at=NOW + timedelta(days=1)))
    assert [each.id for each in store.runs.runs()] == ["run-2", "run-1"]
    assert store.runs.runs(product="shop", workflow="answer") == [finished]
    assert store.runs.runs(product="none") == []
    assert len(store.runs.run_items("run-1")) == 1


def test_evidence_is_appended_chained_and_read_back(open_store: OpenStore) -> None:
    store = open_store()
    pieces = [piece(0.9, low=0.8, high=float("inf"), detail={"worst": ["ü"]}), piece(0.95)]
    store.ledger.add_evidence("shop", pieces)
    store.ledger.append_ledger("shop", kind="verdict", bodies=['{"a":1}'])
    store.ledger.add_evidence("shop", [piece(0.95), piece(0.97)])
    store.ledger.add_evidence("other", [piece(0.5)])
    store.close()
    store = open_store()
    assert store.ledger.evidence("shop") == [*pieces, piece(0.97)]
    entries = list(store.ledger.ledger_entries("shop"))
    assert [entry.kind for entry in entries] == ["evidence", "evidence", "verdict", "evidence"]
    assert [fault.fault for fault in verify(entries, head=None)] == ["no_head"]
    assert store.ledger.last_entry("shop") == entries[-1]
    assert list(store.ledger.ledger_entries("shop", after=3)) == entries[3:]
    assert store.ledger.ledger_products() == ["other", "shop"]
    assert store.ledger.last_entry("none") is None


def test_evidence_is_appended_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(InputError):
        store.ledger.add_evidence("shop", [piece(0.9), piece(0.8, detail={"x": float("nan")})])
    assert store.ledger.evidence("shop") == []


def test_threads_that_append_at_once_make_one_chain(store: Store) -> None:
    def append(thread: int) -> None:
        for place in range(10):
            store.ledger.add_evidence("shop", [piece(thread + place / 100)])

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(store.ledger.ledger_entries("shop"))
    assert [entry.seq for entry in entries] == list(range(1, 41))
    assert [fault.fault for fault in verify(entries, head=None)] == ["no_head"]


def test_what_is_beyond_64_bits_is_refused_and_leaves_nothing_behind(store: Store) -> None:
    for at in (datetime(2300, 1, 1, tzinfo=UTC), datetime(1500, 1, 1, tzinfo=UTC)):
        with pytest.raises(InputError, match="beyond what can be kept"):
            store.gold.add_look(Look(product="p", name="n", version="g-1", at=at, by="ana", purpose="x"))
    assert store.gold.looks(product="p", name="n") == []


def test_contract_versions_are_addressed_by_their_text(store: Store) -> None:
    registry = store.registry
    first = registry.register_contract(product="shop", text="a: 1", path="x.yaml")
    second = registry.register_contract(product="shop", text="a: 2", path="x.yaml")
    assert registry.register_contract(product="shop", text="a: 2", path="x.yaml") == second
    assert registry.contract_versions(product="shop") == [second, first]
    again = registry.register_contract(product="shop", text="a: 1", path="x.yaml")
    assert (again.version, again.text) == (first.version, "a: 1")
    assert registry.contract_versions(product="shop") == [again, second]
    assert store.registry.contract_versions(product="none") == []


def test_releases_are_known_by_their_parts(store: Store) -> None:
    release = Release(parts={"model": "m", "prompt": {"path": "p", "sha": "1"}})
    store.registry.register_release(release, product="shop")
    labelled = Release(parts=release.parts, label="candidate")
    store.registry.register_release(labelled, product="shop")
    assert store.registry.releases(product="shop") == {release.id: labelled}
    assert store.registry.releases(product="other") == {}


def test_a_key_is_known_by_its_hash_until_it_is_revoked(open_store: OpenStore, folder: Path) -> None:
    store = open_store()
    key = store.registry.add_api_key(name="ci", role="ingest")
    assert store.registry.role_of_key(key) == "ingest"
    assert store.registry.role_of_key(key + "x") is None
    assert [(each.name, each.role, each.revoked_at) for each in store.registry.api_keys()] == [
        ("ci", "ingest", None)
    ]
    with pytest.raises(ConflictError, match="'ci' exists"):
        store.registry.add_api_key(name="ci", role="read")
    with pytest.raises(InputError, match="role"):
        store.registry.add_api_key(name="x", role="root")
    with pytest.raises(InputError, match="cannot name a key"):
        store.registry.add_api_key(name="a b", role="read")
    store.registry.revoke_api_key(name="ci")
    assert store.registry.role_of_key(key) is None
    assert store.registry.api_keys()[0].revoked_at is not None
    with pytest.raises(NotFoundError):
        store.registry.revoke_api_key(name="none")
    store.close()
    for path in folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()


def test_a_secret_is_made_once_and_only_its_owner_reads_it(open_store: OpenStore, folder: Path) -> None:
    store = open_store()
    secret = store.registry.secret("pseudonym")
    assert len(secret) == 32
    assert store.registry.secret("pseudonym") == secret
    assert store.registry.secret("other") != secret
    path = folder / "secrets" / "pseudonym"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()
    store = open_store()
    assert store.registry.secret("pseudonym") == secret
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="32 bytes"):
        store.registry.secret("pseudonym")
    with pytest.raises(InputError):
        store.registry.secret("../x")


def test_settings_are_kept(store: Store) -> None:
    assert store.registry.setting("a") is None
    store.registry.set_setting("a", json.dumps({"x": 1}))
    store.registry.set_setting("a", "2")
    assert store.registry.setting("a") == "2"
