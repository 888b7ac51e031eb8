"""Which product a command speaks of, when it is not told. No command of its own."""

from __future__ import annotations

from pathlib import Path

from launchworthy.errors import InputError
from launchworthy.server import Workspace

__all__ = ["product_of"]

_CONTRACT = Path("launchworthy.yaml")


def product_of(workspace: Workspace, given: str | None) -> str:
    """The product named, else that of ``launchworthy.yaml`` here, else the only one the data folder knows.

    Raises:
        InputError: None of these decides; says which there are.
    """
    if given:
        return given
    if _CONTRACT.is_file():
        from launchworthy.contract import load_contract

        return load_contract(_CONTRACT).product
    known = workspace.products()
    if len(known) == 1:
        return known[0]
    if not known:
        raise InputError(
            "no product is known here yet", hint="name it, --product NAME, or its folder, --data DIR"
        )
    raise InputError("which product is not clear", hint=f"there are: {', '.join(known)}")
