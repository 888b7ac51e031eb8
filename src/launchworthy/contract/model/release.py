"""What changes together, and why it was chosen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from launchworthy.contract.model.block import Address, Block, FilePath, Flag, Name, Scalar, Text
from launchworthy.contract.model.measures import Line
from launchworthy.contract.units import Count, Duration

__all__ = ["Decision", "Features", "ReleaseBlock", "Replicas", "Retrieval", "Serving", "Training", "Trigger"]


class OpenPart(Block):
    """A part of a release: any parameter may stand here, since each is part of its address."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Scalar] = Field(init=False)


class ModelPart(OpenPart):
    """The model and its parameters."""

    name: Text | None = Field(default=None, description="Provider and model, such as `vendor/chat-small`.")
    algorithm: Name | None = Field(default=None, description="Algorithm, for a model of your own.")
    artifact: FilePath | None = Field(default=None, description="File of a model of your own.")


class Retrieval(OpenPart):
    """Where context comes from."""

    index: Name | None = Field(default=None, description="What is searched.")
    method: Name | None = Field(default=None, description="How: `bm25`, `dense`, `hybrid` …")
    top_k: Count | None = Field(default=None, description="Passages given to the model.")
    fresh_within: Duration | None = Field(default=None, description="Oldest the index may be.")


class Features(Block):
    """What a predictive model reads."""

    set_: FilePath | None = Field(default=None, alias="set", description="File that defines the features.")
    point_in_time: Flag = Field(default=False, description="Training rows hold only what was known then.")
    fresh_within: Duration | None = Field(default=None, description="Oldest a feature may be.")


class Training(Block):
    """How the model is trained."""

    window: Duration | None = Field(default=None, description="History it learns from.")
    split: Literal["time", "hash"] = Field(default="time", description="How rows are divided.")
    embargo: Duration | None = Field(
        default=None, description="Rows younger than this have no settled label."
    )
    retrain: Duration | None = Field(default=None, description="Oldest a model may be.")


class Replicas(Block):
    """How many copies serve."""

    min: Count = Field(description="Least copies.")
    max: Count = Field(description="Most copies.")

    @model_validator(mode="after")
    def _order(self) -> Replicas:
        if self.min > self.max:
            raise PydanticCustomError(
                "LW218", "min {low} is above max {high}", {"low": self.min, "high": self.max}
            )
        return self


class Serving(Block):
    """Where and how it runs."""

    platform: Name | None = Field(default=None, description="`kubernetes`, `sagemaker`, `vertex` …")
    endpoint: Text | None = Field(default=None, description="Path or address that answers.")
    hardware: Name | None = Field(default=None, description="`cpu`, `gpu` …")
    replicas: Replicas | None = Field(default=None, description="Least and most copies.")


class Threshold(Block):
    """Where the decision threshold comes from."""

    from_: Name | None = Field(
        default=None, alias="from", description="Rule that chooses it, such as `expected_cost`."
    )
    value: float | None = Field(
        default=None, description="The score from which on the decision is yes; monitors read records by it."
    )


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, dict) else "one"


class ReleaseBlock(Block):
    """What changes together; content-addressed, so a change of a part makes all evidence stale."""

    model: ModelPart | None = Field(default=None, description="The model and its parameters.")
    prompt: (
        Annotated[
            Annotated[FilePath, Tag("one")] | Annotated[dict[Name, FilePath], Tag("many")],
            Discriminator(_one_or_many),
        ]
        | None
    ) = Field(default=None, description="File of the prompt, or one by name.")
    retrieval: Retrieval | None = Field(default=None, description="Where context comes from.")
    policy: FilePath | None = Field(default=None, description="File of the rules it follows.")
    features: Features | None = Field(default=None, description="What a predictive model reads.")
    training: Training | None = Field(default=None, description="How it is trained.")
    threshold: Threshold | None = Field(default=None, description="Where the decision threshold comes from.")
    serving: Serving | None = Field(default=None, description="Where and how it runs.")


class Trigger(Line):
    """When a decision is reopened: the value that fires it."""

    for_: Duration | None = Field(default=None, alias="for", description="How long it must last.")
    slice: Name | None = Field(default=None, description="Only for this slice.")


class Decision(Block):
    """A choice and what would reopen it."""

    chosen: Text = Field(description="What was chosen.")
    over: Text | None = Field(default=None, description="What was not.")
    because: Text | None = Field(default=None, description="Why.")
    revisit: dict[Address, Trigger] = Field(
        min_length=1, description="Address of a metric (or `calls`, `cost`) → the value that reopens it."
    )
