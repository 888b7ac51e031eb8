"""From a file or a text to a contract, or to every problem it has. May import this room and ``errors``.

Structure is checked first; where a line is broken it is left out and the rest is checked further, so that
one broken line does not hide the others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from launchworthy.contract.document import MAX_BYTES, Document, KeyPath, read_document
from launchworthy.contract.doubts import check_doubts
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import MOST_PROBLEMS, Problem, Severity, sort_problems
from launchworthy.contract.references import check_references
from launchworthy.contract.structure import explain_error
from launchworthy.errors import ContractError, InputError

__all__ = ["Read", "load_contract", "parse_contract", "read_file", "read_text"]

_ROUNDS = 12


def load_contract(path: str | Path) -> Contract:
    """Read a contract file.

    Raises:
        ContractError: It cannot be used; ``problems`` holds everything that is wrong with it.
        InputError: There is no such file, or it cannot be read.
    """
    return parse_contract(read_file(path), file=str(path))


def read_file(path: str | Path) -> bytes:
    """The bytes of a contract file, and no more of a large one than it takes to refuse it.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            with path.open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            "no such contract", where=str(path), hint="`launchworthy init` writes a first one"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the contract cannot be read: {reason}", where=str(path)) from error


def parse_contract(text: str | bytes, *, file: str = "launchworthy.yaml") -> Contract:
    """Read a contract's text; ``file`` is what messages name.

    Raises:
        ContractError: It cannot be used; ``problems`` holds everything that is wrong with it.
    """
    read = read_text(text, file=file)
    if read.contract is None or any(each.severity is Severity.ERROR for each in read.problems):
        raise _unusable(read.problems, file)
    return read.contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What could be read of a text.

    Attributes:
        contract: Without its broken lines; None where nothing is left of it.
        problems: Everything that is wrong with it.
        broken: Paths that were left out.
    """

    contract: Contract | None
    problems: tuple[Problem, ...]
    broken: frozenset[KeyPath] = frozenset()


def read_text(text: str | bytes, *, file: str) -> Read:
    """Read as much of a contract as can be read, and list everything that is wrong with it."""
    document = read_document(text, file=file)
    if document.problems:
        return Read(contract=None, problems=sort_problems(document.problems))
    plain = (text if isinstance(text, str) else text.decode("utf-8")).removeprefix("\ufeff")
    contract, problems, broken = _modelled(document)
    if contract is not None:
        contract.attach(document, plain)
        problems += check_references(contract, document, whole=not broken)
        problems += islice(check_doubts(contract, document, whole=not broken), MOST_PROBLEMS)
    return Read(contract=contract, problems=sort_problems(problems), broken=frozenset(broken))


def _modelled(document: Document) -> tuple[Contract | None, list[Problem], set[KeyPath]]:
    """The contract without its broken lines, what is wrong with these, and which they are."""
    problems: list[Problem] = []
    left_out: set[KeyPath] = set()
    value, copied = document.value, False
    for _ in range(_ROUNDS):
        try:
            return Contract.model_validate(value), problems, left_out
        except ValidationError as error:
            if not copied:
                value, copied = copy.deepcopy(value), True
            broken: set[KeyPath] = set()
            before = frozenset(left_out)
            found: list[tuple[tuple[KeyPath, str], Problem]] = []
            misspelt: set[tuple[KeyPath, str]] = set()
            for detail in error.errors(include_url=False)[:MOST_PROBLEMS]:
                path, problem = explain_error(detail, document)
                needed = (*path, str(detail["loc"][-1])) if detail["type"] == "missing" else path
                if not _follows(detail["type"], path, before):
                    found.append(((path, f'did you mean "{needed[-1] if needed else ""}"?'), problem))
                if detail["type"] == "extra_forbidden":
                    misspelt.add((path[:-1], problem.hint))
                if _stood_in(value, needed):
                    left_out.add(needed)
                else:
                    broken.add(path[:-1] if path in before else path)
            # A key that is missing because it is misspelt was told with the spelling.
            problems += [problem for guess, problem in found if guess not in misspelt]
            left_out |= broken
            if len(problems) >= MOST_PROBLEMS or not _left_out(value, broken):
                break
    return None, problems, left_out


# A needed line that is broken is stood in for, so that the rest of its block is checked too. What is read so
# has an error and is never handed out as a contract.
_STAND_INS: dict[KeyPath, Any] = {
    ("launchworthy",): 1,
    ("product",): "unnamed",
    ("owners",): {"product": "unnamed"},
    ("workflows", "*", "user"): "unnamed",
    ("workflows", "*", "job"): "unnamed",
    ("workflows", "*", "no_answer"): "refuse",
}


def _stood_in(value: Any, path: KeyPath) -> bool:
    """Put something in place of a needed line; False where nothing can stand for it."""
    pattern = ("workflows", "*", *path[2:]) if path[:1] == ("workflows",) and len(path) == 3 else path
    if pattern not in _STAND_INS or not isinstance(value, dict):
        return False
    block: Any = value
    for part in path[:-1]:
        block = block.get(part) if isinstance(block, dict) else None
    if not isinstance(block, dict) or block.get(path[-1]) == _STAND_INS[pattern]:
        return False
    block[path[-1]] = _STAND_INS[pattern]
    return True


def _follows(kind: str, path: KeyPath, left_out: frozenset[KeyPath]) -> bool:
    """Whether a block is only found wanting because a line of it was left out, which was told already."""
    whole = kind in ("missing", "too_short", "LW211", "LW218")
    return whole and any(line[: len(path)] == path for line in left_out)


def _left_out(value: Any, broken: set[KeyPath]) -> bool:
    """Delete what is broken; False where that would be the whole."""
    for path in sorted(
        broken, key=lambda path: tuple(str(part).rjust(6, "0") for part in path), reverse=True
    ):
        if not path:
            return False
        parent = value
        for part in path[:-1]:
            try:
                parent = parent[part]
            except (KeyError, IndexError, TypeError):
                parent = None
                break
        if isinstance(parent, dict):
            parent.pop(path[-1], None)
        elif isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent):
            del parent[path[-1]]
    return True


def _unusable(problems: Iterable[Problem], file: str) -> ContractError:
    found = sort_problems(problems)
    errors = [each for each in found if each.severity is Severity.ERROR]
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    listing = "\n".join(f"  {each}" for each in found[:20])
    more = f"\n  and {len(found) - 20} more" if len(found) > 20 else ""
    return ContractError(
        f"the contract has {count}\n{listing}{more}",
        problems=found,
        where=file,
        hint="launchworthy lint lists them",
    )
