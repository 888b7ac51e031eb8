"""What is wrong with an exported chain, whole or in single entries. Pure; may import this room."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.evidence.bundle import Bundle
from launchworthy.evidence.chain import (
    ChainFault,
    Fault,
    SignedHead,
    entry_fault,
    entry_leaf,
    signature_holds,
    verify,
)
from launchworthy.evidence.trail import Openness
from launchworthy.evidence.tree import consistency_holds, inclusion_holds

__all__ = ["BundleReport", "altered_fault", "verify_bundle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReport:
    """What verifying a folder came to; ``closed`` decisions cannot be opened with what is in it."""

    product: str
    complete: bool
    entries: int
    opened: int
    closed: int
    faults: tuple[ChainFault, ...]


def verify_bundle(bundle: Bundle, *, public_key: bytes | None = None) -> BundleReport:
    """Everything that is wrong with it.

    Args:
        bundle: As it was read.
        public_key: The key that is trusted; the one that came with it proves only that it fits itself.
    """
    key = public_key or bundle.public_key
    head = bundle.heads[-1] if bundle.heads else None
    if bundle.complete:
        faults = list(verify(bundle.entries, head=head, public_key=key, earlier=bundle.heads[:-1]))
    else:
        faults = _single_faults(bundle, head, key)
    openness = [(entry.seq, entry.openness) for entry in bundle.trail()]
    faults += [altered_fault(seq) for seq, found in openness if found is Openness.ALTERED]
    states = [found for _, found in openness]
    return BundleReport(
        product=bundle.product,
        complete=bundle.complete,
        entries=len(bundle.entries),
        opened=states.count(Openness.OPEN),
        closed=states.count(Openness.CLOSED),
        faults=tuple(faults),
    )


def altered_fault(seq: int) -> ChainFault:
    """That the words of a decision are not those that its entry stands for."""
    return ChainFault(
        fault=Fault.ALTERED, seq=seq, message=f"the detail of entry {seq} is not what it committed to"
    )


def _single_faults(bundle: Bundle, head: SignedHead | None, key: bytes | None) -> list[ChainFault]:
    """What is wrong with entries that are shown one by one."""
    if head is None or not head.root:
        return [
            ChainFault(
                fault=Fault.NO_HEAD,
                seq=None,
                message="no signed head with a root was found: nothing is shown",
            )
        ]
    faults = []
    if key is None:
        faults.append(ChainFault(fault=Fault.NO_KEY, seq=None, message="the key that signs heads is missing"))
    elif not signature_holds(head, public_key=key):
        return [
            ChainFault(
                fault=Fault.FORGED_HEAD,
                seq=None,
                message=f"the head of size {head.size} is not signed by key {head.key_id}",
            )
        ]
    try:
        root = bytes.fromhex(head.root)
    except ValueError:
        root = b""
    faults += _departures(bundle, head, root, key)
    for entry in bundle.entries:
        wrong = entry_fault(entry)
        if wrong is not None:
            faults.append(wrong)
            continue
        if entry.seq > head.size:
            faults.append(
                ChainFault(
                    fault=Fault.UNSIGNED_TAIL,
                    seq=entry.seq,
                    message=f"entry {entry.seq} is not under a signed head yet",
                )
            )
            continue
        proof = bundle.proofs.get(entry.seq, ())
        if not inclusion_holds(
            entry_leaf(entry.hash), index=entry.seq - 1, size=head.size, proof=proof, root=root
        ):
            faults.append(
                ChainFault(
                    fault=Fault.REWRITTEN,
                    seq=entry.seq,
                    message=f"entry {entry.seq} does not lead to the root that the head was signed over",
                )
            )
    return faults


def _departures(bundle: Bundle, head: SignedHead, root: bytes, key: bytes | None) -> list[ChainFault]:
    """Earlier heads, truly signed, that the newest one does not continue; the first is enough."""
    for each in bundle.heads[:-1]:
        if key is None or not each.root or not signature_holds(each, public_key=key):
            continue
        proof = bundle.consistency.get(each.size, ())
        if not consistency_holds(
            old_size=each.size, old_root=bytes.fromhex(each.root), size=head.size, root=root, proof=proof
        ):
            return [
                ChainFault(
                    fault=Fault.REWRITTEN,
                    seq=each.size,
                    message=f"the newest head does not continue the one of size {each.size},"
                    f" signed {each.at:%Y-%m-%d}",
                )
            ]
    return []
