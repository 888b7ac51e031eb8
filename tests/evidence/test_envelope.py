"""Signed statements: the published encoding, and nothing that is changed, borrowed or unsigned counts."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evidence import Trusted, key_id, open_envelope, seal, statement
from launchworthy.evidence.envelope import VERDICT, pre_authentication

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
KEYS = {"ci": PUBLIC}
TOLD = statement(
    subject=[{"name": "shop@r-1", "digest": {"launchworthyRelease": "r-1"}}],
    predicate_type=VERDICT,
    predicate={"conclusion": "ü", "n": 1.5},
)


def opened(envelope: Any, keys: dict[str, bytes] | None = None) -> Any:
    return open_envelope(json.dumps(envelope), keys=KEYS if keys is None else keys, where="e.json")


def test_what_is_signed_is_the_published_encoding() -> None:
    # The example of the DSSE specification.
    assert (
        pre_authentication("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pre_authentication("ü", b"") == b"DSSEv1 2 \xc3\xbc 0 "


def test_anybody_can_verify_an_envelope_by_its_specification() -> None:
    envelope = seal(TOLD, key=KEY)
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature, signed)


def test_a_statement_comes_back_with_the_name_of_its_signer() -> None:
    found = opened(seal(TOLD, key=KEY))
    assert (found.statement, found.trusted, found.by) == (TOLD, Trusted.YES, "ci")


def test_one_trusted_signature_among_several_is_enough() -> None:
    envelope = seal(TOLD, key=OTHER)
    envelope["signatures"] += seal(TOLD, key=KEY)["signatures"]
    assert opened(envelope).by == "ci"


def test_another_key_and_no_key_do_not_count() -> None:
    assert opened(seal(TOLD, key=OTHER)).trusted is Trusted.NO
    assert opened(seal(TOLD, key=KEY), {}).trusted is Trusted.NO


def test_a_signature_under_a_borrowed_name_is_forged() -> None:
    envelope = seal(TOLD, key=OTHER)
    envelope["signatures"][0]["keyid"] = key_id(PUBLIC)
    assert opened(envelope).trusted is Trusted.FORGED
    moved = seal(TOLD, key=KEY) | {"payload": seal(TOLD | {"x": 1}, key=KEY)["payload"]}
    assert opened(moved).trusted is Trusted.FORGED


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_bit_of_the_payload_can_be_changed(place: int, bit: int) -> None:
    envelope = seal(TOLD, key=KEY)
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[place % len(payload)] ^= 1 << bit
    envelope["payload"] = base64.b64encode(bytes(payload)).decode()
    with contextlib.suppress(InputError):  # it may be no statement any more
        assert opened(envelope).trusted is not Trusted.YES


_GOOD = seal(TOLD, key=KEY)


def _payload(plain: Any) -> str:
    return base64.b64encode(plain if isinstance(plain, bytes) else json.dumps(plain).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        "\ud800".encode("utf-8", "surrogatepass"),
        json.dumps(_GOOD | {"signatures": []}),
        json.dumps(_GOOD | {"signatures": [{}]}),
        json.dumps(_GOOD | {"signatures": [{"sig": 1}]}),
        json.dumps(_GOOD | {"signatures": "x"}),
        json.dumps(_GOOD | {"signatures": _GOOD["signatures"] * 33}),
        json.dumps(_GOOD | {"payload": "%%%"}),
        json.dumps(_GOOD | {"payload": 7}),
        json.dumps(_GOOD | {"payload": _payload(b"\xff")}),
        json.dumps(_GOOD | {"payload": _payload([1])}),
        json.dumps(_GOOD | {"payload": _payload({"_type": "https://in-toto.io/Statement/v0.1"})}),
        json.dumps(_GOOD | {"payload": _payload(TOLD | {"predicate": "met"})}),
        json.dumps(_GOOD | {"payload": _payload(TOLD | {"subject": None})}),
        json.dumps(_GOOD | {"payload": _payload(b'{"_type":1,"_type":2}')}),
        json.dumps(_GOOD | {"payloadType": "text/plain"}),
        json.dumps(_GOOD)[:-1] + ',"payload":""}',
    ],
)
def test_what_is_no_envelope_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError, match="no signed statement"):
        open_envelope(text, keys=KEYS, where="e.json")


def test_url_safe_base64_is_read_too() -> None:
    envelope = seal(TOLD, key=KEY)
    envelope["payload"] = envelope["payload"].replace("+", "-").replace("/", "_")
    envelope["signatures"][0]["sig"] = envelope["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    assert opened(envelope).trusted is Trusted.YES
