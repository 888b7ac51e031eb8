"""The contract as the runtime enforces it: compiled once, when an application starts.

May import ``contract`` (when rules are made) and what ``runtime`` may. What nothing here can enforce is an
error then, not a surprise on the day it is needed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.approval import Approvals
from launchworthy.runtime.budget import Breaker, Ceiling, Prices, ceilings_of
from launchworthy.runtime.fallback import AnswerCache, Asking, Way, plan_of
from launchworthy.runtime.no_answer import NoAnswerRules
from launchworthy.runtime.permission import Policy, Spending
from launchworthy.runtime.pipeline import GuardPipeline
from launchworthy.runtime.retrieving import SourceRules
from launchworthy.runtime.running import Runner
from launchworthy.runtime.tooling import Tools

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.workflow import Workflow

__all__ = ["Rules", "WorkflowRules", "rules_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRules:
    """What holds in one workflow.

    Attributes:
        name: Of the workflow.
        address: ``product/workflow``.
        model: Name of the model that is asked first; empty where the enforcer was given none.
        asking: How models are asked, with the fallbacks.
        ways: Kinds of fallback that it names.
        no_answer: How it gives no answer.
        timeout_s: After this no model and no tool is waited for; None: a minute.
        latency_s: From here on another model is asked beside one that is slow; None: half of that.
        most_usd: What one call may cost; None: no ceiling.
        turns, steps: How many; None: no limit.
        ceilings: Over many calls.
        needs_sources: Where nothing is found there is no answer.
        defers: Where something that it needs is down there is none.
        failures: Kind of failure → its name in the contract, the gravest one.
    """

    name: str
    address: str
    model: str
    asking: Asking
    ways: frozenset[Way]
    no_answer: NoAnswerRules
    timeout_s: float | None
    latency_s: float | None
    most_usd: float | None
    turns: int | None
    steps: int | None
    ceilings: tuple[Ceiling, ...]
    needs_sources: bool
    defers: bool
    failures: Mapping[str, str]

    def failure_of(self, rule: str) -> str | None:
        """The failure mode that an overrun of a limit is a case of, as the contract names it."""
        kind = "slow" if rule.endswith("/timeout") else "expensive"
        return self.failures.get(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds in a product.

    Attributes:
        product: Of the contract.
        workflows: By name.
        guards: Over every text.
        tools: And what they may do.
        sources: Which documents may enter a prompt.
        prices: Of models.
        spending: Ledger of tools and ceilings.
        cache: Answers given before.
        runner: Runs functions of the application.
    """

    product: str
    workflows: Mapping[str, WorkflowRules]
    guards: GuardPipeline
    tools: Tools
    sources: SourceRules
    prices: Prices
    spending: Spending
    cache: AnswerCache
    runner: Runner


def rules_of(
    contract: Contract,
    *,
    guards: GuardPipeline,
    tools: Mapping[str, Callable[..., Any]],
    models: Mapping[str, Callable[..., Any]],
    fallbacks: Mapping[str, str | Callable[..., Any]],
    messages: Mapping[str, str],
    prices: Prices,
    spending: Spending,
    approvals: Approvals | None,
    cache: AnswerCache,
    breakers: Mapping[str, Breaker],
    chance: random.Random,
) -> Rules:
    """Compile a contract.

    Raises:
        InputError: Something that it declares cannot be enforced with what is given; says what and where.
    """
    runner = Runner()
    for name in tools:
        if name not in contract.tools:
            raise InputError(
                f"the tool {name!r:.80} is not in the contract, and what is not named is denied",
                where=f"{contract.product}/tools",
                hint="name it under tools in the contract, with its effect and roles",
            )
    return Rules(
        product=contract.product,
        workflows={
            name: _workflow(
                contract,
                name,
                workflow,
                models=models,
                fallbacks=fallbacks,
                messages=messages,
                prices=prices,
                runner=runner,
                breakers=breakers,
                chance=chance,
            )
            for name, workflow in contract.workflows.items()
        },
        guards=guards,
        tools=Tools(
            product=contract.product,
            functions=dict(tools),
            policy=Policy.of(contract),
            spending=spending,
            approvals=approvals,
            idempotent_by={name: each.idempotent_by for name, each in contract.tools.items()},
            acting=frozenset(name for name, each in contract.tools.items() if each.effect != "read"),
            guards=guards,
            runner=runner,
        ),
        sources=SourceRules.of(contract),
        prices=prices,
        spending=spending,
        cache=cache,
        runner=runner,
    )


def _workflow(
    contract: Contract,
    name: str,
    workflow: Workflow,
    *,
    models: Mapping[str, Callable[..., Any]],
    fallbacks: Mapping[str, str | Callable[..., Any]],
    messages: Mapping[str, str],
    prices: Prices,
    runner: Runner,
    breakers: Mapping[str, Breaker],
    chance: random.Random,
) -> WorkflowRules:
    address = f"{contract.product}/{name}"
    limits = workflow.limits
    plan = plan_of(workflow.fallbacks, address=address, models=models, own=fallbacks)
    ceilings = ceilings_of(workflow, address=address)
    if models:
        _require_prices(
            models,
            prices,
            address,
            needed=limits.cost_per_action is not None or any(each.counts == "cost" for each in ceilings),
        )
    most = limits.cost_per_action
    if most is not None and most.unit != "USD" and models:
        raise InputError(
            f"what models cost is known in US dollars, and the limit is {most}",
            where=f"{address}/limits/cost_per_action",
            hint="write it in USD",
        )
    latency = workflow.reliability.get("latency_p95")
    slow = latency.threshold if latency is not None else None
    return WorkflowRules(
        name=name,
        address=address,
        model=_first_model(contract, models),
        asking=Asking(models=models, breakers=breakers, plan=plan, runner=runner, chance=chance),
        ways=frozenset(each.way for each in plan),
        no_answer=NoAnswerRules(workflow.no_answer, address=address, messages=messages),
        timeout_s=None if limits.timeout is None else limits.timeout.value / 1e3,
        latency_s=slow.value / 1e3 if slow is not None and slow.unit == "ms" else None,
        most_usd=None if most is None else most.value,
        turns=limits.turns,
        steps=limits.steps,
        ceilings=ceilings,
        needs_sources="not_in_sources" in workflow.no_answer.conditions,
        defers="model_or_tool_down" in workflow.no_answer.conditions,
        failures=workflow.gravest,
    )


def _first_model(contract: Contract, models: Mapping[str, Any]) -> str:
    """The model of the release where it is given, else the first."""
    part = contract.release.model
    declared = None if part is None else part.name
    if declared is not None and declared in models:
        return declared
    return next(iter(models), "")


def _require_prices(models: Mapping[str, Any], prices: Prices, address: str, *, needed: bool) -> None:
    for model in models if needed else ():
        if not prices.knows(model):
            raise InputError(
                f"the price of {model!r:.80} is not known, and {address} limits what a call costs",
                where=f"{address}/limits",
                hint="give prices=… or name a file of prices in LAUNCHWORTHY_PRICES",
            )
