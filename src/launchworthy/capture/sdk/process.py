"""The one client of a process: made at the first call or by ``init``, again in a fork, closed at the end.

May import ``records``, OpenTelemetry's API and SDK and this folder. It adds itself to the provider that the
application set, and sets one where there is none, so that other instrumentations nest inside our spans.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as otel_trace
from opentelemetry.trace import NoOpTracer

from launchworthy.capture.sdk.client import Client
from launchworthy.capture.sdk.problems import once, renew
from launchworthy.capture.sdk.pseudonyms import Pseudonyms, key_file
from launchworthy.capture.sdk.settings import UNNAMED, Settings, settings_from

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    from launchworthy.capture.sdk.ended import Counters, EndedSpan, Event
    from launchworthy.capture.sdk.processor import Processor
    from launchworthy.capture.sdk.protection import Protection
    from launchworthy.capture.storage_policy import StoragePolicy
    from launchworthy.records.release import Release

__all__ = ["client", "counters", "flush", "init", "install", "protect"]


class _Discard:
    """The sink of a disabled client."""

    def add_span(self, ended: EndedSpan) -> None:
        """Forgotten."""

    def add_event(self, event: Event) -> None:
        """Forgotten."""

    def flush(self, timeout_s: float) -> bool:
        """There is nothing."""
        return True

    def close(self, timeout_s: float) -> None:
        """There is nothing."""

    def after_fork(self) -> None:
        """There is nothing."""


_client: Client | None = None
_making = threading.RLock()
# The provider our processor was added to, once: providers cannot be told to forget one.
_processors: dict[int, tuple[TracerProvider, Processor]] = {}


def client() -> Client:
    """The client in force; made from the environment at the first call."""
    found = _client
    if found is not None:
        return found
    with _making:
        return _client if _client is not None else _make(settings_from())


def init(
    *,
    product: str | None = None,
    release: str | Release | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
    enabled: bool | None = None,
    content: bool | None = None,
    pseudonymise: bool | None = None,
    pseudonym_key: str | bytes | None = None,
    state: str | Path | None = None,
    spill_bytes: int | None = None,
    ids: IdGenerator | None = None,
) -> None:
    """Say what this process is and where its records go; optional, and best before the first call.

    Args:
        product: Product of the contract (``LAUNCHWORTHY_PRODUCT``, ``OTEL_SERVICE_NAME``).
        release: Release id or parts (``LAUNCHWORTHY_RELEASE``).
        endpoint: Address of the server (``LAUNCHWORTHY_ENDPOINT``; http://127.0.0.1:8321).
        api_key: Key of the server (``LAUNCHWORTHY_API_KEY``); not needed on loopback.
        enabled: False records nothing (``LAUNCHWORTHY_ENABLED=0``), for instance in unit tests.
        content: False leaves out what was said (``LAUNCHWORTHY_CONTENT=0``).
        pseudonymise: False sends user and session as they are (``LAUNCHWORTHY_PSEUDONYMISE=0``).
        pseudonym_key: Key of the pseudonyms (``LAUNCHWORTHY_PSEUDONYM_KEY``); else a file made once.
        state: Folder for that file and the spill (``LAUNCHWORTHY_STATE``; ``~/.local/state/launchworthy``).
        spill_bytes: Most that waits on disk for a server (``LAUNCHWORTHY_SPILL_MB``; 64 MiB).
        ids: Source of trace and span ids, where the SDK makes the provider itself.
    """
    settings = settings_from(
        product=product,
        release=release,
        endpoint=endpoint,
        api_key=api_key,
        enabled=enabled,
        content=content,
        pseudonymise=pseudonymise,
        pseudonym_key=pseudonym_key,
        state=state,
        spill_bytes=spill_bytes,
        ids=ids,
    )
    with _making:
        before = _client
        renew()
        _make(settings)
    if before is not None:
        before.sink.close(before.settings.exit_s)


def flush(timeout_s: float = 10.0) -> bool:
    """Wait until a server has everything recorded so far, spilled records included; False if it has not."""
    found = _client
    return found is None or found.sink.flush(timeout_s)


def counters() -> Counters:
    """What this process recorded, delivered, spilled and dropped so far."""
    from launchworthy.capture.sdk.ended import Counters
    from launchworthy.capture.sdk.exporter import Exporter

    sink = client().sink
    return sink.counters if isinstance(sink, Exporter) else Counters()


def protect(product: str, policy: StoragePolicy) -> None:
    """From now on records of a product leave this process only as its contract lets them be stored."""
    _protecting().add(product, policy)


@functools.cache
def _protecting() -> Protection:
    """One for the process: it stands whether records were sent before, or ``init`` is called after."""
    from launchworthy.capture.sdk.protection import Protection

    return Protection()


def install(replacement: Client | None) -> Client | None:
    """Put a client in force and answer the one before; the seam that ``launchworthy.testing`` uses."""
    global _client
    with _making:
        before, _client = _client, replacement
    return before


def _make(settings: Settings) -> Client:
    """Put a client with these settings in force; one that records nothing if that fails."""
    try:
        made = _disabled(settings) if not settings.enabled else _connected(settings)
    except Exception as error:
        once("init", "nothing is recorded, since the SDK could not start: %r", error)
        made = _disabled(settings)
    install(made)
    for _, processor in _processors.values():
        processor.client = made
    return made


def _disabled(settings: Settings) -> Client:
    return Client(settings, tracer=NoOpTracer(), sink=_Discard(), pseudonyms=Pseudonyms(b""))


def _connected(settings: Settings) -> Client:
    from launchworthy.capture.sdk.delivery import Delivery
    from launchworthy.capture.sdk.exporter import Exporter
    from launchworthy.capture.sdk.spill import Spill, spill_folder

    if settings.product == UNNAMED:
        once("product", "records go to the product %r; name yours with init(product=…)", UNNAMED)
    provider = _provider(settings)
    folder = spill_folder(settings.state, settings.endpoint)
    exporter = Exporter(
        settings,
        delivery=Delivery(settings.endpoint, api_key=settings.api_key, version=_version()),
        spill=lambda dropped: Spill(folder, limit_bytes=settings.spill_bytes, dropped=dropped),
        resource=dict(provider.resource.attributes),
        protection=_protecting(),
        started=_at_worker_exit,
    )
    key: bytes | None = None
    if settings.pseudonymise:
        key = settings.pseudonym_key or key_file(settings.state)
    made = Client(
        settings,
        tracer=provider.get_tracer("launchworthy", _version()),
        sink=exporter,
        pseudonyms=Pseudonyms(key),
    )
    _at_exit()
    exporter.start()
    return made


def _provider(settings: Settings) -> TracerProvider:
    """The application's provider where it set one that can be added to, else ours, set for all."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider

    from launchworthy.capture.sdk.processor import Processor

    present: Any = otel_trace.get_tracer_provider()
    if isinstance(present, NoOpTracerProvider):
        raise RuntimeError("the application set OpenTelemetry's NoOpTracerProvider")
    if not hasattr(present, "add_span_processor"):
        ours = TracerProvider(
            resource=Resource.create({"service.name": settings.product}),
            id_generator=settings.ids,
            shutdown_on_exit=False,
        )
        if isinstance(present, ProxyTracerProvider):
            otel_trace.set_tracer_provider(ours)
        else:
            once(
                "provider",
                "the tracer provider %s takes no processors: spans of other libraries are not recorded",
                type(present).__qualname__,
            )
        present = ours
    if id(present) not in _processors:
        processor = Processor()
        present.add_span_processor(processor)
        _processors[id(present)] = present, processor
    return present  # type: ignore[no-any-return]


@functools.cache
def _at_exit() -> None:
    atexit.register(_close)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _close() -> None:
    found = _client
    if found is not None:
        found.sink.close(found.settings.exit_s)


def _after_fork() -> None:
    global _making
    _making = threading.RLock()
    found = _client
    if found is None:
        return
    found.sink.after_fork()


def _at_worker_exit() -> None:
    """A worker process of multiprocessing may end without atexit; its own finalizers do run."""
    processes, finalizers = (sys.modules.get(f"multiprocessing.{name}") for name in ("process", "util"))
    if processes is not None and finalizers is not None and processes.parent_process() is not None:
        finalizers.Finalize(None, _close, exitpriority=0)


def _version() -> str:
    from launchworthy import __version__

    return __version__
