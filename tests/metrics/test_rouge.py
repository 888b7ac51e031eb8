"""ROUGE agrees with rouge-score; a text that it would lose is refused, or read as Unicode."""

from __future__ import annotations

import random
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

from launchworthy.errors import InputError
from launchworthy.metrics import find_metric, score_rows
from launchworthy.metrics.ngrams import lcs_length, shared_ngrams

NAMES = {"rouge-1": "rouge1", "rouge-2": "rouge2", "rouge-l": "rougeL"}
WORDS = "The running dogs; ran 3.5 miles, dog's a-b café İstanbul Kelvin generalization x".split()
TEXT = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.text(alphabet="ab AB1.é\n\u0301\ud800", max_size=12),
)
THEIRS = {stemmed: RougeScorer([*NAMES.values()], use_stemmer=stemmed) for stemmed in (False, True)}


@settings(max_examples=150, deadline=None)
@given(output=TEXT, references=st.lists(TEXT, min_size=1, max_size=3), stemmed=st.booleans())
def test_every_score_is_rouge_scores(output: str, references: list[str], stemmed: bool) -> None:
    options = {"stemmer": "porter"} if stemmed else {}
    for name, their in NAMES.items():
        score = find_metric(name, options=options).score({"output": output, "reference": references})
        if score.value is None:
            lost = "mostly in letters beyond" in str(score.error)
            assert lost or all(not THEIRS[False]._tokenizer.tokenize(one) for one in references)
            continue
        expected = THEIRS[stemmed].score_multi(references, output)[their].fmeasure
        assert score.value == expected, name


def test_long_texts_agree_too() -> None:
    rng = random.Random(2)
    kinds = [f"w{n}" for n in range(60)]
    for size in (40, 300):
        one, other = rng.choices(kinds, k=size), rng.choices(kinds, k=size + 17)
        theirs = THEIRS[False].score(" ".join(other), " ".join(one))
        for name, their in NAMES.items():
            score = find_metric(name).score({"output": " ".join(one), "reference": " ".join(other)})
            assert score.value == theirs[their].fmeasure


@settings(max_examples=100, deadline=None)
@given(
    one=st.lists(st.integers(0, 3), max_size=14),
    other=st.lists(st.integers(0, 3), max_size=14),
    n=st.integers(1, 4),
)
def test_what_two_lists_share_is_counted_as_by_definition(one: list[int], other: list[int], n: int) -> None:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    assert lcs_length(one, other, most=10**6) == table[-1][-1]
    pool = [tuple(other[at : at + n]) for at in range(len(other) - n + 1)]
    shared = 0
    for at in range(len(one) - n + 1):
        if (gram := tuple(one[at : at + n])) in pool:
            pool.remove(gram)
            shared += 1
    assert shared_ngrams(one, other, n) == shared


SCRIPTS = [
    "東京は日本の首都です",
    "กรุงเทพมหานคร",
    "القاهرة مدينة كبيرة",
    "Москва столица",
    "हिन्दी में लिखा",
    "ΑΘΗΝΑ",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", SCRIPTS)
def test_a_script_that_would_be_dropped_is_refused_by_default_and_read_as_unicode(
    name: str, text: str
) -> None:
    row = {"output": text, "reference": text}
    refused = find_metric(name).score(row)
    assert refused.value is None
    assert "tokenize=unicode" in str(refused.error)
    assert find_metric(name, options={"tokenize": "unicode"}).score(row).value == (
        0.0 if (name, text) == ("rouge-2", "ΑΘΗΝΑ") else 1.0  # a single word has no pair
    )


def test_a_year_beside_lost_words_is_not_taken_for_the_text() -> None:
    score = find_metric("rouge-1").score({"output": "大阪 2024", "reference": "東京都庁 2024"})
    assert score.value is None


def test_unicode_words_are_those_of_ascii_where_there_is_nothing_else() -> None:
    row = {"output": "It's the 3rd_dog, sir.", "reference": "the 3rd dog is sirs"}
    both = [find_metric("rouge-l", options={"tokenize": kind}).score(row) for kind in ("rouge", "unicode")]
    assert both[0] == both[1]
    accented = find_metric("rouge-1", options={"tokenize": "unicode"})
    assert accented.score({"output": "cafe\u0301", "reference": "Café"}).value == 1.0


def test_an_empty_answer_is_wrong_and_an_empty_reference_says_nothing() -> None:
    for name in NAMES:
        assert find_metric(name).score({"output": "", "reference": "yes"}).value == 0.0
        assert find_metric(name).score({"output": "...", "reference": "yes"}).value == 0.0
        assert find_metric(name).score({"output": "yes", "reference": "?!"}).value is None
        assert find_metric(name).score({"output": "yes", "reference": ["", "yes yes"]}).value is not None


def test_two_texts_too_long_to_align_are_refused_and_the_rest_is_linear() -> None:
    long = " ".join(str(n) for n in range(300_000))
    turned = " ".join(str(n) for n in reversed(range(300_000)))
    refused = find_metric("rouge-l").score({"output": long, "reference": turned})
    assert refused.value is None
    assert "too long" in str(refused.error)
    assert find_metric("rouge-l").score({"output": long, "reference": long}).value == 1.0
    assert find_metric("rouge-2").score({"output": long, "reference": turned}).value == 0.0
    short = find_metric("rouge-l").score({"output": long, "reference": "5 4 300"}).value
    assert short == pytest.approx(2 * 2 / 300_003)


def test_the_signature_says_how_words_were_made() -> None:
    assert find_metric("rouge-l").signature == "rouge-l|stemmer:none|tokenize:rouge|v1"
    assert find_metric("rouge_1", options={"stemmer": "porter"}).signature == (
        f"rouge-1|stemmer:porter-nltk-{version('nltk')}|tokenize:rouge|v1"
    )
    for options in ({"stemmer": "snowball"}, {"tokenize": "bpe"}):
        with pytest.raises(InputError):
            find_metric("rouge-l", options=options)


def test_the_mean_has_bounds() -> None:
    rows = [{"output": "a b c", "reference": "a b c" if n % 3 else "a x y"} for n in range(60)]
    found = score_rows(find_metric("rouge-l"), rows).overall.interval
    assert found is not None
    assert found.value == pytest.approx((40 + 20 / 3) / 60)
    assert found.low < found.value < found.high
