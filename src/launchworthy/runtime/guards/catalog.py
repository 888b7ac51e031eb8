"""From what the contract declares of a guard to the guard: built in, a function, a service, a model, a judge.

May import what ``runtime`` may. Each module of a guard is loaded when a contract names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.contract.guard_words import built_in_name, guard_suggestion
from launchworthy.errors import InputError
from launchworthy.runtime.guards.foreign import Limits
from launchworthy.runtime.guards.unready import UnreadyGuard
from launchworthy.runtime.guards.verdict import Guard

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Guard as Declared

__all__ = ["BUILDERS", "DEFAULT_TIMEOUT_S", "Settings", "build_guards", "settings_of"]

DEFAULT_TIMEOUT_S = 2.0
_MOST_EXAMPLES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a guard is built from, in plain values.

    Attributes:
        name: Its key in the contract.
        uses: What checks; None: the built-in guard of its name.
        find, threshold, thresholds, terms, exceptions, options, timeout_s: As declared.
        schema: File of a JSON Schema.
        root: Folder that the contract's paths are relative to.
        contract: The rest of the contract, for judges and subjects; None where there is none.
        callables: Functions that the application gives, by the name of the guard or by their address.
    """

    name: str
    uses: str | None = None
    find: tuple[str, ...] = ()
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    schema: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = DEFAULT_TIMEOUT_S
    root: Path = Path()
    contract: Contract | None = None
    callables: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def limits(self) -> Limits:
        """From which scores a guard that others wrote hits."""
        return Limits(find=frozenset(self.find), threshold=self.threshold, thresholds=self.thresholds)


def settings_of(
    name: str,
    declared: Declared,
    *,
    root: Path,
    contract: Contract | None = None,
    callables: Mapping[str, Callable[..., Any]] | None = None,
) -> Settings:
    """The settings of a guard of the contract."""
    return Settings(
        name=name,
        uses=declared.uses,
        find=declared.find,
        threshold=None if declared.threshold is None else declared.threshold.value,
        thresholds={kind: share.value for kind, share in declared.thresholds.items()},
        terms=declared.terms,
        exceptions=declared.except_,
        schema=None if declared.schema_ is None else root / declared.schema_,
        options=declared.options,
        timeout_s=DEFAULT_TIMEOUT_S if declared.timeout is None else declared.timeout.value / 1_000,
        root=root,
        contract=contract,
        callables=callables or {},
    )


def build_guards(settings: Settings) -> tuple[Guard, ...]:
    """The guards of one declaration, mostly one; ``pii`` is two, of which one estimates.

    A name of one's own without ``uses`` that the application gives no function for is a guard that could
    not check.

    Raises:
        InputError: What it names is not there, or cannot be used.
        MissingExtraError: A library that it needs is not installed.
    """
    name, uses = settings.name, settings.uses
    function = settings.callables.get(uses or name)
    if function is not None:
        return (_function(settings, function),)
    built_in = built_in_name(uses or name)
    if built_in is not None:
        return tuple(BUILDERS[built_in](settings))
    if uses is None:
        reason = f"nothing checks it: the contract names no `uses`, and no built-in guard is called {name}"
        return (UnreadyGuard(name=name, reason=reason),)
    kind, _, rest = uses.partition(":")
    if kind in ("http", "https"):
        return (_remote(settings, uses),)
    if kind == "model":
        return (_model(settings, rest),)
    if kind == "judge":
        return (_judge(settings, rest),)
    if not rest:
        hint = guard_suggestion(uses) or "write module:function, https://…, model:FILE or judge:NAME"
        raise InputError(f'there is no built-in guard "{uses[:60]}"', where=f"guards/{name}", hint=hint)
    from launchworthy.functions import load_function

    return (_function(settings, load_function(uses, what="guard")),)


def _function(settings: Settings, function: Callable[..., Any]) -> Guard:
    from launchworthy.runtime.guards.callables import CallableGuard

    return CallableGuard(function, name=settings.name, limits=settings.limits)


def _remote(settings: Settings, url: str) -> Guard:
    from launchworthy.runtime.guards.remote import RemoteGuard, Shape

    options = {key: str(value) for key, value in settings.options.items()}
    key_env = options.pop("key_env", None)
    return RemoteGuard(
        url,
        name=settings.name,
        shape=Shape(**options),
        limits=settings.limits,
        key_env=key_env,
        timeout_s=settings.timeout_s,
    )


def _model(settings: Settings, file: str) -> Guard:
    from launchworthy.runtime.guards.model_file import ModelFileGuard

    benign = settings.options.get("benign")
    return ModelFileGuard(
        settings.root / file,
        name=settings.name,
        limits=settings.limits,
        benign=None if benign is None else str(benign),
    )


def _judge(settings: Settings, name: str) -> Guard:
    from launchworthy.runtime.guards.judge import JudgeGuard

    declared = None if settings.contract is None else settings.contract.proof.judges.get(name)
    if declared is None or declared.rubric is None:
        missing = "there is no such judge" if declared is None else "the judge has no rubric"
        raise InputError(
            f"{missing}: {name[:60]}",
            where=f"guards/{settings.name}",
            hint="declare it under proof/judges with models and a rubric",
        )
    path = settings.root / declared.rubric
    try:
        rubric = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the rubric of a judge cannot be read", where=str(path)) from error
    return JudgeGuard(
        name=settings.name,
        models=declared.models,
        rubric=rubric,
        base_url=declared.base_url,
        key_env=declared.key_env,
        limits=settings.limits,
        timeout_s=settings.timeout_s,
    )


def _injection(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.injection import InjectionGuard

    guard = InjectionGuard(name=settings.name, allowed=settings.exceptions)
    yield guard if settings.threshold is None else replace(guard, threshold=settings.threshold)


def _pii(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.pii import pii_guards

    return pii_guards(
        find=settings.find,
        threshold=settings.threshold,
        thresholds=settings.thresholds,
        exceptions=settings.exceptions,
    )


def _pii_names(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.pii import PiiNamesGuard

    yield PiiNamesGuard(
        find=settings.find,
        threshold=settings.threshold,
        thresholds=settings.thresholds,
        exceptions=settings.exceptions,
    )


def _secrets(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.secrets import SECRET_KINDS, SecretsGuard

    _known(settings, SECRET_KINDS)
    yield SecretsGuard(find=settings.find, allowed=settings.exceptions, name=settings.name)


def _hidden(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.hidden import HIDDEN_KINDS, HiddenTextGuard

    _known(settings, HIDDEN_KINDS)
    hosts = str(settings.options.get("hosts", "")).replace(",", " ").split()
    yield HiddenTextGuard(find=settings.find, hosts=tuple(hosts), name=settings.name)


def _known(settings: Settings, kinds: Sequence[str]) -> None:
    for kind in settings.find:
        if kind not in kinds:
            raise InputError(
                f'"{kind[:60]}" is nothing that {settings.name} looks for',
                where=f"guards/{settings.name}/find",
                hint=f"kinds are {', '.join(kinds)}",
            )


def _harm(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.harm import HarmGuard

    guard = HarmGuard(name=settings.name)
    yield guard if settings.threshold is None else replace(guard, threshold=settings.threshold)


def _topic(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.topic import TopicGuard

    pricing = None if settings.contract is None else settings.contract.pricing
    expected = None if pricing is None else pricing.expectations
    subjects = (*settings.terms, *(() if expected is None else expected.not_for))
    file = settings.options.get("examples")
    examples = () if file is None else _examples(settings.root / str(file))
    if not subjects and not examples:
        reason = "nothing says what is off topic: name terms, or not_for under pricing/expectations"
        yield UnreadyGuard(name=settings.name, reason=reason)
        return
    yield TopicGuard(subjects=subjects, examples=examples, threshold=settings.threshold, name=settings.name)


def _examples(path: Path) -> tuple[str, ...]:
    from itertools import islice

    from launchworthy.jsonl import read_jsonl

    found = []
    for line, row in islice(read_jsonl(path), _MOST_EXAMPLES):
        text = next(
            (row[key] for key in ("text", "input", "question") if isinstance(row.get(key), str)), None
        )
        if text is None:
            raise InputError(
                "the row has neither text, input nor question",
                where=f"{path}:{line}",
                hint="one question a line",
            )
        found.append(text)
    return tuple(found)


def _terms(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.terms import TermsGuard

    category = "competitor" if settings.name == "competitors" else "term"
    yield TermsGuard(
        terms=settings.terms, exceptions=settings.exceptions, name=settings.name, category=category
    )


def _length(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.length import LengthGuard

    yield LengthGuard(
        most_characters=settings.options.get("max_characters"),
        most_words=settings.options.get("max_words"),
        name=settings.name,
    )


def _language(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.language import LanguageGuard

    yield LanguageGuard(allowed=settings.find, name=settings.name)


def _schema(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.schema import JsonSchemaGuard

    if settings.schema is None:
        raise InputError("no schema is named", where=f"guards/{settings.name}", hint="add schema: FILE")
    yield JsonSchemaGuard(schema=settings.schema, name=settings.name)


def _citations(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.citations import CitationsGuard

    every = settings.options.get("every_sentence") is True
    yield CitationsGuard(every_sentence=every, name=settings.name)


def _grounding(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.grounding import GroundingGuard

    yield GroundingGuard(threshold=settings.threshold, name=settings.name)


def _presidio(settings: Settings) -> Iterable[Guard]:
    from launchworthy.runtime.guards.presidio import PresidioGuard

    model = settings.options.get("model")
    yield PresidioGuard(
        find=settings.find,
        threshold=settings.threshold,
        thresholds=settings.thresholds,
        exceptions=settings.exceptions,
        language=str(settings.options.get("language", "en")),
        model=None if model is None else str(model),
        name=settings.name,
    )


BUILDERS: Mapping[str, Callable[[Settings], Iterable[Guard]]] = {
    "prompt_injection": _injection,
    "pii": _pii,
    "pii_names": _pii_names,
    "secrets": _secrets,
    "hidden_text": _hidden,
    "harm": _harm,
    "topic": _topic,
    "terms": _terms,
    "length": _length,
    "language": _language,
    "json_schema": _schema,
    "citations": _citations,
    "grounding": _grounding,
    "presidio": _presidio,
}
"""How each built-in guard is made."""
