"""One workflow: the job, how it fails, what it promises, and what is enforced on each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from launchworthy.contract.model.block import Address, Block, Name, Text
from launchworthy.contract.model.measures import (
    EconomicsLine,
    OutcomeLine,
    QualityLine,
    ReliabilityLine,
    TrustLine,
)
from launchworthy.contract.units import Amount, Count, Duration, Money, Percentage, Rate, Share

__all__ = [
    "FAMILIES",
    "CostParts",
    "Decide",
    "Failure",
    "Limits",
    "NoAnswer",
    "Policy",
    "Predicts",
    "Step",
    "Success",
    "Workflow",
]

FAMILIES = ("outcomes", "quality", "trust", "reliability", "economics")
Policy = Literal["refuse", "defer", "ask", "route"]
Severity = Literal["low", "medium", "high", "critical"]  # rising


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a workflow: who does what."""

    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.who}: {self.what}" if self.who else self.what


def _step(value: Any) -> Step:
    if isinstance(value, Step):
        return value
    if isinstance(value, str) and value.strip():
        return Step("", value)
    if isinstance(value, dict) and len(value) == 1:
        [(who, what)] = value.items()
        if isinstance(what, str) and what.strip() and who.strip():
            return Step(who, what)
    raise PydanticCustomError(
        "LW212", "this is not a step", {"hint": "write `who: what`, such as agent: write reply"}
    )


StepLine = Annotated[
    Step,
    PlainValidator(_step),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": "string"},
                },
            ]
        }
    ),
]


class Success(Block):
    """The event that says the job was done."""

    event: Name = Field(description="Name of the outcome event.")
    within: Duration | None = Field(default=None, description="How soon it must come.")
    matures: Duration | None = Field(default=None, description="How long until the truth has settled.")
    unless: tuple[Name, ...] = Field(default=(), description="Events that undo it.")


class NoAnswer(Block):
    """What happens when there is no good answer: refuse, defer, ask or route, by condition."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Policy] = Field(init=False)
    route_to: Name | None = Field(default=None, description="Owner or role who gets what is routed.")

    @property
    def conditions(self) -> dict[str, str]:
        """Condition → what is done."""
        return dict(self.__pydantic_extra__ or {})


def _no_answer(value: Any) -> Any:
    return {"otherwise": value} if isinstance(value, str) else value


class Failure(Block):
    """One way to fail: its kind, its cure, and the claim that watches it."""

    kind: Literal["wrong", "missing", "unsafe", "slow", "expensive"] = Field(description="Kind of failure.")
    severity: Severity = Field(default="medium", description="How bad it is.")
    reason: Text | None = Field(default=None, description='The choice a user sees under "What was wrong?".')
    fix: Name = Field(description="Part that is changed to cure it: `prompt`, `retrieval`, `tool` …")
    mitigation: Text | None = Field(default=None, description="What limits the harm until then.")
    watched_by: Address = Field(description="Line that measures it, such as `quality/groundedness`.")


class Predicts(Block):
    """What a predictive workflow predicts."""

    label: Name = Field(description="Name of what is predicted.")
    type: Literal["binary", "multiclass", "regression", "ranking"] = Field(
        default="binary", description="Kind of task."
    )
    unit: Name | None = Field(default=None, description="What each prediction is about.")
    horizon: Duration | None = Field(default=None, description="How long until the truth is known.")
    base_rate: Share | None = Field(default=None, description="Share of positives.")


class CostParts(Block):
    """A cost made of a share of the amount and a fixed sum."""

    amount: Percentage | None = Field(default=None, description="Share of the amount at stake.")
    fixed: Money | None = Field(default=None, description="Fixed sum for each case.")


def _cost_shape(value: Any) -> str:
    return "parts" if isinstance(value, dict) else "money"


class Decide(Block):
    """How a score becomes an action."""

    costs: dict[
        Name,
        Annotated[
            Annotated[Money, Tag("money")] | Annotated[CostParts, Tag("parts")], Discriminator(_cost_shape)
        ],
    ] = Field(default_factory=dict, description="What each kind of error and action costs.")
    bands: tuple[Name, ...] = Field(default=(), description="Actions by rising score.")
    capacity: dict[Name, Rate] = Field(
        default_factory=dict, description="How many of an action people can handle."
    )


class Limits(Block):
    """Enforced on every call; an overrun is an incident.

    Further limits over many calls may be named by what they count and for whom, such as `actions_per_user`,
    `cost_per_session`, `tokens_per_workflow`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Amount] = Field(init=False)
    timeout: Duration | None = Field(default=None, description="After this the fallback answers.")
    cost_per_action: Money | None = Field(default=None, description="Beyond this the call is stopped.")
    turns: Count | None = Field(default=None, description="Turns in one conversation.")
    steps: Count | None = Field(default=None, description="Steps of an agent in one task.")


class Workflow(Block):
    """One job that a user gets done."""

    user: Text = Field(description="Who has the job.")
    job: Text = Field(description="What they want to get done.")
    frequency: Rate | None = Field(default=None, description="How often the job comes up.")
    before: tuple[StepLine, ...] = Field(default=(), description="Steps of the old workflow, `who: what`.")
    after: tuple[StepLine, ...] = Field(default=(), description="Steps of the new one.")
    decides: Name | None = Field(default=None, description="Who decides; one of those in `after`, or a role.")
    shows: tuple[Name, ...] = Field(default=(), description="Evidence shown with each answer.")
    hides: tuple[Name, ...] = Field(default=(), description="What is hidden until the person has decided.")
    editable: tuple[Name, ...] = Field(default=(), description="What the person may correct; edits are kept.")
    waits: tuple[Name, ...] = Field(default=(), description="How unavoidable waiting is hidden.")
    predicts: Predicts | None = Field(default=None, description="What is predicted.")
    decide: Decide | None = Field(default=None, description="How a score becomes an action.")
    success: Success | None = Field(default=None, description="The event that says the job was done.")
    no_answer: Annotated[
        NoAnswer,
        BeforeValidator(_no_answer, json_schema_input_type=Policy | NoAnswer),
    ] = Field(description="What happens when there is no good answer.")
    failures: dict[Name, Failure] = Field(default_factory=dict, description="Ways to fail.")
    outcomes: dict[Name, OutcomeLine] = Field(default_factory=dict, description="What changes for users.")
    quality: dict[Name, QualityLine] = Field(default_factory=dict, description="How good answers are.")
    trust: dict[Name, TrustLine] = Field(default_factory=dict, description="Whether people can rely on it.")
    reliability: dict[Name, ReliabilityLine] = Field(
        default_factory=dict, description="Whether it answers, and how fast."
    )
    economics: dict[Name, EconomicsLine] = Field(
        default_factory=dict, description="What it costs and brings."
    )
    limits: Limits = Field(default_factory=Limits, description="Enforced on every call.")
    fallbacks: tuple[Text, ...] = Field(
        default=(), description="Tried in order when the model cannot answer."
    )

    @property
    def gravest(self) -> dict[str, str]:
        """Kind of failure → name of the gravest of that kind; of equally grave ones, the last."""
        rising = sorted(self.failures.items(), key=lambda each: get_args(Severity).index(each[1].severity))
        return {failure.kind: name for name, failure in rising}
