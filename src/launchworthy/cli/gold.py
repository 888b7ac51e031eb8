"""``launchworthy gold``: private, versioned sets of questions and their truth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import SHARE, echo_json, printable
from launchworthy.cli.gold_check import check
from launchworthy.cli.gold_coverage import coverage
from launchworthy.cli.gold_items import canary, promote, review
from launchworthy.cli.gold_options import (
    DATA,
    JSON,
    MANY,
    PRODUCT,
    declared_shares,
    items_of_file,
    times,
    user,
    workspace_at,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from launchworthy.gold import GoldDiff, GoldItem, GoldVersion, Look
    from launchworthy.server import Workspace


@click.group()
def command() -> None:
    """Import, check, review, compare and export gold sets."""


for _command in (check, coverage, promote, review, canary):
    command.add_command(_command)


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the set; by convention that of its workflow.")
@click.option(
    "--holdout",
    type=SHARE,
    help="Share kept back, where rows name no split [what launchworthy.yaml says of the set, else 40 %].",
)
@click.option(
    "--sealed",
    type=SHARE,
    help="Share that only the launch gate reads, likewise [what launchworthy.yaml says, else none].",
)
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which field a column is, such as question=input or label=expected.",
)
@click.option("--note", default="", help="What is new in this version.")
@PRODUCT
@DATA
@JSON
@click.pass_context
def import_set(
    ctx: click.Context,
    file: Path,
    name: str,
    holdout: float | None,
    sealed: float | None,
    columns: tuple[str, ...],
    note: str,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Import a JSONL, CSV, Parquet or YAML file as a version; whole, or not at all.

    A Hugging Face data set is imported too: a folder that save_to_disk wrote, or hf:NAME, either with :SPLIT.
    Of broken rows the first 20 are told, and how many there are; all of them with --json.
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.gold import DEFAULT_HOLDOUT, freeze, read_gold

    for option, share in (("--holdout", holdout), ("--sealed", sealed)):
        if share is not None and not 0 <= share <= 1:
            raise click.BadParameter("a share is from 0 to 1; write 40 % or 0.4", param_hint=option)
    declared = declared_shares(name, product=product) or (DEFAULT_HOLDOUT, 0.0)
    read = read_gold(
        file,
        holdout=declared[0] if holdout is None else holdout,
        sealed=declared[1] if sealed is None else sealed,
        columns=_columns(columns),
    )
    if read.problems:
        if as_json:
            echo_json({"problems": [{"where": one.where, "message": one.message} for one in read.problems]})
        for problem in read.problems[:MANY]:
            click.echo(f"{problem.where}: {problem.message}", err=True)
        if len(read.problems) > MANY:
            more = len(read.problems) - MANY
            click.echo(f"… and {more:,} more; --json lists them all", err=True)
        rows = "1 row is" if len(read.problems) == 1 else f"{len(read.problems):,} rows are"
        click.echo(f"error: {rows} broken, so nothing was imported", err=True)
        ctx.exit(64)
    with workspace_at(data) as workspace:
        version, items = freeze(
            read.items,
            product=product_of(workspace, product),
            name=name,
            created_at=datetime.now(UTC),
            note=note,
        )
        known = {old.version for old in workspace.gold_versions(product=version.product, name=name)}
        workspace.add_gold(version, items)
    if as_json:
        echo_json(_plain(version) | {"new": version.version not in known})
    elif version.version in known:
        click.echo(f"{name}@{version.version} was there already; nothing changed.")
    else:
        click.echo(f"{name}@{version.version}: {_counts(version)}")
    return 0


@command.command(name="list")
@PRODUCT
@DATA
@JSON
def list_sets(product: str | None, data: Path | None, as_json: bool) -> None:
    """List the versions, newest first, with the readings of their holdout so far."""
    from launchworthy.gold import looks_spent

    with workspace_at(data) as workspace:
        products = [product] if product else workspace.products()
        versions = [version for name in products for version in workspace.gold_versions(product=name)]
        looks = [len(looks_spent(workspace, version)) for version in versions]
    if as_json:
        rows = [_plain(v) | {"looks": n} for v, n in zip(versions, looks, strict=True)]
        click.echo(json.dumps(rows, indent=2))
        return
    if not versions:
        click.echo("No gold sets. Import one with: launchworthy gold import FILE --name NAME")
    for version, spent in zip(versions, looks, strict=True):
        click.echo(
            f"{version.product}  {version.name}@{version.version}  {version.created_at:%Y-%m-%d %H:%M} UTC  "
            f"{_counts(version)}; holdout read {times(spent)}"
        )


@command.command()
@click.argument("reference", metavar="NAME[@VERSION]")
@click.option("--items", "with_items", is_flag=True, help="Print the items of the dev split too.")
@click.option("--holdout", is_flag=True, help="Print the holdout's items too; this reading is counted.")
@click.option(
    "--sealed", is_flag=True, help="Print the sealed items too; this reading spends them for every release."
)
@PRODUCT
@DATA
@JSON
def show(
    reference: str,
    with_items: bool,
    holdout: bool,
    sealed: bool,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show a version: its slices, its splits, who read its holdout, and its items if asked."""
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.gold import SEALED, find_version, gold_jsonl, looks_spent

    with workspace_at(data) as workspace:
        version = find_version(workspace, reference, product=product_of(workspace, product))
        now = datetime.now(UTC)
        wanted = [name for name, is_asked in (("dev", with_items), ("holdout", holdout)) if is_asked]
        split = "all" if len(wanted) == 2 else wanted[0] if wanted else None
        items = _items(workspace, version, split=split, sealed=sealed, purpose="gold show", now=now)
        looks = looks_spent(workspace, version)
        opened = looks_spent(workspace, version, split=SEALED)
    lines = gold_jsonl(items).splitlines()
    if as_json:
        plain = _plain(version) | {
            "looks": [_plain_look(look) for look in looks],
            "sealed_looks": [_plain_look(look) for look in opened],
            "rows": [json.loads(line) for line in lines],
        }
        echo_json(plain)
        return
    click.echo(f"{version.product}  {version.name}@{version.version}")
    click.echo(f"frozen {version.created_at:%Y-%m-%d %H:%M} UTC  {version.note}".rstrip())
    click.echo(_counts(version))
    for name, count in version.slices.items():
        click.echo(f"  {name:30} {count:>7,}")
    for name, known in (("holdout", looks), ("sealed split", opened)):
        if name == "holdout" or known or version.splits.get(SEALED):
            click.echo(f"{name} read {times(len(known))}")
        for look in known:
            click.echo(f"  {look.at:%Y-%m-%d %H:%M} UTC  {look.by}  {look.purpose}")
    for line in lines:
        click.echo(line)


@command.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--values", is_flag=True, help="Print what each field of a dev item was and is.")
@PRODUCT
@DATA
@JSON
def diff(old: str, new: str, values: bool, product: str | None, data: Path | None, as_json: bool) -> None:
    """Compare two versions (NAME@VERSION, or files) item by item.

    Items that are kept back are named, and their fields, but nothing of their content.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.gold import diff as compare
    from launchworthy.gold import find_version

    def items(workspace: Workspace, reference: str) -> Sequence[GoldItem]:
        if Path(reference).is_file():
            return items_of_file(Path(reference))
        version = find_version(workspace, reference, product=product_of(workspace, product))
        return workspace.gold_items(
            product=version.product, name=version.name, version=version.version, split=None
        )

    if Path(old).is_file() and Path(new).is_file():
        found = compare(items_of_file(Path(old)), items_of_file(Path(new)))
    else:
        with workspace_at(data) as workspace:
            found = compare(items(workspace, old), items(workspace, new))
    if as_json:
        echo_json(asdict(found))
    else:
        _print_diff(found, values=values)


@command.command()
@click.argument("reference", metavar="NAME[@VERSION]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write [standard output]."
)
@click.option(
    "--split",
    type=click.Choice(["dev", "holdout", "all"]),
    default="all",
    show_default=True,
    help="A reading of the holdout is counted.",
)
@click.option(
    "--sealed", is_flag=True, help="Write the sealed items too; this reading spends them for every release."
)
@PRODUCT
@DATA
def export(
    reference: str, out: Path | None, split: str, sealed: bool, product: str | None, data: Path | None
) -> None:
    """Write a version as JSON Lines; all of it imports to the very same version.

    Each line carries the canary of the set, so that whoever reads the file can be found out.
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.errors import StorageError
    from launchworthy.gold import find_version, gold_jsonl

    with workspace_at(data) as workspace:
        version = find_version(workspace, reference, product=product_of(workspace, product))
        now = datetime.now(UTC)
        items = _items(workspace, version, split=split, sealed=sealed, purpose="gold export", now=now)
        canary = workspace.gold_canaries(product=version.product, name=version.name)[0].text
    text = gold_jsonl(items, canary=canary)
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}", where=str(out)) from error
        click.echo(f"{len(items):,} items of {version.name}@{version.version} in {out}")
    left_out = version.items - len(items)
    if split == "all" and left_out:
        click.echo(f"{left_out:,} sealed left out; --sealed writes them, and spends them", err=True)


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in given:
        column, equals, field = option.partition("=")
        if not equals or not column.strip() or not field.strip():
            raise click.BadParameter(f"{option!r} is not COLUMN=FIELD", param_hint="--map")
        if column.strip() in found or field.strip() in found.values():
            raise click.BadParameter(f"{option!r} names what is mapped already", param_hint="--map")
        found[column.strip()] = field.strip()
    return found


def _items(
    workspace: Workspace,
    version: GoldVersion,
    *,
    split: str | None,
    sealed: bool,
    purpose: str,
    now: datetime,
) -> list[GoldItem]:
    """Items to print, reviewed or not; a reading of what is kept back is recorded."""
    from launchworthy.gold import SEALED, read_items

    wanted = [name for name in (split, SEALED if sealed else None) if name is not None]
    return [
        item
        for name in wanted
        for item in read_items(
            workspace,
            version,
            split=name,
            by=user(),
            purpose=f"{purpose} at {now.isoformat()}",
            now=now,
            unreviewed=True,
        )
    ]


def _counts(version: GoldVersion) -> str:
    parts = [f"{count:,} {name}" for name, count in version.splits.items()]
    parts += [f"{version.waiting:,} not reviewed"] if version.waiting else []
    parts += [f"{version.rejected:,} rejected"] if version.rejected else []
    return f"{version.items:,} {'item' if version.items == 1 else 'items'} ({', '.join(parts)})"


def _plain_look(look: Look) -> dict[str, Any]:
    told = {"at": look.at.isoformat(), "by": look.by, "purpose": look.purpose}
    return told if look.release is None else told | {"release": look.release}


def _plain(version: GoldVersion) -> dict[str, Any]:
    return asdict(version) | {"created_at": version.created_at.isoformat()}


def _print_diff(found: GoldDiff, *, values: bool) -> None:
    click.echo(
        f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.changed):,} changed, "
        f"{found.same:,} the same"
    )
    for sign, ids in (("+", found.added), ("-", found.removed)):
        for item_id in ids[:MANY]:
            click.echo(f"{sign} {item_id}")
        if len(ids) > MANY:
            click.echo(f"{sign} … {len(ids) - MANY:,} more")
    for change in found.changed:
        moved = [f"left {name}" for name in change.left] + [f"joined {name}" for name in change.joined]
        moved += [f"{' → '.join(change.review)}"] if change.review else []
        click.echo(f"~ {change.id}: {', '.join(change.fields)}" + (f" ({', '.join(moved)})" if moved else ""))
        for field in change.changes if values else ():
            told = f"{_short(field.old)} → {_short(field.new)}" if field.shown else "(kept back)"
            click.echo(f"    {field.name}: {told}")


def _short(text: str | None) -> str:
    return "nothing" if text is None else printable(text, most=80)
