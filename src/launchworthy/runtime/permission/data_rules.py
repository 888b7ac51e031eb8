"""Which data may flow into the arguments of a tool.

May import ``contract`` (when a policy is made) and this folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from launchworthy.runtime.permission.choosing import shown
from launchworthy.runtime.permission.decision import Check, Checked
from launchworthy.runtime.permission.tool_rules import ToolRules, listed

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["DataRules"]

_CLASSES = ("public", "internal", "confidential", "restricted")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRules:
    """The sources of a contract by name, and the four classes by theirs.

    Attributes:
        rule: Address of the block.
        classes: Source or class → its class.
        only_for: Source → the one purpose that it may serve.
        made: What was said before of a tool and a known name.
    """

    rule: str
    classes: Mapping[str, str]
    only_for: Mapping[str, str]
    made: dict[tuple[str, str], Check] = field(default_factory=dict)

    @classmethod
    def of(cls, contract: Contract) -> DataRules:
        """Read the block ``data`` of a contract."""
        sources = contract.data.sources
        own: dict[str, str] = {name: source.class_ for name, source in sources.items()}
        for name in set(own) & set(_CLASSES):
            own[name] = max(own[name], name, key=_CLASSES.index)  # whichever is meant, the stricter counts
        return cls(
            rule=f"{contract.product}/data",
            classes={**{name: name for name in _CLASSES}, **own},
            only_for={name: each.only_for for name, each in sources.items() if each.only_for is not None},
        )

    def check(self, rules: ToolRules, data: Sequence[str]) -> Iterator[Check]:
        """Each source or class that flows in."""
        for name in data:
            found = self.made.get((rules.rule, name))
            if found is None:
                found = self._one(rules, name)
                if name in self.classes:
                    self.made[rules.rule, name] = found
            yield found

    def _one(self, rules: ToolRules, name: str) -> Check:
        found = self.classes.get(name)
        if found is None:
            return Check(
                rule=f"{self.rule}/unnamed",
                outcome=Checked.BROKEN,
                reason=f"{shown(name)} is no source of the contract, and what is not named may not be used",
                remedy=f"name a source under data/sources, or a class: {listed(_CLASSES)}",
            )
        purpose = self.only_for.get(name)
        if purpose is not None and purpose != rules.name:
            return Check(
                rule=f"{self.rule}/sources/{name}/only_for",
                outcome=Checked.BROKEN,
                reason=f"{name} serves only {purpose}, and flows into {rules.name}",
                remedy=f"call {rules.name} without it",
            )
        what = name if name == found else f"{name}, which is {found},"
        if rules.data is not None and found not in rules.data:
            may = listed(tuple(each for each in _CLASSES if each in rules.data)) if rules.data else "none"
            return Check(
                rule=f"{rules.rule}/data",
                outcome=Checked.BROKEN,
                reason=f"{what} may not flow into {rules.name}",
                remedy=f"classes that may: {may}",
            )
        return Check(
            rule=f"{rules.rule}/data" if rules.data is not None else f"{self.rule}/sources",
            outcome=Checked.KEPT,
            reason=f"{what} may flow into {rules.name}",
        )
