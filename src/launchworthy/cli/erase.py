"""``launchworthy erase``: leave none of a person's data behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import echo_json
from launchworthy.cli.persons import STATE, pseudonyms_of

if TYPE_CHECKING:
    from launchworthy.server import Workspace


@click.command()
@click.option("--product", required=True, help="Product whose records to search.")
@click.option("--user", "user_id", help="User id as the application knows it, or the pseudonym u_….")
@click.option("--by", required=True, help="Who asks for it; stands in the audit chain.")
@click.option("--verify", is_flag=True, help="Then look for the user in every file.")
@click.option(
    "--text",
    "texts",
    multiple=True,
    help="With --verify, look for this too: something that only they said. May be repeated.",
)
@click.option(
    "--vault",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Vault of an application on this machine: forget their key and values.",
)
@STATE
@click.option("--drill", is_flag=True, help="Erase a made-up person, and keep what was left as evidence.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    product: str,
    user_id: str | None,
    by: str,
    verify: bool,
    texts: tuple[str, ...],
    vault: Path | None,
    state: Path | None,
    drill: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Erase one user's records from every file, and put that on record.

    An application makes pseudonyms with a key of its own, LAUNCHWORTHY_PSEUDONYM_KEY or a file of its state
    folder: a user is erased under that one too. What applications hold in memory, such as cached answers,
    they forget with Enforcer.forget(user).

    Exit code: 0 done; with --verify and --drill, 1 where anything is left.
    """
    from launchworthy.server import open_workspace

    if drill == (user_id is not None):
        raise click.UsageError("give one of --user and --drill")
    if texts and not verify:
        raise click.UsageError("--text is looked for with --verify")
    workspace = open_workspace(data, make=False)
    try:
        if user_id is None:
            return _drill(workspace, product=product, by=by, as_json=as_json)
        known = workspace.products()
        names = [*pseudonyms_of(user_id, state), user_id]
        done = _erase(workspace, names, product=product, by=by)
        if vault is not None:
            done["vault"] = _forget(vault, user_id)
        left = _left(workspace, names, texts) if verify else None
    finally:
        workspace.close()
    if as_json:
        echo_json(done if left is None else {**done, "left": left})
    else:
        _print(done, product=product, known=known)
        if left is not None:
            _print_left(left, ("the user", *texts))
    return 1 if left else 0


def _erase(workspace: Workspace, names: Sequence[str], *, product: str, by: str) -> dict[str, Any]:
    """Erase each name of one person; what was removed is counted together."""
    removed: dict[str, int] = {}
    done: dict[str, Any] = {}
    for name in names:
        done = dict(workspace.erase_subject(product=product, user_id=name, by=by))
        for table, rows in done["removed"].items():
            removed[table] = removed.get(table, 0) + rows
    return {**done, "removed": removed}


def _left(workspace: Workspace, names: Sequence[str], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Where anything stands: text 0 is the person under any name, then the texts."""
    found = workspace.find_texts(texts=[*names, *texts])
    first = len(names) - 1
    places = dict.fromkeys((each["place"], max(0, each["text"] - first)) for each in found)
    return [{"place": place, "text": text} for place, text in places]


def _forget(vault: Path, user_id: str) -> bool:
    from launchworthy.runtime.guards.pii import FolderShelf, SubjectVault

    return SubjectVault(FolderShelf(vault)).erase(user_id)


def _print(done: Mapping[str, Any], *, product: str, known: Sequence[str]) -> None:
    removed = [f"{table}: {rows:,}" for table, rows in done["removed"].items() if rows]
    if removed:
        click.echo(f"erased from every file of {product}: {', '.join(removed)}")
    else:
        if product not in known:  # not refused: records that are minutes old make no product known yet
            there = ", ".join(known) or "none"
            click.echo(f"warning: no product {product} is known here; there are: {there}", err=True)
        click.echo(f"{product} held no record of this user; nothing was erased")
    if "vault" in done:
        click.echo("the key of their values is gone" if done["vault"] else "the vault held no key of theirs")
    click.echo(f"the request is in the audit chain as {done['id']}")


def _print_left(left: Sequence[Mapping[str, Any]], named: Sequence[str]) -> None:
    if not left:
        click.echo("looked for in every file: nothing of them is left")
    for each in left:
        click.echo(f"left in {each['place']}: {named[each['text']]}")


def _drill(workspace: Workspace, *, product: str, by: str, as_json: bool) -> int:
    from launchworthy.quantity import format_value

    piece = workspace.drill_erasure(product=product, by=by)
    detail = piece.detail
    if as_json:
        echo_json(piece.as_json())
    else:
        took, most = (format_value(detail[name], unit="ms") for name in ("took_ms", "within_ms"))
        click.echo(f"what a made-up person said stood in {len(detail['planted']):,} places")
        if detail["left"]:
            click.echo(f"after erasing, it still stands in {', '.join(detail['left'])}")
        else:
            click.echo(f"after erasing, it stands nowhere; that took {took}, and may take {most}")
        click.echo(f"kept as evidence for {piece.claim}")
    return 0 if piece.value == 1 else 1
