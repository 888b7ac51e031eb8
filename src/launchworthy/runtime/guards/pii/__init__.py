"""Personal data: what is found in a text, and what is put in its place.

May import what ``runtime`` may. ``patterns`` finds what has a form, ``tagger`` what only its words give
away, ``guard`` answers as guards do, ``masking`` and ``vault`` replace what was found and put it back.
"""

from launchworthy.runtime.guards.pii.guard import PiiGuard, PiiNamesGuard, pii_guards
from launchworthy.runtime.guards.pii.kinds import KINDS, NAMED_KINDS, PATTERN_KINDS
from launchworthy.runtime.guards.pii.masking import Placeholders, drop, pseudonymise
from launchworthy.runtime.guards.pii.shelves import FolderShelf, MemoryShelf, Shelf
from launchworthy.runtime.guards.pii.vault import SubjectVault, Vault

__all__ = [
    "KINDS",
    "NAMED_KINDS",
    "PATTERN_KINDS",
    "FolderShelf",
    "MemoryShelf",
    "PiiGuard",
    "PiiNamesGuard",
    "Placeholders",
    "Shelf",
    "SubjectVault",
    "Vault",
    "drop",
    "pii_guards",
    "pseudonymise",
]
