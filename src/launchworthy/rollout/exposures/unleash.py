"""Unleash: its impression events. ``UnleashClient(…, event_callback=unleash_exposures())``.

Impression data has to be switched on for the flag.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launchworthy.rollout.exposures.once import Expose, Exposure, Once, recorded

__all__ = ["unleash_exposures"]

_FLAGS = ("feature_flag", "variant")


def unleash_exposures(*, unit: str = "userId", expose: Expose = recorded) -> Callable[[Any], None]:
    """The callback of an ``UnleashClient``.

    Args:
        unit: Field of the context by which units are assigned, the flag's stickiness.
        expose: Told of each exposure; the SDK if not given.
    """
    once = Once(expose)
    kind = {"userId": "user", "sessionId": "session"}.get(unit, unit)

    def happened(event: Any) -> None:
        word = str(getattr(event.event_type, "value", event.event_type))
        context = getattr(event, "context", None) or {}
        held = context.get(unit) or (context.get("properties") or {}).get(unit)
        if word not in _FLAGS or not held:
            return
        is_variant = word == "variant"
        named = event.variant if is_variant and event.variant else None
        once(
            Exposure(
                source="unleash",
                flag=event.feature_name,
                variant=named or ("enabled" if event.enabled else "disabled"),
                unit=str(held),
                unit_kind=kind,
                algorithm="unleash-variant" if is_variant else "unleash",
                reason="enabled" if event.enabled else "disabled",
            )
        )

    return happened
