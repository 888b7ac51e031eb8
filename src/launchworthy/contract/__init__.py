"""What is promised: the contract's language, its loading with line-numbered errors, and its claims.

May import ``errors``, ``quantity``, ``records`` and ``stats`` (lint does the contract's arithmetic).
"""

from launchworthy.contract.claim import Claim, ClaimKind, Direction, Place, Target
from launchworthy.contract.claiming import claims
from launchworthy.contract.loading import load_contract, parse_contract
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import CODES, Problem, Severity
from launchworthy.contract.stages import BoardLine, Stage, board, stages

__all__ = [
    "CODES",
    "BoardLine",
    "Claim",
    "ClaimKind",
    "Contract",
    "Direction",
    "Place",
    "Problem",
    "Severity",
    "Stage",
    "Target",
    "board",
    "claims",
    "load_contract",
    "parse_contract",
    "stages",
]
