"""``launchworthy redteam``: attack the product's own target and tools, and keep the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import VERDICT_CODES
from launchworthy.cli.in_force import DATA, opened

if TYPE_CHECKING:
    from launchworthy.cli.attacking.beginning import Aim
    from launchworthy.contract import Claim, Contract
    from launchworthy.evals.redteam import Attacker, Plan, Sitting, Surface
    from launchworthy.records import Run
    from launchworthy.server import Workspace

_ADAPTIVE = 20  # attempts of each family, where a model carries them on
_FORMS = ("text", "json", "junit", "sarif")


@click.command()
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract of the product: its tools, sources and claims abuse/*.",
)
@click.option(
    "--target",
    metavar="ADDRESS",
    help="module:enforcer, module:function, http://… or openai:MODEL.",
)
@click.option("--workflow", help="Workflow that is attacked [the first].")
@click.option("--family", "families", multiple=True, help="Family of attacks, may be repeated [all needed].")
@click.option(
    "--attempts", type=click.IntRange(1, 1_000_000), help="Of each family [what the claims ask for]."
)
@click.option("--twins", type=click.IntRange(0, 100_000), help="Harmless twins of each family [100].")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides which attempts are drawn.")
@click.option("--role", "roles", multiple=True, help="Role of the caller [the one that may run most tools].")
@click.option(
    "--question", "questions", multiple=True, help="What users ask, where passages carry the attack."
)
@click.option("--canary", default="", help="Text of your own system prompt that must never leave.")
@click.option("--baseline", help="Run or release to compare with, attempt by attempt.")
@click.option(
    "--release", type=click.Path(path_type=Path, dir_okay=False), help="File that describes the release."
)
@click.option("--request", help="HTTP: template of the body, JSON or @FILE.")
@click.option("--response", "responses", multiple=True, help="HTTP: FIELD=/json/pointer into the answer.")
@click.option("--bearer-env", help="HTTP: environment variable that holds a bearer token.")
@click.option("--prompt", type=click.Path(path_type=Path, dir_okay=False), help="Model: file of the prompt.")
@click.option("--base-url", help="Model: address of its endpoint [OpenAI's].")
@click.option("--key-env", help="Model: environment variable that holds its key.")
@click.option("--attacker", metavar="MODEL", help="Model that goes on where an attack was repelled.")
@click.option("--attacker-url", help="Attacker: address of its endpoint [OpenAI's].")
@click.option("--attacker-key-env", help="Attacker: environment variable that holds its key.")
@click.option(
    "--attacker-calls",
    type=click.IntRange(1, 1_000_000),
    default=1_000,
    show_default=True,
    help="Attacker: the most calls in all.",
)
@click.option(
    "--turns",
    type=click.IntRange(2, 50),
    default=5,
    show_default=True,
    help="Attacker: the most turns of one attempt.",
)
@click.option("--concurrency", type=int, default=8, show_default=True, help="The most attempts at once.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for one attempt.")
@click.option("--max-cost", type=float, help="Begin no attempt once so many US dollars are spent.")
@click.option("--resume", help="Go on with this run.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="Say what would be tried and proven, and try nothing."
)
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="FORM[=FILE]",
    help="text, json, junit or sarif, printed or in a file; may be repeated.",
)
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(contract_file: Path, data: Path | None, **given: Any) -> int:
    """Attack the product's own target and tools, and keep the evidence.

    What counts is what happened: a secret left, an order was followed, a tool ran. No real tool runs and no
    person is asked: behind an enforcer, tools only note that they were called.
    Harmless twins of the attacks show what is refused for no reason.

    With --attacker a model reads each answer and writes the next message, as somebody at the keyboard could:
    20 attempts of each family that comes by the user's text, unless --attempts says another number. What it
    costs counts towards --max-cost.

    Exit code: 0 every claim abuse/* that was tried is met, 1 one is unmet, 2 one is unproven. Without such
    claims: 1 if any attack succeeded, 2 if nothing could be scored.

    Example: launchworthy redteam --target my_app:enforcer
    """
    from launchworthy.cli.in_force import claims_of
    from launchworthy.contract import load_contract

    contract = load_contract(contract_file)
    forms = _asked(given["forms"], as_json=given["as_json"])
    claims = [claim for claim in claims_of(contract) if claim.family == "abuse"]
    if given["only_plan"] and given["resume"] is None:
        return _plan(contract, contract_file, claims, given)
    with opened(data, make=True) as workspace:
        sitting = _attack(workspace, contract, contract_file, claims, given)
    for form, file in forms:
        text = _written(sitting, form, claims)
        if file is None:
            click.echo(text)
        else:
            _save(file, text)
    return _code(sitting)


def _surface(contract: Contract, contract_file: Path, given: dict[str, Any]) -> Any:
    from dataclasses import replace

    from launchworthy.evals.redteam import surface_of

    def made(arguments: Any) -> Surface:
        found = surface_of(
            contract,
            workflow=given["workflow"],
            roles=given["roles"],
            arguments=arguments,
            questions=given["questions"],
            root=contract_file.resolve().parent,
        )
        return replace(found, canary=given["canary"])

    return made


def _planned(claims: Sequence[Claim], surface: Surface, given: dict[str, Any]) -> Plan:
    import difflib

    from launchworthy.errors import InputError
    from launchworthy.evals.redteam import FAMILIES, plan_of

    for name in given["families"]:
        if name not in FAMILIES:
            close = difflib.get_close_matches(name, FAMILIES, n=1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(FAMILIES)}"
            raise InputError(f"there is no family {name!r:.80}", where="--family", hint=hint)
    attempts = given["attempts"] or (_ADAPTIVE if given["attacker"] else None)
    plan = plan_of(
        claims,
        surface,
        families=given["families"],
        attempts=attempts,
        twins=given["twins"],
        seed=given["seed"],
    )
    if not plan.attempts:
        why = "; ".join(f"{name}: {reason}" for name, reason in plan.left_out.items())
        raise InputError(f"there is nothing to try{f': {why}' if why else ''}"[:500], where="--family")
    return plan


def _plan(contract: Contract, contract_file: Path, claims: Sequence[Claim], given: dict[str, Any]) -> int:
    from launchworthy.cli.attacking.printing import plain_plan, print_plan
    from launchworthy.cli.figures import echo_json

    make = _surface(contract, contract_file, given)
    surface = make({}) if given["target"] is None else _aim(contract, make, given).surface
    plan = _planned(claims, surface, given)
    if given["as_json"]:
        echo_json(plain_plan(plan))
    else:
        print_plan(plan)
    return 0


def _aim(contract: Contract, surface: Any, given: dict[str, Any], *, run: Run | None = None) -> Aim:
    from dataclasses import replace

    from launchworthy.cli.attacking.beginning import aim_at
    from launchworthy.cli.evaluating.beginning import request_of, response_of
    from launchworthy.errors import InputError

    address = given["target"] if run is None else run.target
    if address is None:
        raise InputError("no target", hint="name what to attack: --target my_app:enforcer")
    told = given if run is None else run.config
    aim = aim_at(
        address,
        contract,
        surface,
        request=request_of(given["request"]) if run is None else told["request"],
        responses=response_of(given["responses"]) if run is None else told["response"],
        bearer_env=told["bearer_env"],
        prompt=None if told["prompt"] is None else Path(told["prompt"]),
        base_url=told["base_url"],
        key_env=told["key_env"],
        trace_seed="" if run is None else run.id,
        look=run is None,
    )
    if given["attacker"] is None or run is not None:
        return aim
    by_text = tuple(way for way in aim.surface.carriers if way == "user")
    return replace(aim, surface=replace(aim.surface, carriers=by_text))


def _attacker(contract: Contract, run: Run, *, max_cost: float | None) -> Attacker | None:
    """The model that a run is carried on by."""
    told = run.config.get("attacker")
    if told is None:
        return None
    from launchworthy.errors import InputError
    from launchworthy.evals import redteam
    from launchworthy.evals.chat import OPENAI, ChatModel

    model = ChatModel(
        model=told["model"],
        base_url=told["base_url"] or OPENAI,
        key_env=told["key_env"],
        temperature=None,  # an attacker that tries the same again finds nothing
    )
    attacker = redteam.Attacker(
        model,
        job=contract.workflows[run.workflow].job,
        turns=redteam.Turns(each=told["turns"], calls=told["calls"]),
    )
    if max_cost is not None and not attacker.has_price:
        raise InputError(
            f"no price is known for {model.model}, so that --max-cost could not be kept",
            where="--attacker",
            hint="name a price file in LAUNCHWORTHY_PRICES, or bound it by --attacker-calls",
        )
    return attacker


def _attack(
    workspace: Workspace,
    contract: Contract,
    contract_file: Path,
    claims: Sequence[Claim],
    given: dict[str, Any],
) -> Sitting:
    from launchworthy.cli.evaluating.printing import progress
    from launchworthy.evals import Limits
    from launchworthy.evals.redteam import AttackingTarget, attack, planned

    make = _surface(contract, contract_file, given)
    if given["resume"] is not None:
        run = workspace.run(given["resume"])
        surface = planned(run)[1]
        aim = _aim(contract, lambda _: surface, given, run=run)
    else:
        aim = _aim(contract, make, given)
        run, surface = _begun(workspace, contract, contract_file, claims, aim, given), aim.surface
    attacker = _attacker(contract, run, max_cost=given["max_cost"])
    target = aim.make(surface, attacker)
    click.echo(f"run {run.id}: {run.gold}", err=True)
    try:
        with progress() as on_progress:
            return attack(
                workspace,
                run,
                target=target if attacker is None else AttackingTarget(target, attacker),
                claims=claims,
                baseline=given["baseline"] or run.config.get("baseline"),
                limits=Limits(
                    concurrency=given["concurrency"],
                    timeout_s=given["timeout"],
                    retries=1,
                    max_cost_usd=given["max_cost"],
                ),
                on_progress=on_progress,
            )
    except KeyboardInterrupt:
        click.echo(f"interrupted; go on with: launchworthy redteam --resume {run.id}", err=True)
        raise


def _begun(
    workspace: Workspace,
    contract: Contract,
    contract_file: Path,
    claims: Sequence[Claim],
    aim: Aim,
    given: dict[str, Any],
) -> Run:
    import secrets
    from datetime import UTC, datetime

    from launchworthy.cli.attacking.beginning import release_under_attack
    from launchworthy.cli.evaluating.beginning import request_of, response_of
    from launchworthy.evals.redteam import begin_run

    folder = contract_file.resolve().parent
    release = release_under_attack(aim.address, contract, folder=folder, described=given["release"])
    workspace.register_release(release, product=contract.product)
    workspace.register_contract(
        product=contract.product, text=contract.text, path=str(contract_file.absolute())
    )
    kept = ("bearer_env", "base_url", "key_env", "baseline")
    return begin_run(
        _planned(claims, aim.surface, given),
        aim.surface,
        unique=secrets.token_hex(3),
        release=release.id,
        release_label=release.label,
        target=aim.address,
        config={
            **{name: given[name] for name in kept},
            "request": request_of(given["request"]),
            "response": response_of(given["responses"]),
            "prompt": None if given["prompt"] is None else str(given["prompt"].absolute()),
            "contract": str(contract_file.absolute()),
            "attacker": None
            if given["attacker"] is None
            else {
                "model": given["attacker"],
                "base_url": given["attacker_url"],
                "key_env": given["attacker_key_env"],
                "turns": given["turns"],
                "calls": given["attacker_calls"],
            },
        },
        now=datetime.now(UTC),
    )


def _code(sitting: Sitting) -> int:
    states = {each.state.value for each in sitting.statuses}
    for state in ("unmet", "unproven"):
        if state in states:
            return VERDICT_CODES[state]
    if states:
        return 0
    if sitting.board.all.succeeded:
        return VERDICT_CODES["unmet"]
    nothing = sitting.board.all.rate is None or sitting.run.status != "complete"
    return VERDICT_CODES["unproven"] if nothing else 0


def _asked(forms: tuple[str, ...], *, as_json: bool) -> list[tuple[str, Path | None]]:
    from launchworthy.errors import InputError

    found: list[tuple[str, Path | None]] = []
    for each in (*forms, *(["json"] if as_json else [])):
        form, _, file = each.partition("=")
        if form not in _FORMS:
            raise InputError(
                f"there is no form {form!r:.40}", where="--format", hint=f"one of {', '.join(_FORMS)}"
            )
        found.append((form, Path(file) if file else None))
    return found if any(file is None for _, file in found) else [("text", None), *found]


def _written(sitting: Sitting, form: str, claims: Sequence[Claim]) -> str:
    import json

    from launchworthy.cli.attacking.printing import plain_sitting, text_of

    if form == "text":
        return text_of(sitting)
    if form == "junit":
        from launchworthy.evals.redteam.forms import red_team_junit

        return red_team_junit(sitting).rstrip("\n")
    if form == "json":
        body = plain_sitting(sitting)
    else:
        from launchworthy.evals.redteam.forms import red_team_sarif

        body = red_team_sarif(sitting, claims=claims, root=Path.cwd())
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def _save(file: Path, text: str) -> None:
    from launchworthy.errors import InputError

    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(file)) from error
