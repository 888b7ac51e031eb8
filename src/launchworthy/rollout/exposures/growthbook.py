"""GrowthBook: its tracking callback. ``GrowthBook(on_experiment_viewed=growthbook_exposures())``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launchworthy.rollout.exposures.once import Expose, Exposure, Once, recorded

__all__ = ["growthbook_exposures"]

_KINDS = {"id": "user", "userId": "user", "user_id": "user", "sessionId": "session", "session_id": "session"}


def growthbook_exposures(*, expose: Expose = recorded) -> Callable[..., None]:
    """The callback of ``GrowthBook`` and ``GrowthBookClient``, old signature and new.

    Args:
        expose: Told of each exposure; the SDK if not given.
    """
    once = Once(expose)

    def viewed(experiment: Any, result: Any, user_context: Any = None) -> None:  # noqa: ARG001 (theirs)
        attribute = str(result.hashAttribute)
        once(
            Exposure(
                source="growthbook",
                flag=str(experiment.key),
                variant=str(result.key),
                unit=str(result.hashValue),
                unit_kind=_KINDS.get(attribute, attribute),
                algorithm=f"growthbook@{getattr(experiment, 'hashVersion', None) or 1}",
                version=str(getattr(experiment, "phase", "") or "") or None,
                rule=result.featureId or None,
                reason="sticky" if getattr(result, "stickyBucketUsed", False) else "split",
            )
        )

    return viewed
