"""JSON Lines that others wrote: read whole, or refused by file and line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.jsonl import MAX_DEPTH, collect_jsonl, read_jsonl


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(content)
    return path


def test_lines_come_with_their_numbers_and_blank_ones_are_passed_over(tmp_path: Path) -> None:
    path = _write(tmp_path, '\ufeff{"id": 1}\r\n\n  \n{"id": "東京"}'.encode())
    assert list(read_jsonl(path)) == [(1, {"id": 1}), (4, {"id": "東京"})]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert list(read_jsonl(_write(tmp_path, b""))) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "Infinity is not JSON"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\x00"}', "control character"),
        (b"[1]", "a list, not an object"),
        (b"null", "null, not an object"),
        (b"3", "a number, not an object"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1} {"b": 2}', "Extra data"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
        (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested deeper"),
    ],
)
def test_a_line_that_is_wrong_is_named_by_file_and_line(tmp_path: Path, line: bytes, message: str) -> None:
    path = _write(tmp_path, b'{"fine": true}\n' + line + b'\n{"fine": true}\n')
    with pytest.raises(InputError) as caught:
        list(read_jsonl(path))
    assert message in caught.value.message
    assert caught.value.where == f"{path}:2"
    good, problems = collect_jsonl(path)
    assert [number for number, _ in good] == [1, 3]
    assert [problem.where for problem in problems] == [f"{path}:2"]


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    depth = MAX_DEPTH - 1
    path = _write(tmp_path, b'{"a": ' + b"[" * depth + b"]" * depth + b"}")
    assert len(list(read_jsonl(path))) == 1


def test_a_cut_file_is_recognised_as_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(read_jsonl(_write(tmp_path, b'{"id": 1}\n{"id": 2, "text": "abc')))
    assert "cut off" in caught.value.hint


def test_a_line_beyond_the_limit_is_passed_over_in_pieces(tmp_path: Path) -> None:
    long = json.dumps({"id": "x" * 3_000_000}).encode()
    path = _write(tmp_path, b'{"id": 1}\n' + long + b'\n{"id": 3}\n')
    good, problems = collect_jsonl(path, max_line_bytes=1000)
    assert [number for number, _ in good] == [1, 3]
    assert "longer than 1,000 bytes" in problems[0].message


@pytest.mark.parametrize("start", [b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe{\x00", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(InputError, match="not JSON Lines"):
        list(read_jsonl(_write(tmp_path, start + b"rest\n")))


def test_a_repeated_id_names_both_lines(tmp_path: Path) -> None:
    path = _write(tmp_path, b'{"id": 1}\n{"other": 1}\n{"id": "1"}\n')
    with pytest.raises(InputError, match="stands in line 1 already") as caught:
        list(read_jsonl(path, unique="id"))
    assert caught.value.where == f"{path}:3"


def test_a_missing_file_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            list(read_jsonl(path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5), ascii_only=st.booleans())
def test_what_was_written_is_read_back(tmp_path: Path, rows: list[dict[str, Any]], ascii_only: bool) -> None:
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    assert [row for _, row in read_jsonl(_write(tmp_path, text.encode()))] == rows


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_an_input_error(tmp_path: Path, content: bytes) -> None:
    with contextlib.suppress(InputError):
        collect_jsonl(_write(tmp_path, content), unique="id", max_line_bytes=50)
