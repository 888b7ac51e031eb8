"""The process that matches patterns which may never end. Run as a script; standard library, and jsonschema.

One JSON line in, one out: ``true``, ``false``, or a text that says why it cannot be told. A search that takes
too long ends the process (exit code 1): nothing else can stop a regular expression at work.
"""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache
from typing import Any

__all__ = ["PATTERN_ERRORS", "meets", "serve", "validator"]

# A pattern that is none, nests too deep, or counts too far.
PATTERN_ERRORS = (re.error, RecursionError, OverflowError)


@lru_cache(maxsize=64)
def validator(schema: str) -> Any:
    """A validator for a schema in JSON; other documents are out of its reach.

    Raises:
        ValueError: It is no schema.
    """
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    read = json.loads(schema)
    kind = validator_for(read, default=Draft202012Validator)
    try:
        kind.check_schema(read)
    except SchemaError as error:
        raise ValueError(f"not a JSON Schema: {error.message[:200]}") from error
    return kind(read, registry=Registry())


def meets(value: Any, schema: str) -> bool:
    """Whether the value meets the schema.

    Raises:
        ValueError: It is no schema, or cannot be followed.
    """
    from referencing.exceptions import Unresolvable

    try:
        return bool(validator(schema).is_valid(value))
    except (Unresolvable, *PATTERN_ERRORS) as error:
        raise ValueError(f"the schema cannot be followed: {str(error)[:200]}") from error


def _answer(asked: dict[str, Any]) -> bool | str:
    try:
        if "schema" in asked:
            return meets(asked["value"], asked["schema"])
        return re.fullmatch(asked["pattern"], asked["text"], flags=re.DOTALL) is not None
    except PATTERN_ERRORS as error:
        return f"not a regular expression: {error}"
    except ValueError as error:
        return str(error)


def serve(limit_s: float) -> None:
    """Answer line by line until the input ends, or one takes longer than ``limit_s``."""
    import faulthandler

    for line in sys.stdin.buffer:
        asked = json.loads(line)
        # Its watchdog is a thread of C, which also ends a match that lets no Python run.
        faulthandler.dump_traceback_later(limit_s, exit=True)
        said = _answer(asked)
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[2])
    serve(float(sys.argv[1]))
