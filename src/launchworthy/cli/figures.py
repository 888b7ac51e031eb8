"""How commands on files read shares and print intervals. No command of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.metrics import Metric
    from launchworthy.stats import Interval

__all__ = [
    "SHARE",
    "VERDICT_CODES",
    "columns_text",
    "echo_json",
    "equal_p",
    "finite",
    "format_p",
    "plain_interval",
    "printable",
    "read_metric",
    "shown",
]

VERDICT_CODES = {"met": 0, "unmet": 1, "unproven": 2}


class _Share(click.ParamType[float]):
    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from launchworthy.quantity import parse_quantity

        if isinstance(value, float):
            return value
        try:
            quantity = parse_quantity(f"0{value}" if value.startswith(".") else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if quantity.unit not in ("", "ratio"):
            self.fail(f"{value!r} is not a share; write 0.95 or 95 %", param, ctx)
        if 1 < quantity.value <= 100 and not quantity.unit:
            self.fail(f"{value!r} is more than all; did you mean {value.strip()} %?", param, ctx)
        return quantity.value


SHARE = _Share()


def finite(number: float | None) -> float | None:
    """The number; None for a bound that is not there, since JSON has no infinity."""
    return number if number is not None and math.isfinite(number) else None


def plain_interval(interval: Interval | None, *, confidence: float) -> dict[str, Any]:
    """The fields that every JSON answer carries; null where nothing was measured or nothing bounds it."""
    if interval is None:
        return {"value": None, "low": None, "high": None, "confidence": confidence, "n": 0, "method": None}
    return {
        "value": interval.value,
        "low": finite(interval.low),
        "high": finite(interval.high),
        "confidence": interval.confidence,
        "n": interval.n,
        "method": interval.method,
        "sides": interval.sides,
        "sample": {
            name: finite(entry) if isinstance(entry, float) else entry
            for name, entry in interval.sample.items()
        },
    }


def shown(interval: Interval | None, *, unit: str, n: int = 0, count: bool = True) -> str:
    """An interval as it is printed anywhere, ``n`` standing for its n where nothing was measured."""
    from dataclasses import replace

    from launchworthy.quantity import format_interval, format_value

    if interval is None:
        return format_interval(None, None, None, n=n if count else None)
    if count:
        return str(replace(interval, unit=unit))
    if not (math.isfinite(interval.low) or math.isfinite(interval.high)):
        return f"{format_value(interval.value, unit=unit)} (no bounds)"
    return format_interval(interval.value, interval.low, interval.high, unit=unit)


def format_p(chance: float) -> str:
    """A p-value: small ones are not worth their digits."""
    return "< 0.0001" if chance < 0.0001 else f"{chance:.4f}"


def equal_p(chance: float) -> str:
    """A p-value in a sentence: ``p = 0.0312``, ``p < 0.0001``."""
    told = format_p(chance)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def columns_text(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells as aligned text."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))] if lines else []
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def echo_json(answer: dict[str, Any]) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False))


def printable(text: str, *, most: int = 60) -> str:
    """Text of others on one line, without what would move a terminal's cursor or change its colours."""
    flat = "".join(" " if character.isspace() else character for character in text)
    clean = "".join(character if character.isprintable() else "�" for character in flat)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def read_metric(name: str, options: tuple[str, ...]) -> Metric:
    """The metric with its ``KEY=VALUE`` options.

    Raises:
        InputError: No such metric or option.
    """
    from launchworthy.metrics import find_metric

    given: dict[str, str] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{option!r} is not KEY=VALUE", param_hint="--option")
        given[key.strip()] = value
    return find_metric(name, options=given)
