"""How texts are parted into those that a model learns from and those that it is tried on.

Three ways, from the strictest: a whole source is kept apart; texts that are alike are kept apart; single texts
are, where the held-out part of the safety data was drawn so. Under each of them a generated text that is alike
to a text that a model is tried on is not learnt from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import guards_corpus as corpus
import numpy as np
import numpy.typing as npt
from guards_corpus import ALIKE, Example, shingles

__all__ = ["BY_LIKENESS", "BY_SOURCE", "BY_TEXT", "Split", "barred"]

FOLDS = 5
# Parted by a hash of the text or by a split of their authors; jailbreaks, contrasts and kinds of attack are not.
_BY_TEXT = re.compile(
    r"CyberSecEval|self-instruct|MITRE-FRR|TruthfulQA|AdvBench|deepset( benign)?|Banking77|moderation.*"
)
_APART = ("in the wild", "CyberSecEval", "deepset")


@dataclass(frozen=True, slots=True)
class Split:
    """A way to part texts: in how many parts, and in which of them one is."""

    name: str
    folds: int
    fold_of: Callable[[Example], int]


def _by_text(example: Example) -> int:
    alone = _BY_TEXT.fullmatch(example.source) is not None
    return corpus.fold_of(f"{example.source}:{example.text}" if alone else example.group, FOLDS)


def _by_source(example: Example) -> int:
    source = example.source.removesuffix(" benign")
    return _APART.index(source) if source in _APART else corpus.fold_of(example.group, len(_APART))


BY_LIKENESS = Split("texts alike kept apart", FOLDS, lambda example: corpus.fold_of(example.group, FOLDS))
BY_TEXT = Split("drawn as the held-out part was", FOLDS, _by_text)
BY_SOURCE = Split("each source of attacks kept apart as a whole", len(_APART), _by_source)


def barred(examples: Sequence[Example], split: Split) -> npt.NDArray[np.bool_]:
    """For each text (rows) and part (columns): may a model that is tried on that part not learn from it?"""
    table = np.zeros((len(examples), split.folds), dtype=np.bool_)
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes = {}
    for index, example in enumerate(examples):
        table[index, split.fold_of(example)] = True
        if not example.made:
            own = shingles(example.text)
            sizes[index] = len(own)
            for shingle in own:
                holders[shingle].append(index)
    for index, example in enumerate(examples):
        if example.made:
            own = shingles(example.text)
            shared: dict[int, int] = defaultdict(int)
            for shingle in own:
                for other in holders.get(shingle, ()):
                    shared[other] += 1
            for other, count in shared.items():
                if count / min(len(own), sizes[other]) > ALIKE:
                    table[index, split.fold_of(examples[other])] = True
    return table
