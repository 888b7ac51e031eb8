"""``launchworthy eval``: ask a target every item of a gold set, score it, and keep the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.evaluating.options import Options, how_it_is_asked, what_is_asked, what_is_measured
from launchworthy.cli.figures import VERDICT_CODES, echo_json

if TYPE_CHECKING:
    from launchworthy.contract import Claim
    from launchworthy.evals import Limits, Outcome, Promise, Reach, Target
    from launchworthy.evals.cache import ReplyCache
    from launchworthy.evidence import ClaimStatus
    from launchworthy.gold import GoldVersion
    from launchworthy.records import Run
    from launchworthy.server import Workspace

NOTHING_MEASURED = 1
SEALED = "sealed"


@click.command()
@what_is_asked
@what_is_measured
@how_it_is_asked
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--slices/--no-slices", default=True, show_default=True, help="Print each slice too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(data: Path | None, slices: bool, as_json: bool, **given: Any) -> int:
    """Run a suite against a target and keep the evidence.

    Exits with 0 if anything could be measured, whatever it was: the verdict is `launchworthy verdict`. The
    gate exits as the verdict does, and --plan with 2 where the suite cannot prove what the contract asks for.
    """
    from launchworthy.server import open_workspace

    options = Options(**given)
    options.check()
    workspace = open_workspace(data)
    try:
        if options.plan:
            return _plan(workspace, options, as_json=as_json)
        cache = _cache(data)
        try:
            if options.several:
                return _matrix(workspace, options, cache, as_json=as_json)
            outcome, promise = _run(workspace, options, cache)
        finally:
            cache.close()
        gated = _gated(workspace, outcome, promise) if outcome.run.split == SEALED else None
    finally:
        workspace.close()
    if gated is not None:
        return _gate(outcome, gated, as_json=as_json)
    return _told([outcome], slices=slices, as_json=as_json)


def _cache(data: Path | None) -> ReplyCache:
    from launchworthy.evals.cache import CACHE_FILE, ReplyCache
    from launchworthy.server.opening import data_folder

    return ReplyCache(
        data_folder(data) / CACHE_FILE, on_trouble=lambda text: click.echo(f"warning: {text}", err=True)
    )


def _from(options: Options, target: Target) -> Target:
    """The target, asked from where the engine makes its calls."""
    if options.engine == "local":
        return target
    from launchworthy.evals.ray_target import RayTarget

    return RayTarget(target, address=options.ray_address)


def _promise_of(options: Options) -> Promise:
    from launchworthy.evals import promised

    here = Path("launchworthy.yaml")
    return promised(options.contract or (here if here.is_file() else None), options.workflow)


def _run(
    workspace: Workspace, options: Options, cache: ReplyCache, *, baseline: str | None = None
) -> tuple[Outcome, Promise]:
    from launchworthy.cli.evaluating.beginning import begin, scorers_of, target_of_run, user_of_run
    from launchworthy.cli.evaluating.gold import gold_of
    from launchworthy.cli.evaluating.printing import progress, resumable
    from launchworthy.evals import promised, run_suite
    from launchworthy.gold import find_version

    limits = _limits(options)
    if options.resume is not None:
        run = workspace.run(options.resume)
        _refuse_another(run, options)
        told = run.config.get("contract")
        promise = promised(None if told is None else Path(told), run.workflow)
        version = find_version(workspace, run.gold, product=run.product)
    else:
        promise = _promise_of(options)
        version = gold_of(workspace, options, promise)
        run = begin(workspace, options, promise, version)
    spec = run.config
    target, scorers = _from(options, target_of_run(run)), scorers_of(tuple(spec["scorers"]))
    click.echo(f"run {run.id}: {run.gold}, {run.split}", err=True)
    if spec.get("limit") is None and run.split != "dev":
        for reach in _reach(workspace, promise, version, split=run.split):
            if not reach.possible:
                click.echo(str(reach), err=True)
    with progress() as on_progress, resumable(run):
        outcome = run_suite(
            workspace,
            run,
            version=version,
            target=target,
            scorers=scorers,
            by=_user(),
            claims=[claim for claim in promise.claims if not (spec.get("unjudged") and _is_judged(claim))],
            limits=limits,
            limit=spec.get("limit"),
            samples=spec.get("samples", 1),
            baseline=baseline or options.baseline or spec.get("baseline"),
            margin=spec.get("margin", 0.0),
            stop_when_settled=bool(spec.get("stop_when_settled")),
            looks_budget=promise.looks,
            cache=cache,
            user=user_of_run(run),
            on_progress=on_progress,
        )
    return outcome, promise


def _is_judged(claim: Claim) -> bool:
    """Whether a judge is asked for it, and paid: not where scorers were named."""
    return claim.family == "quality" and claim.options.get("judge") is not None


def _refuse_another(run: Run, options: Options) -> None:
    """A run goes on as it began; what it is told now may only be the same.

    Raises:
        InputError: It names another target, or other scorers.
    """
    from launchworthy.errors import InputError

    if "scorers" not in run.config:
        hint = f"launchworthy redteam --resume {run.id}" if "red_team" in run.config else "begin a new run"
        raise InputError(f"{run.id} was not begun by this command", where="--resume", hint=hint)
    began: dict[str, list[str]] = {"--target": [run.target], "--scorer": list(run.config["scorers"])}
    given = {"--target": list(options.targets), "--scorer": list(options.scorers)}
    for name, now in given.items():
        if now and now != began[name]:
            raise InputError(
                f"the run began with {name} {', '.join(began[name]) or 'of none'}",
                where=name,
                hint="leave it out, or begin a new run",
            )


def _limits(options: Options) -> Limits:
    from launchworthy.evals import Limits

    return Limits(
        concurrency=options.concurrency,
        timeout_s=options.timeout,
        retries=options.retries,
        max_cost_usd=options.max_cost,
    )


def _told(outcomes: list[Outcome], *, slices: bool, as_json: bool) -> int:
    from launchworthy.cli.evaluating.printing import plain_outcome, print_outcome

    if as_json:
        plain = [plain_outcome(outcome) for outcome in outcomes]
        echo_json(plain[0] if len(plain) == 1 else {"runs": plain})
    elif len(outcomes) == 1:
        print_outcome(outcomes[0], slices=slices)
    return _measured(outcomes)


def _measured(outcomes: list[Outcome]) -> int:
    from launchworthy.evals import could_not_score

    empty = [outcome.run.id for outcome in outcomes if could_not_score(outcome.items)]
    for run_id in empty:
        which = "" if len(outcomes) == 1 else f" by {run_id}"
        click.echo(f"error: nothing was measured{which}: every item failed or could not be scored", err=True)
    return NOTHING_MEASURED if empty else 0


def _matrix(workspace: Workspace, options: Options, cache: ReplyCache, *, as_json: bool) -> int:
    """Every target on every suite; the first target is what the others are compared with."""
    from launchworthy.cli.evaluating.printing import print_matrix
    from launchworthy.errors import InputError

    if not options.targets:
        raise InputError("no target", hint="name what to ask: --target module:function or --target http://…")
    suites = []
    for row in options.suites():
        outcomes: list[Outcome] = []
        for single in row:
            first = outcomes[0].run.id if outcomes else None
            outcomes.append(_run(workspace, single, cache, baseline=first)[0])
        suites.append(outcomes)
    every = [outcome for outcomes in suites for outcome in outcomes]
    if not as_json:
        print_matrix(suites)
    return _told(every, slices=False, as_json=as_json)


def _gate(outcome: Outcome, claims: Sequence[ClaimStatus], *, as_json: bool) -> int:
    from launchworthy.cli.evaluating.printing import plain_gate, print_gate

    if as_json:
        echo_json(plain_gate(outcome, claims))
    else:
        print_gate(outcome, claims)
    states = {each.state.value for each in claims} or {"unproven"}
    return next(code for state, code in (("unmet", 1), ("unproven", 2), ("met", 0)) if state in states)


def _gated(workspace: Workspace, outcome: Outcome, promise: Promise) -> list[ClaimStatus]:
    """Where each claim that the gate could measure stands by what gates have measured alone."""
    from datetime import UTC, datetime

    from launchworthy.contract import ClaimKind
    from launchworthy.evals import metrics_of
    from launchworthy.evidence.claim_status import status

    asked = metrics_of(promise.claims, workflow=outcome.run.workflow)
    product = outcome.run.product
    sealed = [piece for piece in workspace.evidence(product) if piece.detail.get("split") == SEALED]
    return [
        status(claim, sealed, release=outcome.run.release, now=datetime.now(UTC))
        for claim in promise.claims
        if claim.address in asked and claim.kind is ClaimKind.BOUND
    ]


def _plan(workspace: Workspace, options: Options, *, as_json: bool) -> int:
    from launchworthy.cli.evaluating.gold import gold_of

    promise = _promise_of(options)
    version = gold_of(workspace, options, promise)
    found = _reach(workspace, promise, version, split=SEALED if options.gate else options.split)
    if as_json:
        from dataclasses import asdict

        echo_json({"claims": [asdict(reach) | {"possible": reach.possible} for reach in found]})
    else:
        for reach in found:
            click.echo(str(reach))
        if not found:
            click.echo("The contract has no claim that a run could prove.")
    return 0 if all(reach.possible for reach in found) else VERDICT_CODES["unproven"]


def _reach(workspace: Workspace, promise: Promise, version: GoldVersion, *, split: str) -> list[Reach]:
    from launchworthy.evals import reach_of

    if promise.path is None:
        return []
    items = workspace.gold_items(
        product=version.product, name=version.name, version=version.version, split=None
    )
    workflow = promise.workflow or version.name
    return reach_of(promise.claims, items, version=version, workflow=workflow, split=split)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
