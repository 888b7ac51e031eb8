"""The card of a tagger: what it was trained on, how well it did, and what it cannot do.

Standard library and ``measuring``.
"""

from __future__ import annotations

from collections.abc import Mapping

from launchworthy.runtime.guards.pii.measuring import Agreement

__all__ = ["card"]

_CARD = """# Tagger of names, addresses, organisations and places

Version `{version}`. A linear-chain conditional random field over hashed features
of words and their neighbours; weights of one byte. It decides sentence by sentence and needs NumPy only.

**For**: finding personal data that has no form, so that it can be masked before it is stored or sent on.
It estimates: a contract lets it act only once it was calibrated on the product's own cases.

**Trained on** {sources}.
Generated texts come from {templates} templates, most of them English, the others in 18 languages, with
names, streets, towns and firms of {cultures} cultures; a third of the names and half of the firms are made
up of syllables, so that it goes by form and neighbours and not by lists. No text of a real person.
Rounds: {rounds}; seed: {seed}.

**Measured** on templates that were kept out (a label is found where half of it is covered, and the other way
round; 95 % intervals by Wilson, texts of one template taken together):

| kind | labels | precision | recall | F1 |
|---|---|---|---|---|
{rows}

Figures on texts of other styles, which are lower, stand in the documentation (`docs/guards-pii.md`).

**Limits**: Latin, Greek and Cyrillic script; it finds no names in scripts without capitals or without spaces
between words. A single name without any context, a firm called by an ordinary word, a name in an
all-lower-case text are often missed. Towns inside an address belong to the address. It does not tell real
people from invented ones.
"""


def card(
    version: str,
    *,
    sources: Mapping[str, int],
    templates: int,
    cultures: int,
    rounds: int,
    seed: int,
    measured: Mapping[str, Agreement],
) -> str:
    """The card as Markdown."""
    rows = "\n".join(
        f"| {kind} | {figure.labels:,} | {figure.precision} | {figure.recall} | {figure.f1} |"
        for kind, figure in measured.items()
    )
    told = ", ".join(f"{number:,} texts of `{name}`" for name, number in sources.items())
    return _CARD.format(
        version=version,
        sources=told,
        templates=templates,
        cultures=cultures,
        rounds=rounds,
        seed=seed,
        rows=rows,
    )
