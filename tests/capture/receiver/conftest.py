"""A receiver with a fixed clock and key, and spans as the OpenTelemetry SDK writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.capture.receiver.model_server import model_server

from launchworthy.capture.pricing import default_prices
from launchworthy.capture.receiver import Decoded, Receiver, StoragePolicy
from launchworthy.records import TABLES, Rows
from launchworthy.store.arrow import encode

KEY = b"0123456789abcdef0123456789abcdef"
PROTOBUF = "application/x-protobuf"
NOW_NS = 1_795_000_000 * 10**9


def table_of(decoded: Decoded, name: str) -> list[dict[str, Any]]:
    """The rows of a table, JSON columns read; every table must be one that the store takes."""
    found: list[dict[str, Any]] = []
    for rows in decoded.rows:
        encode(rows)
        if rows.table == name:
            found = _records(rows)
    return found


def _records(rows: Rows) -> list[dict[str, Any]]:
    json_columns = {column.name for column in TABLES[rows.table].columns if column.type.value == "json"}
    return [
        {
            name: orjson.loads(values[place])
            if name in json_columns and values[place] is not None
            else values[place]
            for name, values in rows.columns.items()
        }
        for place in range(len(rows))
    ]


@dataclass
class Bench:
    """A receiver, and what may be stored for each product."""

    policies: dict[str, StoragePolicy] = field(default_factory=dict)

    @property
    def receiver(self) -> Receiver:
        return Receiver(
            prices=default_prices(),
            pseudonym_key=KEY,
            policy=lambda product: self.policies.get(product, StoragePolicy()),
        )

    def take(
        self,
        body: bytes,
        *,
        signal: Any = "traces",
        content_type: str = PROTOBUF,
        encoding: str | None = None,
        now_ns: int = NOW_NS,
    ) -> Decoded:
        return self.receiver.decode(
            signal, body, content_type=content_type, encoding=encoding, received_at_ns=now_ns
        )

    def spans(self, spans: list[ReadableSpan]) -> list[dict[str, Any]]:
        """Rows of spans of the SDK, sent as its exporter sends them; none may be refused."""
        latest = max((span.end_time or 0 for span in spans), default=0)
        decoded = self.take(encode_spans(spans).SerializeToString(), now_ns=latest)
        assert decoded.refused == ()
        return table_of(decoded, "spans")

    def span(
        self,
        attributes: Mapping[str, Any],
        *,
        resource: Mapping[str, Any] | None = None,
        scope: str = "test",
        then: Callable[[Any], None] | None = None,
    ) -> dict[str, Any]:
        """The row of one span with these attributes."""
        recorded = Recorder(resource)
        with recorded.provider.get_tracer(scope).start_as_current_span("a span") as span:
            span.set_attributes(dict(attributes))
            if then is not None:
                then(span)
        return self.spans(recorded.ended())[0]


class Recorder:
    """A tracer provider whose spans can be looked at."""

    def __init__(self, resource: Mapping[str, Any] | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(resource=Resource(dict(resource or {})), shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def ended(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    with model_server() as url:
        yield url
