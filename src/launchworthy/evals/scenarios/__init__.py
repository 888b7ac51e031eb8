"""Whole conversations as gold items: a user, scripted or played by a model, who talks with the target.

May import what ``evals`` may. An item tagged ``scenarios`` whose input is a scenario becomes a talk
held by :class:`ScenarioTarget`; every other item is asked as it is.
"""

from launchworthy.evals.scenarios.scenario import Persona, Scenario, Turn, read_scenario
from launchworthy.evals.scenarios.target import ScenarioTarget, conversing
from launchworthy.evals.scenarios.user import Speaker

__all__ = ["Persona", "Scenario", "ScenarioTarget", "Speaker", "Turn", "conversing", "read_scenario"]
