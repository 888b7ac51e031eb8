"""The API does what its OpenAPI document says, whatever is sent: schemathesis makes the requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.applications import Starlette

from launchworthy.server.api import openapi
from launchworthy.server.app import build_app
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    folder = tmp_path_factory.mktemp("openapi") / "data"
    workspace = LocalWorkspace.open(folder, options=StoreOptions(min_free_bytes=0))
    yield build_app(workspace, require_key=False, token="t")
    workspace.close()


schema = schemathesis.openapi.from_dict(openapi())


@schema.parametrize()
@settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_request_is_answered_as_the_document_says(case: schemathesis.Case[Any], app: Starlette) -> None:
    response = case.call(
        app=app, base_url="http://localhost", headers={"Host": "127.0.0.1", "Authorization": "Bearer t"}
    )
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])


def test_the_document_is_served_where_it_is_said_to_be(app: Starlette) -> None:
    from starlette.testclient import TestClient

    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get("/api/v1/openapi.json").json() == openapi()
