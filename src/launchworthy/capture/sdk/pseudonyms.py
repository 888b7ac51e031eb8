"""Who is served, without naming anybody: pseudonyms made in this process, before anything is sent.

May import ``records``. The key comes from ``init``, else from a file of this machine's user, made once.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from launchworthy.capture.sdk.problems import once
from launchworthy.records.pseudonym import pseudonym

__all__ = ["Pseudonyms", "key_file"]

_REMEMBERED = 10_000


class Pseudonyms:
    """Turns a user or session into its pseudonym, and remembers the latest ones.

    Args:
        key: Of the hash; None answers every value as it is.
    """

    def __init__(self, key: bytes | None) -> None:
        self.key = key
        self._known: dict[tuple[str, str], str] = {}

    def user(self, value: object) -> str:
        """``u_…``."""
        return self._of(str(value), "u")

    def session(self, value: object) -> str:
        """``s_…``."""
        return self._of(str(value), "s")

    def _of(self, value: str, prefix: str) -> str:
        if self.key is None:
            return value
        known = self._known.get((prefix, value))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[prefix, value] = pseudonym(value, key=self.key, prefix=prefix)
        return known


def key_file(folder: Path) -> bytes:
    """The key in ``folder/pseudonym.key``, made with mode 0600 if there is none.

    Where the folder cannot be written the key lives as long as the process, and the log says so.
    """
    import secrets

    path = folder / "pseudonym.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written whole beside its place, then linked: of two processes at once, one link wins.
        draft = folder / f".pseudonym-{secrets.token_hex(8)}"
        if not path.exists():
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(handle, secrets.token_hex(32).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                with contextlib.suppress(FileExistsError):
                    os.link(draft, path)
            finally:
                draft.unlink()
        key = path.read_bytes().strip()
        if len(key) >= 16:
            return key
        once("key", "%s holds no key of at least 16 bytes; pseudonyms last as long as this process", path)
    except OSError as error:
        once(
            "key",
            "the pseudonym key %s cannot be kept (%s); pseudonyms last as long as this process. "
            "Set LAUNCHWORTHY_PSEUDONYM_KEY or LAUNCHWORTHY_STATE",
            path,
            error.strerror,
        )
    return secrets.token_bytes(32)
