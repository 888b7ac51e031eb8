"""Flags as they are declared: variants, rules, splits, and what several flags share. Pure; stands on
``rollout.bucketing``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from launchworthy.rollout.bucketing import DEFAULT, Range, spread

__all__ = [
    "USER",
    "Condition",
    "Decision",
    "Flag",
    "FlagSet",
    "Holdout",
    "Namespace",
    "Operator",
    "Reason",
    "Rule",
    "Segment",
]

USER = "user"


class Operator(StrEnum):
    """How an attribute is compared. Of a missing one only ``is_not``, ``not_in`` and no ``exists`` hold."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    BELOW = "below"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    MATCHES = "matches"
    EXISTS = "exists"
    VERSION_AT_LEAST = "version_at_least"
    VERSION_BELOW = "version_below"


class Reason(StrEnum):
    """Why a unit got what it got."""

    STATIC = "static"  # the flag has no rules
    DEFAULT = "default"  # no rule matched
    TARGETING_MATCH = "targeting_match"
    SPLIT = "split"
    STICKY = "sticky"  # what it had before
    OVERRIDE = "override"
    HOLDOUT = "holdout"
    DISABLED = "disabled"  # switched off
    UNKNOWN_FLAG = "unknown_flag"
    UNIT_MISSING = "unit_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison; ``attribute`` may lead into objects by dots, and ``unit`` is who is asked about."""

    attribute: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named group of units: those listed, and those that meet every condition, but for those left out."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What units get that meet every condition and belong to one of the segments: a variant, or a split.

    Attributes:
        name: Names it among the rules of its flag; a split is compared with what it was by this name.
        when: Every one holds.
        segments: One of them holds; none named: no matter.
        serve: The variant, if it is no split.
        split: Weights by variant; with ``places``, how much each has.
        share: Share of units that the split takes in; the others go on to the next rule.
        places: Which positions have which variant, where the split says so itself.
    """

    name: str
    when: tuple[Condition, ...] = ()
    segments: tuple[str, ...] = ()
    serve: str | None = None
    split: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0
    places: tuple[Range, ...] = ()

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Which positions of the split have which variant."""
        if self.places:
            return self.places
        return spread(self.split, share=self.share) if self.split else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The part of a namespace in which a flag's splits are; flags of disjoint parts exclude each other.

    ``algorithm`` is that of the flag, unless the namespace came from where it is another.
    """

    name: str
    low: float
    high: float
    algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """A share of units that none of several flags reaches, so that all of them together can be measured."""

    share: float
    seed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag.

    Attributes:
        key: Names it.
        variants: Value by name; all of one type.
        otherwise: Variant where no rule matches.
        off: Variant when it is switched off, and of units in the holdout.
        enabled: False switches it off for everybody: the kill switch.
        unit: Who is assigned: ``user``, or the attribute that names the unit.
        algorithm: How units are put into buckets.
        seed: Salts them; the key if not given.
        generation: Raised to say that units may be moved; nothing else lets a change move anybody.
        sticky: Units of a split keep what they got, whatever their attributes become.
        namespace: Where its splits are.
        holdout: Name of the holdout that it respects.
        overrides: Variant by unit, for testers.
        rules: In order; the first that matches decides.
    """

    key: str
    variants: Mapping[str, Any]
    otherwise: str
    off: str
    enabled: bool = True
    unit: str = USER
    algorithm: str = DEFAULT
    seed: str = ""
    generation: int = 1
    sticky: bool = False
    namespace: Namespace | None = None
    holdout: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[Rule] = ()

    @property
    def salt(self) -> str:
        """What units are hashed with."""
        return self.seed or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSet:
    """The flags of a product, and what they share."""

    product: str
    flags: Mapping[str, Flag] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    holdouts: Mapping[str, Holdout] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What a unit gets, and why. The same object for all who get the same.

    Attributes:
        flag: Key of the flag.
        value: What the application works with; None where nothing was decided.
        variant: Its name; None where nothing was decided, and the application's own default holds.
        reason: Why.
        rule: Name of the rule that decided; empty for none.
        version: Content address of the flag that decided.
        algorithm: How units were put into buckets.
        unit_kind: Who is assigned.
        assigned: Whether chance had a part in it, now or before, so that it belongs into an experiment's log.
    """

    flag: str
    value: Any
    variant: str | None
    reason: Reason
    rule: str = ""
    version: str = ""
    algorithm: str = ""
    unit_kind: str = USER
    assigned: bool = False

    @property
    def cache_key(self) -> str:
        """To be part of the key of every cache of what was made with it: ``refund-tone=warm@3f2a…``."""
        return f"{self.flag}={self.variant or ''}@{self.version}"
