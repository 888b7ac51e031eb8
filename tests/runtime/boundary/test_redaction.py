"""Personal data is taken out of texts before they are stored; what cannot be looked through is left out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.capture.redaction import LEFT_OUT, Redaction
from launchworthy.errors import InputError
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.redaction import TextRedaction

KEY = b"0123456789abcdef"
KINDS = ("email", "phone", "card", "iban")
MAIL, PHONE, CARD = "ana.silva@example.org", "+44 20 7946 0958", "4111 1111 1111 1111"
IBAN = "GB82 WEST 1234 5698 7654 32"


def test_values_of_each_kind_become_pseudonyms_that_still_join() -> None:
    redact = TextRedaction(find=KINDS, how="pseudonymise", key=KEY)
    first = redact(f"{MAIL} paid with {CARD} from {IBAN}, call {PHONE}")
    second = redact(f"ANA.SILVA@EXAMPLE.ORG, card number {CARD.replace(' ', '-')}")
    assert first is not None
    assert second is not None
    for value in (MAIL, CARD, IBAN, PHONE, "4111"):
        assert value.casefold() not in (first + second).casefold()
    mails = {word.strip(",") for word in (first + " " + second).split() if word.startswith("email_")}
    assert len(mails) == 1
    other = TextRedaction(find=KINDS, how="pseudonymise", key=b"another key here")(MAIL)
    assert other not in mails


def test_a_text_may_pass_through_twice() -> None:
    for how in ("pseudonymise", "redact"):
        redact = TextRedaction(find=[*KINDS, "name", "address"], how=how, key=KEY)
        once = redact(f"Ana Silva of 12 Baker Street, London wrote from {MAIL} about card {CARD}, {PHONE}")
        assert once is not None
        assert redact(once) == once
        assert MAIL not in once
        assert "4111" not in once


def test_a_kind_that_nothing_finds_is_an_error() -> None:
    with pytest.raises(InputError, match="blood_group"):
        TextRedaction(find=["blood_group"], how="redact")


def test_a_text_that_is_too_long_is_left_out_and_counted() -> None:
    redaction = Redaction(TextRedaction(find=["email"], how="redact"))
    assert redaction.text("word " * 300_000) is None
    assert redaction.value({"a": "word " * 300_000, "b": "short"}) == {"a": LEFT_OUT, "b": "short"}
    assert redaction.left_out == 2


class Unsure:
    """A guard that cannot check."""

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        if "fault" in payload:
            raise RuntimeError("out of order")
        return GuardVerdict(guard="pii", version="1", outcome=Outcome.COULD_NOT_CHECK, reason="no model")


def test_what_could_not_be_looked_through_is_never_stored_as_it_was() -> None:
    redact = TextRedaction(find=["email"], how="redact")
    redact.guards = (Unsure(),)  # type: ignore[assignment]
    redaction = Redaction(redact)
    assert redaction.text("anything") is None
    assert redaction.text("a fault in it") is None
    assert redaction.value(["one text", 3, None, True]) == [LEFT_OUT, 3, None, True]
    assert redaction.left_out == 3


def test_personal_data_is_found_wherever_in_a_value_it_stands() -> None:
    redaction = Redaction(TextRedaction(find=[*KINDS, "name"], how="redact"))
    call = {
        "role": "assistant",
        "parts": [
            {
                "type": "tool_call",
                "id": "call_1",
                "name": "get_order",
                "arguments": {
                    "phone": "2079460958",
                    "card": 4111111111111111,
                    "count": 3,
                    "inner": json.dumps({"mail": MAIL, "deep": json.dumps([PHONE])}),
                    MAIL: True,
                },
            }
        ],
    }
    kept = redaction.text(json.dumps([call]))
    assert kept is not None
    (message,) = json.loads(kept)
    (part,) = message["parts"]
    assert (message["role"], part["type"], part["id"], part["name"]) == (
        "assistant",
        "tool_call",
        "call_1",
        "get_order",
    )
    arguments = part["arguments"]
    assert (arguments["card"], arguments["count"], arguments["phone"]) == ("[CARD_1]", 3, "[PHONE_1]")
    assert json.loads(json.loads(arguments["inner"])["deep"]) == ["[PHONE_1]"]
    for value in (MAIL, "4111", "7946"):
        assert value not in kept
    assert redaction.left_out == 0


def test_json_text_without_personal_data_stays_as_it_was_written() -> None:
    redaction = Redaction(TextRedaction(find=KINDS, how="redact"))
    for text in ('{ "a" : [1, 2.50, "caf\\u00e9"] }', '"said"', "[]", "{not json", '"open', "[" * 3_000):
        assert redaction.text(text) == text


def test_a_value_that_is_nested_without_end_is_left_out() -> None:
    value: Any = MAIL
    for _ in range(100):
        value = [value]
    assert MAIL not in json.dumps(Redaction(TextRedaction(find=KINDS, how="redact")).value(value))


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**5), 10**5),
        st.floats(allow_nan=False),
        st.text(alphabet=st.characters(exclude_characters="@", exclude_categories=["Cs", "Nd"]), max_size=15),
        st.sampled_from([MAIL, f"write to {MAIL} now", json.dumps({"to": MAIL}), f"<{MAIL}>"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "to", "text"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(value=_VALUES)
def test_no_value_keeps_a_mail_address_and_all_keep_their_form(value: Any) -> None:
    redact = TextRedaction(find=["email"], how="redact")
    kept = Redaction(redact).value(value)
    assert MAIL not in json.dumps(kept)
    assert Redaction(redact).value(kept) == kept
    assert _form(kept) == _form(value)


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form(entry) for key, entry in value.items()}
    return [_form(entry) for entry in value] if isinstance(value, list) else type(value)


def test_many_threads_share_what_is_remembered() -> None:
    redact = TextRedaction(find=["email"], how="redact")
    texts = [f"text {number % 50} of user{number % 50}@example.com" for number in range(2_000)]
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(redact, texts))
    assert kept == [f"text {number % 50} of [EMAIL_1]" for number in range(2_000)]
