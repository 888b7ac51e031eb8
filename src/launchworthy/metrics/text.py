"""Answers as text: exact match, token F1, format. May import this room, ``records`` and ``errors``."""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.matcher import PATTERN_ERRORS, validator
from launchworthy.metrics.matching import fullmatch, meets_schema
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.records import Score

__all__ = [
    "FAMILY",
    "UNSPACED",
    "exact_match",
    "json_schema",
    "normalise",
    "output_and_references",
    "regex",
    "token_f1",
    "tokens",
]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
# Scripts written without spaces: every character is a token. Han, kana, Thai, Lao, Myanmar, Khmer.
UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\U00020000-\U0003ffff]"
)
_CONVENTION = (
    "SQuAD's: lower case, punctuation and the articles a, an, the dropped, white space joined; beyond SQuAD, "
    "Unicode NFKC and punctuation of every script, and a token for each character of scripts without spaces "
    "(Chinese, Japanese, Thai, Lao, Myanmar, Khmer). Of several references the best counts."
)
_FIELDS = (
    Field("output", "the answer, as text"),
    Field("reference", "right answer: text, or a list of them"),
)


def normalise(text: str) -> str:
    """SQuAD's normal form, extended to every script: 東京 stays 東京."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(
        character
        for character in lowered
        if character not in string.punctuation and not unicodedata.category(character).startswith("P")
    )
    return " ".join(_ARTICLES.sub(" ", kept).split())


def tokens(text: str) -> list[str]:
    """Words of the normal form; single characters where a script has no spaces."""
    return UNSPACED.sub(r" \g<0> ", normalise(text)).split()


def _text(row: Mapping[str, Any]) -> str:
    output = row.get("output")
    if isinstance(output, bool) or not isinstance(output, (str, int, float)):
        raise CannotScore("field 'output' is missing or not text")
    return str(output)


def output_and_references(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The answer and the right answers of a row.

    Raises:
        CannotScore: One is missing, or is no text.
    """
    reference = row.get("reference")
    references = reference if isinstance(reference, (list, tuple)) else [reference]
    if not references or any(
        isinstance(one, bool) or not isinstance(one, (str, int, float)) for one in references
    ):
        raise CannotScore("field 'reference' is missing or not text")
    return _text(row), [str(one) for one in references]


def _mean(value: float) -> Score:
    return Score(value=value, statistics={"total": value, "items": 1.0})


def _f1(output: str, reference: str) -> float:
    said, right = Counter(tokens(output)), Counter(tokens(reference))
    if not said or not right:
        return float(said == right)
    shared = sum((said & right).values())
    return 2.0 * shared / (said.total() + right.total())


def exact_match() -> Metric:
    """Whether the answer is one of the references, in normal form."""

    def read(row: Mapping[str, Any]) -> Score:
        output, references = output_and_references(row)
        return _mean(float(normalise(output) in {normalise(one) for one in references}))

    return Metric(
        name="exact-match",
        doc="Share of answers that are one of the references, in normal form.",
        fields=_FIELDS,
        read=read,
        estimator=MeanEstimator(),
        convention=_CONVENTION,
        source="SQuAD 1.1 evaluation script (Rajpurkar et al., 2016)",
    )


def token_f1() -> Metric:
    """Overlap of the words of answer and reference."""

    def read(row: Mapping[str, Any]) -> Score:
        output, references = output_and_references(row)
        return _mean(max(_f1(output, one) for one in references))

    return Metric(
        name="token-f1",
        doc="Overlap of the words of answer and reference: harmonic mean of precision and recall, averaged.",
        fields=_FIELDS,
        read=read,
        estimator=MeanEstimator(),
        convention=_CONVENTION + " If either is empty in normal form, 1 when both are, else 0.",
        source="SQuAD 1.1 evaluation script (Rajpurkar et al., 2016)",
    )


def json_schema(*, schema: str | Mapping[str, Any] | None = None) -> Metric:
    """Whether the answer is JSON that meets a schema (a mapping, a file, or the row's ``schema``).

    Raises:
        InputError: The schema cannot be read, or is not a schema.
    """
    fixed = None if schema is None else _schema(schema)
    if fixed is not None:
        try:
            validator(json.dumps(fixed, sort_keys=True))
        except ValueError as error:
            raise InputError(str(error), where="schema") from error

    def read(row: Mapping[str, Any]) -> Score:
        wanted = row.get("schema") if fixed is None else fixed
        if not isinstance(wanted, (Mapping, bool)):
            raise CannotScore("no schema: give one to the metric, or a field 'schema'")
        return _mean(float(_meets(row.get("output"), wanted)))

    return Metric(
        name="json-schema",
        doc="Share of answers that are JSON and meet the schema.",
        fields=(
            Field("output", "the answer: JSON as text, or a JSON value"),
            Field("schema", "JSON Schema, unless one is given to the metric", required=False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "Text must be JSON and nothing else (no code fence); draft by $schema, else 2020-12; references "
            "to other documents are not followed, and then the answer cannot be scored; nor can it where a "
            "pattern takes longer than 2 s."
        ),
        source="JSON Schema 2020-12, library jsonschema",
        options={} if fixed is None else {"schema": _digest(json.dumps(fixed, sort_keys=True))},
    )


def regex(*, pattern: str | None = None) -> Metric:
    """Whether the whole answer matches a pattern (of the metric, or the row's ``pattern``).

    Raises:
        InputError: The pattern is not a regular expression.
    """
    if pattern is not None:
        try:
            re.compile(pattern)
        except PATTERN_ERRORS as error:
            raise InputError(f"not a regular expression: {error}", where="pattern") from error

    def read(row: Mapping[str, Any]) -> Score:
        wanted = row.get("pattern") if pattern is None else pattern
        if not isinstance(wanted, str):
            raise CannotScore("no pattern: give one to the metric, or a field 'pattern'")
        return _mean(float(fullmatch(wanted, _text(row))))

    return Metric(
        name="regex",
        doc="Share of answers that match the pattern as a whole.",
        fields=(
            Field("output", "the answer, as text"),
            Field("pattern", "regular expression, unless one is given to the metric", required=False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "Python's `re.fullmatch`; a dot also matches a line break. An answer on which it takes longer "
            "than 2 s cannot be scored."
        ),
        source="Python library reference, re",
        options={} if pattern is None else {"pattern": _digest(pattern)},
    )


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _schema(schema: str | Mapping[str, Any]) -> Any:
    if isinstance(schema, Mapping):
        return dict(schema)
    text = schema
    if not schema.lstrip().startswith("{"):
        try:
            text = Path(schema).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("the schema file cannot be read", where=schema) from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the schema is not JSON: {error}", where=schema[:80]) from error


def _meets(output: Any, schema: Any) -> bool:
    if output is None:
        raise CannotScore("field 'output' is missing")
    value = output
    if isinstance(output, str):
        try:
            value = json.loads(output, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return False
    return meets_schema(value, json.dumps(schema, sort_keys=True))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "exact-match": (exact_match, ()),
    "token-f1": (token_f1, ()),
    "json-schema": (json_schema, ("schema",)),
    "regex": (regex, ("pattern",)),
}
