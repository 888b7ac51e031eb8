"""What is promised: the contract's language, its loading with line-numbered errors, and its claims.

May import ``errors``, ``quantity``, ``records`` and ``stats`` (lint does the contract's arithmetic).
"""

from launchworthy.contract.amending import Amendment, amended
from launchworthy.contract.arithmetic import Counted
from launchworthy.contract.claim import Claim, ClaimKind, Direction, Place, Target
from launchworthy.contract.claiming import claims
from launchworthy.contract.difference import Change, Way, contract_diff
from launchworthy.contract.explain import Default, defaults_in_force
from launchworthy.contract.lint import Lint, lint_contract, lint_file, lint_text
from launchworthy.contract.loading import load_contract, parse_contract
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import CODES, Problem, Severity
from launchworthy.contract.schema import contract_schema
from launchworthy.contract.stages import BoardLine, Stage, board, stages
from launchworthy.contract.starter import starter_contract, starter_gold, starter_name

__all__ = [
    "CODES",
    "Amendment",
    "BoardLine",
    "Change",
    "Claim",
    "ClaimKind",
    "Contract",
    "Counted",
    "Default",
    "Direction",
    "Lint",
    "Place",
    "Problem",
    "Severity",
    "Stage",
    "Target",
    "Way",
    "amended",
    "board",
    "claims",
    "contract_diff",
    "contract_schema",
    "defaults_in_force",
    "lint_contract",
    "lint_file",
    "lint_text",
    "load_contract",
    "parse_contract",
    "stages",
    "starter_contract",
    "starter_gold",
    "starter_name",
]
