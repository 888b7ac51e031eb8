"""Where records rest: durable ingest log, hot DuckDB, sealed Parquet; metadata; retention and erasure.

May import ``records``, ``gold``, ``evidence``, ``contract``, ``quantity`` and ``errors``.
"""
