"""What is put in the place of personal data, and how it is put back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.runtime.guards.pii import PiiGuard, Placeholders, drop, pseudonymise
from launchworthy.runtime.guards.verdict import Finding, GuardContext, Stage

_KEY = b"k" * 32


def _spans(text: str) -> tuple[Finding, ...]:
    return PiiGuard().check(Stage.INPUT, text, GuardContext()).spans


def test_the_same_value_gets_the_same_number_and_another_the_next() -> None:
    placeholders = Placeholders()
    text = "from ana@b.org to cy@d.org, again ana@b.org, +49 30 901820"
    masked = placeholders(text, _spans(text))
    assert masked == "from [EMAIL_1] to [EMAIL_2], again [EMAIL_1], [PHONE_1]"
    later = "write to cy@d.org"
    assert placeholders(later, _spans(later)) == "write to [EMAIL_2]"


def test_an_answer_gets_its_values_back_and_foreign_placeholders_stay() -> None:
    placeholders = Placeholders()
    text = "I am at ana@b.org"
    placeholders(text, _spans(text))
    assert placeholders.restore("We wrote to [EMAIL_1], not to [EMAIL_2] or [NAME_1].") == (
        "We wrote to ana@b.org, not to [EMAIL_2] or [NAME_1]."
    )


def test_a_placeholder_that_the_user_typed_is_not_replaced_by_someone_s_value() -> None:
    placeholders = Placeholders()
    text = "what does [EMAIL_1] mean? mail ana@b.org"
    masked = placeholders(text, _spans(text))
    assert masked == "what does [EMAIL_1] mean? mail [EMAIL_2]"
    assert placeholders.restore(masked) == text


def test_what_several_guards_found_is_replaced_once() -> None:
    text = "12 Main Street, Springfield please"
    overlapping = [Finding(0, 14, "address"), Finding(0, 27, "address"), Finding(16, 27, "place")]
    assert Placeholders()(text, overlapping) == "[ADDRESS_1] please"
    assert drop(text, overlapping) == " please"


def test_dropping_leaves_the_rest() -> None:
    text = "call 415-555-2671 now"
    assert drop(text, _spans(text)) == "call  now"


def test_a_pseudonym_joins_the_same_value_in_any_writing_and_needs_the_key() -> None:
    texts = ["card 4111 1111 1111 1111", "card 4111-1111-1111-1111", "card ４１１１111111111111"]
    masked = {pseudonymise(text, _spans(text), key=_KEY) for text in texts}
    assert len(masked) == 1
    (only,) = masked
    assert only.startswith("card card_")
    assert "1111" not in only.replace("_", "")[:9]
    other = pseudonymise(texts[0], _spans(texts[0]), key=b"other" * 8)
    assert other != only
    mail = [pseudonymise(t, _spans(t), key=_KEY) for t in ("Ana@B.org", "ana@b.org", "ana@c.org")]
    assert mail[0] == mail[1] != mail[2]


def test_kinds_have_different_pseudonyms_for_the_same_characters() -> None:
    assert (
        pseudonymise("5551234", [Finding(0, 7, "phone")], key=_KEY)[6:]
        != (pseudonymise("5551234", [Finding(0, 7, "postcode")], key=_KEY)[9:])
    )


_TEXT = st.lists(
    st.sampled_from(
        [
            "ana@b.org ",
            "4111 1111 1111 1111 ",
            "[EMAIL_1] ",
            "[CARD_2] ",
            "+49 30 901820 ",
            "x ",
            "😀\u200b ",
            "[[",
            "\n",
        ]
    ),
    max_size=10,
).map("".join)


@given(st.lists(_TEXT, min_size=1, max_size=3))
def test_what_was_masked_comes_back_unchanged(texts: list[str]) -> None:
    placeholders = Placeholders()
    masked = [placeholders(text, _spans(text)) for text in texts]
    assert placeholders.restore(masked[-1]) == texts[-1]


@given(_TEXT)
def test_masked_text_holds_nothing_more_to_find(text: str) -> None:
    for masked in (Placeholders()(text, _spans(text)), pseudonymise(text, _spans(text), key=_KEY)):
        assert _spans(masked) == ()


@pytest.mark.parametrize("text", ["", "nothing here", "\ud800 lone"])
def test_a_text_without_findings_stays_as_it_is(text: str) -> None:
    assert Placeholders()(text, ()) == drop(text, ()) == pseudonymise(text, (), key=_KEY) == text
