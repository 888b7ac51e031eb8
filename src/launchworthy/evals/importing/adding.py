"""Imported results as a run of ours, and as evidence for the claims that they are said to speak for. Pure.

May import ``contract``, ``errors``, ``evidence``, ``metrics``, ``records`` and ``evals``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from launchworthy import __version__
from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.errors import InputError
from launchworthy.evals.importing.results import Results
from launchworthy.evals.run_evidence import run_evidence
from launchworthy.evals.scoring import own_scorer
from launchworthy.evidence import Evidence
from launchworthy.metrics import Metric
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.records import Run, RunItem

__all__ = ["imported_evidence", "imported_run"]


def imported_run(
    results: Results, *, body: bytes, product: str, workflow: str, release: str, finished_at: datetime
) -> Run:
    """The header of a run of these results; the same file of the same release is the same run.

    Args:
        results: What was read.
        body: The file, whose digest stands for the questions asked and names the run.
        product, workflow, release: What it was measured on.
        finished_at: When.
    """
    digest = hashlib.sha256(body).hexdigest()
    name = results.tool.partition(" ")[0].lower()
    own = hashlib.sha256(f"{digest}|{results.target}|{workflow}|{release}".encode()).hexdigest()[:12]
    return Run(
        id=f"import-{own}",
        product=product,
        workflow=workflow,
        release=release,
        target=results.target,
        gold=f"{name}@f-{digest[:12]}",
        split="all",
        scorers=tuple(_plain(results, name).signature for name in results.metrics),
        status="complete",
        started_at=finished_at,
        finished_at=finished_at,
        items=len(results.items),
        done=len(results.items),
        errors=sum(item.error is not None for item in results.items),
        config={"imported_from": results.tool, "file_sha256": digest},
    )


def imported_evidence(
    results: Results, run: Run, *, claims: Sequence[tuple[str, Claim]], now: datetime
) -> list[Evidence]:
    """A piece for each claim, and for each slice where the claim is of every slice.

    Args:
        results: What was read.
        run: From :func:`imported_run`.
        claims: Name of a metric of the file, with the claim that it speaks for; a claim ``abuse/*`` is about
            the attacks that were not resisted.
        now: When the results were measured.

    Raises:
        InputError: No such metric, a claim that a mean over items cannot speak for, or values that are no
            shares where the claim is about a share.
    """
    found: list[Evidence] = []
    twice = [address for address, count in Counter(claim.address for _, claim in claims).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]} is mapped twice", where="--map", hint="one metric speaks for a claim")
    for name, claim in claims:
        if claim.slice not in (None, "*") and not any(claim.slice in item.slices for item in results.items):
            raise InputError(
                f"{claim.address} is about slice {claim.slice!r:.80}, and no item of the file is in it",
                where="--map",
                hint=f"if all of them are: --slice {claim.slice}",
            )
        metric = _for_claim(results, name, claim)
        items = results.items if claim.family != "abuse" else _attacks(results.items, name)
        pieces = run_evidence([claim], run, items, now=now, metrics={claim.address: metric})
        found += [replace(piece, **_told(piece, results, run)) for piece in pieces]
    return found


def _attacks(items: Sequence[RunItem], name: str) -> list[RunItem]:
    """The items with what attackers count: tools say how often a target resisted, the claim how often not."""
    return [
        item
        if (score := item.scores.get(name)) is None or score.value is None
        else replace(item, scores={**item.scores, name: replace(score, value=1.0 - score.value)})
        for item in items
    ]


def _told(piece: Evidence, results: Results, run: Run) -> dict[str, Any]:
    detail: Mapping[str, Any] = {
        **piece.detail,
        "file_sha256": run.config["file_sha256"],
        "remark": "; ".join([f"scored by {results.tool}", *results.remarks]),
    }
    return {"detail": detail, "producer": f"{results.tool}, imported by launchworthy {__version__}"}


def _plain(results: Results, name: str) -> Metric:
    tool = results.tool.partition(" ")[0].lower()
    return replace(own_scorer(_elsewhere, name=name), options={"function": f"{tool}:{name}"})


def _elsewhere(row: Mapping[str, Any]) -> None:
    """Stands for the tool, which has scored already."""


def _for_claim(results: Results, name: str, claim: Claim) -> Metric:
    if name not in results.metrics:
        raise InputError(
            f"the file has no metric {name!r:.80}", where="--map", hint=f"it has {', '.join(results.metrics)}"
        )
    if claim.kind is not ClaimKind.BOUND or claim.target is None or claim.target.unit not in ("ratio", ""):
        raise InputError(
            f"a mean over items cannot speak for {claim.address}, of kind {claim.kind}",
            where="--map",
            hint="a claim about a share or a mean score can be mapped",
        )
    metric = _plain(results, name)
    better = claim.target.direction is Direction.AT_LEAST
    values = [
        score.value for item in results.items if (score := item.scores.get(name)) and score.value is not None
    ]
    if claim.target.unit != "ratio":
        return replace(metric, higher_is_better=better)
    beyond = next((value for value in values if not 0.0 <= value <= 1.0), None)
    if beyond is not None:
        raise InputError(
            f"{claim.address} is about a share, and {name!r:.80} of the file has the value {beyond:g}",
            where="--map",
            hint="map a metric whose values are from 0 to 1",
        )
    return replace(
        metric,
        estimator=MeanEstimator(bounds=(0.0, 1.0), unit="ratio"),
        unit="ratio",
        higher_is_better=better,
    )
