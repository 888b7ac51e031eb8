"""What is proven in use: flags, ramps, incidents, what happened to each, and who is told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "incidents",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "id"),
    )
    op.create_index("incidents_key", "incidents", ["product", "key", "opened_at"])
    op.create_index("incidents_state", "incidents", ["product", "state"])
    op.create_table(
        "incident_events",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("entry", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("product", "incident", "seq"),
    )
    op.create_table(
        "notifications",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("event", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("failure", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "incident", "event", "kind", "target"),
    )
    op.create_index("notifications_due_at", "notifications", ["due_at"])
    op.create_table(
        "ramps",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "id"),
    )
    op.create_index("ramps_is_open", "ramps", ["is_open"])
    op.create_table(
        "flag_sets",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "version"),
    )
    op.create_table(
        "sticky_units",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("flag", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("product", "flag", "unit"),
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("sticky_units", "flag_sets", "ramps", "notifications", "incident_events", "incidents"):
        op.drop_table(table)
