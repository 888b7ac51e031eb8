"""One answer a row: what each guard says, and with a contract what is done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launchworthy.cli.guarding.rows import Row
    from launchworthy.runtime.guards import Stage
    from launchworthy.runtime.pipeline import Checked, GuardPipeline

__all__ = ["answer_of", "check_file", "pipeline_of"]

_NAMED = 60


def pipeline_of(contract_file: Path | None) -> tuple[GuardPipeline, str]:
    """The guards of a contract and its product; without one, those that are shipped."""
    from launchworthy.cli.guarding.rows import embedded_pipeline

    if contract_file is None:
        return embedded_pipeline(), ""
    from launchworthy.contract import load_contract
    from launchworthy.runtime.compiling import guard_pipeline

    contract = load_contract(contract_file)
    return guard_pipeline(contract, root=contract_file.parent), contract.product


def check_file(file: Path, *, stage: Stage, contract_file: Path | None, as_json: bool) -> int:
    """Print an answer for each row, as soon as there is one; say in the end what was found."""
    import json

    import click

    from launchworthy.cli.columns import require_rows
    from launchworthy.cli.guarding.rows import context_of, rows_of
    from launchworthy.cli.main import USAGE_ERROR

    pipeline, product = pipeline_of(contract_file)
    counts: Counter[str] = Counter()
    broken = 0
    for row in rows_of(file, stage=stage):
        checked = None
        if row.text is None:
            broken += 1
        else:
            checked = pipeline.check(stage, row.text, context_of(row.fields, product=product))
        answer = answer_of(row, checked, with_action=contract_file is not None)
        counts[answer["verdict"]] += 1
        if as_json:
            click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        else:
            click.echo(_line(answer))
    require_rows(counts.total(), file=file)
    if not as_json:
        told = {"pass": "passed", "hit": "hit", "could_not_check": "could not be checked"}
        click.echo(
            f"{counts.total():,} rows: "
            + ", ".join(f"{counts[word]:,} {name}" for word, name in told.items() if counts[word])
        )
    if broken:
        click.echo(f"error: {broken:,} of {counts.total():,} rows hold no text to check", err=True)
        return USAGE_ERROR
    return 0


def answer_of(row: Row, checked: Checked | None, *, with_action: bool) -> dict[str, Any]:
    """The answer to a row, as JSON."""
    if checked is None:
        answer: dict[str, Any] = {
            "id": row.id,
            "verdict": "could_not_check",
            "guards": [],
            "reason": row.problem,
        }
        return answer | ({"action": "block", "text": ""} if with_action else {})
    answer = {
        "id": row.id,
        "verdict": checked.outcome.value,
        "guards": [verdict.as_json() for verdict in checked.verdicts],
    }
    if with_action:
        answer |= {
            "action": checked.action.value,
            "text": checked.text,
            "decided_by": checked.decided_by,
            "reason": checked.reason,
            "shadowed": list(checked.shadowed),
            "lowered": checked.lowered,
        }
    return answer


def _line(answer: dict[str, Any]) -> str:
    from launchworthy.cli.figures import printable

    shadowed = answer.get("shadowed", ())
    found = [
        each["name"]
        + (" (in shadow) " if each["name"] in shadowed else " ")
        + (each["category"] or each["reason"] or each["verdict"])
        for each in answer["guards"]
        if each["verdict"] != "pass"
    ]
    if "action" in answer and answer["guards"]:
        found.insert(0, answer["action"])
    if not answer["guards"]:
        found.append(answer.get("reason") or "no guard checks this stage")
    name = printable(str(answer["id"]), most=_NAMED)
    tail = f": {'; '.join(found)}" if found else ""
    return printable(f"{name}: {answer['verdict']}{tail}", most=1_000)
