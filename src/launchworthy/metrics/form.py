"""Whether an answer has the form that was asked for: its length, its language, and all of it at once.

May import this room, ``errors``, ``functions`` and ``records``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.errors import InputError
from launchworthy.functions import load_function
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.language import LANGUAGES, language_of
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.sentences import CHUNK, sentences
from launchworthy.metrics.text import UNSPACED, json_schema, regex
from launchworthy.records import Score

__all__ = ["FAMILY", "format_adherence", "in_language", "length_within"]

UNITS = ("characters", "words", "sentences", "tokens")
_BOUNDS = re.compile(r"\s*(?P<least>\d{0,9})\s*\.\.\s*(?P<most>\d{0,9})\s*(?P<unit>[a-z]*)\s*")
_LONGEST = 1_000_000  # characters of an answer
_ALSO = {"no": "nb", "nn": "nb", "iw": "he", "in": "id"}
_HINT = "write 5..50 words, ..280 characters, 1..3 sentences, or 10.. tokens"

Tokenizer = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """From ``least`` to ``most`` of a unit, both included; None where an end is open."""

    least: int
    most: int | None
    unit: str

    def __str__(self) -> str:
        return f"{self.least}..{'' if self.most is None else self.most} {self.unit}"


def _bounds(told: Any) -> _Bounds:
    """The bounds that a text or a mapping tells.

    Raises:
        ValueError: It tells none.
    """
    if isinstance(told, str):
        match = _BOUNDS.fullmatch(told)
        if match is None or not (match["least"] or match["most"]):
            raise ValueError(f"{told!r:.60} is no length")
        told = {"min": int(match["least"] or 0), "max": int(match["most"]) if match["most"] else None}
        told["unit"] = match["unit"] or "words"
    if not isinstance(told, Mapping) or set(told) - {"min", "max", "unit"} or not set(told) & {"min", "max"}:
        raise ValueError("a length has a min, a max or both, and a unit")
    least, most, unit = told.get("min"), told.get("max"), told.get("unit", "words")
    for end in (least, most):
        if end is not None and (isinstance(end, bool) or not isinstance(end, int) or end < 0):
            raise ValueError(f"{end!r:.40} is no whole number of 0 or more")
    if not isinstance(unit, str) or unit not in UNITS:
        raise ValueError(f"the unit {unit!r:.40} is none of {', '.join(UNITS)}")
    if most is not None and (least or 0) > most:
        raise ValueError(f"the length ends at {most} before it begins at {least}")
    return _Bounds(least or 0, most, unit)


def _text(row: Mapping[str, Any]) -> str:
    output = row.get("output")
    if not isinstance(output, str):
        raise CannotScore("field 'output' is missing or not text")
    if len(output) > _LONGEST:
        raise CannotScore(f"field 'output' is longer than {_LONGEST:,} characters")
    return output


def _yes_or_no(holds: bool, **detail: Any) -> Score:
    return Score(
        value=float(holds), statistics={"total": float(holds), "items": 1.0}, detail={} if holds else detail
    )


def length_within(*, bounds: str | None = None, tokenizer: str | Tokenizer | None = None) -> Metric:
    """Whether the answer is as long as was asked.

    Args:
        bounds: Such as ``5..50 words``; else the row's ``length``.
        tokenizer: ``module:function`` (or the function) from a text to its tokens, for the unit ``tokens``.

    Raises:
        InputError: It is no length, there is no such function, or tokens are asked without one.
    """
    function = load_function(tokenizer, what="tokenizer") if isinstance(tokenizer, str) else tokenizer
    fixed = None if bounds is None else _asked_bounds(bounds, function)

    def read(row: Mapping[str, Any]) -> Score:
        wanted = fixed
        if wanted is None:
            try:
                wanted = _bounds(row.get("length"))
            except ValueError as error:
                raise CannotScore(f"field 'length': {error}") from error
        found = _measured(_text(row), wanted.unit, function)
        holds = wanted.least <= found and (wanted.most is None or found <= wanted.most)
        return _yes_or_no(holds, length=found, wanted=str(wanted))

    options = {} if fixed is None else {"bounds": str(fixed)}
    if tokenizer is not None:
        options["tokenizer"] = (
            tokenizer if isinstance(tokenizer, str) else getattr(tokenizer, "__qualname__", "function")
        )
    return Metric(
        name="length",
        doc="Share of answers whose length is within bounds.",
        fields=(
            Field("output", "the answer, as text"),
            Field("length", "`5..50 words`, or {min, max, unit}, unless the metric is given bounds", False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "Both ends are included. Characters are code points of the composed form (NFC), without white "
            "space at the ends; don't, e-mail and 3.5 are one word each, and so is each character of scripts "
            "without spaces; sentences as in groundedness; tokens need a `tokenizer`."
        ),
        source="Instruction following, length constraints (IFEval, Zhou et al., 2023)",
        options=options,
        any_of=("length",) if fixed is None else (),
    )


def _asked_bounds(bounds: str, function: Tokenizer | None) -> _Bounds:
    try:
        fixed = _bounds(bounds)
    except ValueError as error:
        raise InputError(str(error), where="bounds", hint=_HINT) from error
    if fixed.unit == "tokens" and function is None:
        raise InputError(
            "tokens are those of a tokenizer, and none was named",
            where="bounds",
            hint="add tokenizer=module:function, or count words",
        )
    return fixed


def _measured(text: str, unit: str, tokenizer: Tokenizer | None) -> int:
    if unit == "characters":
        return len(unicodedata.normalize("NFC", text.strip()))
    if unit == "words":
        return len(UNSPACED.findall(text)) + len(CHUNK.findall(UNSPACED.sub(" ", text)))
    if unit == "sentences":
        return len(sentences(text))
    if tokenizer is None:
        raise CannotScore("tokens are those of a tokenizer, and the metric was given none")
    try:
        return len(tokenizer(text))
    except Exception as error:
        raise CannotScore(f"the tokenizer raised {type(error).__name__}: {str(error)[:200]}") from error


def in_language(*, language: str | None = None) -> Metric:
    """Whether the answer is in the language asked for.

    Args:
        language: ISO 639-1 codes, such as ``en`` or ``en,de``; else the row's ``language``.

    Raises:
        InputError: A code that is not known here.
    """
    fixed = None
    if language is not None:
        try:
            fixed = _codes(language)
        except ValueError as error:
            raise InputError(
                str(error), where="language", hint=f"known are {', '.join(LANGUAGES)}"
            ) from error

    def read(row: Mapping[str, Any]) -> Score:
        wanted = fixed
        if wanted is None:
            try:
                wanted = _codes(row.get("language"))
            except ValueError as error:
                raise CannotScore(f"field 'language': {error}") from error
        found = language_of(_text(row))
        if found is None:
            raise CannotScore("the text is too short, or too close between languages, to say which it is in")
        return _yes_or_no(found in wanted, language=found)

    return Metric(
        name="language",
        doc="Share of answers in the language that was asked for.",
        fields=(
            Field("output", "the answer, as text"),
            Field("language", "code or list of codes, such as en, unless the metric is given one", False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "By script, and by pieces of one to four letters within it; knows "
            f"{', '.join(LANGUAGES)}. "
            "A text of fewer than 20 letters (4 characters where each is a syllable or a word), or one that "
            "two languages explain alike, cannot be scored. A language that it does not know is taken for "
            "its nearest."
        ),
        source="Cavnar and Trenkle, N-Gram-Based Text Categorization (1994), with naive Bayes",
        options={} if fixed is None else {"language": ",".join(sorted(fixed))},
        any_of=("language",) if fixed is None else (),
    )


def _codes(told: Any) -> frozenset[str]:
    """Codes of a list, or of a text with commas; ``en-GB`` is ``en``.

    Raises:
        ValueError: None, or one that is not known here.
    """
    names = told.split(",") if isinstance(told, str) else told
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError("it is missing, or no code of a language")
    found = set()
    for name in names:
        code = re.split("[-_]", name.strip().lower())[0]
        code = _ALSO.get(code, code)
        if code not in LANGUAGES:
            raise ValueError(f"the language {name!r:.40} is not known")
        found.add(code)
    return frozenset(found)


def format_adherence(
    *,
    schema: str | Mapping[str, Any] | None = None,
    pattern: str | None = None,
    length: str | None = None,
    language: str | None = None,
) -> Metric:
    """Whether the answer meets everything that was asked of its form.

    Raises:
        InputError: A schema, pattern, length or language that is none.
    """
    given = {"schema": schema, "pattern": pattern, "length": length, "language": language}
    makers: Mapping[str, Callable[..., Metric]] = {
        "schema": json_schema,
        "pattern": regex,
        "length": _length,
        "language": in_language,
    }
    fixed = {name: makers[name](**{name: value}) for name, value in given.items() if value is not None}
    by_row = {name: makers[name]() for name in given if name not in fixed}

    def read(row: Mapping[str, Any]) -> Score:
        asked = fixed | {name: metric for name, metric in by_row.items() if row.get(name) is not None}
        if not asked:
            raise CannotScore("nothing is asked: no schema, pattern, length or language")
        scores = {name: metric.score(row) for name, metric in asked.items()}
        unmet = sorted(name for name, score in scores.items() if score.value == 0.0)
        unknown = [score.error for score in scores.values() if score.value is None]
        if unknown and not unmet:
            raise CannotScore(unknown[0] or "it cannot be told")
        statistics = {"total": float(not unmet), "items": 1.0} | {f"unmet_{name}": 1.0 for name in unmet}
        return Score(value=float(not unmet), statistics=statistics, detail={"unmet": unmet} if unmet else {})

    options: dict[str, str] = {}
    for name, metric in fixed.items():
        options[name] = next(iter(metric.options.values()))
    return Metric(
        name="format-adherence",
        doc="Share of answers that meet everything that was asked of their form.",
        fields=(
            Field("output", "the answer"),
            Field("schema", "JSON Schema", required=False),
            Field("pattern", "regular expression", required=False),
            Field("length", "such as `5..50 words`", required=False),
            Field("language", "such as en", required=False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "All that the metric was given, and all that the row asks beside it, as json-schema, regex, "
            "length and language judge it. One that is not met decides, even where another cannot be told."
        ),
        source="Instruction following, strict accuracy by prompt (IFEval, Zhou et al., 2023)",
        options=options,
        any_of=() if fixed else tuple(given),
    )


def _length(*, length: str | None = None) -> Metric:
    return length_within(bounds=length)


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "length": (length_within, ("bounds", "tokenizer")),
    "language": (in_language, ("language",)),
    "format-adherence": (format_adherence, ("schema", "pattern", "length", "language")),
}
