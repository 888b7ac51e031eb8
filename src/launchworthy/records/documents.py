"""The documents that a product's calls read, as SQL over stored spans. Stands on the ground.

Documents stand in the column ``context`` of a span, as a list. Each has its source: its own, that of its
metadata, or that of the whole retrieval (``gen_ai.data_source.id``). What has no such form is no document.
"""
# ruff: noqa: S608 (SQL of this room; what comes from outside is bound by the caller)

from __future__ import annotations

__all__ = ["documents_read"]


def documents_read(columns: str, *, where: str, spans: str = "spans") -> str:
    """SELECT of the documents of spans: these columns, ``source`` (null where not said) and ``has_text``.

    Args:
        columns: Of the span, such as ``trace_id, start_time``.
        where: Which spans.
        spans: Table that they stand in.
    """
    whole = (
        "CASE WHEN json_valid(attributes) THEN json_extract_string(attributes, '/gen_ai.data_source.id') END"
    )
    return (
        "SELECT * EXCLUDE (doc, whole), coalesce(json_extract_string(doc, '$.source'),"
        " json_extract_string(doc, '$.metadata.source'), whole) AS source,"
        " (json_type(doc) = 'VARCHAR' OR coalesce(json_extract_string(doc, '$.content'),"
        " json_extract_string(doc, '$.text'), json_extract_string(doc, '$.page_content')) IS NOT NULL)"
        f" AS has_text FROM (SELECT {columns}, {whole} AS whole,"
        " unnest(CASE WHEN json_valid(context) AND json_type(context) = 'ARRAY'"
        f" THEN json_extract(context, '$[*]') ELSE [] END) AS doc FROM {spans}"
        f" WHERE context IS NOT NULL AND {where})"
    )
