"""``launchworthy agreement``: do the people or judges who label agree?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.columns import require_rows, row_text
from launchworthy.cli.figures import SHARE, VERDICT_CODES, echo_json, plain_interval, printable

if TYPE_CHECKING:
    from launchworthy.stats import Interval

_WEIGHTS = {"nominal": None, "ordinal": "linear", "interval": "quadratic", "ratio": "quadratic"}
_TITLES = {
    "krippendorff_alpha": "Krippendorff's alpha",
    "cohen_kappa": "Cohen's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "pairwise_agreement": "pairs that agree",
    "agreed_items": "items agreed by all (the human ceiling)",
}


@dataclass(slots=True)
class _Labels:
    """The values of each item by rater."""

    by_item: dict[str, dict[str, Any]] = field(default_factory=dict)
    raters: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    unlabelled: int = 0


@click.command()
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    help="JSONL file: item, rater and value.",
)
@click.option(
    "--level",
    "scale",
    type=click.Choice(tuple(_WEIGHTS)),
    default="nominal",
    show_default=True,
    help="Of measurement: names, ranks, numbers, or sizes.",
)
@click.option("--at-least", type=SHARE, help="Krippendorff's alpha must be at least this, such as 0.67.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, scale: str, at_least: float | None, confidence: float, as_json: bool) -> int:
    """Say how far the people or judges who label agree beyond chance.

    Rows hold item, rater and value (null where the rater could not say). Exit code: 0 met, 1 unmet,
    2 unproven; 0 where no target is given.

    Example: launchworthy agreement --input labels.jsonl --at-least 0.67
    """
    from launchworthy.stats import bound_status

    labels = _read(file)
    found = _measure(labels, scale, confidence, 2 if at_least is None else 1)
    alpha = found["krippendorff_alpha"]
    status = None
    if at_least is not None:
        low, high = (None, None) if alpha is None else (alpha.low, alpha.high)
        status = bound_status(low, high, direction="at_least", threshold=at_least)
    if as_json:
        echo_json(
            {
                "metric": "krippendorff_alpha",
                **plain_interval(alpha, confidence=confidence),
                "level": scale,
                "status": status,
                "at_least": at_least,
                "items": len(labels.by_item),
                "raters": len(labels.raters),
                "rows": labels.rows,
                "unlabelled": labels.unlabelled,
                **{
                    name: plain_interval(interval, confidence=confidence)
                    for name, interval in found.items()
                    if name != "krippendorff_alpha"
                },
            }
        )
    else:
        _print(found, labels, status, at_least)
    return 0 if status is None else VERDICT_CODES[status]


def _read(file: Path) -> _Labels:
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl

    labels = _Labels()
    for line, row in read_jsonl(file):
        where = f"{file}:{line}"
        labels.rows += 1
        item, rater = (row_text(row, name, where=where) for name in ("item", "rater"))
        value = row.get("value")
        if value is not None and not isinstance(value, (bool, int, float, str)):
            raise InputError("value is no text, number or true/false", where=where)
        given = labels.by_item.setdefault(item, {})
        if rater in given:
            raise InputError(
                f"rater {printable(rater)!r} labelled item {printable(item)!r} before",
                where=where,
                hint="one row for each item and rater: the label that counts",
            )
        given[rater] = value
        labels.raters[rater] = labels.raters.get(rater, 0) + 1
        labels.unlabelled += value is None
    require_rows(labels.rows, file=file)
    return labels


def _measure(labels: _Labels, scale: str, confidence: float, sides: int) -> dict[str, Interval | None]:
    """Every coefficient that these labels allow: Cohen's for two raters, Fleiss' for equal numbers."""
    from launchworthy import stats

    ratings = [[value for value in given.values() if value is not None] for given in labels.by_item.values()]
    found: dict[str, Interval | None] = {
        "krippendorff_alpha": stats.krippendorff_alpha(ratings, scale=scale, level=confidence, sides=sides)
    }
    if len(labels.raters) == 2:
        both = [
            [given[rater] for rater in labels.raters]
            for given in labels.by_item.values()
            if all(given.get(rater) is not None for rater in labels.raters)
        ]
        if both:
            found["cohen_kappa"] = stats.cohen_kappa(
                [pair[0] for pair in both],
                second=[pair[1] for pair in both],
                weights=_WEIGHTS[scale],
                level=confidence,
                sides=sides,
            )
    if scale == "nominal" and len({len(item) for item in ratings}) == 1 and len(ratings[0]) > 1:
        found["fleiss_kappa"] = stats.fleiss_kappa(ratings, level=confidence, sides=sides)
    found["pairwise_agreement"] = stats.pairwise_agreement(ratings, level=confidence, sides=sides)
    found["agreed_items"] = stats.agreed_items(ratings, level=confidence, sides=sides)
    return found


def _print(
    found: dict[str, Interval | None], labels: _Labels, status: str | None, at_least: float | None
) -> None:
    from launchworthy.quantity import format_number

    if status is not None and at_least is not None:
        what = {"met": "is proven to be", "unmet": "is proven not to be", "unproven": "is not proven to be"}
        click.echo(f"{status}: Krippendorff's alpha {what[status]} at least {format_number(at_least)}")
    width = max(len(_TITLES[name]) for name in found)
    for name, interval in found.items():
        shown = "not measured: everybody used one value" if interval is None else str(interval)
        if interval is None and found["agreed_items"] is None:
            shown = "not measured: no item has labels of two raters"
        click.echo(f"{_TITLES[name]:{width}}  {shown}")
    alpha = found["krippendorff_alpha"]
    if alpha is not None:
        click.echo(f"{alpha.method}, {alpha.confidence:.6g}; items are the independent units")
    counts = (("item", len(labels.by_item)), ("rater", len(labels.raters)), ("label", labels.rows))
    click.echo(", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for noun, count in counts))
    if labels.unlabelled:
        click.echo(f"{labels.unlabelled:,} of them null: the rater could not say")
