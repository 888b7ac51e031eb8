"""A release on its way to everybody: stages, and the decision to go on, hold or take it back.

May import everything below the provers. Nothing here reads records or keeps anything: what is known comes in
as claims with their states, and what follows is a step, which the server keeps.
"""

from launchworthy.rollout.ramp.deciding import Decision, Seen, decide, proven_harm
from launchworthy.rollout.ramp.flag import IN_SHADOW, RELEASE, release_flag
from launchworthy.rollout.ramp.ramp import Action, Ramp, RampState, Step
from launchworthy.rollout.ramp.written import ramp_from_json, ramp_to_json, step_document

__all__ = [
    "IN_SHADOW",
    "RELEASE",
    "Action",
    "Decision",
    "Ramp",
    "RampState",
    "Seen",
    "Step",
    "decide",
    "proven_harm",
    "ramp_from_json",
    "ramp_to_json",
    "release_flag",
    "step_document",
]
