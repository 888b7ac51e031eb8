"""``launchworthy permit``: which of these calls of tools may run?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.runtime.permission import Decision, Policy, Request

_NAMED = 60
_BLOCK = 1_000  # lines printed at once


@click.command()
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract that allows and denies.",
)
@click.option("--input", "file", type=click.Path(path_type=Path), required=True, help="JSONL: a call a line.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each row.")
def command(contract_file: Path, file: Path, as_json: bool) -> int:
    """Decide calls of tools by a contract, one after another: allow, needs_approval or deny.

    A row holds tool, roles and arguments, and may hold id, user, on_behalf_of, data, provenance, scopes,
    lowered and at. Budgets add up over the rows: a call that is allowed or needs approval counts as made.

    Exit code: 0 all rows were decided, however; 64 a row cannot be read, and none was decided.

    Example: launchworthy permit --contract launchworthy.yaml --input calls.jsonl --json
    """
    import json

    from launchworthy.cli.columns import require_rows
    from launchworthy.contract import load_contract
    from launchworthy.jsonl import read_jsonl
    from launchworthy.runtime.permission import Policy, request_of

    policy = Policy.of(load_contract(contract_file))
    rows = [
        (row.get("id", line), request_of(row, where=f"{file}:{line}"))
        for line, row in read_jsonl(file, unique="id")
    ]
    require_rows(len(rows), file=file)
    lines = (
        json.dumps({"id": name} | decision.as_json(), ensure_ascii=False, allow_nan=False)
        if as_json
        else _line(name, decision)
        for (name, _), decision in zip(rows, _decided(policy, [each for _, each in rows]), strict=True)
    )
    while block := list(islice(lines, _BLOCK)):
        click.echo("\n".join(block))
    return 0


def _decided(policy: Policy, requests: list[Request]) -> Iterator[Decision]:
    """Each call after those before it; a row without a time is of the time of the row before."""
    import time
    from dataclasses import replace

    from launchworthy.runtime.permission import MemorySpending, Overrun, Ruling

    spending = MemorySpending()
    now = time.time_ns() // 1_000_000
    for request in requests:
        now = now if request.at_ms is None else request.at_ms
        decision = policy.decide(replace(request, at_ms=now), spending=spending)
        if decision.ruling is not Ruling.DENY:
            taken = spending.reserve(decision.charges, at_ms=now)
            if not isinstance(taken, Overrun):
                spending.settle(taken)
        yield decision


def _line(name: Any, decision: Decision) -> str:
    from launchworthy.cli.figures import printable

    row, tool = (printable(each, most=_NAMED) for each in (str(name), decision.tool))
    return printable(
        f"{row}: {decision.ruling.value} {tool}: {decision.reason} ({decision.rule})", most=1_000
    )
