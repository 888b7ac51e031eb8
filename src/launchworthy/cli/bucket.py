"""``launchworthy bucket``: where units fall, by the algorithm of a flag vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_TOTAL = click.IntRange(1, 2**31 - 1)


@click.command()
@click.option("--algorithm", "name", help="Such as growthbook@2; --list prints all.")
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    help="JSON Lines with seed and value, and total where weights sum up to something else.",
)
@click.option("--total", type=_TOTAL, help="Sum of the weights, for flagd and the variants of Unleash.")
@click.option("--list", "list_all", is_flag=True, help="List the algorithms and what each calls a seed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
def command(name: str | None, file: Path | None, total: int | None, list_all: bool, as_json: bool) -> int:
    """Compute where units fall, by the algorithm of a flag vendor.

    The bucket is the number that this client works with: 0 to 1 for GrowthBook, LaunchDarkly and PostHog, 1
    to 100 for Unleash, 0 to 9999 for Optimizely and Statsig, 0 up to the sum of the weights (100 if not
    given) for flagd. The position is the same as a share from 0 to 1.

    Exit code: 0; 64 if a line cannot be read.

    Example: launchworthy bucket --algorithm growthbook@2 --input units.jsonl
    """
    from launchworthy.rollout.bucketing import ALGORITHMS, algorithm

    if list_all:
        if as_json:
            for each in ALGORITHMS.values():
                _line({"name": each.name, "seed": each.seeded, "source": each.source})
        else:
            width = max(map(len, ALGORITHMS))
            for each in ALGORITHMS.values():
                click.echo(f"{each.name:<{width}}  seed: {each.seeded}\n{'':<{width}}  {each.source}")
        return 0
    if name is None or file is None:
        raise click.UsageError("give --algorithm NAME and --input FILE, or --list")
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl

    chosen = algorithm(name)
    if total is not None and not chosen.total:
        raise click.UsageError(f"the buckets of {name} do not depend on the sum of weights: no --total")
    for number, row in read_jsonl(file):
        where = f"{file}:{number}"
        try:
            seed, value, summed = _unit(row, total)
            bucket, position = chosen.bucket(seed, value, total=summed), chosen.position(seed, value)
        except InputError as error:
            raise InputError(error.message, where=f"{where} {error.where}", hint=error.hint) from error
        if as_json:
            _line({"seed": seed, "value": value, "bucket": bucket, "position": position})
        else:
            click.echo(f"{bucket:<10g} {seed} {value}")
    return 0


def _unit(row: dict[str, Any], total: int | None) -> tuple[str, Any, int | None]:
    from launchworthy.errors import InputError

    for field in ("seed", "value"):
        if field not in row:
            raise InputError(f"no {field}", where=field, hint='write {"seed": "checkout", "value": "user-1"}')
    seed, value, summed = row["seed"], row["value"], row.get("total", total)
    if isinstance(seed, int) and not isinstance(seed, bool):
        seed = str(seed)
    if not isinstance(seed, str):
        raise InputError(f"a seed is a text or a whole number, not {seed!r:.40}", where="seed")
    if isinstance(value, (dict, list)):
        raise InputError(f"a value is one text or number, not {value!r:.40}", where="value")
    if summed is not None and (isinstance(summed, bool) or not isinstance(summed, int)):
        raise InputError(f"a total is a whole number, not {summed!r:.40}", where="total")
    return seed, value, summed


def _line(row: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(row, ensure_ascii=False))
