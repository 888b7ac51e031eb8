"""Who pays for the models of one call, and what they took. May import ``runtime`` and this room."""

from __future__ import annotations

from typing import Any

from launchworthy.gateway.caller import Caller
from launchworthy.gateway.free import FREE
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.served import Arm, Job
from launchworthy.runtime.budget import Prices
from launchworthy.runtime.fallback import Hold, Purse
from launchworthy.runtime.purse import CallPurse
from launchworthy.runtime.telling import Telling

__all__ = ["detail_of", "purse_of", "settle", "tokens_of"]


def purse_of(
    arm: Arm, job: Job, caller: Caller, *, prices: Prices, ledger: Ledger, telling: Telling
) -> Purse:
    """What the limits of a workflow leave for one call."""
    if job.cost_usd is None and not job.ceilings:
        return FREE
    rule = f"{arm.product}/{job.name}/limits/cost_per_action"

    def beyond(spent: float) -> None:
        telling.over(
            rule,
            stopped=False,
            reason="the call cost more than one may",
            facts={"spent_usd": round(spent, 6), "limit_usd": job.cost_usd},
        )

    return CallPurse(
        prices=prices,
        most_usd=job.cost_usd,
        rule=rule,
        ceilings=job.ceilings,
        spending=ledger.spending,
        user=caller.user,
        session=caller.session,
        beyond=beyond,
    )


def settle(ledger: Ledger, hold: Hold, usage: Any, *, written: int | None = None) -> None:
    """Enter what a request took, by the model's own count; what was set aside, where it tells none.

    ``written`` is for what is no text, so that no count of it comes.
    """
    read, counted = tokens_of(usage)
    written = counted if written is None else written
    if read is None or written is None:
        ledger.later(hold.lost)
        return
    cached = detail_of(usage, "prompt_tokens_details", "cached_tokens")
    cached = cached or detail_of(usage, "input_tokens_details", "cached_tokens")
    ledger.later(hold.paid, input_tokens=read, output_tokens=written, cached=cached or 0)


def tokens_of(usage: Any) -> tuple[int | None, int | None]:
    """Tokens read and written, as the model says."""
    if not isinstance(usage, dict):
        return None, None
    read = usage.get("prompt_tokens", usage.get("input_tokens"))
    written = usage.get("completion_tokens", usage.get("output_tokens"))
    return _count(read), _count(written)


def detail_of(usage: dict[str, Any], block: str, name: str) -> int | None:
    """A count that stands one level deeper."""
    details = usage.get(block)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
