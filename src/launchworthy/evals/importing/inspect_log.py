"""inspect_ai's logs: ``.eval`` (a zip of JSON members) and ``.json``. May import this package, ``errors``.

Members are compressed with Zstandard, which Python reads from 3.14 on; until then DuckDB does, which is
there. A sample with an error has no answer; a value of NaN is what inspect writes for "unscored".
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.importing.json_text import parsed
from launchworthy.evals.importing.results import (
    Results,
    list_of,
    mapping_of,
    moment,
    name_of,
    number_of,
    object_of,
    scored,
    slices_of,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_inspect", "read_inspect", "unpacked_log"]

_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # correct, incorrect, partial, no answer
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_ZSTANDARD = 93
_LARGEST = 512 * 1024 * 1024  # of one member
_MOST = 4 * 1024**3  # of a whole log


def is_inspect(document: Any) -> bool:
    """Whether a JSON document is a log."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("eval"), dict)
        and "task" in document["eval"]
        and "status" in document
    )


def read_inspect(document: Any, *, where: str) -> Results:
    """The samples of a log.

    Raises:
        InputError: A part of the wrong shape, or a log without its samples.
    """
    log = object_of(document, where=where)
    head = object_of(log.get("eval"), where=where)
    if log.get("samples") is None:
        raise InputError(
            "the log holds no samples", where=where, hint="it was written with --no-log-samples, or is empty"
        )
    items = [
        _item(object_of(sample, where=f"{where}: samples[{number}]"), number)
        for number, sample in enumerate(list_of(log.get("samples"), where=where))
    ]
    stats = mapping_of(log.get("stats"))
    version = mapping_of(head.get("packages")).get("inspect_ai")
    remarks = []
    if log.get("status") != "success":
        remarks.append(f"the log's status is {log.get('status')!r:.40}: only what it holds is read")
    return Results(
        tool=f"inspect_ai {version}" if isinstance(version, str) else "inspect_ai",
        target=name_of(head.get("model") or head.get("task")),
        items=unique_ids(items, repeats=True),
        finished_at=moment(stats.get("completed_at")) or moment(head.get("created")),
        remarks=tuple(remarks),
    )


def _item(sample: Mapping[str, Any], number: int) -> RunItem:
    error = sample.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    output = mapping_of(sample.get("output"))
    seconds = number_of(sample.get("working_time"))
    scores: dict[str, Score] = {}
    for scorer, score in mapping_of(sample.get("scores")).items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            for key, part in value.items():
                scores[name_of(f"{scorer}.{key}")] = _score(part)
        else:
            scores[name_of(scorer)] = _score(value)
    own = sample.get("id")
    return RunItem(
        item_id=name_of(own) if isinstance(own, (str, int)) else f"sample-{number + 1}",
        input=sample.get("input"),
        expected=sample.get("target"),
        output=output.get("completion"),
        error=None if not error else str(message or "the sample failed")[:500],
        latency_ms=None if seconds is None else seconds * 1_000,
        slices=slices_of(mapping_of(sample.get("metadata"))),
        scores={} if error else scores,
    )


def _score(value: Any) -> Score:
    """inspect's own reading of a value: its four grades, yes and no, numbers."""
    if isinstance(value, str):
        grade = _GRADES.get(value, _WORDS.get(value.lower()))
        if grade is not None:
            return Score(value=grade)
        try:
            return scored(float(value))
        except ValueError:
            pass
    return scored(value)


def unpacked_log(path: Path) -> dict[str, Any]:
    """The members of an ``.eval`` file as the JSON log that they stand for.

    Raises:
        InputError: No zip, not one of inspect's, damaged, or larger than can be meant.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if "header.json" not in names:
                started = any(name.startswith("_journal/") for name in names)
                raise InputError(
                    "the log was never finished"
                    if started
                    else "no log of inspect_ai: it has no header.json",
                    where=str(path),
                    hint="inspect log recover" if started else "",
                )
            wanted = [
                member
                for member in members
                if member.filename == "header.json"
                or (member.filename.startswith("samples/") and member.filename.endswith(".json"))
            ]
            _refuse_large(wanted, path)
            texts = _texts(archive, wanted, path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        raise InputError(f"the log cannot be read: {str(error)[:200]}", where=str(path)) from error
    log = dict(object_of(parsed(texts.pop("header.json"), where=f"{path}: header.json"), where=str(path)))
    log["samples"] = [parsed(texts[name], where=f"{path}: {name}") for name in sorted(texts)]
    return log


def _refuse_large(members: list[zipfile.ZipInfo], path: Path) -> None:
    if any(member.file_size > _LARGEST for member in members) or sum(m.file_size for m in members) > _MOST:
        raise InputError(
            f"the log unpacks to more than {_MOST // 1024**3} GiB, or a member to more than "
            f"{_LARGEST // 1024**2} MiB",
            where=str(path),
        )


def _texts(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], path: Path) -> dict[str, bytes]:
    packed = [member for member in members if member.compress_type == _ZSTANDARD]
    texts = {member.filename: archive.read(member) for member in members if member not in packed}
    if packed:
        texts |= _zstandard(path, packed)
    return texts


def _zstandard(path: Path, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    """Members that this Python's ``zipfile`` cannot unpack, through DuckDB's reader of compressed JSON."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="launchworthy-") as folder, path.open("rb") as raw:
        for number, member in enumerate(members):
            raw.seek(member.header_offset)
            head = raw.read(30)
            if head[:4] != b"PK\x03\x04":
                raise zipfile.BadZipFile(f"{member.filename} has no header of its own")
            raw.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
            (Path(folder) / f"{number:08}.zst").write_bytes(raw.read(member.compress_size))
        try:
            with duckdb.connect() as connection:
                rows = connection.execute(
                    "SELECT filename, json::VARCHAR FROM read_json_objects(?, format = 'unstructured', "
                    "compression = 'zstd', maximum_object_size = ?, filename = true)",
                    [f"{folder}/*.zst", _LARGEST],
                ).fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(folder, "")
            raise ValueError(reason) from error
    texts = {members[int(Path(name).stem)].filename: text.encode() for name, text in rows}
    if len(texts) != len(members):
        raise ValueError(f"{len(members) - len(texts)} members hold no JSON")
    return texts
