"""The three shapes of a contract, as texts, for every test of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

CONTRACTS = Path(__file__).parent / "contracts"


@pytest.fixture(scope="session")
def minimal() -> str:
    """Fifteen lines."""
    return (CONTRACTS / "minimal.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def generative() -> str:
    """Every block that an assistant with a tool can have."""
    return (CONTRACTS / "generative.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def predictive() -> str:
    """Every block that a score can have."""
    return (CONTRACTS / "predictive.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def texts(minimal: str, generative: str, predictive: str) -> dict[str, str]:
    """The three by name."""
    return {"minimal": minimal, "generative": generative, "predictive": predictive}
