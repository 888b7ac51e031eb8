"""The texts from which the guards learn and by which they are measured: read from a folder, and generated.

The folder has the layout of the project's safety data (``injection/``, ``indirect/``, ``benign/``,
``harmful/``, ``refusal/``, ``moderation/``, ``pii/``); what is missing is left out. Texts that are alike
share a group, and a group is never on both sides of a split.
"""

from __future__ import annotations

import json
import pydoc_data.topics
import random
import re
import sysconfig
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import guards_phrases as phrases
import guards_replies
from guards_families import FAMILIES

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SHINGLE, ALIKE = 4, 0.3
_ROOMS = ("asyncio", "email", "http", "json", "logging", "unittest", "urllib", "xml/etree")


@dataclass(frozen=True, slots=True)
class Example:
    """One text: what it is, where it is from, and what it may not be parted from."""

    text: str
    label: int
    source: str
    group: str
    weight: float = 1.0

    @property
    def made(self) -> bool:
        """Whether it was generated."""
        return self.source.startswith("made ")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A clean text from outside, into which a sentence may be planted."""

    text: str
    kind: str  # mail, table, code or page
    group: str


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file; none where it is not there."""
    path = folder / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def said(template: str, rng: random.Random) -> str:
    """One sentence of a template."""
    while (match := _CHOICE.search(template)) is not None:
        template = template[: match.start()] + rng.choice(match[1].split("|")) + template[match.end() :]
    return re.sub(r"  +", " ", template).replace("\\n", "\n").strip()


def fold_of(group: str, folds: int) -> int:
    """Which part of the split a group is in."""
    return zlib.crc32(group.encode()) % folds


def shingles(text: str) -> set[tuple[str, ...]]:
    """Runs of four words; of a shorter text the whole."""
    words = re.findall(r"\w+", text.lower())
    size = min(_SHINGLE, max(1, len(words)))
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} or {(text,)}


def clusters(texts: Sequence[str], name: str) -> list[str]:
    """A group for each text: those that share many runs of four words are in one."""
    cut = [shingles(text) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, own in enumerate(cut):
        for shingle in own:
            holders[shingle].append(index)
    root = list(range(len(texts)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for index, own in enumerate(cut):
        shared: dict[int, int] = defaultdict(int)
        for shingle in own:
            for other in holders[shingle]:
                if other < index:
                    shared[other] += 1
        for other, count in shared.items():
            if count / min(len(own), len(cut[other])) > ALIKE:
                one, two = find(index), find(other)
                root[max(one, two)] = min(one, two)  # whatever the order, a group is named for its first
    return [f"{name}:{find(index)}" for index in range(len(texts))]


def _grouped(texts: Iterable[str], label: int, source: str, weight: float = 1.0) -> list[Example]:
    kept = [text for text in texts if text and text.strip()]
    groups = clusters(kept, source)
    return [Example(text, label, source, group, weight) for text, group in zip(kept, groups, strict=True)]


def direct_examples(folder: Path) -> list[Example]:
    """What users write: attacks and what is none."""
    deepset = rows(folder, "injection/deepset.jsonl")
    groups = clusters([row["text"] for row in deepset], "deepset")
    found = [
        Example(row["text"], row["label"], "deepset" if row["label"] else "deepset benign", group)
        for row, group in zip(deepset, groups, strict=True)
    ]
    texts = [row["text"] for row in rows(folder, "injection/jailbreak_inthewild.jsonl")]
    found += _grouped(texts, 1, "in the wild")
    texts = [row["user_input"] for row in rows(folder, "injection/cyberseceval_prompt_injection.jsonl")]
    found += _grouped(texts, 1, "CyberSecEval")
    for file, source in (
        ("banking77", "Banking77"),
        ("cyberseceval_mitre_frr", "MITRE-FRR"),
        ("self_instruct", "self-instruct"),
        ("truthfulqa_questions", "TruthfulQA"),
    ):
        found += _grouped([row["text"] for row in rows(folder, f"benign/{file}.jsonl")], 0, source)
    for row, group in xstest(folder):
        found.append(Example(row["text"], 0, f"XSTest {row['label']}", group))
    texts = [row["text"] for row in rows(folder, "harmful/advbench.jsonl")]
    found += _grouped(texts, 0, "AdvBench", 0.3)
    texts = sorted({row["prompt"] for row in rows(folder, "moderation/openai_moderation.jsonl")})
    return found + _grouped(texts, 0, "moderation", 0.5)


def xstest(folder: Path) -> list[tuple[dict[str, Any], str]]:
    """Its prompts with their groups: a safe prompt and its unsafe contrast stand at the same place in a type."""
    places: dict[str, int] = defaultdict(int)
    found = []
    for row in rows(folder, "refusal/xstest_prompts.jsonl"):
        found.append((row, f"xstest:{places[row['type']]}"))
        places[row["type"]] += 1
    return found


def _lines(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value or "")


def carriers(folder: Path) -> list[Carrier]:
    """Clean mails, tables and code of the folder."""
    found = []
    for kind, file in (("mail", "email"), ("table", "table"), ("code", "code")):
        for index, row in enumerate(rows(folder, f"indirect/bipia_{file}.jsonl")):
            text = _lines(row["context"])
            if kind == "code":
                text = "\n".join(filter(None, (_lines(row.get("error")), _lines(row.get("code")), text)))
            found.append(Carrier(text, kind, f"bipia {kind}:{index}"))
    return found


def made_carriers(seed: int, count: int) -> list[Carrier]:
    """Mails, pages, code and tables of our own making, and pieces of Python's standard library."""
    rng = random.Random(seed)
    found = []
    for index in range(count):
        kind = rng.choice(("mail", "page", "code", "table"))
        size = rng.randint(4, 14)
        lines = [said(rng.choice(phrases.PROSE[kind]), rng) for _ in range(size)]
        if rng.random() < 0.3:
            lines[1:1] = [said(rng.choice(phrases.PROSE["page"]), rng) for _ in range(2)]
        joint = " " if kind == "page" and rng.random() < 0.7 else "\n"
        found.append(Carrier(joint.join(lines), kind, f"made {kind}:{index}"))
    return found + _library(rng)


def made_records(seed: int, count: int) -> list[Carrier]:
    """Heads of mails, minutes, rows and notes of our own making, among what mails and pages say."""
    rng = random.Random(seed)
    found = []
    for index in range(count):
        kinds = [rng.choice(("record", "record", "mail", "page")) for _ in range(rng.randint(2, 8))]
        lines = [said(rng.choice(phrases.PROSE[kind]), rng) for kind in kinds]
        found.append(Carrier("\n".join(lines), "record", f"made record:{index}"))
    return found


def _library(rng: random.Random) -> list[Carrier]:
    """Pieces of Python's standard library: its code, and the pages of its reference."""
    found = []
    library = Path(sysconfig.get_paths()["stdlib"])
    paths = [*library.glob("*.py"), *(path for room in _ROOMS for path in (library / room).glob("*.py"))]
    for path in sorted(paths):
        source = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for _ in range(2):
            start = rng.randrange(max(1, len(source) - 40))
            text = "\n".join(source[start : start + rng.randint(8, 40)]).strip()
            if text:
                found.append(Carrier(text, "code", f"library:{path.stem}"))
    for name, text in sorted(pydoc_data.topics.topics.items()):
        paragraphs = text.split("\n\n")
        start = rng.randrange(max(1, len(paragraphs) - 4))
        found.append(Carrier("\n\n".join(paragraphs[start : start + 4]), "page", f"reference:{name}"))
    return [carrier for carrier in found if carrier.text.strip()]


def planted_sentences(folder: Path) -> list[Example]:
    """Sentences that someone plants, each with the category that it may not be parted from."""
    path = folder / "indirect" / "bipia_attacks.json"
    attacks = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        Example(text, 1, f"BIPIA {kind}", f"bipia attack:{category}")
        for kind, categories in attacks.items()
        for category, texts in categories.items()
        for text in texts
    ]


def made_attacks(seed: int, each: int) -> list[Example]:
    """Attacks on the model itself, in many languages."""
    rng = random.Random(seed)
    found = []
    for language, templates in phrases.ATTACKS.items():
        for number, template in enumerate(templates):
            for _ in range(each if language == "en" else max(2, each // 2)):
                text = said(template, rng)
                found.append(Example(_cased(text, rng), 1, "made attack", f"attack:{language}:{number}"))
    return found


def made_requests(seed: int, each: int) -> list[Example]:
    """What users rightly ask, in the same languages."""
    rng = random.Random(seed)
    return [
        Example(_cased(said(template, rng), rng), 0, "made request", f"request:{language}:{number}")
        for language, templates in phrases.REQUESTS.items()
        for number, template in enumerate(templates)
        for _ in range(each)
    ]


def made_families(seed: int, each: int) -> list[Example]:
    """Attacks of each family, and their twins that are none."""
    rng = random.Random(seed)
    found = []
    for family in FAMILIES:
        for label, templates in ((1, family.attacks), (0, family.twins)):
            source = "made attack" if label else "made request"
            for number, template in enumerate(templates):
                texts = dict.fromkeys(_cased(said(template, rng), rng) for _ in range(each))
                group = f"{family.name}:{label}:{number}"
                found += [Example(text, label, source, group) for text in texts]
    return found


def made_planted(seed: int, each: int) -> list[Example]:
    """Sentences of our own that someone plants."""
    rng = random.Random(seed)
    return [
        Example(_cased(said(template, rng), rng), 1, "made planted", f"planted:{number}")
        for number, template in enumerate(phrases.PLANTED + phrases.PLANTED_ELSEWHERE)
        for _ in range(each)
    ]


def _cased(text: str, rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.05:
        return text.upper()
    return text[:1].upper() + text[1:] if draw < 0.75 else text


def planted(carrier: Carrier, sentence: Example, place: str, rng: random.Random) -> Example:
    """The carrier with the sentence at its start, in its middle or at its end."""
    if place == "start":
        text = f"{sentence.text}\n{carrier.text}"
    elif place == "end":
        text = f"{carrier.text}\n{sentence.text}" if rng.random() < 0.8 else f"{carrier.text} {sentence.text}"
    else:
        ends = [match.end() for match in re.finditer(r"\n+|(?<=[.!?])\s+", carrier.text)] or [0]
        at = rng.choice(ends)
        text = f"{carrier.text[:at]}{sentence.text}{chr(10) if carrier.kind != 'page' else ' '}{carrier.text[at:]}"
    return Example(text, 1, f"{sentence.source} in {carrier.kind}", carrier.group)


def outside_prose(folder: Path) -> list[Example]:
    """Sentences that rightly stand in texts from outside, the folder's and our own."""
    found = []
    for row in rows(folder, "refusal/xstest_completions_labelled.jsonl"):
        if row["final_label"] == "1_full_compliance":
            found.append(
                Example(row["completion"], 0, "completions", f"completion:{row['id'].rpartition('-')[2]}")
            )
    for index, row in enumerate(rows(folder, "benign/truthfulqa_questions.jsonl")):
        found.append(Example(row.get("best_answer") or "", 0, "statements", f"truthful:{index}"))
    for row in rows(folder, "pii/presidio_research_synth_v2.jsonl"):
        found.append(Example(row["full_text"], 0, "letters", f"pii:{row['template_id']}", 0.5))
    for row in rows(folder, "benign/banking77.jsonl"):
        found.append(Example(row["text"], 0, "Banking77", f"banking:{row['text'][:20]}", 0.5))
    return [example for example in found if example.text.strip()]


def asked_of_models(folder: Path) -> list[Example]:
    """What people ask of assistants: rightly said by a user, and planted where it stands in a mail or table."""
    found = [
        replace(example, label=1, weight=0.5)
        for example in direct_examples(folder)
        if example.source in ("self-instruct", "TruthfulQA", "MITRE-FRR", "AdvBench") or example.label
    ]
    return [replace(example, text=example.text[:400]) for example in found]


def replies(folder: Path) -> list[Example]:
    """What assistants replied: 1 where they declined, in full or in part."""
    places = {row["text"]: group for row, group in xstest(folder)}
    found = []
    for row in rows(folder, "refusal/xstest_completions_labelled.jsonl"):
        kind = row["final_label"]
        source = {"1": "complied", "2": "refused", "3": "refused in part"}[kind[0]]
        group = places.get(row["prompt"], row["prompt"])
        found.append(
            Example(row["completion"], int(kind[0] != "1"), source, group, 0.6 if kind[0] == "3" else 1.0)
        )
    return found


def made_replies(seed: int, each: int) -> list[Example]:
    """Refusals and answers in many languages; a refusal is often followed by something helpful."""
    rng = random.Random(seed)
    found = []
    for label, templates in ((1, guards_replies.REFUSALS), (0, guards_replies.ANSWERS)):
        for number, template in enumerate(templates):
            for _ in range(each):
                text = said(template, rng)
                if rng.random() < 0.3:
                    text += " " + said(rng.choice(phrases.PROSE["page"]), rng)
                source = "made refusal" if label else "made answer"
                found.append(Example(_cased(text, rng), label, source, f"reply:{label}:{number}"))
    return found


_FLAGS = ("S", "H", "V", "HR", "SH", "H2", "V2")


def harm_examples(folder: Path) -> list[Example]:
    """What people ask or write: harmful or not."""
    found = _grouped([row["text"] for row in rows(folder, "harmful/advbench.jsonl")], 1, "AdvBench")
    texts = [row["text"] for row in rows(folder, "harmful/harmbench.jsonl")]
    found += _grouped(texts, 1, "HarmBench", 2.0)
    for row, group in xstest(folder):
        found.append(
            Example(row["text"], int(not row["should_answer"]), f"XSTest {row['label']}", group, 4.0)
        )
    texts = {
        row["prompt"]: int(any(row.get(flag) for flag in _FLAGS))
        for row in rows(folder, "moderation/openai_moderation.jsonl")
    }
    for text, label in texts.items():
        found.append(
            Example(
                text, label, "moderation harmful" if label else "moderation clean", f"moderation:{text[:40]}"
            )
        )
    benign = ("Banking77", "MITRE-FRR", "self-instruct", "TruthfulQA", "deepset benign")
    found += [example for example in direct_examples(folder) if example.source in benign]
    return found
