"""What is promised of data, against what records hold: sources, personal data, places, ages.

May import ``evidence`` and this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor import personal, regions, sources
from launchworthy.monitor.ages import age
from launchworthy.monitor.scene import Ask

__all__ = ["MEASURES"]


def _data(ask: Ask) -> Evidence | None:
    """By the place of the line, since a source may have any name."""
    block, _, line = ask.claim.address.removeprefix(f"{ask.scene.product}/data/").partition("/")
    match block:
        case "sources":
            return sources.source(ask)
        case "unnamed":
            return sources.unnamed(ask)
        case "region":
            return regions.region(ask)
        case "retention":
            return age(ask, line)
        case "pii":
            return {"record": personal.record, "prompt": personal.prompt, "response": personal.response}[
                line
            ](ask)
    return None


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {"never:data/*": _data}
