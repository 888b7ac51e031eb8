from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import skops.io  # type: ignore[import-untyped]
from skl2onnx import to_onnx  # type: ignore[import-untyped]
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from launchworthy.errors import InputError
from launchworthy.evals import Limits, evaluate, row_of, scorer_of
from launchworthy.evals.model_files import ModelFileTarget
from launchworthy.evals.suite import target_release
from launchworthy.gold import GoldItem
from launchworthy.records import Run

NewRun = Callable[..., Run]
IRIS = load_iris(as_frame=True)
X, Y = IRIS.data, IRIS.target
TWO = Y < 2


def _asked(path: Path, inputs: list[Any], runs: Any, run: Run, **options: Any) -> list[Any]:
    items = [GoldItem(id=f"q{n:04}", input=given) for n, given in enumerate(inputs)]
    evaluate(
        items,
        target=ModelFileTarget(path, **options),
        scorers=[],
        runs=runs,
        run=run,
        limits=Limits(retries=0),
    )
    return list(runs.run_items(run.id))


def _mappings() -> list[dict[str, float]]:
    rows: list[dict[str, float]] = X.to_dict("records")
    return [dict(sorted(row.items())) for row in rows]  # a stored gold set keeps no order of fields


@pytest.fixture
def three(tmp_path: Path) -> tuple[Any, Path]:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, Y)
    path = tmp_path / "iris.skops"
    skops.io.dump(model, path)
    return model, path


def test_it_says_what_the_model_says_by_the_names_of_its_features(
    three: tuple[Any, Path], runs: Any, new_run: NewRun
) -> None:
    model, path = three
    items = _asked(path, _mappings(), runs, new_run())
    assert [item.output["prediction"] for item in items] == model.predict(X).tolist()
    chances = np.array([[item.output["score"][str(name)] for name in range(3)] for item in items])
    np.testing.assert_allclose(chances, model.predict_proba(X), rtol=1e-12)
    assert [item.output["confidence"] for item in items] == pytest.approx(chances.max(axis=1).tolist())


def test_classification_metrics_read_its_answers(three: tuple[Any, Path], runs: Any, new_run: NewRun) -> None:
    model, path = three
    items = _asked(path, _mappings(), runs, new_run())
    rows = [
        row_of(GoldItem(id=item.item_id, input=0, meta={"label": int(label)}), item)
        for item, label in zip(items, Y, strict=True)
    ]
    metric = scorer_of("accuracy")
    found = metric.estimate([metric.score(row) for row in rows])
    assert found is not None
    assert found.value == pytest.approx(model.score(X, Y))


@pytest.mark.parametrize("zipmap", [True, False])
def test_an_onnx_file_says_the_same(tmp_path: Path, runs: Any, new_run: NewRun, zipmap: bool) -> None:
    numbers = X[TWO].to_numpy().astype(np.float32)
    model = LogisticRegression().fit(numbers, Y[TWO])
    path = tmp_path / "iris.onnx"
    path.write_bytes(to_onnx(model, numbers[:1], options={"zipmap": zipmap}).SerializeToString())
    items = _asked(path, numbers.tolist(), runs, new_run())
    assert [item.output["prediction"] for item in items] == model.predict(numbers).tolist()
    scores = [item.output["score"] for item in items]
    np.testing.assert_allclose(scores, model.predict_proba(numbers)[:, 1], atol=1e-5)


def test_an_onnx_file_with_a_column_a_feature_takes_mappings(
    tmp_path: Path, runs: Any, new_run: NewRun
) -> None:
    frame = X.rename(columns=lambda name: name.split(" (")[0].replace(" ", "_")).astype(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(frame, Y)
    path = tmp_path / "iris.onnx"
    path.write_bytes(to_onnx(model, frame[:1]).SerializeToString())
    items = _asked(path, [dict(sorted(row.items())) for row in frame.to_dict("records")], runs, new_run())
    assert [item.output["prediction"] for item in items] == model.predict(frame).tolist()


def test_numbers_come_of_a_regression(tmp_path: Path, runs: Any, new_run: NewRun) -> None:
    x, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(x, y)
    skops.io.dump(model, tmp_path / "m.skops")
    (tmp_path / "m.onnx").write_bytes(to_onnx(model, x[:1].astype(np.float32)).SerializeToString())
    for name in ("m.skops", "m.onnx"):
        items = _asked(tmp_path / name, x[:50].tolist(), runs, new_run(name))
        np.testing.assert_allclose([i.output["prediction"] for i in items], model.predict(x[:50]), rtol=1e-4)
        assert "score" not in items[0].output


def test_a_classifier_without_probabilities_has_no_score(tmp_path: Path, runs: Any, new_run: NewRun) -> None:
    skops.io.dump(LinearSVC().fit(X.to_numpy(), Y), tmp_path / "m.skops")
    (item,) = _asked(tmp_path / "m.skops", [X.iloc[0].tolist()], runs, new_run())
    assert item.output == {"output": 0, "prediction": 0}


def test_one_broken_row_costs_itself_alone(three: tuple[Any, Path], runs: Any, new_run: NewRun) -> None:
    good = _mappings()[0]
    names = list(good)
    broken: list[Any] = [
        {name: good[name] for name in names[1:]},
        good | {names[0]: "tall"},
        good | {names[0]: None},
        good | {names[0]: [1, 2]},
        "text",
        [1.0, 2.0],
        None,
        {},
    ]
    items = _asked(three[1], [good, *broken, good], runs, new_run())
    assert [item.error is None for item in items] == [True, *[False] * len(broken), True]
    assert items[1].error == f"the input has no feature {names[0]!r}"
    assert "has 2 features, the model 4" in items[6].error


def test_features_without_names_must_be_a_list(tmp_path: Path, runs: Any, new_run: NewRun) -> None:
    skops.io.dump(LinearRegression().fit([[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0]), tmp_path / "m.skops")
    items = _asked(tmp_path / "m.skops", [{"a": 1.0, "b": 2.0}, [1.0, 2.0]], runs, new_run())
    assert "give them as a list" in items[0].error
    assert items[1].output["prediction"] == pytest.approx(1.0)


class _Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".pickle"])
def test_a_pickle_is_not_read_unless_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Any, new_run: NewRun, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(InputError, match="runs any code") as caught:
        ModelFileTarget(path)
    assert "skops" in caught.value.hint
    assert not Path("exploded").exists()
    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
    joblib.dump(model, tmp_path / f"m{suffix}")
    (item,) = _asked(tmp_path / f"m{suffix}", [[3.0]], runs, new_run(), trust_pickle=True)
    assert item.output["prediction"] == pytest.approx(3.0)


def test_a_skops_file_with_types_of_others_is_refused(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump(make_pipeline(FunctionTransformer(pickle.loads), LinearRegression()), tmp_path / "m.skops")
    with pytest.raises(InputError, match="not known to be safe"):
        ModelFileTarget(tmp_path / "m.skops")


@pytest.mark.parametrize("name", ["m.skops", "m.onnx", "m.txt", "m", "absent.skops"])
def test_what_is_no_model_is_told(tmp_path: Path, name: str) -> None:
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"<html>no model</html>")
    with pytest.raises(InputError) as caught:
        ModelFileTarget(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


def test_something_without_predict_is_told(tmp_path: Path) -> None:
    joblib.dump({"a": 1}, tmp_path / "m.joblib")
    with pytest.raises(InputError, match="has no predict"):
        ModelFileTarget(tmp_path / "m.joblib", trust_pickle=True)


def test_another_file_of_the_same_name_is_another_release(three: tuple[Any, Path]) -> None:
    address = f"model:{three[1]}"
    first = target_release(address)
    skops.io.dump(LogisticRegression(C=0.1).fit(X, Y), three[1])
    assert target_release(address).id != first.id
