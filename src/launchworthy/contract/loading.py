"""From a file or a text to a contract, or to every problem it has. May import this room and ``errors``.

Structure is checked first; where a line is broken it is left out and the rest is checked further, so that
one broken line does not hide the others.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from launchworthy.contract.document import MAX_BYTES, Document, KeyPath, read_document
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import Problem, Severity, sort_problems
from launchworthy.contract.references import check_references
from launchworthy.contract.structure import explain_error
from launchworthy.errors import ContractError, InputError

__all__ = ["load_contract", "parse_contract"]

_ROUNDS = 12


def load_contract(path: str | Path) -> Contract:
    """Read a contract file.

    Raises:
        ContractError: It cannot be used; ``problems`` holds everything that is wrong with it.
        InputError: There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            with path.open("rb") as stream:
                source = stream.read(MAX_BYTES + 1)
        else:
            source = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            "no such contract", where=str(path), hint="`launchworthy init` writes a first one"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the contract cannot be read: {reason}", where=str(path)) from error
    return parse_contract(source, file=str(path))


def parse_contract(text: str | bytes, *, file: str = "launchworthy.yaml") -> Contract:
    """Read a contract's text; ``file`` is what messages name.

    Raises:
        ContractError: It cannot be used; ``problems`` holds everything that is wrong with it.
    """
    document = read_document(text, file=file)
    if document.problems:
        raise _unusable(document.problems, file)
    plain = text if isinstance(text, str) else text.decode("utf-8-sig")
    contract, problems = _modelled(document)
    if contract is not None:
        contract.attach(document, plain)
        problems += check_references(contract, document)
    if contract is None or any(each.severity is Severity.ERROR for each in problems):
        raise _unusable(problems, file)
    return contract


def _modelled(document: Document) -> tuple[Contract | None, list[Problem]]:
    """The contract, without its broken lines if there are any, and what is wrong with these."""
    problems: list[Problem] = []
    value, copied = document.value, False
    for _ in range(_ROUNDS):
        try:
            return Contract.model_validate(value), problems
        except ValidationError as error:
            if not copied:
                value, copied = copy.deepcopy(value), True
            broken: set[KeyPath] = set()
            for detail in error.errors(include_url=False):
                path, problem = explain_error(detail, document)
                problems.append(problem)
                broken.add(path)
            if not _left_out(value, broken):
                break
    return None, problems


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


def _unusable(problems: list[Problem], file: str) -> ContractError:
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
