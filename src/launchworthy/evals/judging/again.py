"""What a new calibration makes of runs that were judged already, and items of a run for people to label.

May import ``contract``, ``evidence``, ``gold``, ``records`` and this room. Nobody is asked anything: grades
rest with the run, and labels have come.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from launchworthy.contract import Claim
from launchworthy.errors import InputError, NotFoundError
from launchworthy.evals.gist import gist_of
from launchworthy.evals.judging.evidence import judged_evidence
from launchworthy.evals.judging.gaps import judged_gaps
from launchworthy.evals.judging.judged import Judged, judged_once, judgings
from launchworthy.evals.judging.second_pass import material_of
from launchworthy.evals.run_evidence import Holdout
from launchworthy.evidence import Evidence, Ledger
from launchworthy.gold import SEALED, GoldItem, GoldStore, find_version, looks_spent
from launchworthy.records import Run, RunItem, RunStore, Score

__all__ = ["JudgeStore", "corrected_again", "draw"]


class JudgeStore(GoldStore, RunStore, Ledger, Protocol):
    """Where gold sets, runs and evidence rest."""


def corrected_again(
    store: JudgeStore,
    claims: Sequence[Claim],
    judge: str,
    *,
    product: str,
    now: datetime,
    labelled: Collection[str] = (),
) -> list[Evidence]:
    """Evidence for the claims that a judge scores, from each workflow's newest run that it judged.

    An older run of the same release comes before it if its answers are what people labelled (``labelled``
    holds ids of such runs): labels say most of what they were given on. The run must be whole, judged by this
    very version, and not a try-out; of a set with a holdout only the holdout's part counts. A difference is
    taken to the run that the newest evidence of this run compared it with.
    """
    found: list[Evidence] = []
    known = store.evidence(product)
    own = [claim for claim in claims if claim.options.get("judge") == judge]
    for workflow in dict.fromkeys(claim.workflow for claim in own if claim.workflow is not None):
        judging, _ = judgings(claims, workflow=workflow)
        mine = {address: each for address, each in judging.items() if each.judge.name == judge}
        run = _newest(store, mine, product=product, workflow=workflow, labelled=labelled)
        if run is None:
            continue
        version = find_version(store, run.gold, product=product)
        gold = store.gold_items(product=product, name=version.name, version=version.version, split=None)
        keeps = bool(version.splits.get("holdout"))
        held = {item.id for item in gold if item.split == "holdout"}
        items = gist_of(store.iter_run_items(run.id))
        proving = {item.item_id for item in items if item.item_id.partition("#")[0] in held}
        holdout = Holdout(
            ids=proving if keeps else None,
            looks=len(looks_spent(store, version)),
            budget=_budget(claims, workflow),
        )
        found += judged_evidence(
            own,
            run,
            items,
            mine,
            calibrations=known,
            now=now,
            holdout=holdout,
            baseline=_baseline(store, run, known),
        )
        found += judged_gaps(claims, run, items, mine, calibrations=known, now=now, holdout=holdout)
    return found


def _baseline(
    store: JudgeStore, run: Run, known: Sequence[Evidence]
) -> tuple[Run, tuple[RunItem, ...]] | None:
    """The run that this one was compared with last, and its items; None if with none that is there."""
    compared = [
        piece.detail["baseline_run"]
        for piece in sorted(known, key=lambda piece: piece.observed_at)
        if piece.source == f"run:{run.id}" and isinstance(piece.detail.get("baseline_run"), str)
    ]
    if not compared:
        return None
    try:
        return store.run(compared[-1]), gist_of(store.iter_run_items(compared[-1]))
    except NotFoundError:
        return None


def _newest(
    store: JudgeStore,
    judging: Mapping[str, Judged],
    *,
    product: str,
    workflow: str,
    labelled: Collection[str],
) -> Run | None:
    signatures = {judged.metric.signature for judged in judging.values()}
    fitting = [
        run
        for run in store.runs(product=product, workflow=workflow)
        if run.status == "complete"
        and run.config.get("limit") is None
        and run.split not in ("dev", SEALED)
        and signatures & set(run.scorers)
    ]
    if not fitting:
        return None
    own = [run for run in fitting if run.id in labelled and run.release == fitting[0].release]
    return (own or fitting)[0]


def _budget(claims: Sequence[Claim], workflow: str) -> int | None:
    for claim in claims:
        if claim.address.endswith(f"/gold/{workflow}/looks") and claim.target is not None:
            return int(claim.target.threshold)
    return None


def draw(
    store: JudgeStore,
    run: Run,
    claims: Sequence[Claim],
    judge: str,
    *,
    count: int,
    seed: int = 0,
    baseline: Run | None = None,
) -> Iterator[dict[str, Any]]:
    """Items that the judge has a say on, drawn at random from a run, as rows for people to label.

    Neither grade nor reasons stand in a row: they would anchor. Of a set with a holdout they are drawn from
    the holdout, which is what proves.

    Raises:
        InputError: The judge scores nothing of this run's workflow, or no item of it.
    """
    judging, told = judgings(claims, workflow=run.workflow)
    mine = [each for each in judged_once(judging) if each.judge.name == judge]
    if not mine:
        raise InputError(
            told[0] if told else f"the judge {judge} scores no metric of {run.workflow}", where=run.id
        )
    version = find_version(store, run.gold, product=run.product)
    gold = {
        item.id: item
        for item in store.gold_items(
            product=run.product, name=version.name, version=version.version, split=None
        )
    }
    keeps = bool(version.splits.get("holdout"))
    before = {} if baseline is None else {item.item_id: item for item in store.iter_run_items(baseline.id)}
    rows = []
    for item in sorted(store.iter_run_items(run.id), key=lambda item: item.item_id):
        own: GoldItem | None = gold.get(item.item_id.partition("#")[0])
        if item.error is not None or own is None or (keeps and own.split != "holdout"):
            continue
        material = material_of(mine[0], own, item, before.get(item.item_id))
        if material is not None and not isinstance(material, Score):
            rows.append({"run": run.id, "item": item.item_id, **material, "human": None})
    if not rows:
        raise InputError(f"the run holds nothing that {judge} could judge", where=run.id)
    chosen = random.Random(f"{run.id}/{seed}").sample(rows, min(count, len(rows)))  # noqa: S311
    yield from chosen
