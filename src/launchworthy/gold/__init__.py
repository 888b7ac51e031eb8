"""Private, versioned gold sets: items, slices, splits and the holdout budget.

May import ``errors``, ``jsonl``, ``quantity``, ``records`` and ``stats``. Where versions rest is a Protocol
that ``store`` implements.
"""

from launchworthy.gold.canary import Guarded, Told, guarded, new_canary
from launchworthy.gold.corpus import Corpus, Passage, find_corpus, read_corpus
from launchworthy.gold.coverage import NEAR, Coverage, QuestionCluster, coverage_of, uncovered_of
from launchworthy.gold.difference import FieldChange, GoldDiff, ItemChange, diff
from launchworthy.gold.duplicates import RESEMBLANCE, Checked, Leak, NearCopy, check_gold
from launchworthy.gold.holdout import (
    SEALED,
    SPLITS,
    SealedReadings,
    looks_spent,
    read_items,
    record_look,
    sealed_readings,
    sealed_remark,
    stream_items,
)
from launchworthy.gold.item import Canary, GoldItem, GoldStore, GoldVersion, Look, Review, ReviewStatus
from launchworthy.gold.promotion import asked_in, promoted, question_in, reviewed, sources_in, with_item
from launchworthy.gold.reading import GoldFile, is_gold_file, load_gold, read_gold
from launchworthy.gold.shingles import strings
from launchworthy.gold.split import DEFAULT_HOLDOUT, split_of
from launchworthy.gold.stream import GoldStream
from launchworthy.gold.traffic import Asked, asked_of, questions_in_file
from launchworthy.gold.version import canary_in, find_version, freeze, gold_jsonl, review_row

__all__ = [
    "DEFAULT_HOLDOUT",
    "NEAR",
    "RESEMBLANCE",
    "SEALED",
    "SPLITS",
    "Asked",
    "Canary",
    "Checked",
    "Corpus",
    "Coverage",
    "FieldChange",
    "GoldDiff",
    "GoldFile",
    "GoldItem",
    "GoldStore",
    "GoldStream",
    "GoldVersion",
    "Guarded",
    "ItemChange",
    "Leak",
    "Look",
    "NearCopy",
    "Passage",
    "QuestionCluster",
    "Review",
    "ReviewStatus",
    "SealedReadings",
    "Told",
    "asked_in",
    "asked_of",
    "canary_in",
    "check_gold",
    "coverage_of",
    "diff",
    "find_corpus",
    "find_version",
    "freeze",
    "gold_jsonl",
    "guarded",
    "is_gold_file",
    "load_gold",
    "looks_spent",
    "new_canary",
    "promoted",
    "question_in",
    "questions_in_file",
    "read_corpus",
    "read_gold",
    "read_items",
    "record_look",
    "review_row",
    "reviewed",
    "sealed_readings",
    "sealed_remark",
    "sources_in",
    "split_of",
    "stream_items",
    "strings",
    "uncovered_of",
    "with_item",
]
