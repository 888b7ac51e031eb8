"""What a pack is made of besides the chain: the contract, and which release was judged, when, by what judges.

May import ``contract``, ``evidence``, ``records`` and ``errors``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from launchworthy import __version__
from launchworthy.evidence import DeclaredJudge
from launchworthy.evidence.chain import canonical_json
from launchworthy.records import Release

__all__ = ["PACKED", "PackInputs", "pack_record"]

PACKED = "pack"
"""Kind of the entry by which the chain knows what a pack was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackInputs:
    """Everything that the chain does not say.

    Attributes:
        at: Moment of the verdict.
        release: The release that was judged, with its parts where they are known.
        judges: What the contract's judges were, by address of a claim.
        version: Of this program.
    """

    at: datetime
    release: Release | str | None
    judges: Mapping[str, tuple[DeclaredJudge, ...]] = field(default_factory=dict)
    version: str = __version__

    @property
    def release_id(self) -> str | None:
        """The id of the release."""
        return self.release.id if isinstance(self.release, Release) else self.release

    def as_json(self) -> dict[str, Any]:
        """``inputs.json``."""
        known = self.release if isinstance(self.release, Release) else None
        return {
            "at": self.at.isoformat(),
            "release": self.release_id,
            "parts": None if known is None else dict(known.parts),
            "label": "" if known is None else known.label,
            "judges": {name: [asdict(each) for each in judges] for name, judges in self.judges.items()},
            "launchworthy": self.version,
        }

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> PackInputs:
        """Read what :meth:`as_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: It is something else, or the release is not that of its parts.
        """
        at = datetime.fromisoformat(plain["at"])
        if at.tzinfo is None:
            raise ValueError("the moment has no time zone")
        release: Release | str | None = plain["release"]
        if release is not None and not isinstance(release, str):
            raise TypeError("a release is named by its id")
        if plain["parts"] is not None:
            known = Release(dict(plain["parts"]), label=str(plain["label"]))
            if known.id != release:
                raise ValueError(f"release {release} is not that of its parts, {known.id}")
            release = known
        return PackInputs(
            at=at,
            release=release,
            judges={
                str(name): tuple(DeclaredJudge(**each) for each in judges)
                for name, judges in plain["judges"].items()
            },
            version=str(plain["launchworthy"]),
        )


def pack_record(contract: str, *, inputs: PackInputs) -> dict[str, Any]:
    """What the chain keeps of a pack: digests of the contract and of the inputs, which it could not tell."""
    written = canonical_json(inputs.as_json())
    return {
        "release": inputs.release_id,
        "at": inputs.at.isoformat(),
        "contract_sha256": hashlib.sha256(contract.encode("utf-8", "surrogatepass")).hexdigest(),
        "inputs_sha256": hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest(),
    }
