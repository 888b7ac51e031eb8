"""A new run, or the one to go on with, and its target and scorers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.cli.evaluating.options import Options
    from launchworthy.cli.evaluating.promise import Promise
    from launchworthy.evals import Target
    from launchworthy.gold import GoldVersion
    from launchworthy.metrics import Metric
    from launchworthy.records import Run
    from launchworthy.server import Workspace

__all__ = ["begin", "scorers_of", "target_of_run"]


def begin(workspace: Workspace, options: Options, promise: Promise, version: GoldVersion) -> Run:
    """The header of a new run; its release and contract are put on record.

    Raises:
        InputError: There is no target, or nothing to measure.
    """
    import secrets
    from datetime import UTC, datetime

    from launchworthy.errors import InputError
    from launchworthy.evals import new_run, read_release, target_release

    if options.target is None:
        raise InputError("no target", hint="name what to ask: --target module:function or --target http://…")
    if options.release is not None:
        release = read_release(options.release)
    else:
        release = promise.release or target_release(options.target)
    names = scorer_names(options, promise, version)
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
        **_rarely(options),
    }
    run = new_run(
        unique=secrets.token_hex(3),
        version=version,
        workflow=promise.workflow or options.workflow or version.name,
        release=release.id,
        target=options.target,
        split="sealed" if options.gate else options.split,
        scorers=scorers_of(names),
        config=config,
        now=datetime.now(UTC),
        simulated=options.simulated,
    )
    workspace.register_release(release, product=version.product)
    if promise.path is not None:
        workspace.register_contract(
            product=version.product, text=promise.text, path=str(promise.path.absolute())
        )
    _offer_to_resume(workspace, run)
    return run


def _rarely(options: Options) -> dict[str, Any]:
    """What is written only where it was asked for."""
    told = {
        "samples": options.samples if options.samples > 1 else None,
        "cache": options.cache,
        "stop_when_settled": options.stop_when_settled,
        "trust_pickle": options.trust_pickle,
    }
    return {name: value for name, value in told.items() if value}


def scorer_names(options: Options, promise: Promise, version: GoldVersion) -> tuple[str, ...]:
    """The scorers that were named, else those that the contract's claims ask for."""
    from launchworthy.errors import InputError
    from launchworthy.evals import metrics_of, scorer_text

    workflow = promise.workflow or options.workflow or version.name
    asked = metrics_of(promise.claims, workflow=workflow)
    names = options.scorers or tuple(
        dict.fromkeys(scorer_text(claim) for claim in promise.claims if claim.address in asked)
    )
    if not names:
        raise InputError(
            "no scorer", hint="name one: --scorer exact-match; `launchworthy score --list` shows them all"
        )
    return names


def _offer_to_resume(workspace: Workspace, run: Run) -> None:
    from launchworthy.evals import same_suite

    for old in workspace.runs(product=run.product, workflow=run.workflow):
        if old.status != "complete" and old.done < old.items and same_suite(old, run):
            click.echo(
                f"{old.id} asked the same and stopped at {old.done:,} of {old.items:,}; "
                f"to go on with it: launchworthy eval --resume {old.id}",
                err=True,
            )
            break


def target_of_run(run: Run) -> Target:
    """Who is asked, as the run's own record says."""
    from launchworthy.evals import target_of

    spec = run.config
    return target_of(
        spec["target"],
        request=spec.get("request"),
        response=spec.get("response"),
        bearer_env=spec.get("bearer_env"),
        trust_pickle=bool(spec.get("trust_pickle")),
        trace_seed=run.id,
    )


def scorers_of(names: tuple[str, ...]) -> list[Metric]:
    """The metrics of these names.

    Raises:
        InputError: One is unknown, or stands twice.
    """
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
