"""The metadata schema, portable between SQLite and PostgreSQL. Imports SQLAlchemy only.

Times are integers, nanoseconds since the Unix epoch, UTC; JSON is canonical text, so that what was hashed
is what is read. ``HEAD`` names the migration that makes this schema.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

__all__ = ["HEAD", "metadata"]

HEAD = "0004"

metadata = MetaData()

ingest_log = Table(
    "ingest_log",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("seq"),
)
batches = Table(
    "batches",
    metadata,
    Column("batch_id", Text, nullable=False),
    Column("committed_at", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("batch_id"),
    Index("batches_committed_at", "committed_at"),
)
counters = Table(
    "counters",
    metadata,
    Column("name", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "table_name"),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("seq"),
)
rejections = Table(
    "rejections",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sample", Text, nullable=False),
    PrimaryKeyConstraint("id"),
)
segments = Table(
    "segments",
    metadata,
    Column("path", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("min_time", BigInteger, nullable=False),
    Column("max_time", BigInteger, nullable=False),
    Column("from_time", BigInteger, nullable=False),
    Column("to_time", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("hot_cleared", Boolean, nullable=False),
    PrimaryKeyConstraint("path"),
)
gold_versions = Table(
    "gold_versions",
    metadata,
    Column("product", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("slices", Text, nullable=False),
    Column("splits", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("waiting", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("product", "name", "version"),
)
gold_items = Table(
    "gold_items",
    metadata,
    Column("product", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("product", "name", "version", "id"),
)
gold_looks = Table(
    "gold_looks",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("split", Text, nullable=False, server_default="holdout"),
    Column("release", Text),
    PrimaryKeyConstraint("id"),
)
gold_canaries = Table(
    "gold_canaries",
    metadata,
    Column("product", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "name", "text"),
)
runs = Table(
    "runs",
    metadata,
    Column("id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("runs_product_started_at", "product", "started_at"),
)
run_chunks = Table(
    "run_chunks",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("run_id", "chunk"),
)
ledger = Table(
    "ledger",
    metadata,
    Column("product", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("product", "seq"),
    Index("ledger_kind", "product", "kind", "seq"),
)
decision_events = Table(
    "decision_events",
    metadata,
    Column("product", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "event_id"),
)
audit_salts = Table(
    "audit_salts",
    metadata,
    Column("product", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    PrimaryKeyConstraint("product", "subject"),
)
contracts = Table(
    "contracts",
    metadata,
    Column("product", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "version"),
)
releases = Table(
    "releases",
    metadata,
    Column("product", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "id"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("name"),
    Index("api_keys_hash", "hash", unique=True),
)
settings = Table(
    "settings",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("name"),
)
key_people = Table(
    "key_people",
    metadata,
    Column("key", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("acts_as", Text, nullable=False),
    PrimaryKeyConstraint("key"),
)
approvals = Table(
    "approvals",
    metadata,
    Column("product", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("same_call", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("product", "id"),
    Index("approvals_product_state", "product", "state"),
    Index("approvals_same_call", "product", "same_call"),
    Index("approvals_until", "until"),
)
approval_links = Table(
    "approval_links",
    metadata,
    Column("hash", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    PrimaryKeyConstraint("hash"),
    Index("approval_links_until", "until"),
)
approval_deliveries = Table(
    "approval_deliveries",
    metadata,
    Column("product", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("told_at", BigInteger),
    Column("failure", Text, nullable=False),
    PrimaryKeyConstraint("product", "approval", "arguments"),
    Index("approval_deliveries_due_at", "due_at"),
)
spending = Table(
    "spending",
    metadata,
    Column("product", Text, nullable=False),
    Column("reservation", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("user", Text),
    Column("unit", Text, nullable=False),
    Column("window_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("millionths", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
    PrimaryKeyConstraint("product", "reservation", "place"),
    Index("spending_window", "product", "tool", "user", "unit", "window_ms", "at_ms"),
)
incidents = Table(
    "incidents",
    metadata,
    Column("product", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("product", "id"),
    Index("incidents_key", "product", "key", "opened_at"),
    Index("incidents_state", "product", "state"),
)
incident_events = Table(
    "incident_events",
    metadata,
    Column("product", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("salt", LargeBinary),
    Column("entry", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "incident", "seq"),
)
ramps = Table(
    "ramps",
    metadata,
    Column("product", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("product", "id"),
    Index("ramps_is_open", "is_open"),
)
flag_sets = Table(
    "flag_sets",
    metadata,
    Column("product", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("product", "version"),
)
sticky_units = Table(
    "sticky_units",
    metadata,
    Column("product", Text, nullable=False),
    Column("flag", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "flag", "unit"),
)
notifications = Table(
    "notifications",
    metadata,
    Column("product", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("event", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("told_at", BigInteger),
    Column("failure", Text, nullable=False),
    PrimaryKeyConstraint("product", "incident", "event", "kind", "target"),
    Index("notifications_due_at", "due_at"),
)
