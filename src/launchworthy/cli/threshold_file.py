"""A threshold with its evidence, as ``launchworthy threshold`` prints and keeps it. No command of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.cli.figures import plain_interval
from launchworthy.errors import InputError, StorageError

if TYPE_CHECKING:
    from launchworthy.stats import Threshold

__all__ = ["ENDINGS", "fitted_ids", "keep_threshold", "threshold_fields", "threshold_reason"]

ENDINGS = (".json", ".yaml", ".yml")


def threshold_fields(
    found: Threshold, *, level: float, source: str, rows: int, aurc: float
) -> dict[str, Any]:
    """Its fields in JSON.

    Args:
        found: The threshold, or why there is none.
        level: Confidence of the intervals where the guarantee has none.
        source: Where the answers came from.
        rows: Answers in all, those included of which nobody knows whether they are right.
        aurc: Area under the curve of risk and coverage.
    """
    own = found.confidence or level
    return {
        "threshold": found.threshold,
        "answer_when": "confidence >= threshold",
        "guarantee": found.guarantee,
        "target": found.target,
        "confidence": found.confidence,
        "n": found.n,
        "method": found.method,
        "coverage": plain_interval(found.coverage, confidence=own),
        "wrong": plain_interval(found.wrong, confidence=own),
        "needed": found.needed,
        "source": source,
        "rows": rows,
        "unlabelled": rows - found.n,
        "aurc": aurc,
        "reason": threshold_reason(found),
    }


def fitted_ids(path: Path) -> frozenset[str]:
    """The rows that fitted the confidence, as ``fitted_on`` of a policy's file lists them; none without one.

    Raises:
        InputError: What is there is no mapping, or ``fitted_on`` is no list of ids.
        StorageError: It cannot be read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        kept = json.loads(text or "{}") if path.suffix == ".json" else YAML(typ="safe").load(text) or {}
    except OSError as error:
        raise StorageError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise _no_mapping(path) from error
    if not isinstance(kept, dict):
        raise _no_mapping(path)
    listed = kept.get("fitted_on") or []
    if not isinstance(listed, list) or not all(isinstance(one, (str, int)) for one in listed):
        raise InputError("fitted_on is no list of ids", where=str(path), hint="as the rows have them")
    return frozenset(str(one) for one in listed)


def threshold_reason(found: Threshold) -> str:
    """What is proposed, or why nothing is, in one sentence."""
    from launchworthy.quantity import format_number, format_value

    if found.threshold is not None:
        return f"Answer at {format_number(found.threshold, digits=6)} or above: {found.guarantee}."
    start = f"No threshold can be certified with {found.n:,} labelled answers"
    target = format_value(found.target, unit="ratio")
    if found.needed is None:
        return (
            f"{start}: at no confidence are clearly fewer than {target} wrong. More labels may tell; else "
            "the answers or their confidence must improve."
        )
    return f"{start}: about {found.needed:,} would be needed, if they are like these (80 %)."


def keep_threshold(path: Path, fields: Mapping[str, Any]) -> None:
    """Write the fields; a file that is there keeps what else it says, such as the model of the confidence.

    It must hold a threshold already: any other file, such as a contract, is not meant.

    Raises:
        InputError: What is there is no mapping, or holds no threshold.
        StorageError: It cannot be read or written.
    """
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = _json(before, fields, path) if path.suffix == ".json" else _yaml(before, fields, path)
        path.write_text(text, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _no_mapping(path) from error
    except OSError as error:
        raise StorageError(
            f"the file cannot be written: {error.strerror or error}", where=str(path)
        ) from error


def _json(before: str, fields: Mapping[str, Any], path: Path) -> str:
    try:
        kept = json.loads(before) if before.strip() else {}
        _require_threshold(kept, path)
        return json.dumps(kept | dict(fields), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (ValueError, RecursionError) as error:
        raise _no_mapping(path) from error


def _yaml(before: str, fields: Mapping[str, Any], path: Path) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()  # keeps comments and order
    try:
        kept = yaml.load(before) if before.strip() else {}
    except (YAMLError, ValueError, RecursionError) as error:
        raise _no_mapping(path) from error
    kept = {} if kept is None else kept
    _require_threshold(kept, path)
    kept.update(fields)
    written = io.StringIO()
    yaml.dump(kept, written)
    return written.getvalue()


def _require_threshold(kept: Any, path: Path) -> None:
    if not isinstance(kept, dict):
        raise _no_mapping(path)
    if kept and "threshold" not in kept:
        raise InputError(
            "the file is there, and holds no threshold that this one could take the place of",
            where=str(path),
            hint="name a new file, or write `threshold: 0` into the policy's own",
        )


def _no_mapping(path: Path) -> InputError:
    return InputError(
        "the file is there, and holds no mapping that a threshold could be part of",
        where=str(path),
        hint="name a new file, or the policy's own",
    )
