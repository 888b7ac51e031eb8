"""How the SDK behaves: arguments of ``init``, else the environment, else the safe default.

May import ``records`` and the standard library.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

from launchworthy.records.release import Release

__all__ = ["DEFAULT_ENDPOINT", "Settings", "settings_from"]

DEFAULT_ENDPOINT = "http://127.0.0.1:8321"
UNNAMED = "unknown"  # as the receiver calls a sender that names no product


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one process records and where it sends it.

    Attributes:
        product: Product of the contract; stands on every record.
        release: Release id that serves; empty if not known.
        endpoint: Base address of the server, without ``/v1/traces``.
        api_key: Sent as a bearer token; None on loopback.
        enabled: False records nothing at all.
        content: False leaves out what was said: inputs, outputs, the text of documents.
        pseudonymise: False sends user and session as they are.
        pseudonym_key: Key of the pseudonyms; None for the key file of this machine's user.
        state: Folder of the key file and the spill.
        spill_bytes: Most that may wait on disk for a server to answer.
        payload_characters: Most of one input or output that is recorded.
        queue_spans: Most spans that wait in memory; further ones are dropped and counted.
        queue_characters: Most text of spans that waits in memory.
        batch_spans: Most spans of one request.
        delay_s: Longest that a span waits for its batch.
        exit_s: Longest that the end of the process waits for the SDK.
        ids: Source of trace and span ids, for tests; None for random ones.
    """

    product: str
    release: str
    endpoint: str
    state: Path
    api_key: str | None = None
    enabled: bool = True
    content: bool = True
    pseudonymise: bool = True
    pseudonym_key: bytes | None = None
    spill_bytes: int = 64 * 1024 * 1024
    payload_characters: int = 128 * 1024
    queue_spans: int = 32_768
    queue_characters: int = 64 * 1024 * 1024
    batch_spans: int = 512
    delay_s: float = 1.0
    exit_s: float = 3.0
    ids: IdGenerator | None = None


def settings_from(
    *,
    product: str | None = None,
    release: str | Release | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
    enabled: bool | None = None,
    content: bool | None = None,
    pseudonymise: bool | None = None,
    pseudonym_key: str | bytes | None = None,
    state: str | Path | None = None,
    spill_bytes: int | None = None,
    ids: IdGenerator | None = None,
) -> Settings:
    """Settings from arguments and, for what is None, from ``LAUNCHWORTHY_*``."""
    env = os.environ.get
    key = pseudonym_key or env("LAUNCHWORTHY_PSEUDONYM_KEY") or None
    megabytes = env("LAUNCHWORTHY_SPILL_MB", "")
    if spill_bytes is None:
        spill_bytes = int(megabytes) * 1024 * 1024 if megabytes.isdigit() else 64 * 1024 * 1024
    return Settings(
        product=product or env("LAUNCHWORTHY_PRODUCT") or env("OTEL_SERVICE_NAME") or UNNAMED,
        release=release.id if isinstance(release, Release) else release or env("LAUNCHWORTHY_RELEASE", ""),
        endpoint=(endpoint or env("LAUNCHWORTHY_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/"),
        api_key=api_key or env("LAUNCHWORTHY_API_KEY") or None,
        enabled=_flag(enabled, "LAUNCHWORTHY_ENABLED"),
        content=_flag(content, "LAUNCHWORTHY_CONTENT"),
        pseudonymise=_flag(pseudonymise, "LAUNCHWORTHY_PSEUDONYMISE"),
        pseudonym_key=key.encode() if isinstance(key, str) else key,
        state=Path(state or env("LAUNCHWORTHY_STATE") or _state_folder()),
        spill_bytes=spill_bytes,
        ids=ids,
    )


def _flag(given: bool | None, variable: str) -> bool:
    if given is not None:
        return given
    return os.environ.get(variable, "").strip().lower() not in ("0", "false", "no", "off")


def _state_folder() -> Path:
    """``$XDG_STATE_HOME/launchworthy``, else ``~/.local/state/launchworthy``."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "launchworthy"
