"""A run of attacks, whole: draw, ask, keep, and write evidence for the claims ``abuse/*``.

May import ``contract``, ``evidence``, ``records``, ``metrics`` and ``evals``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchworthy.contract import Claim
from launchworthy.errors import InputError
from launchworthy.evals.comparison import Comparison, compare_runs
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.gist import gist_of
from launchworthy.evals.redteam.board import Board, board_of
from launchworthy.evals.redteam.families import Asked
from launchworthy.evals.redteam.plan import Plan, attempts_of, items_of, suite_of
from launchworthy.evals.redteam.surface import Surface
from launchworthy.evals.run_evidence import run_evidence
from launchworthy.evals.session import find_baseline
from launchworthy.evals.stores import EvalStore
from launchworthy.evals.target import Target
from launchworthy.evidence import ClaimStatus, Evidence
from launchworthy.evidence.claim_status import status
from launchworthy.metrics import find_metric
from launchworthy.records import Run, RunItem

__all__ = ["Sitting", "attack", "begin_run", "find_red_team_run", "is_red_team", "red_team_evidence"]

SUCCESS, REFUSAL = "attack-success", "over-refusal"
_GOLD = "red-team@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What came of a run of attacks.

    Attributes:
        run: Its header.
        items: Its attempts, without texts.
        board: By family.
        comparison: Against the baseline, attempt by attempt; None without one.
        evidence: What was written.
        statuses: Where the claims stand that it speaks for, by this run alone.
        remarks: Sentences that a reader must know.
    """

    run: Run
    items: tuple[RunItem, ...]
    board: Board
    comparison: Comparison | None = None
    evidence: tuple[Evidence, ...] = ()
    statuses: tuple[ClaimStatus, ...] = ()
    remarks: tuple[str, ...] = ()


def is_red_team(run: Run) -> bool:
    """Whether a run is one of attacks."""
    return run.gold.startswith(_GOLD)


def find_red_team_run(runs: Iterable[Run], *, release: str | None = None) -> Run | None:
    """The newest complete run of attacks, of one release where it is named."""
    return next(
        (
            run
            for run in runs
            if is_red_team(run) and run.status == "complete" and release in (None, run.release)
        ),
        None,
    )


def begin_run(
    plan: Plan,
    surface: Surface,
    *,
    unique: str,
    release: str,
    release_label: str,
    target: str,
    config: Mapping[str, Any],
    now: datetime,
) -> Run:
    """Header of a new run; what it needs to be gone on with is in its configuration."""
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{unique}",
        product=surface.product,
        workflow=surface.workflow,
        release=release,
        target=target,
        gold=suite_of(attempts_of(plan, surface)),
        split="dev",  # nothing of it is kept back from whoever repairs the product
        scorers=tuple(find_metric(name).signature for name in (SUCCESS, REFUSAL)),
        status="running",
        started_at=now,
        config={
            **config,
            "release_label": release_label,
            "red_team": {
                "seed": plan.seed,
                "attempts": dict(plan.attempts),
                "twins": dict(plan.twins),
                "left_out": dict(plan.left_out),
                "claims": {
                    address: {"families": list(each.families), "effect": each.effect}
                    for address, each in plan.claims.items()
                },
                "needed": dict(plan.needed),
                "surface": surface.as_json(),
            },
        },
    )


def planned(run: Run) -> tuple[Plan, Surface]:
    """The plan and the surface of a run that was begun.

    Raises:
        InputError: It is no run of attacks, or a version of this package draws other attempts.
    """
    told = run.config.get("red_team")
    if not is_red_team(run) or not isinstance(told, Mapping):
        raise InputError(f"{run.id} is no run of attacks", where="--resume", hint="see: launchworthy runs")
    plan = Plan(
        attempts=told["attempts"],
        twins=told["twins"],
        left_out=told["left_out"],
        claims={
            address: Asked(tuple(each["families"]), each["effect"])
            for address, each in told["claims"].items()
        },
        needed=told["needed"],
        seed=told["seed"],
    )
    return plan, Surface.from_json(told["surface"])


def attack(
    store: EvalStore,
    run: Run,
    *,
    target: Target,
    claims: Iterable[Claim] = (),
    baseline: str | None = None,
    limits: Limits | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sitting:
    """Run, or go on with, a run of attacks, and write evidence for the claims that it speaks for.

    Args:
        store: Where everything rests.
        run: From :func:`begin_run`, or one to go on with.
        target: Who is attacked.
        claims: Claims of the contract.
        baseline: Run or release to compare with.
        limits: Concurrency, timeouts, retries, cost.
        on_progress: Called after each batch.
        now: The clock.

    Raises:
        InputError: The attempts are not those that the run began with.
        NotFoundError: No such baseline.
    """
    plan, surface = planned(run)
    attempts = attempts_of(plan, surface)
    if suite_of(attempts) != run.gold:
        raise InputError(
            f"{run.id} began with other attempts than this version draws",
            where="--resume",
            hint="begin a new run",
        )
    other = None if baseline is None else find_baseline(store, run, baseline)
    metrics = [find_metric(name) for name in (SUCCESS, REFUSAL)]
    done = evaluate(
        items_of(attempts),
        target=target,
        scorers=metrics,
        runs=store,
        run=run,
        limits=limits,
        on_progress=on_progress,
    )
    items = gist_of(store.iter_run_items(run.id))
    old = None if other is None else gist_of(store.iter_run_items(other.id))
    claims, moment = list(claims), now()
    board = board_of(items, claims=claims, asked=plan.claims, baseline=old)
    evidence: list[Evidence] = []
    remarks = [f"{name} was not tried: {why}" for name, why in plan.left_out.items()]
    carried = run.config.get("attacker")
    if isinstance(carried, Mapping):
        remarks.append(
            f"{carried['model']} went on where an attack was repelled, up to {carried['turns']} turns each"
        )
    if done.status == "complete":
        evidence = red_team_evidence(claims, done, items, plan, surface, now=moment)
        if evidence:
            store.add_evidence(done.product, evidence)
    else:
        remarks.append("the run is not complete, so it proves nothing")
    tried = {piece.claim for piece in evidence}
    remarks += [
        f"this run does not try {claim.address}"
        if claim.address in plan.claims
        else f"no family of attacks speaks for {claim.address}"
        for claim in claims
        if claim.family == "abuse" and claim.address not in tried and done.status == "complete"
    ]
    if board.all.untold and done.status == "complete":
        remarks.append(
            f"{board.all.untold:,} of {sum(plan.twins.values()):,} harmless twins told nothing, since the "
            "product has no sources for what they ask, or failed; --question has them ask what its users do"
        )
    if other is not None and other.gold != run.gold:
        remarks.append(f"the baseline {other.id} was asked other attempts; only those of both are compared")
    return Sitting(
        run=done,
        items=items,
        board=board,
        comparison=None if old is None else compare_runs(items, old, metrics[0]),
        evidence=tuple(evidence),
        statuses=tuple(
            status(claim, evidence, release=done.release, now=moment)
            for claim in claims
            if claim.address in tried
        ),
        remarks=tuple(remarks),
    )


def red_team_evidence(
    claims: Sequence[Claim],
    run: Run,
    items: Sequence[RunItem],
    plan: Plan,
    surface: Surface,
    *,
    now: datetime,
) -> list[Evidence]:
    """A piece for each claim ``abuse/*`` that some family of the run speaks for."""
    success, refusal = find_metric(SUCCESS), find_metric(REFUSAL)
    found: list[Evidence] = []
    for claim in claims:
        asked = plan.claims.get(claim.address)
        if claim.family != "abuse" or asked is None:
            continue
        own = _attempts_for(asked, items, surface)
        twins = [
            item for item in items if item.slices[:1] and item.slices[0] in asked.families and _is_twin(item)
        ]
        if not own:
            continue
        refused = refusal.estimate(
            [score for item in twins if (score := item.scores.get(REFUSAL)) and score.value is not None],
            level=claim.confidence,
            sides=2,
        )
        for piece in run_evidence([claim], run, own, now=now, metrics={claim.address: success}):
            detail = {key: value for key, value in piece.detail.items() if key not in ("remark", "split")}
            detail |= {
                "families": {name: plan.attempts[name] for name in asked.families if name in plan.attempts},
                "seed": plan.seed,
                "attempts_needed": plan.needed.get(claim.address),
                **({"attacker": dict(run.config["attacker"])} if run.config.get("attacker") else {}),
                "over_refusal": None if refused is None else str(refused),
                "not_tried": {name: why for name, why in plan.left_out.items() if name in asked.families},
            }
            found.append(replace(piece, detail=detail))
    return found


def _attempts_for(asked: Asked, items: Sequence[RunItem], surface: Surface) -> list[RunItem]:
    tools = {f"tool:{tool.name}" for tool in surface.tools if tool.effect == asked.effect}
    return [
        item
        for item in items
        if item.slices[:1]
        and item.slices[0] in asked.families
        and not _is_twin(item)
        and (not asked.effect or tools & set(item.slices))
    ]


def _is_twin(item: RunItem) -> bool:
    return "-twin-" in item.item_id
