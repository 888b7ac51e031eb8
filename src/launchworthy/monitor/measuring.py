"""Claims in, evidence out: which measure answers which claim.

May import ``contract``, ``evidence``, ``gold`` and this room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from launchworthy.contract import Claim, ClaimKind
from launchworthy.contract.running_claims import STREAM_METHODS
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.evidence import Evidence
from launchworthy.gold import GoldStore, Guarded
from launchworthy.monitor import (
    adoption,
    boundaries,
    canaries,
    covering,
    economics,
    fairness,
    freshness,
    labelling,
    limits,
    opinions,
    outcomes,
    proxies,
    queue_wait,
    reliability,
    revisits,
    screens,
    selling,
    tools,
    trust,
)
from launchworthy.monitor.degradation import degraded
from launchworthy.monitor.harms import harm
from launchworthy.monitor.piece import nothing
from launchworthy.monitor.scene import Ask, Query, References, look
from launchworthy.monitor.signals import monitored
from launchworthy.monitor.together import counted_together
from launchworthy.records import CallScores, JudgeGrades

__all__ = ["PROVES", "measure", "measure_of"]

_NAME = "monitor"

_log = logging.getLogger("launchworthy.monitor")


def _monitors(ask: Ask) -> Evidence | None:
    method = str(ask.claim.options.get("method") or "")
    if method in STREAM_METHODS:
        return degraded(ask, method, _plainly)
    return monitored(ask, _measure_at)


def _plainly(ask: Ask) -> Evidence | None:
    """The signal of a monitor as its window shows it, whatever its method."""
    options = {name: each for name, each in ask.claim.options.items() if name != "method"}
    return monitored(replace(ask, claim=replace(ask.claim, options=options)), _measure_at)


def _harms(ask: Ask) -> Evidence | None:
    return harm(ask, _measure_at)


_MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    **reliability.MEASURES,
    **economics.MEASURES,
    **outcomes.MEASURES,
    **trust.MEASURES,
    **opinions.MEASURES,
    **adoption.MEASURES,
    **selling.MEASURES,
    **labelling.MEASURES,
    **screens.MEASURES,
    **freshness.MEASURES,
    **queue_wait.MEASURES,
    **revisits.MEASURES,
    **limits.MEASURES,
    **covering.MEASURES,
    **canaries.MEASURES,
    **proxies.MEASURES,
    **fairness.MEASURES,
    **boundaries.MEASURES,
    **tools.MEASURES,
    "bound:monitors/*": _monitors,
    "delta:rollout/harms": _harms,
}

_OF_THE_PRODUCT = ("adoption/", "decisions/", "frequency/", "labels/", "pricing/")
# These read records of every release; the others need a span of the release that is measured.
_OF_ANY_RELEASE = frozenset(
    _measure
    for path, _measure in _MEASURES.items()
    if path.partition(":")[2].startswith(_OF_THE_PRODUCT)
    or path.startswith(("never:data/", "never:decide/", "never:gold/"))
)

# What can be measured from records today, as kind:family/metric.
PROVES: tuple[str, ...] = tuple(_MEASURES)


def measure(
    claims: Iterable[Claim],
    *,
    product: str,
    query: Query,
    release: str | None,
    now: datetime,
    gold: Iterable[Guarded] = (),
    scores: Mapping[str, CallScores] | None = None,
    judges: Mapping[str, JudgeGrades] | None = None,
    sets: GoldStore | None = None,
    versions: Mapping[str, datetime] | None = None,
    models: Mapping[str, tuple[str, datetime]] | None = None,
    held: Callable[[], Iterable[Evidence]] = tuple,
    references: References | None = None,
    any_release: bool = True,
    sample: int | None = 300,
    baseline: str | None = None,
    not_before: datetime | None = None,
    only: Container[str] | None = None,
) -> list[Evidence]:
    """What the records of a release say of the claims; claims with no record to look at are passed over.

    Args:
        claims: Claims of one contract; one line may be read for another (a limit, a success event).
        product: Product whose records are read.
        query: Answers one SELECT over the records.
        release: Release id; None for records that name none.
        now: When it is measured (aware); later records do not count.
        gold: Gold sets that must not turn up in records.
        scores: What metrics said of recorded calls, by address of the claim that they predict an outcome.
        judges: What calibrated judges said of recorded calls, by name.
        sets: Where gold sets rest, for monitors that hold one against traffic.
        versions: When each version of a gold set was made, by ``name@version``.
        models: Model of each registered release, as text ("" where it cannot be told), and since when.
        held: Answers what the ledger holds of the product: whether a decision is to be made again.
        references: Where counts of what drift is measured against are kept; None: they are not.
        any_release: False leaves out what does not depend on the release.
        sample: Records of each table that are drawn to look for personal data; None: all.
        baseline: Release that a ramp compares this one with; None where none is under way.
        not_before: When the first user got this release by the ramp.
        only: Addresses of the claims to measure, the others being read for what they say of these; None: all.
    """
    known = list(claims)
    asked = [
        (claim, found)
        for claim in known
        if (only is None or claim.address in only) and (found := measure_of(claim)) is not None
    ]
    if not asked:
        return []
    scene = replace(
        look(known, product=product, query=query, release=release, now=now),
        gold={each.name: each for each in gold},
        scores=scores or {},
        judges=judges or {},
        sets=sets,
        versions=versions or {},
        models=models or {},
        held=held,
        references=references,
        sample=sample,
    )
    ramp = replace(scene, baseline=baseline, not_before=not_before)
    asks = [
        Ask(
            claim=claim,
            family=claim.family,
            metric=claim.metric,
            workflow=claim.workflow,
            window_s=claim.valid_for_s,
            scene=ramp if found is _harms else scene,
        )
        for claim, found in asked
    ]
    measures = [found for _, found in asked]
    pieces = []
    for ask, found in zip(counted_together(asks, measures), measures, strict=True):
        claim = ask.claim
        if (not any_release) if found in _OF_ANY_RELEASE else not ask.seen():
            continue
        try:
            piece = found(ask)
        except InputError as error:
            # Too slow, or too much: that one claim is not measured, and says why; the others are.
            piece = nothing(ask, error.message)
        except LaunchworthyError:
            raise
        except Exception as error:
            _log.exception("%s was not measured", claim.address)
            piece = nothing(ask, f"measuring it failed ({type(error).__name__}); the server's log says why")
        if piece is not None:
            pieces.append(piece)
    return pieces


def measure_of(claim: Claim) -> Callable[[Ask], Evidence | None] | None:
    """What measures a claim from records; None where nothing here does."""
    if claim.prover not in (None, _NAME) or claim.slice == "*":
        return None
    if claim.kind is ClaimKind.DELTA and claim.options.get("against") != "before" and claim.metric != "harms":
        return None
    of = f"/{claim.options['of']}" if claim.family == "fairness" else ""
    return _measure_at(f"{claim.kind.value}:{claim.family}/{claim.metric}{of}")


def _measure_at(path: str) -> Callable[[Ask], Evidence | None] | None:
    return next((found for pattern, found in _MEASURES.items() if fnmatchcase(path, pattern)), None)
