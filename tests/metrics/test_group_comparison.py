"""Two sides by protected group: each group paired, and how far the widest gap grew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from fairlearn.metrics import (  # type: ignore[import-untyped]
    MetricFrame,
    demographic_parity_difference,
    selection_rate,
)

from launchworthy.cli.main import cli
from launchworthy.errors import InputError
from launchworthy.metrics import GroupComparison, Scored, columns_of, compare_groups, find_metric

Arrays = dict[str, Any]
SELECTED = find_metric("selection-rate")


def _scored(arrays: Arrays, ids: list[str], **options: Any) -> Scored:
    found = Scored.of_columns(
        SELECTED, columns_of(arrays | {"id": np.array(ids)}), by="group", ids="side", **options
    )
    assert found is not None
    return found


def _compared(before: np.ndarray, after: np.ndarray, group: np.ndarray, **options: Any) -> GroupComparison:
    ids = [str(n) for n in range(group.size)]
    old, new = (_scored({"prediction": said, "group": group}, ids) for said in (before, after))
    return compare_groups(SELECTED, baseline=old, candidate=new, **options)


def _draw(seed: int, n: int, shares: dict[str, float], moved: dict[str, float]) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    group = rng.choice(list(shares), size=n)
    before = rng.random(n) < np.vectorize(shares.get)(group)
    after = before & (rng.random(n) >= np.vectorize(moved.get)(group))
    return before, after, group


def test_both_gaps_and_every_group_are_fairlearns() -> None:
    before, after, group = _draw(1, 900, {"a": 0.6, "b": 0.5, "c": 0.4}, {"a": 0.0, "b": 0.1, "c": 0.3})
    found = _compared(before, after, group)
    for side, said in ((found.baseline, before), (found.candidate, after)):
        frame = MetricFrame(
            metrics=selection_rate, y_true=said, y_pred=said, sensitive_features=group
        ).by_group
        assert {row.name: row.value.value for row in side.groups if row.value} == pytest.approx(
            frame.to_dict()
        )
    gaps = [demographic_parity_difference(said, said, sensitive_features=group) for said in (before, after)]
    assert found.gap is not None
    assert found.gap.value == pytest.approx(gaps[1] - gaps[0])
    assert found.gap.low < found.gap.value < found.gap.high
    changes = {part.name: part.change for part in found.groups}
    assert changes == {"a": None, "b": "worse", "c": "worse"}


def test_a_gap_that_grew_is_told_from_one_that_stayed() -> None:
    grew = _compared(*_draw(2, 4_000, {"a": 0.6, "b": 0.5}, {"a": 0.0, "b": 0.4})).gap
    stayed = _compared(*_draw(3, 4_000, {"a": 0.6, "b": 0.5}, {"a": 0.1, "b": 0.1})).gap
    assert grew is not None
    assert stayed is not None
    assert grew.low > 0.1
    assert stayed.low < 0.0 < stayed.high
    assert stayed.high < 0.1


def test_the_change_covers_the_truth_though_the_widest_of_many_is_wide_by_chance() -> None:
    shares, moved = dict.fromkeys("abcd", 0.5) | {"e": 0.4}, dict.fromkeys("abcd", 0.1) | {"e": 0.1}
    truth = (0.5 - 0.4) * 0.9 - (0.5 - 0.4)
    covered = 0
    for seed in range(60):
        gap = _compared(*_draw(seed, 500, shares, moved)).gap
        assert gap is not None
        covered += gap.low <= truth <= gap.high
    assert covered >= 57


def test_one_group_alone_has_no_gap_and_no_group_at_all_is_refused() -> None:
    before, after, group = _draw(4, 50, {"a": 0.6}, {"a": 0.1})
    alone = _compared(before, after, group)
    assert alone.gap is None
    assert [part.name for part in alone.groups] == ["a"]
    ids = [str(n) for n in range(50)]
    old = Scored.of_columns(SELECTED, columns_of({"prediction": before, "id": np.array(ids)}), ids="side")
    assert old is not None
    with pytest.raises(InputError, match="no pair names a group"):
        compare_groups(SELECTED, baseline=old, candidate=old)


Compare = Callable[..., Result]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    before, after, group = _draw(5, 1_200, {"nord": 0.8, "süd": 0.8}, {"nord": 0.0, "süd": 0.3})
    for name, said in (("old", before), ("new", after)):
        (tmp_path / name).write_text(
            "".join(
                json.dumps({"id": n, "label": True, "prediction": bool(one), "region": str(where)}) + "\n"
                for n, (one, where) in enumerate(zip(said, group, strict=True))
            ),
            encoding="utf-8",
        )

    def run(*arguments: str) -> Result:
        sides = ("--baseline", str(tmp_path / "old"), "--candidate", str(tmp_path / "new"))
        return CliRunner().invoke(cli, ("compare", *sides, *arguments), standalone_mode=False)

    return run


def test_the_command_prints_groups_gaps_and_their_change(compare: Compare) -> None:
    text = compare("--metric", "accuracy", "--group", "region").stdout
    assert "by region:" in text
    assert "widest gap, candidate" in text
    assert "from süd up to nord" in text
    assert "the gap changed by" in text
    found = json.loads(compare("--metric", "accuracy", "--group", "region", "--json").stdout)
    assert found["groups"]["süd"]["change"] == "worse"
    assert found["groups"]["nord"]["difference"]["value"] == 0.0
    assert found["gap_change"]["low"] > 0.1
    assert found["gaps"]["candidate"]["highest"] == "nord"
    assert found["status"] == "unmet"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--metric", "accuracy", "--group", "region", "--by", "region"), "exclude each other"),
        (("--metric", "accuracy", "--group", "colour"), "no row has the field 'colour'"),
        (("--metric", "demographic-parity", "--group", "region"), "compare selection-rate by --group"),
        (("--metric", "equalised-odds"), "compare recall and false-positive-rate by --group"),
    ],
)
def test_what_cannot_be_compared_is_told(compare: Compare, arguments: tuple[str, ...], told: str) -> None:
    assert told in str(compare(*arguments).exception)
