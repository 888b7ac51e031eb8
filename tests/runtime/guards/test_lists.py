"""Lists of words, subjects, lengths, languages and shapes: what each finds, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from launchworthy.errors import InputError
from launchworthy.runtime.guards import GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.guards.language import LanguageGuard
from launchworthy.runtime.guards.length import LengthGuard
from launchworthy.runtime.guards.schema import JsonSchemaGuard
from launchworthy.runtime.guards.terms import TermsGuard
from launchworthy.runtime.guards.topic import TopicGuard

CONTEXT = GuardContext()


def found(guard: TermsGuard, text: str) -> list[str]:
    return [text[span.start : span.end] for span in guard.check(Stage.OUTPUT, text, CONTEXT).spans]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("try ACME's shop", ["ACME's"]),
        ("\u0430cme is better", ["\u0430cme"]),  # a Cyrillic a
        ("ac\u200bme", ["ac\u200bme"]),
        ("\uff21\uff43\uff4d\uff45", ["\uff21\uff43\uff4d\uff45"]),
        ("A\u0301cme", ["A\u0301cme"]),
        ("crypto loans and a crypto-loan", ["crypto loans", "crypto-loan"]),
        ("競合社です", ["競合社"]),
        ("acmeist, macme", []),
        ("crypto is no loan", []),
        ("", []),
    ],
)
def test_a_term_is_found_however_it_is_written_and_not_within_another_word(
    text: str, spans: list[str]
) -> None:
    assert found(TermsGuard(terms=["Acme", "crypto loan", "競合社"]), text) == spans


def test_an_exception_covers_the_phrase_and_nothing_else() -> None:
    guard = TermsGuard(terms=["apple"], exceptions=["apple pie"])
    assert found(guard, "An apple pie, and an apple.") == ["apple"]


def test_a_text_of_nothing_but_hits_is_answered() -> None:
    spans = TermsGuard(terms=["社"]).check(Stage.OUTPUT, "社" * 60_000, CONTEXT).spans
    assert len(spans) == 60_000


def test_terms_without_a_letter_are_refused() -> None:
    with pytest.raises(InputError, match="no letters"):
        TermsGuard(terms=["***"])


def test_other_terms_are_another_version() -> None:
    assert TermsGuard(terms=["a b"]).version != TermsGuard(terms=["a c"]).version


def test_a_subject_is_found_where_its_words_stand_together() -> None:
    guard = TopicGuard(subjects=["legal advice"])
    assert not guard.estimates
    assert guard.check(Stage.INPUT, "I need advice on a legal matter", CONTEXT).outcome is Outcome.HIT
    far = "I need advice " + "and so on " * 20 + "it is legal"
    assert guard.check(Stage.INPUT, far, CONTEXT).outcome is Outcome.PASS


def test_a_question_like_none_of_the_examples_is_off_topic() -> None:
    guard = TopicGuard(examples=["Where is my order?", "How do I return shoes?"])
    assert guard.estimates
    near, far = (
        guard.check(Stage.INPUT, text, CONTEXT)
        for text in ("How can I return these shoes please", "Write a poem about the moon")
    )
    assert (near.outcome, far.outcome) == (Outcome.PASS, Outcome.HIT)
    assert near.score is not None
    assert near.score < 0.5
    assert far.score == 1.0


def test_length_counts_code_points_and_words() -> None:
    guard = LengthGuard(most_characters=4, most_words=2)
    assert guard.check(Stage.INPUT, "😀😀😀😀", CONTEXT).outcome is Outcome.PASS
    assert guard.check(Stage.INPUT, "12345", CONTEXT).category == "too_long"
    assert LengthGuard(most_words=2).check(Stage.INPUT, "a b c", CONTEXT).outcome is Outcome.HIT


GERMAN = "Wo bleibt meine Bestellung, bitte? Ich warte seit zwei Wochen darauf."


def test_a_text_in_another_language_hits_and_a_short_one_passes() -> None:
    guard = LanguageGuard(allowed=["en", "fr"])

    def said(text: str) -> GuardVerdict:
        return guard.check(Stage.INPUT, text, CONTEXT)

    assert said(GERMAN).category == "language_de"
    assert said("Where is my order? I have been waiting for two weeks.").outcome is Outcome.PASS
    assert said("OK 12").outcome is Outcome.PASS
    half = "абвгдежзийклмнопрстуфхцч abcdefghijklmnopqrstuvwx"
    assert said(half).outcome is Outcome.COULD_NOT_CHECK


def test_a_language_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="not a language"):
        LanguageGuard(allowed=["english"])


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "order.json"
    rules = {
        "type": "object",
        "properties": {"id": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"}},
        "required": ["id"],
    }
    path.write_text(json.dumps(rules))
    return path


@pytest.mark.parametrize(
    ("text", "outcome", "category"),
    [
        ('{"id": "A-17"}', Outcome.PASS, None),
        ('{"id": "a"}', Outcome.HIT, "schema"),
        ("{}", Outcome.HIT, "schema"),
        ('{"id": NaN}', Outcome.HIT, "not_json"),
        ('{"id": "A-17"', Outcome.HIT, "not_json"),
        ("[" * 100_000, Outcome.HIT, "not_json"),
        (json.dumps({"id": "A-1", "note": "x" * 2_000}), Outcome.COULD_NOT_CHECK, None),
    ],
)
def test_a_text_is_held_to_its_schema(
    schema: Path, text: str, outcome: Outcome, category: str | None
) -> None:
    verdict = JsonSchemaGuard(schema=schema).check(Stage.TOOL, text, CONTEXT)
    assert (verdict.outcome, verdict.category) == (outcome, category)
    assert "A-17" not in verdict.reason


@pytest.mark.parametrize("content", ["{", '{"type": 5}', "5", '{"properties": {"a": {"pattern": "(a+)+$"}}}'])
def test_a_schema_that_is_none_or_that_a_text_could_stall_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(InputError):
        JsonSchemaGuard(schema=path)
    with pytest.raises(InputError, match="not there"):
        JsonSchemaGuard(schema=tmp_path / "none.json")


def test_what_a_schema_refers_to_elsewhere_is_never_fetched(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"$ref": "http://127.0.0.1:9/other.json"}')
    with pytest.raises(Exception, match=r"other\.json"):
        JsonSchemaGuard(schema=path).check(Stage.TOOL, "{}", CONTEXT)
