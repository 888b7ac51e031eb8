"""Mail addresses, URLs and domains, and IP addresses.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["find_addresses_of_hosts", "find_mail", "find_urls"]

_LONGEST_LOCAL = 64  # characters before the @ (RFC 5321, 4.5.3.1)
_LONGEST_DOMAIN = 255

_LOCAL_SIGNS = frozenset(".!#$%&'*+/=?^_`{|}~-")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})", re.IGNORECASE
)
_SPELLED = re.compile(
    r"(?<![\w.+-])([a-z0-9][\w.+-]{0,63}) ?(?:\[at\]|\(at\)|\{at\}| at ) ?"
    r"([a-z0-9-]{1,63}(?: ?(?:\[dot\]|\(dot\)|\{dot\}| dot |\.) ?[a-z0-9-]{2,63}){1,4})(?![\w-])",
    re.IGNORECASE,
)
_SPELLED_HINT = re.compile(r"\bdot\b|[\[({]at[\])}]", re.IGNORECASE)

_TOP = (
    "com org net edu gov mil int info biz io ai app dev cloud shop store online site web blog xyz tech "
    "club news live world email page link me tv cc co eu uk us ca au nz ie de at ch li fr be nl lu it "
    "es pt dk se no fi is ee lv lt pl cz sk hu si hr rs ba mk al bg ro gr cy mt tr il ru ua by kz ge in "
    "pk bd lk np cn hk tw jp kr sg my th vn ph id br ar cl pe uy ec ve mx cr pa do pr za ng ke gh ma tn "
    "eg dz ae sa qa kw jo lb"
).split()
_URL = re.compile(r"(?<![^\W_])(?:(?:https?|ftps?)://|www\.)[^\s<>\"'\u00ab\u00bb]{1,2000}", re.IGNORECASE)
_BARE = re.compile(
    rf"(?<![\w.@-])(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.){{1,4}}(?:{'|'.join(_TOP)})"
    r"(?![\w@-]|\.[a-z0-9])(?::\d{2,5}(?!\d))?(?:/[^\s<>\"']{0,2000})?",
    re.IGNORECASE,
)
_CLOSING = ".,;:!?)]}'*_"

_V4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?(?![\w]|\.[0-9])")
_V6 = re.compile(
    r"(?<![\w:.])[0-9a-f:]{0,4}:[0-9a-f:]{2,36}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?:%[a-z0-9]{1,12})?(?![\w:])",
    re.IGNORECASE,
)


def find_mail(reading: Reading) -> Iterator[Finding]:
    """Mail addresses, also spelled out: ``ana at example dot org``."""
    text = reading.text
    place = text.find("@")
    while place != -1:
        start = _local_start(text, place)
        domain = _DOMAIN.match(text, place + 1)
        if start < place and domain is not None and domain.end() - domain.start() <= _LONGEST_DOMAIN:
            yield Finding(start, domain.end(), "email", 0.97)
        place = text.find("@", place + 1)
    if _SPELLED_HINT.search(text):
        for match in _SPELLED.finditer(text):
            words = match[0].lower()
            if "dot" in words or " at " not in words:
                yield Finding(match.start(), match.end(), "email", 0.7)


def _local_start(text: str, at: int) -> int:
    place = at
    while place and at - place < _LONGEST_LOCAL:
        character = text[place - 1]
        if not (character.isalnum() or character in _LOCAL_SIGNS):
            break
        place -= 1
    while place < at and not (text[place].isalnum() or text[place] == "_"):
        place += 1
    return place


def find_urls(reading: Reading) -> Iterator[Finding]:
    """URLs, and domains that stand alone; closing punctuation is no part of them."""
    text = reading.text
    for match in _URL.finditer(text):
        yield Finding(match.start(), _trim(text, match.start(), match.end()), "url", 0.95)
    for match in _BARE.finditer(text):
        yield Finding(match.start(), _trim(text, match.start(), match.end()), "url", 0.65)


def _trim(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1] in _CLOSING:
        if text[end - 1] == ")" and text.count("(", start, end) >= text.count(")", start, end):
            break
        end -= 1
    return end


def find_addresses_of_hosts(reading: Reading, topics: Topics) -> Iterator[Finding]:
    """IPv4 and IPv6 addresses; four numbers that a word calls a version are none."""
    for match in _V4.finditer(reading.text):
        numbers = match[0].split("/")[0].split(".")
        if any(int(n) > 255 or (len(n) > 1 and n[0] == "0") for n in numbers):
            continue
        near = topics.near(match.start(), match.end())
        version = near.get("version", 99) < 40 or reading.lower[match.start() - 1 : match.start()] == "v"
        yield Finding(match.start(), match.end(), "ip", 0.3 if version else 0.9)
    for match in _V6.finditer(reading.text):
        if _is_v6(match[0].split("%")[0]):
            yield Finding(match.start(), match.end(), "ip", 0.9)


def _is_v6(written: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    if sum(c.isalnum() for c in written) < 4 or written.count(":") < 2:
        return False
    try:
        IPv6Address(written)
    except AddressValueError:
        return False
    return True
