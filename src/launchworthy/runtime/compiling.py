"""From the contract to the guards that run: which, where, in what order, and which of them may act.

May import what ``runtime`` may. A guard that works by rules acts from the first day. One that estimates is in
shadow until a calibration on the product's own cases shows how little it flags of what is good; against
injection it then at least lowers rights and quarantines passages, which costs nobody an answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.contract.defaults import guards_in_force
from launchworthy.contract.guard_words import built_in_name
from launchworthy.errors import InputError
from launchworthy.runtime.action import Action
from launchworthy.runtime.guards.calibration import (
    DEFAULT_FALSE_POSITIVES,
    Calibration,
    calibration_problem,
    digest_of_file,
    read_calibration,
)
from launchworthy.runtime.guards.catalog import DEFAULT_TIMEOUT_S, Settings, build_guards, settings_of
from launchworthy.runtime.guards.model_file import ModelFileGuard
from launchworthy.runtime.guards.secrets import SecretsGuard
from launchworthy.runtime.guards.unready import UnreadyGuard
from launchworthy.runtime.guards.verdict import Guard, Stage
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule, Masker, mask

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Guard as Declared

__all__ = [
    "CompiledGuard",
    "compile_guards",
    "guard_pipeline",
    "measured_guard",
    "rule_address",
    "settings_digest",
    "stage_of",
]

_STAGES: Mapping[str, Stage] = {
    "input": Stage.INPUT,
    "retrieval": Stage.RETRIEVED,
    "tool_input": Stage.TOOL,
    "tool_output": Stage.TOOL_RESULT,
    "output": Stage.OUTPUT,
}
_PROMPT = frozenset({Stage.INPUT, Stage.RETRIEVED, Stage.TOOL_RESULT})
_CHANGES = (Action.REDACT, Action.REWRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledGuard:
    """A guard of the contract, ready to run.

    Attributes:
        rule: As the pipeline runs it.
        why: Why it acts, or is in shadow, as a clause.
        calibration: On which it acts, or would; None where it needs none, or has none.
    """

    rule: GuardRule
    why: str
    calibration: Calibration | None = None

    @property
    def mode(self) -> str:
        """``live`` or ``shadow``."""
        return "live" if self.rule.live else "shadow"


def stage_of(word: str) -> Stage:
    """The stage that a word of ``checks`` means."""
    return _STAGES[word]


def rule_address(name: str) -> str:
    """The line of the contract that a rule comes from, by its name.

    >>> rule_address("moderation"), rule_address("pii/names"), rule_address("data/pii/prompt")
    ('guards/moderation', 'guards/pii', 'data/pii/prompt')
    """
    name = name.removesuffix("/names")
    return name if name.startswith("data/") else f"guards/{name}"


def guard_pipeline(
    contract: Contract,
    *,
    root: Path,
    callables: Mapping[str, Callable[..., Any]] | None = None,
    masker: Masker | None = mask,
) -> GuardPipeline:
    """The guards in force of a contract.

    Args:
        contract: That declares them; one that is silent has those against injection and for personal data.
        root: Folder that its paths are relative to.
        callables: Functions of the application, by the name of the guard or by its ``uses``.
        masker: How what is found is masked.

    Raises:
        InputError: A guard names what is not there, or cannot be used.
        MissingExtraError: A library that one needs is not installed.
    """
    compiled = compile_guards(contract, root=root, callables=callables)
    for each in compiled:
        if isinstance(each.rule.guard, ModelFileGuard):
            each.rule.guard.load()
    return GuardPipeline((each.rule for each in compiled), masker=masker)


def compile_guards(
    contract: Contract, *, root: Path, callables: Mapping[str, Callable[..., Any]] | None = None
) -> tuple[CompiledGuard, ...]:
    """The same with what decides whether each may act, in the order in which they run.

    First those that stop a text as it came, then those that change it: secrets, personal data as ``data/pii``
    says, all others; in each group, those that ask others come last.
    """
    found: list[CompiledGuard] = []
    for name, declared in guards_in_force(contract).items():
        settings = settings_of(name, declared, root=root, contract=contract, callables=callables)
        found.extend(_declared(settings, declared))
    found.extend(_personal_data(contract, root))
    return tuple(sorted(found, key=_order))


def _order(compiled: CompiledGuard) -> tuple[int, bool]:
    rule = compiled.rule
    changes, of_data = rule.action in _CHANGES, rule.name.startswith("data/")
    if not changes:
        place = 1 if of_data else 0
    elif isinstance(rule.guard, SecretsGuard):
        place = 2  # a password and its host look like a mail address, and would be masked by half
    else:
        place = 3 if of_data else 4
    return place, rule.guard.waits


def _declared(settings: Settings, declared: Declared) -> Iterator[CompiledGuard]:
    guards = build_guards(settings)
    against_injection = built_in_name(settings.uses or settings.name) == "prompt_injection"
    for guard in guards:
        compiled = CompiledGuard(
            rule=GuardRule(
                name=settings.name if guard is guards[0] else f"{settings.name}/names",
                guard=guard,
                stages=frozenset(_STAGES[word] for word in declared.checks),
                action=Action(declared.action),
                fails_closed=declared.fail == "closed",
                contains=against_injection and declared.mode != "shadow",
                timeout_s=settings.timeout_s,
            ),
            why=guard.reason if isinstance(guard, UnreadyGuard) else "it works by rules",
        )
        yield _judged(compiled, settings, declared)


def _judged(compiled: CompiledGuard, settings: Settings, declared: Declared) -> CompiledGuard:
    """With what its calibration, and the contract, let it do."""
    rule = compiled.rule
    if declared.mode == "shadow":
        return replace(compiled, rule=replace(rule, live=False), why="the contract says so")
    if not rule.guard.estimates:
        return compiled
    if declared.calibration is None:
        why = "it estimates, and has no calibration on the product's own cases"
        return replace(compiled, rule=replace(rule, live=False), why=why)
    made = read_calibration(settings.root / declared.calibration)
    most = DEFAULT_FALSE_POSITIVES if declared.false_positives is None else declared.false_positives.value
    problem = calibration_problem(
        made,
        guard=settings.name,
        version=str(rule.guard.version),
        settings=settings_digest(settings),
        threshold=settings.threshold,
        most=most,
        root=settings.root,
    )
    if problem:
        return replace(compiled, rule=replace(rule, live=False), why=problem, calibration=made)
    guard = rule.guard
    if settings.threshold is None and made.threshold is not None:
        guard = _estimating(build_guards(replace(settings, threshold=made.threshold)))
    return replace(
        compiled,
        rule=replace(rule, guard=guard),
        why="its calibration bounds what it flags of good cases",
        calibration=made,
    )


def _estimating(guards: tuple[Guard, ...]) -> Guard:
    return next((guard for guard in guards if guard.estimates), guards[0])


def measured_guard(settings: Settings) -> Guard:
    """The guard of a declaration that a calibration is about, made so that it gives its score always.

    One with thresholds for single kinds stays as it is declared: of such a guard no one score decides.

    Raises:
        InputError: It names what is not there, or nothing checks it.
    """
    guard = _estimating(build_guards(settings))
    if guard.version == "none":
        raise InputError(
            f"nothing checks {settings.name}",
            where=f"guards/{settings.name}",
            hint="name what checks in `uses`",
        )
    if not guard.estimates or settings.thresholds:
        return guard
    return _estimating(build_guards(replace(settings, threshold=0.0)))


def settings_digest(settings: Settings) -> str:
    """Of all that the contract declares of a guard and that changes what it says, but for its threshold."""
    declared = {
        "uses": settings.uses or built_in_name(settings.name) or settings.name,
        "find": sorted(settings.find),
        "thresholds": dict(settings.thresholds),
        "terms": sorted(settings.terms),
        "except": sorted(settings.exceptions),
        "options": {key: value for key, value in settings.options.items() if key != "key_env"},
        "schema": None if settings.schema is None else digest_of_file(settings.schema),
    }
    text = json.dumps(declared, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _personal_data(contract: Contract, root: Path) -> Iterator[CompiledGuard]:
    """What ``data/pii`` says of prompts and answers; what is kept needs no guard.

    A calibration of names is taken from the guard that the contract declares for them.
    """
    pii = contract.data.pii
    if pii is None:
        return
    estimating = next(
        (
            (name, guard)
            for name, guard in (contract.guards or {}).items()
            if built_in_name(guard.uses or name) in ("pii", "pii_names") and guard.calibration is not None
        ),
        None,
    )
    for place, stages in (("prompt", _PROMPT), ("response", frozenset({Stage.OUTPUT}))):
        action = getattr(pii, place)
        # A score is computed from what it may see and shows none of it, unless the file says otherwise.
        silent = contract.kind == "predictive" and not contract.declares("data", "pii", place)
        if action == "keep" or silent:
            continue
        settings = Settings(name="pii", find=pii.find, root=root, timeout_s=DEFAULT_TIMEOUT_S)
        address = f"data/pii/{place}"
        for guard in build_guards(settings):
            rule = GuardRule(
                name=f"{address}/names" if guard.estimates else address,
                guard=guard,
                stages=stages,
                action=Action(action),
            )
            compiled = CompiledGuard(rule=rule, why="it works by rules")
            if not guard.estimates:
                yield compiled
            elif estimating is None:
                why = "names are an estimate, and no guard pii of the contract has a calibration"
                yield replace(compiled, rule=replace(rule, live=False), why=why)
            else:
                name, declared = estimating
                own = settings_of(name, declared, root=root, contract=contract)
                measured = replace(rule, guard=_estimating(build_guards(own)))
                judged = _judged(replace(compiled, rule=measured), own, declared)
                yield _within(compiled, judged, own)


def _within(compiled: CompiledGuard, judged: CompiledGuard, own: Settings) -> CompiledGuard:
    """The kinds that ``data/pii`` names and that were calibrated, from the threshold that was."""
    rule = compiled.rule
    if not judged.rule.live or judged.calibration is None:
        return replace(judged, rule=replace(rule, live=False))
    kinds: frozenset[str] = getattr(rule.guard, "kinds", frozenset()) & getattr(
        judged.rule.guard, "kinds", frozenset()
    )
    if not kinds:
        why = "the guard pii of the contract looks for other kinds, so these have no calibration"
        return replace(compiled, rule=replace(rule, live=False), why=why)
    threshold = judged.calibration.threshold if own.threshold is None else own.threshold
    settings = replace(own, name="pii_names", uses=None, find=tuple(sorted(kinds)), threshold=threshold)
    return replace(judged, rule=replace(rule, guard=_estimating(build_guards(settings))))
