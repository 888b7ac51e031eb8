"""From one row of a file to one gold item: which field means what, and what is wrong with it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.gold.item import GoldItem, Review, ReviewStatus
from launchworthy.gold.split import split_of
from launchworthy.gold.version import canonical_json

__all__ = ["ALIASES", "item_of"]

# The first name that a row has is the one meant; a second stays with the row as a further field.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "input": ("input", "question"),
    "expected": ("expected", "answer", "relevant"),
    "slices": ("slices", "tags"),
    "split": ("split",),
    "cluster": ("cluster",),
    "answerable": ("answerable",),
    "context": ("context",),
    "review": ("review",),
}
_LONGEST_NAME = 200
_MAX_SLICES = 100


def item_of(row: Mapping[str, Any], *, holdout: float, where: str, sealed: float = 0.0) -> GoldItem:
    """Read one row.

    ``answerable`` and the slices ``answerable`` and ``unanswerable`` say the same, so either gives the other.
    Without an id the item is named by its input and context, so that a corrected answer stays the same item.

    Args:
        row: Field name to JSON value.
        holdout: Share of items to keep back, where the row names no split.
        where: File and line, for the error.
        sealed: Share that only the launch gate may read, where the row names no split.

    Raises:
        InputError: Names the first field that is missing or of the wrong kind.
    """
    rest = dict(row)
    found: dict[str, Any] = {}
    for field, names in ALIASES.items():
        name = next((name for name in names if name in rest), None)
        if name is not None:
            found[field] = rest.pop(name)
            if name == "relevant" and isinstance(found[field], str):
                found[field] = [found[field]]
    given = found.get("input")
    if given is None or (isinstance(given, str) and not given.strip()):
        state = "is empty" if "input" in found else "is missing"
        raise InputError(
            f"the input {state}",
            where=where,
            hint="each row needs input (or question): what the target is asked",
        )
    context = found.get("context")
    slices, answerable = _answerable(
        _slices(found.get("slices"), where=where), _flag(found.get("answerable"), where=where), where=where
    )
    item_id = _item_id(found.get("id"), given, context, where=where)
    return GoldItem(
        id=item_id,
        input=given,
        expected=found.get("expected"),
        slices=slices,
        split=_split(found.get("split"), item_id, holdout, sealed, where=where),
        cluster=_name(found.get("cluster"), "cluster", where=where),
        answerable=answerable,
        context=context,
        review=_review(found.get("review"), where=where),
        meta=rest,
    )


def _item_id(given: Any, input_: Any, context: Any, *, where: str) -> str:
    own = _name(given, "id", where=where)
    if own is not None:
        return own
    return "i-" + hashlib.sha256(canonical_json([input_, context]).encode()).hexdigest()[:12]


def _name(value: Any, field: str, *, where: str) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InputError(f"{field} is {value!r:.80}, not text or a whole number", where=where)
    text = str(value)
    if text != text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise InputError(
            f"{field} {text!r:.80} cannot be a name",
            where=where,
            hint=f"at most {_LONGEST_NAME} printable characters, no space at either end",
        )
    return text


def _slices(value: Any, *, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > _MAX_SLICES:
        raise InputError(
            f"slices is {value!r:.80}, not a list of at most {_MAX_SLICES} names",
            where=where,
            hint='write ["paraphrase", "answerable"]',
        )
    read = [_name(name, "slice", where=where) for name in names]
    return tuple(sorted({name for name in read if name is not None}))


def _split(value: Any, item_id: str, holdout: float, sealed: float, *, where: str) -> str:
    if value is None or value == "":
        return split_of(item_id, holdout=holdout, sealed=sealed)
    if value not in ("dev", "holdout", "sealed"):
        raise InputError(
            f"split is {value!r:.80}, none of 'dev', 'holdout' and 'sealed'",
            where=where,
            hint="leave it out, and the id decides",
        )
    return str(value)


def _review(value: Any, *, where: str) -> Review | None:
    if value is None or value == "":
        return None
    told = {"status": value} if isinstance(value, str) else value
    hint = 'write proposed, reviewed or rejected, or {"status": "reviewed", "by": "ana"}'
    if not isinstance(told, dict) or told.get("status") not in list(ReviewStatus):
        raise InputError(
            f"review is {value!r:.80}, none of {', '.join(ReviewStatus)}", where=where, hint=hint
        )
    unknown = sorted(set(told) - {"status", "by", "at", "because"})
    if unknown or not all(isinstance(each, str) for each in told.values()):
        wrong = unknown[0] if unknown else next(k for k, v in told.items() if not isinstance(v, str))
        raise InputError(f"review has a field {wrong!r:.80} that is not read", where=where, hint=hint)
    try:
        at = datetime.fromisoformat(told["at"]) if told.get("at") else None
    except ValueError as error:
        raise InputError(f"review is of {told['at']!r:.40}, which is no time", where=where) from error
    if at is not None and at.tzinfo is None:
        raise InputError(
            f"review is of {told['at']!r:.40}, which names no time zone", where=where, hint="end it in Z"
        )
    return Review(
        status=ReviewStatus(told["status"]),
        by=told.get("by", ""),
        at=at,
        because=told.get("because", ""),
    )


def _flag(value: Any, *, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise InputError(f"answerable is {value!r:.80}, neither true nor false", where=where)


def _answerable(
    slices: tuple[str, ...], flag: bool | None, *, where: str
) -> tuple[tuple[str, ...], bool | None]:
    said = {name == "answerable" for name in slices if name in ("answerable", "unanswerable")}
    said |= set() if flag is None else {flag}
    if len(said) > 1:
        raise InputError("the row says both answerable and unanswerable", where=where)
    if not said:
        return slices, None
    answer = said.pop()
    return tuple(sorted({*slices, "answerable" if answer else "unanswerable"})), answer
