"""What senders post, decoded: OTLP traces and logs in every dialect as rows that may be stored.

May import ``records``, ``errors`` and this room. Pure: the clock is an argument, nothing is written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.internal import api_implementation  # type: ignore[import-untyped]

from launchworthy.capture.facts import FactMapper
from launchworthy.capture.origin import Origin
from launchworthy.capture.otlp import json_form, protobuf
from launchworthy.capture.otlp.body import decompressed
from launchworthy.capture.otlp.record import Bad, SentGroup, SentLog, SentSpan
from launchworthy.capture.pricing import PriceTable
from launchworthy.capture.refusal import Refusal, Refusals, Refused
from launchworthy.capture.spans import SpanMapper, product_of
from launchworthy.capture.storage_policy import Guard, StoragePolicy
from launchworthy.errors import InputError
from launchworthy.records.tables import SPANS, Rows, Table

__all__ = ["FAULT", "Decoded", "Receiver", "Refused", "StoragePolicy"]

_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf"})
_JSON = "application/json"
_log = logging.getLogger(__name__)
FAULT = "a fault of the receiver"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one request came to: rows of each table that has any, and what was not taken."""

    rows: tuple[Rows, ...]
    refused: tuple[Refused, ...]


class Receiver:
    """Decodes requests; may be used by several threads at once.

    Args:
        prices: For the cost of calls whose sender reports none.
        pseudonym_key: Key of the hash that stands for a user or session.
        policy: What may be stored of a product's records.
    """

    def __init__(
        self, *, prices: PriceTable, pseudonym_key: bytes, policy: Callable[[str], StoragePolicy]
    ) -> None:
        if api_implementation.Type() == "python":
            _log.warning("protobuf runs without its C code here: taking spans in costs ten times as much")
        self._prices = prices
        self._key = pseudonym_key
        self._policy = policy
        self._pseudonyms: dict[tuple[str, str], str] = {}

    def decode(
        self,
        signal: Literal["traces", "logs"],
        body: bytes,
        *,
        content_type: str,
        encoding: str | None,
        received_at_ns: int,
    ) -> Decoded:
        """The rows of one request.

        Raises:
            InputError: A content type or encoding that is not read here (LW415), too much (LW413), or a body
                that is not what it says it is (LW400).
        """
        media = content_type.partition(";")[0].strip().lower()
        if media != _JSON and media not in _PROTOBUF:
            raise InputError(
                f"the content type {media!r:.80} is not read here",
                code="LW415",
                where="content-type",
                hint="send application/x-protobuf or application/json",
            )
        plain = decompressed(body, encoding=encoding)
        form: Any = json_form if media == _JSON else protobuf
        guard = Guard(key=self._key, policy=self._policy, known=self._pseudonyms)
        if signal == "traces":
            mapper = SpanMapper(prices=self._prices, guard=guard, received_at_ns=received_at_ns)
            return _spans(form.span_groups(plain), mapper)
        return _facts(form.log_groups(plain), FactMapper(guard=guard, received_at_ns=received_at_ns))


def _spans(groups: Iterator[SentGroup], mapper: SpanMapper) -> Decoded:
    rows: list[tuple[Any, ...]] = []
    seen: set[tuple[bytes, bytes]] = set()
    refusals = Refusals()
    for group in groups:
        origin = Origin.of(group)
        for span in group.records:
            if isinstance(span, Bad):
                refusals.add(origin.product, span.reason, sample="")
                continue
            if not isinstance(span, SentSpan):
                continue
            # The sender repeats a span when it lost the answer; the second is the same and is not counted.
            key = (span.trace_id, span.span_id)
            if key in seen:
                continue
            product = product_of(span.attributes, origin)
            try:
                rows.append(mapper.row(span, origin))
                seen.add(key)
            except Refusal as refusal:
                refusals.add(product, str(refusal), sample=_sample(span))
            except Exception as error:
                _fault(refusals, product, error, sample=_sample(span))
    return Decoded(_tables({SPANS.name: (SPANS, rows)}), refusals.all())


def _facts(groups: Iterator[SentGroup], mapper: FactMapper) -> Decoded:
    found: dict[str, tuple[Table, list[tuple[Any, ...]]]] = {}
    refusals = Refusals()
    for group in groups:
        origin = Origin.of(group)
        for log in group.records:
            if isinstance(log, Bad):
                refusals.add(origin.product, log.reason, sample="")
                continue
            if not isinstance(log, SentLog):
                continue
            product = product_of(log.attributes, origin)
            try:
                table, row = mapper.row(log, origin)
                found.setdefault(table.name, (table, []))[1].append(row)
            except Refusal as refusal:
                refusals.add(product, str(refusal), sample=f"event {log.event}" if log.event else "")
            except Exception as error:
                _fault(refusals, product, error, sample=f"event {log.event}")
    return Decoded(_tables(found), refusals.all())


def _fault(refusals: Refusals, product: str, error: Exception, *, sample: str) -> None:
    """The sender cannot mend this, and must not lose the rest of its batch by it.

    The reason names only the kind of error: its words may quote what may not be stored.
    """
    if refusals.add(product, f"{FAULT}: {type(error).__name__}", sample=sample):
        _log.error("a record could not be mapped", exc_info=error)


def _tables(found: dict[str, tuple[Table, list[tuple[Any, ...]]]]) -> tuple[Rows, ...]:
    return tuple(
        Rows(
            table=table.name,
            columns=dict(zip(table.names, map(list, zip(*rows, strict=True)), strict=True)),
        )
        for table, rows in found.values()
        if rows
    )


def _sample(span: SentSpan) -> str:
    return f"span {span.span_id.hex()[:32]} of trace {span.trace_id.hex()[:32]}, {span.name[:100]!r}"
