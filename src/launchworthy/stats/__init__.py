"""From samples to intervals: exact, bootstrap, paired, clustered, sequential, power.

Pure: no I/O, no clock, no global randomness. May import only ``launchworthy.quantity``, the standard
library and NumPy.
"""

from launchworthy.stats.interval import Interval

__all__ = ["Interval"]
