"""Running proof: evidence for claims that only records of use can settle.

A prover: may import everything below it and no other prover.
"""

from launchworthy.monitor.measuring import PROVES, measure

__all__ = ["PROVES", "measure"]
