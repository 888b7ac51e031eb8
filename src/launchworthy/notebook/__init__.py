"""In a notebook: ``lw.evaluate(…)`` asks, scores and compares, and its result shows itself.

Stands on top, beside ``cli``; may import every room below, and of ``console`` the charts.
"""

from launchworthy.notebook.evaluation import evaluate
from launchworthy.notebook.result import Evaluation, Forest

__all__ = ["Evaluation", "Forest", "evaluate"]
