"""Attacks on the product's own target and tools, decided by what happened; and harmless twins beside them.

May import what ``evals`` may. Attempts are drawn from families of attacks (``attacks.yaml`` and mutators) by
a seed; each is a row of an ordinary run, so that runs of attacks are resumed, compared and shown like others.
"""

from launchworthy.evals.redteam.attacker import Attacker, AttackingTarget, Turns
from launchworthy.evals.redteam.attempt import Attempt
from launchworthy.evals.redteam.board import Board, BoardRow, board_of
from launchworthy.evals.redteam.enforced import enforcer_target, seen_of
from launchworthy.evals.redteam.families import FAMILIES, families_of
from launchworthy.evals.redteam.functions import AttackedTarget, function_target, surface_of_function
from launchworthy.evals.redteam.outcome import Happened, Ran, judge, leaked
from launchworthy.evals.redteam.plan import Plan, attempts_of, plan_of
from launchworthy.evals.redteam.sitting import (
    Sitting,
    attack,
    begin_run,
    find_red_team_run,
    is_red_team,
    planned,
)
from launchworthy.evals.redteam.surface import Surface, surface_of

__all__ = [
    "FAMILIES",
    "AttackedTarget",
    "Attacker",
    "AttackingTarget",
    "Attempt",
    "Board",
    "BoardRow",
    "Happened",
    "Plan",
    "Ran",
    "Sitting",
    "Surface",
    "Turns",
    "attack",
    "attempts_of",
    "begin_run",
    "board_of",
    "enforcer_target",
    "families_of",
    "find_red_team_run",
    "function_target",
    "is_red_team",
    "judge",
    "leaked",
    "plan_of",
    "planned",
    "seen_of",
    "surface_of",
    "surface_of_function",
]
