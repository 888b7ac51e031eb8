"""``launchworthy guard``: what do the guards say of these texts, and may one of them act yet?"""

from __future__ import annotations

from pathlib import Path

import click

from launchworthy.cli.in_force import DATA, PRODUCT

_STAGES = ("input", "retrieved", "tool", "tool_result", "output")
_CHECKS = ("input", "retrieval", "tool_input", "tool_output", "output")


@click.group(invoke_without_command=True)
@click.option("--stage", type=click.Choice(_STAGES), help="Where in a call the texts stand.")
@click.option("--input", "file", type=click.Path(path_type=Path), help="JSONL: a text a line.")
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Contract whose guards check; without one, all that are shipped.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each row.")
@click.pass_context
def command(
    context: click.Context,
    stage: str | None,
    file: Path | None,
    contract_file: Path | None,
    as_json: bool,
) -> int | None:
    """Check texts as they are checked during a call: pass, hit, or could_not_check.

    A row holds text, and may hold id, context (passages), question, citations and tool. Each is answered as
    soon as it was read: its verdict, and of each guard its name, verdict, category, score and spans; with
    --contract also the action and the text as it may go on. Nothing is stored.

    Exit code: 0 every row was checked, whatever was found; 64 a row holds no text: it is answered
    could_not_check, and the others as usual.

    Example: launchworthy guard --stage input --input texts.jsonl --json
    """
    if context.invoked_subcommand is not None:
        return None
    if stage is None or file is None:
        raise click.UsageError("give --stage and --input FILE, or the command calibrate")
    from launchworthy.cli.guarding.checking import check_file
    from launchworthy.runtime.guards import Stage

    return check_file(file, stage=Stage(stage), contract_file=contract_file, as_json=as_json)


@command.command()
@click.argument("name")
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="JSONL: text and label (1: the guard should hit); maybe slice, source and twin_of.",
)
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract that declares the guard.",
)
@click.option("--checks", type=click.Choice(_CHECKS), help="Where the texts stand [the guard's first].")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write [the guard's `calibration`, else calibrations/NAME.json].",
)
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def calibrate(
    name: str,
    file: Path,
    contract_file: Path,
    checks: str | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Measure a guard on the product's own cases, and say whether it may act.

    Without a threshold in the contract, the lowest is chosen that flags at most the share of good cases that
    the guard's `false_positives` allows (1 % if it names none). The choice follows from the harmless cases
    alone, so that its bound holds on the same cases (Neyman-Pearson umbrella); copies of a text count once.
    The harmless twin of a harmful case names it in `twin_of`. Where the contract has a claim for it, the
    measurement is also kept as evidence.

    Exit code: 0 the guard may act, 2 it stays in shadow.

    Example: launchworthy guard calibrate moderation --input gold/moderation.jsonl
    """
    from datetime import UTC, datetime

    from launchworthy.cli.figures import echo_json
    from launchworthy.cli.guarding.calibrating import calibrate as made_of
    from launchworthy.cli.guarding.calibrating import told
    from launchworthy.cli.guarding.keeping import declared_file, keep_evidence, next_step
    from launchworthy.contract import load_contract
    from launchworthy.runtime.guards.calibration import write_calibration

    contract = load_contract(contract_file)
    root = contract_file.parent
    found = made_of(contract, name, file=file, root=root, stage_word=checks, now=datetime.now(UTC))
    path = out or root / (declared_file(contract, name) or f"calibrations/{name}.json")
    write_calibration(path, found.made)
    kept = keep_evidence(contract, found, data=data)
    if as_json:
        echo_json(found.made.as_json() | {"file": str(path), "evidence": kept})
    else:
        for line in told(found, file=path):
            click.echo(line)
        for line in next_step(contract, found, path=path, root=root, kept=kept):
            click.echo(line)
    return 0 if found.made.may_act else 2


@command.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="JSONL file to write: text and label, as calibrate reads them.",
)
@PRODUCT
@DATA
def reviewed(name: str, out: Path, product: str | None, data: Path | None) -> int:
    """Write the hits of a guard that people looked at as labelled cases.

    A hit that somebody called a false positive on the guards' page is labelled 0, one that was right 1; the
    last word counts. The text is that of the call's question or answer, where the records hold it.

    Exit code: 0 cases were written, 1 nobody has looked at a hit of it whose text is kept.

    Example: launchworthy guard reviewed moderation --out reviewed.jsonl
    """
    from launchworthy.cli.guarding.reviewed import reviewed_cases, write_cases
    from launchworthy.cli.in_force import opened
    from launchworthy.cli.product import product_of

    with opened(data) as workspace:
        found = reviewed_cases(workspace.query, product=product_of(workspace, product), guard=name)
    if found.without_text:
        click.echo(f"warning: of {found.without_text:,} hits that people looked at no text is kept", err=True)
    if not found.cases:
        click.echo(f"error: nobody has looked at a hit of {name} whose text is kept", err=True)
        return 1
    write_cases(out, found)
    wrong = sum(not case["label"] for case in found.cases)
    click.echo(f"{len(found.cases):,} cases written to {out}: {wrong:,} false positives")
    return 0
