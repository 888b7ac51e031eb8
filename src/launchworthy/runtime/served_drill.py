"""Drills of a product that a gateway serves: models are made to fail in a call that no user is part of.

May import what ``runtime`` may. The gateway takes the fault from a header that only trusted keys may send,
and holds it to this one call; nothing counts it as a failure of the model. What only an application can do,
search results or a form, is not the gateway's to answer with, and is drilled there.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.drills import Drilled, told
from launchworthy.runtime.fallback import plan_of
from launchworthy.runtime.fallback.plan import Fallback, Way

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["drill_served", "only_in_application"]

_QUESTION = "May shoes be returned within 30 days?"
_TIMEOUT_S = 120.0
_MOST_BYTES = 4 * 1024 * 1024
_GATEWAYS = (Way.RETRY, Way.MODEL, Way.NO_ANSWER)


def only_in_application(contract: Contract) -> list[str]:
    """Fallbacks that a gateway passes over, as ``workflow/fallback``."""
    return [
        f"{name}/{fallback.name}"
        for name in contract.workflows
        for fallback in _plan(contract, name)
        if fallback.way not in _GATEWAYS
    ]


def drill_served(
    contract: Contract, url: str, *, key: str | None, question: str = _QUESTION, timeout_s: float = _TIMEOUT_S
) -> Iterator[Drilled]:
    """Each fallback of each workflow that a gateway takes: everything before it fails, and it must answer.

    Args:
        contract: That the gateway serves.
        url: Its address, up to ``/chat/completions``.
        key: A trusted one; None where it serves this machine alone.
        question: What is asked.
        timeout_s: For one call.

    Raises:
        InputError: It cannot be asked, or does not let this key drill.
    """
    for name in contract.workflows:
        plan = [each for each in _plan(contract, name) if each.way in _GATEWAYS]
        models = [each.name for each in plan if each.way is Way.MODEL]
        served = contract.release.model.name if contract.release.model else None
        own = [served] if served else []
        for fallback in plan:
            if fallback.way is Way.RETRY:
                failing = ["models", "once"]
            elif fallback.way is Way.MODEL:
                failing = [*own, *models[: models.index(fallback.name)]]
            else:
                failing = ["models"]
            began = time.monotonic()
            answer = _asked(url, name, question, fault=failing, key=key, timeout_s=timeout_s)
            held, seen = _as_declared(answer, fallback)
            yield told(
                Drilled(
                    claim=fallback.rule,
                    workflow=name,
                    fault=f"everything before {fallback.name}",
                    held=held,
                    seen=seen,
                    through="gateway",
                    took_ms=(time.monotonic() - began) * 1e3,
                ),
                contract=contract.version,
            )


def _plan(contract: Contract, workflow: str) -> Sequence[Fallback]:
    names = contract.workflows[workflow].fallbacks
    models = {name: None for name in names if "/" in name}
    own = dict.fromkeys(names, "")  # whatever else is the application's
    known = {*models, "retry_once", "retry_twice", "refuse", "defer", "ask", "route"}
    return plan_of(
        tuple(names),
        address=f"{contract.product}/{workflow}",
        models=models,
        own={name: text for name, text in own.items() if name not in known},
    )


def _asked(
    url: str, workflow: str, question: str, *, fault: Sequence[str], key: str | None, timeout_s: float
) -> Mapping[str, Any]:
    body = {"model": workflow, "messages": [{"role": "user", "content": question}], "max_tokens": 64}
    headers = {
        "Content-Type": "application/json",
        "X-Launchworthy-Workflow": workflow,
        "X-Launchworthy-Simulated": "true",
        "X-Launchworthy-Fault": ",".join(fault),
        **({"Authorization": f"Bearer {key}"} if key else {}),
    }
    request = urllib.request.Request(  # noqa: S310 (http and https only: checked below)
        f"{url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
    )
    if request.type not in ("http", "https"):
        raise InputError(f"{url!r:.200} is not the address of a gateway", where="--target")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310
            found = json.loads(reply.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        raise InputError(
            f"it answered {error.code}: {_said(error)}",
            where=url,
            hint="a gateway of this contract, and a key made with --trusted, let drills in",
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"it cannot be asked ({type(error).__name__})", where=url) from None
    if not isinstance(found, dict):
        raise InputError("its answer is no completion", where=url)
    return found


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4_096))["error"]["message"])[:200]
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)[:200]


def _as_declared(answer: Mapping[str, Any], wanted: Fallback) -> tuple[bool, str]:
    notes = answer.get("launchworthy")
    notes = notes if isinstance(notes, Mapping) else {}
    given = notes.get("no_answer")
    if isinstance(given, Mapping):
        seen = f"no answer: {given.get('policy')} ({given.get('condition')})"
        return wanted.way is Way.NO_ANSWER and given.get("policy") == wanted.name, seen
    fallback = notes.get("fallback")
    if fallback is None:
        return wanted.way is Way.RETRY, "the model itself answered"
    return fallback == wanted.name, f"{fallback} answered"
