"""Secrets in tool arguments and outputs: keys of known vendors, private keys, tokens, passwords in settings.

May import ``hidden_characters``. A vendor's key is known by its prefix and length; what is assigned to a name
such as ``api_key`` or ``password`` must also look like one: mixed enough, no placeholder, no identifier, hash
or UUID. Invisible characters hide none. Every pattern is bounded, so that a megabyte takes one pass for each
pattern whose sign occurs in it; a value that goes on past its bound is found to its end.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from launchworthy.runtime.guards.hidden_characters import visible
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Outcome, Stage

__all__ = ["SECRET_KINDS", "SecretsGuard", "find_secrets"]

_VERSION = "2"
_WINDOW = 256  # characters after which every pattern is known to have begun


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of secret: signs one of which must occur, the pattern, what its match must also be, and of what
    it goes on where it is longer than the pattern looks."""

    name: str
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool] = lambda _: True
    goes_on: re.Pattern[str] | None = None


def _token(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{form})(?![A-Za-z0-9])")


def _web_token(match: re.Match[str]) -> bool:
    """Whether the first part of a JSON Web Token is a header."""
    part = match[1]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(header, dict) and ("alg" in header or "typ" in header)


def entropy(text: str) -> float:
    """Bits per character, by the frequencies of its characters."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


_PLACEHOLDER = re.compile(
    r"(?i)example|sample|placeholder|dummy|your|change.?me|insert|redacted|hidden|secret$|password$|xxx|\*\*|\.\.\."
    r"|test$|none|null|undefined|true$|false$|string|required|optional|todo|<|>|\$\{|\{\{|%\(|\$\(|process\.env|environ"
    r"|getenv|config\.|settings\.|^self\.|^\$|12345|abcdef|(.)\1{5}"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIER = re.compile(r"[a-z]+[0-9]*(?:[_.-][a-z]*[0-9]{0,2})*|[A-Z]+[0-9]*(?:[_.-][A-Z]*[0-9]{0,2})*")
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}")


def _kinds_of_characters(text: str) -> int:
    return sum(re.search(form, text) is not None for form in ("[a-z]", "[A-Z]", "[0-9]", r"[^A-Za-z0-9\s]"))


def _assigned_password(match: re.Match[str]) -> bool:
    value, quoted = match["value"], bool(match["quote"])
    if _PLACEHOLDER.search(value) or (not quoted and re.search(r"[()\[\]]|\w\.\w", value)):
        return False
    kinds = _kinds_of_characters(value)
    return kinds >= 2 if quoted else kinds >= 2 and any(sign.isdigit() for sign in value)


def _assigned_key(match: re.Match[str]) -> bool:
    value = match["value"]
    if _PLACEHOLDER.search(value) or _UUID.fullmatch(value) or _IDENTIFIER.fullmatch(value):
        return False
    if _HARMLESS_TOKEN.search(match.string, max(0, match.start() - 16), match.start()):
        return False
    if _DIGEST.fullmatch(value):
        return not match["name"].lower().endswith("token")
    varied = any(sign.isdigit() for sign in value) and _kinds_of_characters(value) >= 2
    return varied and entropy(value) >= 3.3 and re.search(r"[()\[\]]|\w\.\w+\.", value) is None


def _address_password(match: re.Match[str]) -> bool:
    return not _PLACEHOLDER.search(match["password"])


_ASSIGNS = r"""\\?["']?\s{0,4}(?:=>|:=|=|:)\s{0,4}(?P<quote>\\?["'`]?)"""
_PASSWORD = re.compile(
    rf"(?i)(?:password|passwd|passphrase|passwort|pwd)(?:[_-][a-z0-9]{{1,12}})?{_ASSIGNS}"
    r"(?P<value>[^\s\"'`,;\\]{6,128})"
)
_KEY = re.compile(
    r"(?i)(?P<name>api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|secret|token)"
    rf"(?:[_-](?:id|value|prod|live|dev|key))?{_ASSIGNS}(?P<value>[A-Za-z0-9_+/=.~-]{{16,160}})"
)
_HARMLESS_TOKEN = re.compile(r"(?i)(?:page|csrf|xsrf|cancel|next|continuation|sync)[_-]?$")
_MORE_OF_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~-]+")
_MORE_OF_PASSWORD = re.compile(r"[^\s\"'`,;\\]+")
_KINDS: tuple[_Kind, ...] = (
    _Kind(
        "private_key",
        ("PRIVATE KEY",),
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[A-Za-z0-9+/=\s\\:,.]|-(?!-)){0,16384}+(?:-----END [A-Z0-9 ]{1,40}-----)?"
        ),
    ),
    _Kind("aws_key", ("AKIA", "ASIA", "ABIA", "ACCA"), _token(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}")),
    _Kind(
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        _token(r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ),
    _Kind("gitlab_token", ("glpat-", "gldt-", "glrt-"), _token(r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,64}")),
    _Kind(
        "slack_token",
        ("xox", "xapp-"),
        _token(r"xox[abeoprs]-[A-Za-z0-9-]{10,200}|xapp-[0-9]-[A-Za-z0-9-]{20,200}"),
    ),
    _Kind(
        "slack_webhook",
        ("hooks.slack.com",),
        re.compile(r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{30,100}"),
    ),
    _Kind(
        "stripe_key",
        ("k_live_", "k_test_", "whsec_"),
        _token(r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9]{24,64}"),
    ),
    _Kind("google_key", ("AIza",), _token(r"AIza[A-Za-z0-9_-]{35}")),
    _Kind(
        "google_oauth", ("GOCSPX-", "ya29."), _token(r"GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,200}")
    ),
    _Kind(
        "openai_key",
        ("sk-",),
        _token(
            r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48}"
        ),
    ),
    _Kind("anthropic_key", ("sk-ant-",), _token(r"sk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{60,200}")),
    _Kind("huggingface_token", ("hf_",), _token(r"hf_[A-Za-z]{34}")),
    _Kind("sendgrid_key", ("SG.",), _token(r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}")),
    _Kind("twilio_key", ("SK", "AC"), _token(r"(?:SK|AC)[0-9a-f]{32}")),
    _Kind("npm_token", ("npm_",), _token(r"npm_[A-Za-z0-9]{36}")),
    _Kind("pypi_token", ("pypi-",), _token(r"pypi-AgE[A-Za-z0-9_-]{50,200}")),
    _Kind("digitalocean_token", ("do",), _token(r"do[opr]_v1_[0-9a-f]{64}")),
    _Kind("shopify_token", ("shp",), _token(r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}")),
    _Kind("databricks_token", ("dapi",), _token(r"dapi[0-9a-f]{32}(?:-[0-9])?")),
    _Kind("telegram_token", (":AA",), _token(r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}")),
    _Kind("mailgun_key", ("key-",), _token(r"key-[0-9a-f]{32}")),
    _Kind("age_key", ("AGE-SECRET-KEY-",), _token(r"AGE-SECRET-KEY-1[A-Z0-9]{58}")),
    _Kind(
        "azure_key",
        ("AccountKey=", "SharedAccessKey="),
        re.compile(r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,100}={0,2}"),
    ),
    _Kind(
        "web_token",
        ("eyJ",),
        re.compile(
            r"(?<![A-Za-z0-9_.-])(eyJ[A-Za-z0-9_-]{10,200})\.eyJ[A-Za-z0-9_-]{10,4096}(?:\.[A-Za-z0-9_-]{0,1024})?"
        ),
        _web_token,
        _MORE_OF_TOKEN,
    ),
    _Kind(
        "connection_string",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{1,24}://[^\s:/@\"'<>]{0,64}:(?P<password>[^\s:/@\"'<>]{3,100})@[A-Za-z0-9.\[-]{1,100}"
        ),
        _address_password,
    ),
    _Kind(
        "bearer_token",
        ("earer ",),
        re.compile(r"(?<![A-Za-z])[Bb]earer (?=[A-Za-z0-9_+/=.~-]{0,60}[0-9])[A-Za-z0-9_+/=.~-]{24,200}"),
        lambda match: entropy(match[0][7:]) >= 3.5 and not _PLACEHOLDER.search(match[0]),
        _MORE_OF_TOKEN,
    ),
    _Kind(
        "password",
        ("pass", "Pass", "PASS", "pwd", "PWD", "Pwd"),
        _PASSWORD,
        _assigned_password,
        _MORE_OF_PASSWORD,
    ),
    _Kind(
        "api_key",
        ("key", "KEY", "Key", "ecret", "ECRET", "oken", "OKEN"),
        _KEY,
        _assigned_key,
        _MORE_OF_TOKEN,
    ),
)
SECRET_KINDS = tuple(kind.name for kind in _KINDS)


def find_secrets(text: str, *, kinds: Sequence[str] = ()) -> list[Finding]:
    """Where secrets stand, in order and without overlap; the kinds named, or all.

    Of an assignment only the value is found, so that a masked text says what was there.

    Example:
        >>> find_secrets("token=ghp_" + "a1B2" * 9)
        [Finding(start=6, end=46, type='github_token', score=1.0)]
    """
    plain, stood = visible(text)
    found: list[Finding] = []
    for finding in sorted(_all_findings(plain, kinds), key=lambda finding: finding.start):
        if found and finding.start < found[-1].end:
            first = found[-1]  # the kind that is listed first, over all that either covers
            found[-1] = Finding(first.start, max(first.end, finding.end), first.type, first.score)
        else:
            found.append(finding)
    if stood is None:
        return found
    return [Finding(stood[each.start], stood[each.end - 1] + 1, each.type, each.score) for each in found]


def _all_findings(text: str, kinds: Sequence[str]) -> Iterator[Finding]:
    for kind in _KINDS:
        if (kinds and kind.name not in kinds) or not any(sign in text for sign in kind.signs):
            continue
        for match in kind.pattern.finditer(text):
            if kind.holds(match):
                part = "value" if "value" in match.groupdict() else 0
                sure = 0.8 if part == "value" else 1.0
                end = match.end(part)
                if kind.goes_on is not None and (rest := kind.goes_on.match(text, end)):
                    end = rest.end()
                yield Finding(match.start(part), end, kind.name, sure)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsGuard:
    """Hits where a text holds a secret, and says where.

    Attributes:
        find: Kinds to look for; all, where empty.
        allowed: Texts that are never flagged, such as a public test key.
        name: As the contract names it.
    """

    find: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    name: str = "secrets"

    version = _VERSION
    estimates = False
    waits = False
    window: int | None = _WINDOW

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look for secrets at any stage."""
        found = tuple(
            finding
            for finding in find_secrets(payload, kinds=self.find)
            if visible(payload[finding.start : finding.end])[0] not in self.allowed
        )
        if not found:
            return GuardVerdict(guard=self.name, version=self.version, outcome=Outcome.PASS)
        kinds = sorted({finding.type for finding in found})
        return GuardVerdict(
            guard=self.name,
            version=self.version,
            outcome=Outcome.HIT,
            category=found[0].type,
            score=max(finding.score for finding in found),
            spans=found,
            reason=f"holds {len(found)} secret{'s' if len(found) > 1 else ''}: {', '.join(kinds)}",
        )
