"""Target lines: a quantity that must be reached, and what else a line of each family may say."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from launchworthy.contract.claim import Direction
from launchworthy.contract.model.block import Block, FilePath, Name, Scalar, Text
from launchworthy.contract.units import AnyQuantity, Count, Duration
from launchworthy.quantity import Quantity

__all__ = [
    "AbuseLine",
    "EconomicsLine",
    "Line",
    "MarginLine",
    "OutcomeLine",
    "QualityLine",
    "ReliabilityLine",
    "ShareLine",
    "TrustLine",
]


class Line(Block):
    """A target: exactly one of ``at_least`` and ``at_most``; proven with an interval."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["at_least"]}, {"required": ["at_most"]}]}
    )

    at_least: AnyQuantity | None = Field(default=None, description="The value must reach this.")
    at_most: AnyQuantity | None = Field(default=None, description="The value must stay within this.")

    @model_validator(mode="after")
    def _one_side(self) -> Line:
        if (self.at_least is None) == (self.at_most is None):
            which = "neither" if self.at_least is None else "both"
            raise PydanticCustomError(
                "LW218", "a target has one of at_least and at_most; this has {which}", {"which": which}
            )
        return self

    @property
    def direction(self) -> Direction:
        """Which side is good."""
        return Direction.AT_MOST if self.at_least is None else Direction.AT_LEAST

    @property
    def threshold(self) -> Quantity:
        """What must be reached."""
        found = self.at_most if self.at_least is None else self.at_least
        return found if found is not None else Quantity(0.0)


def _statistic(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"mean|median|share|p[1-9]\d?(\.\d+)?", value):
        return value
    raise PydanticCustomError(
        "LW213",
        "{given} is not a statistic",
        {"given": repr(value)[:40], "hint": "write mean, median, share or a percentile such as p95"},
    )


Statistic = Annotated[
    str, PlainValidator(_statistic), WithJsonSchema({"type": "string", "examples": ["mean", "median", "p95"]})
]


class HarmLine(Line):
    """A line that a rollout may watch for harm."""

    margin: AnyQuantity | None = Field(
        default=None, description="How much worse a release may be, where `rollout/harms` names the line."
    )


class OutcomeLine(HarmLine):
    """What changes for users."""

    before: AnyQuantity | None = Field(
        default=None, description="Value of the old workflow; adds a claim of change."
    )
    statistic: Statistic | None = Field(default=None, description="What is compared: mean, median, p95 …")
    of: Name | None = Field(default=None, description="What a share is of, such as `volume`.")
    slice: Name | None = Field(default=None, description="Only for this slice.")
    within: Duration | None = Field(default=None, description="How soon the outcome must come.")


class QualityLine(Line):
    """How good answers are, on a gold set and on labelled traffic."""

    every_slice: AnyQuantity | None = Field(
        default=None, description="Floor (or ceiling) for the worst slice."
    )
    slice: Name | None = Field(default=None, description="Only for this slice.")
    judge: Name | None = Field(default=None, description="Judge that scores it, declared in `proof/judges`.")
    weight: Name | None = Field(default=None, description="Field by which items weigh, such as `amount`.")
    margin: AnyQuantity | None = Field(
        default=None, description="How much worse than the baseline is acceptable."
    )
    positive: Scalar | None = Field(default=None, description="The positive class, for classification.")
    schema_: FilePath | None = Field(
        default=None, alias="schema", description="JSON Schema that answers follow."
    )
    pattern: Text | None = Field(default=None, description="Regular expression that answers match.")
    options: dict[Name, Scalar] = Field(
        default_factory=dict, description="Further options of the metric, such as `gain: exponential`."
    )


class TrustLine(HarmLine):
    """Whether people can rely on it, and do."""

    slice: Name | None = Field(default=None, description="Only for this slice.")
    within: Duration | None = Field(default=None, description="How soon, such as an undo within 1h.")


class ReliabilityLine(HarmLine):
    """Whether it answers, and how fast."""

    slice: Name | None = Field(default=None, description="Only for this slice.")


class EconomicsLine(HarmLine):
    """What it costs and brings."""

    slice: Name | None = Field(default=None, description="Only for this slice.")


class AbuseLine(Line):
    """Success rate of simulated attacks; ``at_most``, as a share."""

    attempts: Count = Field(default=300, description="Attacks tried before each release.")


class MarginLine(Line):
    """A margin, as a share."""


class ShareLine(Line):
    """A share of users, sessions or questions."""

    within: Duration | None = Field(default=None, description="How soon.")
    after: Duration | None = Field(default=None, description="After how long.")
