"""The texts that attacks are made of, from ``attacks.yaml`` beside this module."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["catalogue"]


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """Everything in it; read once."""
    from ruamel.yaml import YAML

    text = files("launchworthy.evals.redteam").joinpath("attacks.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found
