"""A measurement with everything needed to judge it again. May import ``contract`` and ``errors``."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeGuard

from launchworthy.contract.claim import ClaimKind
from launchworthy.errors import InputError

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One measurement for one claim; append-only, and never aware of the threshold it will meet.

    Attributes:
        claim: Address of the claim it speaks for.
        kind: Kind of that claim (``bound``, ``attest`` …).
        value, low, high: Estimate and bounds in ``unit``; each bound holds alone with ``confidence``
            (one-sided). None where nothing could be measured. For ``delta`` they are of the paired
            difference candidate minus baseline. For ``never``, ``value`` is the number of breaches and
            ``n`` the occasions on which one could have happened.
        confidence: Level of each bound.
        n: Units of analysis behind it.
        unit: Canonical unit.
        unit_of_analysis: ``item``, ``call``, ``user``, ``conversation``, ``day`` …
        method: Named procedure.
        sample: Sufficient statistics (``successes``, ``n`` / ``mean``, ``variance``, ``n`` …) from which
            bounds at another level follow.
        release: Release id it was measured on; None if it does not depend on one.
        gold: ``name@version`` of the gold set, if any.
        slice: Slice it was measured on.
        source: Where it came from: ``run:ID``, ``records:FROM/TO``, ``gold:NAME@VERSION``, ``file:NAME``.
        producer: Who or what produced it: a person's address or ``launchworthy.evals 0.1.0``.
        observed_at: When the measurement was made (aware, UTC).
        valid_until: After this it no longer counts; None leaves it to the claim's ``valid_for_s``.
        unscored: Units that could not be measured; they count neither way.
        detail: What a reader needs to go down to the records: trace ids of the worst, counts, remarks.
        simulated: True when any of it comes from simulated users.
    """

    claim: str
    kind: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    n: int = 0
    unit: str = ""
    unit_of_analysis: str = "item"
    method: str = ""
    sample: Mapping[str, Any] = field(default_factory=dict)
    release: str | None = None
    gold: str | None = None
    slice: str | None = None
    source: str = ""
    producer: str = ""
    observed_at: datetime
    valid_until: datetime | None = None
    unscored: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False

    @property
    def tried(self) -> int:
        """Of how many ``unscored`` is a part: of all units, or of all items where samples share one."""
        items, outside = self.detail.get("items"), self.detail.get("outside", 0)
        if self.unit_of_analysis == "cluster" and type(items) is int and type(outside) is int:
            return max(self.n + self.unscored, items - outside)
        return self.n + self.unscored

    def __post_init__(self) -> None:
        for name in ("observed_at", "valid_until"):
            moment = getattr(self, name)
            if moment is None:
                continue
            if moment.tzinfo is None:
                raise InputError(
                    f"{name} has no time zone", where=self.claim, hint="write it in UTC, ending in Z"
                )
            object.__setattr__(self, name, moment.astimezone(UTC))
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is None:
                continue
            if math.isnan(number):
                raise InputError(
                    f"{name} is NaN", where=self.claim, hint="leave it out: what was not measured is null"
                )
            # One form for 1 and 1.0, so that a piece keeps its address through a file.
            object.__setattr__(self, name, float(number))

    def as_json(self) -> dict[str, Any]:
        """A plain mapping; times in ISO 8601, infinities as the strings ``inf`` and ``-inf``."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, where: str = "") -> Evidence:
        """Read what :meth:`as_json` wrote.

        Raises:
            InputError: A field is missing, unknown or of the wrong type; names it.
        """
        known = cls.__dataclass_fields__
        unknown = sorted(set(plain) - set(known) - {"id"})
        if unknown:
            raise InputError(
                f"unknown field {unknown[0]!r}", where=where, hint=f"fields are {', '.join(sorted(known))}"
            )
        values = {key: item for key, item in plain.items() if key != "id"}
        for name in ("claim", "kind", "observed_at"):
            if not isinstance(values.get(name), str) or not values[name]:
                raise InputError(f"field {name!r} is missing or not text", where=where)
        if values["kind"] not in list(ClaimKind):
            raise InputError(
                f"unknown kind {values['kind']!r:.80}", where=where, hint=f"kinds are {', '.join(ClaimKind)}"
            )
        for name, item in values.items():
            expected = _SHAPES.get(name)
            if expected is not None and not isinstance(item, expected[0]):
                raise InputError(f"{name} is not {expected[1]}: {item!r:.80}", where=where)
        for name in ("observed_at", "valid_until"):
            if values.get(name) is not None:
                values[name] = _moment(name, values[name], where=where)
        for name in ("value", "low", "high"):
            if values.get(name) is not None:
                values[name] = _number(name, values[name], where=where)
        for name in ("n", "unscored"):
            count = values.get(name, 0)
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 2**63:
                raise InputError(f"{name} is not a count: {count!r:.80}", where=where)
        level = values.get("confidence", 0.95)
        if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0.5 <= level < 1:
            raise InputError(f"confidence is not between 0.5 and 1: {level!r:.80}", where=where)
        for name in ("sample", "detail"):
            if _depth_beyond(values.get(name), _DEEPEST):
                raise InputError(f"{name} is nested more than {_DEEPEST} deep", where=where)
        low, high = values.get("low"), values.get("high")
        if low is not None and high is not None and low > high:
            raise InputError(f"low {low!r} is above high {high!r}", where=where)
        return cls(**values)

    @property
    def disagreement(self) -> str:
        """What the counts of its sample say against its value; empty if nothing.

        Only a share of independent units is held to its counts: ``clusters`` in the sample says otherwise.
        """
        if self.kind not in (ClaimKind.BOUND, ClaimKind.DRILL) or self.unit not in ("ratio", ""):
            return ""
        successes, n = (self.sample.get(name) for name in ("successes", "n"))
        if self.value is None or "clusters" in self.sample or not (_counts(successes) and _counts(n)):
            return ""
        if not 0 <= successes <= n:
            return f"the sample has {successes!r:.40} successes of {n!r:.40}"
        if n == 0:
            return f"value is {self.value!r}, but the sample counted nothing"
        if math.isclose(self.value, successes / n, abs_tol=1e-9):
            return ""
        return (
            f"value is {self.value!r}, but the sample says {successes:,} of {n:,}, which is {successes / n!r}"
        )

    @property
    def id(self) -> str:
        """Content address: ``e-`` and 16 hex digits of the SHA-256 of the canonical JSON."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "e-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


_DEEPEST = 32
_TEXT, _MAYBE_TEXT, _FIELDS = (str, "text"), ((str, type(None)), "text"), (Mapping, "an object")
_SHAPES: Mapping[str, tuple[Any, str]] = {
    "unit": _TEXT,
    "unit_of_analysis": _TEXT,
    "method": _TEXT,
    "source": _TEXT,
    "producer": _TEXT,
    "release": _MAYBE_TEXT,
    "gold": _MAYBE_TEXT,
    "slice": _MAYBE_TEXT,
    "sample": _FIELDS,
    "detail": _FIELDS,
    "simulated": (bool, "true or false"),
}


def _plain(value: Any) -> Any:
    """A value as JSON has it. A NaN stays what it is, so that no ledger takes it."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return ("inf" if value > 0 else "-inf") if math.isinf(value) else value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _counts(item: Any) -> TypeGuard[int | float]:
    if isinstance(item, float):
        return math.isfinite(item)
    return isinstance(item, int) and not isinstance(item, bool)


def _depth_beyond(value: Any, most: int) -> bool:
    """Whether lists and objects are nested deeper; walks level by level, so that depth costs no stack."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for each in level
            if isinstance(each, (Mapping, list))
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, (Mapping, list)) for each in level)


def _moment(name: str, text: Any, *, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{name} is not a time: {text!r:.80}", where=where, hint="write 2026-11-24T09:00:00Z"
        ) from error
    raise InputError(f"{name} has no time zone", where=where, hint="write it in UTC, ending in Z")


def _number(name: str, item: Any, *, where: str) -> float:
    if item in ("inf", "-inf"):
        return float(item)
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        try:
            return float(item)
        except OverflowError:
            pass
    raise InputError(f"{name} is not a number: {item!r:.80}", where=where)
