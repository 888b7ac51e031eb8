"""How it goes live and is watched, sold, signed and launched."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from launchworthy.contract.model.block import Address, Block, FilePath, Name, Text
from launchworthy.contract.model.measures import MarginLine, ShareLine
from launchworthy.contract.units import AnyQuantity, Count, Duration, Price, Rate, Share

__all__ = [
    "Adoption",
    "Attestation",
    "Expectations",
    "HeavyUsers",
    "Launch",
    "Monitor",
    "Pricing",
    "RollBack",
    "Rollout",
    "StageBlock",
    "WaiverBlock",
]


class StageBlock(Block):
    """One stage of a rollout; what it needs must be met before it begins."""

    name: Name = Field(description="Name of the stage.")
    share: Share = Field(description="Share of units that get the release.")
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts.")
    sample: Count | None = Field(
        default=None,
        description="Calls of the release that it must have seen: in shadow, where it has 0 % of units.",
    )
    needs: tuple[Address, ...] = Field(
        default=(), description="Families, metrics or addresses that must be met."
    )
    approve: Name | None = Field(default=None, description="Owner who must say yes.")


class RollBack(Block):
    """When the release is taken back, and how fast."""

    when: Literal["any_harm", "manual"] = Field(default="any_harm", description="What triggers it.")
    within: Duration = Field(description="How long it may take.")


class Rollout(Block):
    """How the share of users grows."""

    unit: Name = Field(default="user", description="Who is assigned: `user`, `account`, `card` …")
    stages: tuple[StageBlock, ...] = Field(
        default=(), description="In order; 0/1/5/25/100 % if none are named."
    )
    harms: tuple[Address, ...] = Field(
        default=(), description="Metrics whose decline takes the release back."
    )
    roll_back: RollBack | None = Field(default=None, description="When and how fast it is taken back.")


class Monitor(Block):
    """One thing that is watched beyond the targets, or drilled."""

    signal: Address | None = Field(
        default=None,
        description="What is watched: a metric, an event, `input`, `prices`, a judge, a gold set …",
    )
    method: (
        Literal[
            "classifier", "psi", "ks", "chi2", "wasserstein", "jensen_shannon", "estimate", "cusum", "adwin"
        ]
        | None
    ) = Field(
        default=None,
        description="How drift is detected; `estimate` holds what scores say against `labels`, `cusum` and"
        " `adwin` watch a share as a stream.",
    )
    at_least: AnyQuantity | None = Field(default=None, description="Alert below this.")
    at_most: AnyQuantity | None = Field(default=None, description="Alert above this.")
    window: Duration | None = Field(default=None, description="How much is looked at.")
    labels: tuple[Name, ...] = Field(default=(), description="Label sources that say what was right.")
    inject: tuple[Name, ...] = Field(default=(), description="Faults that are injected, for a drill.")
    every: Duration | None = Field(default=None, description="How often it is drilled.")
    page: Name = Field(description="Owner who is told.")
    then: Literal["retrain", "hold", "roll_back", "fall_back"] | None = Field(
        default=None, description="What follows."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Monitor:
        if (self.signal is None) == (not self.inject):
            which = "neither" if self.signal is None else "both"
            raise PydanticCustomError(
                "LW218", "a monitor has one of signal and inject; this has {which}", {"which": which}
            )
        if self.at_least is not None and self.at_most is not None:
            raise PydanticCustomError("LW218", "a monitor has at most one of at_least and at_most", {})
        if self.method == "estimate" and not self.labels:
            raise PydanticCustomError(
                "LW211", "method: estimate needs `labels`: sources that what scores say is held against", {}
            )
        if self.inject and self.every is None:
            raise PydanticCustomError("LW211", "a drill needs `every`: how often it is done", {})
        return self


class Adoption(Block):
    """Whether users come to it and stay."""

    activation: ShareLine | None = Field(default=None, description="Share who succeed once, soon.")
    retention: ShareLine | None = Field(default=None, description="Share who are still there.")


def _percentile(value: Any) -> str:
    if isinstance(value, str) and value in ("p90", "p95", "p99"):
        return value
    raise PydanticCustomError("LW213", "{given} is not p90, p95 or p99", {"given": repr(value)[:40]})


class HeavyUsers(Block):
    """The tail that can cost more than it pays."""

    above: Annotated[str, PlainValidator(_percentile), WithJsonSchema({"enum": ["p90", "p95", "p99"]})] = (
        Field(default="p99", description="Who counts as heavy.")
    )
    margin: MarginLine | None = Field(default=None, description="Margin that even they must leave.")
    cap: Rate | None = Field(default=None, description="Usage beyond which they are limited.")


class Expectations(Block):
    """What users are told it is for."""

    best_for: tuple[Text, ...] = Field(default=(), description="What it does well.")
    not_for: tuple[Text, ...] = Field(default=(), description="What it is not meant for.")
    shown_in: tuple[Name, ...] = Field(default=(), description="Where users read this.")
    misfit: ShareLine | None = Field(default=None, description="Share of use that falls under `not_for`.")


class Pricing(Block):
    """What it is sold for."""

    value: Name = Field(description="Event that customers pay for.")
    packaging: Literal["seat", "usage", "hybrid"] = Field(description="How it is charged.")
    seat: Price | None = Field(default=None, description="Price of a seat.")
    usage: Price | None = Field(default=None, description="Price of one value event.")
    included: Rate | None = Field(default=None, description="Value events that a seat includes.")
    margin: MarginLine | None = Field(default=None, description="Margin to keep.")
    heavy_users: HeavyUsers | None = Field(default=None, description="The tail.")
    expectations: Expectations | None = Field(default=None, description="What users are told.")

    @model_validator(mode="after")
    def _priced(self) -> Pricing:
        needed = {"seat": ("seat",), "usage": ("usage",), "hybrid": ("seat", "usage")}[self.packaging]
        for name in needed:
            if getattr(self, name) is None:
                raise PydanticCustomError(
                    "LW218",
                    "packaging {packaging} needs a price: {name}",
                    {"packaging": self.packaging, "name": name},
                )
        return self


class Attestation(Block):
    """What only a person can vouch for."""

    by: Name = Field(description="Owner who signs.")
    every: Duration = Field(description="How long a signature stands.")
    covers: tuple[Name, ...] = Field(default=(), description="What was looked at.")
    law: Text | None = Field(default=None, description="Law that asks for it.")
    file: FilePath | None = Field(default=None, description="Document that is vouched for.")
    drill: Literal["page"] | None = Field(default=None, description="Proven also by an answered test page.")


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise PydanticCustomError(
            "LW217", "{given} is not a date", {"given": repr(value)[:40], "hint": "write 2026-12-01"}
        ) from error


class WaiverBlock(Block):
    """Who lets a claim pass that is not met, until when and why; shown as waived, never as met."""

    claim: Address = Field(description="Address of the claim.")
    by: Text = Field(description="Owner who takes the risk.")
    until: Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})] = (
        Field(description="Last day.")
    )
    because: Text = Field(description="Why.")


class Launch(Block):
    """The board: each line is ready when every claim under it is met."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, tuple[Address, ...]] = Field(init=False)
    waivers: tuple[WaiverBlock, ...] = Field(
        default=(), description="Claims that may pass unproven for a time."
    )

    @property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """Name of the line → what stands under it."""
        return dict(self.__pydantic_extra__ or {})
