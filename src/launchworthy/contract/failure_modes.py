"""Which failure mode a claim or a limit is a case of, and whose it is. May import this room only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from launchworthy.contract.model import Contract
from launchworthy.contract.model.workflow import Failure

__all__ = ["FailureMode", "failure_modes", "mode_named", "mode_of", "owner_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMode:
    """One way to fail, as a workflow declares it.

    Attributes:
        workflow, name: Where it stands.
        watched_by: Address of the claim that measures it, with the product.
        failure: What the contract says of it.
    """

    workflow: str
    name: str
    watched_by: str
    failure: Failure


def failure_modes(contract: Contract) -> Iterator[FailureMode]:
    """Every failure mode, in the contract's order."""
    for workflow, block in contract.workflows.items():
        for name, failure in block.failures.items():
            watched = failure.watched_by.removeprefix(f"{contract.product}/")
            own = watched.partition("/")[0] in {workflow, *Contract.model_fields}
            path = watched if own else f"{workflow}/{watched}"
            yield FailureMode(
                workflow=workflow, name=name, watched_by=f"{contract.product}/{path}", failure=failure
            )


def mode_named(contract: Contract, name: str) -> FailureMode | None:
    """A failure mode by its name, or by ``WORKFLOW/NAME`` where two workflows have it."""
    return next(
        (each for each in failure_modes(contract) if name in (each.name, f"{each.workflow}/{each.name}")),
        None,
    )


def mode_of(contract: Contract, address: str) -> FailureMode | None:
    """The failure mode that a claim watches, or that passing a limit is a case of; None where none is."""
    inner = address.removeprefix(f"{contract.product}/")
    known = list(failure_modes(contract))
    for each in known:
        watched = each.watched_by.removeprefix(f"{contract.product}/")
        # A harm or a monitor names the line that it is about behind its own path.
        if inner == watched or inner.startswith(f"{watched}/") or inner.endswith(f"/{watched}"):
            return each
    workflow, _, rest = inner.partition("/")
    limit = rest.removeprefix("limits/") if rest.startswith("limits/") else ""
    kind = "" if not limit else "slow" if limit == "timeout" else "expensive"
    return next((each for each in known if (each.workflow, each.failure.kind) == (workflow, kind)), None)


def owner_of(contract: Contract, address: str, *, severity: str) -> str:
    """The owner who is told: whom a monitor pages, else who is on call where it is bad, else engineering."""
    family, _, name = address.removeprefix(f"{contract.product}/").partition("/")
    monitor = contract.monitors.get(name) if family == "monitors" else None
    if monitor is not None:
        return monitor.page
    bad = severity in ("high", "critical")
    wanted = ("on_call", "engineering", "product") if bad else ("engineering", "on_call", "product")
    return next((each for each in wanted if each in contract.owners), next(iter(contract.owners)))
