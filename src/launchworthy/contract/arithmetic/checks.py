"""Every sum, in the order of the codes. May import this room only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.guards import guards
from launchworthy.contract.arithmetic.limits import limits
from launchworthy.contract.arithmetic.people import human_ceiling, label_volume, review_volume
from launchworthy.contract.arithmetic.permissions import permissions
from launchworthy.contract.arithmetic.price import cost_per_success, margins
from launchworthy.contract.arithmetic.rates import against_base_rate, against_before, floors, monitors
from launchworthy.contract.arithmetic.settling import retention, waivers
from launchworthy.contract.arithmetic.sizes import attempts, gold_sizes, gold_splits, looks, sealed_sizes
from launchworthy.contract.arithmetic.speed import limits_below_targets, percentiles
from launchworthy.contract.arithmetic.terms import Counted
from launchworthy.contract.model import Contract

__all__ = ["findings"]

_NOTHING: Mapping[str, Counted] = MappingProxyType({})
_CHECKS: tuple[Callable[[Contract], Iterator[Finding]], ...] = (
    retention,
    attempts,
    limits_below_targets,
    percentiles,
    cost_per_success,
    margins,
    review_volume,
    label_volume,
    against_base_rate,
    floors,
    human_ceiling,
    looks,
    limits,
    permissions,
    guards,
    monitors,
    against_before,
)


def findings(
    contract: Contract, *, today: date, counted: Mapping[str, Counted] = _NOTHING
) -> Iterator[Finding]:
    """Everything that the numbers of a contract rule out or will not keep; waivers as of ``today``."""
    yield from gold_sizes(contract, counted)
    yield from sealed_sizes(contract, counted)
    for check in _CHECKS:
        yield from check(contract)
    yield from gold_splits(contract, counted)
    yield from waivers(contract, today)
