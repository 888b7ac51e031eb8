"""What HTML and Markdown hide from a reader, and links and images that carry data away.

Standard library only. Not a parser: patterns over the text as it stands, each bounded, since a text that was
cut or is half code must be read as well. A page may use ``display:none`` and comments for its own ends, so
only hidden *sentences* are found.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections.abc import Iterator, Sequence

from launchworthy.runtime.guards.verdict import Finding

__all__ = ["LINK_WINDOW", "carrying_links", "hidden_sentences"]

LINK_WINDOW = 512  # characters after which a link that carries data is known to
_FEWEST_WORDS = 4
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,15})(\s[^<>]{1,1000})>")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MARK = re.compile(r"<[^<>]{0,1000}>")
_LONGEST_HIDDEN = 20_000
_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*(?:0*(?:\.0\d*)?|[01](?:\.\d+)?(?=px|pt))(?:px|pt|em|rem|%)?\s*(?:[;\"'!]|$)"
    r"|opacity\s*:\s*0?(?:\.0\d*)?\s*(?:[;\"'!]|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}|(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:[;\"'!]|$)"
    r"|color\s*:\s*transparent",
    re.IGNORECASE,
)
_HIDDEN_ATTRIBUTE = re.compile(
    r"""(?<![\w-])hidden(?=\s|$|=)(?!\s*=\s*["']?false)|aria-hidden\s*=\s*["']?true["']?[^<>]*sr-only""",
    re.IGNORECASE,
)
_COLOUR = re.compile(
    r"(?<![\w-])(background(?:-color)?|bgcolor|color)\s*[:=]\s*[\"']?([#\w(),.%\s]{3,40})", re.IGNORECASE
)
_WHITES = frozenset(
    ("#fff", "#ffffff", "white", "#fefefe", "#fdfdfd", "rgb(255,255,255)", "rgba(255,255,255,1)", "#fffffe")
)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr script style title".split())
_MARKDOWN_COMMENT = re.compile(
    r"(?m)^\s{0,3}\[(?://|comment|_)\]\s?:\s?\S{0,40}\s[\"'(]([^\n]{1,2000})[\"')]\s*$"
)

_LINK = re.compile(
    r"""(?:(?P<picture>!)?\[[^\[\]\n]{0,200})?\]\(\s{0,4}<?(?P<inline>(?:https?:)?//[^\s<>)"']{1,4096})"""
    r"""|(?<!\S)\[[^\[\]\n]{1,80}\]:\s{1,4}<?(?P<reference>(?:https?:)?//[^\s<>"']{1,4096})"""
    r"""|(?:\s|["'])(?P<attribute>src|srcset|href|action|poster|background|data)\s{0,4}=\s{0,4}["']?(?P<target>(?:https?:)?//[^\s<>"']{1,4096})"""
    r"""|url\(\s{0,4}["']?(?P<style>(?:https?:)?//[^\s<>)"']{1,4096})"""
)
_LOADED = frozenset(("src", "srcset", "poster", "background", "data"))
_OPAQUE = re.compile(r"[A-Za-z0-9_+/=-]{32,}")


def hidden_sentences(text: str) -> list[Finding]:
    """Sentences that a reader of the page would not see, of type ``comment`` or ``hidden_markup``."""
    return sorted([*_comments(text), *_unseen_elements(text)], key=lambda finding: finding.start)


def _is_sentence(text: str) -> bool:
    return len(_WORD.findall(_MARK.sub(" ", text))) >= _FEWEST_WORDS


def _comments(text: str) -> Iterator[Finding]:
    place = 0
    while (start := text.find("<!--", place)) >= 0:
        end = text.find("-->", start + 4)
        end = len(text) if end < 0 else end + 3
        inner = text[start + 4 : end].lstrip()
        if _is_sentence(inner) and not inner.startswith(("[if", "<![", "<")):
            yield Finding(start, end, "comment")
        place = end
    for match in _MARKDOWN_COMMENT.finditer(text):
        if _is_sentence(match[1]):
            yield Finding(match.start(), match.end(), "comment")


def _unseen_elements(text: str) -> Iterator[Finding]:
    done = 0
    for match in _TAG.finditer(text):
        name, attributes = match[1].lower(), match[2]
        if match.start() < done or name in _VOID or not _unseen(attributes):
            continue
        closing = f"</{match[1]}".lower()
        window = text[match.end() : match.end() + _LONGEST_HIDDEN]
        end = window.lower().find(closing)
        inner = window if end < 0 else window[:end]
        done = match.end() + len(inner)
        if _is_sentence(inner):
            yield Finding(match.start(), done, "hidden_markup")


def _unseen(attributes: str) -> bool:
    if _INVISIBLE_STYLE.search(attributes) or _HIDDEN_ATTRIBUTE.search(attributes):
        return True
    colours = {
        match[1].lower()[:1]: re.sub(r"\s", "", match[2]).lower().strip()
        for match in _COLOUR.finditer(attributes)
    }
    ink, paper = colours.get("c"), colours.get("b")
    return ink is not None and (ink == paper or (paper is None and ink in _WHITES))


def carrying_links(text: str, *, hosts: Sequence[str] = ()) -> list[Finding]:
    """Images and links to hosts outside ``hosts`` whose address carries data: type ``exfiltration``.

    An image is fetched without anyone's doing, so any value in its query is enough; a link must be clicked
    and often has a query, so its value must be long and look like text or code.
    """
    found = []
    for match in _LINK.finditer(text):
        odd = match[0].startswith("]")  # a caption that is long or nested may be that of an image
        loaded = odd or bool(match["picture"] or match["style"]) or match["attribute"] in _LOADED
        group = next(name for name in ("inline", "reference", "target", "style") if match[name])
        if not _allowed(match[group], hosts) and _carries(match[group], loaded=loaded):
            found.append(Finding(match.start(group), match.end(group), "exfiltration"))
    return found


def _allowed(address: str, hosts: Sequence[str]) -> bool:
    try:
        host = (urllib.parse.urlsplit(address, scheme="https").hostname or "").rstrip(".")
    except ValueError:
        return False
    return any(
        host == own or host.endswith(f".{own}") for own in (name.lower().lstrip("*.") for name in hosts)
    )


def _carries(address: str, *, loaded: bool) -> bool:
    rest = address.partition("//")[2]
    host, _, rest = rest.partition("/") if "/" in rest else rest.partition("?")
    path, _, query = rest.replace("#", "?", 1).partition("?")
    if "?" not in address and "#" not in address:
        path, query = rest, ""
    values = [part.partition("=")[2] or part for part in re.split(r"[&;?#]", query) if part]
    labels = [label for label in host.partition("@")[2 if "@" in host else 0].split(".") if len(label) >= 32]
    steps = [step for step in path.split("/") if len(step) >= 40]
    if loaded:
        return (
            any(len(value) >= 4 and not value.isdigit() for value in values)
            or bool(labels)
            or any(map(_tells, steps))
        )
    return any(map(_tells, [*values, *labels, *steps]))


def _tells(value: str) -> bool:
    """Whether a part of an address looks like what was said, plain or encoded."""
    plain = urllib.parse.unquote_plus(value)
    if len(_WORD.findall(plain)) >= 5 or "{" in plain:
        return len(plain) >= 24
    for run in _OPAQUE.findall(plain):
        try:
            data = base64.b64decode(
                run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4), validate=True
            )
        except (binascii.Error, ValueError):
            continue
        if data.decode("latin-1").isprintable():
            return True
    return False
