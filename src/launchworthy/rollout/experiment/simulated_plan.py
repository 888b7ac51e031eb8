"""A ramp as it would run, and what its metrics are thought to be, for the simulation. Pure but for the file.

May import ``errors``, ``quantity`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.rollout.experiment.plan import Role, block_of, read_mapping, values_of

__all__ = ["SimulatedMetric", "SimulatedPlan", "read_simulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMetric:
    """A metric as it is thought to be.

    Attributes:
        name, role, margin, least, higher_is_better: As in an experiment's plan.
        rate: Share of the baseline, for yes or no.
        mean, sd: Of the baseline's users, for scores.
        change: What the candidate is hoped to change it by.
        harm: What a bad candidate would change it by; for a harm, twice its margin unless said.
    """

    name: str
    role: Role = Role.GOAL
    rate: float | None = None
    mean: float = 0.0
    sd: float | None = None
    change: float = 0.0
    harm: float | None = None
    margin: float = 0.0
    least: float = 0.0
    higher_is_better: bool = True

    @property
    def sign(self) -> float:
        """1 where more is better, else −1."""
        return 1.0 if self.higher_is_better else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPlan:
    """A ramp as it would run.

    Attributes:
        stages: Share of users that get the candidate, and days, one after another.
        per_day: Users who come each day.
        metrics: What is measured, goals and harms.
        confidence, spending: As in an experiment's plan.
        steps_per_day: How often harm is looked for.
        harms: How many share the error, where not all of them are simulated.
    """

    stages: tuple[tuple[float, float], ...]
    per_day: float
    metrics: tuple[SimulatedMetric, ...]
    confidence: float = 0.95
    spending: str = "obrien-fleming"
    steps_per_day: int = 1
    harms: int = 0


def read_simulated(path: Path) -> SimulatedPlan:
    """A plan to simulate, from YAML or JSON.

    Raises:
        InputError: It cannot be read, or is no such plan.
    """
    value, where = read_mapping(path), str(path)
    given = block_of(value, _PLAN, where, "a plan to simulate")
    for key in ("stages", "per_day", "metrics"):
        if key not in given:
            raise InputError(f"{key} is missing", where=where, hint="it takes stages, per_day and metrics")
    read = {key: _PLAN[key](entry, f"{where}: {key}") for key, entry in given.items()}
    return SimulatedPlan(**read)


def _stages(value: Any, where: str) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 50:
        raise InputError("stages are a list", where=where, hint="stages: [{share: 5 %, for: 2d}]")
    found = []
    for number, entry in enumerate(value):
        given = block_of(entry, {"share": None, "for": None, "name": None}, f"{where}[{number}]", "a stage")
        if "share" not in given or "for" not in given:
            raise InputError("a stage has a share and lasts `for` so long", where=f"{where}[{number}]")
        share, _ = values_of("margin")(given["share"], f"{where}[{number}].share")
        lasts, unit = values_of("margin")(given["for"], f"{where}[{number}].for")
        if share > 1.0:
            raise InputError(f"a share of {share:g} is above 1", where=f"{where}[{number}]")
        if unit != "ms" or lasts <= 0.0:
            raise InputError("`for` is no duration", where=f"{where}[{number}]", hint="write 2d or 12h")
        found.append((share, lasts / 86_400_000.0))
    return tuple(found)


def _per_day(value: Any, where: str) -> float:
    from launchworthy.contract.units import PERIOD_DAYS
    from launchworthy.quantity import parse_quantity

    try:
        found = parse_quantity(value) if isinstance(value, (int, float, str)) else None
    except ValueError as error:
        raise InputError(str(error), where=where) from error
    base, _, per = ("", "", "") if found is None else found.unit.partition("/")
    days = PERIOD_DAYS.get(per, 1.0) if per else 1.0
    if found is None or base not in ("", "1") or found.value <= 0.0 or (per and per not in PERIOD_DAYS):
        raise InputError(f"{value!r:.60} is no number of users a day", where=where, hint="write 4000/d")
    return found.value / days


def _steps_per_day(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_440:
        raise InputError(f"{value!r:.60} is no number of looks a day, 1 to 1440", where=where)
    return value


def _metrics(value: Any, where: str) -> tuple[SimulatedMetric, ...]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= 100:
        raise InputError("metrics are a mapping of names to what they are thought to be", where=where)
    return tuple(_metric(str(name), entry, f"{where}.{name}") for name, entry in value.items())


def _metric(name: str, value: Any, where: str) -> SimulatedMetric:
    given = block_of(value, _METRIC, where, "a metric")
    read = {}
    for key, entry in given.items():
        found = _METRIC[key](entry, f"{where}: {key}")
        read[key] = found[0] if isinstance(found, tuple) else found
    metric = SimulatedMetric(name=name, **read)
    if (metric.rate is None) == (metric.sd is None):
        raise InputError("a metric has a rate, or a mean and an sd", where=where)
    if metric.sd is not None and not metric.sd > 0.0:
        raise InputError("an sd is above 0", where=where)
    if metric.role is Role.HARM and metric.harm is None and not metric.margin:
        raise InputError("say what harm would be: harm, or a margin that it doubles", where=where)
    return metric


_PLAN: Mapping[str, Any] = {
    "stages": _stages,
    "per_day": _per_day,
    "metrics": _metrics,
    "confidence": values_of("confidence"),
    "spending": values_of("spending"),
    "steps_per_day": _steps_per_day,
}
_METRIC: Mapping[str, Any] = {
    "role": values_of("role"),
    "rate": values_of("rate"),
    "mean": values_of("any"),
    "sd": values_of("margin"),
    "change": values_of("any"),
    "harm": values_of("any"),
    "margin": values_of("margin"),
    "least": values_of("least"),
    "higher_is_better": values_of("higher_is_better"),
}
