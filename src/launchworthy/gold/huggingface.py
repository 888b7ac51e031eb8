"""Rows of a Hugging Face data set as JSON values.

May import ``errors`` and this room; ``datasets`` loads when called. Either a folder that ``save_to_disk``
wrote, or ``hf:NAME`` for what the library itself finds under a name; a split follows after a colon. No code
of a data set is run.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.gold.tables import plain

__all__ = ["is_dataset", "read_dataset"]

_NAMED = "hf:"
_MARKS = ("dataset_info.json", "dataset_dict.json", "state.json")


def is_dataset(path: Path) -> bool:
    """Whether this names a data set: ``hf:NAME``, or a folder that ``save_to_disk`` wrote."""
    folder, _ = _folder_and_split(path)
    return str(path).startswith(_NAMED) or any((folder / mark).is_file() for mark in _MARKS)


def read_dataset(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[InputError]]:
    """Rows by number, the first being 1. A label of a class becomes its name, a null an absent field.

    Raises:
        InputError: No such data set or split, or it cannot be read.
        MissingExtraError: ``datasets`` is not installed.
    """
    found = _loaded(path)
    names = {name: feature.names for name, feature in found.features.items() if hasattr(feature, "int2str")}
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[InputError] = []
    for number, values in enumerate(found, start=1):
        try:
            row = {name: plain(value) for name, value in values.items() if value is not None}
        except ValueError as error:
            problems.append(InputError(str(error), where=f"{path}:row {number}"))
            continue
        for name, labels in names.items():
            if isinstance(row.get(name), int) and 0 <= row[name] < len(labels):
                row[name] = labels[row[name]]
        rows.append((number, row))
    return rows, problems


def _loaded(path: Path) -> Any:
    try:
        datasets: Any = import_module("datasets")
    except ImportError as error:
        raise MissingExtraError("datasets", extra="datasets") from error
    try:
        if str(path).startswith(_NAMED):
            name, _, split = str(path).removeprefix(_NAMED).partition(":")
            found = datasets.load_dataset(name, split=split or None)
        else:
            folder, split = _folder_and_split(path)
            if not any(folder.rglob("*.arrow")):
                return datasets.Dataset.from_dict({})  # the library writes a set without rows, and reads none
            found = datasets.load_from_disk(str(folder))
            if split and not isinstance(found, datasets.DatasetDict):
                raise ValueError(f"it has no splits, so none is called {split!r}")
            found = found[split] if split else found
    except Exception as error:
        # The library raises whatever its many sources raise: all of it means that there is no such data.
        reason = str(error).strip().splitlines()
        raise InputError(
            f"the data set cannot be loaded: {reason[0][:300] if reason else type(error).__name__}",
            where=str(path),
        ) from error
    if isinstance(found, dict):
        splits = ", ".join(map(str, found))
        if len(found) != 1:
            raise InputError(
                "the data set has several splits",
                where=str(path),
                hint=f"write {path}:SPLIT, one of {splits}",
            )
        found = next(iter(found.values()))
    return found


def _folder_and_split(path: Path) -> tuple[Path, str]:
    """A folder is meant as it stands, if it is there; else what is behind its last colon is a split."""
    if path.exists():
        return path, ""
    folder, colon, split = str(path).rpartition(":")
    return (Path(folder), split) if colon and Path(folder).is_dir() else (path, "")
