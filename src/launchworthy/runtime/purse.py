"""What pays for the models of one call: its own ceiling, and those that it shares with other calls.

May import ``budget``, ``fallback`` and ``permission.spending``. A request is refused before it is made where
at worst it would go beyond; what it really took is entered after. Several requests may run at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launchworthy.quantity import format_value
from launchworthy.runtime.budget import Ceiling, Prices, estimated_tokens
from launchworthy.runtime.fallback import TooDear
from launchworthy.runtime.permission import Overrun, Reservation, Spending

__all__ = ["CallPurse"]

_NEARLY = 1 + 1e-9


class CallPurse:
    """Pays for one call.

    Args:
        prices: Of models.
        most_usd: What one call may cost; None: no ceiling.
        rule: Address of that ceiling.
        ceilings: Those over many calls that count cost or tokens.
        spending: Their ledger.
        user, session: Whose ceilings.
        beyond: Told where what was taken went beyond the call's own ceiling: dollars so far.
    """

    def __init__(
        self,
        *,
        prices: Prices,
        most_usd: float | None,
        rule: str,
        ceilings: Sequence[Ceiling],
        spending: Spending,
        user: str,
        session: str,
        beyond: Callable[[float], None],
    ) -> None:
        self._prices, self._most, self._rule = prices, most_usd, rule
        self._ceilings = [each for each in ceilings if each.counts != "actions"]
        self._spending, self._beyond = spending, beyond
        self._who = {"user": user, "session": session}
        self._spent = self._held = 0.0
        self._unpriced = False
        self._told = False
        self._lock = threading.Lock()

    @property
    def spent_usd(self) -> float | None:
        """What the call has cost so far; None where the price of a model is not known."""
        return None if self._unpriced else self._spent

    def take(self, model: str, messages: Any, options: Mapping[str, Any]) -> _Hold | TooDear:
        """Set aside what a request may cost at worst."""
        worst = self._prices.at_worst(model, messages, options)
        if self._most is not None:
            if worst is None:
                return TooDear(rule=self._rule, reason=f"the price of {model} is not known")
            with self._lock:
                if self._spent + self._held + worst > self._most * _NEARLY:
                    most = format_value(self._most, unit="USD")
                    return TooDear(rule=self._rule, reason=f"asking {model} may bring the call above {most}")
        reserved: list[tuple[Ceiling, Reservation]] = []
        for ceiling in self._ceilings:
            amount = worst if ceiling.counts == "cost" else float(_tokens(messages, options))
            if amount is None:
                self._release(reserved)
                return TooDear(rule=ceiling.rule, reason=f"the price of {model} is not known")
            if not amount:
                continue  # what costs nothing needs no room, and waits for no ledger
            taken = self._spending.reserve([ceiling.charge(amount, **self._who)])
            if isinstance(taken, Overrun):
                self._release(reserved)
                if taken.unknown:
                    why = f"what is left of {ceiling.name} is not known, since the ledger did not answer"
                    return TooDear(rule=ceiling.rule, reason=why, unknown=True)
                return TooDear(
                    rule=ceiling.rule,
                    reason=f"{ceiling.name} has {format_value(taken.spent, unit=ceiling.unit)} of "
                    f"{format_value(ceiling.most, unit=ceiling.unit)} spent",
                )
            reserved.append((ceiling, taken))
        with self._lock:
            self._held += worst or 0.0
        return _Hold(self, model, worst, reserved)

    def _release(self, reserved: Sequence[tuple[Ceiling, Reservation]]) -> None:
        for _, reservation in reserved:
            self._spending.release(reservation)

    def _enter(self, worst: float | None, really: float | None) -> None:
        """What a request took, in place of what was set aside for it."""
        with self._lock:
            self._held = max(0.0, self._held - (worst or 0.0))
            if really is None:
                self._unpriced = True
            else:
                self._spent += really
            gone_beyond = self._most is not None and self._spent > self._most * _NEARLY and not self._told
            self._told = self._told or gone_beyond
        if gone_beyond:
            self._beyond(self._spent)


class _Hold:
    """Money set aside for one request."""

    def __init__(
        self,
        purse: CallPurse,
        model: str,
        worst: float | None,
        reserved: list[tuple[Ceiling, Reservation]],
    ) -> None:
        self._purse, self._model, self._worst, self._reserved = purse, model, worst, reserved

    def price(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        """What an answer costs."""
        return self._purse._prices.cost(
            self._model, input_tokens=input_tokens, output_tokens=output_tokens, cached=cached
        )

    def paid(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        """It was answered."""
        really = self.price(input_tokens=input_tokens, output_tokens=output_tokens, cached=cached)
        for ceiling, reservation in self._reserved:
            took = really if ceiling.counts == "cost" else float(input_tokens + output_tokens)
            self._purse._spending.settle(reservation, amount=took)
        self._purse._enter(self._worst, really)
        return really

    def lost(self) -> None:
        """It may have been answered."""
        for _, reservation in self._reserved:
            self._purse._spending.settle(reservation)
        self._purse._enter(self._worst, self._worst)

    def back(self) -> None:
        """It was not answered and is not billed."""
        self._purse._release(self._reserved)
        self._purse._enter(self._worst, 0.0)


def _tokens(messages: Any, options: Mapping[str, Any]) -> int:
    most = next(
        (
            options[name]
            for name in ("max_tokens", "max_completion_tokens")
            if isinstance(options.get(name), int)
        ),
        1_024,
    )
    return estimated_tokens(messages) + int(most)
