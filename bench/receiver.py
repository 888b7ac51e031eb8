"""Decoding OTLP: CPU a megabyte and a span, by encoding and dialect, beside parsing alone.

    python bench/receiver.py [--rounds 30]

Load: batches of 512 spans as in ``bench/ingest.py``, 5-span GenAI traces of about 2.5 KB a span, everything
on (dialects, pseudonyms, cost, validation of JSON). ``floor`` is protobuf's C parser and nothing else;
measured elsewhere on such a machine, the C parser and plain rows of dicts without any of that took 8.9 ms
a megabyte, ``MessageToDict`` 48.9. The least of all rounds is printed: the others were disturbed.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.internal import api_implementation  # type: ignore[import-untyped]
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from launchworthy.capture.pricing import default_prices
from launchworthy.capture.receiver import Receiver, StoragePolicy
from launchworthy.store.arrow import encode

PROTOBUF, JSON = "application/x-protobuf", "application/json"
DICT_ROWS_MS_PER_MB = 8.9


def _ingest() -> Any:
    spec = importlib.util.spec_from_file_location("ingest", Path(__file__).with_name("ingest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingest"] = module
    spec.loader.exec_module(module)
    return module


def _openinference(body: bytes) -> bytes:
    """The same spans as OpenInference tells them: a message is an attribute for each of its fields."""
    request = ExportTraceServiceRequest.FromString(body)
    renamed = {
        "gen_ai.request.model": "llm.model_name",
        "gen_ai.provider.name": "llm.provider",
        "gen_ai.usage.input_tokens": "llm.token_count.prompt",
        "gen_ai.usage.output_tokens": "llm.token_count.completion",
        "gen_ai.usage.cache_read.input_tokens": "llm.token_count.prompt_details.cache_read",
    }
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.attributes.add(key="openinference.span.kind").value.string_value = "LLM"
        for attribute in span.attributes:
            attribute.key = renamed.get(attribute.key, attribute.key)
            for side in ("input", "output"):
                if attribute.key == f"gen_ai.{side}.messages":
                    attribute.key = f"llm.{side}_messages.0.message.content"
                    span.attributes.add(key=f"llm.{side}_messages.0.message.role").value.string_value = "user"
    serialized: bytes = request.SerializeToString()
    return serialized


def _as_json(body: bytes) -> bytes:
    document = MessageToDict(ExportTraceServiceRequest.FromString(body))
    for group in document["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                for name, size in (("traceId", 16), ("spanId", 8), ("parentSpanId", 8)):
                    if name in span:
                        span[name] = _hex(span[name], size)
    return orjson.dumps(document)


def _hex(text: str, size: int) -> str:
    import base64

    raw = base64.b64decode(text)
    assert len(raw) == size
    return raw.hex()


def _least_s(work: Callable[[], object], rounds: int) -> float:
    least = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    ingest = _ingest()
    body, _ = ingest.make_batch(1)
    receiver = Receiver(prices=default_prices(), pseudonym_key=b"k" * 32, policy=lambda _: StoragePolicy())

    def decode(sent: bytes, content_type: str = PROTOBUF, encoding: str | None = None) -> Any:
        return receiver.decode(
            "traces", sent, content_type=content_type, encoding=encoding, received_at_ns=time.time_ns()
        )

    other, told = _openinference(body), _as_json(body)
    packed = gzip.compress(body, 1)
    (rows,) = decode(body).rows
    loads: dict[str, tuple[bytes, Callable[[], object]]] = {
        "floor: parse only": (body, lambda: ExportTraceServiceRequest.FromString(body)),
        "protobuf, GenAI": (body, lambda: decode(body)),
        "protobuf, gzip": (body, lambda: decode(packed, encoding="gzip")),
        "protobuf, OpenInference": (other, lambda: decode(other)),
        "JSON, GenAI": (told, lambda: decode(told, JSON)),
        "rows to Arrow (store)": (body, lambda: encode(rows)),
        "peer way: MessageToDict": (
            body,
            lambda: MessageToDict(ExportTraceServiceRequest.FromString(body)),
        ),
    }
    print(f"{ingest.BATCH} spans, {len(body) / ingest.BATCH:,.0f} bytes a span; {api_implementation.Type()}")
    print(f"{'':26}{'ms/MB':>8}{'us/span':>9}{'spans/s':>11}")
    for name, (sent, work) in loads.items():
        least = _least_s(work, rounds)
        span_us = least / ingest.BATCH * 1e6
        print(f"{name:26}{least * 1e3 / (len(sent) / 1e6):8.2f}{span_us:9.1f}{1e6 / span_us:11,.0f}")
    print(f"{'elsewhere: rows of dicts':26}{DICT_ROWS_MS_PER_MB:8.2f}")


if __name__ == "__main__":
    main()
