"""Whether an answer says only what its passages say, and whether its citations carry it.

May import this room, ``functions`` and ``records``. The scorer here reads words, numbers and names and needs
no model; it does not read meaning, so a sentence that denies a passage in its own words passes. A judge does
that, where a model is configured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.functions import load_function
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.passages import Passage, cited_ids, passages
from launchworthy.metrics.pooled import PooledShareEstimator
from launchworthy.metrics.sentences import Said, numbers_of, sentences, what_is_said
from launchworthy.records import Score

__all__ = ["FAMILY", "answered_without_evidence", "citation_precision", "citation_recall", "groundedness"]

COVERED = 0.6  # share of a sentence's words that its window must hold
SIMILAR = 0.7  # cosine from which an embedding supports
_WINDOW = 3  # sentences of a passage that may support one sentence together
_LONG_SENTENCE = 600  # characters; beyond, a passage's sentence is taken in pieces
_LONGEST = 100_000  # characters of an answer
_MOST_PAIRS = 5_000_000  # of a sentence and a window
_MARK = re.compile(r"\[([^\[\]\n]{1,200})\]")
_MARKS_AFTER_END = re.compile(
    r"(?<![.!?\u3002\uff01\uff1f])([.!?\u3002\uff01\uff1f]++)((?:\s*\[[^\[\]\n]{1,200}\])+)"
)
_ANSWERED = Field("answered", "false where no answer was given: such a row is not scored", required=False)
_OUTPUT = Field("output", "the answer, as text")

Embed = Callable[[list[str]], Any]


@dataclass(frozen=True, slots=True)
class _Window:
    """Neighbouring sentences of a passage, as what they say together."""

    words: frozenset[str]
    numbers: frozenset[float]
    names: frozenset[str]


class _Evidence:
    """Passages that may support a sentence."""

    def __init__(self, found: Sequence[Passage]) -> None:
        self.windows: list[_Window] = []
        self.texts: list[str] = []
        for passage in found:
            parts = [piece for sentence in sentences(passage.text) for piece in _pieces(sentence)]
            self.texts += parts
            said = [what_is_said(part) for part in parts]
            title = None if passage.id.isdecimal() else what_is_said(passage.id)
            for start in range(max(1, len(said) - _WINDOW + 1) if said else 0):
                near = said[start : start + _WINDOW]
                self.windows.append(_joined(near if title is None else [title, *near]))

    def supports(self, said: Said) -> bool:
        """Whether one window has the sentence's numbers and names, and enough of its words."""
        return any(
            all(number & window.numbers for number in said.numbers)
            and said.names <= window.names
            and len(said.words & window.words) >= COVERED * len(said.words)
            for window in self.windows
        )

    def has_numbers_of(self, said: Said) -> bool:
        """Whether any window has all its numbers."""
        return not said.numbers or any(
            all(number & window.numbers for number in said.numbers) for window in self.windows
        )


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence, or pieces of one that is a table, a listing or a text without full stops."""
    start = 0
    while len(sentence) - start > _LONG_SENTENCE:
        space = sentence.rfind(" ", start + _LONG_SENTENCE // 2, start + _LONG_SENTENCE)
        end = space if space > 0 else start + _LONG_SENTENCE
        yield sentence[start:end]
        start = end
    yield sentence[start:]


def _joined(said: Sequence[Said]) -> _Window:
    words = frozenset(word for one in said for word in one.words)
    names = frozenset(name for one in said for name in one.names | one.short)
    return _Window(words=words, numbers=numbers_of(said), names=names | words)


def _text(row: Mapping[str, Any]) -> str:
    if row.get("answered") is False:
        raise CannotScore("no answer was given, so nothing was claimed")
    output = row.get("output")
    if not isinstance(output, str):
        raise CannotScore("field 'output' is missing or not text")
    if len(output) > _LONGEST:
        raise CannotScore(f"field 'output' is longer than {_LONGEST:,} characters")
    return output


def _claims(text: str, known: set[str]) -> list[tuple[str, Said]]:
    """Sentences that claim something; questions, a bare "Yes." and "Source: returns.md" do not."""
    ids = sorted((re.escape(one) for one in known if not one.isdecimal()), key=len, reverse=True)
    named = re.compile(rf"(?<!\w)(?:{'|'.join(ids)})(?!\w)") if ids else None
    found = []
    for sentence in sentences(text):
        said = what_is_said(sentence)
        if named is not None and not what_is_said(named.sub(" ", sentence)).claims:
            continue
        if said.claims and not sentence.rstrip("\"'»”’)").endswith(("?", "\uff1f", "\u061f")):
            found.append((sentence, said))
    return found


def _without_marks(text: str, known: set[str]) -> str:
    return _MARK.sub(lambda mark: "" if _ids_of(mark, known) else mark[0], text)


def _ids_of(mark: re.Match[str], known: set[str]) -> list[str]:
    """The citations that ``[2]`` or ``[guide, 3]`` makes; none where they are no known ids."""
    named = [name.strip().lstrip("^") for name in re.split("[,;]", mark[1])]
    return named if all(name in known or (known and name.isdecimal()) for name in named) else []


def groundedness(*, embed: str | Embed | None = None) -> Metric:
    """Share of an answer's sentences that its passages support.

    Args:
        embed: ``module:function`` (or the function) from a list of texts to as many vectors: words are then
            compared by the cosine of their sentences; numbers must still match.

    Raises:
        InputError: There is no such function.
    """
    function = load_function(embed, what="embedding") if isinstance(embed, str) else embed

    def read(row: Mapping[str, Any]) -> Score:
        text = _text(row)
        found = passages(row.get("context"))
        known = {passage.id for passage in found}
        cited = set() if row.get("citations") is None else set(cited_ids(row["citations"], "citations"))
        if known & cited:
            found = [passage for passage in found if passage.id in cited]
        known |= cited
        claimed = _claims(_without_marks(text, known), known)
        if not claimed:
            raise CannotScore("the answer has no sentence that claims anything")
        evidence = _Evidence(found)
        if len(claimed) * len(evidence.windows) > _MOST_PAIRS:
            raise CannotScore("the answer and its passages have too many sentences to be compared")
        if function is None:
            supported = [evidence.supports(said) for _, said in claimed]
        else:
            supported = _similar(function, claimed, evidence)
        value = sum(supported) / len(supported)
        return Score(
            value=value,
            statistics={
                "total": value,
                "items": 1.0,
                "supported": float(sum(supported)),
                "sentences": float(len(supported)),
            },
            detail={
                "unsupported": [
                    sentence[:300]
                    for (sentence, _), holds in zip(claimed, supported, strict=True)
                    if not holds
                ]
            },
        )

    options = {} if embed is None else {"embed": embed if isinstance(embed, str) else _place(embed)}
    return Metric(
        name="groundedness",
        doc="Share of an answer's sentences that the passages it rests on support, averaged over answers.",
        fields=(
            _OUTPUT,
            Field("context", "passages: text, a list of texts or of {id, text}, or a mapping id → text"),
            Field("citations", "ids of the passages it cites; without them every passage counts", False),
            _ANSWERED,
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "A sentence is supported where three neighbouring sentences of one passage have all its numbers "
            f"and names and {round(100 * COVERED)} % of its words (by their first five letters; by pairs of "
            "characters in scripts without spaces). With `embed`, names and words give way to a cosine of "
            f"{SIMILAR:g} with one sentence. Questions, lines of sources and what says too little to check "
            "do not count. It reads words, not meaning: a denial in the same words passes."
        ),
        source="Ragas faithfulness (Es et al., 2024), with words in place of a model's judgement",
        options=options,
    )


def _place(function: Embed) -> str:
    return f"{function.__module__}:{getattr(function, '__qualname__', type(function).__name__)}"


def _similar(embed: Embed, claimed: Sequence[tuple[str, Said]], evidence: _Evidence) -> list[bool]:
    import numpy as np

    if not evidence.texts:
        return [False] * len(claimed)
    texts = [sentence for sentence, _ in claimed]
    vectors = np.asarray(embed([*texts, *evidence.texts]), dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(texts) + len(evidence.texts):
        raise CannotScore("the embedding did not answer one vector for each text")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or (lengths == 0).any():
        raise CannotScore("the embedding answered a vector of zeros, NaN or infinity")
    unit = vectors / lengths
    nearest = (unit[: len(texts)] @ unit[len(texts) :].T).max(axis=1).tolist()
    return [
        near >= SIMILAR and evidence.has_numbers_of(said)
        for near, (_, said) in zip(nearest, claimed, strict=True)
    ]


def answered_without_evidence() -> Metric:
    """Answers that rest on nothing."""

    def read(row: Mapping[str, Any]) -> Score:
        output = row.get("output")
        if row.get("answered") is False or (isinstance(output, str) and not output.strip()):
            raise CannotScore("no answer was given")
        given = [row[name] for name in ("citations", "ranked", "context") if row.get(name) is not None]
        if not given:
            raise CannotScore("none of the fields 'citations', 'ranked' and 'context' says what it rests on")
        if any(not isinstance(found, (list, tuple, Mapping, str)) for found in given):
            raise CannotScore("what the answer rests on is no list, text or mapping")
        value = float(not any(found.strip() if isinstance(found, str) else found for found in given))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="answered-without-evidence",
        doc="Share of the answers given that cite nothing and for which nothing was found.",
        fields=(
            Field("citations", "ids that the answer cites", required=False),
            Field("ranked", "ids that were found", required=False),
            Field("context", "passages that it was given", required=False),
            Field("output", "the answer; blank is none", required=False),
            _ANSWERED,
        ),
        read=read,
        estimator=MeanEstimator(),
        higher_is_better=False,
        convention=(
            "An answer has evidence where any of the three fields holds anything; a row with none of the "
            "fields cannot be scored, since nothing says that there was nothing."
        ),
        source="Abstention on empty retrieval, counted; no judgement of the evidence",
    )


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence with the ids it cites, those that carry it, and whether they do together."""

    cited: int
    precise: int
    supported: bool


def _statements(row: Mapping[str, Any]) -> list[_Statement]:
    """From what people judged, else from marks in the text, else from ids alone (as one statement)."""
    if row.get("answered") is False:
        raise CannotScore("no answer was given, so nothing was cited")
    judged = row.get("statements")
    if judged is not None:
        return _judged(judged)
    output, context = row.get("output"), row.get("context")
    if isinstance(output, str) and context is not None and _MARK.search(output):
        found = passages(context)
        known = {passage.id for passage in found}
        if any(_ids_of(mark, known) for mark in _MARK.finditer(output)):
            return _marked(_text(row), found)
    return []


def _judged(judged: Any) -> list[_Statement]:
    if not isinstance(judged, (list, tuple)):
        raise CannotScore("field 'statements' is not a list")
    found = []
    for entry in judged:
        if not isinstance(entry, Mapping):
            raise CannotScore("field 'statements' holds what is no object with citations and supported")
        cited = cited_ids(entry.get("citations", []), "citations of a statement")
        right = entry.get("supported")
        if isinstance(right, bool):
            found.append(_Statement(len(cited), len(cited) if right else 0, right and bool(cited)))
            continue
        carrying = set(cited) & set(cited_ids(right, "supported of a statement"))
        found.append(_Statement(len(cited), len(carrying), bool(carrying)))
    return found


def _marked(text: str, found: Sequence[Passage]) -> list[_Statement]:
    by_id = {passage.id: passage for passage in found}
    known = set(by_id)
    moved = _MARKS_AFTER_END.sub(r"\2\1", text)
    statements = []
    for sentence in sentences(moved):
        ids = list(dict.fromkeys(i for mark in _MARK.finditer(sentence) for i in _ids_of(mark, known)))
        said = what_is_said(_without_marks(sentence, known))
        if not said.claims and not ids:
            continue
        together = _Evidence([by_id[i] for i in ids if i in by_id]).supports(said)
        precise = 0
        for one in ids:
            alone = one in by_id and _Evidence([by_id[one]]).supports(said)
            rest = _Evidence([by_id[i] for i in ids if i != one and i in by_id])
            precise += alone or (together and not rest.supports(said))
        statements.append(_Statement(len(ids), precise, together))
    return statements


def _by_ids(row: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    right = row.get("supported")
    if right is None:
        right = row.get("relevant")
    if isinstance(right, Mapping):
        if any(isinstance(gain, bool) or not isinstance(gain, (int, float)) for gain in right.values()):
            raise CannotScore("a gain in 'supported' is not a number")
        right = [name for name, gain in right.items() if gain > 0]
    cited = cited_ids(row.get("citations"), "citations")
    return set(cited), set(cited_ids(right, "supported"))


_CITATION_FIELDS = (
    Field(
        "statements", "judged: list of {citations: ids, supported: ids that carry it, or true/false}", False
    ),
    Field("output", "the answer with marks such as [2] or [id], where nobody judged", required=False),
    Field("context", "the passages that the marks name", required=False),
    Field("citations", "ids cited by the answer as a whole, where it has no marks", required=False),
    Field("supported", "ids that support it; else `relevant`", required=False),
    _ANSWERED,
)
_CITATION_CONVENTION = (
    "Judged statements first; else each sentence with the passages that its marks name, supported as in "
    "groundedness; else the ids of the whole answer. Pooled over answers; the answer is the cluster."
)


def citation_precision() -> Metric:
    """Citations that carry what they stand at."""

    def read(row: Mapping[str, Any]) -> Score:
        statements = _statements(row)
        if statements:
            cited = sum(one.cited for one in statements)
            right = sum(one.precise for one in statements)
        else:
            named, supporting = _by_ids(row)
            cited, right = len(named), len(named & supporting)
        if not cited:
            raise CannotScore("nothing was cited")
        return Score(value=right / cited, statistics={"right": float(right), "cited": float(cited)})

    return Metric(
        name="citation-precision",
        doc="Share of the citations that support what they stand at.",
        fields=_CITATION_FIELDS,
        read=read,
        estimator=PooledShareEstimator("right", "cited"),
        convention=_CITATION_CONVENTION
        + " A citation is right that supports its sentence alone, or without which the others do not. An "
        "answer that cites nothing cannot be scored (citation-correctness: 0).",
        source="ALCE citation precision (Gao et al., 2023)",
    )


def citation_recall() -> Metric:
    """Statements that their citations carry."""

    def read(row: Mapping[str, Any]) -> Score:
        statements = _statements(row)
        if statements:
            wanted, carried = len(statements), sum(one.supported for one in statements)
        else:
            named, supporting = _by_ids(row)
            wanted, carried = len(supporting), len(named & supporting)
        if not wanted:
            raise CannotScore("there is nothing that a citation could support")
        return Score(value=carried / wanted, statistics={"carried": float(carried), "wanted": float(wanted)})

    return Metric(
        name="citation-recall",
        doc="Share of the answer's statements that their citations support.",
        fields=_CITATION_FIELDS,
        read=read,
        estimator=PooledShareEstimator("carried", "wanted"),
        convention=_CITATION_CONVENTION + " By ids alone: the share of the supporting ids that is cited.",
        source="ALCE citation recall (Gao et al., 2023)",
    )


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "groundedness": (groundedness, ("embed",)),
    "citation-precision": (citation_precision, ()),
    "citation-recall": (citation_recall, ()),
    "answered-without-evidence": (answered_without_evidence, ()),
}
