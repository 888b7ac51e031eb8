"""The sections of a pack, in the order in which a reviewer asks. May import this room and ``evidence``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from launchworthy.evidence import LedgerEntry, Opening
from launchworthy.pack import declared, shown
from launchworthy.pack.document import Cell, Pack, Section, Table
from launchworthy.pack.headings import ANNEX_IV, NIST
from launchworthy.pack.inputs import PackInputs
from launchworthy.pack.material import material_of

__all__ = ["make_pack"]


def make_pack(
    text: str, *, inputs: PackInputs, entries: Sequence[LedgerEntry], openings: Iterable[Opening]
) -> Pack:
    """The pack of a contract and its chain; arguments as of ``material_of``."""
    known = material_of(text, inputs=inputs, entries=entries, openings=openings)
    sections = (
        declared.system(known),
        declared.data(known),
        declared.permissions(known),
        shown.quality(known),
        shown.red_team(known),
        declared.guards(known),
        shown.oversight(known),
        shown.incidents(known),
        shown.people(known),
        shown.changes(known),
    )
    contract = known.contract
    return Pack(
        title=f"{contract.product}: {known.verdict.conclusion}",
        about={
            "product": contract.product,
            "contract": contract.version,
            "release": inputs.release_id or "none is named",
            "judged at": inputs.at.isoformat(timespec="seconds"),
            "entries of the chain": f"{len(known.trail):,}",
            "made by": f"launchworthy {inputs.version}",
        },
        sections=(*sections, _coverage(sections)),
    )


def _coverage(sections: Sequence[Section]) -> Section:
    """Where each function and each heading is answered; what no section answers is said to be missing."""

    def rows(headings: dict[str, str], of: str) -> tuple[tuple[Cell, ...], ...]:
        return tuple(
            (
                key,
                words,
                "; ".join(each.title.partition(":")[0] for each in sections if key in getattr(each, of))
                or "not in this pack",
            )
            for key, words in headings.items()
        )

    return Section(
        id="coverage",
        title="Where to look: NIST AI RMF and EU AI Act, Annex IV",
        nist=(),
        annex_iv=(),
        lead=(
            "A pack shows what was declared, measured and decided. Headings 7 and 8 are answered by what"
            " people vouch for, as far as the contract asks them to.",
        ),
        tables=(
            Table(
                title="NIST AI RMF 1.0",
                columns=("Function", "About", "Sections"),
                rows=rows(NIST, "nist"),
            ),
            Table(
                title="Annex IV, Regulation (EU) 2024/1689",
                columns=("Heading", "About", "Sections"),
                rows=rows(ANNEX_IV, "annex_iv"),
            ),
        ),
    )
