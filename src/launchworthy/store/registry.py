"""What is known by name in the metadata: contracts, releases, API keys, settings, and secrets.

A secret is a file of its own with mode 0600, made once; of an API key only a hash is kept.
May import ``records`` and ``errors``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update

from launchworthy.errors import ConflictError, InputError, NotFoundError, StorageError
from launchworthy.records import Release
from launchworthy.store.database import Database
from launchworthy.store.hot import sync_folder
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.moments import from_ns, to_ns
from launchworthy.store.options import Clock
from launchworthy.store.plain import to_json
from launchworthy.store.schema import api_keys, contracts, key_people, releases, settings

__all__ = ["KeyRecord", "Registry", "StoredContract"]

_ROLES = ("ingest", "read", "write")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContract:
    """One version of a contract; ``version`` is ``c-`` and 12 hex digits of the SHA-256 of its text."""

    product: str
    version: str
    path: str
    text: str
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """An API key without its secret, and whose it is: the person, and in which roles of contracts."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None
    person: str = ""
    acts_as: tuple[str, ...] = ()


class Registry:
    """Contracts, releases, keys, settings and secrets of one data folder."""

    def __init__(self, database: Database, *, ledger: LedgerRepository, folder: Path, clock: Clock) -> None:
        self._database, self._ledger, self._folder, self._clock = database, ledger, folder, clock

    def register_contract(self, *, product: str, text: str, path: str, by: str = "") -> StoredContract:
        """Store this version, make it the newest, and chain that, with whose key it came by.

        The same text changes nothing that was promised, from whichever path: then nothing is chained.
        """
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        version = f"c-{digest[:12]}"
        now = to_ns(self._clock())
        with self._database.write() as connection:
            newest = connection.execute(
                select(contracts.c.version, contracts.c.path, contracts.c.registered_at)
                .where(contracts.c.product == product)
                .order_by(contracts.c.seq.desc())
                .limit(1)
            ).first()
            if newest is not None and (newest.version, newest.path) == (version, path):
                return _stored(product, version=version, path=path, text=text, at=newest.registered_at)
            seq = (connection.execute(select(func.max(contracts.c.seq))).scalar() or 0) + 1
            values = {"path": path, "registered_at": now, "seq": seq}
            done = connection.execute(
                update(contracts).filter_by(product=product, version=version).values(**values)
            )
            if done.rowcount == 0:
                connection.execute(
                    insert(contracts).values(product=product, version=version, text=text, **values)
                )
            if newest is None or newest.version != version:
                before = None if newest is None else newest.version
                body = {"version": version, "sha256": digest, "before": before, "by": by or None}
                self._ledger.append_on(connection, product, kind="contract", bodies=[to_json(body)])
        return _stored(product, version=version, path=path, text=text, at=now)

    def contract_versions(self, *, product: str | None = None) -> list[StoredContract]:
        """Newest first."""
        query = select(contracts).order_by(contracts.c.seq.desc())
        if product is not None:
            query = query.where(contracts.c.product == product)
        with self._database.read() as connection:
            return [
                _stored(
                    row["product"],
                    version=row["version"],
                    path=row["path"],
                    text=row["text"],
                    at=row["registered_at"],
                )
                for row in connection.execute(query).mappings()
            ]

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id; a label is renewed."""
        with self._database.write() as connection:
            key = {"product": product, "id": release.id}
            done = connection.execute(update(releases).filter_by(**key).values(label=release.label))
            if done.rowcount == 0:
                connection.execute(
                    insert(releases).values(
                        **key,
                        label=release.label,
                        parts=to_json(release.parts),
                        registered_at=to_ns(self._clock()),
                    )
                )

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id, oldest first."""
        query = select(releases).filter_by(product=product).order_by(releases.c.registered_at, releases.c.id)
        with self._database.read() as connection:
            return {
                row["id"]: Release(parts=json.loads(row["parts"]), label=row["label"])
                for row in connection.execute(query).mappings()
            }

    def registered(self, *, product: str) -> dict[str, datetime]:
        """When each known release was first registered."""
        query = select(releases.c.id, releases.c.registered_at).filter_by(product=product)
        with self._database.read() as connection:
            return {row["id"]: from_ns(row["registered_at"]) for row in connection.execute(query).mappings()}

    def add_api_key(self, *, name: str, role: str, person: str = "", acts_as: Sequence[str] = ()) -> str:
        """Make a key; the answer is the only time that its secret is shown.

        Args:
            name: Of the key.
            role: What it may do with the folder.
            person: Whose key it is; with roles and no person, the key's name is the person's.
            acts_as: Roles of contracts in which the person confirms calls.

        Raises:
            InputError: No such role, or no usable name.
            ConflictError: The name is taken.
        """
        if role not in _ROLES:
            raise InputError(
                f"unknown role {role!r:.80}", where="role", hint=f"roles are {', '.join(_ROLES)}"
            )
        if not re.fullmatch(r"[\w.@-]{1,80}", name):
            raise InputError(
                f"{name!r:.100} cannot name a key", where="name", hint="letters, digits, . _ @ -"
            )
        for each in (person or name, *acts_as):
            if not re.fullmatch(r"[\w.@ -]{1,80}", each) or not each.strip():
                raise InputError(
                    f"{each!r:.100} is no name of a person or a role", hint="letters, digits, . _ @ -"
                )
        key = "lw_" + secrets.token_urlsafe(32)
        with self._database.write() as connection:
            if connection.execute(select(api_keys.c.name).where(api_keys.c.name == name)).first():
                raise ConflictError(f"a key named {name!r} exists", where="name", hint="choose another name")
            connection.execute(
                insert(api_keys).values(
                    name=name, role=role, hash=_digest(key), created_at=to_ns(self._clock()), revoked_at=None
                )
            )
            if acts_as or person:
                connection.execute(
                    insert(key_people).values(
                        key=name, person=person or name, acts_as=to_json(list(dict.fromkeys(acts_as)))
                    )
                )
        return key

    def role_of_key(self, key: str) -> str | None:
        """The role of a key that is in force, or None."""
        return self._of_key(api_keys.c.role, key)

    def name_of_key(self, key: str) -> str | None:
        """The name of a key that is in force, or None."""
        return self._of_key(api_keys.c.name, key)

    def is_live(self, name: str) -> bool:
        """Whether a key of this name is in force."""
        query = select(api_keys.c.name).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def _of_key(self, column: Any, key: str) -> str | None:
        query = select(column).where(api_keys.c.hash == _digest(key), api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def person_of_key(self, name: str) -> tuple[str, tuple[str, ...]] | None:
        """Whose key this is, and in which roles they act; None for one that is ended, or is nobody's."""
        query = (
            select(key_people.c.person, key_people.c.acts_as)
            .join(api_keys, api_keys.c.name == key_people.c.key)
            .where(key_people.c.key == name, api_keys.c.revoked_at.is_(None))
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.person, tuple(json.loads(row.acts_as)))

    def api_keys(self) -> list[KeyRecord]:
        """Every key, revoked ones included, by name."""
        with self._database.read() as connection:
            query = (
                select(api_keys, key_people.c.person, key_people.c.acts_as)
                .outerjoin(key_people, key_people.c.key == api_keys.c.name)
                .order_by(api_keys.c.name)
            )
            return [
                KeyRecord(
                    name=row["name"],
                    role=row["role"],
                    created_at=from_ns(row["created_at"]),
                    revoked_at=None if row["revoked_at"] is None else from_ns(row["revoked_at"]),
                    person=row["person"] or "",
                    acts_as=tuple(json.loads(row["acts_as"] or "[]")),
                )
                for row in connection.execute(query).mappings()
            ]

    def revoke_api_key(self, *, name: str) -> None:
        """End a key at once.

        Raises:
            NotFoundError: No such key.
        """
        with self._database.write() as connection:
            if not connection.execute(select(api_keys.c.name).where(api_keys.c.name == name)).first():
                raise NotFoundError(f"no key named {name!r:.100}", where="name")
            connection.execute(
                update(api_keys)
                .where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=to_ns(self._clock()))
            )

    def setting(self, name: str) -> str | None:
        """A setting, or None."""
        with self._database.read() as connection:
            return connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()

    def set_setting(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._database.write() as connection:
            done = connection.execute(update(settings).where(settings.c.name == name).values(value=value))
            if done.rowcount == 0:
                connection.execute(insert(settings).values(name=name, value=value))

    def secret(self, name: str) -> bytes:
        """32 random bytes under this name, made once and kept in a file of mode 0600.

        Raises:
            InputError: The name is not lower-case letters and hyphens.
            StorageError: The file is damaged or cannot be made.
        """
        if not re.fullmatch(r"[a-z][a-z-]{0,40}", name):
            raise InputError(f"{name!r:.80} cannot name a secret", where="name")
        folder = self._folder / "secrets"
        path = folder / name
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            if not path.exists():
                new = folder / f".{name}.{secrets.token_hex(4)}"
                descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(32))
                    file.flush()
                    os.fsync(file.fileno())
                # A link, unlike a rename, leaves the first of two that race in place.
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(new)
                new.unlink()
                sync_folder(folder)
            value = path.read_bytes()
        except OSError as error:
            raise StorageError(f"the secret cannot be kept: {error.strerror}", where=str(path)) from error
        if len(value) != 32:
            raise StorageError(
                "the secret is not 32 bytes long", where=str(path), hint="restore it from a copy"
            )
        return value


def _stored(product: str, *, version: str, path: str, text: str, at: int) -> StoredContract:
    return StoredContract(product=product, version=version, path=path, text=text, registered_at=from_ns(at))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
