"""Experiments: what was planned, what was seen, what follows, and what would have followed.

May import what is below the provers; NumPy and DuckDB load where they are used.
"""

from launchworthy.rollout.experiment.allocation import epsilon_greedy, thompson
from launchworthy.rollout.experiment.contracted import ramp_of
from launchworthy.rollout.experiment.document import gather_document, read_document
from launchworthy.rollout.experiment.gathered import Gathered, SumArms
from launchworthy.rollout.experiment.interleaving import (
    Interleaved,
    Preference,
    balanced,
    credit_balanced,
    preference,
    team_draft,
)
from launchworthy.rollout.experiment.plain import plain_reading, ratio_in_words, title_of
from launchworthy.rollout.experiment.plan import CORRECTIONS, Kind, Metric, Plan, Role, plan_of, read_plan
from launchworthy.rollout.experiment.ramping import simulate_ramp
from launchworthy.rollout.experiment.reading import (
    Conclusion,
    ExperimentReading,
    MetricReading,
    PairReading,
    analyse,
    ends_in_words,
)
from launchworthy.rollout.experiment.rows import gather_rows
from launchworthy.rollout.experiment.simulated_plan import SimulatedMetric, SimulatedPlan, read_simulated
from launchworthy.rollout.experiment.simulating import Outcome, Peeking, Simulation, simulate
from launchworthy.rollout.experiment.sizing import Sizing, size_of
from launchworthy.rollout.experiment.stored import (
    PLAN_KIND,
    DeclaredPlan,
    SeenPoint,
    StoredExperiment,
    StoredSummary,
    declared_plans,
    stored_experiment,
    stored_experiments,
)

__all__ = [
    "CORRECTIONS",
    "PLAN_KIND",
    "Conclusion",
    "DeclaredPlan",
    "ExperimentReading",
    "Gathered",
    "Interleaved",
    "Kind",
    "Metric",
    "MetricReading",
    "Outcome",
    "PairReading",
    "Peeking",
    "Plan",
    "Preference",
    "Role",
    "SeenPoint",
    "SimulatedMetric",
    "SimulatedPlan",
    "Simulation",
    "Sizing",
    "StoredExperiment",
    "StoredSummary",
    "SumArms",
    "analyse",
    "balanced",
    "credit_balanced",
    "declared_plans",
    "ends_in_words",
    "epsilon_greedy",
    "gather_document",
    "gather_rows",
    "plain_reading",
    "plan_of",
    "preference",
    "ramp_of",
    "ratio_in_words",
    "read_document",
    "read_plan",
    "read_simulated",
    "simulate",
    "simulate_ramp",
    "size_of",
    "stored_experiment",
    "stored_experiments",
    "team_draft",
    "thompson",
    "title_of",
]
