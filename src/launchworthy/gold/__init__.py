"""Private, versioned gold sets: items, slices, splits and the holdout budget.

May import ``errors``, ``jsonl``, ``quantity``, ``records`` and ``stats``. Where versions rest is a Protocol
that ``store`` implements.
"""

from launchworthy.gold.difference import GoldDiff, ItemChange, diff
from launchworthy.gold.holdout import SPLITS, looks_spent, read_items
from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion, Look
from launchworthy.gold.reading import GoldFile, is_gold_file, load_gold, read_gold
from launchworthy.gold.split import DEFAULT_HOLDOUT, split_of
from launchworthy.gold.version import find_version, freeze, gold_jsonl

__all__ = [
    "DEFAULT_HOLDOUT",
    "SPLITS",
    "GoldDiff",
    "GoldFile",
    "GoldItem",
    "GoldStore",
    "GoldVersion",
    "ItemChange",
    "Look",
    "diff",
    "find_version",
    "freeze",
    "gold_jsonl",
    "is_gold_file",
    "load_gold",
    "looks_spent",
    "read_gold",
    "read_items",
    "split_of",
]
