"""The contract in force of each product: the file as it stands now, read again when it changed.

May import every room below ``server``. A file is followed when this process was told to, or when the text
that was registered is what stands at its path: then whoever registered it has this very file. An edit that
cannot be read leaves the last good version in force, with what is wrong beside it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from launchworthy.contract import Contract, load_contract, parse_contract
from launchworthy.errors import ContractError, InputError, LaunchworthyError
from launchworthy.server.workspace import ContractVersion
from launchworthy.store import Store, StoredContract

__all__ = ["Contracts", "InForce", "Mark", "mark_of"]

_FOLLOWED = "followed-contract/"  # setting: product → path of the file
_MOST_PROBLEMS = 50

Mark = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A contract, the version it is registered as, and the folder of the file that is followed, if one is."""

    version: ContractVersion
    contract: Contract
    folder: Path | None


class Contracts:
    """Contracts of one data folder; safe to ask from several threads.

    Args:
        store: Where versions are registered.
    """

    def __init__(self, store: Store) -> None:
        self._registry = store.registry
        self._lock = threading.RLock()
        self._marks: dict[str, Mark] = {}
        self._known: dict[str, InForce] = {}
        self._unreadable: dict[str, ContractVersion] = {}
        for stored in self._registry.contract_versions():
            if stored.product in self._known or stored.product in self._unreadable:
                continue
            version = _version(stored)
            try:
                contract = parse_contract(stored.text, file=stored.path)
            except LaunchworthyError as error:
                self._unreadable[stored.product] = replace(version, problems=_problems(error))
            else:
                folder = self._folder(stored.product)
                self._known[stored.product] = InForce(version=version, contract=contract, folder=folder)

    def products(self) -> list[str]:
        """Products of which a contract was registered, sorted."""
        with self._lock:
            return sorted({*self._known, *self._unreadable})

    def register(self, *, product: str, text: str, path: str, by: str = "") -> str:
        """Make a text the version in force; answers its content address.

        ``by`` is whose key it came with; empty for the owner of the folder.

        Raises:
            ContractError: The text cannot be used.
            InputError: It is the contract of another product.
        """
        contract = parse_contract(text, file=path or "launchworthy.yaml")
        _check_product(contract, product)
        with self._lock:
            own = bool(path) and Path(path).is_absolute() and _text_at(Path(path)) == text
            self._registry.set_setting(_FOLLOWED + product, path if own else "")
            self._marks.pop(product, None)
            return self._register(contract, path=path, by=by)

    def follow(self, path: Path) -> str:
        """Register a file and read it again whenever it changes; answers its product.

        Raises:
            ContractError: It cannot be used.
            InputError: It cannot be read.
        """
        path = path.absolute()
        mark = mark_of(path)
        contract = load_contract(path)
        with self._lock:
            self._registry.set_setting(_FOLLOWED + contract.product, str(path))
            self._register(contract, path=str(path))
            self._marks[contract.product] = mark
        return contract.product

    def in_force(self, product: str) -> InForce | None:
        """The contract as it stands now; None where none is registered that can be read."""
        with self._lock:
            known = self._known.get(product)
            if known is not None and known.folder is not None:
                self._look_again(product, Path(known.version.path))
            return self._known.get(product)

    def version(self, product: str) -> ContractVersion | None:
        """The version in force, and what is wrong with its file now; None where there is none."""
        with self._lock:
            known = self.in_force(product)
            return self._unreadable.get(product) if known is None else known.version

    def earlier(self, product: str, version: str) -> ContractVersion | None:
        """A version by its name, in force or not; None where there was none."""
        stored = self._registry.contract_versions(product=product)
        return next((_version(each) for each in stored if each.version == version), None)

    def _look_again(self, product: str, path: Path) -> None:
        mark = mark_of(path)
        if product in self._marks and self._marks[product] == mark:
            return
        self._marks[product] = mark
        try:
            contract = load_contract(path)
            _check_product(contract, product)
        except LaunchworthyError as error:
            known = self._known[product]
            broken = replace(known.version, problems=_problems(error))
            self._known[product] = replace(known, version=broken)
        else:
            self._register(contract, path=str(path))

    def _register(self, contract: Contract, *, path: str, by: str = "") -> str:
        product = contract.product
        stored = self._registry.register_contract(product=product, text=contract.text, path=path, by=by)
        version = ContractVersion(
            product=product,
            version=stored.version,
            path=path,
            text=contract.text,
            registered_at=stored.registered_at,
        )
        self._known[product] = InForce(version=version, contract=contract, folder=self._folder(product))
        self._unreadable.pop(product, None)
        return version.version

    def _folder(self, product: str) -> Path | None:
        path = self._registry.setting(_FOLLOWED + product)
        return Path(path).parent if path else None


def _version(stored: StoredContract) -> ContractVersion:
    return ContractVersion(
        product=stored.product,
        version=stored.version,
        path=stored.path,
        text=stored.text,
        registered_at=stored.registered_at,
    )


def _check_product(contract: Contract, product: str) -> None:
    if contract.product != product:
        raise InputError(
            f"this is the contract of {contract.product!r}, not of {product!r:.80}",
            where=contract.file,
            hint="register it under its own product",
        )


def _problems(error: LaunchworthyError) -> tuple[str, ...]:
    found = error.problems if isinstance(error, ContractError) else ()
    return tuple(str(problem) for problem in found[:_MOST_PROBLEMS]) or (str(error),)


def mark_of(path: Path) -> Mark:
    """What a file looks like from outside: time of change, size, inode; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _text_at(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError):
        return None
