"""What ``launchworthy eval`` may be told, in groups, and the single runs that it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from launchworthy.cli.figures import SHARE

__all__ = ["Options", "how_it_is_asked", "what_is_asked", "what_is_measured"]

F = TypeVar("F", bound=Callable[..., Any])

_WHAT = (
    click.option(
        "--contract", type=click.Path(path_type=Path), help="Contract [launchworthy.yaml, if it is here]."
    ),
    click.option(
        "--workflow", "workflows", multiple=True, help="Workflow, may be repeated [the contract's only one]."
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        help="What to ask: module:function, the address of an HTTP endpoint, model:FILE, openai:MODEL. "
        "Repeated: each is compared with the first.",
    ),
    click.option(
        "--release",
        "releases",
        multiple=True,
        type=click.Path(path_type=Path),
        help="YAML file of the release's parts, one a target.",
    ),
    click.option(
        "--gold",
        "golds",
        multiple=True,
        help="NAME[@VERSION] or a file to import, may be repeated [the contract's].",
    ),
    click.option(
        "--split",
        type=click.Choice(["dev", "holdout", "all"]),
        default="all",
        show_default=True,
        help="Only holdout items prove anything; each reading of them is counted.",
    ),
    click.option(
        "--gate",
        is_flag=True,
        help="The launch gate: ask the sealed items, and print which claims are met and nothing of any item.",
    ),
    click.option(
        "--request", help='HTTP: JSON body with {input}, {id}, {context}, {messages} [{"input": "{input}"}].'
    ),
    click.option(
        "--response", "responses", multiple=True, help="HTTP: FIELD=/json/pointer, may be repeated."
    ),
    click.option("--bearer-env", help="HTTP: environment variable that holds a bearer token."),
    click.option(
        "--prompt",
        type=click.Path(path_type=Path, dir_okay=False),
        help="openai:MODEL: file with {input} and {context}, settings before it between lines of ---.",
    ),
    click.option("--base-url", help="openai:MODEL: address of the endpoint [OpenAI's]."),
    click.option("--key-env", help="openai:MODEL: environment variable that holds the key."),
    click.option(
        "--trust-pickle",
        is_flag=True,
        help="model:FILE: read joblib and pickle files, which run any code that they hold.",
    ),
    click.option("--user", help="Scenarios: model that plays the users whose words are not scripted."),
    click.option("--user-url", help="Scenarios: address of its endpoint [OpenAI's]."),
    click.option("--user-key-env", help="Scenarios: environment variable that holds its key."),
    click.option("--product", help="Product, where no contract names it."),
)
_HOW = (
    click.option(
        "--concurrency",
        type=int,
        default=16,
        show_default=True,
        help="The most calls at once; fewer while the target is overloaded.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Where calls are made from: this process, or the machines of a Ray cluster.",
    ),
    click.option("--ray-address", help="Ray: HOST:PORT of the cluster's head [RAY_ADDRESS, else one here]."),
    click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for one attempt."),
    click.option(
        "--retries",
        type=int,
        default=2,
        show_default=True,
        help="Further attempts, where an error may pass; five times as many after an overload.",
    ),
    click.option("--max-cost", type=float, help="Begin no call once so many US dollars are spent."),
    click.option(
        "--samples",
        type=click.IntRange(1, 1_000),
        default=1,
        show_default=True,
        help="Ask each item so often; its answers count as one cluster.",
    ),
    click.option(
        "--cache/--no-cache",
        default=False,
        show_default=True,
        help="Take answers of the last 7 days that the same release gave in other runs.",
    ),
    click.option("--resume", help="Go on with this run."),
    click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many; proves nothing."),
    click.option(
        "--plan", is_flag=True, help="Say what the suite can prove of the contract, and ask nothing."
    ),
)
_MEASURED = (
    click.option(
        "--scorer", "scorers", multiple=True, help="Metric, may be repeated [those of the contract]."
    ),
    click.option("--baseline", help="Run or release to compare with, item by item."),
    click.option(
        "--margin", type=SHARE, help="How much worse than it is acceptable [the contract's, else 0]."
    ),
    click.option(
        "--stop-when-settled",
        is_flag=True,
        help="Ask in random order, and stop once the first scorer tells the run from its baseline.",
    ),
    click.option("--simulated", is_flag=True, help="Label the run and its evidence as simulated."),
)


def _all(options: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


what_is_asked: Callable[[F], F] = _all(_WHAT)
how_it_is_asked: Callable[[F], F] = _all(_HOW)
what_is_measured: Callable[[F], F] = _all(_MEASURED)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options as they were given; of what may be repeated, a single run has at most one."""

    contract: Path | None
    workflows: tuple[str, ...]
    targets: tuple[str, ...]
    releases: tuple[Path, ...]
    golds: tuple[str, ...]
    split: str
    gate: bool
    request: str | None
    responses: tuple[str, ...]
    bearer_env: str | None
    prompt: Path | None
    base_url: str | None
    key_env: str | None
    trust_pickle: bool
    user: str | None
    user_url: str | None
    user_key_env: str | None
    product: str | None
    concurrency: int
    engine: str
    ray_address: str | None
    timeout: float
    retries: int
    max_cost: float | None
    samples: int
    cache: bool
    resume: str | None
    limit: int | None
    plan: bool
    scorers: tuple[str, ...]
    baseline: str | None
    margin: float | None
    stop_when_settled: bool
    simulated: bool

    @property
    def workflow(self) -> str | None:
        return self.workflows[0] if self.workflows else None

    @property
    def target(self) -> str | None:
        return self.targets[0] if self.targets else None

    @property
    def release(self) -> Path | None:
        return self.releases[0] if self.releases else None

    @property
    def gold(self) -> str | None:
        return self.golds[0] if self.golds else None

    @property
    def several(self) -> bool:
        """Whether more than one run is asked for."""
        return max(len(self.targets), len(self.golds), len(self.workflows)) > 1

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            InputError: Names the option.
        """
        from launchworthy.errors import InputError

        if len(self.releases) not in (0, len(self.targets)) and self.resume is None:
            raise InputError(
                f"{len(self.releases)} releases for {len(self.targets)} targets",
                where="--release",
                hint="give one for each --target, in the same order, or none",
            )
        if self.user is None and (self.user_url is not None or self.user_key_env is not None):
            raise InputError(
                "an address and a key are for a model that plays users, and none was named",
                where="--user-url" if self.user_url is not None else "--user-key-env",
                hint="name it: --user MODEL",
            )
        if self.ray_address is not None and self.engine != "ray":
            raise InputError("an address of a cluster is for --engine ray", where="--ray-address")
        if len(self.golds) > 1 and len(self.workflows) > 1:
            raise InputError("name several gold sets or several workflows, not both", where="--gold")
        if self.several and (self.resume is not None or self.gate):
            raise InputError(
                "one run at a time is resumed or judged by the gate",
                where="--resume" if self.resume is not None else "--gate",
            )
        if self.gate and (self.limit is not None or self.baseline is not None):
            raise InputError("the gate asks all sealed items, and compares none", where="--gate")

    def suites(self) -> Iterator[list[Options]]:
        """For each suite, one run for each target."""
        for suite in max(self.golds, self.workflows, key=len) or ("",):
            chosen = replace(
                self,
                golds=(suite,) if len(self.golds) > 1 else self.golds,
                workflows=(suite,) if len(self.workflows) > 1 else self.workflows,
            )
            releases = self.releases or (None,) * len(self.targets)
            yield [
                replace(chosen, targets=(target,), releases=() if release is None else (release,))
                for target, release in zip(self.targets, releases, strict=True)
            ]
