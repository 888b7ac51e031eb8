"""A model in a file as a target: scikit-learn as skops (or pickle, if trusted), and ONNX.

May import ``model_files``, ``gold`` and this room. Items that are asked at the same time are predicted in one
batch. An input is a mapping of features, or a list of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launchworthy.evals.target import Reply, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.model_files import FeatureError, load_model

__all__ = ["ModelFileTarget"]


class ModelFileTarget:
    """Predictions of a model file.

    The answer's ``prediction`` is a class or a number; ``score`` is the probability of the second of two
    classes, or a mapping class → probability where there are more; ``confidence`` that of the class that was
    predicted.

    Args:
        path: ``.skops``, ``.onnx``, or ``.joblib``, ``.pkl``, ``.pickle``.
        trust_pickle: Read the last three, which run whatever code is in them.

    Raises:
        InputError: No such file, not a model, or not one that is safe to read.
        MissingExtraError: The library that reads it is not installed.
    """

    def __init__(self, path: Path, *, trust_pickle: bool = False) -> None:
        self._path = path
        self._model = load_model(path, trust_pickle=trust_pickle)
        self._waiting: list[tuple[list[Any], asyncio.Future[Reply]]] = []
        self._turn: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return f"model:{self._path}"

    async def open(self, *, concurrency: int) -> None:
        self._waiting, self._turn = [], None

    async def close(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._turn

    async def ask(self, item: GoldItem) -> Reply:
        try:
            row = self._model.read(item.input)
        except FeatureError as error:
            raise TargetFailure(str(error), transient=False) from error
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, answer))
        if self._turn is None or self._turn.done():
            self._turn = asyncio.create_task(self._predict_waiting())
        return await answer

    async def _predict_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            started = time.perf_counter()
            found = await asyncio.to_thread(self._predicted, [row for row, _ in batch])
            latency_ms = (time.perf_counter() - started) * 1_000
            for (_, answer), said in zip(batch, found, strict=True):
                if answer.done():
                    continue  # it was given up
                if isinstance(said, TargetFailure):
                    answer.set_exception(said)
                else:
                    answer.set_result(Reply(raw=said, latency_ms=latency_ms))

    def _predicted(self, rows: list[list[Any]]) -> Sequence[dict[str, Any] | TargetFailure]:
        try:
            return self._model.predict(rows)
        except Exception as error:
            if len(rows) == 1:
                return [TargetFailure(f"{type(error).__name__}: {str(error)[:300]}", transient=False)]
        # One row that the model cannot take is no reason to lose those beside it.
        return [said for row in rows for said in self._predicted([row])]
