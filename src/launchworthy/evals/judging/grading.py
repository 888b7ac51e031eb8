"""The grades a judge may give, the shape it must give them in, and how its reply is read. Pure.

May import the standard library only. A grade comes from a boolean, a number or a word of the list that was
offered, never from what the judge says about it: a reply that is prose, of another shape, cut off, or outside
of what was offered is no grade at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PAIRS", "YES_NO", "NoGrade", "Scale", "read_grade", "scale_of"]

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
_CHOICES = {"first": 1.0, "tie": 0.5, "second": 0.0}
_SHOWN = 120


class NoGrade(Exception):
    """A reply that holds no grade; the text says why."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Grades that may be given, from the worst to the best.

    Attributes:
        name: ``yes_no``, ``pairs`` or such as ``1-5``.
        grades: 0 and 1 for yes_no; 0, 0.5 and 1 for pairs: the second, neither or the first is better.
    """

    name: str
    grades: tuple[float, ...]

    @property
    def ordered(self) -> bool:
        """Whether a near miss is better than a far one."""
        return len(self.grades) > 2

    def share(self, grade: float) -> float:
        """The grade from 0, the worst, to 1, the best."""
        return (grade - self.grades[0]) / (self.grades[-1] - self.grades[0])

    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of a reply: the reasons first, so that the grade follows from them."""
        shape: dict[str, Any]
        if self.name == "yes_no":
            name, shape = "verdict", {"type": "boolean"}
        elif self.name == "pairs":
            name, shape = "better", {"type": "string", "enum": list(_CHOICES)}
        else:
            name, shape = "score", {"type": "integer", "enum": [int(grade) for grade in self.grades]}
        return {
            "type": "object",
            "properties": {"reasoning": {"type": "string"}, name: shape},
            "required": ["reasoning", name],
            "additionalProperties": False,
        }


YES_NO = Scale("yes_no", (0.0, 1.0))
PAIRS = Scale("pairs", (0.0, 0.5, 1.0))


def scale_of(name: str) -> Scale:
    """The scale that a contract names: ``yes_no``, or whole numbers such as ``1-5``."""
    if name == YES_NO.name:
        return YES_NO
    low, _, high = name.partition("-")
    return Scale(name, tuple(float(grade) for grade in range(int(low), int(high) + 1)))


def read_grade(text: str | None, scale: Scale, *, cut_off: bool = False) -> tuple[float, str]:
    """The grade in a reply, and the reasons that came with it.

    Raises:
        NoGrade: There is none.
    """
    if text is None or not text.strip():
        raise NoGrade("the judge said nothing")
    fenced = _FENCE.fullmatch(text)
    try:
        said = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        if cut_off:
            raise NoGrade("the judge's reply was cut off at its longest") from None
        raise NoGrade("the judge answered in prose") from None
    if not isinstance(said, Mapping):
        raise NoGrade("the judge answered with JSON that is not an object")
    reasoning = said.get("reasoning")
    return _grade(said, scale), reasoning if isinstance(reasoning, str) else ""


def _grade(said: Mapping[str, Any], scale: Scale) -> float:
    if scale.name == "yes_no":
        verdict = _given(said, "verdict")
        if not isinstance(verdict, bool):
            raise NoGrade(f"the judge's verdict is {_short(verdict)}, neither true nor false")
        return float(verdict)
    if scale.name == "pairs":
        better = _given(said, "better")
        if not isinstance(better, str) or better not in _CHOICES:
            raise NoGrade(f"the judge chose {_short(better)}, not one of {', '.join(_CHOICES)}")
        return _CHOICES[better]
    score = _given(said, "score")
    if isinstance(score, bool) or not isinstance(score, (int, float)) or score not in scale.grades:
        raise NoGrade(f"the judge gave {_short(score)}, which is not on the scale {scale.name}")
    return float(score)


def _given(said: Mapping[str, Any], name: str) -> Any:
    if name not in said:
        raise NoGrade(f"the judge's reply has no {name}")
    return said[name]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _short(value: Any) -> str:
    text = " ".join(str(value).split()) if isinstance(value, str) else json.dumps(value)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
