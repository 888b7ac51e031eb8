"""The sums of a contract: what its own numbers rule out. May import this room and ``stats``."""

from launchworthy.contract.arithmetic.checks import findings
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Counted

__all__ = ["Counted", "Finding", "findings"]
