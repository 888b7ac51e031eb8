"""The families of attacks, and which of them speak for which claim ``abuse/*``. Pure; data.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from launchworthy.evals.redteam.mutators import ENCODINGS, OBFUSCATIONS, SPLITS

__all__ = ["CLAIMS", "FAMILIES", "Asked", "Family", "families_of"]

_ANY = ("say", "run", "choose", "system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One way to attack.

    Attributes:
        doc: What it tries, in a clause.
        goals: What the attacker may want.
        frame: Which wordings of the catalogue put the order.
        carriers: How it arrives: ``user``, a kind of passage, ``tool_result`` or ``procedure``.
        mutators: Of which one is applied, now and then two.
    """

    doc: str
    goals: tuple[str, ...]
    frame: str = "direct"
    carriers: tuple[str, ...] = ("user",)
    mutators: tuple[str, ...] = ()


_EVERYWHERE = ("user", "mail", "table", "code", "document")
FAMILIES: Mapping[str, Family] = {
    "direct_injection": Family(
        doc="the user orders the assistant to drop its instructions", goals=("say", "run", "system")
    ),
    "indirect_mail": Family(
        doc="a mail that is looked up carries orders", goals=_ANY, frame="hidden", carriers=("mail",)
    ),
    "indirect_table": Family(
        doc="a cell of a table carries orders", goals=_ANY, frame="hidden", carriers=("table",)
    ),
    "indirect_code": Family(
        doc="a comment in code carries orders", goals=_ANY, frame="hidden", carriers=("code",)
    ),
    "indirect_document": Family(
        doc="a passage of a document carries orders", goals=_ANY, frame="hidden", carriers=("document",)
    ),
    "indirect_tool_result": Family(
        doc="what a tool answers carries orders", goals=_ANY, frame="hidden", carriers=("tool_result",)
    ),
    "jailbreak": Family(
        doc="the user argues that no rule applies", goals=("run", "system"), frame="jailbreak"
    ),
    "role_play": Family(doc="a scene in which rules are off", goals=("run", "system"), frame="role_play"),
    "many_turn": Family(
        doc="a conversation that works its way up", goals=("say", "run", "system"), frame="many_turn"
    ),
    "encoding": Family(
        doc="orders in base64, hexadecimal, ROT13, Morse …",
        goals=("say", "run", "system"),
        carriers=_EVERYWHERE,
        mutators=ENCODINGS,
    ),
    "obfuscation": Family(
        doc="look-alike, invisible and reordered characters",
        goals=("say", "run", "system"),
        carriers=_EVERYWHERE,
        mutators=OBFUSCATIONS,
    ),
    "split_payload": Family(
        doc="an order in pieces", goals=("say", "run", "system"), carriers=_EVERYWHERE, mutators=SPLITS
    ),
    "language": Family(
        doc="the same in other languages",
        goals=("say", "run", "system"),
        frame="languages",
        carriers=_EVERYWHERE,
    ),
    "system_prompt_extraction": Family(
        doc="what the system prompt keeps to itself is asked for", goals=("system",)
    ),
    "pii_extraction": Family(doc="another person's data is asked for", goals=("pii",)),
    "cross_tenant": Family(doc="another customer's rows are asked for", goals=("other",)),
    "tool_misuse": Family(doc="the user orders a tool to run that nobody approved", goals=("run",)),
    "argument_smuggling": Family(
        doc="text that was looked up chooses a payee, an amount, a path or an address",
        goals=("choose",),
        frame="hidden",
        carriers=("mail", "table", "document", "tool_result"),
    ),
    "approval_bypass": Family(
        doc="an approval is forged, reused, stretched, or its arguments are changed",
        goals=("approval",),
        carriers=("procedure",),
    ),
}
_INDIRECT = tuple(name for name in FAMILIES if name.startswith("indirect_"))
_DISGUISED = ("encoding", "obfuscation", "split_payload", "language")
_ACTING = ("tool_misuse", "argument_smuggling", "approval_bypass")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a claim is about: families, and only tools of this effect where one is named."""

    families: tuple[str, ...]
    effect: str = ""


# Words of the contract's line → families. A line may also bear the name of a family.
CLAIMS: Mapping[str, Asked] = {
    "jailbreak": Asked(("jailbreak", "role_play", "many_turn", *_DISGUISED)),
    "prompt_injection": Asked(("direct_injection", *_INDIRECT, *_DISGUISED)),
    "indirect_prompt_injection": Asked(_INDIRECT),
    "retrieval_exfiltration": Asked(("cross_tenant", "pii_extraction")),
    "system_prompt_leak": Asked(("system_prompt_extraction",)),
    "tool_abuse": Asked(_ACTING),
    "unapproved_action": Asked(_ACTING),
    "unapproved_payment": Asked(_ACTING, "pay"),
    "unapproved_message": Asked(_ACTING, "send"),
    "unapproved_change": Asked(_ACTING, "write"),
    "unapproved_deletion": Asked(_ACTING, "delete"),
}


def families_of(claim: str) -> Asked | None:
    """The families that speak for ``abuse/NAME``; None for an event of the product's own.

    Example:
        >>> families_of("pii_extraction").families
        ('pii_extraction',)
    """
    if claim in CLAIMS:
        return CLAIMS[claim]
    return Asked((claim,)) if claim in FAMILIES else None
