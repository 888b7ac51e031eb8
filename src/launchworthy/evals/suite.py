"""What is run: the target by its address, the release under test, and the header of a new run.

May import ``contract``, ``errors``, ``records``, ``gold`` and this room.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from launchworthy.contract import Contract
from launchworthy.errors import InputError
from launchworthy.evals.scoring import Scorer
from launchworthy.evals.target import (
    MODEL_FILE,
    MODEL_PREFIX,
    CallableTarget,
    Target,
    load_function,
)
from launchworthy.gold import GoldVersion
from launchworthy.records import Release, Run

__all__ = [
    "is_function",
    "known_of",
    "new_run",
    "read_release",
    "release_of",
    "same_suite",
    "target_of",
    "target_release",
]

_LONGEST_PATH = 400
_PATH = re.compile(r"[^\\:\0\n]*[./][^\\:\0\n]*")  # a word without a dot or a slash names no file


def target_of(
    address: str,
    *,
    request: Any = None,
    response: Mapping[str, str] | None = None,
    bearer_env: str | None = None,
    trust_pickle: bool = False,
    prompt: Path | None = None,
    base_url: str | None = None,
    key_env: str | None = None,
    trace_seed: str = "",
) -> Target:
    """The target at ``module:function``, ``model:FILE``, ``openai:MODEL``, ``http://…`` or ``https://…``.

    ``trust_pickle`` is for files (``launchworthy.evals.model_files.ModelFileTarget``), ``prompt``,
    ``base_url`` and ``key_env`` for models (``launchworthy.evals.model_target``), the other arguments for
    addresses (``launchworthy.evals.HttpTarget``).

    Raises:
        InputError: No such function or file, no such scheme, or options that this target does not take.
    """
    if address.startswith(("http://", "https://")):
        from launchworthy.evals.http import HttpTarget

        return HttpTarget(
            url=address,
            request=request,
            response=response or {},
            bearer_env=bearer_env,
            trace_seed=trace_seed,
        )
    if request is not None or response or bearer_env:
        raise InputError(
            "a request, a response and a bearer token are for HTTP targets",
            where=address,
            hint="a Python function is called with the item's input",
        )
    if address.startswith(MODEL_PREFIX):
        from launchworthy.evals.model_target import model_target

        return model_target(address, base_url=base_url, prompt=prompt, key_env=key_env)
    if prompt is not None or base_url or key_env:
        raise InputError(
            "a prompt, a base address and a key are for models", where=address, hint="write openai:MODEL"
        )
    if address.startswith(MODEL_FILE):
        from launchworthy.evals.model_files import ModelFileTarget

        return ModelFileTarget(Path(address.removeprefix(MODEL_FILE)), trust_pickle=trust_pickle)
    return CallableTarget(load_function(address), name=address)


def is_function(address: str) -> bool:
    """Whether an address is that of a Python function."""
    return not address.startswith(("http://", "https://", MODEL_PREFIX, MODEL_FILE))


def target_release(target: str, *, source: str | None = None) -> Release:
    """The release of a target that nobody described: its address, and what is behind it as far as that shows.

    Of a model file that is its content, of a Python function its ``source``: see
    :func:`launchworthy.evals.source_of`.
    """
    file = Path(target.removeprefix(MODEL_FILE))
    if target.startswith(MODEL_FILE) and file.is_file():
        return Release({"target": target, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
    return Release({"target": target, **({} if source is None else {"source": source})})


def read_release(path: Path) -> Release:
    """The release whose parts a YAML or JSON file lists: ``model: {…}``, ``prompt: prompts/answer.md`` …

    A text that is the path of a file beside it stands for that file's content too, so that an edited prompt
    is another release.

    Raises:
        InputError: Not readable, or not a mapping of names to values.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"the release cannot be read: {reason}", where=str(path)) from error
    parts = _loaded(text, where=str(path))
    if not isinstance(parts, dict) or not parts or not all(isinstance(name, str) for name in parts):
        raise InputError(
            "a release is a mapping of its parts",
            where=str(path),
            hint="write model: …, prompt: …, retrieval: …",
        )
    return _release(parts, folder=path.parent, label=path.stem, where=str(path))


def release_of(contract: Contract, *, folder: Path) -> Release | None:
    """The release that a contract's own ``release`` block describes; None where it has none.

    Args:
        contract: The contract.
        folder: Where the paths of its files begin: the contract's folder.
    """
    parts = _loaded(contract.text, where=contract.file)
    own = parts.get("release") if isinstance(parts, dict) else None
    return _release(own, folder=folder, label="", where=contract.file) if own else None


@lru_cache(maxsize=8)  # a server asks for the release of the same text whenever it judges; nobody changes it
def _loaded(text: str, *, where: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"not YAML: {str(error)[:300]}", where=where) from error


def _release(parts: Mapping[str, Any], *, folder: Path, label: str, where: str) -> Release:
    try:
        read = {name: _with_content(part, folder) for name, part in parts.items()}
        json.dumps(read, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the release holds what JSON cannot: {error}", where=where) from error
    return Release(read, label=label)


def _with_content(part: Any, folder: Path) -> Any:
    """The part, each path of a file that is there with the digest of its content."""
    if isinstance(part, dict):
        return {name: _with_content(value, folder) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_content(value, folder) for value in part]
    if isinstance(part, str) and len(part) <= _LONGEST_PATH and _PATH.fullmatch(part):
        file = folder / part
        if file.is_file():
            return {"file": part, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    return part


def new_run(
    *,
    unique: str,
    version: GoldVersion,
    workflow: str,
    release: str,
    target: str,
    split: str,
    scorers: Sequence[Scorer],
    config: Mapping[str, Any],
    now: datetime,
    simulated: bool = False,
) -> Run:
    """Header of a run that begins now; ``unique`` (a few random characters) ends its id."""
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{unique}",
        product=version.product,
        workflow=workflow,
        release=release,
        target=target,
        gold=f"{version.name}@{version.version}",
        split=split,
        scorers=tuple(scorer.signature for scorer in scorers),
        status="running",
        started_at=now,
        config=dict(config),
        simulated=simulated,
    )


def same_suite(one: Run, other: Run) -> bool:
    """Whether both ask the same of the same release: then the one can go on where the other stopped."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("product", "workflow", "release", "target", "gold", "split", "scorers")
    ) and all(one.config.get(name) == other.config.get(name) for name in ("limit", "samples", "source"))


# What a run's configuration says of measuring; all the rest may decide what a target answers.
_MEASURING = frozenset(
    {
        "scorers",
        "unjudged",
        "limit",
        "samples",
        "baseline",
        "margin",
        "contract",
        "release_label",
        "stop_when_settled",
        "cache",
        "stopped_because",
        "overloads",
        "remembered",
    }
)


def known_of(run: Run) -> dict[str, Any]:
    """What decides the replies that a run gets, beside its items.

    Where it may take those of other runs, its release and everything that it was told about the target; else
    the run itself, so that only its own later sittings find them.
    """
    if not run.config.get("cache"):
        return {"run": run.id}
    parameters = {name: value for name, value in run.config.items() if name not in _MEASURING}
    return {"target": run.target, "release": run.release, "parameters": parameters}
