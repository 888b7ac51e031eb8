"""Which judge, of which contract, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import HERE, claims_of, contract_of

if TYPE_CHECKING:
    from launchworthy.contract import Claim
    from launchworthy.evals import Limits
    from launchworthy.evals.cache import ReplyCache
    from launchworthy.evals.judging import Judge
    from launchworthy.server import Workspace

__all__ = ["agreement_of", "asking", "judge_claims", "limits_of", "metric_named", "pair_of", "reply_cache"]


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that asks a judge."""
    for option in (
        click.option("--retries", type=int, default=2, show_default=True, help="Further attempts."),
        click.option(
            "--timeout", type=float, default=60.0, show_default=True, help="Seconds for a question."
        ),
        click.option("--concurrency", type=int, default=16, show_default=True, help="Questions at once."),
    ):
        command = option(command)
    return command


def judge_claims(
    workspace: Workspace, contract_file: Path | None, product: str | None
) -> tuple[str, Sequence[Claim]]:
    """Product and claims of a contract: the file, the one here, else the one in force."""
    from launchworthy.cli.product import product_of
    from launchworthy.contract import load_contract
    from launchworthy.evals import in_folder

    path = contract_file or (HERE if product is None and HERE.is_file() else None)
    contract = load_contract(path) if path else contract_of(workspace, product_of(workspace, product))
    folder = Path(contract.file).parent
    return contract.product, [in_folder(claim, folder) for claim in claims_of(contract)]


def agreement_of(claims: Sequence[Claim], name: str) -> Claim:
    """The claim that a judge agrees with people.

    Raises:
        InputError: The contract has no such judge; names those it has.
    """
    from launchworthy.contract import ClaimKind
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import calibration_claim

    claim = calibration_claim(claims, name)
    if claim is None:
        known = [
            each.address.rpartition("/")[2]
            for each in claims
            if each.kind is ClaimKind.AGREE and each.metric == "judges"
        ]
        raise InputError(
            f"the contract has no judge {name!r:.80}",
            hint=f"it has {', '.join(known)}" if known else "declare it under proof/judges",
        )
    return claim


def metric_named(claims: Sequence[Claim], name: str, given: str | None) -> str:
    """The metric that a judge is asked for.

    Raises:
        InputError: It judges no such metric, or several and none was named.
    """
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import judged_metrics

    known = judged_metrics(claims, name)
    if given is not None and given in known:
        return given
    if given is None and len(known) == 1:
        return known[0]
    raise InputError(
        f"{name} judges {', '.join(known) or 'no metric of the contract'}",
        where="--metric",
        hint="name one of them" if known else f"write judge: {name} for a line of quality",
    )


def pair_of(row: dict[str, Any], judge: Judge, where: str) -> dict[str, Any]:
    """A row that a judge of pairs can be shown.

    Raises:
        InputError: It lacks a field.
    """
    from launchworthy.errors import InputError

    for field in judge.criterion.needs:
        if row.get(field) in (None, ""):
            raise InputError(f"the row has no {field}", where=where, hint="rows hold input, first and second")
    return row


def limits_of(options: dict[str, Any]) -> Limits:
    """How a judge is asked."""
    from launchworthy.evals import Limits

    return Limits(
        concurrency=options["concurrency"], timeout_s=options["timeout"], retries=options["retries"]
    )


@contextmanager
def reply_cache(data: Path | None) -> Iterator[ReplyCache]:
    """Replies of the data folder, closed at the end."""
    from launchworthy.evals.cache import CACHE_FILE, ReplyCache
    from launchworthy.server.opening import data_folder

    cache = ReplyCache(
        data_folder(data) / CACHE_FILE, on_trouble=lambda text: click.echo(f"warning: {text}", err=True)
    )
    try:
        yield cache
    finally:
        cache.close()
