"""What a call is, and which records no user made, as SQL over ``spans``. Imports the standard library only.

A *call* of a workflow is its span of kind ``workflow``; where an application sends none, the root span of
each trace. *Evaluation traffic* is what no user made: a span of kind ``evaluation``, a trace with such a
root, and the cohort of that name. *Shadow* is the cohort of a candidate that ran beside the live release:
nobody saw what it answered, so that nothing that people did is about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "EVALUATION",
    "EVALUATION_ROOT",
    "MARKED_CALL",
    "ROOT",
    "SEEN",
    "SHADOW",
    "is_evaluation",
    "no_evaluation",
]

EVALUATION = "evaluation"  # kind of span, and cohort
SHADOW = "shadow"  # cohort of what nobody saw
SEEN = f"cohort IS DISTINCT FROM '{SHADOW}'"
MARKED_CALL = "kind = 'workflow'"
ROOT = "parent_span_id IS NULL"
EVALUATION_ROOT = f"{ROOT} AND kind = '{EVALUATION}'"


def no_evaluation(product: str | None = None, *, traces: bool = True) -> str:
    """A condition on spans that are no evaluation traffic.

    Args:
        product: Placeholder of the product whose spans are meant; of any product if None.
        traces: Leave out what belongs to a trace with a root of kind ``evaluation`` too. Not needed where
            only roots are read, or where no trace has one.
    """
    own = f"kind IS DISTINCT FROM '{EVALUATION}' AND cohort IS DISTINCT FROM '{EVALUATION}'"
    if not traces:
        return own
    of_product = "" if product is None else f"product = {product} AND "
    return f"{own} AND trace_id NOT IN (SELECT trace_id FROM spans WHERE {of_product}{EVALUATION_ROOT})"  # noqa: S608


def is_evaluation(span: Mapping[str, Any]) -> bool:
    """The same of a span that was read."""
    return EVALUATION in (span["kind"], span["cohort"])
