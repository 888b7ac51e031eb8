"""``launchworthy export``: records to a Parquet file that any engine reads, and preferences for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.server import Workspace
    from launchworthy.store.preferences import Pair

_PREFERENCES = "preferences"


@click.command()
@click.argument("what", type=click.Choice(["spans", "outcomes", "feedback", "scores", _PREFERENCES]))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Parquet file to write; JSONL of preferences.",
)
@click.option("--product", help="Only this product.")
@click.option("--workflow", help="Only this workflow.")
@click.option("--learn", is_flag=True, help="Only what the contract lets be learnt from.")
@click.option(
    "--shape",
    type=click.Choice(["trl", "text", "openai"]),
    default="trl",
    show_default=True,
    help="Of preferences: turns as Hugging Face TRL reads them, plain texts, or OpenAI's fine-tuning.",
)
@click.option("--by", help="Of preferences: who exports them [you, on this machine].")
def command(
    what: str,
    data: Path | None,
    out: Path,
    product: str | None,
    workflow: str | None,
    learn: bool,
    shape: str,
    by: str | None,
) -> None:
    """Write a table of records to a Parquet file, or what people preferred to a JSONL file.

    What trains or tunes a model is exported with --learn: rows of traces that read a source which may not be
    learnt from, or which the contract does not name, are left out, and so are rows past their retention.

    preferences are pairs of a question, an answer that people prefer and one that they do not: corrections
    against what they correct, and answers to the same question that were rated up and down. They leave only
    where the contract says labels: {export: [preferences]}, and always as with --learn; the audit chain keeps
    who took how many.

    Example: launchworthy export preferences --product shop --out pairs.jsonl
    """
    from launchworthy.errors import InputError
    from launchworthy.server import open_workspace

    if not out.parent.is_dir():
        raise InputError(f"the folder {out.parent} is not there", where=str(out), hint="make it first")
    if what == _PREFERENCES and product is None:
        raise click.UsageError("preferences need --product, whose contract says what may be learnt")
    if learn and product is None:
        raise click.UsageError("--learn needs --product, whose contract says what may be learnt")
    workspace = open_workspace(data, make=False)
    try:
        if what == _PREFERENCES and product is not None:
            _preferences(workspace, product, out=out, workflow=workflow, shape=shape, by=by)
        else:
            _table(workspace, what, out=out, product=product, workflow=workflow, learn=learn)
    finally:
        workspace.close()


def _table(
    workspace: Workspace,
    table: str,
    *,
    out: Path,
    product: str | None,
    workflow: str | None,
    learn: bool,
) -> None:
    asked = (("product", product), ("workflow", workflow))
    where = {name: value for name, value in asked if value is not None}
    rows = workspace.export(table, out=out, where=where or None, learn=learn)
    click.echo(f"{rows:,} {table} in {out}")
    if learn and product is not None:
        _tell_refused(workspace, product)


def _tell_refused(workspace: Workspace, product: str) -> None:
    for each in workspace.refused_traces(product=product):
        why = f"read {each['source']}" if each["source"] is not None else "read what does not say its source"
        count = "1 trace" if each["traces"] == 1 else f"{each['traces']:,} traces"
        click.echo(f"left out: {count} that {why}, which may not be learned from")


def _preferences(
    workspace: Workspace, product: str, *, out: Path, workflow: str | None, shape: str, by: str | None
) -> None:
    found = workspace.preferences(product=product, by=by or _me(), workflow=workflow)
    _write(out, [_SHAPES[shape](pair) for pair in found.pairs])
    corrected = sum(pair.because == "correction" for pair in found.pairs)
    click.echo(
        f"{len(found.pairs):,} preferences in {out}: {corrected:,} by correction,"
        f" {len(found.pairs) - corrected:,} by rating"
    )
    for why, count in found.left_out.items():
        click.echo(f"left out: {count:,}, since {why}")
    _tell_refused(workspace, product)


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone on this machine"


def _trl(pair: Pair) -> dict[str, Any]:
    return {
        "prompt": pair.prompt,
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
    }


def _text(pair: Pair) -> dict[str, Any]:
    alone = len(pair.prompt) == 1
    turns = [turn["content"] if alone else f"{turn['role']}: {turn['content']}" for turn in pair.prompt]
    return {"prompt": "\n\n".join(turns), "chosen": pair.chosen, "rejected": pair.rejected}


def _openai(pair: Pair) -> dict[str, Any]:
    return {
        "input": {"messages": pair.prompt, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [{"role": "assistant", "content": pair.chosen}],
        "non_preferred_output": [{"role": "assistant", "content": pair.rejected}],
    }


_SHAPES = {"trl": _trl, "text": _text, "openai": _openai}


def _write(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import json

    from launchworthy.errors import InputError

    try:
        with out.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(out)) from error
