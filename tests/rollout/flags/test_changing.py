"""What a change of flags does to who has what: growing moves nobody, editing does, and has to say so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.rollout.flags import FlagSet, compiled, moves, read_flags


def _set(flag: dict[str, Any] | None = None, **changes: Any) -> FlagSet:
    tone = {
        "variants": ["a", "b"],
        "rules": [{"name": "half", "split": {"a": 1, "b": 1}, "share": 0.5}],
        **(flag or {}),
        **changes,
    }
    return read_flags({"product": "shop", "holdouts": {"q4": {"share": 0.1}}, "flags": {"tone": tone}})


def _half(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "half", "split": {"a": 1, "b": 1}, "share": 0.5, **changes}]


def test_growing_a_share_moves_nobody() -> None:
    assert moves(_set(), _set(rules=_half(share=1.0))) == []
    assert moves(_set(), _set(overrides={"ana": "a"})) == []


@pytest.mark.parametrize(
    ("changes", "share", "because"),
    [
        ({"rules": _half(split={"a": 1, "b": 3})}, 0.25, "weights"),
        ({"rules": _half(split={"b": 1, "a": 1})}, 0.5, "order"),
        ({"rules": _half(share=0.25)}, 0.25, "smaller"),
        ({"rules": _half(name="other")}, 0.5, "rule half is gone"),
        ({"rules": []}, 0.5, "rule half is gone"),
        ({"algorithm": "flagd@2"}, 0.5, "algorithm"),
        ({"seed": "other"}, 0.5, "seed"),
        ({"unit": "account"}, 0.5, "unit"),
        ({"holdout": "q4"}, 0.5, "holdout"),
        ({"namespace": {"name": "page", "from": 0, "to": 0.5}}, 0.5, "namespace"),
    ],
)
def test_what_would_move_units_is_refused_until_it_is_said_to(
    changes: dict[str, Any], share: float, because: str
) -> None:
    (move,) = moves(_set(), _set(**changes))
    assert move.share == pytest.approx(share, abs=0.13)
    assert because in move.because
    assert not move.allowed
    (said,) = moves(_set(), _set(**changes, generation=2))
    assert said.allowed


def test_giving_it_to_everybody_moves_nobody_who_has_it() -> None:
    one = [{"name": "half", "split": {"a": 1}, "share": 0.5}]
    assert moves(_set(rules=one), _set(rules=[{"name": "half", "serve": "a"}])) == []
    (move,) = moves(_set(rules=one), _set(rules=[{"name": "half", "serve": "b"}]))
    assert (move.share, move.allowed) == (0.5, False)


def test_places_that_grow_move_nobody() -> None:
    def at(**places: list[float]) -> FlagSet:
        return _set(rules=[{"name": "half", "split": places}])

    assert moves(at(a=[0, 0.2], b=[0.5, 0.7]), at(a=[0, 0.4], b=[0.5, 1])) == []
    (move,) = moves(at(a=[0, 0.2], b=[0.5, 0.7]), at(a=[0.1, 0.2], b=[0.5, 0.7]))
    assert move.share == pytest.approx(0.1)


def test_taking_back_from_everybody_is_said_enough() -> None:
    (back,) = moves(_set(), _set(rules=_half(share=0)))
    assert back.allowed
    (killed,) = moves(_set(), _set(enabled=False, rules=_half(split={"b": 1})))
    assert killed.allowed
    assert moves(_set(enabled=False), _set(rules=_half(split={"b": 1}))) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any),
    st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_units_that_are_moved_are_as_many_as_it_says(
    before: list[int], after: list[int], low: int, high: int
) -> None:
    """Counted over units, against the arithmetic over positions."""

    def made(weights: list[int], share: int) -> FlagSet:
        split = dict(zip("abc", weights, strict=True))
        flag = {
            "variants": ["none", "a", "b", "c"],
            "rules": [{"name": "r", "split": split, "share": share / 20}],
        }
        return read_flags({"product": "shop", "flags": {"tone": flag}})

    old, new = made(before, low), made(after, high)
    told = sum(move.share for move in moves(old, new))
    one, other = (compiled(each.flags["tone"], each) for each in (old, new))
    units = [f"user-{n}" for n in range(1_000)]
    had = [(one(unit, {}), other(unit, {})) for unit in units]
    counted = sum(a.rule == "r" and a.variant != b.variant for a, b in had) / len(units)
    assert counted == pytest.approx(told, abs=0.08)
    if told == 0:
        assert counted == 0
