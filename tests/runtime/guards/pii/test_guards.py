"""The two guards: what they look for, what they pass, and what they answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.runtime.action import Action
from launchworthy.runtime.guards.pii import KINDS, PiiGuard, PiiNamesGuard, Placeholders, pii_guards
from launchworthy.runtime.guards.verdict import Guard, GuardContext, Outcome, Stage
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule
from launchworthy.runtime.streaming import HeldStream

_CONTEXT = GuardContext()
_TEXT = "I am Emily Watson, ana@b.org, card 4111 1111 1111 1111, call 415-555-2671"


def test_both_are_guards() -> None:
    guards: list[Guard] = [PiiGuard(), PiiNamesGuard()]
    assert [(g.name, g.estimates, g.waits) for g in guards] == [
        ("pii", False, False),
        ("pii_names", True, False),
    ]
    assert all(g.version and g.window for g in guards)


def test_a_hit_says_what_where_and_how_sure_but_not_the_value() -> None:
    verdict = PiiGuard().check(Stage.INPUT, _TEXT, _CONTEXT)
    assert verdict.outcome is Outcome.HIT
    assert verdict.category == "email"
    assert verdict.score == 0.97
    assert verdict.reason == "3 found: card, email, phone"
    assert [(s.type, _TEXT[s.start : s.end]) for s in verdict.spans] == [
        ("email", "ana@b.org"),
        ("card", "4111 1111 1111 1111"),
        ("phone", "415-555-2671"),
    ]
    assert "ana" not in str(verdict)


def test_a_text_without_personal_data_passes() -> None:
    for guard in (PiiGuard(), PiiNamesGuard()):
        verdict = guard.check(Stage.OUTPUT, "Your refund will be paid within five days.", _CONTEXT)
        assert (verdict.outcome, verdict.category, verdict.score, verdict.spans) == (
            Outcome.PASS,
            None,
            None,
            (),
        )
        assert guard.check(Stage.OUTPUT, "", _CONTEXT).outcome is Outcome.PASS


def test_only_the_kinds_asked_for_are_found() -> None:
    spans = PiiGuard(find=["email"]).check(Stage.INPUT, _TEXT, _CONTEXT).spans
    assert [span.type for span in spans] == ["email"]


@pytest.mark.parametrize(
    "guard",
    [
        PiiGuard(find=["email", "phone", "ip"]),
        PiiGuard(thresholds={"url": 0.99}),
        PiiGuard(exceptions=["https://10.1.2.3/u?m=ana@b.org&n=4155552671"]),
    ],
    ids=["kinds", "threshold", "exception"],
)
def test_an_address_of_a_page_that_does_not_count_hides_no_mail_or_host_in_it(
    guard: PiiGuard,
) -> None:
    text = "See https://10.1.2.3/u?m=ana@b.org&n=4155552671 and ask ana@b.org"
    found = guard.check(Stage.OUTPUT, text, _CONTEXT).spans
    assert [(span.type, text[span.start : span.end]) for span in found] == [
        ("ip", "10.1.2.3"),
        ("email", "ana@b.org"),
        ("email", "ana@b.org"),
    ], "a row of digits in an address is no phone number"
    whole = PiiGuard().check(Stage.OUTPUT, text, _CONTEXT).spans
    assert [span.type for span in whole] == ["url", "email"]


def test_a_kind_that_is_not_looked_for_still_keeps_its_stretch() -> None:
    for text in ("card 4111 1111 1111 1111", "IBAN DE89 3704 0044 0532 0130 00"):
        assert PiiGuard(find=["phone"], threshold=0.1).check(Stage.INPUT, text, _CONTEXT).spans == ()


def test_two_guards_that_look_one_after_the_other_find_what_each_finds_alone() -> None:
    texts = [_TEXT, "Write to Emily Watson at em@b.org", _TEXT]
    patterns, names = PiiGuard(), PiiNamesGuard()
    together = [
        [guard.check(Stage.INPUT, text, _CONTEXT).spans for guard in (patterns, names)] for text in texts
    ]
    apart = [
        [guard.check(Stage.INPUT, text, _CONTEXT).spans for text in texts] for guard in (names, patterns)
    ]
    assert together == [list(pair) for pair in zip(apart[1], apart[0], strict=True)]


def test_a_text_too_long_for_the_tagger_could_not_be_checked() -> None:
    verdict = PiiNamesGuard().check(Stage.INPUT, "!" * 200_001, _CONTEXT)
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert "200,000" in verdict.reason
    assert PiiGuard().check(Stage.INPUT, "!" * 200_001, _CONTEXT).outcome is Outcome.PASS


def test_a_group_stands_for_its_kinds() -> None:
    guard = PiiGuard(find=["national_id"])
    assert "us_ssn" in guard.kinds
    assert "email" not in guard.kinds
    assert [s.type for s in guard.check(Stage.INPUT, "123-45-6789, ana@b.org", _CONTEXT).spans] == ["us_ssn"]


def test_a_threshold_for_one_kind_leaves_the_others() -> None:
    text = "ana@b.org or 415-555-2671"
    strict = PiiGuard(thresholds={"phone": 0.9}).check(Stage.INPUT, text, _CONTEXT)
    assert [span.type for span in strict.spans] == ["email"]
    lenient = PiiGuard(thresholds={"phone": 0.2}).check(Stage.INPUT, "code 9876543210", _CONTEXT)
    assert [span.type for span in lenient.spans] == ["phone"]
    assert PiiGuard(threshold=0.98).check(Stage.INPUT, text, _CONTEXT).outcome is Outcome.PASS


def test_a_place_counts_only_where_it_is_sure_unless_said_otherwise() -> None:
    text = "Dear Mr. Okonkwo, your visit to Lagos"
    (name, place) = PiiNamesGuard(threshold=0.5).check(Stage.INPUT, text, _CONTEXT).spans
    assert (name.type, place.type) == ("name", "place")
    sure = PiiNamesGuard().check(Stage.INPUT, text, _CONTEXT).spans
    assert [span.type for span in sure] == (["name", "place"] if place.score >= 0.8 else ["name"])
    named = PiiNamesGuard(thresholds={"place": 0.5}).check(Stage.INPUT, text, _CONTEXT).spans
    assert [span.type for span in named] == ["name", "place"]


def test_a_threshold_of_a_group_yields_to_that_of_a_kind() -> None:
    text = "ids 123-45-6789 and S1234567D"
    guard = PiiGuard(thresholds={"us_ssn": 0.5, "national_id": 0.99})
    assert [span.type for span in guard.check(Stage.INPUT, text, _CONTEXT).spans] == ["us_ssn"]


def test_exceptions_are_never_flagged_however_they_are_written() -> None:
    guard = PiiGuard(exceptions=["help@shop.example", "+1 415 555 2671"])
    text = "write to Help@Shop.example or +1 (415) 555-2671, not to ana@b.org"
    assert [s.type for s in guard.check(Stage.OUTPUT, text, _CONTEXT).spans] == ["email"]
    names = PiiNamesGuard(exceptions=["Emily Watson"])
    assert names.check(Stage.OUTPUT, "My name is Emily Watson.", _CONTEXT).outcome is Outcome.PASS


def test_an_unknown_kind_is_told_with_what_was_meant() -> None:
    with pytest.raises(InputError, match='"emial" is no kind') as told:
        PiiGuard(find=["emial"])
    assert told.value.hint == "did you mean email?"
    with pytest.raises(InputError) as told:
        PiiNamesGuard(thresholds={"nam": 0.9})
    assert told.value.where == "thresholds/nam"


@pytest.mark.parametrize(
    ("find", "names"),
    [
        ((), ["pii", "pii_names"]),
        (("email", "card"), ["pii"]),
        (("name",), ["pii_names"]),
        (("address",), ["pii", "pii_names"]),
        (("name", "email", "phone", "address", "iban", "card"), ["pii", "pii_names"]),
    ],
)
def test_the_kinds_of_a_contract_choose_the_guards(find: tuple[str, ...], names: list[str]) -> None:
    guards = pii_guards(find=find)
    assert [guard.name for guard in guards] == names
    asked = set(find) or set(KINDS)
    assert set().union(*(guard.kinds for guard in guards)) == asked


def test_names_are_found_beside_what_has_a_form() -> None:
    spans = PiiNamesGuard().check(Stage.INPUT, _TEXT, _CONTEXT).spans
    assert [(s.type, _TEXT[s.start : s.end]) for s in spans] == [("name", "Emily Watson")]


def test_both_guards_together_mask_a_text() -> None:
    rules = [
        GuardRule(name=guard.name, guard=guard, stages=frozenset({Stage.OUTPUT}), action=Action.REDACT)
        for guard in pii_guards()
    ]
    checked = GuardPipeline(rules, masker=Placeholders()).check(Stage.OUTPUT, _TEXT)
    assert checked.text == "I am [NAME_1], [EMAIL_1], card [CARD_1], call [PHONE_1]"


_JSON = st.dictionaries(
    st.sampled_from(["name", "address", "city", "note", "email", "card_number"]),
    st.lists(
        st.sampled_from(
            [
                "Emily Watson",
                "12 Main Street",
                "Boston",
                "\n",
                '"',
                "\\",
                "ana@b.org",
                "4111 1111 1111 1111",
                ", ",
                "é",
                "Acme Inc.",
            ]
        ),
        max_size=4,
    ).map("".join),
    max_size=4,
)


@given(_JSON)
def test_masked_arguments_of_a_tool_are_still_json(arguments: dict[str, str]) -> None:
    for payload in (json.dumps(arguments), json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))):
        spans = [s for g in pii_guards() for s in g.check(Stage.TOOL, payload, _CONTEXT).spans]
        masked = json.loads(Placeholders()(payload, spans))
        assert list(masked) == list(arguments)
        assert "ana@b.org" not in str(masked)


VALUES = (
    "4111 1111 1111 1111",
    "ana.maria.long.local.part@mail.department.example.org",
    "+49 30 901820",
    "GB82 WEST 1234 5698 7654 32",
    "1600 Pennsylvania Ave NW, Washington, DC 20500",
    "123-45-6789",
    "2001:db8::ff00:42:8329",
    "https://example.org/a/very/long/path?with=many&values=" + "x" * 400,
)


def _streamed(chunks: list[str]) -> str:
    rule = GuardRule(name="pii", guard=PiiGuard(), stages=frozenset({Stage.OUTPUT}), action=Action.REDACT)
    stream = HeldStream(GuardPipeline([rule]))
    return "".join(stream.feed(chunk) for chunk in chunks) + stream.end()


@pytest.mark.parametrize("value", VALUES)
def test_a_value_never_leaves_a_stream_at_any_split(value: str) -> None:
    filler = "This is an answer about the weather and nothing else. " * 9
    text = f"{filler}it is {value} {filler}"
    whole = _streamed([text])
    assert value not in whole
    for split in range(len(filler) - 8, len(filler) + len(value) + 8, 3):
        assert value[:12] not in _streamed([text[:split], text[split:]])
    assert value[:12] not in _streamed(list(text))


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_name_never_leaves_a_stream(size: int) -> None:
    rule = GuardRule(
        name="pii_names", guard=PiiNamesGuard(), stages=frozenset({Stage.OUTPUT}), action=Action.REDACT
    )
    filler = "This is an answer about the weather and nothing else. " * 12
    text = f"{filler}Your case is with Rosalind Featherstone. {filler}"
    stream = HeldStream(GuardPipeline([rule]))
    out = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.end()
    assert "Rosalind" not in out
    assert "Featherstone" not in out
    assert out.count("weather") == 24


@settings(max_examples=15)
@given(st.data())
def test_what_leaves_the_window_has_been_found(data: st.DataObject) -> None:
    guard = PiiGuard()
    assert guard.window is not None
    filler = "Nothing to see here, just words that go on for a while. " * 8
    text = filler + data.draw(st.sampled_from(VALUES)) + " " + filler
    cut = data.draw(st.integers(min_value=guard.window, max_value=len(text)))
    released = cut - guard.window
    seen = guard.check(Stage.OUTPUT, text[:cut], _CONTEXT).spans
    for span in guard.check(Stage.OUTPUT, text, _CONTEXT).spans:
        if span.start < released:
            assert any(s.start <= span.start and min(span.end, released) <= s.end for s in seen)
