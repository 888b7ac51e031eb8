"""From samples to intervals: exact, bootstrap, paired, clustered, sequential, power.

Pure: no I/O, no clock, no global randomness. May import only ``errors``, ``quantity``, the standard
library and NumPy (inside functions, so that the exact procedures load without it).
"""

from launchworthy.stats.decision import bound_status, non_inferiority
from launchworthy.stats.interval import Interval
from launchworthy.stats.planning import Needed, items_to_prove, power, sample_size
from launchworthy.stats.proportion import clopper_pearson, wilson
from launchworthy.stats.special import beta_cdf, beta_quantile, normal_quantile, t_quantile

__all__ = [
    "Interval",
    "Needed",
    "beta_cdf",
    "beta_quantile",
    "bound_status",
    "clopper_pearson",
    "items_to_prove",
    "non_inferiority",
    "normal_quantile",
    "power",
    "sample_size",
    "t_quantile",
    "wilson",
]
