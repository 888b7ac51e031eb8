"""The code behind a Python target, as one digest. Standard library only.

The digest covers the target's module and the modules that it imports, wherever in it, that lie beside it: of
a project its own files, of an installed package that package's. What the code reads while it runs, such as a
prompt or an index, is no part of it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

__all__ = ["source_of"]

_INSTALLED = frozenset(
    Path(path).resolve()
    for name, path in sysconfig.get_paths().items()
    if name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def source_of(address: str) -> str | None:
    """The digest of the code at ``module:function``; None where no such source is found."""
    module = address.partition(":")[0]
    file = _file_of(module)
    if file is None:
        return None
    parts = module.split(".")
    depth = len(parts) - (file.name != "__init__.py")
    root = file.parents[depth] if depth < len(file.parents) else file.parent
    own = parts[0] if root.resolve() in _INSTALLED else None
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    todo = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    while todo:
        name = todo.pop()
        if name in seen or (own is not None and name.partition(".")[0] != own):
            continue
        seen.add(name)
        path = _beside(root, name)
        if path is None:
            continue
        found[name] = path.read_bytes()
        todo += _imports(found[name], name, package=path.name == "__init__.py")
    digest = hashlib.sha256()
    for name, data in sorted(found.items()):
        digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return digest.hexdigest() if found else None


def _file_of(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    told = getattr(loaded, "__file__", None)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return None
        told = None if spec is None else spec.origin
    path = Path(told) if isinstance(told, str) else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _beside(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@lru_cache(maxsize=4_096)  # a run asks for its code where it begins and where it is asked
def _imports(source: bytes, name: str, *, package: bool) -> frozenset[str]:
    """Names that may be modules, with the packages that they are in."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(_imported(tree, name, package=package))


def _imported(tree: ast.Module, name: str, *, package: bool) -> Iterator[str]:
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + package] if node.level else []
            base = ".".join([*above, *((node.module,) if node.module else ())])
            names = [base, *(f"{base}.{alias.name}" if base else alias.name for alias in node.names)]
        else:
            continue
        for each in filter(None, names):
            parts = each.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement, wherever it stands; what is within expressions imports nothing."""
    todo: list[ast.AST] = [*tree.body]
    while todo:
        node = todo.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, ())
            if isinstance(inner, list):  # the body of a lambda is an expression
                todo += inner
