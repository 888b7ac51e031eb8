"""What ``launchworthy eval`` asks: ``launchworthy.demo.targets:baseline`` and ``…:candidate``; and what
``launchworthy drill`` forces: ``…:enforcer``.

May import ``server`` (to find the one of this folder) and this room. The traces of an evaluation belong to
the cohort ``evaluation``, which no figure about users counts; without a server nothing is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import launchworthy as lw
from launchworthy.demo.assistant import PRODUCT, RELEASES, Answer, assistant
from launchworthy.runtime.enforcer import Enforcer

__all__ = ["baseline", "candidate", "enforcer", "fields_of"]

Target = Callable[[Any], dict[str, Any]]
baseline: Target
candidate: Target


def __getattr__(name: str) -> Any:
    # The assistant is made when its target is named, so that the first question does not wait for an index.
    if name not in RELEASES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _target(name)
    return found


def enforcer() -> Enforcer:
    """The enforcer of the candidate, with the assistant's own code behind it."""
    _record()
    return assistant("candidate").enforcer


def _target(release: str) -> Target:
    asked = assistant(release)
    recorded = _record()

    def ask(question: Any) -> dict[str, Any]:
        found = asked.answer(str(question), cohort="evaluation", simulated=True)
        return fields_of(found) | ({"trace_id": found.trace_id} if recorded else {})

    return ask


def fields_of(found: Answer) -> dict[str, Any]:
    """As ``evals.read_answer`` takes them."""
    fields: dict[str, Any] = {
        "output": found.text,
        "ranked": [hit.id for hit in found.found],
        "citations": list(found.citations),
        "documents": [
            {"id": document.id, "text": f"{document.signature}\n{document.text}".strip()}
            for document in found.documents
        ],
        "answered": found.answered,
        "cost_usd": found.cost_usd,
        "confidence": found.confidence,
    }
    return {name: value for name, value in fields.items() if value is not None}


@cache
def _record() -> bool:
    """Send traces to the server of this folder, if one runs; says whether."""
    from launchworthy.server import read_note

    note = read_note(Path(".launchworthy"))
    endpoint = os.environ.get("LAUNCHWORTHY_ENDPOINT") or (note.url if note is not None else None)
    lw.init(product=PRODUCT, endpoint=endpoint, enabled=endpoint is not None)
    return endpoint is not None
