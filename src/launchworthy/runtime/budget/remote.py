"""The ledger of spending that a server keeps, for every process of a product together.

May import ``server_link`` and ``permission.spending``. A server that does not answer has no room to give:
what would spend is refused, for nobody can say what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from urllib.parse import quote

from launchworthy.errors import LaunchworthyError
from launchworthy.runtime.permission.spending import Charge, Overrun, Reservation
from launchworthy.runtime.server_link import ServerLink

__all__ = ["RemoteSpending"]


class RemoteSpending:
    """Meets ``permission.Spending``.

    Args:
        url: Address of the server.
        product: Product whose ledger it is.
        key: API key of the application; one with the role ``ingest`` does.
        timeout_s: For one request.
        patience_s: How long a server that does not answer is tried again.
    """

    def __init__(
        self,
        url: str,
        *,
        product: str,
        key: str | None = None,
        timeout_s: float = 5.0,
        patience_s: float = 2.0,
    ) -> None:
        self._link = ServerLink(url, key=key, timeout_s=timeout_s, patience_s=patience_s)
        self._base = f"/products/{quote(product, safe='')}/spending"

    def spent(self, charge: Charge, *, at_ms: int | None = None) -> float:
        """Sum within the charge's window: a budget of nothing refuses whatever is asked, and says it.

        Infinite where the server does not answer.
        """
        try:
            found = self._reserve([replace(charge, amount=0.0, most=0.0)])
        except LaunchworthyError:
            return math.inf
        if isinstance(found, Overrun):
            return found.spent
        self.release(found)
        return 0.0

    def reserve(self, charges: Sequence[Charge], *, at_ms: int | None = None) -> Reservation | Overrun:
        """Enter all charges, or none; when is for the server's clock to say."""
        try:
            return self._reserve(charges)
        except LaunchworthyError:
            return Overrun(charge=charges[0], spent=math.inf)

    def settle(self, reservation: Reservation, *, amount: float | None = None) -> None:
        """The call ran; where the server cannot be told, what was set aside stays spent."""
        self._tell("settle", {"reservation": reservation.id, "amount": amount})

    def release(self, reservation: Reservation) -> None:
        """The call did not run; where the server cannot be told, what was set aside stays spent."""
        self._tell("release", {"reservation": reservation.id})

    def _reserve(self, charges: Sequence[Charge]) -> Reservation | Overrun:
        told = self._link.ask(
            "POST", f"{self._base}/reserve", {"charges": [asdict(each) for each in charges]}
        )
        if "overrun" in told:
            over = told["overrun"]
            return Overrun(charge=charges[int(over["place"])], spent=float(over["spent"]))
        return Reservation(id=str(told["reservation"]), charges=tuple(charges))

    def _tell(self, what: str, body: dict[str, object]) -> None:
        try:
            self._link.ask("POST", f"{self._base}/{what}", body)
        except LaunchworthyError:
            return
