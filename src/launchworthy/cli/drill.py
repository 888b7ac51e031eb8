"""``launchworthy drill``: make what the contract declares fail on purpose, and see what is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, opened

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.evidence import Evidence
    from launchworthy.runtime.enforcer import Enforcer

_GUARDS, _FALLBACKS, _UNDO = "guards", "fallbacks", "undo"


@click.command()
@click.argument("name", required=False)
@click.option(
    "--target",
    metavar="MODULE:NAME|URL",
    help="The application's enforcer, a function that makes it, or a gateway; guards alone need none.",
)
@click.option("--key-env", help="Gateway: environment variable that holds a trusted key.")
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract that declares what is drilled.",
)
@click.option(
    "--sandbox",
    metavar="MODULE:NAME",
    help="Function that makes a launchworthy.Sandbox, in which actions are done and undone.",
)
@click.option("--question", help="What is asked in each drill; one that the application can answer.")
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    name: str | None,
    target: str | None,
    key_env: str | None,
    sandbox: str | None,
    contract_file: Path,
    question: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Force each fallback, fault and failure of a guard, and undo what can be undone.

    NAME is guards, fallbacks, undo, or a monitor of the contract that injects faults; all if not given.
    A drill goes through the application's own code where it decorated its function with
    enforcer.workflow(...), else through a plain call. Models are really asked, and a model that is made to
    time out takes its time.

    The address of a gateway, as in --target http://127.0.0.1:8322/v1, drills the fallbacks that it takes.

    An action that the contract says can be undone is done and undone in a sandbox of the application.

    What came of it is kept as evidence for the claims guards/*, fallbacks/*, monitors/* and tools/*/undo.

    Exit code: 0 all went as declared, 1 some did not.

    Example: launchworthy drill --target my_app:enforcer --question "May I return shoes?"
    """
    from launchworthy.contract import load_contract

    contract = load_contract(contract_file)
    names = _possible(_names(contract, name), name, target=target, sandbox=sandbox)
    pieces = _drill(
        contract,
        names,
        target=target,
        key_env=key_env,
        sandbox=sandbox,
        file=contract_file,
        question=question,
    )
    with opened(data, make=True) as workspace:
        workspace.add_evidence(contract.product, pieces)
    if as_json:
        from launchworthy.cli.figures import echo_json

        echo_json({"evidence": [{"id": piece.id, **piece.as_json()} for piece in pieces]})
    else:
        _print(contract, pieces)
    return 0 if all(piece.value == 1 for piece in pieces) else 1


def _names(contract: Contract, name: str | None) -> list[str]:
    from launchworthy.errors import InputError

    monitors = [each for each, monitor in contract.monitors.items() if monitor.inject]
    undo = [_UNDO] if any(tool.undo for tool in contract.tools.values()) else []
    known = [_GUARDS, _FALLBACKS, *undo, *monitors]
    if name is None:
        return known
    if name not in known:
        import difflib

        close = difflib.get_close_matches(name, known, n=1)
        raise InputError(
            f"there is no drill {name!r:.80}",
            where="NAME",
            hint=f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}",
        )
    return [name]


def _possible(names: list[str], asked: str | None, *, target: str | None, sandbox: str | None) -> list[str]:
    """Those that can be drilled with what was given; says what the rest needs."""
    needs = {name: "--target my_app:enforcer" for name in names if name not in (_GUARDS, _UNDO)}
    if _is_url(target):
        needs.pop(_FALLBACKS, None)
    missing = dict(needs if target is None or _is_url(target) else {})
    if _UNDO in names and sandbox is None:
        missing[_UNDO] = "--sandbox my_app:sandbox"
    if asked in missing:
        what = "sandbox" if asked == _UNDO else "enforcer"
        raise click.UsageError(f"name the application's {what}: {missing[asked]}")
    if missing:
        left = [name for name in names if name in missing]
        how = " and ".join(dict.fromkeys(missing.values()))
        click.echo(f"note: {', '.join(left)} not drilled; name the rest by {how}", err=True)
    return [name for name in names if name not in missing]


def _is_url(target: str | None) -> bool:
    return target is not None and target.startswith(("http://", "https://"))


def _drill(
    contract: Contract,
    names: list[str],
    *,
    target: str | None,
    key_env: str | None,
    sandbox: str | None,
    file: Path,
    question: str | None,
) -> list[Evidence]:
    from datetime import UTC, datetime

    from launchworthy.evals import release_of
    from launchworthy.runtime.guard_drill import drill_evidence, drill_guards

    enforcer = None if target is None or _is_url(target) else _enforcer(target, contract)
    found = release_of(contract, folder=file.resolve().parent)
    release = None if found is None else found.id
    now = datetime.now(UTC)
    pieces: list[Evidence] = []
    for name in names:
        if name == _GUARDS:
            from launchworthy.runtime.compiling import guard_pipeline

            guards = (
                guard_pipeline(contract, root=file.resolve().parent)
                if enforcer is None
                else enforcer.rules.guards
            )
            drills = drill_guards(contract, guards)
            pieces += drill_evidence(drills, product=contract.product, release=release, now=now)
        elif name == _UNDO and sandbox is not None:
            pieces += _undone(contract, sandbox, release=release, now=now)
        elif name == _FALLBACKS and target is not None and _is_url(target):
            pieces += _served(contract, target, key_env, question=question, release=release, now=now)
        elif enforcer is not None:
            pieces += _forced(enforcer, name, question=question, release=release, now=now)
    return pieces


def _forced(
    enforcer: Enforcer, name: str, *, question: str | None, release: str | None, now: Any
) -> list[Evidence]:
    from launchworthy.runtime.drills import drill_fallbacks, drill_monitor, drilled_evidence

    asked: dict[str, Any] = {} if question is None else {"question": question}
    if name == _FALLBACKS:
        drills = list(drill_fallbacks(enforcer, **asked))
    else:
        faults = enforcer.contract.monitors[name].inject
        drills = list(drill_monitor(enforcer, name, faults, **asked))
    return drilled_evidence(drills, name=name, release=release, now=now)


def _served(
    contract: Contract,
    url: str,
    key_env: str | None,
    *,
    question: str | None,
    release: str | None,
    now: Any,
) -> list[Evidence]:
    import os

    from launchworthy.errors import InputError
    from launchworthy.runtime.drills import drilled_evidence
    from launchworthy.runtime.served_drill import drill_served, only_in_application

    key = None if key_env is None else os.environ.get(key_env, "").strip()
    if key == "":
        raise InputError(f"the environment variable {key_env} is not set", where="--key-env")
    if left := only_in_application(contract):
        click.echo(f"note: {', '.join(left)}: only the application can drill it", err=True)
    asked: dict[str, Any] = {} if question is None else {"question": question}
    drills = list(drill_served(contract, url, key=key, **asked))
    return drilled_evidence(drills, name=_FALLBACKS, release=release, now=now)


def _undone(contract: Contract, sandbox: str, *, release: str | None, now: Any) -> list[Evidence]:
    from launchworthy.errors import InputError
    from launchworthy.functions import load_attribute
    from launchworthy.runtime.drills import drilled_evidence
    from launchworthy.runtime.undo_drill import Sandbox, drill_undos

    found = load_attribute(sandbox, what="sandbox")

    def make() -> Sandbox:
        box = found() if callable(found) else found
        if not isinstance(box, Sandbox):
            raise InputError(
                f"{sandbox} makes {type(box).__name__} and no sandbox",
                where="--sandbox",
                hint="name a function that answers launchworthy.Sandbox(…)",
            )
        return box

    drills = list(drill_undos(contract, make))
    return drilled_evidence(drills, name=_UNDO, release=release, now=now, method="done and undone")


def _enforcer(target: str, contract: Contract) -> Enforcer:
    from launchworthy.errors import InputError
    from launchworthy.functions import load_attribute
    from launchworthy.runtime.enforcer import Enforcer

    found = load_attribute(target, what="enforcer")
    if not isinstance(found, Enforcer) and callable(found):
        found = found()
    if not isinstance(found, Enforcer):
        raise InputError(
            f"{target} is {type(found).__name__} and no enforcer",
            where="--target",
            hint="name what Enforcer.load(…) answered, or a function that answers it",
        )
    if found.product != contract.product:
        raise InputError(
            f"{target} enforces {found.product}, and the contract is of {contract.product}",
            where="--target",
            hint="name the contract that the application loads: --contract FILE",
        )
    return found


def _print(contract: Contract, pieces: list[Evidence]) -> None:
    from launchworthy.cli.figures import printable

    went = sum(piece.value == 1 for piece in pieces)
    click.echo(
        f"{went:,} of {len(pieces):,} lines of {contract.product} were kept when what they guard failed"
    )
    for piece in pieces:
        mark = "as declared" if piece.value == 1 else "NOT as declared"
        click.echo(f"  {mark:<16}{piece.claim.removeprefix(f'{contract.product}/')}")
        for each in piece.detail["drills"]:
            if piece.value != 1 or "fault" in each:
                what = each.get("fault") or each.get("stage")
                click.echo(printable(f"                  {what}: {each['seen']}", most=200))
