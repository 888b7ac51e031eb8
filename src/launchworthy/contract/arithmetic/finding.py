"""What a sum of the contract came to, before it has a place. May import ``document`` and ``problem``."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.contract.document import KeyPath
from launchworthy.contract.problem import Severity

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction, with its numbers in the sentence.

    Attributes:
        path: Keys of the line to change.
        code: One of ``CODES``.
        message: The sum.
        hint: What would be right, also in numbers.
        severity: An error contradicts itself; a warning will disappoint.
        uses: Other lines that the sum was made of; where one of them cannot be read, it is not made.
    """

    path: KeyPath
    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    uses: tuple[KeyPath, ...] = ()
