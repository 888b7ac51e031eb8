"""What proves the promises: rules of proof, gold sets, feedback and labels."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from launchworthy.contract.model.block import (
    Address,
    Block,
    FilePath,
    Flag,
    Name,
    PublicKey,
    Text,
    as_list,
)
from launchworthy.contract.model.measures import Line
from launchworthy.contract.units import AnyQuantity, Count, Duration, Money, Number, Rate, Share
from launchworthy.quantity import Quantity

__all__ = ["Agreement", "Explore", "Feedback", "Gold", "Judge", "LabelSource", "Labels", "Proof", "Trust"]


class Agreement(Block):
    """How well two who judge the same must agree: a chance-corrected coefficient, 0 to 1."""

    at_least: Number = Field(description="Coefficient, or share of items agreed on.")


def _scale(value: Any) -> str:
    if value == "yes_no":
        return "yes_no"
    if isinstance(value, str) and (found := re.fullmatch(r"(\d{1,2})-(\d{1,2})", value)):
        low, high = int(found[1]), int(found[2])
        if low < high <= low + 10:
            return value
    raise PydanticCustomError(
        "LW213", "{given} is not a scale", {"given": repr(value)[:40], "hint": "write yes_no, or 1-5"}
    )


Scale = Annotated[
    str, PlainValidator(_scale), WithJsonSchema({"type": "string", "examples": ["yes_no", "1-5"]})
]


class Judge(Block):
    """An automatic judge: an instrument with an error rate, calibrated with people's labels."""

    agreement: Agreement = Field(description="Cohen's kappa with people.")
    labels: Count = Field(default=200, description="Human labels it is measured with.")
    models: Annotated[tuple[Text, ...], as_list] = Field(
        default=(), description="Models that judge; of several, the majority. Without one it cannot run."
    )
    rubric: FilePath | None = Field(
        default=None, description="What makes an answer good; groundedness and correctness have their own."
    )
    policy: FilePath | None = Field(
        default=None, description="What people were told to label by; the judge is told the same."
    )
    scale: Scale = Field(default="yes_no", description="Grades it may give: `yes_no`, or whole numbers.")
    base_url: Text | None = Field(default=None, description="Address of the models, OpenAI's if none.")
    key_env: Name | None = Field(default=None, description="Environment variable that holds their key.")
    cost: Money | None = Field(default=None, description="Most that the judging of one run may cost.")
    tokens: Count | None = Field(
        default=None, description="Most tokens that the judging of one run may take."
    )

    @model_validator(mode="after")
    def _in_dollars(self) -> Judge:
        if self.cost is not None and self.cost.unit != "USD":
            raise PydanticCustomError(
                "LW215",
                "{given} is not in USD, as prices of models are",
                {"given": str(self.cost), "hint": "write it in USD"},
            )
        return self


class Proof(Block):
    """When something counts as proven."""

    confidence: Share = Field(default=Quantity(0.95, "ratio"), description="Level of each one-sided bound.")
    baseline: Name | None = Field(
        default=None, description="Release to compare with: `launched`, or a label."
    )
    margin: AnyQuantity = Field(
        default=Quantity(0.02, "ratio"), description="Non-inferiority, where a target names none."
    )
    valid_for: Duration = Field(
        default=Quantity(30 * 86_400_000.0, "ms"), description="How long evidence counts."
    )
    false_alarm_every: Duration = Field(
        default=Quantity(90 * 86_400_000.0, "ms"),
        description="Time to a false alarm of the whole product, on average at least.",
    )
    judges: dict[Name, Judge] = Field(default_factory=dict, description="Judges by name.")
    proxies: dict[Address, Address] = Field(
        default_factory=dict, description="Metric → outcome that it stands for."
    )

    @model_validator(mode="after")
    def _level(self) -> Proof:
        if not 0.5 <= self.confidence.value < 1.0:
            raise PydanticCustomError(
                "LW216",
                "a confidence of {given} proves nothing",
                {"given": str(self.confidence), "hint": "it is from 50 % to below 100 %"},
            )
        return self


def _holdout_shape(value: Any) -> str:
    return "share" if isinstance(value, str) and value.rstrip().endswith("%") else "duration"


class Gold(Block):
    """A private, versioned set of questions with their truth."""

    file: FilePath | None = Field(
        default=None, description="File it is imported from; `gold/WORKFLOW.jsonl`."
    )
    from_: Name | None = Field(default=None, alias="from", description="Data source it is drawn from.")
    slices: dict[Name, Count] = Field(default_factory=dict, description="Least items per slice.")
    scenarios: Count | None = Field(default=None, description="Whole conversations or attack waves.")
    split: Literal["hash", "time"] = Field(default="hash", description="How the holdout is chosen.")
    holdout: Annotated[
        Annotated[Share, Tag("share")] | Annotated[Duration, Tag("duration")], Discriminator(_holdout_shape)
    ] = Field(
        default=Quantity(0.4, "ratio"),
        description="Share kept back, or the newest stretch where split by time.",
    )
    sealed: Share = Field(
        default=Quantity(0.0, "ratio"),
        description="Share that only the launch gate reads, once for each release.",
    )
    looks: Count = Field(default=20, description="Readings before the holdout is worn out.")
    sealed_looks: Count = Field(
        default=5, description="Readings of the sealed items, by all releases, before they must be new."
    )
    refresh: Duration | None = Field(default=None, description="Oldest a version may be.")

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of the holdout and of the sealed split; rows of a set split by time name their split."""
        return (0.0 if self.holdout.unit == "ms" else self.holdout.value), self.sealed.value

    @model_validator(mode="after")
    def _one_origin(self) -> Gold:
        if self.file is not None and self.from_ is not None:
            raise PydanticCustomError("LW218", "a gold set has one of file and from; this has both", {})
        if (self.holdout.unit == "ms") != (self.split == "time"):
            raise PydanticCustomError(
                "LW218",
                "a holdout of {holdout} does not fit split: {split}",
                {
                    "holdout": str(self.holdout),
                    "split": self.split,
                    "hint": "split: time goes with a duration, split: hash with a share",
                },
            )
        if self.holdout.unit == "ratio" and self.holdout.value + self.sealed.value > 1.0 + 1e-9:
            raise PydanticCustomError(
                "LW218",
                "a holdout of {holdout} and a sealed split of {sealed} are more than all items",
                {
                    "holdout": str(self.holdout),
                    "sealed": str(self.sealed),
                    "hint": "together they may be at most 100 %",
                },
            )
        return self


class Feedback(Block):
    """What users are asked; the choices are the `reason`s of the failures."""

    ask: Text = Field(default="What was wrong?", description="The question.")
    offer: tuple[Literal["reason", "correction", "confidence", "comment"], ...] = Field(
        default=("reason",), description="What they may answer with."
    )
    coverage: Line | None = Field(default=None, description="Share of sessions that answer.")


class LabelSource(Block):
    """Where labels come from: people, or an event that settles."""

    per_item: Count | None = Field(default=None, description="Raters for each item.")
    second: Share | None = Field(default=None, description="Share that a second rater sees.")
    volume: Rate | None = Field(default=None, description="How many a week they can do.")
    within: Duration | None = Field(default=None, description="How soon a label comes.")
    event: Name | None = Field(default=None, description="Event that is the label.")
    matures: Duration | None = Field(default=None, description="How long until it has settled.")
    truth: Flag = Field(default=False, description="This source is the truth.")
    covers: Name | None = Field(default=None, description="What it labels.")


class Explore(Block):
    """Cases let through to learn what they would have become."""

    share: Share = Field(description="Share of the cases that are let through.")
    up_to: Money | None = Field(default=None, description="Only cases of up to this amount.")


class Labels(Block):
    """How traffic is labelled."""

    sources: dict[Name, LabelSource] = Field(default_factory=dict, description="Sources by name.")
    sample: dict[Name, Share] = Field(
        default_factory=dict, description="Share of each kind of call that is labelled."
    )
    explore: Explore | None = Field(default=None, description="Cases let through to learn from.")
    blind_to: tuple[Name, ...] = Field(default=(), description="What raters do not see.")
    agreement: Agreement | None = Field(default=None, description="Krippendorff's alpha between raters.")
    adjudicates: Name | None = Field(default=None, description="Owner or role that settles disagreement.")
    export: tuple[Literal["gold", "preferences", "training"], ...] = Field(
        default=(), description="What labels feed."
    )


class Trust(Block):
    """Whose signatures count, for verdicts and evidence that come from elsewhere."""

    keys: dict[Name, PublicKey] = Field(
        min_length=1, description="Ed25519 public keys by whose they are, such as `ci`."
    )
    within: Duration | None = Field(
        default=None, description="How old a verdict may be that admits a deployment; 30d if not said."
    )
