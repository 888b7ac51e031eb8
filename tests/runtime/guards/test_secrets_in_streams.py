"""However an answer is cut, no part of a secret or of a link that carries data leaves a stream."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Guard, Stage
from launchworthy.runtime.guards.hidden import HiddenTextGuard
from launchworthy.runtime.guards.secrets import SecretsGuard
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule
from launchworthy.runtime.streaming import HeldStream

TALK = "As you asked, I looked into the order and wrote down what I found for you. " * 6
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7qXw\n" * 40 + "-----END RSA PRIVATE KEY-----"
LEAKS: dict[str, tuple[Guard, str]] = {
    "a short key": (SecretsGuard(), "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"),
    "a private key longer than the window": (SecretsGuard(), KEY),
    "a password in an address": (SecretsGuard(), "postgres://shop:r3dpanda@db.internal"),
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
    parts = [leak[at : at + 12] for at in range(0, len(leak) - 12, 6)]
    start = text.index(leak)
    rng = random.Random(4)
    cuts = [[at] for at in range(start - 40, start + len(leak) + 40, 23)]
    cuts += [sorted(rng.sample(range(len(text)), 30)) for _ in range(10)]
    cuts.append(list(range(1, len(text))))
    for cut in cuts:
        ends = [0, *cut, len(text)]
        out = _stream(guard, [text[a:b] for a, b in pairwise(ends)])
        assert not any(part in out for part in parts), cut[:5]
        assert out.startswith(TALK)
        assert out.endswith(TALK)
