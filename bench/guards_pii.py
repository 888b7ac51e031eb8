"""How well personal data is found, how often clean messages are touched, and what it costs.

    .venv/bin/python bench/guards_pii.py --data ../shared/data/safety [--presidio PYTHON]

A label is found where findings of its kind cover half of it, a finding is right where labels of its kind cover
half of it. Intervals take texts of one template together. Nothing of the labelled set was learnt from, nor any
template or value of the other style; of the clean messages the half that training leaves. ``--presidio`` names
a Python that has presidio-analyzer installed; it runs without a language model, as ours does without a download.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from guards_pii_texts import other_texts

from launchworthy.runtime.guards.pii import KINDS, PiiGuard, PiiNamesGuard
from launchworthy.runtime.guards.pii.kinds import IDENTITY_KINDS
from launchworthy.runtime.guards.pii.measuring import Agreement, Spans, agreement
from launchworthy.runtime.guards.pii.training.__main__ import learns_from
from launchworthy.runtime.guards.verdict import GuardContext, Outcome, Stage
from launchworthy.stats import wilson

# Kinds of the labelled set, in ours; what it labels beyond (titles, ages, nationalities) is no kind here.
OURS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip",
    "DOMAIN_NAME": "url",
    "ZIP_CODE": "postcode",
    "DATE_TIME": "date",
    "PERSON": "name",
    "STREET_ADDRESS": "address",
    "ORGANIZATION": "organisation",
    "GPE": "place",
}
STRUCTURED = ("email", "phone", "card", "iban", "us_ssn", "ip", "url", "postcode", "date")
NAMED = ("name", "address", "organisation")
Labelled = tuple[str, Spans, str]  # text, labels, template


def labelled_set(data: Path) -> list[Labelled]:
    """The texts of the labelled set."""
    texts = []
    for line in (data / "pii" / "presidio_research_synth_v2.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        labels = [
            (span["start_position"], span["end_position"], OURS[span["entity_type"]])
            for span in row["spans"]
            if span["entity_type"] in OURS
        ]
        texts.append((row["full_text"], labels, str(row["template_id"])))
    return texts


def other_style(count: int) -> list[Labelled]:
    """Texts of another style."""
    return [
        (made.text, [(s, e, "date" if k == "birth_date" else k) for s, e, k in made.spans], made.template)
        for made in other_texts(count, seed=11)
    ]


def found(guards: Sequence[PiiGuard | PiiNamesGuard], text: str) -> Spans:
    """What these guards find together; a date of birth is a date here."""
    return [
        (span.start, span.end, "date" if span.type == "birth_date" else span.type)
        for guard in guards
        for span in guard.check(Stage.INPUT, text, GuardContext()).spans
    ]


def print_agreement(
    title: str, texts: Sequence[Labelled], find: Callable[[str], Spans], kinds: Iterable[str]
) -> None:
    """One line of a kind, and one of all."""
    pairs = [(labels, find(text)) for text, labels, _ in texts]
    groups = [template for *_, template in texts]
    print(f"\n{title} ({len(texts):,} texts, {len(set(groups)):,} templates)")
    each = {kind: agreement(pairs, kinds=frozenset({kind}), groups=groups) for kind in kinds}
    each["all"] = agreement(pairs, kinds=frozenset(kinds), groups=groups)
    for kind, figure in each.items():
        if figure.labels or figure.findings:
            print(f"  {kind:<13}{_line(figure)}")


def _line(figure: Agreement) -> str:
    return f"{figure.labels:>5} labels  precision {figure.precision}  recall {figure.recall}  F1 {figure.f1}"


def print_touched(data: Path) -> None:
    """Share of clean messages in which anything is found."""
    lines = (data / "benign" / "banking77.jsonl").read_text(encoding="utf-8").splitlines()
    clean = [text for line in lines if not learns_from(text := json.loads(line)["text"])]
    print(f"\nClean messages touched ({len(clean):,} of Banking77 that training left)")
    for name, guards in (
        ("pii", [PiiGuard()]),
        ("pii_names", [PiiNamesGuard()]),
        ("without places", [PiiGuard(), PiiNamesGuard(find=NAMED)]),
        ("both", [PiiGuard(), PiiNamesGuard()]),
    ):
        touched = sum(bool(found(guards, text)) for text in clean)
        print(f"  {name:<15}{touched:>4}  {wilson(touched, n=len(clean))}")


def print_cost(data: Path, texts: Sequence[Labelled]) -> None:
    """CPU of messages of 200 words, half clean and half full of personal data."""
    lines = (data / "benign" / "banking77.jsonl").read_text(encoding="utf-8").splitlines()
    clean = [json.loads(line)["text"] for line in lines]
    words = " ".join(
        part for pair in zip(clean, [t for t, *_ in texts], strict=False) for part in pair
    ).split(" ")
    messages = [" ".join(words[at : at + 200]) for at in range(0, len(words) - 200, 200)]
    print(
        f"\nCPU ms for a message of 200 words ({len(messages)} messages, {sum(map(len, messages)) // len(messages)} characters)"
    )
    for guard in (PiiGuard(), PiiNamesGuard()):
        guard.check(Stage.INPUT, messages[0], GuardContext())
        taken = []
        for _ in range(3):
            for message in messages:
                started = time.thread_time()
                assert (
                    guard.check(Stage.INPUT, message, GuardContext()).outcome is not Outcome.COULD_NOT_CHECK
                )
                taken.append((time.thread_time() - started) * 1_000)
        taken.sort()
        print(f"  {guard.name:<10}p50 {taken[len(taken) // 2]:.2f}  p99 {taken[len(taken) * 99 // 100]:.2f}")


PRESIDIO = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import logging; logging.disable(logging.CRITICAL)
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}
    def load(self): pass
engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
texts = json.load(sys.stdin)
engine.analyze(texts[0], language="en")
started = time.process_time()
out = [[(r.start, r.end, r.entity_type) for r in engine.analyze(t, language="en", score_threshold=0.4)] for t in texts]
json.dump({"found": out, "cpu_s": time.process_time() - started}, sys.stdout)
"""
THEIRS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip",
    "URL": "url",
    "DATE_TIME": "date",
}


def print_presidio(python: str, texts: Sequence[Labelled], title: str) -> None:
    """The peer on the same texts, by the same rule; its other kinds are not held against it."""
    done = subprocess.run(
        [python, "-c", PRESIDIO],
        input=json.dumps([t for t, *_ in texts]),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"\nPresidio could not run: {done.stderr.strip().splitlines()[-1]}")
        return
    answer = json.loads(done.stdout)
    by_text = {
        text: [(start, end, THEIRS[kind]) for start, end, kind in spans if kind in THEIRS]
        for (text, *_), spans in zip(texts, answer["found"], strict=True)
    }
    print_agreement(
        f"Presidio without a model, threshold 0.4: {title}", texts, by_text.__getitem__, STRUCTURED
    )
    print(f"  CPU ms a text: {answer['cpu_s'] * 1_000 / len(texts):.2f}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data/safety"))
    parser.add_argument("--presidio", help="a Python that has presidio-analyzer")
    options = parser.parse_args()
    texts, others = labelled_set(options.data), other_style(1_200)
    patterns = PiiGuard(find=[kind for kind in KINDS if kind != "address"])
    names = PiiNamesGuard()
    print(f"{patterns.version}, {names.version}; {len(IDENTITY_KINDS)} kinds of identity numbers")
    for title, some in (("labelled set", texts), ("other style", others)):
        print_agreement(f"Structured, {title}", some, lambda text: found([patterns], text), STRUCTURED)
        print_agreement(f"Names, {title}", some, lambda text: found([names], text), NAMED)
        print_agreement(f"Places, {title}", some, lambda text: found([names], text), ("place",))
    print_touched(options.data)
    print_cost(options.data, texts)
    if options.presidio:
        print_presidio(options.presidio, texts, "labelled set")
        print_presidio(options.presidio, others, "other style")


if __name__ == "__main__":
    main()
