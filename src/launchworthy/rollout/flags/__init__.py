"""Feature flags: declared, decided in the process, and logged as exposures.

``lw.flags("flags.yaml").value("refund-tone", "plain", user)``. Light: an application loads it. May import
``capture.sdk``, ``errors`` and ``rollout.bucketing``.
"""

from launchworthy.rollout.flags.changing import Move, moves
from launchworthy.rollout.flags.client import Flags, flags
from launchworthy.rollout.flags.evaluating import Evaluate, Sticky, compiled
from launchworthy.rollout.flags.model import Decision, Flag, FlagSet, Reason, Rule
from launchworthy.rollout.flags.source import FileSource, ServerSource, Source
from launchworthy.rollout.flags.sticky import FileSticky, MemorySticky
from launchworthy.rollout.flags.written import (
    flag_version,
    flags_document,
    flags_version,
    read_flags,
    read_flags_file,
)

__all__ = [
    "Decision",
    "Evaluate",
    "FileSource",
    "FileSticky",
    "Flag",
    "FlagSet",
    "Flags",
    "MemorySticky",
    "Move",
    "Reason",
    "Rule",
    "ServerSource",
    "Source",
    "Sticky",
    "compiled",
    "flag_version",
    "flags",
    "flags_document",
    "flags_version",
    "moves",
    "read_flags",
    "read_flags_file",
]
