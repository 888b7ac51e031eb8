"""An exposure as an adapter reads it, and what makes of many the first. May import ``capture.sdk``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from launchworthy.capture.sdk.problems import quiet

__all__ = ["Expose", "Exposure", "Once", "recorded", "variant_of"]

_REMEMBERED = 100_000
_VARIANT_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What one unit was shown.

    Attributes:
        source: Vendor.
        flag: Key of the flag or experiment.
        variant: What the unit got, by the name that the vendor has for it.
        unit: Who was assigned; empty where the vendor named nobody.
        unit_kind: ``user``, ``session`` …
        algorithm: How the vendor puts units into buckets.
        version: Of the flag, where the vendor tells.
        rule: That decided, where the vendor tells.
        reason: The vendor's word for why.
    """

    source: str
    flag: str
    variant: str
    unit: str
    unit_kind: str = "user"
    algorithm: str | None = None
    version: str | None = None
    rule: str | None = None
    reason: str | None = None


Expose = Callable[[Exposure], None]


def recorded(exposure: Exposure) -> None:
    """Record it through the SDK."""
    from launchworthy.capture.sdk.events import exposure as record

    record(
        exposure.flag,
        variant=exposure.variant,
        unit=exposure.unit or None,
        unit_kind=exposure.unit_kind,
        algorithm=exposure.algorithm,
        version=exposure.version,
        rule=exposure.rule,
        reason=exposure.reason,
        source=exposure.source,
    )


class Once:
    """Passes on what it has not passed on before; never raises into the client that calls it.

    Args:
        expose: Told of each.
    """

    def __init__(self, expose: Expose) -> None:
        self._expose = expose
        self._seen: set[tuple[str, str, str, str]] = set()

    @quiet
    def __call__(self, exposure: Exposure) -> None:
        key = (exposure.flag, exposure.variant, exposure.unit_kind, exposure.unit)
        if key in self._seen:
            return
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add(key)
        self._expose(exposure)


def variant_of(value: Any, *, otherwise: str) -> str:
    """A name for a value that has none: itself where it is short, else the other."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)) and 0 < len(str(value)) <= _VARIANT_CHARS:
        return str(value)
    return otherwise
