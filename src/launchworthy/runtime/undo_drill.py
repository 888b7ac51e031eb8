"""Whether an action can be taken back: done in the application's sandbox, undone there, and looked at.

May import what ``runtime`` may. Nothing real is touched: tools are those of the sandbox, and what they change
is read before, between and after. Two rounds where the sandbox has a clock: undone at once, and just before
the time that the contract gives for it is over.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.drills import Drilled, told

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Undo

__all__ = ["Sandbox", "drill_undos"]

_PATIENCE_S = 30.0
_LATE = 0.99  # of the time in which an undo must work


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A place where tools may run for a drill; made anew for every round.

    Attributes:
        tools: Name → function, as the application runs them, but on data of the sandbox.
        arguments: Name of a tool → what it is called with. Its undo is called with ``NAME/undo``, else with
            the same, as far as it has parameters for them.
        state: Answers what tools can change, as plain values.
        wait: Lets so many seconds pass in the sandbox, without waiting for them.

    >>> held = set()
    >>> box = Sandbox(
    ...     tools={
    ...         "hold": lambda payment: held.add(payment),
    ...         "release": lambda payment: held.discard(payment),
    ...     },
    ...     arguments={"hold": {"payment": "p-1"}},
    ...     state=lambda: sorted(held),
    ... )
    >>> box.state()
    []
    """

    tools: Mapping[str, Callable[..., Any]]
    arguments: Mapping[str, Mapping[str, Any]]
    state: Callable[[], Any]
    wait: Callable[[float], None] | None = None


def drill_undos(
    contract: Contract, make: Callable[[], Sandbox], *, patience_s: float = _PATIENCE_S
) -> Iterator[Drilled]:
    """Undo each tool that can be undone.

    Args:
        contract: Declares which, by what, and for how long it works.
        make: Makes a sandbox in which nothing has happened yet.
        patience_s: How long a call may take.

    Raises:
        InputError: The sandbox has no such tool, or nothing to call it with.
    """
    for name, tool in contract.tools.items():
        if tool.undo is None:
            continue
        late_s = tool.undo.within.value / 1e3 * _LATE
        for pause_s in (0.0, late_s) if make().wait is not None else (0.0,):
            where = f"{contract.product}/tools/{name}/undo"
            found = _round(name, tool.undo, make(), where=where, pause_s=pause_s, patience_s=patience_s)
            yield told(found, contract=contract.version)


def _round(
    name: str, declared: Undo, box: Sandbox, *, where: str, pause_s: float, patience_s: float
) -> Drilled:
    by = declared.by
    act, undo = _function(box, name, where), _function(box, by, where)
    given = box.arguments.get(name)
    if given is None:
        raise InputError(
            f"the sandbox says no arguments for {name}", where=where, hint=f"arguments={{{name!r}: {{…}}}}"
        )
    began = time.monotonic()
    before = copy.deepcopy(box.state())
    seen = _called(act, given, name, patience_s=patience_s)
    if not seen and box.state() == before:
        seen = f"{name} changed nothing that the sandbox shows"
    if not seen:
        if pause_s and box.wait is not None:
            box.wait(pause_s)
        back = box.arguments.get(f"{name}/undo") or _fitting(undo, given)
        seen = _called(undo, back, by, patience_s=patience_s)
        if not seen and (after := box.state()) != before:
            seen = f"{by} ran, and {_difference(before, after)}"
    when = f"after {pause_s:,.0f} s" if pause_s else "at once"
    return Drilled(
        claim=where,
        workflow="",
        fault=f"{name} undone by {by} {when}",
        held=not seen,
        seen=seen or f"{by} put back what {name} had changed",
        through="sandbox",
        took_ms=(time.monotonic() - began) * 1e3,
    )


def _function(box: Sandbox, name: str, where: str) -> Callable[..., Any]:
    found = box.tools.get(name)
    if found is None:
        raise InputError(
            f"the sandbox has no tool {name}", where=where, hint=f"it has {', '.join(box.tools) or 'none'}"
        )
    return found


def _fitting(undo: Callable[..., Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the arguments of a tool, those that its undo has parameters for."""
    try:
        parameters = inspect.signature(undo).parameters.values()
    except (TypeError, ValueError):
        return given
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return given
    names = {each.name for each in parameters}
    return {name: value for name, value in given.items() if name in names}


def _called(
    function: Callable[..., Any], arguments: Mapping[str, Any], name: str, *, patience_s: float
) -> str:
    """Why a call came to nothing; empty where it ended."""
    failed: list[str] = []

    def run() -> None:
        try:
            found = function(**arguments)
            if inspect.isawaitable(found):
                asyncio.run(_awaited(found))
        except Exception as error:
            failed.append(f"{name} failed with {type(error).__name__}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(patience_s)
    if thread.is_alive():
        return f"{name} did not end within {patience_s:.3g} s"
    return failed[0] if failed else ""


async def _awaited(found: Any) -> None:
    await found


def _difference(before: Any, after: Any) -> str:
    """Where two states differ, without what they hold."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = sorted(
            str(name) for name in {*before, *after} if before.get(name, _NONE) != after.get(name, _NONE)
        )
        return f"{', '.join(names[:5])} {'is' if len(names) == 1 else 'are'} not as before"
    return "the sandbox is not as it was before"


_NONE = object()
