"""The reference of the HTTP API says what the API does."""

from __future__ import annotations

import re
from pathlib import Path

from launchworthy.server.operations import OPERATIONS
from launchworthy.server.prometheus import prometheus_text
from launchworthy.server.reference import http_api_reference
from launchworthy.server.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"
# Opening and closing files has no meaning over HTTP; a Parquet file is streamed by its own route, and what is
# gone through comes in pages.
NOT_OPERATIONS = {"close", "export", "iter_gold_items", "iter_run_items"}


def test_the_page_is_current() -> None:
    page = (DOCS / "http-api.md").read_text()
    assert page == http_api_reference(), "run: python -m launchworthy.server.reference > docs/http-api.md"


def test_every_counter_is_explained() -> None:
    page = (DOCS / "operations.md").read_text()
    counters = dict.fromkeys(
        ("accepted", "stored", "rejected", "duplicate", "pending", "quarantined", "repeated", "lost"), 0
    )
    for name in re.findall(r"^launchworthy_spans_(\w+) 0$", prometheus_text(counters), re.MULTILINE):
        assert f"| `{name}` |" in page, name


def test_no_operation_is_hidden_by_one_before_it() -> None:
    for place, operation in enumerate(OPERATIONS):
        # Words between braces may stand for anything; what is written out stands for itself.
        called = re.sub(r"\{\w+\}", "x", operation.path)
        for earlier in OPERATIONS[:place]:
            pattern = re.sub(r"\{\w+\}", "[^/]+", earlier.path)
            hides = earlier.verb == operation.verb and re.fullmatch(pattern, called)
            assert not hides, f"{earlier.name} answers for {operation.name}"


def test_every_method_of_the_workspace_is_an_operation() -> None:
    methods = {
        name for name in dir(Workspace) if not name.startswith("_") and callable(getattr(Workspace, name))
    }
    assert methods - NOT_OPERATIONS == {operation.name for operation in OPERATIONS}
