"""Opening a file of results, and telling whose it is. May import ``errors``, ``jsonl`` and this package."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.importing.deepeval import is_deepeval, read_deepeval
from launchworthy.evals.importing.garak import is_garak, read_garak
from launchworthy.evals.importing.inspect_log import is_inspect, read_inspect, unpacked_log
from launchworthy.evals.importing.json_text import parsed
from launchworthy.evals.importing.mlflow_table import is_mlflow, read_mlflow
from launchworthy.evals.importing.promptfoo import is_promptfoo, read_promptfoo
from launchworthy.evals.importing.pyrit import is_pyrit, read_pyrit, read_pyrit_scenario
from launchworthy.evals.importing.results import Results
from launchworthy.jsonl import read_jsonl

__all__ = ["FORMATS", "read_results"]

FORMATS = ("promptfoo", "deepeval", "inspect", "mlflow", "garak", "pyrit")
_LARGEST = 1024**3
_ZIP = b"PK\x03\x04"
_HINT = "name it with --format, or write the measurement as evidence: launchworthy evidence add"


def read_results(path: Path, *, form: str = "auto", target: str | None = None) -> Results:
    """The results in a file.

    Args:
        path: What a tool wrote.
        form: One of ``FORMATS``; ``auto`` tells by the content.
        target: Which target, where the file holds several (promptfoo).

    Raises:
        InputError: No such file, no such format, broken, or without one item.
    """
    results = _read(path, form, target)
    if not results.items:
        raise InputError("the file holds no results", where=str(path))
    if not results.metrics and all(item.error is None for item in results.items):
        raise InputError("nothing in the file was scored", where=str(path))
    if target is not None and results.target != target:
        raise InputError(
            f"no target {target!r:.80} in the file", where=str(path), hint=f"it holds {results.target}"
        )
    return results


def _read(path: Path, form: str, target: str | None) -> Results:
    where = str(path)
    body = _body(path)
    if body.startswith(_ZIP):
        if form not in ("auto", "inspect"):
            raise InputError(f"a zip archive, not what {form} writes", where=where)
        return read_inspect(unpacked_log(path), where=where)
    if form == "garak" or (form == "auto" and _first(body, is_garak)):
        return read_garak(read_jsonl(path), where=where)
    if path.suffix.lower() == ".jsonl" and (form == "pyrit" or (form == "auto" and _first(body, is_pyrit))):
        return read_pyrit(read_jsonl(path), where=where)
    if path.suffix.lower() == ".csv":
        if form not in ("auto", "mlflow"):
            raise InputError(f"a CSV file, not what {form} writes", where=where)
        return read_mlflow(_csv(body, where=where), where=where)
    document = parsed(body, where=where)
    if form == "auto":
        tests = {
            "promptfoo": is_promptfoo,
            "deepeval": is_deepeval,
            "inspect": is_inspect,
            "mlflow": is_mlflow,
            "pyrit": is_pyrit,
        }
        form = next((name for name, test in tests.items() if test(document)), "")
    if form == "promptfoo":
        return read_promptfoo(document, where=where, target=target)
    if form == "deepeval":
        return read_deepeval(document, where=where)
    if form == "inspect":
        return read_inspect(document, where=where)
    if form == "mlflow":
        return read_mlflow(document, where=where)
    if form == "pyrit" and isinstance(document, list):
        return read_pyrit(enumerate(document, start=1), where=where)
    if form == "pyrit":
        one = isinstance(document, dict) and "attack_results" not in document
        return read_pyrit([(1, document)], where=where) if one else read_pyrit_scenario(document, where=where)
    raise InputError(f"results of none of {', '.join(FORMATS)}", where=where, hint=_HINT)


def _body(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"the file is larger than {_LARGEST // 1024**2:,} MiB", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def _first(body: bytes, test: Callable[[Any], bool]) -> bool:
    """Whether the first line is of a tool."""
    line = body.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    try:
        return test(parsed(line, where=""))
    except InputError:
        return False


def _csv(body: bytes, *, where: str) -> list[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = reader.fieldnames or []
        rows: list[dict[str, Any]] = []
        for row in reader:
            if None in row or any(value is None for value in row.values()):
                raise InputError(
                    f"it has not the {len(header)} values of the header", where=f"{where}:{reader.line_num}"
                )
            rows.append(dict(row))
    except UnicodeError as error:
        raise InputError("the file is not UTF-8 text", where=where) from error
    except csv.Error as error:
        raise InputError(f"the file is not CSV: {error}", where=where) from error
    return rows
