"""What changes together: model, prompt, retrieval, tools, policy. Imports the standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Release"]


@dataclass(frozen=True, slots=True)
class Release:
    """A release, addressed by the content of its parts.

    ``parts`` maps a part's name (``model``, ``prompt``, ``retrieval``, ``policy`` …) to a JSON value; a
    file is represented by its path and digest, so that an edit of the prompt is another release.
    """

    parts: Mapping[str, Any]
    label: str = ""

    @property
    def id(self) -> str:
        """``r-`` and 12 hex digits of the SHA-256 of the canonical JSON of the parts."""
        text = json.dumps(self.parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "r-" + hashlib.sha256(text.encode()).hexdigest()[:12]

    def differing_parts(self, other: Release) -> tuple[str, ...]:
        """Names of the parts that are not the same in both, sorted."""
        names = set(self.parts) | set(other.parts)
        return tuple(sorted(name for name in names if self.parts.get(name) != other.parts.get(name)))
