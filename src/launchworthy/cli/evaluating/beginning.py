"""A new run, or the one to go on with, and its target and scorers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.cli.evaluating.options import Options
    from launchworthy.evals import Promise, Target
    from launchworthy.evals.scenarios import Speaker
    from launchworthy.gold import GoldVersion
    from launchworthy.metrics import Metric
    from launchworthy.records import Release, Run
    from launchworthy.server import Workspace

__all__ = ["begin", "request_of", "response_of", "scorers_of", "target_of_run", "user_of_run"]


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
    source = _source(options.target)
    if options.release is not None:
        release = read_release(options.release)
    else:
        described = promise.release or _model_release(options)
        release = described or target_release(options.target, source=source)
    names = scorer_names(options, promise, version)
    config = {
        "target": options.target,
        "scorers": list(names),
        "request": request_of(options.request),
        "response": response_of(options.responses),
        "bearer_env": options.bearer_env,
        "limit": options.limit,
        "baseline": options.baseline,
        "margin": promise.margin if options.margin is None else options.margin,
        "contract": None if promise.path is None else str(promise.path.absolute()),
        "release_label": release.label,
        **({} if source is None else {"source": source}),
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
        "unjudged": bool(options.scorers),
        "stop_when_settled": options.stop_when_settled,
        "trust_pickle": options.trust_pickle,
        "user": options.user,
        "user_url": options.user_url,
        "user_key_env": options.user_key_env,
        "prompt": None if options.prompt is None else str(options.prompt.absolute()),
        "prompt_sha256": None if options.prompt is None else _digest(options.prompt),
        "base_url": options.base_url,
        "key_env": options.key_env,
    }
    return {name: value for name, value in told.items() if value}


def _digest(prompt: Path) -> str:
    from launchworthy.evals.model_target import read_prompt

    return read_prompt(prompt).digest


def _source(address: str) -> str | None:
    """The digest of the code of a Python function; None of any other target.

    Raises:
        InputError: There is no such function.
    """
    from launchworthy.evals import source_of
    from launchworthy.evals.suite import is_function
    from launchworthy.functions import load_function

    if not is_function(address):
        return None
    load_function(address)
    return source_of(address)


def _model_release(options: Options) -> Release | None:
    """The release that a model and its prompt make up; None for any other target."""
    from launchworthy.evals.model_target import model_release, model_target
    from launchworthy.evals.target import MODEL_PREFIX

    if options.target is None or not options.target.startswith(MODEL_PREFIX):
        return None
    target = model_target(
        options.target, base_url=options.base_url, prompt=options.prompt, key_env=options.key_env
    )
    return model_release(target, prompt=options.prompt)


def scorer_names(options: Options, promise: Promise, version: GoldVersion) -> tuple[str, ...]:
    """The scorers that were named, else those that the contract's claims ask for."""
    from launchworthy.errors import InputError
    from launchworthy.evals import metrics_of, scorer_text
    from launchworthy.evals.judging import judgings

    workflow = promise.workflow or options.workflow or version.name
    asked = metrics_of(promise.claims, workflow=workflow)
    names = options.scorers or tuple(
        dict.fromkeys(scorer_text(claim) for claim in promise.claims if claim.address in asked)
    )
    if not names and not judgings(promise.claims, workflow=workflow)[0]:
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
    from launchworthy.errors import InputError
    from launchworthy.evals import target_of

    spec = run.config
    if spec.get("prompt") is not None and _digest(Path(spec["prompt"])) != spec["prompt_sha256"]:
        raise InputError(
            "the prompt has changed since the run began",
            where=spec["prompt"],
            hint="begin a new run: its answers are of another release",
        )
    if spec.get("source") is not None and _source(spec["target"]) != spec["source"]:
        raise InputError(
            "the target's code has changed since the run began",
            where=spec["target"],
            hint="begin a new run: other code, other answers",
        )
    return target_of(
        spec["target"],
        request=spec.get("request"),
        response=spec.get("response"),
        bearer_env=spec.get("bearer_env"),
        trust_pickle=bool(spec.get("trust_pickle")),
        prompt=None if spec.get("prompt") is None else Path(spec["prompt"]),
        base_url=spec.get("base_url"),
        key_env=spec.get("key_env"),
        trace_seed=run.id,
    )


def user_of_run(run: Run) -> Speaker | None:
    """The model that plays users, as the run's own record says; its seed is fixed."""
    spec = run.config
    if spec.get("user") is None:
        return None
    from launchworthy.evals.chat import OPENAI, ChatClient, ChatModel

    model = ChatModel(
        model=spec["user"],
        base_url=spec.get("user_url") or OPENAI,
        key_env=spec.get("user_key_env"),
        seed=0,
    )
    return ChatClient(model)


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


def request_of(text: str | None) -> Any:
    from launchworthy.errors import InputError

    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the request is not JSON: {error}", where="--request", hint='write {"question": "{input}"}'
        ) from error


def response_of(pairs: tuple[str, ...]) -> dict[str, str]:
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
