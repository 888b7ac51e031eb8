"""Evidence as files: one piece a line, read whole or not at all. May import ``errors`` and the standard
library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evidence.chain import canonical_json
from launchworthy.evidence.evidence import Evidence

__all__ = ["read_evidence", "write_evidence"]

_MAX_LINE_BYTES = 1_000_000
_SHOWN = 20


def read_evidence(path: Path) -> list[Evidence]:
    """Every piece in a JSONL file, in order; a piece that is there twice counts once.

    Raises:
        InputError: Any line is broken; lists each by file and line. Nothing is read by halves.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    pieces: dict[str, Evidence] = {}
    problems: list[str] = []
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            plain = _mapping(line, where=where)
            piece = Evidence.from_json(plain, where=where)
            if plain.get("id", piece.id) != piece.id:
                raise InputError(
                    f"the id {plain['id']!r:.40} is not that of what it holds, {piece.id}: it was edited; "
                    "a measurement of your own has no id",
                    where=where,
                )
            if piece.disagreement:
                raise InputError(
                    f"{piece.disagreement}; correct the one that is wrong, or leave successes out",
                    where=where,
                )
            pieces.setdefault(piece.id, piece)
        except InputError as error:
            problems.append(f"{error.where or where}: {error.message}")
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            problems.append(f"{where}: not a piece of evidence: {error}")
    if problems:
        more = len(problems) - _SHOWN
        shown = "\n  ".join(problems[:_SHOWN]) + (f"\n  and {more:,} more" if more > 0 else "")
        count = "1 line is" if len(problems) == 1 else f"{len(problems):,} lines are"
        raise InputError(
            f"{count} broken, so nothing was read:\n  {shown}",
            where=str(path),
            hint="a line is one JSON object with at least claim, kind, observed_at; see docs/evidence.md",
        )
    return list(pieces.values())


def write_evidence(evidence: Iterable[Evidence]) -> str:
    """JSONL that :func:`read_evidence` reads back to the same pieces."""
    return "".join(canonical_json({"id": piece.id, **piece.as_json()}) + "\n" for piece in evidence)


def _mapping(line: bytes, *, where: str) -> dict[str, Any]:
    if len(line) > _MAX_LINE_BYTES:
        raise InputError(
            f"the line has {len(line):,} bytes; at most {_MAX_LINE_BYTES:,} are read", where=where
        )
    try:
        text = line.decode("utf-8-sig" if line.startswith(b"\xef\xbb\xbf") else "utf-8")
        plain = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason} at byte {error.start}", where=where) from error
    except RecursionError as error:
        raise InputError("nested too deeply", where=where) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where) from error
    if not isinstance(plain, dict):
        raise InputError(f"a JSON object is expected, not {type(plain).__name__}", where=where)
    try:
        canonical_json(plain).encode()
    except UnicodeEncodeError as error:
        raise InputError("holds half of a surrogate pair, which is no character", where=where) from error
    return plain


def _refuse_constant(name: str) -> float:
    raise ValueError(f'{name} is not JSON; write "inf" or leave it out')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice!r} is there twice")
    return plain
