"""What every procedure refuses, said once. Pure; may import ``errors`` and the standard library."""

from __future__ import annotations

from collections.abc import Callable

from launchworthy.errors import InputError

__all__ = ["check_counts", "check_level", "check_share", "holds_zero", "tail_error", "zero_p_value"]


def check_level(level: float) -> None:
    """Raise InputError unless ``level`` is a confidence from 0.5 to below 1."""
    if not 0.5 <= level < 1.0:
        raise InputError(f"a confidence of {level!r} is not from 0.5 to below 1", hint="write 0.95 for 95 %")


def check_share(value: float, *, name: str) -> None:
    """Raise InputError unless ``value`` lies strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise InputError(
            f"{name} {value!r} is not between 0 and 1",
            hint="no number of examples proves exactly 0 or 1; write 0.999 or 99.9 %",
        )


def check_counts(successes: float, *, n: float) -> None:
    """Raise InputError unless ``successes`` of ``n`` is possible and n is at least 1."""
    if n < 1:
        raise InputError("nothing was measured: n is 0", hint="a share needs at least one example")
    if not 0 <= successes <= n:
        raise InputError(f"{successes} successes of {n} is impossible", hint="successes go from 0 to n")


def holds_zero(bounds: tuple[float, float] | None) -> bool:
    """Whether 0 lies inside the scale, so that "it is 0" is a claim to test: differences, not shares."""
    return bounds is None or bounds[0] < 0.0 < bounds[1]


def tail_error(level: float, *, sides: int) -> float:
    """Error that each bound may have: 1 − level for verdicts (sides=1), half of it for display (sides=2)."""
    check_level(level)
    if sides not in (1, 2):
        raise InputError(f"an interval has 1 or 2 sides, not {sides!r}")
    return (1.0 - level) / sides


def zero_p_value(ends: Callable[[float], tuple[float, float]]) -> float:
    """Two-sided p-value of "it is 0": twice the largest error at which 0 is still between the two bounds that
    ``ends`` gives for it; down to 2e-15."""

    def inside(error: float) -> bool:
        low, high = ends(error)
        return low <= 0.0 <= high

    outside = 0.5
    if inside(outside):
        return 1.0
    held = outside / 2
    while not inside(held):
        outside, held = held, held / 2
        if held < 1e-15:
            return 2.0 * outside
    for _ in range(28):
        middle = 0.5 * (held + outside)
        held, outside = (middle, outside) if inside(middle) else (held, middle)
    return 2.0 * outside
