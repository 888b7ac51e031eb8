"""What the patterns find, by kind; numbers are examples that issuers and registries publish."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.runtime.guards.pii import PATTERN_KINDS, PiiGuard
from launchworthy.runtime.guards.verdict import Finding, GuardContext, Stage


def _found(text: str, **options: object) -> list[tuple[str, str]]:
    verdict = PiiGuard(**options).check(Stage.INPUT, text, GuardContext())  # type: ignore[arg-type]
    return [(span.type, text[span.start : span.end]) for span in verdict.spans]


IDENTITIES = {
    "us_ssn": ["SSN 123456789", "123-45-6789"],
    "uk_nhs": ["NHS number 943 476 5919", "nhs: 9434765919"],
    "uk_nino": ["AB 12 34 56 C", "AB123456C"],
    "ca_sin": ["SIN 123-456-782"],
    "au_tfn": ["TFN 123 456 782"],
    "au_medicare": ["Medicare 2123 45670 1"],
    "de_tax_id": ["Steuer-ID 36574261809", "Steuer-ID 36 574 261 809"],
    "fr_nir": ["NIR 2 55 08 14 168 025 38", "255081416802538"],
    "es_dni": ["DNI 12345678Z", "NIE: X1234567L"],
    "it_codice_fiscale": ["RSSMRA85T10A562S", "rssmra85t10a562s"],
    "nl_bsn": ["BSN 111222333"],
    "be_nrn": ["rijksregisternummer 85.07.30-033.28", "85.07.30-033.28"],
    "pl_pesel": ["PESEL 44051401359"],
    "se_personnummer": ["personnummer 811228-9874", "811228-9874"],
    "fi_hetu": ["131052-308T"],
    "no_fnr": ["fødselsnummer 15108695088"],
    "dk_cpr": ["CPR 211062-5629"],
    "ch_ahv": ["756.9217.0769.85"],
    "br_cpf": ["CPF 390.533.447-05", "390.533.447-05"],
    "in_aadhaar": ["Aadhaar 2341 2341 2346"],
    "in_pan": ["PAN ABCPE1234F"],
    "za_id": ["ID number 8001015009087"],
    "cn_resident_id": ["11010519491231002X"],
    "kr_rrn": ["900101-1234567", "971013-9019902"],
    "sg_nric": ["S1234567D"],
    "jp_my_number": ["My number 123456789018"],
    "mx_curp": ["CURP BOXW310820HNERXN09"],
    "pt_nif": ["NIF 501964843"],
    "ie_pps": ["PPS 6433435F", "6433435OA"],
    "tr_kimlik": ["TC kimlik 17291716060"],
    "cz_rodne_cislo": ["rodné číslo 710319/2745"],
    "hr_oib": ["OIB 33392005961"],
    "ro_cnp": ["CNP 1630615123457"],
    "il_id": ["teudat zehut 039337423"],
    "ee_isikukood": ["isikukood 37605030299"],
    "gr_amka": ["AMKA 01013099997"],
    "bg_egn": ["ЕГН 7523169263"],
    "at_svnr": ["SVNR 1237 010180"],
}


def test_every_identity_number_has_an_example_here() -> None:
    other = {"email", "phone", "card", "iban", "ip", "url", "birth_date", "date", "postcode", "address"}
    assert set(IDENTITIES) == set(PATTERN_KINDS) - other


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, texts in IDENTITIES.items() for t in texts])
def test_an_identity_number_is_found_as_its_kind(kind: str, text: str) -> None:
    assert [found for found, _ in _found(text)] == [kind]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("es_dni", "12345678Z", "12345678A"),
        ("it_codice_fiscale", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        ("fi_hetu", "131052-308T", "131052-308U"),
        ("sg_nric", "S1234567D", "S1234567E"),
        ("cn_resident_id", "11010519491231002X", "110105194912310021"),
        ("mx_curp", "BOXW310820HNERXN09", "BOXW310820HNERXN08"),
        ("ch_ahv", "756.9217.0769.85", "756.9217.0769.86"),
        ("br_cpf", "CPF 390.533.447-05", "CPF 390.533.447-06"),
        ("fr_nir", "NIR 255081416802538", "NIR 255081416802539"),
        ("pl_pesel", "PESEL 44051401359", "PESEL 44051401358"),
        ("no_fnr", "fnr 15108695088", "fnr 15108695089"),
        ("in_aadhaar", "Aadhaar 2341 2341 2346", "Aadhaar 2341 2341 2347"),
        ("tr_kimlik", "kimlik 17291716060", "kimlik 17291716061"),
        ("nl_bsn", "BSN 111222333", "BSN 111222334"),
    ],
)
def test_a_wrong_check_digit_is_no_identity_number(kind: str, right: str, wrong: str) -> None:
    assert kind in dict(_found(right))
    assert kind not in dict(_found(wrong))


@pytest.mark.parametrize(
    "digits", ["9434765919", "111222333", "123456782", "123456789", "039337423", "501964843"]
)
def test_nine_or_ten_bare_digits_are_nothing_however_right_their_check_digit(digits: str) -> None:
    assert _found(f"I typed {digits} and it worked") == []


def test_a_word_inside_another_word_is_no_context() -> None:
    assert _found("the public policy 9434765919 was finhs") == []
    assert _found("headphones 5551234") == []


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "378282246310005",
        "3782 822463 10005",
        "4222222222222",  # 13 digits
        "587428561654",  # 12 digits
        "30260873912962",  # 14 digits
        "180072992103979",  # JCB of 15 digits
        "4393889199179061388",  # 19 digits
        "2223003122003222",
        "6759649826438453",
        "４１１１　１１１１　１１１１　１１１１",
        "٤١١١١١١١١١١١١١١١",
        "4\u200b111 1111\u200d 1111 1111",
    ],
)
def test_a_card_number_of_any_length_and_writing_is_found(number: str) -> None:
    assert _found(f"it is {number}, thanks") == [("card", number)]


def test_a_card_written_digit_by_digit_is_found() -> None:
    assert _found("card: 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1.") == [("card", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1")]


def test_many_cards_in_a_row_are_each_found() -> None:
    cards = ["4111 1111 1111 1111", "5555 5555 5555 4444"] * 8
    assert _found(" ".join(cards)) == [("card", card) for card in cards]


def test_a_number_that_fails_luhn_is_no_card() -> None:
    assert _found("card 4111111111111112") == []


@given(st.integers(min_value=10**11, max_value=10**19 - 1))
def test_what_is_called_a_card_always_passes_luhn(number: int) -> None:
    digits = str(number)
    total = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits)))
    found = _found(f"my card number {digits}", find=["card"])
    assert bool(found) == (total % 10 == 0 and len(set(digits)) > 1)


@pytest.mark.parametrize(
    "number",
    [
        "+49 30 901820",
        "+1 (415) 555-2671",
        "(415) 555-2671",
        "415-555-2671",
        "415.555.2671",
        "+1-604-696-5272x565",
        "001-253-366-9781",
        "020 7946 0958",
        "0171/1234567",
        "01 42 68 53 00",
        "06.12.34.56.78",
        "1-800-555-0199",
        "+44 (0)20 7946 0958",
        "+91 98765 43210",
        "0043 1 234567",
        "+٤٩ ٣٠ ٩٠١٨٢٠",
    ],
)
def test_a_phone_number_is_found_without_words(number: str) -> None:
    assert _found(f"it's {number}!") == [("phone", number)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("call me at 5551234", "5551234"),
        ("Mobile: 9876543210", "9876543210"),
        ("28-64-66-98 office", "28-64-66-98"),
        ("Fax (72) 754-186", "(72) 754-186"),
        ("Meine Handynummer ist 1512 3456789, Handy", "1512 3456789"),
    ],
)
def test_a_number_that_a_word_calls_a_phone_is_one(text: str, number: str) -> None:
    assert _found(text) == [("phone", number)]


@pytest.mark.parametrize(
    "account",
    [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "de89 3704 0044 0532 0130 00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "BR1800360305000010009795493C1",
    ],
)
def test_an_account_is_found(account: str) -> None:
    assert _found(f"to {account} please") == [("iban", account)]


def test_an_account_with_a_wrong_check_digit_counts_only_where_it_is_called_one() -> None:
    assert _found("GB82 WEST 1234 5698 7654 33") == []
    assert _found("IBAN GB82 WEST 1234 5698 7654 33") == [("iban", "GB82 WEST 1234 5698 7654 33")]
    assert ("iban", "DE8937040044053201300") not in _found("IBAN DE8937040044053201300")


@pytest.mark.parametrize(
    "address",
    [
        "a@b.co",
        "john.doe+tag@sub.example.co.uk",
        "müller@straße.de",
        "user＠example.com",
        "ana at example dot org",
        "jane (at) example.com",
        "jane[at]example[dot]com",
    ],
)
def test_a_mail_address_is_found(address: str) -> None:
    assert _found(f"to <{address}>, thanks") == [("email", address)]


def test_a_mail_address_inside_a_url_is_not_counted_twice() -> None:
    assert _found("see https://x.com/?u=a@b.com&x=1.") == [("url", "https://x.com/?u=a@b.com&x=1")]
    assert _found("ann@mail.example.com") == [("email", "ann@mail.example.com")]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see www.example.org/path.", "www.example.org/path"),
        ("visit example.com.", "example.com"),
        ("(https://en.wikipedia.org/wiki/A_(b))", "https://en.wikipedia.org/wiki/A_(b)"),
        ('<a href="http://x.pl/">', "http://x.pl/"),
    ],
)
def test_a_url_is_found_without_the_punctuation_after_it(text: str, url: str) -> None:
    assert _found(text) == [("url", url)]


@pytest.mark.parametrize("host", ["192.168.0.1", "10.0.0.0/8", "2001:db8::ff00:42:8329", "fe80::1%eth0"])
def test_an_ip_address_is_found(host: str) -> None:
    assert _found(f"blocked {host}.") == [("ip", host)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("born 12/03/1980", "12/03/1980"),
        ("DOB: 1980-03-12", "1980-03-12"),
        ("geboren am 12.3.1980", "12.3.1980"),
        ("born on March 3rd, 1980", "March 3rd, 1980"),
        ("née le 3 mars 1980", "3 mars 1980"),
        ("nacida el 3 de marzo de 1980", "3 de marzo de 1980"),
        ("date of birth? It's 9/24/1946", "9/24/1946"),
    ],
)
def test_a_date_near_a_word_for_birth_is_a_date_of_birth(text: str, day: str) -> None:
    assert _found(text) == [("birth_date", day)]


def test_any_other_date_is_of_its_own_kind_and_can_be_left_out() -> None:
    assert _found("ordered on 2026-11-02 10:15:00") == [("date", "2026-11-02 10:15:00")]
    assert _found("ordered on 2026-11-02", find=["birth_date", "phone"]) == []
    assert _found("ordered on 2026-13-45") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ZIP 90210", "90210"),
        ("zip code: 12345-6789", "12345-6789"),
        ("my postcode is SW1A 1AA", "SW1A 1AA"),
        ("K1A 0B1", "K1A 0B1"),
        ("PLZ 10115", "10115"),
        ("Beverly Hills, CA 90210", "90210"),
    ],
)
def test_a_postcode_is_found_where_a_word_or_its_form_says_so(text: str, code: str) -> None:
    assert _found(text) == [("postcode", code)]


@pytest.mark.parametrize(
    "address",
    [
        "12 Main Street",
        "Musterstraße 12, 10115 Berlin",
        "12 rue de la Paix, 75002 Paris",
        "Via Roma 5",
        "Calle Mayor 12",
        "ul. Długa 5",
        "1600 Pennsylvania Ave NW, Washington, DC 20500",
        "P.O. Box 123",
        "123 main st apt 4",
    ],
)
def test_a_street_address_is_found(address: str) -> None:
    assert _found(f"send it to {address}.") == [("address", address)]


@pytest.mark.parametrize(
    "text",
    """order 1234567890|Version 1.2.3.4|version 10.0.19045.1|Invoice 2024-001234|1,234,567.89|$1,234.56
security code 123456789|we reach 1234567 users|it is my 123456789018|insurance policy 123456782
10:30:45|from 2019 to 2020|2019-2020|pages 123-456|ISBN 978-3-16-148410-0|error 0x80070005|Python 3.11.4
e.g. this|README.md|node.js|a.b|x = y.z()|main.py|std::vector|12:30|100000000 people
3.14159265358979|1 000 000 euros|tracking 1Z999AA10123456784|H1 D3 INTRODUCTORY
uuid 550e8400-e29b-41d4-a716-446655440000|10 20 30 40 50|24/7
a@b|@username|foo@bar|May 5|IPv4|Section 1.2.3|GB12|[EMAIL_1]|email_0a1b2c3d4e5f60718293a4b5|€ 12345678
0123456789012345678901234567890|100 000 000|ticket #5551234567|MP3|COVID-19|SKU 12345678|the year 2000 2001
5-10 working days|lat 52.520008, long 13.404954|sha 9f86d081884c7d659a2feaa0c55ad015|2,000,000
the code is ABCDEFGHIJ|zip the file|I have 3 streets|rue the day|4111111111111112""".replace("\n", "|").split(
        "|"
    ),
)
def test_what_only_looks_like_personal_data_is_left_alone(text: str) -> None:
    assert _found(text) == []


def test_spans_are_code_points_of_the_text_that_was_given() -> None:
    text = "😀\u200b👩\u200d👩 ｍａｉｌ a\u200b@b.co 😀 +4\u200b9 30 901820"
    assert _found(text) == [("email", "a\u200b@b.co"), ("phone", "+4\u200b9 30 901820")]


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_any_text_is_answered_with_ordered_spans_inside_it(text: str) -> None:
    verdict = PiiGuard().check(Stage.INPUT, text, GuardContext())
    last = 0
    for span in verdict.spans:
        assert last <= span.start < span.end <= len(text)
        assert 0 < span.score <= 1
        last = span.end


_PARTS = st.sampled_from(
    [
        "4111 1111 1111 1111",
        "ana@b.org",
        "+49 30 901820",
        "GB82 WEST 1234 5698 7654 32",
        "12 Main Street",
        "123-45-6789",
        "https://a.b/c",
        "10.1.2.3",
        " ",
        ", ",
        "\n",
        "my card ",
        "12",
        "\u200b",
        "call ",
        "x",
        "born 1/2/1980",
    ]
)


@given(st.lists(_PARTS, max_size=12).map("".join))
def test_one_stretch_has_one_kind(text: str) -> None:
    spans = PiiGuard().check(Stage.INPUT, text, GuardContext()).spans
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(isinstance(span, Finding) for span in spans)


HOSTILE = (
    "1|1 |12 |@|a@|a.|a-|a@b.co |555-123-4567 |Main |12 Main |:|ab:|1:|/|https://|(1)|1-|1.|GB82WEST|GB82 "
    "|zip |phone 1 |12 A Street | |\n1|1,|A|rue de |4111 1111 1111 1111 |+1|1/1/| at |a at a dot "
    "|Aweg |A-|12 N. |12 Main Street apt |1 may |1\u200b|é"
).split("|")


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_text_is_tried_no_more_often_per_character_than_a_short_one(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launchworthy.runtime.guards.pii import numbers, topics

    tried = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            nonlocal tried
            tried += 1
            return function(*args)

        return call

    monkeypatch.setattr(numbers, "_window", counted(numbers._window))
    monkeypatch.setattr(topics.Topics, "near", counted(topics.Topics.near))
    counts = []
    for size in (4_000, 8_000):
        tried = 0
        PiiGuard().check(Stage.INPUT, piece * (size // len(piece)), GuardContext())
        counts.append(tried)
    assert counts[1] <= 2.2 * counts[0] + 50
    assert counts[1] <= 6 * 8_000


@pytest.mark.parametrize("piece", ["a.", "a@", "1", "a-", "https://", "zip ", ":", "rue "])
def test_a_text_of_a_million_characters_is_answered(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + " ana@b.org"
    assert _found(text, find=["email"])[-1:] == [("email", "ana@b.org")]
