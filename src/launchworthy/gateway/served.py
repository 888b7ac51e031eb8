"""What the gateway serves: a contract made ready, and beside it the one that users had before.

May import ``contract``, ``evals`` (for the release's address), ``runtime`` and this room. Which of the two
answers a user depends on the user alone, so that nobody meets the new release in one call and not the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.quantity import Quantity
from launchworthy.runtime.budget import Ceiling, ceilings_of
from launchworthy.runtime.no_answer import NoAnswerRules
from launchworthy.runtime.no_answer import Policy as Way
from launchworthy.runtime.permission import Policy
from launchworthy.runtime.pipeline import GuardPipeline
from launchworthy.runtime.retrieving import SourceRules

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.workflow import Workflow

__all__ = ["Arm", "Job", "Served"]

_RETRIES = {"retry_once": 1, "retry_twice": 2}
_WAYS = frozenset(way.value for way in Way)
_BUCKETS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One workflow, as far as it matters to a call.

    Attributes:
        name: Of the workflow.
        models: Asked in this order; the release's own first.
        no_answer: What is done when there is no answer.
        failures: Kind of failure → its name in the contract, the gravest one.
        retries: How often the first is asked again.
        last: The way to give no answer in which the fallbacks end; empty where they name none.
        elsewhere: Fallbacks that only the application can take: search results, a form.
        timeout_s: None where the contract declares none.
        latency_s: What 95 % of calls are to keep; None likewise.
        cost_usd: Most that one call may cost.
        turns: Most turns of one conversation.
        steps: Most answers with tool calls in one turn.
        ceilings: Over many calls.
    """

    name: str
    models: tuple[str, ...]
    no_answer: NoAnswerRules
    failures: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0
    last: str = ""
    elsewhere: tuple[str, ...] = ()
    timeout_s: float | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    turns: int | None = None
    steps: int | None = None
    ceilings: tuple[Ceiling, ...] = ()

    def failure_of(self, rule: str) -> str | None:
        """The failure mode that passing a limit is a case of."""
        return self.failures.get("slow" if rule.endswith("/timeout") else "expensive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One contract, ready.

    Attributes:
        product: Of the contract.
        contract: Its version.
        release: Its release id; empty where it describes none.
        cohort: As records name those who get it.
        jobs: Workflows by name.
        guards: Compiled.
        policy: Compiled.
        sources: Which documents a prompt may hold.
        embedders: Models that embeddings may be asked of; empty: any.
    """

    product: str
    contract: str
    release: str
    jobs: Mapping[str, Job]
    guards: GuardPipeline
    policy: Policy
    sources: SourceRules
    cohort: str = ""
    embedders: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        contract: Contract,
        *,
        folder: Path,
        guards: GuardPipeline,
        cohort: str = "",
        models: Callable[[str], bool] = lambda _: False,
    ) -> Arm:
        """Make a contract ready.

        Args:
            contract: The contract.
            folder: Where the paths of its files begin.
            guards: Its guards, compiled.
            cohort: Name of those who get it.
            models: Whether a fallback without a vendor is a model.

        Raises:
            InputError: It names no model, or a limit that nothing enforces.
        """
        from launchworthy.evals import release_of

        release = release_of(contract, folder=folder)
        part = contract.release.model
        if part is None or part.name is None:
            raise InputError(
                "the contract names no model that could be asked",
                where=contract.file,
                hint="write release: {model: {name: vendor/model}}",
            )
        return cls(
            product=contract.product,
            contract=contract.version,
            release=release.id if release is not None else "",
            cohort=cohort,
            jobs={
                name: _job(contract.product, name, workflow, part.name, models)
                for name, workflow in contract.workflows.items()
            },
            guards=guards,
            policy=Policy.of(contract),
            sources=SourceRules.of(contract),
            embedders=_embedders(contract),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that some workflow may ask, the release's own first."""
        return tuple(dict.fromkeys(model for job in self.jobs.values() for model in job.models))

    def job(self, workflow: str, model: str) -> Job | None:
        """The workflow of a call: by its name, by ``model`` as its alias, or the only one there is."""
        if workflow:
            return self.jobs.get(workflow)
        alias = model.removeprefix(f"{self.product}/")
        if alias in self.jobs:
            return self.jobs[alias]
        return next(iter(self.jobs.values())) if len(self.jobs) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The contract in force, and during a rollout the one before it.

    Attributes:
        arm: The release that rolls out, or has.
        baseline: What everyone else still gets; None where nobody does.
        share: Share of the units that get ``arm``, from 0 to 1.
        released: Id of the release that a user in a session has by the rollout under way; None: the share
            decides.
        shadowed: Whether that rollout is in a stage that shows the release to nobody; None likewise.
    """

    arm: Arm
    baseline: Arm | None = None
    share: float = 1.0
    released: Callable[[str, str], str] | None = None
    shadowed: Callable[[], bool] | None = None

    @property
    def candidate(self) -> Arm | None:
        """The release that runs in shadow of the baseline now; None where none does."""
        if self.baseline is None:
            return None
        in_shadow = self.share == 0.0 if self.shadowed is None else self.shadowed()
        return self.arm if in_shadow else None

    def choose(self, user: str, *, session: str = "", asked: str = "") -> Arm | None:
        """The arm of a call, or the one that a tester asked for by name or release id; None: no such arm.

        Calls that name nobody get what everyone had before, as long as there is such a release. Where a
        rollout decides, so do those that do not name its unit: a session is no user.
        """
        if self.baseline is None:
            return self.arm if asked in ("", "candidate", self.arm.release) else None
        if asked:
            by_name = {
                "candidate": self.arm,
                "baseline": self.baseline,
                self.arm.release: self.arm,
                self.baseline.release: self.baseline,
            }
            return by_name.get(asked)
        if self.released is not None:
            return self.arm if self.released(user, session) == self.arm.release else self.baseline
        unit = user or session
        if not unit:
            return self.arm if self.share >= 1 else self.baseline
        digest = hashlib.sha256(f"{self.arm.product}\0{self.arm.release}\0{unit}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") % _BUCKETS
        return self.arm if place < self.share * _BUCKETS else self.baseline


def _job(product: str, name: str, workflow: Workflow, model: str, is_model: Callable[[str], bool]) -> Job:
    models, elsewhere = [model], list[str]()
    retries, last = 0, ""
    for fallback in workflow.fallbacks:
        if fallback in _RETRIES:
            retries += _RETRIES[fallback]
        elif "/" in fallback or is_model(fallback):
            models.append(fallback)
        elif fallback in _WAYS:
            last = last or fallback
        else:
            elsewhere.append(fallback)
    limits, latency = workflow.limits, workflow.reliability.get("latency_p95")
    slow = None if latency is None else latency.threshold
    return Job(
        name=name,
        models=tuple(dict.fromkeys(models)),
        retries=retries,
        last=last,
        elsewhere=tuple(elsewhere),
        timeout_s=None if limits.timeout is None else limits.timeout.value / 1_000,
        latency_s=slow.value / 1_000 if slow is not None and slow.unit == "ms" else None,
        failures=workflow.gravest,
        cost_usd=None
        if limits.cost_per_action is None
        else _usd(limits.cost_per_action, f"{product}/{name}/limits/cost_per_action"),
        turns=limits.turns,
        steps=limits.steps,
        ceilings=ceilings_of(workflow, address=f"{product}/{name}"),
        no_answer=NoAnswerRules(workflow.no_answer, address=f"{product}/{name}"),
    )


def _usd(limit: Quantity, rule: str) -> float:
    if limit.unit != "USD":
        raise InputError(
            f"what models cost is known in US dollars, and the limit is {limit}",
            where=rule,
            hint="write it in USD",
        )
    return limit.value


def _embedders(contract: Contract) -> tuple[str, ...]:
    """The model that ``release/retrieval`` names as its ``embedding``, a parameter of its own."""
    retrieval = contract.release.retrieval
    named = (retrieval.model_extra or {}).get("embedding") if retrieval is not None else None
    return (named,) if isinstance(named, str) else ()
