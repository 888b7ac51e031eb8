"""A ramp as JSON, as the metadata keeps it. Pure; may import ``contract``, ``errors`` and this room."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from launchworthy.contract import Stage
from launchworthy.errors import InputError
from launchworthy.rollout.ramp.ramp import Action, Ramp, Step

__all__ = ["ramp_from_json", "ramp_to_json", "step_document"]


def ramp_to_json(ramp: Ramp) -> str:
    """Canonical JSON."""
    document = {
        "id": ramp.id,
        "product": ramp.product,
        "release": ramp.release,
        "baseline": ramp.baseline,
        "unit": ramp.unit,
        "stages": [
            {
                "name": stage.name,
                "share": stage.share,
                "dwell_ms": stage.dwell_ms,
                "approver": stage.approver,
                "needs": list(stage.needs),
                "sample": stage.sample,
            }
            for stage in ramp.stages
        ],
        "takes_back": ramp.takes_back,
        "within_ms": ramp.within_ms,
        "steps": [step_document(step) for step in ramp.steps],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def step_document(step: Step) -> dict[str, Any]:
    """A step as JSON values."""
    return {
        "at": step.at.astimezone(UTC).isoformat(),
        "action": step.action.value,
        "stage": step.stage,
        "reason": step.reason,
        "by": step.by,
        "facts": dict(step.facts),
    }


def ramp_from_json(text: str) -> Ramp:
    """Read what :func:`ramp_to_json` wrote.

    Raises:
        InputError: It is something else.
    """
    try:
        read = json.loads(text)
        return Ramp(
            id=read["id"],
            product=read["product"],
            release=read["release"],
            baseline=read["baseline"],
            unit=read["unit"],
            stages=tuple(
                Stage(
                    name=stage["name"],
                    share=float(stage["share"]),
                    dwell_ms=stage["dwell_ms"],
                    approver=stage["approver"],
                    needs=tuple(stage["needs"]),
                    sample=stage.get("sample"),
                )
                for stage in read["stages"]
            ),
            takes_back=bool(read["takes_back"]),
            within_ms=read["within_ms"],
            steps=tuple(
                Step(
                    at=datetime.fromisoformat(step["at"]),
                    action=Action(step["action"]),
                    stage=step["stage"],
                    reason=step["reason"],
                    by=step["by"],
                    facts=step["facts"],
                )
                for step in read["steps"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"this is no ramp: {error}", where="ramp") from error
