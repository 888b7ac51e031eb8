"""Contracts of a shop, written as the tests need them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from launchworthy.contract import parse_contract
from launchworthy.runtime.permission import Policy

Make = Callable[..., Policy]


def _text(tools: dict[str, Any], sources: dict[str, Any] | None = None) -> str:
    """A contract with these tools, as JSON, which is YAML too."""
    return json.dumps(
        {
            "launchworthy": 1,
            "product": "shop",
            "owners": {"product": "ana@example.com"},
            "roles": ["customer", "agent", "lead", "trainee"],
            "workflows": {"help": {"user": "customer", "job": "get help", "no_answer": "refuse"}},
            "tools": tools,
            "data": {"sources": sources or {}, "pii": {}},
        }
    )


@pytest.fixture
def policy_of() -> Make:
    """Makes a policy from a block of tools and one of data sources."""

    def make(tools: dict[str, Any], sources: dict[str, Any] | None = None) -> Policy:
        return Policy.of(parse_contract(_text(tools, sources)))

    return make


@pytest.fixture
def contract_text() -> Callable[..., str]:
    """Writes the contract alone."""
    return _text
