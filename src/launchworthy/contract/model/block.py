"""What every block of the contract shares: closed keys, short names, texts and paths."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

__all__ = ["Address", "Block", "FilePath", "Flag", "Name", "PublicKey", "Scalar", "Text", "as_list"]

_NAME = r"[A-Za-z][A-Za-z0-9_.@-]*"
_PATH = r"[^\\:]+"


class Block(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


def _text(what: str, pattern: str, most: int, form: str) -> Any:
    whole = re.compile(pattern)

    def validate(value: Any) -> str:
        if not isinstance(value, str):
            given = {dict: "a block", list: "a list", type(None): "nothing"}.get(type(value), str(value)[:40])
            hint = f'quote it: "{given}"' if isinstance(value, (int, float)) else f"write {form}"
            raise PydanticCustomError(
                "LW212", "{given} is not {what}", {"given": given, "what": what, "hint": hint}
            )
        if len(value) > most or not whole.fullmatch(value):
            raise PydanticCustomError(
                "LW217",
                "{given} is not {what}",
                {"given": repr(value[:60]), "what": what, "hint": f"write {form}"},
            )
        return value

    return PlainValidator(validate)


Name = Annotated[
    str,
    _text("a name", _NAME, 80, "letters, digits, _ - . and @, a letter first"),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$", "maxLength": 80}),
]
Address = Annotated[
    str,
    _text("an address", rf"{_NAME}(/{_NAME})*", 300, "names joined by /, such as answer/quality/recall"),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}(/{_NAME})*$"}),
]
Text = Annotated[
    str,
    _text("a text", r"(?s:.*\S.*)", 2_000, "some words, at most 2,000 characters"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 2000}),
]
FilePath = Annotated[
    str,
    _text("a path", _PATH, 400, "a path relative to the contract, with /"),
    WithJsonSchema({"type": "string", "description": "Path relative to the contract"}),
]

PublicKey = Annotated[
    str,
    _text("a public key", r"[0-9a-f]{64}", 64, "the 64 hex digits that `launchworthy sign key` prints"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise PydanticCustomError(
            "LW212", "{given} is neither true nor false", {"given": str(value)[:40] or "nothing"}
        )
    return value


Flag = Annotated[bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean"})]


def _scalar(value: Any) -> str | int | float | bool:
    if not isinstance(value, (str, int, float)):
        raise PydanticCustomError(
            "LW212", "one value is needed here, not {given}", {"given": type(value).__name__}
        )
    return value


Scalar = Annotated[
    str | int | float | bool,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


as_list = BeforeValidator(_listed)
