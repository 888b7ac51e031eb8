"""Claims of the whole product, in the order of the language. May import this room only."""

from __future__ import annotations

from launchworthy.contract.claim import ClaimKind, Direction, Target
from launchworthy.contract.draft import Draft, side, words
from launchworthy.contract.proof_claims import proof_claims
from launchworthy.contract.running_claims import running_claims
from launchworthy.contract.safeguard_claims import safeguard_claims

__all__ = ["product_claims"]


def product_claims(draft: Draft) -> None:
    """Write every claim of the product, in the order of the language."""
    _release(draft)
    safeguard_claims(draft)
    proof_claims(draft)
    running_claims(draft)
    for name, signed in draft.contract.attest.items():
        about = f" ({signed.law})" if signed.law else f" ({signed.file})" if signed.file else ""
        draft.attest(
            f"attest/{name}",
            f"{words(signed.by)} vouches for {words(name)}{about}",
            by=signed.by,
            valid_for=signed.every,
            options={"law": signed.law, "file": signed.file, "covers": signed.covers},
        )
        if signed.drill is not None:
            draft.drill(
                f"attest/{name}/drill",
                f"a test {signed.drill} for {words(name)} is answered by {words(signed.by)}",
                metric=name,
                line=f"attest/{name}",
                valid_for=signed.every,
                options={"drill": signed.drill, "by": signed.by},
            )


def _release(draft: Draft) -> None:
    release = draft.contract.release
    # How a model was trained is over before anything is recorded: only who trained it knows.
    by = "engineering" if "engineering" in draft.contract.owners else "product"
    if release.retrieval is not None and release.retrieval.fresh_within is not None:
        draft.fresh(
            "release/retrieval",
            release.retrieval.fresh_within,
            subject="the search index is",
            metric="retrieval",
        )
    if release.features is not None:
        if release.features.fresh_within is not None:
            draft.bound(
                "release/features",
                Direction.AT_MOST,
                release.features.fresh_within,
                subject="P95 of the age of features when they are read",
            )
        if release.features.point_in_time:
            draft.attest(
                "release/features/point_in_time",
                f"{words(by)} vouches that no training row holds what was not known at its time",
                by=by,
            )
    training = release.training
    if training is not None and training.embargo is not None:
        draft.attest(
            "release/training/embargo",
            f"{words(by)} vouches that no training row is younger than {training.embargo}",
            by=by,
            options={"embargo_ms": training.embargo.value},
        )
    if training is not None and training.retrain is not None:
        draft.fresh("release/training/retrain", training.retrain, subject="the model is")
    if release.serving is not None and release.serving.platform is not None:
        draft.add(
            ClaimKind.DELTA,
            "release/serving",
            f"what {release.serving.platform} serves is what was proven locally",
            target=Target(direction=Direction.AT_MOST, threshold=0.0, unit="ratio"),
            margin=0.001,
            options={"platform": release.serving.platform},
        )
    for name, decision in draft.contract.decisions.items():
        triggers = []
        for address, trigger in decision.revisit.items():
            lasting = f" for {trigger.for_}" if trigger.for_ else ""
            on = f" on {words(trigger.slice)}" if trigger.slice else ""
            triggers.append(f"{address}{on} is {side(trigger.direction, trigger.threshold)}{lasting}")
        draft.add(
            ClaimKind.HOLDS,
            f"decisions/{name}",
            f"{words(name)}: {words(decision.chosen)} stays the choice until {' or '.join(triggers)}",
            options={
                "chosen": decision.chosen,
                "over": decision.over,
                "revisit": {
                    address: {
                        "direction": trigger.direction.value,
                        "threshold": trigger.threshold.value,
                        "unit": trigger.threshold.unit,
                        "for_ms": trigger.for_.value if trigger.for_ else None,
                        "slice": trigger.slice,
                    }
                    for address, trigger in decision.revisit.items()
                },
            },
        )
