"""The pack as a zip: written from a chain, and verified by making it again from what is in it.

Files; may import this room, ``evidence`` and ``errors``. The zip holds ``index.html``, ``pack.json``,
``contract.yaml``, ``inputs.json`` and the exported chain under ``audit/``; nothing else is read from one.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from launchworthy import __version__
from launchworthy.errors import InputError, LaunchworthyError, StorageError
from launchworthy.evidence import (
    ChainFault,
    Evidence,
    LedgerEntry,
    Opening,
    SignedHead,
    read_bundle,
    verify_bundle,
    write_bundle,
)
from launchworthy.pack.document import Pack
from launchworthy.pack.inputs import PACKED, PackInputs, pack_record
from launchworthy.pack.making import make_pack
from launchworthy.pack.material import CONTRACT_FILE
from launchworthy.pack.page import pack_page

__all__ = ["PackReport", "verify_pack", "write_pack"]

_PAGE, _PACK, _INPUTS = "index.html", "pack.json", "inputs.json"
_AUDIT = ("audit.json", "chain.jsonl", "details.jsonl", "heads.jsonl", "heads.pub")
_OWN = (_PAGE, _PACK, CONTRACT_FILE, _INPUTS)
_MOST_BYTES = 2 * 1024**3  # of all files, unpacked
_MOST_DOCUMENT = 64 * 1024**2
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackReport:
    """What verifying a pack came to.

    Attributes:
        product: Whose it is.
        title: The conclusion, as it was made again.
        entries: Of the chain.
        figures: Numbers that were recomputed.
        version: Of the program that made it, as the chain vouches.
        chain: What is wrong with the chain.
        differences: What in the pack is not what the chain gives.
        unlike: The same, where another version made it, which may have judged or worded it otherwise: that
            it was changed since, only that version can tell.
    """

    product: str
    title: str
    entries: int
    figures: int
    version: str
    chain: tuple[ChainFault, ...]
    differences: tuple[str, ...]
    unlike: tuple[str, ...] = ()


def write_pack(
    out: Path,
    *,
    contract: str,
    inputs: PackInputs,
    entries: Sequence[LedgerEntry],
    heads: Sequence[SignedHead],
    public_key: bytes | None,
    openings: Sequence[Opening],
) -> Pack:
    """Write a pack; answers what it says.

    Raises:
        InputError: The file is there already, or the contract or a piece of evidence cannot be read.
        StorageError: It cannot be written.
    """
    if out.exists():
        raise InputError("the file is there already", where=str(out), hint="name a new one")
    pack = make_pack(contract, inputs=inputs, entries=entries, openings=openings)
    new = out.with_name(out.name + ".new")
    try:
        with tempfile.TemporaryDirectory() as folder:
            audit = Path(folder) / "audit"
            write_bundle(
                audit,
                product=pack.about["product"],
                entries=entries,
                heads=heads,
                public_key=public_key,
                openings=openings,
            )
            with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as file:
                for name, text in (
                    (_PAGE, pack_page(pack)),
                    (_PACK, _json(pack.as_json())),
                    (CONTRACT_FILE, contract),
                    (_INPUTS, _json(inputs.as_json())),
                ):
                    file.writestr(_entry(name), text.encode("utf-8", "surrogatepass"))
                for path in sorted(audit.iterdir()):
                    with path.open("rb") as source, file.open(_entry(f"audit/{path.name}"), "w") as target:
                        _copy(source, target)
        new.replace(out)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise StorageError(f"cannot be written: {error.strerror or error}", where=str(out)) from error
    return pack


def verify_pack(path: Path, *, public_key: bytes | None = None) -> PackReport:
    """Verify the chain in a pack, make the pack again from it, and compare every file.

    Args:
        path: The zip.
        public_key: The key that is trusted; without it the one in the pack, which proves only that it fits.

    Raises:
        InputError: It is no pack, or a file of it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = _unpack(path, Path(folder))
        bundle = read_bundle(Path(folder) / "audit")
        report = verify_bundle(bundle, public_key=public_key)
        try:
            inputs = PackInputs.from_json(json.loads(own[_INPUTS]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise _no_pack(path, f"{_INPUTS} cannot be read: {str(error)[:100]}") from error
        try:
            contract = own[CONTRACT_FILE].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise _no_pack(path, f"{CONTRACT_FILE} is not UTF-8") from error
        pack = make_pack(
            contract,
            inputs=inputs,
            entries=bundle.entries,
            openings=list(bundle.openings.values()),
        )
        unlike = _differences(own, pack)
        differences = [
            *_made_of(bundle.entries, pack_record(contract, inputs=inputs)),
            *_contradictions(bundle.entries),
        ]
        if differences or inputs.version == __version__:
            differences, unlike = unlike + differences, []
    return PackReport(
        product=bundle.product,
        title=pack.title,
        entries=len(bundle.entries),
        figures=sum(1 for _ in pack.figures()),
        version=inputs.version,
        chain=report.faults,
        differences=tuple(differences),
        unlike=tuple(unlike),
    )


def _differences(own: dict[str, bytes], pack: Pack) -> list[str]:
    """Where the pack does not say what the chain gives; a number is named by its place."""
    found = []
    made = pack.as_json()
    try:
        told = json.loads(own[_PACK])
    except (ValueError, RecursionError):
        return [f"{_PACK} cannot be read"]
    if told != made:
        found += _unlike(told, made, at="pack") or [f"{_PACK} is not what the chain gives"]
    if own[_PAGE] != pack_page(pack).encode("utf-8", "surrogatepass"):
        found.append(f"{_PAGE} is not the page of what the chain gives")
    return found


def _unlike(told: object, made: object, *, at: str) -> list[str]:
    """The first places in which two JSON values differ."""
    if isinstance(told, dict) and isinstance(made, dict) and told.keys() == made.keys():
        found = [each for name in made for each in _unlike(told[name], made[name], at=f"{at}/{name}")]
    elif isinstance(told, list) and isinstance(made, list) and len(told) == len(made):
        found = [
            each
            for place, (left, right) in enumerate(zip(told, made, strict=True))
            for each in _unlike(left, right, at=f"{at}/{place}")
        ]
    else:
        found = [] if told == made else [f"{at} says {str(told)[:80]!r}; the chain gives {str(made)[:80]!r}"]
    return found[:20]


def _made_of(entries: Sequence[LedgerEntry], made_of: dict[str, Any]) -> list[str]:
    """Whether the chain knows this contract and this moment as what a pack was made of, the last time."""
    told = next((json.loads(each.body) for each in reversed(entries) if each.kind == PACKED), None)
    if not isinstance(told, dict):
        return ["no entry of the chain says what the pack was made of"]
    return [
        f"{file} is not what the chain says that the pack was made of"
        for file, name in ((CONTRACT_FILE, "contract_sha256"), (_INPUTS, "inputs_sha256"))
        if told.get(name) != made_of[name]
    ]


def _contradictions(entries: Sequence[LedgerEntry]) -> list[str]:
    """Evidence whose value is not what its own sample says."""
    return [
        f"entry {entry.seq}: {piece.disagreement}"
        for entry in entries
        if entry.kind == "evidence" and (piece := Evidence.from_json(json.loads(entry.body))).disagreement
    ]


def _unpack(path: Path, folder: Path) -> dict[str, bytes]:
    """The documents of a pack; its chain goes to files. Only names that are ours are read."""
    try:
        with zipfile.ZipFile(path) as file:
            infos = {info.filename: info for info in file.infolist()}
            if len(infos) != len(file.infolist()):
                raise _no_pack(path, "a file is in it twice")
            if missing := [name for name in (*_OWN, "audit/audit.json") if name not in infos]:
                raise _no_pack(path, f"{missing[0]} is missing")
            known = {*_OWN, *(f"audit/{name}" for name in _AUDIT)}
            if stranger := sorted(infos.keys() - known):
                raise _no_pack(path, f"{stranger[0]!r:.80} does not belong to it")
            if sum(info.file_size for info in infos.values()) > _MOST_BYTES:
                raise _no_pack(path, "it unpacks to more than 2 GiB")
            own = {}
            for name in _OWN:
                with file.open(infos[name]) as source:
                    own[name] = source.read(_MOST_DOCUMENT + 1)
                if len(own[name]) > _MOST_DOCUMENT:
                    raise _no_pack(path, f"{name} is larger than 64 MiB")
            (folder / "audit").mkdir()
            for name in _AUDIT:
                if f"audit/{name}" in infos:
                    with (
                        file.open(infos[f"audit/{name}"]) as source,
                        (folder / "audit" / name).open("wb") as target,
                    ):
                        _copy(source, target)
            return own
    except LaunchworthyError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise _no_pack(path, str(error)[:100]) from error


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    left = _MOST_BYTES
    while chunk := source.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise zipfile.BadZipFile("a file unpacks to more than it says")
        target.write(chunk)


def _entry(name: str) -> zipfile.ZipInfo:
    """With a time that is always the same, so that the same pack is the same file."""
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _no_pack(path: Path, why: str) -> InputError:
    return InputError(
        f"this is no evidence pack: {why}",
        where=str(path),
        hint="`launchworthy pack --out FILE.zip` makes one",
    )
