"""What is promised: the contract's language, its loading with line-numbered errors, and its claims.

May import ``errors``, ``quantity``, ``records`` and ``stats`` (lint does the contract's arithmetic).
"""

from launchworthy.contract.claim import Claim, ClaimKind, Direction, Place, Target

__all__ = ["Claim", "ClaimKind", "Direction", "Place", "Target"]
