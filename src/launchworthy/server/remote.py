"""The workspace over HTTP: every method is the request that ``operations`` says it is.

May import every room below ``server``. Uses the standard library's client, so that a command starts fast.
"""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import ValidationError

from launchworthy.errors import (
    ConflictError,
    DiskFullError,
    InputError,
    LaunchworthyError,
    NotFoundError,
    OverloadedError,
    StorageError,
)
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem, RunPage
from launchworthy.server.operations import OPERATIONS, Operation

__all__ = ["RemoteWorkspace"]

_BY_NAME = {operation.name: operation for operation in OPERATIONS}
_ERRORS: dict[str, type[LaunchworthyError]] = {
    "LW100": InputError,
    "LW404": NotFoundError,
    "LW409": ConflictError,
    "LW500": StorageError,
}
_OVERLOADS: dict[str, type[OverloadedError]] = {"LW503": OverloadedError, "LW507": DiskFullError}


class RemoteWorkspace:
    """A data folder owned by a running server.

    Args:
        url: Base address of the server, such as ``http://127.0.0.1:8321``.
        key: API key, or the token that the server leaves in its data folder.
        timeout_s: For one request.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout_s: float = 120.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url!r} is not the address of a server", hint="write http://127.0.0.1:8321")
        self.url = url.rstrip("/")
        self._parts = parts
        self._key = key
        self._timeout_s = timeout_s

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = _BY_NAME.get(name)
        if operation is None:
            raise AttributeError(name)
        return lambda *args, **kwargs: self._call(operation, args, kwargs)

    def export(
        self, table: str, *, out: Path, where: Mapping[str, Any] | None = None, learn: bool = False
    ) -> int:
        """Write a table of records to a Parquet file; answers the number of rows."""
        import duckdb

        path = f"/api/v1/export/{quote(table, safe='')}"
        asked = {**(where or {}), **({"learn": "true"} if learn else {})}
        if asked:
            path += f"?{urlencode(asked)}"
        connection, response = self._send("GET", path, None)
        try:
            with out.open("wb") as file:
                shutil.copyfileobj(response, file)
        finally:
            connection.close()
        counted = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(out)]).fetchall()
        return int(counted[0][0])

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """Each item once, as it was stored last, in no order; holds one page at a time."""
        given: set[str] = set()
        before: int | None = None
        while True:
            page: RunPage = self.run_page(run_id, before=before)
            for item in page.items:
                if item.item_id not in given:
                    given.add(item.item_id)
                    yield item
            before = page.before
            if before is None:
                return

    def iter_gold_items(
        self, *, product: str, name: str, version: str, split: str | None, without: Container[str] = ()
    ) -> Iterator[GoldItem]:
        """Items in order of id but for these; holds one page at a time."""
        after: str | None = None
        while True:
            page: list[GoldItem] = self.gold_page(
                product=product, name=name, version=version, split=split, after=after
            )
            if not page:
                return
            yield from (item for item in page if item.id not in without)
            after = page[-1].id

    def close(self) -> None:
        """Nothing is held open between requests."""

    def _call(self, operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = dict(zip(operation.positional, args, strict=False)) | kwargs
        model = operation.arguments.model_construct(**given)
        plain = json.loads(model.model_dump_json(exclude_unset=True))
        path = "/api/v1" + operation.path
        for name in list(plain):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(str(plain.pop(name)), safe=""))
        body = None
        if operation.verb in ("GET", "DELETE"):
            query = {key: value for key, value in plain.items() if value is not None}
            path += f"?{urlencode(query)}" if query else ""
        else:
            body = json.dumps(plain).encode()
        connection, response = self._send(operation.verb, path, body)
        try:
            answer = response.read()
        finally:
            connection.close()
        try:
            return operation.answer.validate_json(answer)
        except ValidationError as error:
            raise StorageError(
                f"the server's answer to {operation.name} could not be read", where=self.url
            ) from error

    def _send(
        self, verb: str, path: str, body: bytes | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = make(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            connection.request(verb, path, body=body, headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _raised(response, where=self.url)
        except OSError as error:
            connection.close()
            raise StorageError(
                f"the server does not answer: {error}",
                where=self.url,
                hint="is `launchworthy up` still running?",
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection, response


def _raised(response: http.client.HTTPResponse, *, where: str) -> LaunchworthyError:
    try:
        told = json.loads(response.read(1_000_000))["error"]
        code, message, place, hint = (str(told[name]) for name in ("code", "message", "where", "hint"))
    except (ValueError, KeyError, TypeError):
        return StorageError(f"the server answered {response.status} {response.reason}", where=where)
    overload = _OVERLOADS.get(code)
    if overload is not None:
        return overload(
            message, retry_after_s=float(response.headers.get("Retry-After") or 1), where=place, hint=hint
        )
    return _ERRORS.get(code, LaunchworthyError)(message, code=code, where=place, hint=hint)
