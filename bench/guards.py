"""What the guards of a call cost, as a whole pipeline and one by one, on messages of 200 words.

    .venv/bin/python bench/guards.py [--messages 300] [--words 200] [--texts FILE.jsonl]

CPU is of the process, wall what passed, each for one message; the asked limits stand beside them. On a machine
that does other work too, only CPU tells what the guards cost. The messages are questions of
customers with names, mail addresses and numbers in them, or the field ``text`` of a file, joined up to the
length. A stream is fed in pieces of four characters, so that its cost is that of looking again and again.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Guard, GuardContext, Passage, Stage
from launchworthy.runtime.guards.catalog import Settings, build_guards
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule
from launchworthy.runtime.streaming import HeldStream

CONTEXT = GuardContext(passages=(Passage(text="Orders arrive within five days of payment.", id="orders.md"),))
SENTENCES = (
    "I ordered a pair of shoes on {day} and they still have not arrived, although your page says five days.",
    "My name is {name}, my order is {order} and you can write to {mail} or call me at {phone}.",
    "The card that paid ends in {last}, and the bank says that the money has left my account.",
    "Could you please tell me whether the parcel is lost, and what happens to my refund if it is?",
    "I have asked twice in the chat, and each time I was told to wait for two more days.",
    "We live at {number} High Street, the bell does not work, so the driver should knock or leave it next door.",
    "If it cannot be delivered, I would rather take the blue ones in size {number} than wait any longer.",
    "Please do not send me another survey before this is settled; thank you for your help.",
)
NAMES = ("Ana Silva", "Wei Chen", "Tom Baker", "Noor Haddad", "Lena Fischer", "Kofi Mensah")


def made_messages(count: int, words: int, rng: random.Random) -> list[str]:
    """Messages of customers."""
    return [joined((sentence(rng) for _ in range(words)), words) for _ in range(count)]


def sentence(rng: random.Random) -> str:
    """One of the sentences, filled in."""
    name = rng.choice(NAMES)
    return rng.choice(SENTENCES).format(
        day=rng.choice(("Monday", "12 May", "2026-05-12")),
        name=name,
        order=f"A-{rng.randint(10_000, 99_999)}",
        mail=f"{name.lower().replace(' ', '.')}@mail.example",
        phone=f"+44 20 7946 0{rng.randint(100, 999)}",
        last=rng.randint(1_000, 9_999),
        number=rng.randint(1, 99),
    )


def joined(sentences: Iterable[str], words: int) -> str:
    """Sentences up to so many words."""
    taken: list[str] = []
    for each in sentences:
        taken += each.split()
        if len(taken) >= words:
            break
    return " ".join(taken[:words])


def read_messages(path: Path, count: int, words: int, rng: random.Random) -> list[str]:
    """Messages joined from the texts of a file."""
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [joined((rng.choice(texts) for _ in range(words)), words) for _ in range(count)]


def rules(guards: Iterable[Guard]) -> list[GuardRule]:
    """Each guard at every stage, changing nothing."""
    return [
        GuardRule(name=guard.name, guard=guard, stages=frozenset(Stage), action=Action.LOG)
        for guard in guards
    ]


def measured(work: Callable[[str], object], messages: Sequence[str]) -> tuple[float, ...]:
    """CPU ms a message, its 99th percentile, and the median and 99th percentile of wall ms."""
    for message in messages[:20]:
        work(message)
    walls, cpus = [], []
    for message in messages:
        start, began = time.perf_counter(), time.process_time()
        work(message)
        cpus.append((time.process_time() - began) * 1_000)
        walls.append((time.perf_counter() - start) * 1_000)
    walls.sort()
    cpus.sort()
    last = int(0.99 * (len(walls) - 1))
    return statistics.fmean(cpus), cpus[last], statistics.median(walls), walls[last]


def streamed(pipeline: GuardPipeline) -> Callable[[str], object]:
    """The same as a stream of pieces of four characters."""

    def work(message: str) -> str:
        held = HeldStream(pipeline, CONTEXT)
        for start in range(0, len(message), 4):
            held.feed(message[start : start + 4])
        held.end()
        return held.released

    return work


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--texts", type=Path)
    options = parser.parse_args(arguments)
    rng = random.Random(7)
    if options.texts is None:
        messages = made_messages(options.messages, options.words, rng)
    else:
        messages = read_messages(options.texts, options.messages, options.words, rng)

    patterns, names = build_guards(Settings(name="pii"))
    local = [
        patterns,
        *build_guards(Settings(name="prompt_injection")),
        *build_guards(Settings(name="secrets")),
    ]
    others = [
        Settings(name="hidden_text"),
        Settings(name="harm"),
        Settings(name="terms", terms=tuple(f"brand{n} shop" for n in range(200))),
        Settings(name="topic", terms=("legal advice", "account security", "medical products")),
        Settings(name="length", options={"max_words": 900}),
        Settings(name="language", find=("en",)),
        Settings(name="citations"),
        Settings(name="grounding"),
    ]
    alone = [guard for settings in others for guard in build_guards(settings)]

    def checking(guards: Iterable[Guard]) -> Callable[[str], object]:
        pipeline = GuardPipeline(rules(guards))
        return lambda message: pipeline.check(Stage.OUTPUT, message, CONTEXT)

    rows: list[tuple[str, Callable[[str], object], str]] = [
        ("pipeline: pii patterns, injection, secrets", checking(local), "CPU <= 5, p99 <= 15"),
        ("pipeline: the same and the tagger of names", checking([*local, names]), "CPU <= 25"),
        ("stream: pii patterns, secrets", streamed(GuardPipeline(rules([patterns, local[2]]))), ""),
        *((f"  {guard.name}", checking([guard]), "") for guard in (*local, names, *alone)),
    ]
    print(f"{len(messages)} messages of {options.words} words, {options.texts or 'generated'}")
    print(f"{'':46}{'CPU ms':>8}{'p99':>8}{'wall p50':>10}{'p99':>8}  asked")
    for name, work, asked in rows:
        cpu, most, median, late = measured(work, messages)
        print(f"{name:46}{cpu:8.2f}{most:8.2f}{median:10.2f}{late:8.2f}  {asked}")


if __name__ == "__main__":
    main(sys.argv[1:])
