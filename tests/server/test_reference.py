"""The reference of the HTTP API says what the API does."""

from __future__ import annotations

from pathlib import Path

from launchworthy.server.operations import OPERATIONS
from launchworthy.server.reference import http_api_reference
from launchworthy.server.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"
# Opening and closing files has no meaning over HTTP; a Parquet file is streamed by its own route.
NOT_OPERATIONS = {"close", "export"}


def test_the_page_is_current() -> None:
    page = (DOCS / "http-api.md").read_text()
    assert page == http_api_reference(), "run: python -m launchworthy.server.reference > docs/http-api.md"


def test_every_method_of_the_workspace_is_an_operation() -> None:
    methods = {
        name for name in dir(Workspace) if not name.startswith("_") and callable(getattr(Workspace, name))
    }
    assert methods - NOT_OPERATIONS == {operation.name for operation in OPERATIONS}
