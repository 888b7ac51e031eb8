"""What can be wrong with a contract, under stable codes. May import ``claim`` and the standard library.

``CODES`` is the whole list: the reference page prints it, and a test triggers every entry.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from launchworthy.contract.claim import Place

MOST_PROBLEMS = 200  # nobody reads more, and a text of nothing but mistakes is to be answered soon
_MOST_KNOWN = 500

__all__ = ["CODES", "MOST_PROBLEMS", "Code", "Problem", "Severity", "closest", "sort_problems"]


class Severity(StrEnum):
    """An error makes the contract unusable; a warning says what will disappoint."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, and what to do about it."""

    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, where, and what would be right."""

    place: Place
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        word = "" if self.severity is Severity.ERROR else f"{self.severity}: "
        tail = f"; {self.hint}" if self.hint else ""
        return f"{self.place} {self.code} {word}{self.message}{tail}"

    def as_json(self) -> dict[str, Any]:
        """A plain mapping with the place taken apart, for editors."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "where": str(self.place),
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
        }


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """In the order of the file, each once."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda each: (each.place.line, each.place.column, each.code, each.message),
        )
    )


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``did you mean "x"?`` for the known word most like this one; empty if none is like it."""
    close = difflib.get_close_matches(word[:100], list(islice(known, _MOST_KNOWN)), n=1, cutoff=cutoff)
    return f'did you mean "{close[0]}"?' if close else ""


CODES: Mapping[str, Code] = {
    # reading the file
    "LW201": Code("the file is larger than 1 MB", "keep data out of it, in files that it names"),
    "LW202": Code("the bytes are not UTF-8 text, or hold control characters", "save the file as plain UTF-8"),
    "LW203": Code("the text is not YAML 1.2", "mend the line named; quote what starts with a sign"),
    "LW204": Code("a key stands twice in one block", "keep one of the two"),
    "LW205": Code("blocks are nested deeper than 24, or there are over 50,000 values", "flatten the block"),
    "LW206": Code(
        "anchors, aliases, tags, directives and several documents are not part of the language",
        "write the value out",
    ),
    # the language
    "LW210": Code("a key that the language does not have", "correct the spelling, or delete the line"),
    "LW211": Code("a key that is needed is missing", "add it"),
    "LW212": Code(
        "a value has the wrong shape: a block, a list or one value was expected", "write the shape named"
    ),
    "LW213": Code("a word that is not one of those allowed here", "use one of the words listed"),
    "LW214": Code("what should be a quantity cannot be read as one", "write a number and its unit"),
    "LW215": Code(
        "a quantity is of the wrong kind, such as a share where a duration is needed", "use the unit named"
    ),
    "LW216": Code("a number or date is outside what is possible", "keep within the range named"),
    "LW217": Code("a name, text or path that cannot be used", "follow the form named"),
    "LW218": Code("keys that exclude each other, or of which one is needed", "keep exactly one of them"),
    "LW219": Code(
        "a target on the wrong side: at_least for what should be small, or the reverse", "turn it round"
    ),
    # references
    "LW220": Code(
        "a metric that is not known in its family",
        "use a metric listed under Metrics",
    ),
    "LW221": Code(
        "a reference to a line that the contract does not have", "name an existing line, or add it"
    ),
    "LW222": Code("a role that the contract does not name", "add it to `roles`, or use one that is there"),
    "LW223": Code("an owner that the contract does not name", "add it to `owners`, or use one that is there"),
    "LW224": Code("a workflow that the contract does not have", "name one of its workflows"),
    "LW225": Code(
        "a judge that `proof/judges` does not declare", "declare it with the agreement it must reach"
    ),
    "LW226": Code("a slice that the gold set does not have", "add it under `gold`, or use one that is there"),
    "LW227": Code(
        "a word of your own that is nearly one that is known: in fallbacks, injected faults, what is signed",
        "correct the spelling, or choose another word (a warning)",
    ),
    "LW228": Code(
        "a judge without a rubric, for a metric that has none of its own",
        "write `rubric` for the judge: a file that says what makes an answer good (a warning)",
    ),
    "LW229": Code(
        "a guard that would find nothing, cannot act as declared, or names what is not there",
        "give it what it needs, and leave out what it does not take",
    ),
    # combinations
    "LW230": Code("a tool that writes, sends, pays or deletes has no approval", "add `approval`"),
    "LW231": Code("an unattended tool has neither an undo nor a volume limit", "add `undo` or `limits`"),
    "LW232": Code("rollout stages whose shares do not rise", "order them by share"),
    "LW233": Code(
        "a last rollout stage below 100 %, so that some never get the release",
        "add a stage with share: 100 % (a warning)",
    ),
    "LW234": Code(
        "data may be learned from that may not be stored, or feeds a gold set and may not be learned from",
        "correct `may`",
    ),
    "LW235": Code("records are deleted before their labels settle", "keep traces longer than labels take"),
    "LW236": Code(
        "a waiver that has no end in sight, or has ended",
        "renew it with a date within a year, or delete it (a warning)",
    ),
    "LW237": Code("personal data without a rule for it", "declare `data/pii`"),
    "LW238": Code(
        "a predictive product in which no workflow predicts anything",
        "add `predicts`, or write kind: generative (a warning)",
    ),
    "LW239": Code(
        "a permission that contradicts itself, so that a role, a value or an amount is never let through",
        "keep one of the two lines",
    ),
    # arithmetic
    "LW240": Code(
        "a gold set or slice is too small to prove its target, even without one error",
        "add items, or lower the target",
    ),
    "LW241": Code(
        "too few attack attempts to prove the target, even if all are repelled", "raise `attempts`"
    ),
    "LW242": Code(
        "a limit below the latency or cost that a target allows", "raise the limit, or lower the target"
    ),
    "LW243": Code(
        "latency ceilings in the wrong order: a higher percentile below a lower one, the whole below a part",
        "reorder them",
    ),
    "LW244": Code("cost per success below cost per action ÷ success rate", "raise one, or lower the other"),
    "LW245": Code("margin, price and cost do not add up", "change the price, the cost or the margin"),
    "LW246": Code(
        "more reviews are implied than people can do",
        "lower the recall, raise the precision, or the capacity",
    ),
    "LW247": Code(
        "more labels are needed than people bring before evidence expires (for samples, a warning)",
        "raise `volume`, or need fewer",
    ),
    "LW248": Code("rates that the base rate rules out, or that contradict each other", "recompute them"),
    "LW249": Code(
        "a target above what those who judge it agree on", "lower the target, or raise agreement first"
    ),
    "LW250": Code(
        "a holdout that more looks than its budget would wear out", "raise `looks`, or refresh more often"
    ),
    "LW252": Code(
        "usage beyond what a limit allows, or a limit that never comes into play",
        "raise the limit, or lower the volume",
    ),
    "LW253": Code(
        "a target that is proven only without a single error", "add items, or lower the target (a warning)"
    ),
    "LW254": Code(
        "a monitor that stays silent while a target or a capacity is broken",
        "alert at the target (a warning)",
    ),
    "LW255": Code("a target that the old workflow already reached", "ask for more (a warning)"),
    "LW256": Code(
        "a holdout or a sealed share that the rows of the gold file do not keep",
        "take `split` out of the rows, or write the share that they have (a warning)",
    ),
    "LW257": Code(
        "sealed items too few for the launch gate to show a target",
        "seal more, add items, or lower the target (a warning)",
    ),
}
