"""The language as JSON Schema (draft 2020-12), for editors: keys, shapes, units and known metrics.

May import this room only. It knows one file: that references lead somewhere and that sums come out is
lint's to say.
"""

from __future__ import annotations

import re
from typing import Any

from launchworthy.contract.model import Contract
from launchworthy.contract.vocabulary import CLOSED, VOCABULARY, MetricWord
from launchworthy.quantity import Quantity

__all__ = ["contract_schema"]


def contract_schema() -> dict[str, Any]:
    """The schema of a contract as parsed from YAML 1.2."""
    schema: dict[str, Any] = _plain(Contract.model_json_schema(by_alias=True))
    families = schema["$defs"]["Workflow"]["properties"]
    for family, known in VOCABULARY.items():
        families[family] = _metrics(families[family], known, closed=family in CLOSED)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Launchworthy contract",
    }


def _plain(node: Any) -> Any:
    """What pydantic wrote, without what would refuse a good contract or let a misspelt key pass."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if isinstance(node, Quantity):
        return str(node)
    if not isinstance(node, dict):
        return node
    made = {
        key: _plain(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))
    }
    if isinstance(made.get("default"), dict) and set(made["default"]) == {"value", "unit"}:
        made["default"] = str(Quantity(made["default"]["value"], made["default"]["unit"]))
    if made.get("default", 0) is None:
        del made["default"]
    if "oneOf" in made and not all(set(each) == {"required"} for each in made["oneOf"]):
        made["anyOf"] = made.pop("oneOf")  # a share and a duration are both texts: one of them is enough
    if "patternProperties" in made:
        made["additionalProperties"] = False
    return made


def _metrics(block: dict[str, Any], known: tuple[MetricWord, ...], *, closed: bool) -> dict[str, Any]:
    """A family with its known metrics by name, so that editors complete and explain them."""
    [(any_name, line)] = block["patternProperties"].items()
    named = {word.name: {**line, "description": word.doc} for word in known if "{" not in word.name}
    patterns = {_pattern(word): {**line, "description": word.doc} for word in known if "{" in word.name}
    spelt = {
        f"^{re.escape(word.name).replace('_', '[-_]')}$": line
        for word in known
        if "_" in word.name and "{" not in word.name
    }
    own = {} if closed else {any_name: line}
    return {
        **block,
        "properties": dict(sorted(named.items())),
        "patternProperties": {**patterns, **spelt, **own},
    }


def _pattern(word: MetricWord) -> str:
    stem, _, kind = word.name.partition("{")
    number = r"[1-9]\d{0,6}" if kind.startswith("k") else r"[1-9]\d?(\.\d{1,3})?"
    return f"^{re.escape(stem).replace('_', '[-_]')}{number}$"
