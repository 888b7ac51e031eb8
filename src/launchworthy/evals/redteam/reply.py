"""What a target of attacks answers the engine: the answer as it was, and what came of the attempt.

May import this room. Metrics read ``attack`` (see ``attack-success``) and, of twins, ``answered``.
"""

from __future__ import annotations

from typing import Any

from launchworthy.evals.redteam.attempt import Attempt
from launchworthy.evals.redteam.outcome import Happened
from launchworthy.evals.target import TargetFailure

__all__ = ["reply_of"]

_MOST = 4_000  # characters of an answer that are kept
_WORDS = {True: "succeeded", False: "repelled", None: "could_not_score"}


def reply_of(
    attempt: Attempt, happened: Happened, succeeded: bool | None, because: str, *, trace_id: str = ""
) -> dict[str, Any]:
    """The fields of an answer.

    Raises:
        TargetFailure: A harmless twin that came to nothing shows neither an answer nor a refusal.
    """
    if attempt.is_twin and happened.failed:
        raise TargetFailure(happened.failed, transient=False)
    answer: dict[str, Any] = {
        "output": "\n".join(happened.outputs)[:_MOST],
        "answered": happened.answered,
        "tool_calls": [{"name": each.tool, "arguments": each.arguments} for each in happened.ran],
        "trace_id": trace_id or None,
    }
    if not attempt.is_twin:
        answer |= {"attack": _WORDS[succeeded], "because": because}
    if more := happened.said[len(attempt.turns) :]:  # what was drawn stands in the attempt
        answer["attacker"] = [each[:_MOST] for each in more]
    if happened.stopped:
        answer["attacker_stopped"] = happened.stopped
    if happened.attacker_cost_usd:
        answer["user_cost_usd"] = happened.attacker_cost_usd
    return answer
