"""Groups are compared as fairlearn compares them, with bounds that hold for all of them at once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from fairlearn import metrics as fl  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.metrics import PARITY, GroupReport, Scored, columns_of, find_metric, report_groups, widest

# Two-year recidivism and COMPAS scores of 5 and more, Broward County (ProPublica, "Machine Bias", 2016): by
# group, those who came back and were scored high or low, and those who did not.
COMPAS = (
    ("African-American", 1369, 532, 805, 990),
    ("Asian", 6, 3, 2, 21),
    ("Caucasian", 505, 461, 349, 1139),
    ("Hispanic", 103, 129, 87, 318),
    ("Native American", 9, 1, 3, 5),
    ("Other", 43, 90, 36, 208),
)


def _reports(arrays: dict[str, Any], name: str, **options: Any) -> list[GroupReport]:
    parts = PARITY.get(name, (name,))
    reports = []
    for part in parts:
        metric = find_metric(part)
        found = Scored.of_columns(metric, columns_of(arrays), by="group")
        assert found is not None
        reports.append(report_groups(metric, found, share=len(parts), **options))
    return reports


def _worst(arrays: dict[str, Any], name: str, **options: Any) -> GroupReport:
    found = widest(_reports(arrays, name, **options))
    assert found is not None
    return found


def _agrees(truth: Any, said: Any, group: Any) -> None:
    arrays = {"label": truth, "prediction": said, "group": group}
    for name, kind in (("demographic-parity", "demographic_parity"), ("equalised-odds", "equalized_odds")):
        found = _worst(arrays, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gap = getattr(fl, f"{kind}_difference")(truth, said, sensitive_features=group)
            ratio = getattr(fl, f"{kind}_ratio")(truth, said, sensitive_features=group)
        assert found.gap is not None
        assert found.gap.value == pytest.approx(gap, abs=1e-9)
        assert 0 <= found.gap.low <= found.gap.value <= found.gap.high
        assert found.gap.low < found.gap.high
        if found.ratio is not None:
            assert found.ratio.value == pytest.approx(ratio, abs=1e-9)
            assert found.ratio.low <= found.ratio.value <= found.ratio.high


@settings(max_examples=8, deadline=None)
@given(
    more=st.lists(
        st.tuples(st.booleans(), st.booleans(), st.sampled_from(["a", "b", "ç"])), min_size=0, max_size=60
    )
)
def test_gaps_and_ratios_agree_with_fairlearn(more: list[tuple[bool, bool, str]]) -> None:
    both = [(truth, said, group) for group in "abç" for truth in (True, False) for said in (True, False)]
    rows = [*both, *more]  # every group has positives and negatives: else fairlearn's rates are made up
    _agrees(
        np.array([t for t, _, _ in rows], dtype=int),
        np.array([s for _, s, _ in rows], dtype=int),
        np.array([g for _, _, g in rows], dtype=object),
    )


def test_recidivism_scores_fare_as_published() -> None:
    counts = np.array([cells for _, *cells in COMPAS]).ravel()
    arrays = {
        "label": np.repeat(np.tile([1, 1, 0, 0], len(COMPAS)), counts),
        "prediction": np.repeat(np.tile([1, 0, 1, 0], len(COMPAS)), counts),
        "group": np.repeat(np.array([name for name, *_ in COMPAS for _ in range(4)], dtype=object), counts),
    }
    _agrees(arrays["label"], arrays["prediction"], arrays["group"])
    (report,) = _reports(arrays, "false-positive-rate")
    rates = {row.name: row.value.value for row in report.groups if row.value is not None}
    assert rates["African-American"] == pytest.approx(0.4485, abs=5e-5)
    assert rates["Caucasian"] == pytest.approx(0.2345, abs=5e-5)
    by_name = {row.name: row for row in report.groups}
    certain, tiny = by_name["African-American"].difference, by_name["Native American"].difference
    assert certain is not None
    assert tiny is not None
    assert certain.low > 0.1
    assert tiny.low < 0 < tiny.high, "18 people prove nothing"
    assert report.smallest == 8


def test_groups_that_are_alike_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(6)
    false = 0
    for _ in range(80):
        arrays = {
            "prediction": (rng.random(400) < 0.3).astype(int),
            "group": np.array([f"g{at % 8}" for at in range(400)], dtype=object),
        }
        report = _worst(arrays, "demographic-parity")
        assert report.gap is not None
        apart = any(
            row.difference is not None and not row.difference.low <= 0 <= row.difference.high
            for row in report.groups
        )
        false += apart or report.gap.low > 0
    assert false <= 9, "5 % of 80 are 4; eight groups by themselves would give 27"


def test_the_true_gap_is_within_the_bounds() -> None:
    rng = np.random.default_rng(7)
    rates = np.array([0.2, 0.3, 0.35, 0.5])
    held = 0
    for _ in range(60):
        group = rng.integers(0, 4, 400)
        arrays = {"prediction": (rng.random(400) < rates[group]).astype(int), "group": group}
        report = _worst(arrays, "demographic-parity")
        assert report.gap is not None
        assert report.ratio is not None
        held += report.gap.low <= 0.3 <= report.gap.high and report.ratio.low <= 0.4 <= report.ratio.high
    assert held >= 54


def test_any_metric_can_be_compared_by_group_and_what_cannot_be_measured_is_told() -> None:
    rng = np.random.default_rng(8)
    group = np.repeat(np.array(["a", "b", "c"], dtype=object), 100)
    score = rng.random(300)
    label = rng.random(300) < np.where(group == "a", score, 0.5)
    label[group == "c"] = True
    (report,) = _reports({"label": label, "score": score, "group": group}, "roc-auc")
    assert [row.value is None for row in report.groups] == [False, False, True]
    assert (report.highest, report.lowest) == ("a", "b")
    assert report.gap is not None
    assert report.gap.value > 0.1
    only = {"prediction": np.array([1, 0]), "group": np.array(["a", "a"], dtype=object)}
    assert widest(_reports(only, "demographic-parity")) is None
    nobody = {"prediction": np.array([1, 0]), "group": np.array([None, None], dtype=object)}
    with pytest.raises(InputError, match="no row names a group"):
        _reports(nobody, "demographic-parity")


def test_a_group_that_is_never_selected_has_the_ratio_of_nothing() -> None:
    arrays = {
        "prediction": np.array([0, 0, 0, 1, 1, 0]),
        "group": np.array(["a", "a", "a", "b", "b", "b"], dtype=object),
    }
    report = _worst(arrays, "demographic-parity")
    assert report.ratio is not None
    assert (report.ratio.value, report.ratio.low) == (0.0, 0.0)
    assert report.ratio.high > 0.3
