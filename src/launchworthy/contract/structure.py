"""What a model refused, in the language of the file: place, code, and what would be right."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from launchworthy.contract.document import Document, KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import CODES, Problem, closest

__all__ = ["explain_error"]


def explain_error(detail: Mapping[str, Any], document: Document) -> tuple[KeyPath, Problem]:
    """The path to leave out, and the problem, of one of pydantic's errors."""
    path, missing = _in_file(detail["loc"], document)
    kind, given, context = detail["type"], detail.get("input"), detail.get("ctx") or {}
    if kind == "extra_forbidden":
        known = _keys_at(path[:-1])
        hint = closest(str(path[-1]), known) or (f"keys here are {', '.join(sorted(known))}" if known else "")
        message = f'"{str(path[-1])[:80]}" is not a key of {_block(path[:-1])}'
        return path, _problem(document, path, "LW210", message, hint, of_key=True)
    if kind == "missing":
        message = f"{_block(path)} has no {missing}"
        return path, _problem(document, path, "LW211", message, _what_it_is(path, missing), of_key=True)
    if kind in CODES:
        code, message, hint = kind, detail["msg"], str(context.get("hint", ""))
        whole = code in ("LW218", "LW211")
        named = f"{_block(path)}: {message}" if path else message
        return path, _problem(document, path, code, named, hint, of_key=whole)
    if kind in ("literal_error", "enum"):
        words = [
            word.strip().strip("'")
            for word in str(context.get("expected", "")).replace(" or ", ", ").split(",")
        ]
        hint = closest(str(given), words) or f"it is one of {', '.join(words)}"
        if path == ("launchworthy",):
            hint = "this version reads language 1"
        message = f"{_block(path)}: {_shown(given)} is not possible"
        return path, _problem(document, path, "LW213", message, hint)
    wanted = _WANTED.get(kind, "")
    message = (
        f"{_block(path)}: {_shown(given)} is not {wanted}" if wanted else f"{_block(path)}: {detail['msg']}"
    )
    if kind in ("too_short", "value_error"):
        message = f"{_block(path)} is empty"
    hint = f'quote it: "{given}"' if kind == "string_type" and isinstance(given, (int, float)) else ""
    return path, _problem(document, path, "LW212", message, hint)


_WANTED = {
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
    "dict_type": "a block of keys",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "a text",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
}


def _problem(
    document: Document, path: KeyPath, code: str, message: str, hint: str, *, of_key: bool = False
) -> Problem:
    return Problem(place=document.place(path, of_key=of_key), code=code, message=message, hint=hint)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a block"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value)[:60]


def _block(path: KeyPath) -> str:
    return "/".join(str(part) for part in path)[:160] or "the contract"


def _in_file(loc: tuple[str | int, ...], document: Document) -> tuple[KeyPath, str]:
    """The part of pydantic's location that the file has, and the key that is missing if it ends in one."""
    path: KeyPath = ()
    last = ""
    for part in loc:
        if document.has((*path, part)):
            path, last = (*path, part), ""
        else:
            last = str(part)  # a union's tag, "[key]", or the key that is missing
    return path, last


def _keys_at(path: KeyPath) -> set[str]:
    """Keys that the language has for the block at ``path``."""
    places: list[Any] = [Contract]
    for part in path:
        places = [inner for place in places for inner in _inside(place, part)]
    return {
        field.alias or name
        for place in places
        if isinstance(place, type) and issubclass(place, BaseModel)
        for name, field in place.model_fields.items()
    }


def _what_it_is(path: KeyPath, key: str) -> str:
    places: list[Any] = [Contract]
    for part in path:
        places = [inner for place in places for inner in _inside(place, part)]
    for place in places:
        if isinstance(place, type) and issubclass(place, BaseModel):
            for name, field in place.model_fields.items():
                if key in (name, field.alias) and field.description:
                    return f"add {key}: {field.description}"
    return f"add {key}"


def _inside(annotation: Any, part: str | int) -> list[Any]:
    """What stands under a key of something annotated so; without the wrappers of typing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return _bare(field.annotation)
        return []
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return _bare(arguments[1])
    if get_origin(annotation) is tuple:
        return _bare(arguments[0])
    return []


def _bare(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [bare for argument in get_args(annotation) for bare in _bare(argument)]
    return [annotation]
