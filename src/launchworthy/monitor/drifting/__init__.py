"""What changed in the data: in numbers, names, texts and vectors, in three states, and what made it.

May import what ``monitor`` may. The statistics are those of ``launchworthy.stats.divergence``.
"""

from launchworthy.monitor.drifting.classifier import Separation, separate
from launchworthy.monitor.drifting.comparing import (
    Bar,
    Change,
    ColumnDrift,
    Comparison,
    DriftState,
    Tolerances,
    compare,
)
from launchworthy.monitor.drifting.parts import Carried, Cause, PartDrift, carried_by, causes, parts_of
from launchworthy.monitor.drifting.profile import (
    Categories,
    Column,
    Numbers,
    Profile,
    categories_of,
    numbers_of,
)
from launchworthy.monitor.drifting.study import ScoreColumns, Study, study
from launchworthy.monitor.drifting.unlabelled import Rightness, rightness

__all__ = [
    "Bar",
    "Carried",
    "Categories",
    "Cause",
    "Change",
    "Column",
    "ColumnDrift",
    "Comparison",
    "DriftState",
    "Numbers",
    "PartDrift",
    "Profile",
    "Rightness",
    "ScoreColumns",
    "Separation",
    "Study",
    "Tolerances",
    "carried_by",
    "categories_of",
    "causes",
    "compare",
    "numbers_of",
    "parts_of",
    "rightness",
    "separate",
    "study",
]
