"""A model in a file, read and asked: scikit-learn as skops (or pickle, if trusted), and ONNX.

Stands on the ground: may import ``errors``; the libraries (extra ``models``) load with a file. A row is what
a model takes for one answer: a mapping of features, or a list of them.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from launchworthy.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FeatureError", "Model", "load_model"]

_PICKLES = frozenset({".joblib", ".pkl", ".pickle"})


class FeatureError(ValueError):
    """What a model was given is not what it takes."""


class Model(Protocol):
    """What every model file can do."""

    def read(self, features: Any) -> list[Any]:
        """The features of one item, in the model's order.

        Raises:
            FeatureError: They are not the model's.
        """

    def predict(self, rows: Sequence[list[Any]]) -> list[dict[str, Any]]:
        """An answer for each row."""


def load_model(path: Path, *, trust_pickle: bool = False) -> Model:
    """The model of a file.

    Args:
        path: ``.skops``, ``.onnx``, or ``.joblib``, ``.pkl``, ``.pickle``.
        trust_pickle: Read the last three, which run whatever code is in them.

    Raises:
        InputError: No such file, not a model, or not one that is safe to read.
        MissingExtraError: The library that reads it is not installed.
    """
    if not path.is_file():
        raise InputError("there is no such model file", where=str(path))
    kind = path.suffix.lower()
    if kind == ".skops":
        return _Sklearn(_read_skops(path), where=str(path))
    if kind == ".onnx":
        return _Onnx(path)
    if kind not in _PICKLES:
        raise InputError(
            f"models are not read from {kind or 'files without a suffix'!r}",
            where=str(path),
            hint="save it as .skops (skops.io.dump) or .onnx",
        )
    if not trust_pickle:
        raise InputError(
            "a pickle runs any code that is in it, as soon as it is read",
            where=str(path),
            hint="save the model with skops.io.dump, or, if you made this file yourself, give --trust-pickle",
        )
    return _Sklearn(_read_pickle(path), where=str(path))


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(name.partition(".")[0], extra="models") from error


def _read_skops(path: Path) -> Any:
    skops = _library("skops.io")
    try:
        unknown = skops.get_untrusted_types(file=path)
        if not unknown:
            return skops.load(path)
    except Exception as error:
        raise InputError(f"not a skops model: {str(error)[:300]}", where=str(path)) from error
    raise InputError(
        f"the model holds types that are not known to be safe: {', '.join(unknown[:5])}",
        where=str(path),
        hint="build it of scikit-learn's own parts, or serve it and give the address",
    )


def _read_pickle(path: Path) -> Any:
    joblib = _library("joblib")
    try:
        return joblib.load(path)
    except Exception as error:
        raise InputError(
            f"the model cannot be read: {type(error).__name__}: {str(error)[:300]}", where=str(path)
        ) from error


class _Sklearn:
    """An estimator of scikit-learn, or whatever has its ``predict``."""

    def __init__(self, model: Any, *, where: str) -> None:
        if not callable(getattr(model, "predict", None)):
            raise InputError(f"a {type(model).__name__} is no model: it has no predict", where=where)
        self._model = model
        names = getattr(model, "feature_names_in_", None)
        self._names = None if names is None else [str(name) for name in names]
        self._width = getattr(model, "n_features_in_", None)

    def read(self, features: Any) -> list[Any]:
        return _row(features, names=self._names, width=self._width)

    def predict(self, rows: Sequence[list[Any]]) -> list[dict[str, Any]]:
        table = self._table(rows)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            predicted = self._model.predict(table).tolist()
            chances = self._chances(table)
        classes = getattr(self._model, "classes_", None)
        if classes is None:
            return [{"output": value, "prediction": value} for value in predicted]
        names = classes.tolist()
        if chances is None:
            return [{"output": value, "prediction": value} for value in predicted]
        return [_classified(value, names, row) for value, row in zip(predicted, chances, strict=True)]

    def _table(self, rows: Sequence[list[Any]]) -> Any:
        import numpy as np

        if self._names is not None:
            with contextlib.suppress(MissingExtraError):  # a model that learnt from a frame chooses by column
                return _library("pandas").DataFrame(rows, columns=self._names)
        if all(len(row) == 1 and isinstance(row[0], str) for row in rows) and self._width is None:
            return [row[0] for row in rows]  # a pipeline that begins with texts
        numbers = all(isinstance(value, (int, float, bool)) or value is None for row in rows for value in row)
        return np.array(rows, dtype=np.float64 if numbers else object)

    def _chances(self, table: Any) -> list[list[float]] | None:
        try:
            predict_proba = self._model.predict_proba
        except AttributeError:
            return None
        found: list[list[float]] = predict_proba(table).tolist()
        return found


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str
    width: int | None


class _Onnx:
    """A graph that takes one tensor of all features, or a column for each."""

    def __init__(self, path: Path) -> None:
        onnxruntime = _library("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise InputError(f"not an ONNX model: {str(error)[:300]}", where=str(path)) from error
        self._columns = [_column(entry, where=str(path)) for entry in self._session.get_inputs()]
        self._is_classifier = len(self._session.get_outputs()) > 1

    def read(self, features: Any) -> list[Any]:
        if len(self._columns) == 1:
            row = _row(features, names=None, width=self._columns[0].width)
        else:
            row = _row(features, names=[column.name for column in self._columns], width=len(self._columns))
        kinds = self._columns * len(row) if len(self._columns) == 1 else self._columns
        for value, column in zip(row, kinds, strict=True):
            if isinstance(value, str) != (column.kind == "str"):
                raise FeatureError(
                    f"the input holds {value!r:.80} where the model takes "
                    f"{'a text' if column.kind == 'str' else 'a number'}",
                )
        return row

    def predict(self, rows: Sequence[list[Any]]) -> list[dict[str, Any]]:
        import numpy as np

        feed: dict[str, NDArray[Any]] = {}
        if len(self._columns) == 1:
            only = self._columns[0]
            feed[only.name] = np.array(rows, dtype=_dtype(only.kind))
        else:
            for place, column in enumerate(self._columns):
                feed[column.name] = np.array([[row[place]] for row in rows], dtype=_dtype(column.kind))
        outputs = self._session.run(None, feed)
        predicted = np.asarray(outputs[0]).reshape(len(rows), -1)[:, 0].tolist()
        if not self._is_classifier:
            return [{"output": value, "prediction": value} for value in predicted]
        chances = outputs[1]
        if isinstance(chances, list):  # ZipMap: a mapping by class for each row
            return [
                _classified(value, [*row], [float(chance) for chance in row.values()])
                for value, row in zip(predicted, chances, strict=True)
            ]
        return _by_position(predicted, np.asarray(chances).reshape(len(rows), -1))


def _by_position(predicted: list[Any], chances: NDArray[np.float64]) -> list[dict[str, Any]]:
    """A tensor does not name its classes: the n-th is class n, where that explains every prediction."""
    if chances.argmax(axis=1).tolist() != predicted:
        return [{"output": value, "prediction": value} for value in predicted]
    names = list(range(chances.shape[1]))
    return [_classified(value, names, row) for value, row in zip(predicted, chances.tolist(), strict=True)]


def _classified(value: Any, names: Sequence[Any], chances: Sequence[float]) -> dict[str, Any]:
    by_name = {str(name): chance for name, chance in zip(names, chances, strict=True)}
    return {
        "output": value,
        "prediction": value,
        "score": chances[1] if len(chances) == 2 else by_name,
        "confidence": by_name.get(str(value)),
    }


def _row(features: Any, *, names: Sequence[str] | None, width: int | None) -> list[Any]:
    """The features of one item in the model's order."""
    if isinstance(features, Mapping):
        if names is None:
            raise FeatureError("the model does not name its features: give them as a list, in its order")
        missing = [name for name in names if name not in features]
        if missing:
            raise FeatureError(f"the input has no feature {missing[0]!r:.80}")
        row = [features[name] for name in names]
    else:
        row = list(features) if isinstance(features, (list, tuple)) else [features]
        if width is not None and len(row) != width:
            raise FeatureError(f"the input has {len(row)} features, the model {width}")
    for value in row:
        if value is not None and not isinstance(value, (str, int, float, bool)):
            raise FeatureError(f"a feature is {value!r:.80}, neither number nor text")
    return row


_KINDS: Mapping[str, str] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
}


def _column(entry: Any, *, where: str) -> _Column:
    kind = _KINDS.get(entry.type)
    if kind is None:
        raise InputError(f"the model's input {entry.name!r:.80} is a {entry.type}", where=where)
    last = entry.shape[-1] if len(entry.shape) > 1 else 1
    return _Column(entry.name, kind, last if isinstance(last, int) else None)


def _dtype(kind: str) -> str:
    return "object" if kind == "str" else kind
