"""``launchworthy init``: a first contract by a few questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from launchworthy.contract import Lint

_CONTRACT = "launchworthy.yaml"
_USER = {"generative": "customer", "predictive": "analyst"}
_JOB = {
    "generative": "get a correct answer with its source within a minute",
    "predictive": "find the few cases that need a look among the many that do not",
}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--product", help="Name of the product [that of the folder].")
@click.option("--owner", help="Who decides about it: a person or a group [you].")
@click.option("--kind", type=click.Choice(["generative", "predictive"]), help="Kind of product [generative].")
@click.option("--user", help="Who has the job.")
@click.option("--job", help="What they want to get done.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is given, and defaults for the rest.")
@click.option("--force", is_flag=True, help="Overwrite a contract that is there.")
def command(
    folder: Path,
    product: str | None,
    owner: str | None,
    kind: str | None,
    user: str | None,
    job: str | None,
    yes: bool,
    force: bool,
) -> None:
    """Write a first contract by answering a few questions.

    It writes launchworthy.yaml and, unless there is one, a gold file of its shape with a few rows to replace.

    Example: launchworthy init shop-helper --yes --product shop-helper --owner ana@example.com
    """
    from datetime import UTC, datetime

    from launchworthy.contract import lint_text, starter_contract, starter_gold, starter_name
    from launchworthy.errors import ConflictError, StorageError

    path = folder / _CONTRACT
    if path.exists() and not force:
        raise ConflictError("there is a contract already", where=str(path), hint="--force overwrites it")
    kind_ = _ask("Kind of product", kind, "generative", yes=yes, among=_USER)
    chosen: dict[str, str] = {
        "product": _ask("Name of the product", product, starter_name(folder.resolve().name), yes=yes),
        "owner": _ask("Who decides about it", owner, _me(), yes=yes),
        "user": _ask("Who has the job", user, _USER[kind_], yes=yes),
        "job": _ask("What do they want to get done", job, _JOB[kind_], yes=yes),
    }
    is_predictive = kind_ == "predictive"
    text = starter_contract(kind="predictive" if is_predictive else "generative", **chosen)
    found = lint_text(text, file=str(path), today=datetime.now(UTC).date())
    _refuse(found, chosen)
    name, rows = starter_gold("predictive" if is_predictive else "generative")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
        gold = folder / name
        if not gold.exists():
            gold.parent.mkdir(parents=True, exist_ok=True)
            gold.write_text(rows, encoding="utf-8")
            written.append(gold)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror or error}", where=str(folder)) from error
    for each in written:
        click.echo(f"wrote {each}")
    click.echo(f"next: launchworthy lint {path} --explain")


def _ask(
    question: str, given: str | None, default: str, *, yes: bool, among: dict[str, str] | None = None
) -> str:
    if given is not None or yes:
        return default if given is None else given
    answer: str = click.prompt(question, default=default, type=click.Choice(list(among)) if among else str)
    return answer


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "product team"


def _refuse(found: Lint, chosen: dict[str, str]) -> None:
    """What was answered must make a contract; what is wrong is said of the answer, not of a file."""
    from launchworthy.errors import InputError

    if found.errors:
        first = found.errors[0]
        raise InputError(
            f"with these answers the contract is not one: {first.message}",
            where=", ".join(
                f"--{name}" for name, answer in chosen.items() if repr(answer[:60]) in first.message
            )
            or "the answers",
            hint=first.hint,
        )
