"""``launchworthy gold promote``, ``review`` and ``canary``: single items, and the mark of a set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import echo_json
from launchworthy.cli.gold_options import DATA, JSON, PRODUCT, user, workspace_at

if TYPE_CHECKING:
    from launchworthy.gold import GoldItem

__all__ = ["canary", "promote", "review"]


@click.command()
@click.argument("trace_id", metavar="TRACE")
@click.option("--name", required=True, help="Gold set, by convention the workflow; made if it is not there.")
@click.option("--expected", help="The truth, as text.")
@click.option(
    "--expected-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The truth, from a file: JSON where its name ends in .json, else text.",
)
@click.option("--slice", "slices", multiple=True, help="Tag the item.")
@PRODUCT
@DATA
@JSON
def promote(
    trace_id: str,
    name: str,
    expected: str | None,
    expected_file: Path | None,
    slices: tuple[str, ...],
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Make a gold item of what a user asked in a trace, with its provenance, as a new version of the set.

    The item is proposed: it is neither asked nor counted until someone has reviewed it. Refused where the
    text was not stored, or where the trace read data that the contract does not let anyone learn from.
    """
    from launchworthy.cli.product import product_of

    if expected is not None and expected_file is not None:
        raise click.UsageError("--expected and --expected-file are one or the other")
    truth = expected if expected_file is None else _truth(expected_file)
    with workspace_at(data) as workspace:
        version = workspace.promote_trace(
            product=product_of(workspace, product),
            name=name,
            trace_id=trace_id,
            expected=truth,
            slices=list(slices),
            by=user(),
        )
    if as_json:
        echo_json({"name": version.name, "version": version.version, "item": f"t-{trace_id[:16]}"})
    else:
        click.echo(f"{version.name}@{version.version} has t-{trace_id[:16]}, which waits for review:")
        click.echo(f"  launchworthy gold review {version.name} t-{trace_id[:16]} --accept")
    return 0


def _truth(path: Path) -> object:
    import json

    from launchworthy.errors import InputError

    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix.lower() == ".json" else text.strip()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the file is not UTF-8 JSON or text: {error}", where=str(path)) from error


@click.command()
@click.argument("name")
@click.argument("item", required=False)
@click.option(
    "--accept", "status", flag_value="reviewed", help="The item stands: it may be asked, and counts."
)
@click.option("--reject", "status", flag_value="rejected", help="The item does not stand; say why.")
@click.option("--because", default="", help="Why.")
@click.option("--expected", help="The truth, where the item has none yet or a wrong one.")
@PRODUCT
@DATA
@JSON
def review(
    name: str,
    item: str | None,
    status: str | None,
    because: str,
    expected: str | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Review an item, as a new version of the set; without an item, list those that wait.

    Items that wait are shown whole whatever their split, since nothing has been measured on them yet.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.gold import ReviewStatus

    if item is not None and status is None:
        raise click.UsageError("say --accept or --reject")
    if item is None and status is not None:
        raise click.UsageError("say which item")
    with workspace_at(data) as workspace:
        known = product_of(workspace, product)
        if item is None:
            return _waiting(workspace.waiting_items(product=known, name=name), as_json=as_json)
        version = workspace.review_item(
            product=known,
            name=name,
            item_id=item,
            status=ReviewStatus(str(status)),
            because=because,
            expected=expected,
            by=user(),
        )
    if as_json:
        echo_json({"name": version.name, "version": version.version, "item": item, "status": status})
    else:
        click.echo(f"{version.name}@{version.version}: {item} is {status}; {version.waiting:,} wait")
    return 0


def _waiting(items: Sequence[GoldItem], *, as_json: bool) -> int:
    import json

    from launchworthy.gold import gold_jsonl

    lines = gold_jsonl(items).splitlines()
    if as_json:
        echo_json({"waiting": [json.loads(line) for line in lines]})
        return 0
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("No item waits for review.")
    return 0


@click.command()
@click.argument("name")
@PRODUCT
@DATA
@JSON
def canary(name: str, product: str | None, data: Path | None, as_json: bool) -> None:
    """Print the canary of a set: a text that every export carries, and that must turn up nowhere else.

    Put it into documents that must not be learnt from either. Where it shows up in a stored prompt, answer
    or context, the claim gold/NAME/private is unmet.
    """
    from launchworthy.cli.product import product_of

    with workspace_at(data) as workspace:
        found = workspace.gold_canaries(product=product_of(workspace, product), name=name)
    if as_json:
        echo_json({"canaries": [{"text": one.text, "since": one.created_at.isoformat()} for one in found]})
        return
    for one in found:
        click.echo(one.text)
