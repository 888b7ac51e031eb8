"""Claims about what proves: runs, judges, proxies, gold sets, feedback, labels. May import this room only."""

from __future__ import annotations

from typing import Any

from launchworthy.contract.claim import Direction
from launchworthy.contract.draft import Draft, label_sources, words
from launchworthy.quantity import Quantity

__all__ = ["proof_claims"]

_ZERO = Quantity(0.0)


def proof_claims(draft: Draft) -> None:
    """Write the claims of the blocks from ``proof`` to ``labels``."""
    _proof(draft)
    _gold(draft)
    _labels(draft)


def _proof(draft: Draft) -> None:
    proof = draft.contract.proof
    draft.fresh(
        "proof/run",
        proof.valid_for,
        subject="the newest offline run of the release is",
        line="proof",
        metric="run",
    )
    for name, judge in proof.judges.items():
        draft.agree(
            f"proof/judges/{name}",
            judge.agreement.at_least,
            subject=f"agreement of judge {name} with people (kappa)",
            metric="judges",
            options={
                "labels": judge.labels,
                "coefficient": "cohen_kappa",
                "models": judge.models,
                "rubric": judge.rubric,
                "policy": judge.policy,
                "scale": judge.scale,
                "base_url": judge.base_url,
                "key_env": judge.key_env,
                "cost_usd": None if judge.cost is None else judge.cost.value,
                "tokens": judge.tokens,
            },
        )
    for metric, outcome in proof.proxies.items():
        both = metric.startswith("labels/") and outcome.startswith("labels/")
        agreement = draft.contract.labels.agreement
        least = agreement.at_least if both and agreement is not None else _ZERO
        told = "agreement of" if both else "correlation within a release of"
        draft.agree(
            f"proof/proxies/{metric}",
            least,
            subject=f"{told} {metric} with {outcome}",
            metric="proxies",
            options={
                "of": metric,
                "for": outcome,
                "label_sources": _labels_of(draft, outcome) if both else None,
            },
        )


def _labels_of(draft: Draft, outcome: str) -> tuple[dict[str, Any], ...]:
    return label_sources(draft.contract, [outcome.removeprefix("labels/")])


def _gold(draft: Draft) -> None:
    for name, gold in draft.contract.gold.items():
        path, told = f"gold/{name}", f"the gold set of {name}"
        for slice_, least in gold.slices.items():
            draft.cover(
                f"{path}/slices/{slice_}",
                subject=f"{told} has {{share}} items of {words(slice_)}",
                value=Quantity(float(least)),
                workflow=None,
                metric=slice_,
                slice_=slice_,
            )
        if gold.scenarios is not None:
            draft.cover(
                f"{path}/scenarios",
                subject=f"{told} has {{share}} whole scenarios",
                value=Quantity(float(gold.scenarios)),
            )
        draft.bound(
            f"{path}/looks",
            Direction.AT_MOST,
            Quantity(float(gold.looks)),
            subject=f"the number of readings of the holdout of {name}",
            line=path if not draft.contract.declares("gold", name, "looks") else None,
        )
        if gold.sealed.value or draft.contract.declares("gold", name, "sealed_looks"):
            draft.bound(
                f"{path}/sealed_looks",
                Direction.AT_MOST,
                Quantity(float(gold.sealed_looks)),
                subject=f"the number of readings of the sealed items of {name}, by all releases,",
                line=path if not draft.contract.declares("gold", name, "sealed_looks") else None,
            )
        if gold.refresh is not None:
            draft.fresh(f"{path}/refresh", gold.refresh, subject=f"{told} is")
        draft.never(
            f"{path}/private", f"no item of {told} stands in a prompt, an index or training data", line=path
        )


def _labels(draft: Draft) -> None:
    feedback, labels = draft.contract.feedback, draft.contract.labels
    people = _people(draft)
    if feedback is not None and feedback.coverage is not None:
        draft.cover(
            "feedback/coverage",
            subject=f'{{share}} of sessions answer "{feedback.ask}"',
            value=feedback.coverage.threshold,
        )
    for name, source in labels.sources.items():
        if source.within is not None:
            draft.fresh(
                f"labels/sources/{name}",
                source.within,
                subject=f"the oldest item that waits for {words(name)} is",
                options={"event": source.event or name, "covers": source.covers},
            )
    for kind, share in labels.sample.items():
        draft.cover(
            f"labels/sample/{kind}",
            subject=f"{{share}} of calls of the kind {words(kind)} are labelled",
            value=share,
            options=people,
        )
    if labels.explore is not None:
        up_to = f" of up to {labels.explore.up_to}" if labels.explore.up_to else ""
        draft.cover(
            "labels/explore",
            subject=f"{{share}} of cases{up_to} are let through to learn from",
            value=labels.explore.share,
            options={"up_to": labels.explore.up_to.value if labels.explore.up_to else None},
        )
    if labels.blind_to:
        hidden = ", ".join(words(name) for name in labels.blind_to)
        draft.never(
            "labels/blind_to",
            f"no rater sees {hidden} before having labelled",
            options={**people, "blind_to": labels.blind_to},
        )
    if labels.agreement is not None:
        draft.agree(
            "labels/agreement",
            labels.agreement.at_least,
            subject="agreement between raters (Krippendorff's alpha)",
            options={**people, "coefficient": "krippendorff_alpha"},
        )
    if labels.export:
        draft.never(
            "labels/export",
            "nothing is exported from sources that may not be learned from",
            options={"to": labels.export},
        )


def _people(draft: Draft) -> dict[str, Any]:
    """Events of the sources that people label for, and how long a label may take: what settles by itself,
    such as a chargeback, is nobody's work."""
    sources = draft.contract.labels.sources
    asked = {
        name: source
        for name, source in sources.items()
        if source.matures is None or source.per_item or source.volume or source.within or source.covers
    }
    within_ms = max((each.within.value for each in asked.values() if each.within), default=None)
    return {
        "events": tuple(source.event or name for name, source in asked.items()),
        "within_ms": within_ms,
    }
