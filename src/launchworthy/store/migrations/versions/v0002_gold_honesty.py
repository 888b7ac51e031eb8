"""Gold sets that stay honest: sealed readings, review of items, canaries."""

# ruff: noqa: S608 (tables and columns are of this module)
from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LOOKS = ("id", "product", "name", "version", "at", "by", "purpose")
_VERSIONS = ("product", "name", "version", "created_at", "items", "slices", "splits", "note")


def upgrade() -> None:
    """Add to looks what was read and for which release, to versions how their items are reviewed."""
    _remake("gold_looks", _LOOKS, _new_looks)
    _remake("gold_versions", _VERSIONS, _new_versions)
    op.create_table(
        "gold_canaries",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("product", "name", "text"),
    )


def downgrade() -> None:
    """Forget what 0001 has no place for."""
    op.drop_table("gold_canaries")
    _remake("gold_versions", _VERSIONS, _old_versions)
    _remake("gold_looks", _LOOKS, _old_looks)


def _remake(table: str, columns: tuple[str, ...], create: Callable[[], None]) -> None:
    """Make a table anew around its rows: a column that is added later would stand after the key in SQLite."""
    names = ", ".join(f'"{name}"' for name in columns)
    op.execute(f"CREATE TABLE old_{table} AS SELECT {names} FROM {table}")
    op.drop_table(table)
    create()
    op.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM old_{table}")
    op.drop_table(f"old_{table}")


def _looks(*more: sa.Column[str]) -> None:
    op.create_table(
        "gold_looks",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id"),
    )


def _new_looks() -> None:
    _looks(
        sa.Column("split", sa.Text, nullable=False, server_default="holdout"),
        sa.Column("release", sa.Text),
    )


def _old_looks() -> None:
    _looks()


def _versions(*more: sa.Column[int]) -> None:
    op.create_table(
        "gold_versions",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("slices", sa.Text, nullable=False),
        sa.Column("splits", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("product", "name", "version"),
    )


def _new_versions() -> None:
    _versions(sa.Column("waiting", sa.Integer, nullable=False, server_default="0"))


def _old_versions() -> None:
    _versions()
