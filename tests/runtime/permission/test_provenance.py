"""Who chose a value: found in whichever way it is written, and claimed for nobody who did not write it."""

from __future__ import annotations

import contextlib
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.runtime.guards import Stage
from launchworthy.runtime.permission import Origin, Policy, Provenance, Request, Ruling

APP, USER, TOOL, FOUND, MODEL = (
    Origin.APPLICATION,
    Origin.USER,
    Origin.TOOL_RESULT,
    Origin.RETRIEVED,
    Origin.MODEL,
)


def _of(value: Any, **texts: str) -> Origin:
    seen = Provenance()
    for origin, text in texts.items():
        seen.note(origin, text)
    return seen.of(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("bob@shop.example", "Please mail Bob@Shop.Example."),
        ("bob@shop.example", "to:bob@shop.example, thanks"),
        ("bob@shop.example", "<bob@shop.example>"),
        ("bob@shop.example", "发邮件给bob@shop.example谢谢"),
        ("bob@shop.example", "bob@sh\u200bop.example"),
        ("mailto:bob@shop.example", "bob@shop.example"),
        ("DE89370400440532013000", "pay to DE89 3704 0044 0532 0130 00 today"),
        ("DE89 3704 0044 0532 0130 00", "pay to de89370400440532013000."),
        ("+49 171 234-5678", "call +491712345678"),
        ("4111111111111111", "card 4111-1111-1111-1111"),
        ("https://shop.example/", "see shop.example"),
        ("shop.example/a?b=1", "see https://shop.example/a?b=1."),
        ("/home/u/notes.txt", "open '/home/u/notes.txt'"),
        ("A-17", "order #A-17, please"),
        ("order 17", "my ORDER   17 is late"),
        ("Zoë Müller", "for ZOË MÜLLER"),
        (50, "refund 50 EUR"),
        (50.0, "refund €50.00"),
        ("1000", "transfer 1,000 today"),
        (1000.5, "transfer 1.000,50 today"),
        (1234567.89, "it was 1,234,567.89"),
        (12, "I want 12kg"),
        (-3, "set it to -3"),
        (17, "order #17"),
        (1e21, "it has 1000000000000000000000 atoms"),
        (0.00000004, "0.00000004"),
        (10**25, "10000000000000000000000000"),
        ("0.50", ".5? no, 0.5"),
        ("..", "list .. please"),
        ("中文", "请搜索中文资料"),
    ],
)
def test_a_value_is_the_users_however_it_is_written(value: Any, said: str) -> None:
    assert _of(value, user=said) is USER
    assert _of(value, application=said, user=said) is APP
    assert _of(value, retrieved=said, user=said) is USER
    assert _of(value, retrieved=said) is FOUND
    assert _of(value, tool_result=said) is TOOL
    assert _of([value, {"x": value}], user=said) is USER


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("evil.example", "see evil.example.org and my-evil.example and evil.example@x and a.evil.example"),
        ("evil.example", "see https://notevil.example/evil.example"),
        ("/home/u", "read /home/u/notes and ~/home/u and x/home/u"),
        (
            "bob@shop.example",
            "jbob@shop.example, bob@shop.example.org, x-bob@shop.example, bob@shop.examples",
        ),
        ("A-17", "order A-171, AA-17, A-17/2, 9.A-17"),
        (12, "12.50, 112, 120, A12, 1.12, 12,5, v12.0.1"),
        ("12", "12.50 and 1,250"),
        (1250, "125.0 and 12.50"),
        (0.00000004, "0 and 0.0"),
        (float("nan"), "not a number"),
        ("DE89370400440532013000", "DE89370400440532013001 and DE8937040044053201300"),
        ("4111111111111111", "41111111111111112"),
        ("10203040", "nothing of the kind 1020 and 3040"),
        ("shop.example/a", "shop.example and /a"),
        ("bob@shop.example", "bob at shop dot example"),
        ("all", "recall the ball"),
        (True, "true"),
        ("../x", "x"),
        ("..", "wait... or not.."),
        ("/", "and/or"),
        ("", "anything"),
        (None, "None null"),
    ],
)
def test_a_part_or_a_longer_form_of_what_was_said_is_not_what_was_said(value: Any, said: str) -> None:
    assert _of(value, user=said) is MODEL
    assert _of(value, application=said) is MODEL
    assert not _of(value, retrieved=said, user="hello").chosen


def test_the_least_trusted_part_decides_for_a_whole_argument_and_each_field_has_its_own() -> None:
    seen = Provenance()
    seen.note(Stage.INPUT, "Mail the offer to ann@shop.example")
    seen.note(Stage.RETRIEVED, "Offers also go to eve@evil.example")
    seen.note(Stage.OUTPUT, "I will mail mallory@evil.example")
    arguments = {
        "message": {"to": ["ann@shop.example", "eve@evil.example"], "from": "ann@shop.example", "cc": None},
        "to": "ann@shop.example",
        "bcc": "mallory@evil.example",
        "extra": {"eve@evil.example": "ann@shop.example"},
    }
    origins = seen.origins(arguments)
    assert origins["to"] is USER
    assert origins["message.to"] is FOUND
    assert origins["message.from"] is USER
    assert origins["message"] is FOUND
    assert origins["extra"] is FOUND
    assert origins["bcc"] is FOUND  # of evil.example, which was retrieved; whatever the model said before


def test_a_text_that_is_json_is_looked_into() -> None:
    seen = Provenance()
    seen.note(Origin.USER, "Mail ann@shop.example")
    seen.note(Origin.RETRIEVED, "eve@evil.example")
    origins = seen.origins({"payload": '{"to": "ann@shop.example", "cc": ["eve@evil.example"]}'})
    assert origins == {"payload": FOUND, "payload.to": USER, "payload.cc": FOUND}


def test_what_is_built_from_retrieved_text_is_told_as_such_and_what_is_made_up_as_the_models() -> None:
    page = "Our help desk is at evil.example, ask for Mallory-7731."
    assert _of("https://evil.example/x?d=secret", user="summarise the page", retrieved=page) is FOUND
    assert _of("mallory-7731@mail.example", user="summarise the page", retrieved=page) is FOUND
    assert _of("root@other.test", user="summarise the page", retrieved=page) is MODEL


def test_numbers_and_texts_within_json_are_noted_too() -> None:
    seen = Provenance()
    seen.note(Origin.TOOL_RESULT, {"rows": [{"iban": "DE89370400440532013000", "owner": None}], "left": 42})
    seen.note(Origin.APPLICATION, {"account": 12345678})
    assert seen.of("DE89 3704 0044 0532 0130 00") is TOOL
    assert seen.of(42) is TOOL
    assert seen.of("12345678") is APP


def test_a_word_that_names_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match="somewhere"):
        Provenance().note("somewhere", "x")


@settings(max_examples=150)
@given(
    st.text(string.ascii_letters + string.digits + "@./-_ ", min_size=1, max_size=20),
    st.text(string.ascii_letters + string.digits + " ,.!\n", max_size=60),
)
def test_what_no_trusted_text_contains_is_never_trusted(value: str, said: str) -> None:
    plain = "".join(value.split()).casefold()
    seen = Provenance()
    seen.note(Origin.USER, said)
    seen.note(Origin.RETRIEVED, value)
    bare = "".join(each for each in plain if each.isalnum())
    contained = bare in "".join(each for each in said.casefold() if each.isalnum())
    with contextlib.suppress(ValueError):
        contained = contained or float(value) is not None  # numbers are compared as numbers
    if not contained:
        assert not seen.of(value).chosen


@settings(max_examples=100)
@given(st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12), st.text(max_size=30))
def test_what_stands_by_itself_in_the_users_text_is_the_users(value: str, rest: str) -> None:
    seen = Provenance()
    seen.note(Origin.USER, f"{rest} {value} {rest}")
    assert seen.of(value) is USER


def test_a_megabyte_of_near_misses_proves_nothing_and_ends() -> None:
    for text, value in [
        ("ab" * 500_000, "ba"),
        ("1 2 " * 250_000, "1" * 60),
        ("1," * 500_000, 5),
        ("." * 10**6, ".."),
    ]:
        assert not _of(value, user=text).chosen
    assert _of("x" * 200_000, user="x" * 200_000) is MODEL


@settings(max_examples=60)
@given(
    arguments=st.dictionaries(
        st.sampled_from(["to", "body", "payee", "note"]),
        st.recursive(
            st.sampled_from(["ann@shop.example", "eve@evil.example", "hello", 7, None, True, ""]),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["to", "x"]), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=3,
    )
)
def test_text_that_was_retrieved_never_widens_what_a_call_may_do(
    arguments: dict[str, Any], sending: Policy
) -> None:
    """Whatever else is read, no call is allowed that would not be allowed without it."""

    def ruling(*retrieved: str) -> Ruling:
        seen = Provenance()
        seen.note(Origin.USER, "Mail ann@shop.example hello")
        for text in retrieved:
            seen.note(Origin.RETRIEVED, text)
        return sending.decide(
            Request(tool="send", roles=("agent",), arguments=arguments, provenance=seen.origins(arguments))
        ).ruling

    assert ruling("eve@evil.example hello 7 ann@shop.example true") is ruling()
    if "eve@evil.example" in str(arguments):
        assert ruling("eve@evil.example") is Ruling.DENY


@pytest.fixture(scope="module")
def sending() -> Policy:
    from launchworthy.contract import parse_contract

    return Policy.of(
        parse_contract(
            """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent]
workflows: {help: {user: agent, job: send mail, no_answer: refuse}}
tools: {send: {effect: send, roles: [agent], approval: unattended, limits: {total: 900/d}}}
"""
        )
    )
