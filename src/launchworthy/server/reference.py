"""``docs/http-api.md`` as text, made from the table of operations so that it cannot rot.

May import every room below ``server``. Run ``python -m launchworthy.server.reference`` to print it.
"""

from __future__ import annotations

import re

from launchworthy.server.api import PREFIX
from launchworthy.server.operations import OPERATIONS

__all__ = ["http_api_reference"]

_HEAD = """\
# HTTP API

Made from `server/operations.py`; a test keeps it current. `GET /api/v1/openapi.json` answers the same as an
OpenAPI 3.1 document, with the schema of every argument and answer.

On loopback no key is needed, and a foreign `Host` or `Origin` is refused. Bound beyond loopback, send
`Authorization: Bearer KEY`; `launchworthy keys create NAME --role ROLE` makes one. Each role includes the one
before it: `ingest`, `read`, `write`.

Every error has one shape: `{"error": {"code", "message", "where", "hint"}}`. A server that is full answers 503
with `Retry-After`; nothing it answered 200 to is lost.

## Telemetry

| request | role | what it does |
|---|---|---|
| `POST /v1/traces` | ingest | OTLP/HTTP traces, protobuf or JSON, gzip or not; 200 once they are on disk |
| `POST /v1/logs` | ingest | OTLP/HTTP logs: `gen_ai.evaluation.result`, `launchworthy.outcome`, `launchworthy.feedback`, `launchworthy.exposure` |

A batch with bad spans is answered with OTLP's partial success: the good ones are kept. A batch that is sent again
(the same bytes, or the same `Launchworthy-Batch-Id`) is acknowledged and stored once.

| request | role | what it does |
|---|---|---|
| `POST /ofrep/v1/evaluate/flags` | ingest | OFREP 0.3: every flag for one context, with a tag (`flags.md`) |
| `POST /ofrep/v1/evaluate/flags/{key}` | ingest | OFREP 0.3: one flag |
| `POST /ofrep/v1/track` | ingest | events of applications as outcomes, and what they showed as exposures |
| `GET /ofrep/v1/events` | ingest | OFREP's event stream: `refetchEvaluation` when flags change |
| `GET /healthz` | none | `ok` while the server answers |
| `GET /metrics` | read | counters in Prometheus' text format (`operations.md` explains each) |

## Operations

Arguments come from the path, then from the query string (GET, DELETE) or a JSON object (everything else).

| request | role | what it does | arguments |
|---|---|---|---|
"""

_TAIL = """\
| `GET /api/v1/export/{table}` | read | A table of records as a Parquet file; ids are hexadecimal. | product, workflow |
"""


def http_api_reference() -> str:
    """The page as Markdown."""
    rows = []
    for operation in OPERATIONS:
        arguments = [
            name if field.is_required() else f"{name}?"
            for name, field in operation.arguments.model_fields.items()
            if f"{{{name}}}" not in operation.path
        ]
        rows.append(
            f"| `{operation.verb} {PREFIX}{operation.path}` | {operation.role} | "
            f"{_plain(operation.summary)} | {', '.join(arguments)} |\n"
        )
    return _HEAD + "".join(rows) + _TAIL


def _plain(summary: str) -> str:
    return re.sub(r":\w+:`(\w+)`", r"`\1`", summary).replace("``", "`")


if __name__ == "__main__":
    print(http_api_reference(), end="")
