"""Everything that is wrong with a contract or will disappoint, at once: language, references, arithmetic.

May import this room. An error is a contradiction that no product can satisfy; a warning is a promise that
can be kept but will cost more than it seems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from launchworthy.contract.arithmetic import Counted, Finding, findings
from launchworthy.contract.document import KeyPath
from launchworthy.contract.loading import read_file, read_text
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import Problem, Severity, sort_problems

__all__ = ["Lint", "lint_contract", "lint_file", "lint_text"]

_NOTHING: Mapping[str, Counted] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    """What was found in one contract.

    Attributes:
        contract: As far as it can be read; None where nothing is left of it.
        problems: Errors and warnings, in the order of the file.
    """

    contract: Contract | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those that contradict the language or the contract itself."""
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Those that will disappoint."""
        return tuple(each for each in self.problems if each.severity is Severity.WARNING)


def lint_file(
    path: str | Path, *, today: date, count: Callable[[Contract], Mapping[str, Counted]] | None = None
) -> Lint:
    """Check a contract file; waivers are judged as of ``today``.

    Args:
        path: The file.
        today: Day on which it is checked.
        count: Counts the gold files that are there, by workflow; without it only declared sizes are known.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    return lint_text(read_file(path), file=str(path), today=today, count=count)


def lint_text(
    text: str | bytes,
    *,
    today: date,
    file: str = "launchworthy.yaml",
    count: Callable[[Contract], Mapping[str, Counted]] | None = None,
) -> Lint:
    """Check a contract's text; ``file`` is what messages name."""
    read = read_text(text, file=file)
    if read.contract is None:
        return Lint(contract=None, problems=read.problems)
    counted = count(read.contract) if count is not None else {}
    sums = lint_contract(read.contract, today=today, broken=read.broken, counted=counted)
    return Lint(contract=read.contract, problems=sort_problems((*read.problems, *sums)))


def lint_contract(
    contract: Contract,
    *,
    today: date,
    broken: frozenset[KeyPath] = frozenset(),
    counted: Mapping[str, Counted] = _NOTHING,
) -> tuple[Problem, ...]:
    """The arithmetic of a contract that was read; no sum is made of a line that is ``broken``."""
    return sort_problems(
        Problem(
            place=contract.nearest(each.path),
            code=each.code,
            message=each.message,
            hint=each.hint,
            severity=each.severity,
        )
        for each in findings(contract, today=today, counted=counted)
        if not _rests_on(each, broken)
    )


def _rests_on(finding: Finding, broken: frozenset[KeyPath]) -> bool:
    return any(
        path[: len(line)] == line or line[: len(path)] == path
        for line in broken
        for path in (finding.path, *finding.uses)
    )
