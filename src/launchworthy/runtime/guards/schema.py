"""Texts that must be JSON of a shape: arguments of tools, structured answers, rows of features.

May import the verdicts; jsonschema where a schema is read. What a schema refers to elsewhere is never
fetched, and a pattern that a text could stall is refused when the schema is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from launchworthy.contract.patterns import MOST_MATCHED, pattern_problem
from launchworthy.errors import InputError
from launchworthy.runtime.guards.answers import hit, passed, unchecked
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["JsonSchemaGuard"]


class JsonSchemaGuard:
    """Hits where a text is no JSON, or does not follow the schema.

    Args:
        schema: File of a JSON Schema, 2020-12 if it names no other.
        name: As the contract names it.

    Raises:
        InputError: The file cannot be read, or is no JSON Schema.
    """

    estimates = False
    waits = False
    window: int | None = None  # half a document is none

    def __init__(self, *, schema: Path, name: str = "json_schema") -> None:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry

        self.name = name
        where = str(schema)
        try:
            data = schema.read_bytes()
            rules = json.loads(data)
        except FileNotFoundError as error:
            raise InputError(
                "the JSON Schema is not there", where=where, hint="it is relative to the contract"
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise InputError("the JSON Schema cannot be read", where=where) from error
        if not isinstance(rules, (dict, bool)):
            raise InputError("a JSON Schema is an object", where=where)
        kind = validator_for(rules, default=Draft202012Validator)
        try:
            kind.check_schema(rules)
        except (SchemaError, RecursionError) as error:
            raise InputError(f"not a JSON Schema: {str(error)[:200]}", where=where) from error
        patterns = list(_patterns(rules))
        for pattern in patterns:
            if problem := pattern_problem(pattern):
                raise InputError(f"a pattern of the schema {problem[:200]}", where=where)
        self._has_patterns = bool(patterns)
        self._checker = kind(rules, registry=Registry())
        self.version = f"json-schema-1-{hashlib.sha256(data).hexdigest()[:8]}"

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Read the text as JSON and hold it to the schema, at any stage."""
        try:
            value = json.loads(payload, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return hit(self, "not_json", reason="it is not JSON")
        if self._has_patterns and any(len(text) > MOST_MATCHED for text in _texts(value)):
            return unchecked(self, f"it holds a text of more than {MOST_MATCHED:,} characters")
        problem = next(self._checker.iter_errors(value), None)
        if problem is None:
            return passed(self)
        # A path may hold keys of the text, which do not belong into records.
        return hit(self, "schema", reason=f"it breaks {problem.validator!s:.40} of the schema")


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _patterns(rules: Any) -> Iterator[str]:
    todo = [rules]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if isinstance(value.get("pattern"), str):
                yield value["pattern"]
            keyed = value.get("patternProperties")
            if isinstance(keyed, dict):
                yield from keyed
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _texts(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            todo.extend((*item, *item.values()))
        elif isinstance(item, list):
            todo.extend(item)
