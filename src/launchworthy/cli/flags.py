"""``launchworthy flags``: flags in files and in force, who would get what, and the kill switch."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.rollout.flags import FlagSet, Move
    from launchworthy.server import Workspace

_BY = click.option("--by", help="Who decides [whoever runs the command].")
_BECAUSE = click.option("--because", required=True, help="Why, in a sentence; it stands in the audit chain.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FILE = click.Path(path_type=Path, dir_okay=False)


class _Flags(click.Group):
    """``flags`` alone lists them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Flags)
def command() -> None:
    """Check, set, list and switch off flags, and say what a unit gets.

    A new version that would move units which have something is refused, until the flag's generation is raised
    to say that they are to be moved. A growing share moves nobody.

    Examples: launchworthy flags check flags.yaml; launchworthy flags set flags.yaml --because "the new tone";
    launchworthy flags decide tone --unit ana; launchworthy flags switch tone --off --because "it is rude"
    """


@command.command(name="list")
@PRODUCT
@DATA
@_JSON
def list_flags(product: str | None, data: Path | None, as_json: bool) -> None:
    """List the flags in force; the word list may be left out."""
    from launchworthy.cli.figures import columns_text, echo_json
    from launchworthy.rollout.flags import read_flags

    with opened(data) as workspace:
        told = workspace.flags(product=_product(workspace, product))
    if as_json:
        echo_json(told)
        return
    found = read_flags(told["flags"])
    lines = [("flag", "state", "unit", "what units get")]
    lines += [
        (key, "on" if flag.enabled else "off", flag.unit, _summary(flag)) for key, flag in found.flags.items()
    ]
    for line in columns_text(lines):
        click.echo(line)


@command.command()
@click.argument("file", type=_FILE)
@click.option("--against", type=_FILE, help="The file that is in force, to see who would be moved.")
@_JSON
def check(file: Path, against: Path | None, as_json: bool) -> int:
    """Say whether a file of flags can be read, and whom it would move.

    Exit code: 0 it can be put in force, 1 it would move units without saying so, 64 it cannot be read.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.rollout.flags import flags_version, moves, read_flags_file

    found = read_flags_file(file)
    moved = [] if against is None else moves(read_flags_file(against), found)
    refused = [move for move in moved if not move.allowed]
    if as_json:
        echo_json(
            {
                "product": found.product,
                "tag": flags_version(found),
                "flags": sorted(found.flags),
                "moves": [_move(move) for move in moved],
            }
        )
    else:
        for move in moved:
            click.echo(_told(move))
        if not moved:
            count = len(found.flags)
            click.echo(
                f"{count} flag{'' if count == 1 else 's'} of {found.product}"
                + ("" if against is None else "; nobody is moved")
            )
    return 1 if refused else 0


@command.command(name="set")
@click.argument("file", type=_FILE)
@_BECAUSE
@_BY
@DATA
@_JSON
def set_flags(file: Path, because: str, by: str | None, data: Path | None, as_json: bool) -> None:
    """Put the flags of a file in force; every client has them within seconds."""
    from launchworthy.cli.figures import echo_json
    from launchworthy.rollout.flags import flags_document, read_flags_file

    found = read_flags_file(file)
    with opened(data, make=True) as workspace:
        told = workspace.set_flags(
            product=found.product, flags=flags_document(found), reason=because, by=by or _user()
        )
    if as_json:
        echo_json(told)
    else:
        click.echo(f"version {told['version']} of the flags of {found.product} is in force ({told['tag']})")


@command.command()
@click.argument("flag")
@click.option("--on/--off", "enabled", required=True, help="Off: everybody gets the flag's `off` at once.")
@_BECAUSE
@_BY
@PRODUCT
@DATA
def switch(
    flag: str, enabled: bool, because: str, by: str | None, product: str | None, data: Path | None
) -> None:
    """Switch a flag off for everybody, or on again: the kill switch."""
    with opened(data) as workspace:
        told = workspace.switch_flag(
            product=_product(workspace, product), flag=flag, enabled=enabled, reason=because, by=by or _user()
        )
    click.echo(f"{flag} is {'on' if enabled else 'off'} as of version {told['version']}")


@command.command()
@click.argument("flag")
@click.option("--unit", default="", help="Who is asked about: a user, by the id that the application has.")
@click.option(
    "--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="What rules compare; may repeat."
)
@click.option("--file", type=_FILE, help="Flags of this file instead of those in force.")
@PRODUCT
@DATA
@_JSON
def decide(
    flag: str,
    unit: str,
    attributes: tuple[str, ...],
    file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Say what a unit gets and why; it is no exposure.

    Exit code: 0 something, 1 nothing: the application's own default holds.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.errors import NotFoundError
    from launchworthy.rollout.flags import compiled, read_flags, read_flags_file

    given = _attributes(attributes)
    if file is not None:
        found: FlagSet = read_flags_file(file)
    else:
        with opened(data) as workspace:
            found = read_flags(workspace.flags(product=_product(workspace, product))["flags"])
    if flag not in found.flags:
        raise NotFoundError(
            f"{found.product} has no flag {flag!r:.80}", hint=f"one of {', '.join(sorted(found.flags))}"
        )
    decision = compiled(found.flags[flag], found)(unit, given)
    if as_json:
        echo_json(
            {
                "flag": flag,
                "value": decision.value,
                "variant": decision.variant,
                "reason": decision.reason.value,
                "rule": decision.rule or None,
                "version": decision.version,
                "algorithm": decision.algorithm or None,
                "cache_key": decision.cache_key,
            }
        )
    elif decision.variant is None:
        click.echo(f"nothing: {flag} assigns by {decision.unit_kind}, which nobody named")
    else:
        by_rule = f", rule {decision.rule}" if decision.rule else ""
        value = json.dumps(decision.value, ensure_ascii=False)
        click.echo(f"{decision.variant} = {value} ({decision.reason.value}{by_rule})")
    return 0 if decision.variant is not None else 1


@command.command()
@PRODUCT
@DATA
@_JSON
def history(product: str | None, data: Path | None, as_json: bool) -> None:
    """List the versions that were put in force, newest first."""
    from launchworthy.cli.figures import columns_text, echo_json

    with opened(data) as workspace:
        name = _product(workspace, product)
        found = workspace.flag_history(product=name)
    if as_json:
        echo_json({"product": name, "versions": found})
        return
    if not found:
        click.echo(f"No flags of {name} were ever put in force.")
        return
    lines = [("version", "when", "by", "because")]
    lines += [(str(each["version"]), each["at"][:19], each["by"], each["reason"]) for each in found]
    for line in columns_text(lines):
        click.echo(line)


def _summary(flag: Any) -> str:
    """``staff: warm; half: plain 50 %, warm 50 % of 20 %; else plain``."""
    parts = []
    for rule in flag.rules:
        if rule.serve is not None:
            parts.append(f"{rule.name}: {rule.serve}")
            continue
        total = sum(rule.split.values())
        each = ", ".join(f"{variant} {100 * weight / total:.3g} %" for variant, weight in rule.split.items())
        parts.append(f"{rule.name}: {each}" + ("" if rule.share == 1 else f" of {100 * rule.share:.3g} %"))
    parts.append(f"else {flag.otherwise}" if parts else flag.otherwise)
    return "; ".join(parts)


def _move(move: Move) -> dict[str, Any]:
    return {
        "flag": move.flag,
        "rule": move.rule,
        "share": move.share,
        "because": move.because,
        "allowed": move.allowed,
    }


def _told(move: Move) -> str:
    told = f"{move.flag}: {move.because}, and {100 * move.share:.3g} % of all units are moved"
    return told if move.allowed else f"{told}; raise its generation if they are to be"


def _attributes(given: tuple[str, ...]) -> Mapping[str, Any]:
    """Values as JSON where they are, else as text: ``age=7`` is a number and ``country=DE`` a text."""
    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise click.UsageError(f"{each!r} is no KEY=VALUE")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _product(workspace: Workspace, given: str | None) -> str:
    from launchworthy.cli.product import product_of

    return product_of(workspace, given)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
