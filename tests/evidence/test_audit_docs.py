"""The page on the audit names every kind of decision, every fault with its code, and every command of it."""

from __future__ import annotations

import re
from pathlib import Path

from launchworthy.evidence import Fault
from launchworthy.records import DECISION_KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_every_kind_of_decision_is_named() -> None:
    assert all(f"`{kind}`" in PAGE for kind in DECISION_KINDS)


def test_every_fault_is_in_the_table_with_the_code_that_it_exits_with() -> None:
    rows = dict(re.findall(r"^\|[^|]+\| `(\w+)` \| (\d) \|$", PAGE, flags=re.MULTILINE))
    assert set(rows) == {fault.value for fault in Fault}
    for fault in Fault:
        assert (rows[fault.value] == "1") is fault.proves_tampering
    assert (rows["unsigned_tail"], rows["no_head"]) == ("0", "2")
