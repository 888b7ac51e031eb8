"""Where records rest: durable ingest log, hot DuckDB, sealed Parquet; and the metadata beside them.

May import ``records``, ``gold``, ``evidence`` and ``errors``. One process owns a data folder.
"""

from launchworthy.store.options import Clock, Receipt, Rejection, StoreOptions
from launchworthy.store.registry import KeyRecord, StoredContract
from launchworthy.store.segments import RetentionRule
from launchworthy.store.store import Store

__all__ = [
    "Clock",
    "KeyRecord",
    "Receipt",
    "Rejection",
    "RetentionRule",
    "Store",
    "StoreOptions",
    "StoredContract",
]
