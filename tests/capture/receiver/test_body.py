"""Bodies before anything is read of them: content types, encodings, and compressed bombs."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from tests.capture.receiver.conftest import Bench, table_of
from tests.capture.receiver.test_traces import request, span

from launchworthy.errors import InputError

BODY = request(span(1), span(2)).SerializeToString()
MIB = 2**20


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (None, BODY),
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        (" GZIP ", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY[:40]) + gzip.compress(BODY[40:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
    ],
)
def test_every_encoding_gives_the_same_rows(bench: Bench, encoding: str | None, body: bytes) -> None:
    assert len(table_of(bench.take(body, encoding=encoding), "spans")) == 2


@pytest.mark.parametrize(
    "content_type", ["application/x-protobuf", "application/protobuf; v=1", "Application/X-Protobuf"]
)
def test_content_types_of_protobuf(bench: Bench, content_type: str) -> None:
    assert len(table_of(bench.take(BODY, content_type=content_type), "spans")) == 2


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/grpc", "application/jsonx", "\x00"])
def test_any_other_content_type_is_refused(bench: Bench, content_type: str) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(BODY, content_type=content_type)
    assert (caught.value.code, caught.value.where) == ("LW415", "content-type")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_any_other_encoding_is_refused(bench: Bench, encoding: str) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(BODY, encoding=encoding)
    assert (caught.value.code, caught.value.where) == ("LW415", "content-encoding")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", BODY),
        ("gzip", b""),
        ("gzip", gzip.compress(BODY)[:-5]),
        ("gzip", gzip.compress(BODY)[:-9] + b"12345678" + b"9"),
        ("gzip", gzip.compress(BODY) + b"trailing rubbish"),
        ("gzip", gzip.compress(b"") * 100_000),
        ("deflate", b"\x78\x9c\xff\xff\xff"),
        ("deflate", zlib.compress(BODY)[:-6]),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(
    bench: Bench, encoding: str, body: bytes
) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(body, encoding=encoding)
    assert caught.value.code == "LW400"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_stops_at_the_bound(bench: Bench, encoding: str) -> None:
    stream = zlib.compressobj(1, wbits=31 if encoding == "gzip" else 15)
    zeros = bytes(MIB)
    bomb = b"".join(stream.compress(zeros) for _ in range(200)) + stream.flush()
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            bench.take(bomb, encoding=encoding)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "LW413"
    assert peak < 160 * MIB


def test_several_streams_of_a_bomb_count_together(bench: Bench) -> None:
    part = gzip.compress(bytes(33 * MIB), 1)
    with pytest.raises(InputError) as caught:
        bench.take(part * 2, encoding="gzip")
    assert caught.value.code == "LW413"


def test_a_body_without_compression_has_the_same_bound(bench: Bench) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(bytes(64 * MIB + 1))
    assert caught.value.code == "LW413"
