"""A contract's text with single lines changed, everything else left as it stands. May import ``document``,
``loading`` and ruamel.yaml.

Comments, order and alignment are whoever's who wrote them, so that a change is put into the text at its
place, and the text is not written anew. What comes out is read again: it must be a contract and say what
the old one said, with the change and nothing else.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from launchworthy.contract.document import read_document
from launchworthy.contract.loading import parse_contract
from launchworthy.errors import InputError

__all__ = ["Amendment", "amended"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_BY_HAND = "write it by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A line of a contract as it is to be.

    Attributes:
        path: Keys from the top, such as ``("data", "pii", "record")``.
        value: What stands there then; None: the line goes.
    """

    path: tuple[str, ...]
    value: Any


def amended(text: str, changes: Iterable[Amendment], *, file: str) -> str:
    """The text with these changes.

    Raises:
        ContractError: The text is no contract, or would be none with the changes.
        InputError: A change has no place in the text as it is written.
    """
    parse_contract(text, file=file)
    for change in changes:
        wanted = _set(read_document(text, file=file).value, change)
        text = _put(text, change)
        if read_document(text, file=file).value != wanted:
            raise InputError(
                f"{'/'.join(change.path)} cannot be changed where it stands", where=file, hint=_BY_HAND
            )
    parse_contract(text, file=file)
    return text


def _set(value: Any, change: Amendment) -> Any:
    """The plain values with the change."""
    whole = copy.deepcopy(value)
    at = whole
    for key in change.path[:-1]:
        if not isinstance(at.get(key), dict):
            at[key] = {}
        at = at[key]
    if change.value is None:
        at.pop(change.path[-1], None)
    else:
        at[change.path[-1]] = change.value
    return whole


def _put(text: str, change: Amendment) -> str:
    node: Node = YAML(typ="safe", pure=True).compose(text)
    for place, key in enumerate(change.path):
        if not isinstance(node, MappingNode):
            # A key with nothing behind it, so that the rest stands there now.
            return _between(text, node, f" {_flow(_nested(change.path[place:], change.value))}")
        found = next((at for at, (own, _) in enumerate(node.value) if own.value == key), None)
        if found is None:
            return text if change.value is None else _added(text, node, change.path[place:], change.value)
        if change.value is None and place == len(change.path) - 1:
            return _removed(text, node, found)
        node = node.value[found][1]
    return _between(text, node, _flow(change.value))


def _between(text: str, node: Node, new: str) -> str:
    start, end = node.start_mark.index, _end(node)
    if isinstance(node, ScalarNode) and start == end:
        return f"{text[:start]} {new.strip()}{text[start:]}"
    return f"{text[:start]}{new.strip()}{text[end:]}"


def _added(text: str, block: MappingNode, path: Sequence[str], value: Any) -> str:
    """A further key of a block."""
    line = f"{_flow(path[0])}: {_flow(_nested(path[1:], value))}"
    if not block.value:
        return f"{text[: block.start_mark.index]}{{{line}}}{text[block.end_mark.index :]}"
    end = _end(block.value[-1][1])
    if block.flow_style:
        return f"{text[:end]}, {line}{text[end:]}"
    indent = " " * block.value[0][0].start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    stop = text.find("\n", end)
    if stop < 0:
        return f"{text}{newline}{indent}{line}{newline}"
    return f"{text[: stop + 1]}{indent}{line}{newline}{text[stop + 1 :]}"


def _removed(text: str, block: MappingNode, at: int) -> str:
    """The text without one key of a block."""
    key, value = block.value[at]
    start, end = key.start_mark.index, _end(value)
    if not block.flow_style:
        start, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        return text[:start] + ("" if stop < 0 else text[stop + 1 :])
    if at > 0:
        start = _end(block.value[at - 1][1])
    elif len(block.value) > 1:
        end = block.value[1][0].start_mark.index
    return text[:start] + text[end:]


def _end(node: Node) -> int:
    """Where a value ends, without the comments and empty lines behind a block."""
    if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, MappingNode) else last)
    return int(node.end_mark.index)


def _nested(path: Sequence[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
