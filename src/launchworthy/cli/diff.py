"""``launchworthy diff``: what changed between two contracts, in terms of claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from launchworthy.contract import Change, Contract

_SIGNS = {"loosened": "↓", "dropped": "-", "changed": "~", "tightened": "↑", "added": "+"}
_GIT_SECONDS = 20


@click.command()
@click.argument("old")
@click.argument("new", default="launchworthy.yaml")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(old: str, new: str, as_json: bool) -> None:
    """Say what changed between two contracts, in terms of claims.

    OLD and NEW are files, or REVISION:FILE for a file as Git has it, with FILE relative to this folder.

    \b
        launchworthy diff old.yaml launchworthy.yaml
        launchworthy diff HEAD~1:launchworthy.yaml launchworthy.yaml
    """
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.contract import Way, contract_diff

    changes = contract_diff(_contract(old), _contract(new))
    counts = {way.value: sum(1 for each in changes if each.way is way) for way in Way}
    if as_json:
        echo_json(
            {
                "old": old,
                "new": new,
                "counts": counts,
                "changes": [
                    {
                        "address": each.address,
                        "way": each.way.value,
                        "what": each.what,
                        "before": each.before,
                        "after": each.after,
                    }
                    for each in changes
                ],
            }
        )
        return
    for each in changes:
        click.echo(printable(f"{_SIGNS[each.way.value]} {each.way.value:<9}  {_told(each)}", most=1_000))
    told = ", ".join(f"{count:,} {way}" for way, count in counts.items() if count)
    click.echo(told or "The two contracts claim the same.")


def _told(change: Change) -> str:
    if change.before is None or change.after is None:
        return f"{change.address}  {change.before or change.after}"
    return f"{change.address}  {change.what}: {change.before} → {change.after}"


def _contract(reference: str) -> Contract:
    from launchworthy.contract import load_contract, parse_contract

    revision, colon, path = reference.partition(":")
    if not colon or Path(reference).exists():
        return load_contract(reference)
    return parse_contract(_from_git(revision, path, reference), file=reference)


def _from_git(revision: str, path: str, reference: str) -> bytes:
    """The bytes of a file as a revision has it."""
    import shutil
    import subprocess

    from launchworthy.errors import InputError

    git = shutil.which("git")
    if git is None:
        raise InputError("git is not installed", where=reference, hint="name two files instead")
    name = f"{revision}:{path if path.startswith('/') else f'./{path}'}"
    try:
        # No shell: the revision and the path are one argument, which cannot be an option.
        done = subprocess.run(  # noqa: S603
            [git, "--no-pager", "show", "--no-textconv", "--end-of-options", name],
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InputError(f"git cannot show it: {error}", where=reference) from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(
            f"git cannot show it: {reason[0] if reason else 'it says no more'}",
            where=reference,
            hint="write REVISION:FILE, with FILE relative to this folder",
        )
    return done.stdout
