"""``launchworthy demo``: the demo product, end to end."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--once", is_flag=True, help="Leave nothing running; exit with the verdict's code.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="launchworthy-demo",
    show_default=True,
    help="Where the contract, the gold set and the data go.",
)
@click.option(
    "--port", default=8321, show_default=True, type=click.IntRange(0, 65535), help="Port of the console."
)
@click.option(
    "--questions",
    default=300,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Questions that simulated users ask.",
)
@click.option("--seed", default=2026, show_default=True, help="Seed of the simulated users.")
def command(once: bool, folder: Path, port: int, questions: int, seed: int) -> int:
    """Run the demo product end to end.

    Starts the server, lets simulated users ask an instrumented assistant, evaluates two releases on a gold
    set, and gives the verdict. Exit code with --once: that of `launchworthy verdict`.
    """
    from launchworthy.demo.run import DemoOptions, run_demo

    options = DemoOptions(folder=folder, port=port, questions=questions, once=once, seed=seed)
    try:
        code = run_demo(options, say=click.echo)
    except KeyboardInterrupt:
        return 130
    return code if once else 0
