"""A vault for personal data that must be put back later: encrypted per person, erased with the person's key.

May import ``errors`` and the masking; ``cryptography`` is imported where used. Each subject has a key of its
own (AES-256-GCM); forgetting the key is erasure, also of every copy and backup of the values.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from launchworthy.errors import StorageError
from launchworthy.runtime.guards.pii.masking import PLACEHOLDER, replaced
from launchworthy.runtime.guards.pii.shelves import SealedValue, Shelf
from launchworthy.runtime.guards.verdict import Finding

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["SubjectVault", "Vault"]


class Vault(Protocol):
    """Keeps values of subjects and gives each back to the same subject only."""

    def keep(self, subject: str, *, kind: str, value: str, avoid: frozenset[str] = frozenset()) -> str:
        """Keep a value; its placeholder, the same one for the same value of the same subject."""
        ...

    def value(self, subject: str, placeholder: str) -> str | None:
        """What a placeholder stands for; None where this subject has none such, or was erased."""
        ...

    def erase(self, subject: str) -> bool:
        """Forget a subject's key and values for ever; whether there was one."""
        ...


class SubjectVault:
    """A vault over a shelf.

    >>> from launchworthy.runtime.guards.pii.shelves import MemoryShelf
    >>> vault = SubjectVault(MemoryShelf())
    >>> vault.keep("u1", kind="email", value="ana@b.org")
    '[EMAIL_1]'
    >>> vault.value("u1", "[EMAIL_1]"), vault.value("u2", "[EMAIL_1]")
    ('ana@b.org', None)
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def keep(self, subject: str, *, kind: str, value: str, avoid: frozenset[str] = frozenset()) -> str:
        """Keep a value; placeholders to avoid are those that the text's author wrote out."""
        with self._shelf.locked(subject):
            key = self._shelf.key(subject)
            if key is None:
                key = secrets.token_bytes(32)
                self._shelf.put_key(subject, key)
            tag = hmac.digest(key, _bytes(f"tag\0{kind}\0{value}"), "sha256")
            used = set()
            for known in self._shelf.values(subject):
                if hmac.compare_digest(known.tag, tag) and known.placeholder not in avoid:
                    return known.placeholder
                used.add(known.placeholder)
            number = 1
            while (placeholder := f"[{kind.upper()}_{number}]") in used or placeholder in avoid:
                number += 1
            nonce = os.urandom(12)
            sealed = nonce + _cipher(key).encrypt(nonce, _bytes(value), _bytes(f"{subject}\0{placeholder}"))
            self._shelf.put_value(subject, SealedValue(placeholder=placeholder, tag=tag, sealed=sealed))
            return placeholder

    def value(self, subject: str, placeholder: str) -> str | None:
        """What a placeholder stands for.

        Raises:
            StorageError: The sealed value was changed, or moved from another subject or placeholder.
        """
        from cryptography.exceptions import InvalidTag

        key = self._shelf.key(subject)
        if key is None:
            return None
        for known in self._shelf.values(subject):
            if known.placeholder == placeholder:
                try:
                    opened = _cipher(key).decrypt(
                        known.sealed[:12], known.sealed[12:], _bytes(f"{subject}\0{placeholder}")
                    )
                except (InvalidTag, ValueError):
                    raise StorageError(
                        f"the sealed value of {placeholder} does not open with its subject's key",
                        where="vault",
                        hint="it was changed or moved; erase the subject, or restore the vault from a backup",
                    ) from None
                return opened.decode("utf-8", "surrogatepass")
        return None

    def erase(self, subject: str) -> bool:
        """Forget a subject's key, then the values."""
        with self._shelf.locked(subject):
            return self._shelf.forget(subject)

    def mask(self, subject: str, text: str, findings: Sequence[Finding]) -> str:
        """The text with placeholders for this subject's values."""
        avoid = frozenset(match[0] for match in PLACEHOLDER.finditer(text))
        return replaced(
            text, findings, lambda kind, value: self.keep(subject, kind=kind, value=value, avoid=avoid)
        )

    def restore(self, subject: str, text: str) -> str:
        """The text with this subject's values put back; placeholders of others stay as they are."""

        def back(placeholder: str) -> str:
            value = self.value(subject, placeholder)
            return placeholder if value is None else value

        return PLACEHOLDER.sub(lambda match: back(match[0]), text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
