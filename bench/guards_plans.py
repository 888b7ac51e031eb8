"""What the models of the guards learn from, and what they are tried on.

Each plan names the lessons of its heads and its uses; ``guards_fitting`` fits and tries them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import guards_corpus as corpus
from guards_corpus import Carrier, Example
from guards_fitting import GatePlan, Lesson, Plan, TermPlan, Use, units_of
from guards_split import BY_LIKENESS, Split

SEED = 20
FOLDS = BY_LIKENESS.folds

# ── Injection ─────────────────────────────────────────────────────────────────────────────────────────

REAL_BENIGN = (
    "Banking77",
    "MITRE-FRR",
    "self-instruct",
    "TruthfulQA",
    "XSTest safe",
    "deepset benign",
)
DIRECT_ATTACKS = ("in the wild", "CyberSecEval", "deepset")
_DIRECT_WEIGHTS = {
    "self-instruct": 4.0,
    "XSTest safe": 3.0,
    "MITRE-FRR": 2.0,
    "CyberSecEval": 4.0,
    "deepset": 4.0,
}


def pieces(text: str, most: int, rng: random.Random) -> Iterator[str]:
    """Some units of a text, and some runs of two and four."""
    units = units_of(text)
    yield from units if len(units) <= most else rng.sample(units, most)
    for _ in range(min(4, len(units) - 1)):
        at = rng.randrange(len(units) - 1)
        yield "\n".join(units[at : at + rng.choice((2, 4))])


def injection_lessons(folder: Path, split: Split) -> dict[str, Lesson]:
    """What each head learns from.

    ``message`` learns what speaks to the model against its owner in messages of users, ``attack`` the same
    wherever it stands, ``typed`` what is such a message and no mail, table, page or code that was pasted, and
    ``planted`` what was put into a text.
    """
    rng = random.Random(SEED)
    attacks, requests = corpus.made_attacks(1, 12), corpus.made_requests(2, 12)
    families = corpus.made_families(5, 12)
    clean = corpus.carriers(folder) + corpus.made_carriers(7, 400)
    direct = [
        replace(example, weight=example.weight * _DIRECT_WEIGHTS.get(example.source, 1.0))
        for example in corpus.direct_examples(folder)
    ]
    outside: list[Example] = []
    for carrier in clean + corpus.made_records(8, 150):
        weight = 0.7 if carrier.kind == "table" else _pasted_weight(carrier)
        most = 6 if carrier.kind == "table" else 25
        for piece in pieces(carrier.text, most, rng):
            outside.append(Example(piece, 0, carrier.kind, carrier.group, weight))
    for example in corpus.outside_prose(folder):
        outside += [replace(example, text=piece) for piece in pieces(example.text, 8, rng)]
    sentences = [replace(example, weight=3.0) for example in corpus.planted_sentences(folder)]
    planted = [*sentences, *corpus.made_planted(3, 14), *attacks, *corpus.asked_of_models(folder)]
    shares = {
        "Banking77": 0.0,
        "mail": 0.5,
        "page": 0.3,
        "completions": 0.4,
        "statements": 0.4,
        "letters": 0.3,
    }
    calm = [
        replace(example, weight=0.4) for example in outside if rng.random() < shares.get(example.source, 0.15)
    ]
    messages = [*direct, *attacks, *requests, *families]
    typed = [replace(example, label=1, weight=1.0) for example in messages]
    pasted = [Example(one.text, 0, f"clean {one.kind}", one.group, _pasted_weight(one)) for one in clean]
    return {
        "message": Lesson.of(messages, split, strength=3.0),
        "typed": Lesson.of([*typed, *pasted], split, strength=1.0),
        "attack": Lesson.of([*messages, *calm], split, strength=3.0),
        "planted": Lesson.of([*planted, *outside], split, strength=10.0),
    }


def _pasted_weight(carrier: Carrier) -> float:
    return 0.4 if carrier.kind == "table" else 2.0 if carrier.group.startswith("bipia") else 1.0


def direct_texts(folder: Path) -> list[Example]:
    """What may stand in an input: messages, attacks, mails that are pasted, and attacks within those."""
    rng = random.Random(SEED + 1)
    attacks = corpus.made_attacks(11, 6)
    found = [*corpus.direct_examples(folder), *attacks, *corpus.made_requests(12, 6)]
    for carrier in corpus.carriers(folder) + corpus.made_carriers(17, 150):
        if carrier.kind == "table" and rng.random() < 0.7:
            continue
        found.append(Example(carrier.text, 0, f"clean {carrier.kind}", carrier.group))
        fitting = _fold_mates(attacks, carrier)
        if fitting:
            place = rng.choice(("start", "middle", "end"))
            found.append(replace(corpus.planted(carrier, rng.choice(fitting), place, rng), weight=0.3))
    return found


def planted_texts(folder: Path) -> list[Example]:
    """Mails, tables, code and pages as they are, and with a sentence planted in them."""
    rng = random.Random(SEED + 2)
    sentences, made = corpus.planted_sentences(folder), corpus.made_planted(13, 8)
    attacks = corpus.made_attacks(14, 4)
    found = []
    for carrier in corpus.carriers(folder) + corpus.made_carriers(18, 150) + corpus.made_records(19, 60):
        real = carrier.group.startswith("bipia")
        label = "clean" if real else "clean made"
        found.append(Example(carrier.text, 0, f"{label} {carrier.kind}", carrier.group))
        own = [one for one in sentences if ("code" in one.source) == (carrier.kind == "code")]
        for pool, weight in ((own if real else [], 1.0), (made, 0.5), (attacks, 0.5)):
            fitting = _fold_mates(pool, carrier)
            if fitting:
                for place in ("start", "middle", "end"):
                    hidden = corpus.planted(carrier, rng.choice(fitting), place, rng)
                    found.append(replace(hidden, weight=weight))
        piece = rng.choice(units_of(carrier.text) or [carrier.text])
        found.append(Example(piece, 0, "clean line", carrier.group))
    for example in corpus.outside_prose(folder):
        if example.source == "statements":
            found.append(replace(example, source="clean line"))
    for pool, share in ((sentences, 1.0), (made, 0.3), (attacks, 0.3)):
        for one in pool:
            if rng.random() < share:
                found.append(replace(one, source=f"{one.source}, alone", weight=0.3))
    return found


def _fold_mates(sentences: Sequence[Example], carrier: Carrier) -> list[Example]:
    fold = corpus.fold_of(carrier.group, FOLDS)
    return [one for one in sentences if corpus.fold_of(one.group, FOLDS) == fold]


CLEAN_OUTSIDE = ("clean mail", "clean table", "clean code")
CLEAN_MADE = tuple(f"clean made {kind}" for kind in ("mail", "table", "code", "page", "record"))
DIRECT_TERMS = (
    TermPlan(
        ("message:whole", "message:1", "message:4", "attack:whole"),
        REAL_BENIGN,
        0.0085,
        ("made attack in", "clean"),
        GatePlan("typed:whole", ("clean mail", "clean table", "clean code", "clean page"), 0.01),
    ),
    TermPlan(
        ("attack:1", "attack:2", "attack:4", "length"),
        (*REAL_BENIGN, *CLEAN_OUTSIDE, "clean page", "moderation"),
        0.003,
    ),
)
PLANTED_TERMS = (
    TermPlan(
        ("planted:1", "planted:2", "planted:middle", "planted:whole", "length"),
        CLEAN_OUTSIDE,
        0.004,
        ("clean line",),
    ),
    TermPlan(
        ("attack:1",),
        (*CLEAN_OUTSIDE, "clean line", *CLEAN_MADE),
        0.001,
    ),
)


# ── Refusal and harm ──────────────────────────────────────────────────────────────────────────────────

REFUSED = ("refused", "refused in part")
HARMFUL = ("AdvBench", "HarmBench", "XSTest unsafe", "moderation harmful")


def refusal_texts(folder: Path) -> list[Example]:
    """Replies, real and made."""
    prose = corpus.outside_prose(folder)
    statements = [replace(one, weight=0.3) for one in prose if one.source == "statements"]
    return [*corpus.replies(folder), *corpus.made_replies(5, 12), *statements]


def refusal_lessons(folder: Path, split: Split) -> dict[str, Lesson]:
    """Whole replies, and how they begin."""
    rng = random.Random(SEED + 3)
    texts = refusal_texts(folder)
    found = list(texts)
    for example in texts:
        units = units_of(example.text)
        if len(units) > 2 and example.source != "refused in part":
            beginning = "\n".join(units[: rng.choice((1, 2))])
            found.append(replace(example, text=beginning, weight=example.weight / 2))
    return {"refusal": Lesson.of(found, split, strength=30.0)}


def injection_uses(folder: Path) -> Sequence[Use]:
    """At the input, and in text from outside."""
    planted = planted_texts(folder)
    hidden = sorted(
        {one.source for one in planted if one.source.startswith("BIPIA") and " in " in one.source}
    )
    return (
        Use("direct", direct_texts(folder), DIRECT_TERMS, DIRECT_ATTACKS, REAL_BENIGN),
        Use("planted", planted, PLANTED_TERMS, hidden, CLEAN_OUTSIDE),
    )


def refusal_uses(folder: Path) -> Sequence[Use]:
    """Of whole replies."""
    terms = (TermPlan(("refusal:whole", "refusal:first"), ("complied",), 0.01, ("made", "statements")),)
    return (Use("refusal", refusal_texts(folder), terms, REFUSED, ("complied",)),)


def harm_lessons(folder: Path, split: Split) -> dict[str, Lesson]:
    """What people ask or write."""
    return {"harm": Lesson.of(corpus.harm_examples(folder), split, strength=10.0)}


def harm_uses(folder: Path) -> Sequence[Use]:
    """Of requests and texts."""
    calm = (*REAL_BENIGN, "moderation clean")
    terms = (TermPlan(("harm:whole", "harm:1", "harm:2", "length"), calm),)
    return (Use("harm", corpus.harm_examples(folder), terms, HARMFUL, calm),)


PLANS = (
    Plan(
        name="injection",
        number=2,
        lessons=injection_lessons,
        uses=injection_uses,
        limits=(
            "Attacks and clean texts are from different sources, so their style helps to tell them apart.",
            "The families of generated texts were chosen after reading what an earlier model missed in training and among the demo's cases, and what it flagged of the red team's twins; "
            "a generated text that shares runs of words with a text it is tried on was not learnt from.",
            "No attacker adapted to this model; one who may try many phrasings will find some that pass.",
            "Questions that only the owner's instructions make into attacks are not found.",
            "Phrasings in languages other than English are mostly generated.",
        ),
    ),
    Plan(
        name="refusal",
        number=2,
        lessons=refusal_lessons,
        uses=refusal_uses,
        limits=(
            "The real replies are of two models, to other prompts than those it is tried on.",
            "A reply that argues with the question instead of answering it counts as a refusal.",
            "Refusals in other languages than English are generated.",
        ),
    ),
    Plan(
        name="harm",
        number=2,
        lessons=harm_lessons,
        uses=harm_uses,
        limits=(
            "It cannot tell harmless prompts from harmful ones that use the same words; see XSTest. Keep it in shadow.",
            "Borderline requests about security are flagged more often than others; see MITRE-FRR.",
        ),
    ),
)
