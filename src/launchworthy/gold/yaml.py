"""Rows of a YAML gold file as JSON values. May import ``errors``; loads ruamel.yaml when called.

The document is read as nodes, never as objects: no tag runs anything, an alias is refused (nine lines of
them can mean a billion rows), and every row keeps its line.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError

__all__ = ["read_yaml"]

_MAX_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 64
_TAG = "tag:yaml.org,2002:"
_TRUE = {"true", "True", "TRUE"}


def read_yaml(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[InputError]]:
    """Rows by line: a list of mappings, or one mapping whose ``items`` are that list.

    Raises:
        InputError: Not UTF-8, not YAML, or no such list.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(
                f"the file is larger than {_MAX_BYTES:,} bytes",
                where=str(path),
                hint="use JSON Lines or Parquet",
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start + 1:,} is not UTF-8", where=str(path)) from error
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InputError(f"not YAML: {error.problem or error}", where=place) from error
    except (YAMLError, ValueError) as error:
        raise InputError(f"not YAML: {error}", where=str(path)) from error
    except RecursionError as error:
        raise InputError("nested too deeply", where=str(path)) from error
    if isinstance(root, MappingNode):
        root = next((value for key, value in root.value if key.value == "items"), root)
    if not isinstance(root, SequenceNode):
        raise InputError(
            "the document is not a list of items",
            where=f"{path}:1",
            hint="write a list: - {id: q1, input: …}",
        )
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[InputError] = []
    seen: set[int] = set()
    for node in root.value:
        line = node.start_mark.line + 1
        try:
            row = _plain(node, seen, depth=0)
            if not isinstance(row, dict):
                raise ValueError("the item is not a mapping of fields to values")
        except ValueError as error:
            problems.append(InputError(str(error), where=f"{path}:{line}"))
            continue
        rows.append((line, row))
    return rows, problems


def _plain(node: Any, seen: set[int], *, depth: int) -> Any:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if id(node) in seen:
        raise ValueError("an alias (*name) is not read; write the value out")
    seen.add(id(node))
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(node, ScalarNode):
        return _scalar(str(node.tag), node.value)
    if str(node.tag) not in (f"{_TAG}map", f"{_TAG}seq"):
        raise ValueError(f"the tag {str(node.tag)[:80]!r} is not read")
    if isinstance(node, SequenceNode):
        return [_plain(child, seen, depth=depth + 1) for child in node.value]
    if not isinstance(node, MappingNode):
        raise ValueError("neither a value, a list nor a mapping")
    row: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _plain(key_node, seen, depth=depth + 1)
        if isinstance(key, (dict, list)) or key is None:
            raise ValueError("the name of a field is not text")
        key = key_node.value
        if key in row:
            raise ValueError(f"the key {key!r:.80} stands twice in one item")
        row[key] = _plain(value_node, seen, depth=depth + 1)
    return row


def _scalar(tag: str, text: str) -> Any:
    kind = tag.removeprefix(_TAG)
    if kind in ("str", "timestamp"):
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text in _TRUE
    if kind == "int":
        try:
            return int(text, 0) if text.lstrip("+-")[:2] in ("0x", "0o") else int(text)
        except ValueError:
            raise ValueError(f"the number {text[:40]!r} cannot be read; quote it if it is text") from None
    if kind == "float":
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(number):
            raise ValueError(f"{text[:40]} is not a number that JSON has; leave out what is not known")
        return number
    raise ValueError(f"the tag {tag[:80]!r} is not read")
