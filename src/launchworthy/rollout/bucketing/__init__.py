"""Where a unit falls: the hashing of each flag vendor by name and version, agreed with to the last bit.

Light: an application loads it. May import ``errors`` and the standard library.
"""

from launchworthy.rollout.bucketing.algorithms import ALGORITHMS, DEFAULT, Algorithm, Position, algorithm
from launchworthy.rollout.bucketing.ranges import Range, moved, spread

__all__ = ["ALGORITHMS", "DEFAULT", "Algorithm", "Position", "Range", "algorithm", "moved", "spread"]
