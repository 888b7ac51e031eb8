"""API keys, and the ledger of spending that applications share.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.runtime.permission import Charge, Overrun, Reservation
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.local.opened import Opened, check_owner
from launchworthy.server.workspace import ApiKey

__all__ = ["Keys"]


class Keys(Opened):
    """API keys, and the ledger of spending that applications share."""

    def reserve_spending(self, *, product: str, charges: Sequence[Charge]) -> Mapping[str, Any]:
        """Take room in every budget, or in none: ``{"reservation": …}``, or ``{"overrun": …}``."""
        found = self._store.spending(product).reserve(charges)
        if isinstance(found, Overrun):
            return {"overrun": {"place": list(charges).index(found.charge), "spent": found.spent}}
        return {"reservation": found.id}

    def settle_spending(self, *, product: str, reservation: str, amount: float | None = None) -> None:
        """The call ran; ``amount`` is what it really took."""
        self._store.spending(product).settle(Reservation(id=reservation, charges=()), amount=amount)

    def release_spending(self, *, product: str, reservation: str) -> None:
        """The call did not run, for certain."""
        self._store.spending(product).release(Reservation(id=reservation, charges=()))

    def add_api_key(
        self,
        *,
        name: str,
        role: str,
        person: str = "",
        acts_as: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Make an API key; the answer is the only time that its secret is shown."""
        if person or acts_as:
            check_owner(caller, "an application could make itself an approver")
        return self._store.registry.add_api_key(name=name, role=role, person=person, acts_as=acts_as)

    def api_keys(self) -> list[ApiKey]:
        """Every key, revoked ones included, by name."""
        return [
            ApiKey(
                name=key.name,
                role=key.role,
                created_at=key.created_at,
                revoked_at=key.revoked_at,
                person=key.person,
                acts_as=key.acts_as,
            )
            for key in self._store.registry.api_keys()
        ]

    def revoke_api_key(self, *, name: str) -> None:
        """End a key at once."""
        self._store.registry.revoke_api_key(name=name)

    def is_live_key(self, name: str) -> bool:
        """Whether a key of this name is in force."""
        return self._store.registry.is_live(name)

    def role_of_key(self, key: str) -> str | None:
        """The role of a key that is in force, or None."""
        return self._store.registry.role_of_key(key)

    def name_of_key(self, key: str) -> str:
        """The name of a key that is in force; empty for any other."""
        return self._store.registry.name_of_key(key) or ""
