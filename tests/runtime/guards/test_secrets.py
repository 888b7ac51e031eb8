"""Secrets are found by what they are, and what only looks like one is left alone."""

from __future__ import annotations

import base64
import json
import re
import sysconfig
import uuid
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.runtime.guards import GuardContext, Outcome, Stage
from launchworthy.runtime.guards.secrets import SECRET_KINDS, SecretsGuard, find_secrets

NOTHING = GuardContext()


def _web_token() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "Ada"})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"])


# Joined from parts, so that no scanner of this repository takes them for real ones.
SECRETS = {
    "aws_key": "AKIA" + "2OGYBAH6QRTUVWXY",
    "github_token": "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8",
    "gitlab_token": "glpat-" + "x7Yz_AbCdEfGhIjKlMnO",
    "slack_token": "xoxb-" + "123456789012-abcDEFghiJKL",
    "slack_webhook": "https://hooks.slack.com/" + "services/T00AA11BB/B22CC33DD/a1b2c3d4e5f6g7h8i9j0k1l2",
    "stripe_key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "google_key": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "openai_key": "sk-proj-" + "aB3dE5gH7j" * 5,
    "anthropic_key": "sk-ant-api03-" + "aB3dE5gH7j" * 8,
    "huggingface_token": "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "sendgrid_key": "SG." + "a1B2c3D4e5F6g7H8i9J0k1" + "." + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
    "npm_token": "npm_" + "a1B2c3D4e5F6" * 3,
    "telegram_token": "1234567890:AA" + "HdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"[:33],
    "azure_key": "AccountKey=" + "a1B2c3D4e5F6g7H8" * 5 + "abcdef==",
    "connection_string": "postgres://shop:" + "r3dpanda" + "@db.internal",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq+/=\n-----END RSA PRIVATE KEY-----",
    "web_token": _web_token(),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_whole_in_prose_and_in_arguments(kind: str) -> None:
    secret = SECRETS[kind]
    for text in (f"here it is: {secret} ok?", json.dumps({"note": f"use {secret} now"})):
        findings = [finding for finding in find_secrets(text) if finding.type == kind]
        shown = json.dumps(secret)[1:-1] if text.startswith("{") else secret
        assert [text[finding.start : finding.end] for finding in findings] == [shown]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password=hunter2", "hunter2"),
        ("DB_PASSWORD: Summer2024!", "Summer2024!"),
        ('{"passwd":"p4nda-Bear"}', "p4nda-Bear"),
        ("api_key = '9f8a7B6c5d4E3f2a1b0c'", "9f8a7B6c5d4E3f2a1b0c"),
        ('{"client_secret":"Zx9-Q1w2e3R4t5Y6u7"}', "Zx9-Q1w2e3R4t5Y6u7"),
        ("export ACCESS_TOKEN=q8W7e6R5t4Y3u2I1o0P9", "q8W7e6R5t4Y3u2I1o0P9"),
    ],
)
def test_of_an_assignment_the_value_is_found(text: str, value: str) -> None:
    assert [text[finding.start : finding.end] for finding in find_secrets(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "password = get_password()",
        "password: required, at least 8 characters",
        "password=${DB_PASSWORD}",
        "api_key = os.environ['SHOP_API_KEY_2']",
        "token = parse_token_from_header_v2",
        "nextPageToken=CAUQAA1234567890abcdefgh",
        "api_key=your_api_key_goes_here_1",
        "commit 9f8a7b6c5d4e3f2a1b0c9f8a7b6c5d4e3f2a1b0c",
        f"secret: {uuid.UUID(int=2**127 + 12345)}",
        "sha256:" + "0a1b2c3d" * 8,
        "data:image/png;base64," + base64.b64encode(bytes(range(200))).decode(),
        "https://shop.example:8080/path@2x.png",
        "my password is too hard to remember",
        "eyJub3QiOiAiYSB0b2tlbiJ9.eyJub3QiOiAiYSB0b2tlbiJ9.abc",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBg\n-----END PUBLIC KEY-----",
        "task-sk-1 and disk-usage and risk-averse-people-who-think-a-lot",
    ],
)
def test_what_only_looks_like_a_secret_passes(text: str) -> None:
    assert find_secrets(text) == []


def test_the_standard_library_of_python_holds_no_secrets() -> None:
    library = Path(sysconfig.get_paths()["stdlib"])
    flagged = {
        path.name: found
        for path in sorted(library.glob("*.py"))
        if (found := find_secrets(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert flagged == {}


def test_a_secret_at_every_cut_of_a_stream_is_known_before_it_leaves_the_window() -> None:
    window = SecretsGuard().window
    assert window is not None
    for kind, secret in SECRETS.items():
        text = f"here it is: {secret} and more"
        first = next(end for end in range(len(text) + 1) if find_secrets(text[:end]))
        assert first - text.index(secret) <= window, kind


def test_overlapping_secrets_are_one_finding_over_both() -> None:
    text = f"Authorization: Bearer {SECRETS['web_token']}"
    (finding,) = find_secrets(text)
    assert text[finding.start : finding.end].endswith(SECRETS["web_token"])


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = f"{SECRETS['aws_key']} password=hunter22"
    assert [finding.type for finding in find_secrets(text, kinds=("password",))] == ["password"]


def test_the_guard_says_what_it_found_without_saying_it() -> None:
    verdict = SecretsGuard().check(Stage.TOOL, json.dumps({"key": SECRETS["stripe_key"]}), NOTHING)
    assert verdict.outcome is Outcome.HIT
    assert verdict.category == "stripe_key"
    assert SECRETS["stripe_key"] not in verdict.reason
    allowed = SecretsGuard(allowed=(SECRETS["stripe_key"],))
    assert allowed.check(Stage.OUTPUT, SECRETS["stripe_key"], NOTHING).outcome is Outcome.PASS
    assert SecretsGuard().check(Stage.OUTPUT, "nothing here", NOTHING).outcome is Outcome.PASS


def test_kinds_have_their_own_names() -> None:
    assert len(set(SECRET_KINDS)) == len(SECRET_KINDS)
    assert all(re.fullmatch(r"[a-z_]+", kind) for kind in SECRET_KINDS)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="eyJ.-_:/@=AKIAghp0123456789passwordtoken \n\"'", max_size=300))
def test_findings_are_in_order_apart_and_within_the_text(text: str) -> None:
    found = find_secrets(text)
    assert all(0 <= finding.start < finding.end <= len(text) for finding in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
