"""Hostile text made visible: what could hide, reorder or command is shown as what it is.

Escaping HTML is the template engine's work; this is for the characters that HTML lets through.
"""

from __future__ import annotations

import re

__all__ = ["visible"]

# Controls but tab and newline, bidi overrides and isolates, invisible spaces, letters that are blank, tag
# characters (which can carry a whole hidden prompt), lone surrogates. The joiners U+200C, U+200D stay: some
# scripts need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def _shown(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"


def visible(text: str) -> str:
    """The same text with every hidden character written out; newlines and tabs stay."""
    return _HIDDEN.sub(_shown, text.replace("\r\n", "\n"))
