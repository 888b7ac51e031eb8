"""Decisions of other vendors' flags, read as exposures: flags that are there already keep working.

Each adapter is what the vendor's own client calls, and records through the SDK once for each unit, flag and
variant. Light: may import ``capture.sdk`` and the client that it is for, where that is used.
"""

from launchworthy.rollout.exposures.growthbook import growthbook_exposures
from launchworthy.rollout.exposures.launchdarkly import launchdarkly_exposures
from launchworthy.rollout.exposures.once import Expose, Exposure
from launchworthy.rollout.exposures.optimizely import optimizely_exposures
from launchworthy.rollout.exposures.statsig import StatsigExposures
from launchworthy.rollout.exposures.unleash import unleash_exposures

__all__ = [
    "Expose",
    "Exposure",
    "StatsigExposures",
    "growthbook_exposures",
    "launchdarkly_exposures",
    "optimizely_exposures",
    "unleash_exposures",
]
