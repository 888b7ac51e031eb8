"""The audit chain as a folder that stands on its own: verified with nothing but the public key.

Files; may import ``errors``. ``audit.json`` says what it is; ``chain.jsonl`` holds the entries;
``heads.jsonl`` and ``heads.pub`` are the signed heads and the key; ``details.jsonl`` holds what opens the
decisions. A folder of some entries only holds ``proofs.jsonl`` too, which leads each of them to the root of
the newest head, and ``consistency.jsonl``, which shows that this head continues the earlier ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError, StorageError
from launchworthy.evidence.chain import (
    SignedHead,
    canonical_json,
    entry_leaf,
)
from launchworthy.evidence.heads import head_line, read_heads, read_public_key
from launchworthy.evidence.status import LedgerEntry
from launchworthy.evidence.trail import AuditEntry, Opening, audit_entry
from launchworthy.evidence.tree import Levels

__all__ = ["Bundle", "is_bundle", "read_bundle", "write_bundle"]

_ABOUT, _CHAIN, _DETAILS = "audit.json", "chain.jsonl", "details.jsonl"
_PROOFS, _CONSISTENCY = "proofs.jsonl", "consistency.jsonl"
_FORMAT = "launchworthy-audit/1"
_MOST_PROOF = 65  # hashes: a tree of 2**64 entries has no longer path
_MOST_EARLIER = 200  # heads that are shown to be continued, evenly chosen: there is one a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An exported folder, read.

    Attributes:
        product: Whose chain.
        complete: Whether it holds every entry up to the newest head and beyond.
        entries: In order.
        heads: The signed heads, the longest last.
        public_key: The key that came with it.
        openings: By number of the entry.
        proofs: Inclusion proof by number of the entry, where it is not complete.
        consistency: Consistency proof by size of the earlier head, likewise.
    """

    product: str
    complete: bool
    entries: tuple[LedgerEntry, ...]
    heads: tuple[SignedHead, ...]
    public_key: bytes | None
    openings: Mapping[int, Opening]
    proofs: Mapping[int, tuple[bytes, ...]]
    consistency: Mapping[int, tuple[bytes, ...]]

    def trail(self) -> Iterator[AuditEntry]:
        """The entries as a reviewer reads them, oldest first."""
        return (audit_entry(entry, self.openings.get(entry.seq)) for entry in self.entries)


def is_bundle(folder: Path) -> bool:
    """Whether a folder is one that was exported."""
    return (folder / _ABOUT).is_file()


def write_bundle(
    folder: Path,
    *,
    product: str,
    entries: Iterable[LedgerEntry],
    heads: Sequence[SignedHead],
    public_key: bytes | None,
    openings: Iterable[Opening],
    chosen: Collection[int] | None = None,
) -> int:
    """Write a folder; answers how many entries it holds.

    Args:
        folder: Made; must be empty.
        product: Whose chain.
        entries: The whole chain, in order.
        heads: The signed heads, the longest last.
        public_key: The key that signs them.
        openings: What opens its decisions.
        chosen: Numbers of the entries to write; None: all of them.

    Raises:
        InputError: The folder is not empty, or single entries cannot be shown without a head that has a root.
        StorageError: It cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError("the folder is not empty", where=str(folder), hint="name a new one")
    head = heads[-1] if heads else None
    if chosen is not None and (head is None or not head.root):
        raise InputError(
            "single entries are shown by a signed head, and there is none with a root yet",
            where="heads",
            hint="export the whole chain, or sign first: the server does so every minute",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        leaves: list[bytes] = []
        written = 0
        with (folder / _CHAIN).open("w", encoding="utf-8") as file:
            for entry in entries:
                if chosen is None or entry.seq in chosen:
                    file.write(_line(_entry_json(entry)))
                    written += 1
                if chosen is not None and head is not None and entry.seq <= head.size:
                    leaves.append(entry_leaf(entry.hash))
        if chosen is not None:
            tree = Levels(leaves)
            proofs = (
                {"seq": seq, "proof": [each.hex() for each in tree.inclusion_proof(seq - 1)]}
                for seq in sorted(chosen)
                if 0 < seq <= tree.size
            )
            (folder / _PROOFS).write_text("".join(map(_line, proofs)), encoding="utf-8")
            heads = _chosen_heads(heads, size=tree.size)
            continued = (
                {"seq": size, "proof": [each.hex() for each in tree.consistency_proof(size)]}
                for size in sorted({each.size for each in heads[:-1]})
            )
            (folder / _CONSISTENCY).write_text("".join(map(_line, continued)), encoding="utf-8")
        with (folder / _DETAILS).open("w", encoding="utf-8") as file:
            for opening in openings:
                if chosen is None or opening.seq in chosen:
                    file.write(_line({"seq": opening.seq, "detail": opening.detail, "salt": opening.salt}))
        (folder / "heads.jsonl").write_text("".join(head_line(each) + "\n" for each in heads))
        if public_key is not None:
            (folder / "heads.pub").write_text(public_key.hex() + "\n")
        about = {"format": _FORMAT, "product": product, "complete": chosen is None, "entries": written}
        (folder / _ABOUT).write_text(json.dumps(about, indent=2) + "\n")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    return written


def _chosen_heads(heads: Sequence[SignedHead], *, size: int) -> list[SignedHead]:
    """The newest head, and earlier ones that the tree can be shown to continue."""
    earlier = [head for head in heads[:-1] if head.root and 0 < head.size <= size]
    step = max(1, -(-len(earlier) // _MOST_EARLIER))
    return [*earlier[::step], heads[-1]]


def read_bundle(folder: Path) -> Bundle:
    """Read an exported folder.

    Raises:
        InputError: It is none, or a line of it cannot be read; says which.
    """
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if not isinstance(about, dict) or about.get("format") != _FORMAT:
            raise ValueError("another format")
        product, complete = str(about["product"]), about["complete"] is True
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(
            f"this is no exported audit chain: {str(error)[:100]}",
            where=str(folder / _ABOUT),
            hint="`launchworthy audit export --out FOLDER` writes one",
        ) from error
    entries = tuple(_read(folder / _CHAIN, _entry, needed=True))
    heads = sorted(read_heads(folder), key=lambda head: (head.size, head.at))
    return Bundle(
        product=product,
        complete=complete,
        entries=entries,
        heads=tuple(heads),
        public_key=read_public_key(folder),
        openings={each.seq: each for each in _read(folder / _DETAILS, _opening)},
        proofs=dict(_read(folder / _PROOFS, _proof, needed=not complete)),
        consistency=dict(_read(folder / _CONSISTENCY, _proof)),
    )


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"


def _entry_json(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(timespec="microseconds"),
        "kind": entry.kind,
        "body": entry.body,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _read(path: Path, read: Any, *, needed: bool = False) -> Iterator[Any]:
    if not path.is_file():
        if needed:
            raise InputError("a file of the export is missing", where=str(path))
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                plain = json.loads(line)
                found = read(plain)
                canonical_json(plain)
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
                raise InputError(
                    f"this line cannot be read: {str(error)[:100]}",
                    where=f"{path}:{number}",
                    hint="the export is damaged: ask for it again",
                ) from error
            yield found


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 < value < 1 << 62:
        raise ValueError(f"{value!r:.40} is no number of an entry")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text belongs")
    return value


def _entry(plain: Any) -> LedgerEntry:
    at = datetime.fromisoformat(_text(plain["at"]))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    body = _text(plain["body"])
    json.loads(body)
    return LedgerEntry(
        seq=_whole(plain["seq"]),
        at=at,
        kind=_text(plain["kind"]),
        body=body,
        previous=_text(plain["previous"]),
        hash=_text(plain["hash"]),
    )


def _opening(plain: Any) -> Opening:
    detail, salt = _text(plain["detail"]), _text(plain["salt"])
    json.loads(detail)
    bytes.fromhex(salt)
    return Opening(seq=_whole(plain["seq"]), detail=detail, salt=salt)


def _proof(plain: Any) -> tuple[int, tuple[bytes, ...]]:
    steps = plain["proof"]
    if not isinstance(steps, list) or len(steps) > _MOST_PROOF:
        raise ValueError("a proof is a short list of hashes")
    return _whole(plain["seq"]), tuple(bytes.fromhex(_text(each)) for each in steps)
