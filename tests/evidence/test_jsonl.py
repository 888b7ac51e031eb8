"""Evidence files are read whole or not at all, and every broken line is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evidence import Evidence, read_evidence, write_evidence

Make = Callable[..., Any]
LEAST = {"claim": "p/a", "kind": "bound", "observed_at": "2026-11-24T09:00:00Z"}


def line(**changes: Any) -> str:
    return json.dumps({**LEAST, **changes})


def read(folder: Path, content: str | bytes) -> list[Evidence]:
    path = folder / "evidence.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_evidence(path)


def test_three_fields_are_enough_and_the_rest_has_a_default(tmp_path: Path) -> None:
    (piece,) = read(tmp_path, line() + "\n")
    assert (piece.value, piece.n, piece.confidence, piece.release) == (None, 0, 0.95, None)
    assert piece.observed_at == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_what_is_written_reads_back_to_the_same_pieces(tmp_path: Path, piece_of: Make) -> None:
    pieces = [
        piece_of(185, 200, detail={"trace": "é — 中"}),
        piece_of(value=float("inf"), low=1.0, high=float("inf"), n=3, unit="ms"),
        piece_of(observed_at=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-11)))),
    ]
    again = read(tmp_path, write_evidence(pieces))
    assert again == pieces
    assert [piece.id for piece in again] == [piece.id for piece in pieces]


def test_a_piece_that_is_there_twice_counts_once_and_numbers_have_one_form(tmp_path: Path) -> None:
    assert (
        len(read(tmp_path, "\n".join([line(value=1, low=1, high=1), "", line(value=1.0, low=1.0, high=1.0)])))
        == 1
    )


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    assert (
        len(read(tmp_path, b"\xef\xbb\xbf" + line().encode() + b"\r\n" + line(n=1).encode() + b"\r\n")) == 2
    )


DEEP_LIST = (
    '{"claim":"p/a","kind":"bound","observed_at":"2026-11-24T09:00:00Z","detail":{"x":'
    + "[" * 500
    + "]" * 500
    + "}}"
)
BOTTOMLESS = "[" * 100_000 + "]" * 100_000

COUNTS = {"successes": 185, "n": 200}

BROKEN: list[tuple[str | bytes, str]] = [
    ("{", "not JSON"),
    ("[]", "a JSON object is expected, not list"),
    ("null", "a JSON object is expected, not NoneType"),
    (line()[:-1] + ', "value": NaN}', "NaN is not JSON"),
    (line()[:-1] + ', "high": Infinity}', "Infinity is not JSON"),
    (line()[:-1] + ', "value": 1e999}', "not a piece of evidence"),
    (line()[:-1] + ', "claim": "p/b"}', "field 'claim' is there twice"),
    (line()[:-1] + ', "detail": {"a": 1, "a": 2}}', "field 'a' is there twice"),
    (line()[:-1] + f', "value": 1{"0" * 400}}}', "value is not a number"),
    (line()[:-1] + f', "n": 1{"0" * 5000}}}', "not JSON"),
    (line(n=2**63), "n is not a count"),
    (line(n=-1), "n is not a count"),
    (line(n=1.5), "n is not a count"),
    (line(n=True), "n is not a count"),
    (line(unscored="2"), "unscored is not a count"),
    (line(value="0.9"), "value is not a number"),
    (line(value=True), "value is not a number"),
    (line(low=0.9, high=0.8), "low 0.9 is above high 0.8"),
    (line(confidence=1), "confidence is not between 0.5 and 1"),
    (line(confidence=95), "confidence is not between 0.5 and 1"),
    (line(confidence=None), "confidence is not between 0.5 and 1"),
    (line(kind="guess"), "unknown kind 'guess'"),
    (line(kind=["bound"]), "field 'kind' is missing or not text"),
    (line(claim=""), "field 'claim' is missing or not text"),
    (line(observed_at="2026-11-24T09:00:00"), "observed_at has no time zone"),
    (line(observed_at="yesterday"), "observed_at is not a time"),
    (line(observed_at="0001-01-01T00:00:00+23:59"), "observed_at is not a time"),
    (line(valid_until="2026-12-24"), "valid_until has no time zone"),
    (line(valid_until=5), "valid_until is not a time"),
    (line(sample=[1]), "sample is not an object"),
    (line(detail="x"), "detail is not an object"),
    (line(producer=None), "producer is not text"),
    (line(simulated="yes"), "simulated is not true or false"),
    (line(slice=3), "slice is not text"),
    (line(volume=1), "unknown field 'volume'"),
    (line(id="e-610b7e2cf37e6154", value=0.9), "is not that of what it holds"),
    (line(id=7), "is not that of what it holds"),
    (line(value=0.9, n=200, sample=COUNTS), "value is 0.9, but the sample says 185 of 200, which is 0.925"),
    (line(value=0.92, sample=COUNTS, unit="ratio"), "correct the one that is wrong, or leave successes out"),
    (line(value=float("1"), sample={"successes": 5, "n": 3}), "the sample has 5 successes of 3"),
    (line(value=0.5, sample={"successes": -1, "n": 3}), "the sample has -1 successes of 3"),
    (line(value=0.0, sample={"successes": 0, "n": 0}), "but the sample counted nothing"),
    (line(value="inf", sample=COUNTS), "value is inf, but the sample says"),
    (line(claim="p/a\ud800"), "half of a surrogate pair"),
    (DEEP_LIST, "detail is nested more than 32 deep"),
    (BOTTOMLESS, "nested too deeply"),
    (b'{"claim": "\xff"}', "not UTF-8"),
    (b"\x1f\x8b\x08\x00", "not UTF-8"),
    (b'{"x": "' + b"a" * 1_000_001 + b'"}', "1,000,010 bytes; at most 1,000,000 are read"),
    ("<script>alert(1)</script>", "not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "words"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_is_told_by_number_and_reason_and_nothing_is_read(
    tmp_path: Path, broken: str | bytes, words: str
) -> None:
    raw = broken.encode() if isinstance(broken, str) else broken
    with pytest.raises(InputError) as raised:
        read(tmp_path, line().encode() + b"\n" + raw + b"\n" + line(n=1).encode())
    assert "1 line is broken, so nothing was read" in raised.value.message
    assert "evidence.jsonl:2: " in raised.value.message
    assert words in raised.value.message


def test_every_broken_line_is_counted_and_the_first_twenty_are_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, "{\n" * 25)
    assert "25 lines are broken" in raised.value.message
    assert raised.value.message.count("not JSON") == 20
    assert "and 5 more" in raised.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_evidence(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        read_evidence(tmp_path)


def test_the_address_of_a_piece_is_of_its_content(piece_of: Make) -> None:
    piece = piece_of(185, 200)
    assert piece.id == replace(piece).id
    assert piece.id != replace(piece, producer="x").id
    assert piece_of(value=1, low=1, high=1).id == piece_of(value=1.0, low=1.0, high=1.0).id
    elsewhere = piece.observed_at.astimezone(timezone(timedelta(hours=9)))
    assert replace(piece, observed_at=elsewhere).id == piece.id
    assert replace(piece, producer="\ud800").id.startswith("e-")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*Evidence.__dataclass_fields__, "id", "x"]), JSON, max_size=8))
def test_any_json_object_is_a_piece_or_an_error_that_names_the_place(plain: dict[str, Any]) -> None:
    try:
        piece = Evidence.from_json({**LEAST, **plain}, where="f:1")
    except InputError:
        return
    again = Evidence.from_json(json.loads(json.dumps(piece.as_json())))
    assert again.id == piece.id


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 185 / 200},
        {"value": None},
        {"value": 0.9, "sample": {**COUNTS, "clusters": 40}},  # of items, whose n is the clusters
        {"value": 0.1, "unit": "USD"},  # a cost over successes
        {"kind": "never", "value": 0},  # the number of breaches
        {"value": 0.9, "sample": {"successes": "185", "n": 200}},
        {"value": 0.9, "sample": {"n": 200}},
        {"value": 1 / 3, "sample": {"successes": 10**400, "n": 3 * 10**400}},
    ],
)
def test_a_sample_that_does_not_contradict_its_value_is_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert len(read(tmp_path, line(**{"sample": COUNTS, **changes}))) == 1


def test_a_contradiction_is_told_by_its_line_and_nothing_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"evidence\.jsonl:2: value is 0\.9, but the sample says 185 of 200"):
        read(tmp_path, line() + "\n" + line(value=0.9, sample=COUNTS))


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_evidence_or_an_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "e.jsonl"
    path.write_bytes(raw)
    try:
        pieces = read_evidence(path)
    except InputError:
        return
    assert len(pieces) <= raw.count(b"\n") + 1
