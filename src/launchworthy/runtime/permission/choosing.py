"""Which arguments choose whom or what a tool acts on: payee, recipient, account, path, address on the web.

Standard library only. By the argument's name, or by its value where that is nothing but such an address.
What is missed here is named in the contract: ``arguments: {ship_to: {from: user}}``; what is caught wrongly
too: ``from: any``.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from functools import lru_cache
from typing import Any

__all__ = ["INVISIBLE", "chooses", "fold_name", "opened", "points_somewhere", "shown"]

# The last word of a name, less what only says what kind of value it holds.
_CHOOSING = frozenset(
    "account accounts acct address addressee addresses attendee attendees bcc beneficiaries beneficiary"
    " bic bucket callback card cc channel channels creditor dest destination destinations dir directory"
    " domain email emails endpoint file filename filepath files folder guest guests host hostname href"
    " iban inbox invitee invitees ip link links location mail mailbox mobile msisdn participant"
    " participants path paths payee payees phone receiver receivers recipient recipients redirect repo"
    " repository server sink swift target targets tel telephone to uri uris url urls wallet webhook".split()
)
_KIND = frozenset("id ids no nr num number name names code ref list key value uid uuid".split())
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ADDRESS = re.compile(
    r"""[a-z][a-z0-9+.\-]{1,15}://\S+ | (?:mailto|data|javascript|file|https?|tel|sms):\S+ | www\.\S+
        | [^\s@,;]{1,64}@[^\s@,;]{1,255} | (?:~|\.{1,2})?/\S+ | [A-Z]:[\\/].+ | (?:\.{1,2})?\\\S+
        | (?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?(?:/\S*)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MAIL = re.compile(r"(?:[^<>@,;]{0,200}<)?[^\s@<>,;]{1,64}@[^\s@<>,;]{1,255}>?")
_BETWEEN = re.compile(r"\s*[,;\n]\s*")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_AROUND = string.whitespace + "<>\"'`"
_LONGEST = 2_048
_MOST_JSON = 1_000_000


@lru_cache(maxsize=4_096)
def chooses(name: str) -> bool:
    """Whether an argument or field of this name chooses whom or what a tool acts on."""
    words = [word.lower() for word in _WORDS.findall(unicodedata.normalize("NFKC", name))]
    while len(words) > 1 and (words[-1] in _KIND or words[-1].isdigit()):
        words.pop()
    return bool(words) and words[-1] in _CHOOSING


def points_somewhere(value: object) -> bool:
    """Whether a value is nothing but an address: a URL, mail addresses, an IBAN, a path."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return False
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", value)).strip(_AROUND)
    if text[2:4].isdigit() and _is_iban(text):
        return True
    if "@" in text and all(_MAIL.fullmatch(each) for each in _BETWEEN.split(text)):
        return True
    signs = "/" in text or "@" in text or ":" in text or "\\" in text or "." in text
    return signs and _ADDRESS.fullmatch(text) is not None


def _is_iban(text: str) -> bool:
    """ISO 13616: the first four characters moved to the end and letters read as 10 to 35, 1 modulo 97."""
    plain = text.replace(" ", "").replace("-", "").upper()
    if _IBAN.fullmatch(plain) is None:
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def opened(value: Any) -> Any:
    """What JSON a text is nothing but, so that no address hides in it; any other value as it is."""
    if not isinstance(value, str) or value.strip()[:1] not in ("{", "[") or len(value) > _MOST_JSON:
        return value
    try:
        inner = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return inner if isinstance(inner, (dict, list)) else value


@lru_cache(maxsize=4_096)
def fold_name(name: str) -> str:
    """A name without case, marks and signs: ``Amount`` and ``a_mount`` may be taken for ``amount``."""
    return "".join(
        each for each in unicodedata.normalize("NFKD", name).casefold() if each.isascii() and each.isalnum()
    )


def shown(name: str) -> str:
    """A name that others chose, as a sentence may carry it."""
    return name if name.isascii() and name.isprintable() and len(name) <= 80 else ascii(name[:80])
