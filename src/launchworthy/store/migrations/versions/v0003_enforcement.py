"""What is enforced at run time: decisions in the chain, approvals, people behind keys, spending of tools."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    op.create_index("ledger_kind", "ledger", ["product", "kind", "seq"])
    op.create_table(
        "decision_events",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("product", "event_id"),
    )
    op.create_table(
        "audit_salts",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("product", "subject"),
    )
    op.create_table(
        "key_people",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("acts_as", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "approvals",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("same_call", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("product", "id"),
    )
    op.create_index("approvals_product_state", "approvals", ["product", "state"])
    op.create_index("approvals_same_call", "approvals", ["product", "same_call"])
    op.create_index("approvals_until", "approvals", ["until"])
    op.create_table(
        "approval_links",
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("approval", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("approval_links_until", "approval_links", ["until"])
    op.create_table(
        "approval_deliveries",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("approval", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("failure", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "approval", "arguments"),
    )
    op.create_index("approval_deliveries_due_at", "approval_deliveries", ["due_at"])
    op.create_table(
        "spending",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("reservation", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("user", sa.Text),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("window_ms", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("millionths", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("product", "reservation", "place"),
    )
    op.create_index("spending_window", "spending", ["product", "tool", "user", "unit", "window_ms", "at_ms"])


def downgrade() -> None:
    """Forget them."""
    for table in (
        "spending",
        "approval_deliveries",
        "approval_links",
        "approvals",
        "key_people",
        "audit_salts",
        "decision_events",
    ):
        op.drop_table(table)
    op.drop_index("ledger_kind", "ledger")
