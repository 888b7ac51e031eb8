"""YAML 1.2 text as plain values with the place of each. May import ``claim``, ``problem`` and ruamel.yaml.

Only the parser's events are used and the tree is built without recursion, so that no text can exhaust
the stack; anchors, tags and a second document are refused, so that each value has one place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.events import MappingEndEvent as _MappingEnd
from ruamel.yaml.events import SequenceEndEvent as _SequenceEnd

from launchworthy.contract.claim import Place
from launchworthy.contract.problem import Problem

__all__ = ["MAX_BYTES", "Document", "KeyPath", "read_document"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_VALUES = 50_000

KeyPath = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]{1,18}|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)  # type: ignore[arg-type]
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they show text in another order


@dataclass(slots=True)
class Document:
    """Plain values of a text, and where each key and value stands."""

    file: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    _keys: dict[KeyPath, Place] = field(default_factory=dict)
    _values: dict[KeyPath, Place] = field(default_factory=dict)

    def paths(self) -> Iterator[KeyPath]:
        """Path of every key and list entry, in the order of the file."""
        return iter(self._values)

    def place(self, path: KeyPath, *, of_key: bool = False) -> Place:
        """Where the value (or the key) at ``path`` stands; that of the nearest block around it if nowhere."""
        own = self._keys if of_key else self._values
        if path in own:
            return own[path]
        while path and path not in self._values:
            path = path[:-1]
        return self._keys.get(path) or self._values.get(path) or Place(file=self.file, line=1, column=1)

    def has(self, path: KeyPath) -> bool:
        """Whether something stands at ``path``."""
        return path in self._values


def read_document(source: bytes | str, *, file: str) -> Document:
    """Read one YAML text; what is wrong with it is listed in ``problems``, and then there is no value."""
    document = Document(file=file)
    text = _decoded(source, document)
    if text is not None:
        try:
            _Builder(document).build(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            _report(document, "LW203", _yaml_words(error), mark)
        except (YAMLError, ValueError, OverflowError, IndexError, AttributeError, TypeError) as error:
            # The parser answers some broken texts with Python's own errors.
            _report(document, "LW203", f"this is not YAML: {str(error)[:200]}", None)
    if document.problems:
        document.value = None
    return document


def _report(document: Document, code: str, message: str, mark: Any, hint: str = "") -> None:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    place = Place(file=document.file, line=line, column=column)
    document.problems.append(Problem(place=place, code=code, message=message, hint=hint))


def _yaml_words(error: MarkedYAMLError) -> str:
    parts = [str(part).strip() for part in (error.context, error.problem) if part]
    return f"this is not YAML: {', '.join(parts) or 'it cannot be read'}"[:300]


def _decoded(source: bytes | str, document: Document) -> str | None:
    size = len(source) if isinstance(source, bytes) else len(source.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes; a contract has at most {MAX_BYTES:,}"
        _report(document, "LW201", message, None, "keep data in files that the contract names")
        return None
    if isinstance(source, bytes):
        try:
            text = source.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = source[: error.start]
            place = Place(
                file=document.file,
                line=before.count(b"\n") + 1,
                column=len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1,
            )
            message = f"byte 0x{source[error.start]:02x} is not UTF-8"
            document.problems.append(
                Problem(place=place, code="LW202", message=message, hint="save the file as UTF-8")
            )
            return None
    else:
        text = source.removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if _forbidden(character) and not (character == "\r" and column == len(line)):
                place = Place(file=document.file, line=number, column=column)
                message = f"the control character U+{ord(character):04X} has no place in a contract"
                document.problems.append(
                    Problem(place=place, code="LW202", message=message, hint="delete it")
                )
                return None
    return text


def _forbidden(character: str) -> bool:
    if character in "\t\n" or " " <= character <= "~":
        return False
    return character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


@dataclass(slots=True)
class _Frame:
    """A block that is being read: its path, its values and, for a mapping, the key that waits for a value."""

    path: KeyPath
    items: dict[str, Any] | list[Any]
    key: str | None = None
    twice: bool = False


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Frame] = []
        self.values = 0
        self.documents = 0

    def build(self, text: str) -> None:
        yaml = YAML(typ="safe", pure=True)
        for event in yaml.parse(text):
            if isinstance(event, DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    self.refuse("LW206", "a second document begins here", event, "a file holds one contract")
                    return
                if event.version is not None or event.tags:
                    self.refuse(
                        "LW206", "directives are not part of the language", event, "delete the % line"
                    )
                    return
            elif isinstance(event, (_MappingEnd, _SequenceEnd)):
                self.stack.pop()
            elif isinstance(event, NodeEvent) and not self.node(event):
                return

    def refuse(self, code: str, message: str, event: Any, hint: str = "") -> None:
        _report(self.document, code, message, event.start_mark, hint)

    def node(self, event: NodeEvent) -> bool:
        """Take one value in; False where reading has to end."""
        self.values += 1
        if self.values > MAX_VALUES:
            self.refuse("LW205", f"there are more than {MAX_VALUES:,} values", event)
            return False
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self.refuse(
                "LW206", "anchors and aliases are not part of the language", event, "write the value out"
            )
            return False
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.refuse("LW206", f"the tag {tag!s:.40} is not part of the language", event, "delete it")
            return False
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.items, dict) and frame.key is None:
            return self.begin_key(frame, event)
        path = self.take_path(frame, event)
        if isinstance(event, ScalarEvent):
            if not self.plain_text(event):
                return False
            self.put(frame, _resolved(event))
            return True
        items: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        self.put(frame, items)
        self.stack.append(_Frame(path, items))
        if len(self.stack) > MAX_DEPTH:
            self.refuse("LW205", f"blocks are nested deeper than {MAX_DEPTH}", event, "flatten the block")
            return False
        return True

    def begin_key(self, frame: _Frame, event: NodeEvent) -> bool:
        if not isinstance(event, ScalarEvent):
            shape = "list" if isinstance(event, SequenceStartEvent) else "block"
            self.refuse("LW203", f"a {shape} stands where a key is needed", event, "write a word")
            return False
        if not self.plain_text(event):
            return False
        key = str(event.value)
        path = (*frame.path, key)
        frame.twice = key in frame.items
        if frame.twice:
            first = self.document.place(path, of_key=True)
            self.refuse(
                "LW204",
                f'"{key[:80]}" stands here twice, first in line {first.line}',
                event,
                "keep one of them",
            )
        else:
            self.document._keys[path] = self.mark(event)
        frame.key = key
        return True

    def plain_text(self, event: ScalarEvent) -> bool:
        bad = next((character for character in event.value if _forbidden(character)), None)
        if bad is not None:
            message = f"the control character U+{ord(bad):04X} has no place in a contract"
            self.refuse("LW202", message, event, "delete it")
        return bad is None

    def take_path(self, frame: _Frame | None, event: NodeEvent) -> KeyPath:
        if frame is None:
            path: KeyPath = ()
        elif isinstance(frame.items, dict):
            path = (*frame.path, frame.key or "")
        else:
            path = (*frame.path, len(frame.items))
        self.document._values.setdefault(path, self.mark(event))
        return path

    def put(self, frame: _Frame | None, value: Any) -> None:
        if frame is None:
            self.document.value = value
        elif isinstance(frame.items, dict):
            if not frame.twice:
                frame.items[frame.key or ""] = value
            frame.key = None
        else:
            frame.items.append(value)

    def mark(self, event: NodeEvent) -> Place:
        mark = event.start_mark
        return Place(file=self.document.file, line=mark.line + 1, column=mark.column + 1)


def _resolved(event: ScalarEvent) -> Any:
    """A plain scalar by YAML 1.2's core schema; quoted ones are text."""
    text = str(event.value)
    if event.style in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if len(text) <= 40 and _FLOAT.fullmatch(text):
        return float(text)
    return text
