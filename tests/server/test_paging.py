"""What is too much for one answer comes in pages, and means the same as all at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.errors import NotFoundError
from launchworthy.gold import GoldItem, Review, ReviewStatus, freeze, read_items, stream_items
from launchworthy.records import Run, RunItem
from launchworthy.server import open_workspace
from launchworthy.server.remote import RemoteWorkspace

if TYPE_CHECKING:
    from tests.server.conftest import Running

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RUN = Run(
    id="r-1",
    product="docs",
    workflow="answer",
    release="r-1",
    target="t",
    gold="g@1",
    split="all",
    scorers=(),
    status="complete",
    started_at=NOW,
)


@pytest.fixture
def remote(server: Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    workspace = open_workspace(server.data)
    assert isinstance(workspace, RemoteWorkspace)
    return workspace


def test_a_gold_set_of_many_pages_is_gone_through_twice_alike(remote: Any) -> None:
    splits = ("dev", "holdout", "sealed")
    version, items = freeze(
        [
            GoldItem(
                id=f"q{n:04}/ü",
                input=n,
                split=splits[n % 3],
                review=Review(status=ReviewStatus.PROPOSED) if n % 50 == 0 else None,
            )
            for n in range(1_203)
        ],
        product="docs",
        name="many",
        created_at=NOW,
    )
    remote.add_gold(version, items)
    key = {"product": "docs", "name": "many", "version": version.version}
    assert list(remote.iter_gold_items(**key, split=None)) == list(items)
    some = {item.id for item in items[100:900]}
    left = list(remote.iter_gold_items(**key, split=None, without=some))
    assert left == [*items[:100], *items[900:]]
    assert len(remote.gold_page(**key, split=None, after=None)) == 500
    assert remote.gold_page(**key, split=None, after="r") == []
    for split in ("dev", "holdout", "all", "sealed"):
        reading: Any = {"split": split, "by": "ana", "purpose": f"run {split}", "now": NOW}
        stream = stream_items(remote, version, **reading)
        assert list(stream) == list(stream) == read_items(remote, version, **reading)
    looks = remote.looks(product="docs", name="many")
    assert [(look.split, look.purpose) for look in looks] == [
        ("holdout", "run holdout"),
        ("holdout", "run all"),
        ("sealed", "run sealed"),
    ]
    with pytest.raises(NotFoundError, match="many@g-0"):
        list(remote.iter_gold_items(product="docs", name="many", version="g-0", split=None))


def test_of_an_item_that_was_stored_again_the_pages_give_the_last(remote: Any) -> None:
    remote.add_run(RUN)
    items = [RunItem(item_id=f"q{n:04}", input=n, expected=None, output="first") for n in range(1_400)]
    for start in range(0, 1_400, 100):
        remote.add_run_items(RUN.id, items[start : start + 100])
    again = [replace(item, output="again") for item in items[::7]]
    remote.add_run_items(RUN.id, again)
    given = list(remote.iter_run_items(RUN.id))
    assert len(given) == 1_400
    assert sorted(given, key=lambda item: item.item_id) == remote.run_items(RUN.id)
    assert sum(item.output == "again" for item in given) == len(again)
    page = remote.run_page(RUN.id)
    assert 500 <= len(page.items) < 700
    assert page.before is not None
    with pytest.raises(NotFoundError):
        list(remote.iter_run_items("nobody"))


def test_a_run_without_items_has_one_empty_page(remote: Any) -> None:
    remote.add_run(replace(RUN, id="empty"))
    assert list(remote.iter_run_items("empty")) == []


@pytest.mark.parametrize(
    ("before", "status", "items"), [("-3", 200, 0), ("0", 200, 0), ("9" * 30, 200, 1), ("x", 400, None)]
)
def test_a_page_that_nobody_gave_is_empty_or_refused(
    remote: Any, server: Running, before: str, status: int, items: int | None
) -> None:
    run_id = f"short{before}"  # the server is one for all tests
    remote.add_run(replace(RUN, id=run_id))
    remote.add_run_items(run_id, [RunItem(item_id="a", input=1, expected=None, output="x")])
    answered, _, body = server.request("GET", f"/api/v1/runs/{run_id}/page?before={before}")
    assert answered == status
    told = json.loads(body)
    assert (told["error"]["where"] if items is None else len(told["items"])) == (
        "before" if items is None else items
    )
