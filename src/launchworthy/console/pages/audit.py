"""``/products/{product}/audit``: who decided what, by which rule, and whether the chain is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from launchworthy.console.chain import ChainState
from launchworthy.console.claims import claim_url
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, moment, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.evidence import AuditEntry, AuditFilter, Openness, entry_words
from launchworthy.records import DECISION_KINDS

__all__ = ["PAGE", "AuditRow", "AuditView"]

_ROWS = 50
_NAMED = 60
_FAULTS = 10
_OTHER_KINDS = (
    "contract", "evidence", "signed_evidence", "verdict", "signature", "pack", "experiment", "flags",
    "rollout", "incident",
)  # fmt: skip
# Outcomes that stop something, and those that let it be.
_STOPS = frozenset(
    {"denied", "deny", "hit", "rejected", "refused", "expired", "blocked", "overrun", "failed"}
)
_DOUBTS = frozenset({"could_not_check", "unknown", "pending", "needs_approval", "withdrawn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry: what was decided, and where it leads; ``lines`` say the rest of why."""

    number: str
    at: str
    kind: str
    subject: str
    outcome: str
    tone: str
    mark: str
    rule: str
    why: str
    lines: tuple[str, ...]
    altered: bool
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """What the page receives; ``filters`` are as they stand in the address."""

    head: Head
    state: str
    mark: str
    faults: tuple[str, ...]
    filters: Mapping[str, str]
    kinds: tuple[str, ...]
    here: str
    narrowed: bool
    rows: tuple[AuditRow, ...]
    older: str
    newest: str
    command: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> AuditView:
    """One page of the chain, newest entries first."""
    product = ask.path["product"]
    chain = reading.chain_state(product)
    if not chain.entries and not chain.faults and reading.contract(product) is None:
        raise NotFoundError(f"{product!r:.80} has no audit chain", hint="its first decision begins one")
    names = ("person", "tool", "case", "kind", "since", "until")
    asked = {name: ask.query.get(name, "").strip()[:200] for name in names}
    where = AuditFilter(
        person=asked["person"],
        tool=asked["tool"],
        case=asked["case"],
        kind=asked["kind"],
        since=_time(asked["since"]),
        until=_time(asked["until"]),
    )
    told = ask.query.get("before", "")
    before = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None
    found = reading.audit_trail(product, where, before=before, limit=_ROWS + 1)
    shown, more = found[:_ROWS], len(found) > _ROWS
    known = {name: value for name, value in asked.items() if value}
    state, mark = ("unmet", "✕") if chain.tampered else ("unproven", "◌") if chain.unknown else ("met", "●")
    return AuditView(
        head=Head(
            title=_title(chain),
            reason=_reason(chain, shown, bool(known)),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Audit"),
            ),
        ),
        state=state,
        mark=mark,
        faults=tuple(fault.message for fault in chain.faults[:_FAULTS]),
        filters=asked,
        kinds=(*DECISION_KINDS[:-3], "drill", "override", "erasure", *_OTHER_KINDS),
        here=page_url("products", product, "audit"),
        narrowed=bool(known),
        rows=tuple(_row(entry, product) for entry in shown),
        older=page_url("products", product, "audit", **known, before=str(shown[-1].seq)) if more else "",
        newest=page_url("products", product, "audit", **known) if before is not None else "",
        command=f"launchworthy audit export --product {product} --out FOLDER",
        empty=None if shown else _empty(product, bool(known) or before is not None),
    )


def _title(chain: ChainState) -> str:
    entries = count(chain.entries, "entry", plural="entries")
    if chain.tampered:
        return f"The audit chain was tampered with: {chain.faults[0].message}"
    if chain.unknown:
        return f"Whether the audit chain is whole cannot be told: {chain.faults[0].message}"
    return f"The audit chain is whole: {entries}" if chain.entries else "The audit chain has no entry yet"


def _reason(chain: ChainState, shown: list[AuditEntry], narrowed: bool) -> str:
    unsigned = "" if not chain.faults or chain.tampered or chain.unknown else f" {_sentence(chain)}"
    part = " Filtered." if narrowed and shown else ""
    return f"Verified {moment(chain.at)}, every link and the signed heads.{unsigned}{part}"


def _sentence(chain: ChainState) -> str:
    told = chain.faults[0].message
    return f"{told[:1].upper()}{told[1:]}."


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _row(entry: AuditEntry, product: str) -> AuditRow:
    body = entry.body
    outcome = str(body.get("outcome", "")) if entry.is_decision else ""
    tone, mark = (
        ("error", "✕") if outcome in _STOPS else ("waived", "◌") if outcome in _DOUBTS else ("ok", "●")
    )
    first, *rest = entry_words(entry)
    why = str((entry.detail or {}).get("reason") or "")
    if not entry.is_decision and rest:
        why, *rest = rest
    elif entry.openness is Openness.CLOSED:
        why = "Erased, or past retention: only the commitment is left."
    return AuditRow(
        number=f"{entry.seq:,}",
        at=f"{entry.at:%Y-%m-%d %H:%M:%S}",
        kind=entry.kind.replace("_", " "),
        subject=short(
            str(body.get("subject")) if entry.is_decision else first.partition(": ")[2] or first, most=80
        ),
        outcome=outcome.replace("_", " "),
        tone=tone,
        mark=mark,
        rule=short(str(body.get("rule") or ""), most=80),
        why=short(why, most=300),
        lines=tuple(short(line, most=400) for line in (*rest, f"hash {entry.hash}")),
        altered=entry.openness is Openness.ALTERED,
        links=tuple(_links(entry, product)),
    )


def _links(entry: AuditEntry, product: str) -> list[Link]:
    body = entry.body
    found = []
    if isinstance(trace := body.get("trace_id"), str):
        found.append(Link(text="Trace", url=page_url("traces", trace)))
    approval = body.get("approval") or (body.get("subject") if entry.kind == "approval" else None)
    if isinstance(approval, str):
        found.append(Link(text="Approval", url=page_url("products", product, "approvals", approval)))
    claim = body.get("claim")
    if entry.kind == "evidence" and isinstance(claim, str):
        found.append(Link(text="Claim", url=claim_url(product, claim)))
    if entry.kind == "verdict":
        found.append(Link(text="Verdict", url=page_url("products", product)))
    return found


def _empty(product: str, narrowed: bool) -> Empty:
    if narrowed:
        return Empty(
            what="No entry is like that. A person who was erased is found no more.",
            links=(Link(text="Clear the filters", url=page_url("products", product, "audit")),),
        )
    return Empty(
        what="Nothing was decided, measured or signed yet. Each decision of the application is one entry.",
        command="launchworthy measure",
    )


PAGE = Page(name="audit", path="/products/{product}/audit", template="audit.html", view=view)
