"""Who may call: keys beyond loopback, and no foreign page or name on loopback. Imports Starlette only.

On loopback without keys everyone on the machine is trusted, so the danger is a browser tricked into
calling: a Host that is not a loopback name means DNS rebinding, an Origin that is not ours means another
site's page. Beyond loopback every request carries a key: a bearer token, or the cookie that ``/login`` set.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from launchworthy.errors import LaunchworthyError

__all__ = ["COOKIE", "Gate", "is_loopback", "sign_session"]

COOKIE = "launchworthy_session"
SESSION_S = 12 * 3600
_RANK = {"ingest": 0, "read": 1, "write": 2}
_OPEN_PATHS = ("/healthz", "/login", "/static/", "/approve/")
# What applications ask with a key that may only send records; each operation checks its own role too.
_ASKED_BY_APPLICATIONS = re.compile(r"/api/v1/products/[^/]+/(approvals|spending|flags)(/|$)")
_OFREP = re.compile(r"(/products/[^/]+)?/ofrep/v1/")
# What people decide under their own name and roles, which say more than the role of their key.
_DECIDED_BY_PEOPLE = re.compile(r"/(products/[^/]+/approvals|approve)/[^/]+|/products/[^/]+/guards/review")


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def sign_session(role: str, *, secret: bytes, expires_s: int, name: str = "") -> str:
    """A cookie value ``role.expiry.name.signature``, the name of the key in hex; holds no key, so a stolen
    log line opens nothing for long."""
    body = f"{role}.{expires_s}.{name.encode('utf-8', 'replace').hex()}"
    return f"{body}.{hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()}"


def _session(value: str, *, secret: bytes, now_s: float) -> tuple[str, str] | None:
    """Role and name of the key behind a session that is in force."""
    role, expiry, named, *_ = [*value.split("."), "", ""]
    if role not in _RANK or not expiry.isascii() or not expiry.isdigit() or len(expiry) > 12:
        return None
    try:
        name = bytes.fromhex(named).decode()
    except ValueError:
        return None
    expected = sign_session(role, secret=secret, expires_s=int(expiry), name=name)
    if not hmac.compare_digest(expected.encode(), value.encode("utf-8", "replace")):
        return None
    return (role, name) if int(expiry) > now_s else None


def _needed_role(method: str, path: str) -> str:
    if path.startswith("/v1/") or _ASKED_BY_APPLICATIONS.match(path) or _OFREP.match(path):
        return "ingest"
    # The API checks each operation's own role; pages only read.
    if method in ("GET", "HEAD") or path.startswith("/api/") or _DECIDED_BY_PEOPLE.fullmatch(path):
        return "read"
    return "write"


class Gate:
    """ASGI middleware that refuses what may not call, before any body is read.

    Args:
        role_of_key: Answers the role of a live key's secret, or None.
        name_of_key: Answers its name, for what is recorded of who read; empty where it has none.
        is_owner: Whether a key is the folder's own token.
        is_live: Whether the key of a name is in force still; a session ends with the key it was begun with.
        require_key: True when bound beyond loopback.
        secret: Signs session cookies.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        role_of_key: Callable[[str], str | None],
        require_key: bool,
        secret: bytes,
        clock: Callable[[], float] = time.time,
        name_of_key: Callable[[str], str] = lambda _: "",
        is_owner: Callable[[str], bool] = lambda _: False,
        is_live: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.app = app
        self.role_of_key = role_of_key
        self.name_of_key = name_of_key
        self.is_owner = is_owner
        self.is_live = is_live
        self.require_key = require_key
        self.secret = secret
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if not self.require_key and not is_loopback(name):
            return _refuse(
                403,
                "LW403",
                f"this server answers on loopback only, and was called as {name!r}",
                "call it as 127.0.0.1 or localhost, or bind it with --host and use an API key",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _refuse(403, "LW403", "a page of another origin may not call this server", "")
        if headers.get("sec-fetch-site") == "cross-site" and scope["method"] not in ("GET", "HEAD"):
            return _refuse(403, "LW403", "a page of another site may not call this server", "")
        role, reader, owner = self._caller(headers)
        path = scope["path"]
        if role is None and not path.startswith(_OPEN_PATHS):
            if "text/html" in headers.get("accept", "") and scope["method"] == "GET":
                return RedirectResponse("/login", status_code=303)
            return _refuse(
                401,
                "LW401",
                "an API key is needed",
                "send 'Authorization: Bearer KEY'; make one with: launchworthy keys create NAME --role ROLE",
            )
        if role is not None and not self.allows(role, _needed_role(scope["method"], path)):
            return _refuse(403, "LW403", f"a key with the role {role!r} may not do this", "")
        scope.setdefault("state", {}).update(role=role, reader=reader, owner=owner)
        return None

    @staticmethod
    def allows(role: str, needed: str) -> bool:
        """Whether ``role`` includes ``needed``."""
        return _RANK[role] >= _RANK[needed]

    def _caller(self, headers: dict[str, str]) -> tuple[str | None, str, bool]:
        """Role (None: may nothing), name of the key (empty: none was shown), whether it is the owner."""
        authorization = headers.get("authorization", "")
        key = headers.get("x-api-key", "").strip()  # as OFREP has it
        if authorization[:7].lower() == "bearer ":
            key = authorization[7:].strip()
        if key:
            role = self.role_of_key(key)
            return (role, "", False) if role is None else (role, self.name_of_key(key), self.is_owner(key))
        found = self._session(headers)
        if not self.require_key:
            # Whoever is on this machine may do all; a session only says who they are.
            return "write", "" if found is None else found[1], False
        return (None, "", False) if found is None else (*found, False)

    def _session(self, headers: dict[str, str]) -> tuple[str, str] | None:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        found = _session(morsel.value, secret=self.secret, now_s=self.clock()) if morsel else None
        # A session of the folder's own token has no name.
        return found if found is None or not found[1] or self.is_live(found[1]) else None


def _refuse(status: int, code: str, message: str, hint: str) -> Response:
    return JSONResponse(LaunchworthyError(message, code=code, hint=hint).as_json(), status_code=status)
