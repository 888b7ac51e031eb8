"""Guards of answers: citations that are there and lead somewhere, sentences that the passages support."""

from __future__ import annotations

import pytest

from launchworthy.runtime.guards import GuardContext, Outcome, Passage, Stage
from launchworthy.runtime.guards.citations import CitationsGuard
from launchworthy.runtime.guards.grounding import GroundingGuard

SHOES = Passage(text="You can return shoes within 30 days of delivery.", id="returns.md")
CONTEXT = GuardContext(passages=(SHOES, Passage(text="Refunds go to the card that paid.")))


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("You can return shoes within 30 days [returns.md].", None),
        ("You can return shoes within 30 days [1].", None),
        ("Refunds go to your card [^2].", None),
        ("You can return shoes within 30 days.", "uncited"),
        ("You can return shoes within 30 days [terms.md].", "unknown_source"),
        ("You can return shoes within 30 days [7].", "unknown_source"),
        ("See [our page](https://shop.example/a.md) for returns.", "uncited"),
        ("Which shoes do you mean?", None),
    ],
)
def test_an_answer_must_cite_what_it_was_given(text: str, category: str | None) -> None:
    assert CitationsGuard().check(Stage.OUTPUT, text, CONTEXT).category == category


def test_each_sentence_must_carry_its_own_where_the_contract_says_so() -> None:
    text = "You can return shoes within 30 days [1]. Refunds go to the card that paid."
    assert CitationsGuard().check(Stage.OUTPUT, text, CONTEXT).outcome is Outcome.PASS
    verdict = CitationsGuard(every_sentence=True).check(Stage.OUTPUT, text, CONTEXT)
    assert [text[span.start : span.end] for span in verdict.spans] == ["Refunds go to the card that paid."]


def test_citations_beside_the_text_count() -> None:
    guard = CitationsGuard()
    for cited, outcome in ((["returns.md"], Outcome.PASS), (["other.md"], Outcome.HIT)):
        context = GuardContext(passages=(SHOES,), extra={"citations": cited})
        assert guard.check(Stage.OUTPUT, "Return shoes within 30 days.", context).outcome is outcome


def test_what_no_passage_says_is_found_and_shown() -> None:
    text = "You can return shoes within 30 days. Gift cards never expire in any country."
    verdict = GroundingGuard().check(Stage.OUTPUT, text, CONTEXT)
    assert (verdict.outcome, verdict.score) == (Outcome.HIT, 0.5)
    assert [text[s.start : s.end] for s in verdict.spans] == ["Gift cards never expire in any country."]
    assert GroundingGuard(threshold=0.6).check(Stage.OUTPUT, text, CONTEXT).outcome is Outcome.PASS


def test_an_answer_without_any_passage_is_outside_and_one_that_claims_nothing_is_not() -> None:
    guard = GroundingGuard()
    bare = guard.check(Stage.OUTPUT, "Gift cards never expire in any country.", GuardContext())
    assert (bare.outcome, bare.score) == (Outcome.HIT, 1.0)
    assert guard.check(Stage.OUTPUT, "Which card do you mean?", CONTEXT).outcome is Outcome.PASS


def test_an_answer_too_long_to_compare_could_not_be_checked() -> None:
    verdict = GroundingGuard().check(Stage.OUTPUT, "Shoes are red. " * 10_000, CONTEXT)
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
