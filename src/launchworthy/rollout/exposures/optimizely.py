"""Optimizely: a listener of its decisions.

``client.notification_center.add_notification_listener("DECISION:type, user_id, attributes, decision_info",
optimizely_exposures())``; the first is ``NotificationTypes.DECISION``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.rollout.exposures.once import Expose, Exposure, Once, recorded

__all__ = ["optimizely_exposures"]


def optimizely_exposures(*, expose: Expose = recorded) -> Callable[..., None]:
    """The listener of an ``Optimizely`` client: flags that were decided and experiments that were entered.

    Args:
        expose: Told of each exposure; the SDK if not given.
    """
    once = Once(expose)

    def decided(kind: str, user_id: str, attributes: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        flag = info.get("flag_key") or info.get("experiment_key")
        variant = info.get("variation_key")
        if not flag or not variant:
            return  # nobody was assigned, or one variable of a flag was read
        once(
            Exposure(
                source="optimizely",
                flag=str(flag),
                variant=str(variant),
                unit=str((attributes or {}).get("$opt_bucketing_id") or user_id),
                algorithm="optimizely",
                rule=info.get("rule_key"),
                reason=kind,
            )
        )

    return decided
