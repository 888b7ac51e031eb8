"""Rates by weight, against scikit-learn's sample_weight."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from launchworthy.cli.main import main
from launchworthy.metrics import find_metric
from launchworthy.stats import ratio_interval

SEED = 7
_SK: dict[str, Callable[..., float]] = {
    "accuracy": sk.accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "false-positive-rate": lambda truth, said, **weights: (
        1.0 - sk.recall_score(truth, said, pos_label=0, **weights)
    ),
}


def _rows(n: int = 300) -> list[dict[str, Any]]:
    rng = random.Random(SEED)
    rows = []
    for _ in range(n):
        truth = rng.random() < 0.4
        said = truth if rng.random() < 0.7 else not truth
        rows.append({"label": int(truth), "prediction": int(said), "amount": rng.lognormvariate(3, 1)})
    return rows


@pytest.mark.parametrize("kind", list(_SK))
def test_a_rate_by_weight_is_that_of_the_reference(kind: str) -> None:
    rows = _rows()
    metric = find_metric(f"{kind}-by-weight", options={"weight": "amount"})
    truth, said, worth = (np.array([row[name] for row in rows]) for name in ("label", "prediction", "amount"))
    found = metric.estimate([metric.score(row) for row in rows], level=0.9, sides=1)
    assert found is not None
    assert found.value == pytest.approx(_SK[kind](truth, said, sample_weight=worth), abs=1e-12)
    enters = {"precision": said == 1, "recall": truth == 1, "false-positive-rate": truth == 0}.get(
        kind, truth >= 0
    )
    hits = {"accuracy": said == truth, "false-positive-rate": said == 1}.get(kind, (said == 1) & (truth == 1))
    own = ratio_interval(
        np.where(enters & hits, worth, 0.0), denominators=np.where(enters, worth, 0.0), level=0.9, sides=1
    )
    assert (found.low, found.high) == pytest.approx((own.low, own.high))
    assert 0.0 <= found.low < found.value < found.high <= 1.0


def test_equal_weights_are_the_plain_rate_and_a_large_one_decides() -> None:
    rows = _rows()
    plain, heavy = find_metric("recall"), find_metric("recall-by-weight")
    for row in rows:
        row["weight"] = 2.0
    value = heavy.estimate([heavy.score(row) for row in rows])
    reference = plain.estimate([plain.score(row) for row in rows])
    assert value is not None
    assert reference is not None
    assert value.value == pytest.approx(reference.value)
    rows.append({"label": 1, "prediction": 0, "weight": 1e9})
    missed = heavy.estimate([heavy.score(row) for row in rows])
    assert missed is not None
    assert missed.value < 1e-5


@pytest.mark.parametrize("weight", [None, "9", True, -1.0, float("nan"), float("inf")])
def test_what_has_no_weight_is_not_scored(weight: Any) -> None:
    metric = find_metric("recall-by-weight")
    score = metric.score({"label": 1, "prediction": 1, "weight": weight})
    assert score.value is None
    assert "weight" in (score.error or "")
    # A row that does not enter needs none.
    assert metric.score({"label": 0, "prediction": 1}).value is not None


def test_a_difference_by_weight_is_paired() -> None:
    rows, metric = _rows(), find_metric("recall-by-weight", options={"weight": "amount"})
    better = [{**row, "prediction": row["label"]} for row in rows]
    found = metric.difference(
        [metric.score(row) for row in rows], [metric.score(row) for row in better], sides=1
    )
    own = metric.estimate([metric.score(row) for row in rows])
    assert found is not None
    assert own is not None
    assert found.value == pytest.approx(1.0 - own.value)
    assert found.low > 0


def test_the_command_scores_by_the_field_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"id": str(n), **row} for n, row in enumerate(_rows(40))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        main(["score", "recall_by_weight", "--option", "weight=amount", "--input", str(file), "--json"])
    assert not ended.value.code
    told = json.loads(capsys.readouterr().out)
    expected = sk.recall_score(
        [row["label"] for row in rows],
        [row["prediction"] for row in rows],
        sample_weight=[row["amount"] for row in rows],
    )
    assert told["value"] == pytest.approx(expected)
