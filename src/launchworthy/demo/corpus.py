"""The documents that every Python carries: pydoc topics, and what the standard library says of itself.

May import ``errors`` and this room; needs the standard library only. Ids are qualified names (``sorted``,
``list.sort``, ``json.dumps``, ``pathlib.Path.read_text``) and ``topic:with``. Reading only looks at listed
modules; it calls nothing that it finds and needs no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import json
import os
import platform
import re
import sys
import types
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from launchworthy.demo.modules import MODULES
from launchworthy.errors import InputError

__all__ = ["Corpus", "Document", "gather", "load_corpus"]

_SITE = frozenset({"copyright", "credits", "exit", "help", "license", "quit"})  # added by site, not builtins
_LONGEST_TEXT = 60_000
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
# Defaults that depend on where this Python stands, not on what it is.
_OBJECT = re.compile(r"\[(?:<[^<>]*>(?:, )?)+\]|<[^<>]*>")
_PLACE = re.compile(r"'(?:/|[A-Z]:)[^']{2,}'|(?<=scheme=)'[^']*'")
_SIGNATURE = re.compile(r"[\w.]+\(.*\)( *-+> *\S.*)?")
_EMPTY = (
    "Alias for field number",
    "Initialize self.  See help(type(self))",
    "The type of the None singleton",
)
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One documented object.

    Attributes:
        id: Qualified name, or ``topic:NAME``.
        kind: ``module``, ``class``, ``function``, ``method``, ``attribute`` or ``topic``.
        signature: As the object shows it; empty where it shows none.
        text: Its documentation, without the signature line.
    """

    id: str
    kind: str
    signature: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """All documents, in order of id; ``digest`` is the SHA-256 of their content."""

    documents: tuple[Document, ...]
    python: str
    digest: str

    def __len__(self) -> int:
        return len(self.documents)

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def __getitem__(self, name: str) -> Document:
        return self._by_id[name]

    @cached_property
    def _by_id(self) -> dict[str, Document]:
        return {document.id: document for document in self.documents}


def load_corpus(folder: Path | None = None) -> Corpus:
    """The corpus of the running Python: from the folder if it was read before, else gathered and kept there.

    A kept file that is damaged, or was written by other rules or another Python, is read anew.

    Raises:
        InputError: This Python carries no documentation.
    """
    if folder is None:
        return gather()
    file = folder / f"corpus-{platform.python_version()}-{_rules()}.json"
    kept = _kept(file)
    if kept is not None:
        return kept
    corpus = gather()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [[getattr(document, name) for name in _FIELDS] for document in corpus.documents]
    text = json.dumps({"digest": corpus.digest, "python": corpus.python, "documents": rows})
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
    return corpus


def gather(modules: Sequence[str] = MODULES) -> Corpus:
    """Read the running Python's documentation; the same Python gives the same corpus.

    Args:
        modules: Names of the modules to read, the first taking precedence; missing ones are passed over.

    Raises:
        InputError: This Python runs without docstrings, or has no topics.
    """
    if sys.flags.optimize >= 2:
        raise InputError(
            "this Python dropped its docstrings, so there is nothing to answer from",
            where="python -OO",
            hint="start it without -OO and without PYTHONOPTIMIZE=2",
        )
    documents = {document.id: document for document in [*_topics(), *_objects(modules)]}
    ordered = tuple(documents[name] for name in sorted(documents))
    return Corpus(documents=ordered, python=platform.python_version(), digest=_digest(ordered))


def _rules() -> str:
    """Twelve hex digits that change with what is read and how."""
    told = [_FORMAT, list(MODULES), sys.version, sys.platform]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def _digest(documents: Iterable[Document]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([getattr(document, name) for name in _FIELDS]).encode() + b"\n")
    return digest.hexdigest()


def _kept(file: Path) -> Corpus | None:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        documents = tuple(Document(**dict(zip(_FIELDS, row, strict=True))) for row in read["documents"])
        corpus = Corpus(documents=documents, python=read["python"], digest=read["digest"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return corpus if documents and _digest(documents) == corpus.digest else None


def _topics() -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise InputError(
            "this Python has no pydoc topics",
            where="pydoc_data",
            hint="install the whole standard library (on Debian: libpython3-stdlib)",
        ) from error
    for name in sorted(topics):
        yield Document(id=f"topic:{name}", kind="topic", signature="", text=_clean(topics[name]))


def _objects(modules: Sequence[str]) -> Iterator[Document]:
    shown: list[tuple[str, Any]] = []
    seen: dict[int, Any] = {}  # keeps the objects alive, so that an id is never used twice
    for name in modules:
        module = _module(name)
        if module is None:
            continue
        if name != "builtins" and _doc(module):
            yield Document(id=name, kind="module", signature="", text=_doc(module))
        names = _public(module)
        for attribute in names:
            value = _value(module, attribute)
            if id(value) in seen or not _is_documented(value, module):
                continue
            own = getattr(value, "__name__", None)
            if own != attribute and isinstance(own, str) and own in names and vars(module).get(own) is value:
                continue  # an alias: bisect.bisect is bisect.bisect_right
            seen[id(value)] = value
            shown.append((attribute if name == "builtins" else f"{name}.{attribute}", value))
    classes = frozenset(id(value) for _, value in shown if isinstance(value, type))
    functions = {
        (name.rpartition(".")[0], name.rpartition(".")[2], _doc(value))
        for name, value in shown
        if not isinstance(value, type)
    }
    for name, value in shown:
        yield from _object(name, value, kind="class" if isinstance(value, type) else "function")
        if isinstance(value, type):
            for attribute, member in _members(value, classes):
                if (name.rpartition(".")[0], attribute, _doc(member)) in functions:
                    continue  # random.Random.choice is what random.choice calls
                kind = "method" if callable(_plain(member)) else "attribute"
                yield from _object(f"{name}.{attribute}", member, kind=kind)


def _value(module: types.ModuleType, name: str) -> Any:
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        if name.endswith("hook") and hasattr(module, f"__{name}__"):
            return getattr(module, f"__{name}__")  # the hook as it was before anybody replaced it
        return getattr(module, name, None)  # not vars(): concurrent.futures loads its pools when asked
    return None


def _module(name: str) -> types.ModuleType | None:
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
    return None


def _public(module: types.ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    apart = _SITE if module.__name__ == "builtins" else frozenset()
    return sorted(name for name in set(names) - apart if not name.startswith("_"))


def _is_documented(value: Any, module: types.ModuleType) -> bool:
    """Whether the module shows it as its own: a class or a callable that it made, or names in ``__all__``."""
    if isinstance(value, types.ModuleType) or not (isinstance(value, type) or callable(value)):
        return False
    home = getattr(value, "__module__", None) or ""
    if not isinstance(home, str) or home.partition(".")[0] not in {*sys.stdlib_module_names, ""}:
        return False  # somebody put their own in its place, as test runners do
    if getattr(module, "__all__", None) or module.__name__ == "builtins":
        return True
    return home.lstrip("_").partition(".")[0] in (
        module.__name__.partition(".")[0],
        "posix",
        "nt",
        "builtins",
    )


def _members(owner: type, classes: frozenset[int]) -> Iterator[tuple[str, Any]]:
    """Public members that no other shown class brings in; a hidden base's belong to the class itself."""
    bases = owner.__mro__[1:]
    public = [base for base in bases if id(base) in classes or base is object]
    for base in (owner, *(base for base in bases if id(base) not in classes and base is not object)):
        for name in sorted(vars(base)):
            if name.startswith("_") or (base is not owner and name in vars(owner)):
                continue
            inherited = [vars(other)[name] for other in public if name in vars(other)]
            member = vars(base)[name]
            if inherited and (base is not owner or _doc(member) in {_doc(other) for other in inherited}):
                continue
            if isinstance(member, type) or not (callable(_plain(member)) or inspect.isdatadescriptor(member)):
                continue
            yield name, member


def _plain(member: Any) -> Any:
    return member.__func__ if isinstance(member, (staticmethod, classmethod)) else member


def _doc(value: Any) -> str:
    doc = getattr(_plain(value), "__doc__", None)
    return _clean(doc) if isinstance(doc, str) else ""


def _class_doc(value: type) -> str:
    """What the class says of itself, and what its ``__init__`` says beyond that."""
    own = vars(value).get("__init__")
    told = [_doc(value), _doc(own) if isinstance(own, types.FunctionType) else ""]
    return "\n\n".join(dict.fromkeys(text for text in told if text))


def _object(name: str, value: Any, *, kind: str) -> Iterator[Document]:
    text = _class_doc(value) if isinstance(value, type) else _doc(value)
    if kind == "function" and type(value).__doc__ == getattr(value, "__doc__", None):
        text = ""  # an instance that shows only what its class says
    signature = _signature(name, value)
    head, _, rest = text.partition("\n\n")
    if _SIGNATURE.fullmatch(head):
        signature, text = signature or head, rest.strip() or text
    if not text or text.startswith(_EMPTY):
        return
    yield Document(id=name, kind=kind, signature=signature, text=text)


def _signature(name: str, value: Any) -> str:
    plain = _plain(value)
    if not callable(plain):
        return ""
    try:
        shown = str(inspect.signature(plain))
    except (ValueError, TypeError, NameError, AttributeError):
        return ""
    return _PLACE.sub("'...'", _OBJECT.sub("...", _OBJECT.sub("...", name.rpartition(".")[2] + shown)))


def _clean(text: str) -> str:
    """Without common indentation, addresses in memory, and what no one prints."""
    plain = inspect.cleandoc(text.replace("\r\n", "\n")).replace("\x00", "")
    return _ADDRESS.sub("", "\n".join(line.rstrip() for line in plain.splitlines()))[:_LONGEST_TEXT].strip()


_FIELDS = tuple(field.name for field in fields(Document))
