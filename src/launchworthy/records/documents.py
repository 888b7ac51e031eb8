"""The documents that a product's calls read, as SQL over stored spans. Stands on the ground.

Documents stand in the column ``context`` of a span, as a list. Each has its source: its own, that of its
metadata, or that of the whole retrieval (``gen_ai.data_source.id``). What has no such form is no document.
"""
# ruff: noqa: S608 (SQL of this room; what comes from outside is bound by the caller)

from __future__ import annotations

__all__ = ["documents_read"]


def documents_read(columns: str, *, where: str, spans: str = "spans") -> str:
    """SELECT of the documents of spans: these columns, ``source`` (null where not said), ``scope_checked``
    (the scope by which an enforcer saw that it is the caller's own) and ``has_text``.

    Args:
        columns: Of the span, such as ``trace_id, start_time``.
        where: Which spans.
        spans: Table that they stand in.
    """
    whole = (
        "CASE WHEN json_valid(attributes) THEN json_extract_string(attributes, '/gen_ai.data_source.id') END"
    )
    # One function of JSON reads it all: each would keep what it read of a block of rows in memory. Of a
    # document that is a text, and of an object without any of these, it reads nothing: it has a text.
    texts, others = ("content", "text", "page_content"), ("id", "score", "source")
    shape = ",".join(
        [
            *(f'"{name}":"VARCHAR"' for name in (*texts, *others, "scope_checked")),
            '"metadata":{"source":"VARCHAR"}',
        ]
    )
    said = ", ".join(f"doc.{name}" for name in texts)
    nothing = " AND ".join(f"doc.{name} IS NULL" for name in (*others, "metadata"))
    return (
        "SELECT * EXCLUDE (doc, whole), coalesce(doc.source, doc.metadata.source, whole) AS source,"
        " doc.scope_checked AS scope_checked,"
        f" coalesce({said}) IS NOT NULL OR ({nothing}) AS has_text FROM (SELECT {columns}, {whole} AS whole,"
        f" unnest(TRY(from_json(context, '[{{{shape}}}]'))) AS doc FROM {spans}"
        f" WHERE context IS NOT NULL AND {where})"
    )
