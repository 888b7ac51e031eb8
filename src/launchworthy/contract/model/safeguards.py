"""What the model may see, do and say: data, tools, guards, and the tests against abuse and unfairness."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from launchworthy.contract.model.block import Address, Block, FilePath, Flag, Name, Scalar, Text
from launchworthy.contract.model.measures import Line
from launchworthy.contract.patterns import pattern_problem
from launchworthy.contract.units import Amount, Count, Duration, Flow, Money, Share

__all__ = [
    "Approval",
    "Argument",
    "Data",
    "Fairness",
    "Guard",
    "Pii",
    "Retention",
    "Source",
    "Tool",
    "ToolLimits",
    "Undo",
    "Vendor",
]


class Source(Block):
    """One source of data and what may be done with it."""

    class_: Literal["public", "internal", "confidential", "restricted"] = Field(
        alias="class", description="How sensitive it is."
    )
    may: tuple[Literal["see", "store", "learn"], ...] = Field(
        default=(),
        description="`see`: in a prompt; `store`: in records; `learn`: train, tune, gold.",
    )
    pii: Flag = Field(default=False, description="Holds personal data.")
    scope: Name | None = Field(default=None, description="Whose rows a caller may reach.")
    only_for: Name | None = Field(default=None, description="The one purpose it may serve.")


class Pii(Block):
    """Personal data: what is looked for, and what is done where it is found."""

    find: tuple[Name, ...] = Field(
        default=("name", "email", "phone", "address", "iban", "card"), description="Kinds."
    )
    prompt: Literal["redact", "block", "keep"] = Field(
        default="redact", description="Before it reaches the model."
    )
    response: Literal["redact", "block", "keep"] = Field(
        default="block", description="Before it reaches the user."
    )
    record: Literal["pseudonymise", "redact", "drop", "keep"] = Field(
        default="pseudonymise", description="Before it is stored."
    )


class Retention(Block):
    """How long records are kept."""

    traces: Duration | None = Field(default=None, description="Spans.")
    feedback: Duration | None = Field(default=None, description="Feedback, labels and outcomes.")
    gold: Duration | None = Field(default=None, description="Gold sets.")
    audit: Duration | None = Field(default=None, description="The audit chain.")


class Vendor(Block):
    """What the model's vendor has promised."""

    trains_on_our_data: Flag = Field(default=False, description="Whether it may train on what it is sent.")
    retention: Duration | None = Field(default=None, description="How long it keeps what it is sent.")


class Data(Block):
    """Which data it may see, store and learn from."""

    sources: dict[Name, Source] = Field(
        default_factory=dict, description="Sources by name; what is not named may not be used."
    )
    pii: Pii | None = Field(default=None, description="Personal data.")
    retention: Retention = Field(default_factory=Retention, description="How long records are kept.")
    erasure_within: Duration | None = Field(
        default=None, description="How soon a person's data is gone on request."
    )
    region: Text | None = Field(default=None, description="Where data stays.")
    vendor: Vendor | None = Field(default=None, description="What the model's vendor has promised.")


class Approval(Block):
    """Who confirms an action, and from which amount."""

    by: Name = Field(description="Role that confirms; never the one who asked.")
    preview: tuple[Name, ...] = Field(default=(), description="What the approver is shown.")
    above: Money | None = Field(default=None, description="Only for amounts above this.")
    expires: Duration | None = Field(
        default=None, description="How long an approval stands; 15m if not said."
    )
    four_eyes: Flag = Field(
        default=False,
        description="Nor the one on whose behalf the call is made, or who corrected its arguments.",
    )


class Undo(Block):
    """How an action is taken back."""

    by: Name = Field(description="Tool that takes it back.")
    within: Duration = Field(description="How long that works.")


class ToolLimits(Block):
    """How much a tool may do."""

    per_call: Amount | None = Field(default=None, description="In one call.")
    per_user: Flow | None = Field(default=None, description="For one user over time.")
    total: Flow | None = Field(default=None, description="In all, over time.")


def _pattern(value: str) -> str:
    problem = pattern_problem(value)
    if problem:
        raise PydanticCustomError(
            "LW217",
            "the pattern {problem}",
            {"problem": problem[:200], "hint": "write one whose repetitions share no characters"},
        )
    return value


class Argument(Block):
    """What one argument of a tool may be, and who may have chosen it."""

    from_: Literal["application", "user", "any"] | None = Field(
        default=None,
        alias="from",
        description="Who may have chosen it. Where a tool acts: `user` for a payee, recipient, account, path "
        "or URL, which retrieved text never chooses; `any` for the rest.",
    )
    scope: Name | None = Field(
        default=None, description="Scope that it names: its value is the one that the application gives."
    )
    at_least: Amount | None = Field(default=None, description="Least value.")
    at_most: Amount | None = Field(default=None, description="Largest value.")
    one_of: tuple[Scalar, ...] = Field(default=(), description="The only values allowed.")
    pattern: Annotated[Text, AfterValidator(_pattern)] | None = Field(
        default=None,
        description="Regular expression that the whole text, of 1,000 characters at most, matches.",
    )
    most_characters: Count | None = Field(default=None, description="Longest text.")


def _approval_shape(value: Any) -> str:
    return "word" if isinstance(value, str) else "list"


class Tool(Block):
    """One tool; what is not named is denied."""

    effect: Literal["read", "write", "send", "pay", "delete"] = Field(
        description="What it does to the world."
    )
    roles: tuple[Name, ...] = Field(min_length=1, description="Callers for whom it may run.")
    deny: tuple[Name, ...] = Field(
        default=(), description="Callers for whom it never runs, whatever other role they have."
    )
    scope: Name | None = Field(default=None, description="Whose rows a caller may reach.")
    approval: (
        Annotated[
            Annotated[Literal["unattended"], Tag("word")] | Annotated[tuple[Approval, ...], Tag("list")],
            Discriminator(_approval_shape),
        ]
        | None
    ) = Field(default=None, description="Who confirms; `unattended` only with an undo or a volume limit.")
    caught: Line | None = Field(
        default=None,
        description="Share of wrong calls, put among those that wait as a test, that people stop.",
    )
    undo: Undo | None = Field(default=None, description="How it is taken back.")
    limits: ToolLimits | None = Field(default=None, description="How much it may do.")
    idempotent_by: tuple[Name, ...] = Field(
        default=(), description="Arguments that make a repeated call the same call."
    )
    arguments: dict[Name, Argument] = Field(
        default_factory=dict, description="Limits of single arguments; further ones are allowed."
    )
    schema_: FilePath | None = Field(
        default=None, alias="schema", description="JSON Schema that its arguments follow."
    )
    amount: Name = Field(default="amount", description="Argument that holds the amount that limits count.")
    data: tuple[Literal["public", "internal", "confidential", "restricted"], ...] | None = Field(
        default=None, description="Classes of data that may flow into its arguments; all, where not named."
    )


class Guard(Block):
    """One check around a call. Its key names a built-in guard, unless `uses` says what checks."""

    checks: tuple[Literal["input", "retrieval", "tool_input", "tool_output", "output"], ...] = Field(
        min_length=1, description="What it looks at."
    )
    action: Literal["block", "redact", "route", "refuse", "defer", "ask", "rewrite", "log", "allow"] = Field(
        description="On a hit."
    )
    fail: Literal["closed", "open"] = Field(
        default="closed", description="When the guard itself could not check."
    )
    uses: Text | None = Field(
        default=None,
        description="A built-in guard, `module:function`, `http://…`, `model:FILE` or `judge:NAME`.",
    )
    mode: Literal["live", "shadow"] | None = Field(
        default=None,
        description="`shadow` only records; a guard that estimates is in shadow until it is calibrated.",
    )
    find: tuple[Name, ...] = Field(default=(), description="Kinds it looks for; empty: all it knows.")
    threshold: Share | None = Field(default=None, description="Score from which it hits.")
    thresholds: dict[Name, Share] = Field(default_factory=dict, description="The same for single kinds.")
    calibration: FilePath | None = Field(
        default=None, description="Calibration on the product's own cases, written by `guard calibrate`."
    )
    false_positives: Share | None = Field(
        default=None, description="Share of good cases that it may flag; its calibration holds it to this."
    )
    terms: tuple[Text, ...] = Field(default=(), description="Words and phrases that a list guard looks for.")
    except_: tuple[Text, ...] = Field(default=(), alias="except", description="Texts that it never flags.")
    schema_: FilePath | None = Field(
        default=None, alias="schema", description="JSON Schema that the text follows."
    )
    options: dict[Name, Scalar] = Field(
        default_factory=dict, description="Further options of the guard, such as `max_characters: 4000`."
    )
    timeout: Duration | None = Field(
        default=None, description="How long it may take; 2s where it asks others."
    )


class Fairness(Block):
    """How different groups may fare."""

    groups: tuple[Name, ...] = Field(min_length=1, description="Fields that name a group.")
    min_group: Count = Field(default=100, description="Least members for a group to be compared.")
    gap: dict[Address, Line] = Field(
        default_factory=dict, description="Metric → largest difference, worst group against best."
    )
    ratio: dict[Address, Line] = Field(
        default_factory=dict, description="Metric → ratio of a group to all others: highest or lowest."
    )

    @model_validator(mode="after")
    def _something(self) -> Fairness:
        if not self.gap and not self.ratio:
            raise PydanticCustomError("LW218", "fairness compares nothing: it has neither gap nor ratio", {})
        return self
