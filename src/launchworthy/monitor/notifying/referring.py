"""Secrets that stand elsewhere: ``env:NAME`` is the variable NAME of the process that sends. Pure.

May import ``errors``. A reference is what rests on disk and is shown; what it stands for is looked up at each
sending, so a secret is renewed without setting anything again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from launchworthy.errors import InputError

__all__ = ["is_reference", "revealed", "revealed_address"]

_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,127})")


def is_reference(text: str) -> bool:
    """Whether it says where a secret stands, and is none itself."""
    return _REFERENCE.fullmatch(text) is not None


def revealed(text: str, environment: Mapping[str, str]) -> str:
    """What a reference stands for; anything else as it is.

    Raises:
        InputError: The variable is not set, or empty; names it.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return text
    value = environment.get(found[1], "").strip()
    if not value:
        raise InputError(
            f"the variable {found[1]} is not set where messages are sent from",
            hint="set it for the server, and start it again",
        )
    return value


def revealed_address(text: str, environment: Mapping[str, str]) -> str:
    """The address that a reference stands for; anything else as it is.

    Raises:
        InputError: The variable is not set, or holds no address; names it, never what it holds.
    """
    url = revealed(text, environment)
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isprintable() or " " in url:
        raise InputError(f"{text} holds no address" if is_reference(text) else "what is set is no address")
    return url
