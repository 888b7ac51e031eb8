"""One call on an event loop: the steps of ``Call``, each awaited.

May import ``calling``. Each step runs in a thread, so that guards, retries and tools never hold the loop up;
coroutine functions of the application run on the loop itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from launchworthy.runtime.calling import Call
from launchworthy.runtime.fallback import Reply
from launchworthy.runtime.no_answer import Answer, NoAnswer, Pending
from launchworthy.runtime.retrieving import Document
from launchworthy.runtime.tool_result import ToolResult

__all__ = ["AsyncCall"]

_END = object()


class AsyncCall:
    """See :class:`Call`; every method does the same."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def stopped(self) -> NoAnswer | Pending | None:
        """Why the call goes no further; None while it does."""
        return self._call.stopped

    @property
    def result(self) -> Answer | NoAnswer | Pending | None:
        """What ``answer`` or ``stream`` came to; None before."""
        return self._call.result

    @property
    def lowered(self) -> bool:
        """An injection was found: only tools that read run."""
        return self._call.lowered

    @property
    def flags(self) -> tuple[str, ...]:
        """Guards that hit so far, and limits that were reached."""
        return self._call.flags

    def flag(self, name: str) -> None:
        """Note on the records of the call what the application itself noticed."""
        self._call.flag(name)

    def trusted(self, value: Any) -> None:
        """Note what the application itself brought."""
        self._call.trusted(value)

    async def input(self, text: str) -> str:
        """Check what the user said."""
        return await asyncio.to_thread(self._call.input, text)

    async def retrieved(self, documents: Iterable[Any], *, source: str = "") -> tuple[Document, ...]:
        """Check what was looked up."""
        return await asyncio.to_thread(self._call.retrieved, documents, source=source)

    async def retrieve(
        self, search: Callable[..., Any], *arguments: Any, source: str = "", **options: Any
    ) -> tuple[Document, ...]:
        """Look something up, and check it."""
        return await asyncio.to_thread(self._call.retrieve, search, *arguments, source=source, **options)

    async def model(self, messages: Any, *, model: str | None = None, **options: Any) -> Reply:
        """Ask the model."""
        return await asyncio.to_thread(self._call.model, messages, model=model, **options)

    async def stream(self, messages: Any, *, model: str | None = None, **options: Any) -> AsyncIterator[str]:
        """Ask the model for an answer in parts."""
        parts = self._call.stream(messages, model=model, **options)
        try:
            while (part := await asyncio.to_thread(next, parts, _END)) is not _END:
                yield str(part)
        finally:
            await asyncio.to_thread(parts.close)

    async def tool(
        self, name: str, arguments: Any = None, *, call_id: str = "", request_id: str | None = None
    ) -> ToolResult:
        """Run a tool."""
        return await asyncio.to_thread(
            self._call.tool, name, arguments, call_id=call_id, request_id=request_id
        )

    async def run_tools(self, reply: Reply) -> list[dict[str, Any]]:
        """Run every tool that a reply asks for."""
        return await asyncio.to_thread(self._call.run_tools, reply)

    async def answer(self, text: str | Reply | None = None) -> Answer | NoAnswer | Pending:
        """Check the answer."""
        return await asyncio.to_thread(self._call.answer, text)

    async def no_answer(self, condition: str, *, reason: str = "", ask: str = "") -> NoAnswer:
        """Give no answer."""
        return await asyncio.to_thread(self._call.no_answer, condition, reason=reason, ask=ask)

    async def failed(self, error: Exception) -> Answer | NoAnswer | Pending:
        """The application's own code raised."""
        return await asyncio.to_thread(self._call.failed, error)

    async def ended(self, found: Any) -> Answer | NoAnswer | Pending:
        """The application's own code answered."""
        return await asyncio.to_thread(self._call.ended, found)
