"""Let a model behind an address write the answers: the release in the product's files then says so.

May import ``errors``. A release is what its parts say, so the files are changed, not the assistant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from launchworthy.errors import InputError

__all__ = ["adopt_model"]

_MODEL = re.compile(r"^(?P<head>\s*model:\s*\{name:\s*)(?P<name>[^,}]+)", flags=re.MULTILINE)
_FILES = ("launchworthy.yaml", "baseline.yaml")


def adopt_model(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Write ``LAUNCHWORTHY_DEMO_MODEL`` into the releases of the product in a folder.

    Does nothing unless both it and ``OPENAI_BASE_URL`` are set. Answers the model where a file changed.

    Raises:
        InputError: The name cannot stand in the file, or the file has no line for it.
    """
    model = environ.get("LAUNCHWORTHY_DEMO_MODEL", "").strip()
    if not model or not environ.get("OPENAI_BASE_URL"):
        return None
    if len(model) > 200 or not model.isprintable():
        raise InputError(f"{model!r:.80} is no name of a model", where="LAUNCHWORTHY_DEMO_MODEL")
    quoted = json.dumps(model, ensure_ascii=False)  # a JSON text is a YAML text
    changed = False
    for name in _FILES:
        file = folder / name
        text = file.read_text(encoding="utf-8")
        found = _MODEL.search(text)
        if found is None:
            raise InputError(
                "the release has no line for its model", where=str(file), hint="write model: {name: …}"
            )
        if found["name"].strip() != quoted:
            file.write_text(
                text[: found.start("name")] + quoted + text[found.end("name") :], encoding="utf-8"
            )
            changed = True
    return model if changed else None
