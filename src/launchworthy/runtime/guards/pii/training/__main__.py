"""Trains the tagger: ``python -m launchworthy.runtime.guards.pii.training --out names.npz``.

Makes its texts from the templates and lists beside it, so that it needs nothing but this package. Texts
without names and labelled texts of your own can be added. Every tenth template is kept out and measured.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.jsonl import read_jsonl
from launchworthy.runtime.guards.pii.measuring import Spans, agreement
from launchworthy.runtime.guards.pii.patterns import find_patterns
from launchworthy.runtime.guards.pii.reading import read
from launchworthy.runtime.guards.pii.tagger import TAGGED, Tagger
from launchworthy.runtime.guards.pii.training.card import card
from launchworthy.runtime.guards.pii.training.fitting import examples, fit
from launchworthy.runtime.guards.pii.training.generate import Labelled, templates, texts
from launchworthy.runtime.guards.pii.training.values import Values

_MEASURED = 2_000  # most texts of the templates that were kept out


@click.command(help="Train the tagger of names, addresses, organisations and places.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Model file; its card goes beside."
)
@click.option("--texts", "count", type=click.IntRange(min=100), default=48_000, help="How many to make.")
@click.option("--rounds", type=click.IntRange(min=2), default=5, help="Passes over them.")
@click.option("--seed", type=int, default=1, help="Of the texts and their order.")
@click.option(
    "--clean",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON lines with `text` and no names; half of them, by their hash, are learnt from.",
)
@click.option(
    "--labelled",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON lines with `text` and `spans` of `start`, `end` and `type`.",
)
def command(
    out: Path, count: int, rounds: int, seed: int, clean: tuple[Path, ...], labelled: tuple[Path, ...]
) -> None:
    try:
        _train(out, count, rounds, seed, clean, labelled)
    except LaunchworthyError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _train(
    out: Path, count: int, rounds: int, seed: int, clean: tuple[Path, ...], labelled: tuple[Path, ...]
) -> None:
    kept_out = templates()[9::10]
    learnt = tuple(each for number, each in enumerate(templates()) if number % 10 != 9)
    made = list(texts(count, seed=seed, forms=learnt))
    sources = {"generated": len(made)}
    for path in clean:
        more = [Labelled(text, ()) for text in _texts(path) if learns_from(text)]
        sources[path.name] = len(more)
        made += more
    for path in labelled:
        rows = list(_labelled(path))
        sources[path.name] = len(rows)
        made += rows
    click.echo(", ".join(f"{number:,} texts {name}" for name, number in sources.items()))
    cut = examples(made, forget=0.2, seed=seed)
    tagger = fit(cut, rounds=rounds, seed=seed, told=click.echo)
    tagger.save(out)
    tagger = Tagger.load(out)
    unseen = list(texts(min(_MEASURED, count), seed=seed + 1, forms=kept_out, clean=False))
    pairs = [_read(tagger, text) for text in unseen]
    groups = [text.template for text in unseen]
    measured = {kind: agreement(pairs, kinds=frozenset({kind}), groups=groups) for kind in TAGGED}
    for kind, figure in measured.items():
        click.echo(f"{kind}, templates kept out: F1 {figure.f1}")
    out.with_suffix(".md").write_text(
        card(
            tagger.version,
            sources=sources,
            templates=len(learnt),
            cultures=Values.shipped().cultures,
            rounds=rounds,
            seed=seed,
            measured=measured,
        ),
        encoding="utf-8",
    )
    click.echo(f"{out}: {tagger.version}, {out.stat().st_size:,} bytes")


def learns_from(text: str) -> bool:
    """Whether training may learn from a clean text; the others are there to measure on."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] % 2 == 0


def _read(tagger: Tagger, made: Labelled) -> tuple[Spans, Spans]:
    """Labels and findings of a text."""
    reading = read(made.text)
    formed = [f for f in find_patterns(reading) if f.score >= 0.5]
    found = [(*reading.span(f.start, f.end), f.type) for f in tagger.find(reading.text, formed)]
    return made.spans, found


def _texts(path: Path) -> Iterator[str]:
    for number, row in read_jsonl(path):
        if not isinstance(row.get("text"), str):
            raise InputError("a row has no `text`", where=f"{path}:{number}", hint='write {"text": "…"}')
        yield row["text"]


def _labelled(path: Path) -> Iterator[Labelled]:
    for number, row in read_jsonl(path):
        where = f"{path}:{number}"
        hint = f'write {{"text": "…", "spans": [{{"start": 0, "end": 3, "type": "{TAGGED[0]}"}}]}}'
        text, spans = row.get("text"), row.get("spans")
        if not isinstance(text, str) or not isinstance(spans, list):
            raise InputError("a row has no `text` or no `spans`", where=where, hint=hint)
        try:
            read_spans = sorted((int(s["start"]), int(s["end"]), str(s["type"])) for s in spans)
        except (KeyError, TypeError, ValueError):
            raise InputError("a span has no `start`, `end` or `type`", where=where, hint=hint) from None
        for start, end, kind in read_spans:
            if kind not in TAGGED or not 0 <= start < end <= len(text):
                raise InputError(
                    f"a span of {kind} from {start} to {end} is none in a text of {len(text)} characters",
                    where=where,
                    hint=f"kinds are {', '.join(TAGGED)}; positions are code points",
                )
        yield Labelled(text, tuple(read_spans))


if __name__ == "__main__":
    command()
