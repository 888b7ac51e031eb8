"""The sums of a contract: what its own numbers rule out. May import this room and ``stats``."""

from launchworthy.contract.arithmetic.checks import findings
from launchworthy.contract.arithmetic.finding import Finding

__all__ = ["Finding", "findings"]
