"""Leaves clients of other vendors as they were: some instrumentations do not take all of themselves back."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

import openai
import pytest

_PATCHED = ("openai", "langchain_core")

# The package loads its resources when they are first asked for, which may be after they are patched.
for _client in (openai.OpenAI(api_key="none"), openai.AsyncOpenAI(api_key="none")):
    _ = (_client.chat.completions, _client.completions, _client.embeddings, _client.responses, _client.images)


def _modules() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in _PATCHED]


@pytest.fixture(scope="module", autouse=True)
def clients_as_they_were() -> Iterator[None]:
    """Put back every method and function of these packages that a test's instrumentation replaced."""
    owners: dict[int, object] = {}
    for module in _modules():
        owners[id(module)] = module
        for _, found in inspect.getmembers_static(module, inspect.isclass):
            if found.__module__.partition(".")[0] in _PATCHED:
                owners[id(found)] = found
    before = [(owner, dict(vars(owner))) for owner in owners.values()]
    yield
    for owner, members in before:
        for name, member in members.items():
            now = vars(owner).get(name)
            if now is not member and callable(member):
                setattr(owner, name, member)
