"""Text, JSON, Markdown and JUnit tell the same verdict, and what others wrote stays text in each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from launchworthy.contract import Claim, ClaimKind, Place
from launchworthy.evidence import (
    Evidence,
    Verdict,
    Waiver,
    verdict_json,
    verdict_junit,
    verdict_markdown,
    verdict_on,
    verdict_text,
)
from launchworthy.evidence.markdown import _code, _text
from launchworthy.records import Release

Make = Callable[..., Any]
HOSTILE = (
    "<script>alert(1)</script> & | `x` **b** [l](http://e.example) ![i](http://e.example/a.png) @ana #12 "
    "\x1b[2J\x1b]0;t\x07 \u202egnp.exe \ud800 \x00 line\nbreak :tada: $x$ ~~s~~ <!-- --> {{ 7*7 }} ]]> "
    + "z"
    * 500
)


@pytest.fixture
def verdict(claim_of: Make, piece_of: Make, terms_with: Make, now: datetime) -> Verdict:
    """One claim in each state for the pilot, one for launch, and a release that serves but was not judged."""
    judged, other = Release({"model": "m1"}, label="candidate"), Release({"model": "m2"})

    def claim(name: str, **changes: Any) -> Claim:
        place = Place(file="launchworthy.yaml", line=7, column=3)
        plain: Claim = claim_of(address=f"p/ask/quality/{name}", place=place)
        return replace(plain, **changes)

    def piece(name: str, successes: int, n: int, **changes: Any) -> Evidence:
        made: Evidence = piece_of(successes, n, claim=f"p/ask/quality/{name}", release=judged.id, **changes)
        return made

    claims = (
        claim("met"),
        claim("unmet"),
        claim("unproven"),
        claim("waived"),
        claim("signed", kind=ClaimKind.ATTEST, target=None, options={"by": "security"}),
        claim("unmeasured", prover=None),
        claim("later", due="launch"),
    )
    pieces = [
        piece("met", 199, 200, simulated=True),
        piece("met", 100, 200, observed_at=now - timedelta(days=1), source="run:old"),
        piece("unmet", 100, 200, detail={"remark": "the holdout may have been learnt"}),
        piece("unproven", 19, 20, detail={"per_day": 4}),
        piece("waived", 100, 200),
        replace(
            piece("signed", 1, 1), kind="attest", release=None, producer="noor@p.example", valid_until=None
        ),
        piece("later", 100, 200),
    ]
    waiver = Waiver(claim="ask/quality/waived", by="ana", until=date(2026, 12, 1), because="small pilot")
    return verdict_on(
        terms_with(*claims, waivers=(waiver,)),
        pieces,
        release=judged,
        now=now,
        serving={judged.id: 0.9, other.id: 0.1},
        releases={other.id: other},
    )


def hostile(verdict: Verdict) -> Verdict:
    """The same verdict with hostile words wherever somebody else writes them."""
    terms = replace(
        verdict.terms,
        claims=tuple(replace(claim, sentence=HOSTILE) for claim in verdict.terms.claims),
        waivers=tuple(replace(waiver, by=HOSTILE, because=HOSTILE) for waiver in verdict.terms.waivers),
        contract={"file": HOSTILE, "version": HOSTILE},
    )
    pieces = [
        replace(
            piece,
            source=HOSTILE,
            producer=HOSTILE if piece.kind != "attest" else piece.producer,
            gold=HOSTILE,
            detail={**piece.detail, "remark": HOSTILE, "reason": HOSTILE, "note": HOSTILE},
        )
        for piece in verdict.evidence
    ]
    return verdict_on(
        terms,
        pieces,
        release=Release({"model": "m1"}, label=HOSTILE),
        now=verdict.at,
        serving={HOSTILE: 0.5},
    )


def test_what_its_owner_has_not_signed_is_no_claim_that_nothing_measures(
    claim_of: Make, terms_with: Make, now: datetime
) -> None:
    claim = replace(
        claim_of(address="p/attest/dpia", prover=None),
        kind=ClaimKind.ATTEST,
        target=None,
        options={"by": "security"},
    )
    verdict = verdict_on(terms_with(claim), [], release=None, now=now)
    for text in (verdict_text(verdict), verdict_markdown(verdict)):
        assert "not signed yet by security" in text
        assert "nothing here measures" not in text
    assert "launchworthy attest attest/dpia --by PERSON" in verdict_text(verdict)


def test_each_claim_that_stands_or_blocks_says_in_words_what_its_metric_measures(
    claim_of: Make, piece_of: Make, terms_with: Make, now: datetime
) -> None:
    own = claim_of(address="p/ask/quality/ours", metric="ours", sentence="Ours of ask is at least 90 %")
    pieces = [piece_of(199, 200), piece_of(199, 200, claim=own.address)]
    text = verdict_text(verdict_on(terms_with(claim_of(), own), pieces, release=None, now=now))
    told = "hit@5 of ask is at least 90 % (share of questions with a relevant result among the first 5)"
    assert f"      {told}\n" in text
    assert "      Ours of ask is at least 90 %\n" in text
    bare = verdict_text(verdict_on(terms_with(claim_of(), own), [], release=None, now=now))
    assert f"      {told}\n" in bare


def test_a_pull_request_reads_what_is_promised_and_what_each_claim_takes(verdict: Verdict) -> None:
    rows = [line.split(" | ") for line in verdict_markdown(verdict).splitlines() if line.startswith("| ")]
    told = {row[1].partition("`")[2].partition("`")[0]: row for row in rows}
    unmet, unproven = told["p/ask/quality/unmet"], told["p/ask/quality/unproven"]
    assert unmet[1].endswith(
        "<br>hit@5 of ask is at least 90 % (share of questions with a relevant result among the first 5)"
    )
    assert unmet[3].startswith(
        "change the product and measure the new release, or change what the contract promises<br>from "
    )
    assert unproven[3].startswith(
        "measure 159 further items; about 40 days; odds 83 % that it is then met<br>from "
    )
    assert told["p/ask/quality/met"][3].startswith("from run a")


def test_files_below_the_root_are_named_from_there(claim_of: Make, terms_with: Make, now: datetime) -> None:
    terms = terms_with(
        claim_of(place=Place(file="/srv/app/launchworthy.yaml", line=7, column=3)),
        contract={"file": "/srv/app/launchworthy.yaml", "version": "c-1"},
    )
    verdict = verdict_on(terms, [], release=None, now=now)
    whole, short = verdict_text(verdict), verdict_text(verdict, root=PurePosixPath("/srv/app"))
    assert "(/srv/app/launchworthy.yaml:7:3)" in whole
    assert "by /srv/app/launchworthy.yaml c-1" in whole
    assert "(launchworthy.yaml:7:3)" in short
    assert "by launchworthy.yaml c-1" in short
    assert verdict_text(verdict, root=PurePosixPath("/srv/other")) == whole


def test_the_first_line_is_the_conclusion_and_every_reason_follows(verdict: Verdict) -> None:
    text = verdict_text(verdict)
    title, about, ready, *rest = text.splitlines()
    assert title == "Not ready for pilot: 1 claim unmet, 2 unproven"
    assert about.startswith(
        f"p: release {verdict.release} (candidate), judged 2026-11-24 09:00 UTC by launchworthy.yaml c-1"
    )
    assert ready.startswith("no date yet: 1 claim is unmet, which needs a change, not more data")
    blocks = rest.index("What blocks pilot")
    assert rest[blocks + 1].split()[:3] == ["✕", "unmet", "p/ask/quality/unmet"]
    assert "launchworthy.yaml:7:3" in rest[blocks + 1]
    assert "50 % (44 to 56, n = 200): even the upper bound is below 90 %" in rest[blocks + 3]
    assert "from: run a, by launchworthy.evals 0.1.0, release r-" in rest[blocks + 4]
    assert "the holdout may have been learnt" in rest[blocks + 4]
    assert "measure 159 further items; about 40 days; odds 83 % that it is then met" in text
    assert "1 claim that nothing here measures yet" in text
    assert "◐ waived    p/ask/quality/waived" in text
    assert "✎ attested  p/ask/quality/signed" in text
    assert "● met       p/ask/quality/met (simulated users)" in text
    assert "against it: 50 % (no bounds, n = 200), run old, by launchworthy.evals 0.1.0" in text
    assert "serves 90 % of traffic: the release judged here" in text
    assert "serves 10 % of traffic: another release; differing parts: model (m2 serves, m1 is judged)" in text
    assert "✕ launch (100 %): 2 claims unmet, 2 unproven; no date yet" in text


def test_json_holds_what_the_text_says(verdict: Verdict) -> None:
    plain = json.loads(json.dumps(verdict_json(verdict), allow_nan=False))
    assert (plain["conclusion"], plain["exit_code"], plain["stage"]) == (verdict.conclusion, 1, "pilot")
    assert plain["parts"] == {"model": "m1"}
    by_claim = {row["claim"]: row for row in plain["claims"]}
    assert len(by_claim) == 7
    unproven = by_claim["p/ask/quality/unproven"]
    assert {"metric", "value", "low", "high", "confidence", "n", "status", "needed"} <= set(unproven)
    assert (unproven["status"], unproven["needed"], unproven["n"]) == (
        "unproven",
        unproven["plan"]["needed"],
        20,
    )
    assert unproven["low"] == pytest.approx(0.7839, abs=1e-4)  # the bound at 95 %, not the one it came with
    met = by_claim["p/ask/quality/met"]
    assert [piece["source"] for piece in met["contradicting"]] == ["run:old"]
    assert met["simulated"] is True
    assert plain["simulated"] == ["p/ask/quality/met"]
    assert by_claim["p/ask/quality/unmeasured"]["evidence"] is None
    assert [row["differing_parts"] for row in plain["serving"]] == [[], ["model"]]
    assert [row["parts"]["model"] for row in plain["serving"]] == ["m1", "m2"]
    assert plain["stages"][0]["blocking"] == [
        f"p/ask/quality/{name}" for name in ("unmet", "unproven", "unmeasured")
    ]


def test_a_claim_is_a_test_case_with_the_outcome_that_the_stage_gives_it(verdict: Verdict) -> None:
    root = ET.fromstring(verdict_junit(verdict))
    assert root.tag == "testsuites"
    assert root.get("name") == verdict.conclusion
    cases = {
        case.get("name"): [child.tag for child in case if child.tag != "system-out"]
        for case in root.iter("testcase")
    }
    assert cases == {
        "ask/quality/met": [],
        "ask/quality/signed": [],
        "ask/quality/unmet": ["failure"],
        "ask/quality/unproven": ["error"],
        "ask/quality/unmeasured": ["error"],
        "ask/quality/waived": ["skipped"],
        "ask/quality/later": ["skipped"],
    }
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "1", "errors": "2", "skipped": "2"}
    pilot, launch = root.findall("testsuite")
    assert (pilot.get("name"), pilot.get("tests"), launch.get("tests")) == ("p: pilot", "6", "1")
    later = launch.find("testcase/skipped")
    assert later is not None
    assert (later.get("message") or "").startswith("unmet, and not needed yet: 50 %")
    failure = pilot.find("testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("unmet", verdict.statuses[1].reason)


def tokens(text: str) -> list[Any]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found = []
    for token in parser.parse(text):
        found.append(token)
        found += token.children or []
    return found


def test_markdown_is_a_heading_and_tables_that_hold_every_claim_of_the_stage(verdict: Verdict) -> None:
    text = verdict_markdown(verdict)
    found = tokens(text)
    heading = found[next(i for i, token in enumerate(found) if token.type == "heading_open") + 1]
    assert heading.content == "✕ Not ready for pilot: 1 claim unmet, 2 unproven"
    rows = [token for token in found if token.type == "tr_open"]
    assert len(rows) == (1 + 2) + (1 + 3)
    code = [token.content for token in found if token.type == "code_inline"]
    assert sorted(code) == sorted(each.claim.address for each in verdict.subject.needed)
    cells = [token for token in found if token.type == "td_open"]
    assert len(cells) == 4 * 5


def test_hostile_words_become_neither_markup_nor_html_nor_a_mention(verdict: Verdict) -> None:
    text = verdict_markdown(hostile(verdict))
    found = tokens(text)
    kinds = {token.type for token in found}
    assert not kinds & {"link_open", "image", "em_open", "s_open", "fence", "code_block"}
    html = [token.content.strip() for token in found if token.type in ("html_block", "html_inline")]
    assert all(re.fullmatch(r"<details><summary>[\w ]+</summary>|</details>|<br>", each) for each in html)
    shown = "".join(token.content for token in found if token.type == "text")
    assert "<script>alert(1)</script>" in shown
    assert not re.search(r"(?<!\w)@\w|#\d", shown)
    cells = [token for token in found if token.type == "td_open"]
    assert len(cells) == 4 * 5


def test_hostile_words_cannot_write_on_a_terminal_or_break_xml(verdict: Verdict) -> None:
    wild = hostile(verdict)
    text = verdict_text(wild)
    assert all(character.isprintable() for line in text.splitlines() for character in line)
    assert "line break" in text
    root = ET.fromstring(verdict_junit(wild).encode())
    assert len(list(root.iter("testcase"))) == 7
    assert "<script>alert(1)</script>" in (root.findtext(".//failure") or "")
    json.loads(json.dumps(verdict_json(wild), allow_nan=False))
    assert len(max(text.splitlines(), key=len)) < 1_000


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_any_text_stays_the_text_it_is_in_markdown(text: str) -> None:
    for written in (_text(text), _code(text)):
        found = tokens(f"| a | b |\n|---|---|\n| {written} | end |")
        cells = [token for token in found if token.type == "td_open"]
        assert len(cells) == 2
        kinds = {token.type for token in found}
        assert not kinds & {
            "link_open",
            "image",
            "em_open",
            "strong_open",
            "s_open",
            "html_inline",
            "html_block",
        }
        assert any(token.type == "text" and token.content == "end" for token in found)


def test_a_verdict_that_admits_says_so_in_every_format(
    claim_of: Make, piece_of: Make, terms_with: Make, now: datetime
) -> None:
    found = verdict_on(terms_with(claim_of()), [piece_of(199, 200)], release="r-1", now=now)
    assert verdict_text(found).startswith("Ready for launch: 1 claim met\n")
    assert "What blocks" not in verdict_text(found)
    assert verdict_markdown(found).startswith("## ● Ready for launch: 1 claim met\n")
    root = ET.fromstring(verdict_junit(found))
    assert {root.get(name) for name in ("failures", "errors", "skipped")} == {"0"}


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({}, "launchworthy eval"),
        ({"family": "gold", "metric": "looks"}, "launchworthy measure"),
        ({"family": "reliability", "prover": "monitor"}, "launchworthy measure"),
        ({"family": "data", "prover": "monitor"}, "launchworthy scan"),
        ({"family": "abuse", "prover": "redteam"}, "launchworthy redteam --target MODULE:NAME"),
        (
            {"family": "guards", "prover": "guard", "address": "p/guards/toxic/false_positives"},
            "launchworthy guard calibrate toxic --input FILE",
        ),
        (
            {"kind": ClaimKind.AGREE, "metric": "judges", "address": "p/proof/judges/strict"},
            "launchworthy judge calibrate strict --labels FILE",
        ),
    ],
)
def test_what_was_never_measured_names_the_command_that_measures_it(
    claim_of: Make, terms_with: Make, now: datetime, changes: dict[str, Any], command: str
) -> None:
    found = verdict_on(terms_with(claim_of(**changes)), [], release="r-1", now=now)
    (line,) = [line for line in verdict_text(found).splitlines() if line.startswith("      next: measure")]
    assert line.endswith(f" ({command})")


def test_a_drill_that_was_never_made_names_its_own_command(
    claim_of: Make, terms_with: Make, now: datetime
) -> None:
    for changes, command in (
        ({"family": "data", "prover": "erase"}, "launchworthy erase --product p --by NAME --drill"),
        ({"family": "rollout", "prover": "drill"}, "launchworthy rollout drill"),
        ({"family": "guards", "prover": "drill"}, "launchworthy drill guards"),
    ):
        claim = claim_of(kind=ClaimKind.DRILL, **changes)
        found = verdict_text(verdict_on(terms_with(claim), [], release="r-1", now=now))
        assert f"next: drill it once ({command})" in found
