"""The entry point: finds a command by its file, and turns errors into messages and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from launchworthy import __version__
from launchworthy.errors import LaunchworthyError

__all__ = ["COMMANDS", "main"]

USAGE_ERROR = 64  # sysexits.h EX_USAGE: 1 and 2 are verdicts
BROKEN = 70  # EX_SOFTWARE
CUT_OFF = 141  # as a shell says of a process that SIGPIPE ended

# One line each, so that --help imports no command.
COMMANDS: dict[str, str] = {
    "init": "Write a first contract by answering a few questions.",
    "lint": "Check a contract: its language, its references and its arithmetic.",
    "claims": "List what a contract claims, when each claim is due and who proves it.",
    "diff": "Say what changed between two contracts, in terms of claims.",
    "schema": "Print the JSON Schema of the contract, for editors.",
    "canvas": "Draw a contract on one page as an AI Product Canvas.",
    "up": "Serve the console, the API and OTLP from one data folder.",
    "gateway": "Serve OpenAI's API in front of a model, under a contract.",
    "gateway-key": "Make a key for a client of the gateway.",
    "mcp": "Serve the state of products to an assistant, over stdio.",
    "gold": "Import, check, review, compare and export gold sets.",
    "eval": "Run a suite against a target and keep the evidence.",
    "score-traffic": "Score a random sample of production traffic.",
    "labels": "Draw calls at random for people to label, and record the chance of each.",
    "approvals": "List, show, approve, correct and reject calls that wait for a person.",
    "judge": "Calibrate judges with people's labels, and show what their grades are worth.",
    "runs": "List evaluation runs, show one, or take it elsewhere.",
    "measure": "Measure what records and gold sets prove now, and keep the evidence.",
    "attest": "Sign a claim that only a person can vouch for.",
    "evidence": "Add, import, list and export evidence.",
    "verdict": "Say which stage the release may enter, and what blocks the next.",
    "sign": "Sign verdicts and evidence as in-toto statements in DSSE envelopes.",
    "admit": "Say whether a release may run: a verdict that a trusted key signed says so.",
    "pack": "Write the evidence pack of a product, or verify one.",
    "audit": "Verify, read and export the audit chain.",
    "prove": "Judge one proportion against a target, and say how much more is needed.",
    "score": "Compute a metric over a file, with its interval.",
    "compare": "Compare two files of results item by item.",
    "experiment": "Read an experiment, plan one, and compare rankings or policies from logs.",
    "drift": "Say which columns of a file moved, which did not, and which cannot tell.",
    "agreement": "Say how far the people or judges who label agree beyond chance.",
    "correct": "Correct a judge's scores with the labels that people gave some of the items.",
    "threshold": "Propose the confidence from which on to answer, so that wrong answers stay under a target.",
    "permit": "Decide calls of tools by a contract, one after another: allow, needs_approval or deny.",
    "guard": "Check texts as they are checked during a call: pass, hit, or could_not_check.",
    "why": "Say why a call of a tool may run or not, rule by rule, and what would change it.",
    "cedar": "Write the permissions of a contract as Cedar policies, or read Cedar policies as tools.",
    "redteam": "Attack the product's own target and tools, and keep the evidence.",
    "drill": "Force each fallback, fault and failure of a guard, and undo what can be undone.",
    "flags": "Check, set, list and switch off flags, and say what a unit gets.",
    "bucket": "Compute where units fall, by the algorithm of a flag vendor.",
    "rollout": "Bring a release to its users stage by stage, and simulate what a plan would do.",
    "burn": "Say how fast the budget of each promise is used up, and when it ends.",
    "incidents": "Show what went wrong, and what is done about it until it is shown to be cured.",
    "export": "Write a table of records to a Parquet file, or what people preferred.",
    "keys": "Make, list and end API keys.",
    "erase": "Erase one user's records from every file, and put that on record.",
    "scan": "Say what records hold, and where they differ from the contract.",
    "retention": "Remove the records that are older than the contracts allow.",
    "demo": "Run the demo product end to end.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"launchworthy.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="launchworthy")
def cli() -> None:
    """Prove that an AI feature is ready to launch, and keep proving it while it runs."""


def main(args: list[str] | None = None) -> Any:
    """Run the command line and exit: 0 done, 1 and 2 as the command says, 64 usage, 70 broken machine."""
    try:
        result = cli.main(args=args, prog_name="launchworthy", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(USAGE_ERROR)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("\naborted", err=True)
        sys.exit(130)
    except LaunchworthyError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(USAGE_ERROR)
    except SystemExit:
        # Commands return their code; click itself exits, with 1, only where the reader of the output has
        # gone (as `| head` does), and 1 is a verdict.
        sys.exit(CUT_OFF)
    except Exception:
        if _is_gone():
            click.echo(
                "error: the folder that this was started in is gone\n  hint: cd to one that is there",
                err=True,
            )
            sys.exit(USAGE_ERROR)
        # Python would exit with 1, and 1 is a verdict: a crash must not read as "unmet".
        import traceback

        click.echo(traceback.format_exc(), err=True, nl=False)
        sys.exit(BROKEN)
    sys.exit(result if isinstance(result, int) else 0)


def _is_gone() -> bool:
    """Whether the working folder was removed, so that no path that begins there can be found."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False
