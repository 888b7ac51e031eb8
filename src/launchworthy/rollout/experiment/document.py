"""An experiment as JSON: what each arm adds up to. May import ``errors``, ``stats`` and this room.

One metric or many; arms as a mapping or a list; a metric's own lines (``role``, ``margin`` …) may stand
beside its arms. The sums of a warehouse that GrowthBook reads (``main_sum`` …) are understood as they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.rollout.experiment.gathered import Gathered, SumArms
from launchworthy.rollout.experiment.plan import Metric, Plan, metric_of, plan_of
from launchworthy.stats import VARIABLES, ArmSums

__all__ = ["gather_document", "read_document"]

_MAX_BYTES = 64 * 1024 * 1024
_SINGLE = "metric"
# Sum of each variable, and of the product of each two; other spellings after the first.
_SUMS = {
    "value": ("sum", "main_sum"),
    "denominator": ("denominator_sum",),
    "covariate": ("covariate_sum",),
    "covariate_denominator": ("covariate_denominator_sum", "denominator_pre_sum"),
}
_PRODUCTS = {
    ("value", "value"): ("sum_squares", "main_sum_squares"),
    ("denominator", "denominator"): ("denominator_sum_squares",),
    ("covariate", "covariate"): ("covariate_sum_squares",),
    ("covariate_denominator", "covariate_denominator"): (
        "covariate_denominator_sum_squares",
        "denominator_pre_sum_squares",
    ),
    ("value", "denominator"): ("denominator_product", "main_denominator_sum_product"),
    ("value", "covariate"): ("covariate_product", "main_covariate_sum_product"),
    ("value", "covariate_denominator"): (
        "covariate_denominator_product",
        "main_post_denominator_pre_sum_product",
    ),
    ("denominator", "covariate"): (
        "denominator_covariate_product",
        "main_pre_denominator_post_sum_product",
    ),
    ("denominator", "covariate_denominator"): (
        "denominator_covariate_denominator_product",
        "denominator_post_denominator_pre_sum_product",
    ),
    ("covariate", "covariate_denominator"): (
        "covariate_covariate_denominator_product",
        "main_pre_denominator_pre_sum_product",
    ),
}
_USERS = ("n", "users", "count")
_NAMES = ("name", "arm", "id", "variation")
_SHARES = ("share", "weight")
_KNOWN = {
    name
    for spellings in (*_SUMS.values(), *_PRODUCTS.values(), _USERS, _NAMES, _SHARES)
    for name in spellings
} | {"strata", "metrics"}


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: It cannot be read, is no JSON object, or names a thing twice.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"the file is larger than {_MAX_BYTES:,} bytes", where=str(path))
        found = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        why = f"neither Parquet nor JSON: {str(error)[:200]}" if path.stat().st_size else "the file is empty"
        raise InputError(
            why, where=str(path), hint="give sums as a JSON object, or rows as Parquet"
        ) from error
    if not isinstance(found, dict):
        raise InputError(
            "the document is no JSON object",
            where=str(path),
            hint='write {"arms": {"control": {"n": …, "sum": …}, "candidate": {…}}}',
        )
    return found


def gather_document(
    document: Mapping[str, Any], *, where: str, plan: Plan | None = None
) -> tuple[Plan, Gathered]:
    """The plan, as far as the document completes it, and what it holds of each arm.

    Raises:
        InputError: A number that is missing or cannot be; ``where`` is the file and the place in it.
    """
    by_metric, shares = _laid_out(document, where)
    own = {
        key: value
        for key, value in document.items()
        if key
        in ("experiment", "baseline", "confidence", "looks", "users", "spending", "correction", "prior_sd")
        and not isinstance(value, Mapping)
    }
    whole = plan or plan_of(own, where=where)
    metrics: dict[str, Metric] = dict(whole.metrics)
    values: dict[str, SumArms] = {}
    users: dict[str, int] = {}
    for name, (lines, arms) in by_metric.items():
        if name not in metrics:
            metrics[name] = metric_of(name, lines, where=f"{where}: {name}")
        strata: dict[str, dict[str, ArmSums]] = {}
        for arm, sums in arms.items():
            for stratum, part in _strata(sums, f"{where}: {name}.{arm}"):
                read = _arm_sums(part, f"{where}: {name}.{arm}")
                strata.setdefault(stratum, {})[arm] = read
        values[name] = SumArms(strata=strata)
        metrics[name] = values[name].with_unit(metrics[name])
        for arm in arms:
            users[arm] = max(users.get(arm, 0), values[name].of(arm).n)
    missing = [name for name in whole.metrics if name not in values]
    if missing:
        raise InputError(f"the metric {missing[0]!r} of the plan is not there", where=where)
    if whole.shares == {} and shares:
        whole = replace(whole, shares={arm: shares.get(arm, 1.0) for arm in users})
    whole = replace(whole, metrics=metrics).with_arms(list(users))
    return whole, Gathered(users={arm: users.get(arm, 0) for arm in whole.shares}, values=values)


def _laid_out(
    document: Mapping[str, Any], where: str
) -> tuple[dict[str, tuple[dict[str, Any], dict[str, Any]]], dict[str, float]]:
    """Lines and arms of each metric, and the planned shares, whichever way they are written."""
    found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    arms = _named(document.get("arms", {}), f"{where}: arms")
    shares = {name: _planned(arm, f"{where}: arms.{name}") for name, arm in arms.items()}
    metrics = document.get("metrics")
    if metrics is not None:
        for name, entry in _named(metrics, f"{where}: metrics").items():
            if not isinstance(entry, Mapping):
                raise InputError("a metric is a mapping", where=f"{where}: metrics.{name}")
            lines = {key: value for key, value in entry.items() if key not in ("arms", *_NAMES)}
            found[name] = lines, _named(entry.get("arms", {}), f"{where}: metrics.{name}.arms")
            if not found[name][1]:
                # Arms stand side by side with the metric's lines: {"control": {…}, "candidate": {…}}.
                inside = {key: value for key, value in lines.items() if isinstance(value, Mapping)}
                found[name] = {key: lines[key] for key in lines if key not in inside}, inside
            for arm, sums in found[name][1].items():
                shares.setdefault(arm, _planned(sums, f"{where}: {name}.{arm}"))
    elif any(isinstance(arm, Mapping) and "metrics" in arm for arm in arms.values()):
        for arm, entry in arms.items():
            if not isinstance(entry, Mapping):
                raise InputError("an arm is a mapping", where=f"{where}: arms.{arm}")
            inner = _named(entry.get("metrics", {}), f"{where}: arms.{arm}.metrics")
            for name, sums in inner.items():
                if isinstance(sums, Mapping) and not any(key in sums for key in _USERS):
                    sums = {**{key: entry[key] for key in _USERS if key in entry}, **sums}
                found.setdefault(name, ({}, {}))[1][arm] = sums
    else:
        if not arms:
            arms = {
                key: value
                for key, value in document.items()
                if isinstance(value, Mapping) and any(name in value for name in _USERS)
            }
        lines = {key: value for key, value in document.items() if key in _LINES}
        name = document.get(_SINGLE, _SINGLE)
        found[name if isinstance(name, str) else _SINGLE] = lines, dict(arms)
    if not any(arms for _, arms in found.values()):
        raise InputError(
            "there are no arms",
            where=where,
            hint='write {"arms": {"control": {"n": …, "sum": …, "sum_squares": …}, "candidate": {…}}}',
        )
    return found, {name: share for name, share in shares.items() if share is not None}


_LINES = ("role", "margin", "least", "detect", "higher_is_better", "relative", "unit")


def _named(value: Any, where: str) -> dict[str, Any]:
    """A mapping by name, or a list whose entries have one."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, list):
        raise InputError("neither a mapping nor a list", where=where)
    found: dict[str, Any] = {}
    for number, entry in enumerate(value):
        names = [entry[key] for key in _NAMES if key in entry] if isinstance(entry, Mapping) else []
        if not names or not isinstance(names[0], (str, int)):
            raise InputError("it has no name", where=f"{where}[{number}]", hint='write "name": …')
        if str(names[0]) in found:
            raise InputError(f"{names[0]!r} stands there twice", where=where)
        found[str(names[0])] = entry
    return found


def _planned(arm: Any, where: str) -> float | None:
    if isinstance(arm, (int, float)) and not isinstance(arm, bool):
        return float(arm)  # {"arms": {"control": 0.5, …}}
    if not isinstance(arm, Mapping):
        return None
    given = [arm[key] for key in _SHARES if key in arm]
    if not given:
        return None
    share = _number(given[0], where)
    if share <= 0.0:
        raise InputError(f"a share of {share:g} is not above 0", where=where)
    return share


def _strata(sums: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(sums, Mapping) and "strata" in sums:
        yield from _named(sums["strata"], f"{where}.strata").items()
    else:
        yield "", sums


def _arm_sums(sums: Any, where: str) -> ArmSums:
    if not isinstance(sums, Mapping):
        raise InputError("an arm is a mapping of its sums", where=where, hint='{"n": …, "sum": …}')
    for key in sums:
        if key not in _KNOWN:
            raise InputError(
                f"an arm has no {str(key)[:60]!r}", where=where, hint="n, sum, sum_squares, denominator_sum …"
            )
    users = _number(_given(sums, _USERS, where), where)
    if users != int(users):
        raise InputError(f"{users:g} users are impossible", where=where)
    there = tuple(name for name in VARIABLES if any(key in sums for key in _SUMS[name]))
    totals = {name: _number(_given(sums, _SUMS[name], where), where) for name in there}
    yes_or_no = not any(key in sums for name in there for key in _PRODUCTS[(name, name)])
    products: dict[tuple[str, str], float] = {}
    for at, left in enumerate(there):
        for right in there[at:]:
            if left == right and yes_or_no:
                found = totals[left]  # the square of 0 and of 1 is itself
            else:
                found = _number(_given(sums, _PRODUCTS[(left, right)], where), where)
            products[(left, right)] = products[(right, left)] = found
    try:
        return ArmSums(
            n=int(users),
            sums=tuple(totals[name] for name in there),
            products=tuple(tuple(products[(left, right)] for right in there) for left in there),
            variables=there,
            yes_or_no=yes_or_no,
        )
    except InputError as error:
        raise InputError(error.message, where=where, hint=error.hint) from error


def _given(sums: Mapping[str, Any], spellings: tuple[str, ...], where: str) -> Any:
    for key in spellings:
        if key in sums:
            return sums[key]
    raise InputError(f"{spellings[0]} is missing", where=where)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{value!r:.60} is not a number", where=where)
    try:
        number = float(value)
    except OverflowError as error:
        raise InputError("a number is too large", where=where) from error
    if not math.isfinite(number):
        raise InputError(f"{number!r} is not finite", where=where)
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key[:60]!r} stands there twice")
        found[key] = value
    return found
