"""A verdict as JUnit XML, for the machines that show test results. Pure.

May import this room and the standard library. A claim is a test case, a stage a suite with the claims that
are due at it. Met and attested are passed. A claim that the stage in question needs is a failure where it is
unmet and an error where it is unproven: an error is what JUnit calls a test that came to no result. Waived is
skipped, and so is what only a later stage needs and does not stand yet: the exit code is not about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import Verdict
from launchworthy.evidence.wording import clean, judged_line, measured_text, origin_text, plan_text

__all__ = ["verdict_junit"]

_COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))


def verdict_junit(verdict: Verdict) -> str:
    """The verdict as one XML document."""
    root = ET.Element("testsuites", name=clean(verdict.conclusion))
    needed = {each.claim.address for each in verdict.subject.needed}
    groups: list[tuple[str, Sequence[ClaimStatus]]] = [
        (row.name, [each for each in verdict.statuses if each.claim.due == row.name])
        for row in verdict.stages
    ]
    names = {row.name for row in verdict.stages}
    groups.append(("no stage", [each for each in verdict.statuses if each.claim.due not in names]))
    for name, statuses in groups:
        if statuses:
            root.append(_suite(verdict, name, statuses, needed=needed))
    _count(root, list(root))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(verdict: Verdict, name: str, statuses: Sequence[ClaimStatus], *, needed: set[str]) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        name=clean(f"{verdict.terms.product}: {name}"),
        timestamp=verdict.at.strftime("%Y-%m-%dT%H:%M:%S"),
        time="0",
    )
    properties = ET.SubElement(suite, "properties")
    known = {"judged": judged_line(verdict), "release": verdict.release or ""}
    known |= {f"contract.{key}": value for key, value in verdict.terms.contract.items()}
    for key, value in known.items():
        ET.SubElement(properties, "property", name=clean(key), value=clean(value))
    cases = [_case(each, blocks=each.claim.address in needed) for each in statuses]
    suite.extend(cases)
    _count(suite, cases)
    return suite


def _count(parent: ET.Element, children: Sequence[ET.Element]) -> None:
    """Write how many test cases there are below, and how many of each outcome."""
    cases = [case for child in children for case in child.iter("testcase")]
    parent.set("tests", str(len(cases)))
    for tag, name in _COUNTED:
        parent.set(name, str(sum(case.find(tag) is not None for case in cases)))


def _case(each: ClaimStatus, *, blocks: bool) -> ET.Element:
    claim = each.claim
    product, _, rest = claim.address.partition("/")
    case = ET.Element(
        "testcase", name=clean(rest or product), classname=clean(f"{product}.{claim.family}"), time="0"
    )
    if claim.place is not None:
        case.set("file", clean(claim.place.file))
        case.set("line", str(claim.place.line))
    tag = _tag(each.state, blocks=blocks)
    if tag is not None:
        reason = clean(each.reason)
        if tag == "skipped" and each.state is not State.WAIVED:
            reason = f"{each.state.value}, and not needed yet: {reason}"
        outcome = ET.SubElement(case, tag, message=reason)
        if tag != "skipped":
            outcome.set("type", each.state.value)
            outcome.text = "\n".join(_body(each))
    if each.evidence is not None:
        output = ET.SubElement(case, "system-out")
        output.text = "\n".join(_evidence(each))
    return case


def _tag(state: State, *, blocks: bool) -> str | None:
    if state in (State.MET, State.ATTESTED):
        return None
    if state is State.WAIVED or not blocks:
        return "skipped"
    return "failure" if state is State.UNMET else "error"


def _body(each: ClaimStatus) -> list[str]:
    told = [clean(each.claim.sentence), clean(each.reason)]
    return told if each.plan is None else [*told, f"next: {plan_text(each.plan)}"]


def _evidence(each: ClaimStatus) -> list[str]:
    told = [] if each.evidence is None else [f"{measured_text(each.evidence)}, {origin_text(each.evidence)}"]
    return told + [
        f"against it: {measured_text(other)}, {origin_text(other)}" for other in each.contradicting
    ]
