"""Guards that could not work as they are declared: nothing to look for, or live before they may act.

May import this room only.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.document import KeyPath
from launchworthy.contract.guard_words import GUARD_WORDS, GuardWord, built_in_name, guard_suggestion
from launchworthy.contract.model import Contract
from launchworthy.contract.model.safeguards import Guard
from launchworthy.contract.problem import Severity, closest

__all__ = ["guards"]

_CODE = "LW229"
_FIELDS = {"except": "except_", "schema": "schema_"}
_CHOICES = ("find", "threshold", "thresholds", "terms", "except", "schema")
_REMOTE = {
    "request": "text",
    "model": "text",
    "score": "text",
    "flagged": "text",
    "category": "text",
    "key_env": "text",
}
_KINDS = {"count": "a whole number", "flag": "true or false", "text": "a text"}


def guards(contract: Contract) -> Iterator[Finding]:
    """What each declared guard lacks, or has too much of."""
    for name, guard in (contract.guards or {}).items():
        yield from _guard(contract, ("guards", name), name, guard)


def _guard(contract: Contract, path: KeyPath, name: str, guard: Guard) -> Iterator[Finding]:
    uses = guard.uses
    built_in = built_in_name(uses or name)
    options: dict[str, str] | None = None
    if uses is not None and built_in is None:
        problem = _uses_problem(contract, uses)
        if problem is not None:
            yield _found((*path, "uses"), f"guards/{name}: {problem[0]}", problem[1])
        kind = uses.partition(":")[0]
        options = _REMOTE if kind in ("http", "https") else {"benign": "text"} if kind == "model" else {}
    word = GUARD_WORDS[built_in] if built_in is not None else None
    if word is not None:
        yield from _words(path, name, guard, word)
        options = dict(word.options)
    if options is not None:
        yield from _options(path, name, guard, options)
    estimates = (word is not None and word.estimates) or (
        uses is not None and built_in is None and ":" in uses and not _may_be_a_rule(uses)
    )
    if guard.mode == "live" and estimates and guard.calibration is None:
        yield _found(
            (*path, "mode"),
            f"guards/{name} estimates and has no calibration, so it can be in shadow only",
            f"run `launchworthy guard calibrate {name}`, and name the file it writes under calibration",
        )
    if guard.action == "redact" and built_in in ("length", "language", "json_schema", "harm", "grounding"):
        yield _found(
            (*path, "action"),
            f"guards/{name}: it says of a whole text that it is wrong, and not which part to redact",
            "write action: block, refuse or route",
        )


def _words(path: KeyPath, name: str, guard: Guard, word: GuardWord) -> Iterator[Finding]:
    for key in sorted(word.needs):
        if not getattr(guard, _FIELDS.get(key, key)):
            yield _found(path, f"guards/{name} has no `{key}`, so it would find nothing", f"add {key}")
    for key in _CHOICES:
        if key not in word.takes and getattr(guard, _FIELDS.get(key, key)):
            yield _found((*path, key), f"guards/{name} takes no `{key}`", "take the line out")
    if word.options and not guard.options and not word.takes and "count" in word.options.values():
        yield _found(
            path,
            f"guards/{name} has no options, so it would find nothing",
            f"add options: {{{next(iter(word.options))}: 4000}}",
        )
    if word.answers and set(guard.checks) - {"output"}:
        yield _found(
            (*path, "checks"), f"guards/{name} reads answers, and not what is asked", "write checks: [output]"
        )


def _options(path: KeyPath, name: str, guard: Guard, options: dict[str, str]) -> Iterator[Finding]:
    for key, value in guard.options.items():
        if key not in options:
            known = f"it takes {', '.join(options)}" if options else "it takes none"
            yield _found(
                (*path, "options", key), f"guards/{name} has no option {key}", closest(key, options) or known
            )
        elif not _is(value, options[key]):
            yield _found(
                (*path, "options", key),
                f"guards/{name}: {key} is not {_KINDS[options[key]]}",
                f"write {_KINDS[options[key]]}",
            )


def _is(value: object, kind: str) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "count":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(value, str)


def _uses_problem(contract: Contract, uses: str) -> tuple[str, str] | None:
    """What is wrong with ``uses``, and what would be right."""
    kind, colon, rest = uses.partition(":")
    if not colon:
        hint = (
            guard_suggestion(uses)
            or "write a built-in guard, module:function, https://…, model:FILE or judge:NAME"
        )
        return f'there is no built-in guard "{uses[:60]}"', hint
    if kind == "judge":
        judge = contract.proof.judges.get(rest)
        if judge is None:
            hint = closest(rest, contract.proof.judges) or "declare it under proof/judges"
            return f'there is no judge "{rest[:60]}"', hint
        if not judge.models or judge.rubric is None:
            missing = "models" if not judge.models else "rubric"
            return f"the judge {rest[:60]} has no {missing}, so it cannot check", f"add {missing} to it"
        return None
    if kind in ("http", "https"):
        parts = urlsplit(uses)
        if not parts.hostname or parts.username or parts.password:
            return (
                "this is not the address of a guard",
                "write https://host/path, and options: {key_env: NAME}",
            )
        return None
    if not rest.strip() or (kind != "model" and not all(part.isidentifier() for part in kind.split("."))):
        return f'"{uses[:60]}" names nothing that checks', "write module:function"
    return None


def _may_be_a_rule(uses: str) -> bool:
    """A function may say of itself that it does not estimate."""
    return uses.partition(":")[0] not in ("http", "https", "model", "judge")


def _found(path: KeyPath, message: str, hint: str) -> Finding:
    return Finding(path=path, code=_CODE, message=message, hint=hint, severity=Severity.ERROR)
