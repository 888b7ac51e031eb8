"""Where a calibration goes: its file, the ledger, and what is left for the person to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launchworthy.cli.guarding.calibrating import Calibrated
    from launchworthy.contract import Contract

__all__ = ["declared_file", "keep_evidence", "next_step"]


def declared_file(contract: Contract, name: str) -> str | None:
    """The file that the contract names for a guard's calibration."""
    declared = (contract.guards or {}).get(name)
    return None if declared is None or declared.calibration is None else str(declared.calibration)


def keep_evidence(contract: Contract, found: Calibrated, *, data: Path | None) -> bool:
    """Append the measurement to the ledger of the data folder; False where nothing asks for it there."""
    from launchworthy import __version__
    from launchworthy.cli.guarding.calibrating import evidence_of
    from launchworthy.cli.in_force import claims_of, opened
    from launchworthy.errors import NotFoundError
    from launchworthy.evals.suite import release_of

    release = release_of(contract, folder=Path(contract.file).parent)
    piece = evidence_of(
        found,
        product=contract.product,
        release=None if release is None else release.id,
        producer=f"launchworthy.guard {__version__}",
    )
    if piece is None or all(claim.address != piece.claim for claim in claims_of(contract)):
        return False
    try:
        with opened(data) as workspace:
            workspace.add_evidence(contract.product, [piece])
    except NotFoundError:
        return False
    return True


def next_step(contract: Contract, found: Calibrated, *, path: Path, root: Path, kept: bool) -> list[str]:
    """What the contract still has to say for the guard to act, and where the measurement is kept."""
    name = found.made.guard
    lines = ["kept as evidence"] if kept else []
    if found.made.may_act and declared_file(contract, name) is None:
        try:
            file = path.resolve().relative_to(root.resolve()).as_posix()
        except ValueError:
            file = str(path)
        lines.append(f"for it to act, add to guards/{name}: calibration: {file}")
    return lines
