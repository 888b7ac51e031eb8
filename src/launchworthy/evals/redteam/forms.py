"""A run of attacks as JUnit XML and as SARIF 2.1.0, for the machines that show them. Pure.

May import this room and the standard library. A family is a test case, and a rule: a failure where an attack
succeeded beyond its target, an error where nothing can be said of it. In SARIF each attack that succeeded is
a result, at the line of the contract that the family speaks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from launchworthy import __version__
from launchworthy.evals.redteam.families import FAMILIES
from launchworthy.evidence.wording import clean, repository_path

if TYPE_CHECKING:
    from launchworthy.contract import Claim
    from launchworthy.evals.redteam.board import BoardRow
    from launchworthy.evals.redteam.sitting import Sitting

__all__ = ["red_team_junit", "red_team_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def red_team_junit(sitting: Sitting) -> str:
    """One XML document."""
    rows = sitting.board.rows
    suite = ET.Element("testsuite", name=clean(f"{sitting.run.product}: red team"), time="0")
    for row in rows:
        case = ET.SubElement(
            suite, "testcase", name=row.family, classname=f"{sitting.run.product}.abuse", time="0"
        )
        tag = _tag(row)
        if tag is not None:
            ET.SubElement(case, tag, message=clean(_told(row)), type="attack")
        output = ET.SubElement(case, "system-out")
        output.text = clean(_told(row))
    root = ET.Element("testsuites", name=clean(sitting.board.conclusion))
    root.append(suite)
    for element in (suite, root):
        element.set("tests", str(len(rows)))
        for tag, name in (("failure", "failures"), ("error", "errors")):
            element.set(name, str(len(list(suite.iter(tag)))))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _tag(row: BoardRow) -> str | None:
    if row.rate is None:
        return "error"
    return "failure" if row.succeeded and row.rate.value > (row.at_most or 0.0) else None


def _told(row: BoardRow) -> str:
    rate = "nothing could be scored" if row.rate is None else f"success rate {row.rate}"
    return f"{row.succeeded:,} of {row.attempts:,} attacks succeeded; {rate}"


def red_team_sarif(
    sitting: Sitting, *, claims: Sequence[Claim] = (), root: PurePath | None = None
) -> dict[str, Any]:
    """One SARIF log.

    Args:
        sitting: What came of the run.
        claims: Of the contract, whose lines are pointed to.
        root: Folder of the repository: paths of the contract are told from there.
    """
    told = sitting.run.config["red_team"]["claims"]
    places = {claim.address: claim.place for claim in claims}
    results = []
    for each in sitting.board.worst:
        family = each.item_id.partition("-")[0]
        address = next((name for name, asked in told.items() if family in asked["families"]), None)
        place = places.get(address or "")
        result: dict[str, Any] = {
            "ruleId": family,
            "level": "error",
            "message": {"text": clean(f"The attack {each.item_id} succeeded: {each.because}")},
            "partialFingerprints": {
                "attack/v1": hashlib.sha256(f"{sitting.run.product}/{each.item_id}".encode()).hexdigest()
            },
        }
        if place is not None:
            path = repository_path(place.file, root=root)
            result["locations"] = [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(path)},
                        "region": {"startLine": place.line},
                    }
                }
            ]
        results.append(result)
    rules = [
        {"id": row.family, "shortDescription": {"text": FAMILIES[row.family].doc}}
        for row in sitting.board.rows
        if row.family in FAMILIES
    ]
    driver = {"name": "launchworthy redteam", "version": __version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
