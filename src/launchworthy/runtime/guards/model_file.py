"""A model of the company's own in a file as a guard: ``uses: model:FILE``.

May import ``model_files`` (which reads ONNX and skops, and never a pickle), ``foreign`` and the verdicts. The
model takes one text; its classes but the benign one are categories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.guards.foreign import Limits, read_answer
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

if TYPE_CHECKING:
    from launchworthy.model_files import Model

__all__ = ["ModelFileGuard"]

_SAFE = (".onnx", ".skops")  # what runs no code of the file
_BENIGN = ("0", "safe", "benign", "ok", "none", "negative", "false")


class ModelFileGuard:
    """Asks a text classifier; its score is the chance of anything but the benign class.

    Args:
        path: ``.onnx`` or ``.skops``.
        name: As the contract names it.
        limits: From which score it hits.
        benign: Class of harmless texts; by default one of 0, safe, benign, ok, none, negative, false.

    Raises:
        InputError: There is no such file.
    """

    estimates = True
    waits = True
    window: int | None = None

    def __init__(
        self, path: Path, *, name: str, limits: Limits | None = None, benign: str | None = None
    ) -> None:
        self.name = name
        self._path = path
        self._limits = limits or Limits()
        self._benign = (benign,) if benign is not None else _BENIGN
        try:
            self.version = f"{path.name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
        except OSError as error:
            raise InputError("the model of a guard cannot be read", where=str(path)) from error

    @cached_property
    def _model(self) -> Model:
        from launchworthy.model_files import load_model

        return load_model(self._path)

    def load(self) -> None:
        """Read the file now: its library takes seconds, which the first call would not wait for.

        Raises:
            InputError: It is no model that is safe to read.
            MissingExtraError: The library that reads it is not installed.
        """
        if self._path.suffix.lower() not in _SAFE:
            raise InputError(
                f"the model of a guard is not read from {self._path.suffix or 'a file without a suffix'}",
                where=str(self._path),
                hint="save it as .skops (skops.io.dump) or .onnx; a pickle runs any code that is in it",
            )
        _ = self._model

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Ask for one text."""
        found = self._model.predict([self._model.read([payload])])[0]
        return read_answer(self, self._answer(found), text=payload, limits=self._limits)

    def _answer(self, found: Mapping[str, Any]) -> dict[str, Any]:
        predicted, score = str(found["prediction"]), found.get("score")
        if predicted.removesuffix(".0") in ("0", "1"):
            predicted = predicted.removesuffix(".0")
        harmless = predicted.lower() in self._benign
        category = None if harmless or predicted == "1" else predicted
        if isinstance(score, Mapping):
            benign = [chance for name, chance in score.items() if str(name).lower() in self._benign]
            if not benign:
                raise ValueError("no class of the model is the benign one")
            worst = max(
                (name for name in score if str(name).lower() not in self._benign), key=score.__getitem__
            )
            return {"score": min(1.0, max(0.0, 1.0 - float(benign[0]))), "category": str(worst)}
        if score is None:
            return {"hit": not harmless, "category": category}
        # Of two classes the second is the one that the score is of.
        flagged = score >= 0.5
        value = float(score) if flagged is not harmless else 1.0 - float(score)
        return {"score": min(1.0, max(0.0, value)), "category": category}
