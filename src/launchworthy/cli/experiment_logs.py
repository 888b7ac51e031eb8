"""Subcommands of ``launchworthy experiment`` that read logs: rankings, policies, and the next shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from launchworthy.cli.columns import require_rows, row_number, row_text
from launchworthy.cli.figures import SHARE, columns_text, echo_json, equal_p, plain_interval, printable

__all__ = ["allocate", "interleave", "policy"]

_FILE = click.Path(path_type=Path)
_CONFIDENCE = click.option(
    "--confidence", type=SHARE, default="0.95", show_default=True, help="Of each two-sided interval."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.option("--input", "file", type=_FILE, required=True, help="JSON Lines: a list that a user saw.")
@_CONFIDENCE
@_JSON
def interleave(file: Path, confidence: float, as_json: bool) -> int:
    """Say which of two rankings clicks prefer, from lists in which both were mixed.

    A row of team-draft holds teams (whose each document was: baseline or candidate) and clicked (places, from
    0); one of balanced interleaving holds baseline, candidate, shown (documents) and clicked (documents). A
    user, where known, is the independent unit.

    Exit code: 0 the candidate is preferred, 1 the baseline, 2 not settled.

    Example: launchworthy experiment interleave --input clicks.jsonl
    """
    from launchworthy.jsonl import read_jsonl
    from launchworthy.quantity import format_interval
    from launchworthy.rollout.experiment import preference

    gains: list[float] = []
    users: list[str] = []
    for line, row in read_jsonl(file):
        where = f"{file}:{line}"
        gains.append(_gain(row, where))
        users.append(f"user {row_text(row, 'user', where=where)}" if row.get("user") is not None else where)
    require_rows(len(gains), file=file)
    found = preference(gains, users=users, level=confidence)
    own = found.difference
    code = 0 if own.low > 0.0 else 1 if own.high < 0.0 else 2
    said = ("the candidate is preferred", "the baseline is preferred", "not settled")[code]
    if as_json:
        echo_json(
            {
                **plain_interval(own, confidence=confidence),
                "conclusion": said,
                "wins": found.wins,
                "losses": found.losses,
                "ties": found.ties,
                "lists": len(gains),
                "p_sign_test": found.p_value,
            }
        )
    else:
        told = format_interval(own.value, own.low, own.high, n=own.n, unit="ratio")
        click.echo(f"{said}: wins minus losses {told}")
        click.echo(
            f"{found.wins:,} lists for the candidate, {found.losses:,} for the baseline, {found.ties:,} tied "
            f"(sign test {equal_p(found.p_value)})"
        )
    return code


def _gain(row: dict[str, Any], where: str) -> float:
    from launchworthy.errors import InputError
    from launchworthy.rollout.experiment import credit_balanced

    clicked = row.get("clicked")
    if not isinstance(clicked, list):
        raise InputError("clicked is no list", where=where, hint="an empty one where nothing was clicked")
    if "teams" in row:
        teams = row["teams"]
        if not isinstance(teams, list) or any(team not in ("baseline", "candidate") for team in teams):
            raise InputError("teams is no list of baseline and candidate", where=where)
        if any(type(at) is not int or not 0 <= at < len(teams) for at in clicked):
            raise InputError(
                "clicked names a place that was not shown", where=where, hint="places begin at 0"
            )
        return sum(1.0 if teams[at] == "candidate" else -1.0 for at in set(clicked))
    sides = [row.get(name) for name in ("baseline", "candidate", "shown")]
    flat = [entry for side in (*sides, clicked) if isinstance(side, list) for entry in side]
    if not all(isinstance(side, list) for side in sides) or not all(isinstance(e, (str, int)) for e in flat):
        raise InputError(
            "the row is of neither kind", where=where, hint="teams and clicked, or baseline, candidate, shown"
        )
    baseline, candidate, shown = (side or [] for side in sides)
    if any(document not in shown for document in clicked):
        raise InputError("clicked names a document that was not shown", where=where)
    try:
        return float(credit_balanced(baseline, candidate=candidate, shown=shown, clicked=clicked))
    except InputError as error:
        raise InputError(error.message, where=where) from error


@click.command()
@click.option("--input", "file", type=_FILE, required=True, help="JSON Lines: one logged decision a line.")
@_CONFIDENCE
@_JSON
def policy(file: Path, confidence: float, as_json: bool) -> int:
    """Say what another policy would have earned, from decisions logged with their chances.

    Rows hold reward, logged (the chance with which the action was taken) and other (the chance with which the
    other policy takes it), and where known user, predicted and predicted_other (what a model expects of the
    action, and under the other policy), which the doubly robust estimate needs.

    Exit code: 0, or 2 where the two policies hardly share a decision.

    Example: launchworthy experiment policy --input decisions.jsonl
    """
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl
    from launchworthy.quantity import format_interval, format_number
    from launchworthy.stats import mean_interval, policy_values

    names = ("reward", "logged", "other", "predicted", "predicted_other")
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    users: list[str] = []
    for line, row in read_jsonl(file):
        where = f"{file}:{line}"
        for name in names:
            number = row_number(row, name, where=where)
            if number is None and name in names[:3]:
                raise InputError(f"the row has no {name}", where=where, hint="reward, logged and other")
            columns[name].append(number)
        users.append(f"user {row_text(row, 'user', where=where)}" if row.get("user") is not None else where)
    require_rows(len(users), file=file)
    modelled = all(None not in columns[name] for name in names[3:])
    clusters = users if len(set(users)) < len(users) else None
    rewards = [number for number in columns["reward"] if number is not None]
    try:
        found = policy_values(
            rewards,
            logged=columns["logged"],  # type: ignore[arg-type] # complete, as was just checked
            other=columns["other"],  # type: ignore[arg-type]
            predicted=columns["predicted"] if modelled else None,  # type: ignore[arg-type]
            predicted_other=columns["predicted_other"] if modelled else None,  # type: ignore[arg-type]
            clusters=clusters,
            level=confidence,
        )
    except InputError as error:
        raise InputError(error.message, where=str(file), hint=error.hint) from error
    was = mean_interval(rewards, level=confidence, clusters=clusters)
    worth = float(found["snips"].sample["effective_rows"])
    unbounded = all(own.method.startswith("none") for own in found.values())
    if as_json:
        echo_json(
            {
                "logged": plain_interval(was, confidence=confidence),
                **{name: plain_interval(own, confidence=confidence) for name, own in found.items()},
                "effective_rows": worth,
                "rows": len(rewards),
            }
        )
    else:
        titles = {"ips": "inverse propensity", "snips": "self-normalised", "dr": "doubly robust"}
        lines: list[tuple[str, ...]] = [("the logged policy", format_interval(was.value, was.low, was.high))]
        lines += [
            (titles[name], format_interval(own.value, own.low, own.high)) for name, own in found.items()
        ]
        for text in columns_text(lines):
            click.echo(text)
        click.echo(f"{len(rewards):,} rows, worth {format_number(worth)} under the other policy")
        if unbounded:
            click.echo("no bounds: the two policies hardly share a decision, or there are too few")
    return 2 if unbounded else 0


@click.command()
@click.option("--input", "file", type=_FILE, required=True, help="JSON with sums of each arm.")
@click.option("--plan", "plan_file", type=_FILE, required=True, help="Plan that says low_risk: true.")
@click.option("--metric", required=True, help="What the shares follow.")
@click.option(
    "--method",
    type=click.Choice(["thompson", "epsilon-greedy"]),
    default="thompson",
    show_default=True,
    help="How they follow it.",
)
@click.option("--least", type=SHARE, default="1 %", show_default=True, help="Each arm keeps, by thompson.")
@click.option("--epsilon", type=SHARE, default="10 %", show_default=True, help="Spread over all arms.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same shares.")
@_JSON
def allocate(
    file: Path,
    plan_file: Path,
    metric: str,
    method: str,
    least: float,
    epsilon: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say the next share of each arm, for a choice in which a mistake costs little.

    Shares that follow what is seen prove less than shares that stand, so this is refused unless the plan says
    low_risk: true; no verdict is read from such an experiment.

    Example: launchworthy experiment allocate --input sums.json --plan greeting.yaml --metric clicked
    """
    from launchworthy.errors import InputError
    from launchworthy.quantity import format_value
    from launchworthy.rollout.experiment import (
        SumArms,
        epsilon_greedy,
        gather_document,
        read_document,
        read_plan,
        thompson,
    )

    plan = read_plan(plan_file)
    if not plan.low_risk:
        raise InputError(
            "the plan does not say that a mistake costs little",
            where=str(plan_file),
            hint="low_risk: true lets shares follow what is seen; without it, analyze",
        )
    plan, gathered = gather_document(read_document(file), where=str(file), plan=plan)
    values = gathered.values.get(metric)
    if not isinstance(values, SumArms):
        raise InputError(
            f"there is no metric {metric[:60]!r}",
            where=str(file),
            hint=f"there are {', '.join(plan.metrics)}",
        )
    arms = {name: values.of(name) for name in plan.shares}
    up = plan.metrics[metric].higher_is_better
    if method == "thompson":
        shares = thompson(arms, higher_is_better=up, least=least, seed=seed)
    else:
        shares = epsilon_greedy(arms, epsilon=epsilon, higher_is_better=up)
    if as_json:
        echo_json({"metric": metric, "method": method, "shares": shares})
        return
    for line in columns_text(
        [(printable(name), format_value(share, unit="ratio")) for name, share in shares.items()]
    ):
        click.echo(line)
