"""``launchworthy eval``: ask a target every item of a gold set, score it, and keep the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import SHARE, echo_json, plain_interval

if TYPE_CHECKING:
    from launchworthy.contract import Claim
    from launchworthy.evals import Limits, Outcome, Progress
    from launchworthy.gold import GoldVersion
    from launchworthy.metrics import Metric
    from launchworthy.records import Release, Run
    from launchworthy.server import Workspace

NOTHING_MEASURED = 1
_REASONS = 3


@click.command()
@click.option(
    "--contract", type=click.Path(path_type=Path), help="Contract [launchworthy.yaml, if it is here]."
)
@click.option("--workflow", help="Workflow [the contract's only one].")
@click.option("--target", help="What to ask: module:function, or the address of an HTTP endpoint.")
@click.option("--gold", help="NAME[@VERSION] or a file to import [the contract's].")
@click.option(
    "--split",
    type=click.Choice(["dev", "holdout", "all"]),
    default="all",
    show_default=True,
    help="Only holdout items prove anything; each reading of them is counted.",
)
@click.option("--scorer", "scorers", multiple=True, help="Metric, may be repeated [those of the contract].")
@click.option("--baseline", help="Run or release to compare with, item by item.")
@click.option("--margin", type=SHARE, help="How much worse than it is acceptable [the contract's, else 0].")
@click.option("--release", type=click.Path(path_type=Path), help="YAML file of the release's parts.")
@click.option("--request", help='HTTP: JSON body with {input}, {id}, {context} [{"input": "{input}"}].')
@click.option("--response", "responses", multiple=True, help="HTTP: FIELD=/json/pointer, may be repeated.")
@click.option("--bearer-env", help="HTTP: environment variable that holds a bearer token.")
@click.option("--concurrency", type=int, default=16, show_default=True, help="Calls at once.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for one attempt.")
@click.option(
    "--retries", type=int, default=2, show_default=True, help="Further attempts, where an error may pass."
)
@click.option("--max-cost", type=float, help="Begin no call once so many US dollars are spent.")
@click.option("--resume", help="Go on with this run.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many; proves nothing.")
@click.option("--product", help="Product, where no contract names it.")
@click.option("--simulated", is_flag=True, help="Label the run and its evidence as simulated.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--slices/--no-slices", default=True, show_default=True, help="Print each slice too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(data: Path | None, slices: bool, as_json: bool, **options: Any) -> int:
    """Run a suite against a target and keep the evidence.

    Exits with 0 if anything could be measured, whatever it was: the verdict is `launchworthy verdict`.
    """
    from launchworthy.evals import Limits, could_not_score
    from launchworthy.server import open_workspace

    limits = Limits(
        concurrency=options["concurrency"],
        timeout_s=options["timeout"],
        retries=options["retries"],
        max_cost_usd=options["max_cost"],
    )
    workspace = open_workspace(data)
    try:
        outcome = _run(workspace, _Options(**options), limits)
    finally:
        workspace.close()
    if as_json:
        echo_json(_plain(outcome))
    else:
        _print(outcome, slices=slices)
    if could_not_score(outcome.items):
        click.echo("error: nothing was measured: every item failed or could not be scored", err=True)
        return NOTHING_MEASURED
    return 0


@dataclass(frozen=True, kw_only=True)
class _Options:
    contract: Path | None
    workflow: str | None
    target: str | None
    gold: str | None
    split: str
    scorers: tuple[str, ...]
    baseline: str | None
    margin: float | None
    release: Path | None
    request: str | None
    responses: tuple[str, ...]
    bearer_env: str | None
    concurrency: int
    timeout: float
    retries: int
    max_cost: float | None
    resume: str | None
    limit: int | None
    product: str | None
    simulated: bool


@dataclass(frozen=True, kw_only=True)
class _Promise:
    """What the contract says of one workflow; empty where there is no contract."""

    path: Path | None = None
    text: str = ""
    product: str | None = None
    workflow: str | None = None
    claims: tuple[Claim, ...] = ()
    gold_file: Path | None = None
    holdout: float = 0.4
    looks: int | None = None
    margin: float = 0.0
    release: Release | None = None


def _run(workspace: Workspace, options: _Options, limits: Limits) -> Outcome:
    from launchworthy.evals import run_suite, target_of

    if options.resume is not None:
        run = workspace.run(options.resume)
        told = run.config.get("contract")
        promise = _promised(None if told is None else Path(told), run.workflow)
        version = _version(workspace, run)
    else:
        here = Path("launchworthy.yaml")
        promise = _promised(options.contract or (here if here.is_file() else None), options.workflow)
        version = _gold(workspace, options, promise)
        run = _begin(workspace, options, promise, version)
    spec = run.config
    target = target_of(
        spec["target"],
        request=spec.get("request"),
        response=spec.get("response"),
        bearer_env=spec.get("bearer_env"),
        trace_seed=run.id,
    )
    click.echo(f"run {run.id}: {run.gold}, {run.split}", err=True)
    with _progress() as on_progress, _resumable(run):
        return run_suite(
            workspace,
            run,
            version=version,
            target=target,
            scorers=_scorers(tuple(spec["scorers"])),
            by=_user(),
            claims=promise.claims,
            limits=limits,
            limit=spec.get("limit"),
            baseline=options.baseline or spec.get("baseline"),
            margin=spec.get("margin", 0.0),
            looks_budget=promise.looks,
            on_progress=on_progress,
        )


def _begin(workspace: Workspace, options: _Options, promise: _Promise, version: GoldVersion) -> Run:
    import secrets
    from datetime import UTC, datetime

    from launchworthy.errors import InputError
    from launchworthy.evals import metrics_of, new_run, read_release, same_suite, scorer_text, target_release

    if options.target is None:
        raise InputError("no target", hint="name what to ask: --target module:function or --target http://…")
    workflow = promise.workflow or options.workflow or version.name
    if options.release is not None:
        release = read_release(options.release)
    else:
        release = promise.release or target_release(options.target)
    asked = metrics_of(promise.claims, workflow=workflow)
    names = options.scorers or tuple(
        dict.fromkeys(scorer_text(claim) for claim in promise.claims if claim.address in asked)
    )
    if not names:
        raise InputError(
            "no scorer", hint="name one: --scorer exact-match; `launchworthy score --list` shows them all"
        )
    config = {
        "target": options.target,
        "scorers": list(names),
        "request": _request(options.request),
        "response": _response(options.responses),
        "bearer_env": options.bearer_env,
        "limit": options.limit,
        "baseline": options.baseline,
        "margin": promise.margin if options.margin is None else options.margin,
        "contract": None if promise.path is None else str(promise.path.absolute()),
        "release_label": release.label,
    }
    run = new_run(
        unique=secrets.token_hex(3),
        version=version,
        workflow=workflow,
        release=release.id,
        target=options.target,
        split=options.split,
        scorers=_scorers(names),
        config=config,
        now=datetime.now(UTC),
        simulated=options.simulated,
    )
    workspace.register_release(release, product=version.product)
    if promise.path is not None:
        workspace.register_contract(
            product=version.product, text=promise.text, path=str(promise.path.absolute())
        )
    for old in workspace.runs(product=run.product, workflow=run.workflow):
        if old.status != "complete" and old.done < old.items and same_suite(old, run):
            click.echo(
                f"{old.id} asked the same and stopped at {old.done:,} of {old.items:,}; "
                f"to go on with it: launchworthy eval --resume {old.id}",
                err=True,
            )
            break
    return run


def _promised(path: Path | None, workflow: str | None) -> _Promise:
    """What the contract says of one workflow; paths of its files begin in its folder."""
    if path is None:
        return _Promise(workflow=workflow)
    from launchworthy.contract import claims, load_contract
    from launchworthy.errors import InputError
    from launchworthy.evals import PROVES, release_of

    contract = load_contract(path)
    names = tuple(contract.workflows)
    if workflow is None and len(names) > 1:
        raise InputError("which workflow is not clear", where="--workflow", hint=f"one of {', '.join(names)}")
    chosen = workflow or names[0]
    if chosen not in names:
        raise InputError(
            f"the contract has no workflow {chosen!r:.80}",
            where="--workflow",
            hint=f"one of {', '.join(names)}",
        )
    gold = contract.gold_of(chosen)
    by_time = gold.holdout.unit == "ms"
    return _Promise(
        path=path,
        text=contract.text,
        product=contract.product,
        workflow=chosen,
        claims=tuple(_in_folder(claim, path.parent) for claim in claims(contract, provers={"evals": PROVES})),
        gold_file=None if gold.file is None else path.parent / gold.file,
        holdout=0.0 if by_time else gold.holdout.value,  # rows of a set split by time name their split
        looks=gold.looks,
        margin=contract.proof.margin.value if contract.proof.margin.unit == "ratio" else 0.0,
        release=release_of(contract, folder=path.parent),
    )


def _in_folder(claim: Claim, folder: Path) -> Claim:
    """A schema's path as it is from here."""
    from dataclasses import replace

    schema = claim.options.get("schema")
    if not isinstance(schema, str):
        return claim
    return replace(claim, options={**claim.options, "schema": str(folder / schema)})


def _gold(workspace: Workspace, options: _Options, promise: _Promise) -> GoldVersion:
    """The version that is meant; a file is imported first, whole or not at all."""
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.errors import InputError
    from launchworthy.gold import find_version, freeze, load_gold

    product = promise.product or product_of(workspace, options.product)
    path = promise.gold_file if options.gold is None else Path(options.gold)
    if options.gold is None and path is not None and not path.is_file():
        path = None  # it may have been imported by hand
    if options.gold is not None and not (path is not None and path.is_file()):
        return _named(workspace, options.gold, product)
    if path is None:
        if promise.workflow is None:
            raise InputError("no gold set", hint="name one: --gold FILE, or NAME of an imported set")
        return find_version(workspace, promise.workflow, product=product)
    version, items = freeze(
        load_gold(path, holdout=promise.holdout),
        product=product,
        name=promise.workflow or options.workflow or path.stem,
        created_at=datetime.now(UTC),
    )
    workspace.add_gold(version, items)
    return version


def _named(workspace: Workspace, reference: str, product: str) -> GoldVersion:
    """The version of a name; what reads like a file, and is neither, is told as a file that is missing."""
    from launchworthy.errors import InputError, NotFoundError
    from launchworthy.gold import find_version, is_gold_file

    try:
        return find_version(workspace, reference, product=product)
    except NotFoundError as error:
        path = Path(reference)
        if not is_gold_file(path) and len(path.parts) < 2 and not path.exists():
            raise
        raise InputError(
            "it is no file" if path.exists() else "there is no such file",
            where=reference,
            hint=f"nor is there a gold set of this name; {error.hint}",
        ) from error


def _version(workspace: Workspace, run: Run) -> GoldVersion:
    from launchworthy.gold import find_version

    return find_version(workspace, run.gold, product=run.product)


def _scorers(names: tuple[str, ...]) -> list[Metric]:
    from launchworthy.errors import InputError
    from launchworthy.evals import scorer_of

    metrics = [scorer_of(name) for name in names]
    taken: set[str] = set()
    for metric in metrics:
        if metric.name in taken:
            raise InputError(f"the scorer {metric.name!r:.80} is asked for twice", where="--scorer")
        taken.add(metric.name)
    return metrics


def _request(text: str | None) -> Any:
    from launchworthy.errors import InputError

    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the request is not JSON: {error}", where="--request", hint='write {"question": "{input}"}'
        ) from error


def _response(pairs: tuple[str, ...]) -> dict[str, str]:
    from launchworthy.errors import InputError

    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, pointer = pair.partition("=")
        if not sign or not name:
            raise InputError(
                f"{pair!r:.80} is not FIELD=/json/pointer",
                where="--response",
                hint="write output=/choices/0/message/content",
            )
        found[name] = pointer
    return found


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None] | None]:
    """A bar on standard error; nothing where that is no terminal."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(progress: Progress) -> None:
            errors = f"{progress.errors:,} errors" if progress.errors else ""
            bar.update(task, completed=progress.done, total=progress.items, description=errors)

        yield advance


@contextmanager
def _resumable(run: Run) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"interrupted; go on with: launchworthy eval --resume {run.id}", err=True)
        raise


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _print(outcome: Outcome, *, slices: bool) -> None:
    from launchworthy.evals import table_of

    run = outcome.run
    errors = f", {run.errors:,} errors" if run.errors else ""
    label = "; simulated" if run.simulated else ""
    click.echo(f"{run.id}  {run.status}  {run.release}  {run.done:,} of {run.items:,} items{errors}{label}")
    rows = [row for row in outcome.measured if slices or row.slice is None]
    for line in [*table_of(rows, outcome.comparisons), *outcome.remarks]:
        click.echo(line)
    _print_reasons(outcome)
    if run.config.get("stopped_because"):
        click.echo(
            f"stopped: {run.config['stopped_because']}; go on with: launchworthy eval --resume {run.id}"
        )
    if outcome.evidence:
        pieces, claims = len(outcome.evidence), len({piece.claim for piece in outcome.evidence})
        click.echo(
            f"{pieces:,} {'piece' if pieces == 1 else 'pieces'} of evidence for "
            f"{claims:,} {'claim' if claims == 1 else 'claims'}; to judge: launchworthy verdict"
        )


def _print_reasons(outcome: Outcome) -> None:
    """Why items have no score: whoever wired a target wrongly learns it here, not from a second command."""
    from launchworthy.cli.figures import printable
    from launchworthy.evals import reasons_of

    reasons = reasons_of(outcome.items)
    for who, why, count in reasons[:_REASONS]:
        said = "the target failed" if who == "target" else f"{who} could not score"
        click.echo(f"{said}: {count:,} × {printable(why, most=200)}")
    if len(reasons) > _REASONS:
        click.echo(f"… and for other reasons; see: launchworthy runs {outcome.run.id}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    run = outcome.run
    return {
        "run": run.id,
        "status": run.status,
        "release": run.release,
        "gold": run.gold,
        "split": run.split,
        "items": run.items,
        "done": run.done,
        "errors": run.errors,
        "cost_usd": run.cost_usd,
        "simulated": run.simulated,
        "measured": [
            {
                "metric": row.metric,
                "slice": row.slice,
                "unit": row.unit,
                **plain_interval(row.interval, confidence=0.95),
                "unscored": row.unscored,
                "outside": row.outside,
            }
            for row in outcome.measured
        ],
        "comparisons": [
            {
                "metric": found.metric,
                **plain_interval(found.difference, confidence=0.95),
                "candidate": found.candidate,
                "baseline": found.baseline,
                "margin": found.margin,
                "status": found.status,
                "better": list(found.better),
                "worse": list(found.worse),
                "unpaired": found.unpaired,
                "unscored": found.unscored,
            }
            for found in outcome.comparisons
        ],
        "evidence": [piece.as_json() for piece in outcome.evidence],
        "remarks": list(outcome.remarks),
    }
