"""What people said: a file of labelled answers, one label to an item. May import ``gold`` and this room.

Rows hold what was judged (``input``, ``output``, ``context``, ``reference``; of a pair ``first`` and
``second``) and ``human``. Several rows of one item are several raters: the majority counts, of ordered grades
the median, and where people are divided the item is left out and counted. ``run`` and ``item`` say that the
row was drawn from a run, as `launchworthy judge sample` writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.judging.grading import PAIRS, YES_NO, Scale
from launchworthy.evals.judging.judge import Judge
from launchworthy.jsonl import read_jsonl

__all__ = ["Labelled", "Labels", "label_of", "read_labels"]

_YES_NO = {"true": 1.0, "yes": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "0": 0.0}
_PAIRS = {"first": 1.0, "a": 1.0, "tie": 0.5, "second": 0.0, "b": 0.0}
_SHOWN = ("input", "context", "reference", "output", "first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One item that people labelled.

    Attributes:
        id: Of the item, or a digest of what was judged.
        material: What the judge is shown.
        human: What people say, as a grade of the scale.
        raters: What each of them said.
        run: Run it was drawn from, at random; None if it came from elsewhere.
        item: Its id in that run.
    """

    id: str
    material: Mapping[str, Any]
    human: float
    raters: tuple[float, ...]
    run: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A file of labels.

    Attributes:
        items: Those that people agree on, or have a majority.
        divided: Items left out since people are divided on them.
        unlabelled: Rows without a label.
        digest: Of the file, to tell one calibration's labels from another's.
    """

    items: tuple[Labelled, ...]
    divided: int
    unlabelled: int
    digest: str


def read_labels(path: Path, judge: Judge) -> Labels:
    """The labels of a file (JSONL or CSV), one to an item.

    Raises:
        InputError: The file cannot be read, a row lacks what the judge needs, or a label is not on its scale.
    """
    rows: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    unlabelled = 0
    for number, row in _rows(path):
        where = f"{path}:{number}"
        human = row.get("human")
        if human is None or human == "":
            unlabelled += 1
            continue
        material = {name: row[name] for name in _SHOWN if row.get(name) is not None}
        for name in judge.criterion.needs:
            if material.get(name) in (None, "", [], {}):
                raise InputError(
                    f"the row has no {name}, and the judge {judge.name} needs it",
                    where=where,
                    hint=f"rows hold {', '.join(judge.criterion.shows)} and human",
                )
        key = str(row.get("id") or row.get("item") or _digest(material))
        known = rows.setdefault(key, [])
        if known and {name: known[0][1].get(name) for name in material} != material:
            raise InputError(
                f"id {key!r:.80} stands for two different items",
                where=where,
                hint="give each an id of its own",
            )
        known.append((label_of(human, judge.scale, where=where), row))
    items, divided = [], 0
    for key, labels in rows.items():
        together = _one(judge.scale, [grade for grade, _ in labels])
        if together is None:
            divided += 1
            continue
        first = labels[0][1]
        drawn = isinstance(first.get("run"), str) and isinstance(first.get("item"), str)
        items.append(
            Labelled(
                id=key,
                material={name: first[name] for name in _SHOWN if first.get(name) is not None},
                human=together,
                raters=tuple(grade for grade, _ in labels),
                run=first["run"] if drawn else None,
                item=first["item"] if drawn else None,
            )
        )
    if not items:
        raise InputError(
            "nothing in it is labelled",
            where=str(path),
            hint="each row needs human: true or false, or a grade",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Labels(items=tuple(items), divided=divided, unlabelled=unlabelled, digest=digest)


def _rows(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    if path.suffix.lower() != ".csv":
        return read_jsonl(path)
    from launchworthy.gold.tables import read_csv

    rows, problems = read_csv(path)
    if problems:
        raise problems[0]
    return rows


def label_of(human: Any, scale: Scale, *, where: str) -> float:
    """A label as a grade of the scale: true or yes, a number, or first, second and tie.

    Raises:
        InputError: It is none.
    """
    text = human.strip().lower() if isinstance(human, str) else human
    if scale is YES_NO or scale is PAIRS:
        words = _YES_NO if scale is YES_NO else _PAIRS
        if isinstance(text, (bool, int, float)) and scale is YES_NO:
            text = str(text).lower().removesuffix(".0")
        if isinstance(text, str) and text in words:
            return words[text]
        raise InputError(
            f"the label {human!r:.40} is none of {', '.join(words)}", where=where, hint="see docs/judges.md"
        )
    try:
        grade = float(text)
    except (TypeError, ValueError):
        grade = float("nan")
    if isinstance(human, bool) or grade not in scale.grades:
        raise InputError(f"the label {human!r:.40} is not on the scale {scale.name}", where=where)
    return grade


def _one(scale: Scale, grades: Sequence[float]) -> float | None:
    """What several people say together; None where they are divided."""
    if scale.ordered and scale is not PAIRS:
        middle = median(grades)
        return float(middle) if middle in scale.grades else None
    (grade, count), *rest = Counter(grades).most_common()
    return None if rest and rest[0][1] == count else grade


def _digest(material: Mapping[str, Any]) -> str:
    text = json.dumps(material, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
