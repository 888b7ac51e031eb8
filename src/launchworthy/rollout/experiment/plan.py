"""What an experiment is to show, as it was written down before it began. May import ``errors``, ``quantity``,
``stats``; loads the YAML reader of ``contract`` when a file comes.

A plan fixes what could otherwise be chosen by what was seen: the arms and their shares, the metrics and what
each is for, the margins, the looks, how outliers are treated.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.quantity import parse_quantity
from launchworthy.stats import SPENDING

__all__ = [
    "CORRECTIONS",
    "Kind",
    "Metric",
    "Plan",
    "Role",
    "block_of",
    "metric_of",
    "plan_of",
    "read_mapping",
    "read_plan",
    "values_of",
]

CORRECTIONS = ("holm", "benjamini-hochberg")
_MOST = 200  # metrics or arms


class Role(StrEnum):
    """What a metric is for."""

    GOAL = "goal"  # it is to get better
    HARM = "harm"  # it may not get worse than its margin allows


class Kind(StrEnum):
    """How a metric is made from a user's rows."""

    MEAN = "mean"  # of each user's sum; a share where every user has 0 or 1
    RATIO = "ratio"  # of two sums, users being the independent units
    QUANTILE = "quantile"  # of all rows
    TIME = "time"  # until something happens
    JUDGED = "judged"  # scores of a judge, corrected by people's labels of some rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of an experiment.

    Attributes:
        name: What it is called.
        role: What it is for.
        column: Where its values stand; its name unless said.
        denominator: Column of what a ratio is over.
        covariate, covariate_denominator: Columns of the same from before the user was assigned.
        quantile: Which one, for a quantile.
        happened, horizon: Column that says whether it happened, and until when time is counted.
        human: Column of people's labels, empty where nobody labelled.
        winsorise: Share of users' values beyond which they are set to the value there; 1 leaves all as is.
        margin: How much worse it may be.
        least: How much better a goal must be shown to be.
        detect: Difference that one would not want to miss: what the sample is planned for.
        higher_is_better: Which way is good.
        relative: Whether differences, margins and so on are shares of the baseline's value.
        unit: Canonical unit of its values.
    """

    name: str
    role: Role = Role.GOAL
    column: str = ""
    denominator: str | None = None
    covariate: str | None = None
    covariate_denominator: str | None = None
    quantile: float | None = None
    happened: str | None = None
    horizon: float | None = None
    human: str | None = None
    winsorise: float = 1.0
    margin: float = 0.0
    least: float = 0.0
    detect: float | None = None
    higher_is_better: bool = True
    relative: bool = False
    unit: str = ""

    @property
    def kind(self) -> Kind:
        """Told by which columns it names."""
        if self.quantile is not None:
            return Kind.QUANTILE
        if self.happened is not None:
            return Kind.TIME
        if self.human is not None:
            return Kind.JUDGED
        return Kind.RATIO if self.denominator is not None else Kind.MEAN

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it is made from."""
        named = (
            self.column or self.name,
            self.denominator,
            self.covariate,
            self.covariate_denominator,
            self.happened,
            self.human,
        )
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment as it was planned.

    Attributes:
        name: The experiment's key.
        metrics: By name.
        shares: Planned share of each arm, by its name; empty: as many in each arm.
        baseline: Arm that the others are compared with; the first where empty.
        user, arm: Columns of rows.
        strata: Column of what was known of a user before, to weigh by.
        confidence: Of each two-sided interval.
        looks: Shares of the planned users at which it may ship; the last is 1.
        users: Planned, in all arms together; None: what is there is all there will be.
        spending: How looks share the error.
        correction: How goals share it.
        prior_sd: Standard deviation, relative to the baseline, of what is believed of a change beforehand.
        low_risk: Whether shares may follow what is seen (see ``allocation``).
    """

    name: str = ""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    baseline: str = ""
    user: str = "user"
    arm: str = "arm"
    strata: str | None = None
    confidence: float = 0.95
    looks: tuple[float, ...] = (1.0,)
    users: int | None = None
    spending: str = "obrien-fleming"
    correction: str = "holm"
    prior_sd: float | None = None
    low_risk: bool = False

    def with_arms(self, seen: list[str]) -> Plan:
        """The plan for the arms that were seen, where it named none.

        Raises:
            InputError: An arm that it does not know, fewer than two, or no such baseline.
        """
        shares = dict(self.shares) or dict.fromkeys(seen, 1.0)
        unknown = [name for name in seen if name not in shares]
        if unknown:
            raise InputError(
                f"the arm {unknown[0]!r} is not in the plan", hint=f"planned are {', '.join(shares)}"
            )
        if len(shares) < 2:
            raise InputError(
                "an experiment has two arms at least", hint=f"found: {', '.join(shares) or 'none'}"
            )
        baseline = self.baseline or _likely(list(shares))
        if baseline not in shares:
            raise InputError(f"no arm is called {baseline!r}", hint=f"there are {', '.join(shares)}")
        return replace(self, shares=shares, baseline=baseline)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Arms that are compared with the baseline."""
        return tuple(name for name in self.shares if name != self.baseline)


def _likely(arms: list[str]) -> str:
    """The arm that is the baseline by its name, else the first."""
    for name in arms:
        if name.lower() in ("control", "baseline", "a", "0", "off", "false", "current"):
            return name
    return arms[0]


def read_plan(path: Path) -> Plan:
    """Read a plan from a YAML or JSON file.

    Raises:
        InputError: It cannot be read, or says what no plan does; ``where`` is the file and what is wrong.
    """
    return plan_of(read_mapping(path), where=str(path))


def read_mapping(path: Path) -> Any:
    """The value in a YAML or JSON file.

    Raises:
        InputError: It cannot be read; ``where`` is the file, the line and the column.
    """
    from launchworthy.contract.document import read_document

    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"the plan cannot be read: {error.strerror or error}", where=str(path)) from error
    document = read_document(source, file=str(path))
    if document.problems:
        first = document.problems[0]
        place = f"{path}:{first.place.line}:{first.place.column}"
        raise InputError(first.message, where=place, hint=first.hint)
    return document.value


def plan_of(value: Any, *, where: str) -> Plan:
    """The plan that a mapping describes.

    Raises:
        InputError: It is no mapping, a name is unknown, or a value is not what stands under that name.
    """
    given = block_of(value, _PLAN, where, "a plan")
    read = {_FIELDS.get(key, key): _PLAN[key](entry, f"{where}: {key}") for key, entry in given.items()}
    looks = read.get("looks", (1.0,))
    if "users" not in read and len(looks) > 1:
        raise InputError("looks are shares of planned users: say how many", where=where, hint="users: 40000")
    return Plan(**read)


def metric_of(name: str, value: Any, *, where: str) -> Metric:
    """The metric that a mapping describes.

    Raises:
        InputError: As :func:`plan_of`.
    """
    given = block_of({} if value is None else value, _METRIC, where, "a metric")
    read: dict[str, Any] = {}
    units = set()
    for key, entry in given.items():
        found = _METRIC[key](entry, f"{where}: {key}")
        if isinstance(found, tuple) and key in ("margin", "least", "detect", "horizon"):
            found, unit = found
            units |= {unit} if unit else set()
        read[_FIELDS.get(key, key)] = found
    if read.get("relative"):
        units -= {"ratio"}
    if len(units) > 1 and "unit" not in read:
        raise InputError(f"units differ: {', '.join(sorted(units))}", where=where)
    read.setdefault("unit", next(iter(units), ""))
    metric = Metric(name=name, **read)
    _agree(metric, where)
    return metric


def _agree(metric: Metric, where: str) -> None:
    several = [
        name
        for name, there in (
            ("denominator", metric.denominator),
            ("quantile", metric.quantile),
            ("happened", metric.happened),
            ("human", metric.human),
        )
        if there is not None
    ]
    if len(several) > 1:
        raise InputError(f"a metric has one of {' and '.join(several)}", where=where)
    if metric.covariate is not None and metric.kind not in (Kind.MEAN, Kind.RATIO):
        raise InputError(f"a {metric.kind} takes no covariate", where=where)
    if (metric.covariate_denominator is None) != (metric.covariate is None or metric.denominator is None):
        raise InputError(
            "a ratio is adjusted by a ratio: covariate and covariate_denominator, or neither", where=where
        )
    if (metric.happened is None) != (metric.horizon is None):
        raise InputError("a time takes happened and horizon, both", where=where)
    if metric.relative and metric.kind not in (Kind.MEAN, Kind.RATIO):
        raise InputError(f"a {metric.kind} is compared absolutely", where=where, hint="leave out relative")


def values_of(name: str) -> Any:
    """How the value under a name is read: called with the value and its place."""
    return {**_PLAN, **_METRIC, "any": _quantity, "rate": _rate}[name]


def _rate(value: Any, where: str) -> float:
    number, unit = _quantity(value, where)
    if unit not in ("", "ratio") or not 0.0 <= number <= 1.0:
        raise InputError(f"{value!r:.60} is no share", where=where, hint="write 0.62 or 62 %")
    return number


def block_of(value: Any, known: Mapping[str, Any], where: str, what: str) -> dict[str, Any]:
    """A mapping whose names are all known.

    Raises:
        InputError: It is none, or has another; the hint is the nearest one.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"{what} is a mapping of names to values", where=where)
    for key in value:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(known)}"
            raise InputError(f"{what} has no {key[:60]!r}", where=where, hint=hint)
    return dict(value)


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise InputError(f"{value!r:.60} is no name", where=where)
    return str(value)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{value!r:.60} is neither true nor false", where=where)
    return value


def _quantity(value: Any, where: str) -> tuple[float, str]:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{value!r:.60} is not a quantity", where=where)
    try:
        found = parse_quantity(value)
    except ValueError as error:
        raise InputError(str(error), where=where) from error
    return found.value, found.unit


def _positive(value: Any, where: str) -> tuple[float, str]:
    number, unit = _quantity(value, where)
    if number < 0.0:
        raise InputError(
            f"{value!r:.60} is below 0", where=where, hint="write how much, as a positive number"
        )
    return number, unit


def _share(value: Any, where: str) -> float:
    number, unit = _quantity(value, where)
    if unit not in ("", "ratio") or not 0.0 < number <= 1.0:
        raise InputError(f"{value!r:.60} is no share above 0", where=where, hint="write 0.95 or 95 %")
    return number


def _inner(value: Any, where: str) -> float:
    number = _share(value, where)
    if number >= 1.0:
        raise InputError(f"{value!r:.60} is not below 1", where=where, hint="write 0.95 or 95 %")
    return number


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{value!r:.60} is no number of users", where=where)
    return value


def _chosen(*choices: str) -> Any:
    def read(value: Any, where: str) -> str:
        if value not in choices:
            raise InputError(f"{value!r:.60} is none of {', '.join(choices)}", where=where)
        return str(value)

    return read


def _looks(value: Any, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise InputError("looks are a list of shares", where=where, hint="looks: [5 %, 25 %, 100 %]")
    looks = [_share(entry, where) for entry in value]
    if any(late <= early for early, late in pairwise(looks)):
        raise InputError("looks do not ascend", where=where)
    return tuple(looks if looks[-1] == 1.0 else [*looks, 1.0])


def _arms(value: Any, where: str) -> dict[str, float]:
    if isinstance(value, list):
        value = dict.fromkeys((_text(entry, where) for entry in value), 1)
    if not isinstance(value, Mapping) or not 2 <= len(value) <= _MOST:
        raise InputError(f"arms are a mapping of 2 to {_MOST} names to their shares", where=where)
    found = {}
    for name, share in value.items():
        number, unit = _quantity(share, f"{where}.{name}")
        if unit not in ("", "ratio") or not 0.0 < number < math.inf:
            raise InputError(f"{share!r:.60} is no share above 0", where=f"{where}.{name}")
        found[_text(name, where)] = number
    return found


def _metrics(value: Any, where: str) -> dict[str, Metric]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= _MOST:
        raise InputError(f"metrics are a mapping of 1 to {_MOST} names to what they are", where=where)
    return {
        name: metric_of(name, entry, where=f"{where}.{name}")
        for name, entry in ((_text(key, where), entry) for key, entry in value.items())
    }


_FIELDS = {"experiment": "name", "arms": "shares"}
_PLAN: Mapping[str, Any] = {
    "experiment": _text,
    "metrics": _metrics,
    "arms": _arms,
    "baseline": _text,
    "user": _text,
    "arm": _text,
    "strata": _text,
    "confidence": _inner,
    "looks": _looks,
    "users": _count,
    "spending": _chosen(*SPENDING),
    "correction": _chosen(*CORRECTIONS),
    "prior_sd": lambda value, where: _positive(value, where)[0],
    "low_risk": _flag,
}
_METRIC: Mapping[str, Any] = {
    "role": lambda value, where: Role(_chosen(*Role)(value, where)),
    "column": _text,
    "denominator": _text,
    "covariate": _text,
    "covariate_denominator": _text,
    "quantile": _inner,
    "happened": _text,
    "horizon": _positive,
    "human": _text,
    "winsorise": _share,
    "margin": _positive,
    "least": _positive,
    "detect": _positive,
    "higher_is_better": _flag,
    "relative": _flag,
    "unit": _text,
}
