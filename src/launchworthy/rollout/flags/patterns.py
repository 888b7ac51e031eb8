"""The patterns of conditions, matched in time that grows with the text alone.

Values come from whoever asks: an engine that backtracks is held up for good by ``(a+)+$`` on forty letters.
That of Rust is not; it has neither look-around nor back references. May import ``errors`` only.
"""

from __future__ import annotations

from collections.abc import Callable

from launchworthy.errors import InputError

__all__ = ["pattern_test"]


def pattern_test(pattern: str, *, where: str = "pattern") -> Callable[[str], bool]:
    """Whether a text holds a match of the pattern anywhere.

    Raises:
        InputError: It is no pattern, or one that only a search by trial and error could match.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema  # only where a flag has a pattern

    schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True)
    try:
        return SchemaValidator(schema).isinstance_python
    except SchemaError as error:
        why = str(error).rpartition("rror: ")[2].strip().splitlines()[-1]
        hint = (
            "patterns have no look-around and no back references: they take as long as the text, never longer"
        )
        raise InputError(f"{pattern!r:.60} is no pattern: {why}", where=where, hint=hint) from error
