from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from launchworthy.capture.sdk.delivery import Answer, Delivery, Verdict
from launchworthy.capture.sdk.ended import Counters, EndedSpan, Event
from launchworthy.capture.sdk.exporter import Exporter
from launchworthy.capture.sdk.settings import Settings, settings_from
from launchworthy.capture.sdk.spill import Frame, Spill

Make = Callable[..., Exporter]
Collect = Callable[..., Any]


def _spans(count: int, *, size: int = 10) -> list[EndedSpan]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    ended = []
    for n in range(count):
        span: Any = tracer.start_span(f"span {n}", attributes={"text": "x" * size})
        span.end()
        ended.append(EndedSpan(span, span.attributes.copy(), False, size))
    return ended


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Exporter] = []

    def exporter(url: str, *, spill_bytes: int = 10**6, **changes: Any) -> Exporter:
        settings = replace(settings_from(product="p", endpoint=url, state=tmp_path), delay_s=0.02, **changes)
        found = Exporter(
            settings,
            delivery=Delivery(url, api_key="secret", version="1"),
            spill=lambda dropped: Spill(tmp_path / "spill", limit_bytes=spill_bytes, dropped=dropped),
            resource={"service.name": "p"},
        )
        made.append(found)
        return found

    yield exporter
    for found in made:
        found.close(0.5)


def _adds_up(counters: Counters) -> bool:
    return counters.accepted == (counters.delivered + counters.spilled + counters.dropped + counters.refused)


def _nobody() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_spans_and_events_arrive_as_otlp(make: Make, collect: Collect) -> None:
    collector = collect()
    exporter = make(collector.url)
    for ended in _spans(1_300):
        exporter.add_span(ended)
    exporter.add_event(
        Event(name="launchworthy.outcome", time_ns=5, trace_id=7, span_id=8, attributes={"a": 1})
    )
    assert exporter.flush(10)
    assert sorted(span.name for span in collector.spans()) == sorted(f"span {n}" for n in range(1_300))
    (record,) = collector.logs()
    assert (record.event_name, record.time_unix_nano) == ("launchworthy.outcome", 5)
    assert (record.trace_id, record.span_id) == ((7).to_bytes(16, "big"), (8).to_bytes(8, "big"))
    assert record.attributes[0].value.int_value == 1
    assert exporter.counters == Counters(accepted=1_301, delivered=1_301)
    for headers in collector.headers:
        assert headers["content-type"] == "application/x-protobuf"
        assert headers["authorization"] == "Bearer secret"


def test_a_base_path_and_a_slash_at_the_end_are_kept_apart(make: Make, collect: Collect) -> None:
    collector = collect()
    exporter = make(collector.url + "/team/")
    exporter.add_span(_spans(1)[0])
    assert exporter.flush(10)
    assert collector.bodies[0][0] == "/team/v1/traces"


def test_without_a_server_spans_wait_on_disk_and_are_sent_when_it_comes(
    make: Make, collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    url = _nobody()
    exporter = make(url)
    for ended in _spans(700):
        exporter.add_span(ended)
    assert not exporter.flush(10)
    assert exporter.counters == Counters(accepted=700, spilled=700)
    assert caplog.text.count("sent later") == 1
    collector = collect(port=int(url.rpartition(":")[2]))
    assert exporter.flush(10)
    assert exporter.counters == Counters(accepted=700, delivered=700)
    assert len(collector.spans()) == 700


def test_the_next_process_sends_what_an_earlier_one_left(make: Make, collect: Collect) -> None:
    first = make(_nobody())
    for ended in _spans(5):
        first.add_span(ended)
    first.close(1)
    assert first.counters == Counters(accepted=5, spilled=5)
    collector = collect()
    second = make(collector.url)
    second.start()
    assert second.flush(10)
    assert len(collector.spans()) == 5
    assert second.counters == Counters(resent=5)


def test_a_lost_answer_makes_the_same_batch_come_again_under_the_same_id(
    make: Make, collect: Collect
) -> None:
    seen: list[str] = []

    def respond(path: str) -> tuple[int, dict[str, str]]:
        seen.append(path)
        return (0 if len(seen) == 1 else 200), {}

    collector = collect(respond=respond)
    exporter = make(collector.url)
    exporter.add_span(_spans(1)[0])
    while exporter.counters.spilled + exporter.counters.delivered == 0:
        time.sleep(0.01)
    assert exporter.flush(10)
    assert len(seen) == 2
    assert len(collector.spans()) == 1


def test_retry_after_is_respected(collect: Collect, tmp_path: Path) -> None:
    clock = [100.0]
    answers = iter([Answer(verdict=Verdict.LATER, why="HTTP 503", retry_after_s=60.0)])
    tries: list[float] = []

    class Patient:
        def __call__(self, frame: Frame, *, timeout_s: float) -> Answer:
            tries.append(clock[0])
            return next(answers, Answer(verdict=Verdict.TAKEN))

        def close(self) -> None:
            """Nothing is open."""

    exporter = Exporter(
        settings_from(product="p", state=tmp_path),
        delivery=Patient(),  # type: ignore[arg-type]
        spill=lambda dropped: Spill(tmp_path / "spill", limit_bytes=10**6, dropped=dropped),
        resource={},
        now=lambda: clock[0],
    )
    exporter._thread = object()  # type: ignore[assignment]  # the rounds are taken by hand
    for ended in _spans(3):
        exporter.add_span(ended)
        exporter._round(insist=False)
        clock[0] += 20
    assert tries == [100.0]
    exporter._round(insist=False)
    assert tries == [100.0, 160.0, 160.0, 160.0]
    assert exporter.counters == Counters(accepted=3, delivered=3)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("-3", 0.0),
        ("1e9", 3600.0),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("nan", None),
    ],
)
def test_retry_after_in_every_form(collect: Collect, header: str, seconds: float | None) -> None:
    collector = collect(respond=lambda path: (429, {"Retry-After": header}))
    delivery = Delivery(collector.url, api_key=None, version="1")
    frame = Frame(signal="logs", batch_id="0" * 32, records=1, body=b"")
    answer = delivery(frame, timeout_s=5)
    delivery.close()
    assert answer.verdict is Verdict.LATER
    assert answer.retry_after_s == seconds


@pytest.mark.parametrize("status", [400, 413, 415])
def test_a_batch_refused_for_good_is_counted_and_not_sent_again(
    make: Make, collect: Collect, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    collector = collect(respond=lambda path: (status, {}))
    exporter = make(collector.url)
    exporter.add_span(_spans(1)[0])
    assert exporter.flush(10)
    assert exporter.counters == Counters(accepted=1, refused=1)
    assert f"HTTP {status}" in caplog.text


@pytest.mark.parametrize("status", [401, 403, 404, 429, 502, 503])
def test_a_batch_that_a_mended_server_would_take_is_kept(make: Make, collect: Collect, status: int) -> None:
    answers = [status]
    collector = collect(respond=lambda path: (answers[0], {}))
    exporter = make(collector.url)
    exporter.add_span(_spans(1)[0])
    assert not exporter.flush(10)
    assert exporter.counters == Counters(accepted=1, spilled=1)
    answers[0] = 200
    assert exporter.flush(10)
    assert len(collector.spans()) == 1


def test_a_batch_that_breaks_the_server_does_not_hold_up_the_rest(make: Make, collect: Collect) -> None:
    collector = collect(respond=lambda path: (500 if path == "/v1/logs" else 200, {}))
    exporter = make(collector.url)
    exporter.add_event(Event(name="poison", time_ns=1))
    for _ in range(10):
        if exporter.flush(10):
            break
    exporter.add_span(_spans(1)[0])
    assert exporter.flush(10)
    assert exporter.counters == Counters(accepted=2, delivered=1, refused=1)


def test_partial_success_is_counted(make: Make, collect: Collect, caplog: pytest.LogCaptureFixture) -> None:
    exporter = make(collect(rejected=2).url)
    for ended in _spans(3):
        exporter.add_span(ended)
    assert exporter.flush(10)
    assert exporter.counters == Counters(accepted=3, delivered=3, rejected=2)
    assert "did not keep some records" in caplog.text


def test_a_full_queue_drops_the_newest_and_counts(make: Make, tmp_path: Path) -> None:
    exporter = make(_nobody(), queue_spans=10, queue_characters=10**6)
    exporter._thread = object()  # type: ignore[assignment]  # nobody takes from the queue
    for ended in _spans(25):
        exporter.add_span(ended)
    for _ in range(12):
        exporter.add_event(Event(name="e", time_ns=1))
    assert exporter.counters == Counters(accepted=37, dropped=17)
    exporter._thread = None


def test_the_queue_is_bounded_in_text_too(make: Make) -> None:
    exporter = make(_nobody(), queue_characters=10_000)
    exporter._thread = object()  # type: ignore[assignment]
    for ended in _spans(10, size=4_000):
        exporter.add_span(ended)
    assert exporter.counters == Counters(accepted=10, dropped=8)
    exporter._thread = None


def test_a_full_spill_keeps_the_counters_adding_up(make: Make, tmp_path: Path) -> None:
    exporter = make(_nobody(), spill_bytes=6_000, batch_spans=5)
    for ended in _spans(400):
        exporter.add_span(ended)
    exporter.close(2)
    assert exporter.counters.dropped > 0
    assert exporter.counters.spilled > 0
    assert _adds_up(exporter.counters)


def test_spans_that_cannot_be_written_do_not_take_others_with_them(make: Make, collect: Collect) -> None:
    collector = collect()
    exporter = make(collector.url)
    good, bad = _spans(2)
    exporter.add_span(replace(bad, attributes={"odd": object()}))
    exporter.add_span(
        replace(good, attributes={"big": 2**70, "sur": "\ud800", "deep": {"a": [1, None, b"x"]}})
    )
    assert exporter.flush(10)
    assert len(collector.spans()) == 1
    assert exporter.counters == Counters(accepted=2, delivered=1, refused=1)


def test_a_server_that_never_answers_cannot_hold_up_the_end(make: Make, collect: Collect) -> None:
    collector = collect(respond=lambda path: (-1, {}))
    exporter = make(collector.url)
    for ended in _spans(600):
        exporter.add_span(ended)
    assert collector.hanging.wait(10)
    exporter.close(1.0)
    assert not collector.released.is_set()  # it still hangs
    exporter.add_span(_spans(1)[0])
    assert exporter.counters == Counters(accepted=601, spilled=600, dropped=1)


def test_while_a_server_hangs_a_long_burst_goes_to_disk_and_not_lost(make: Make, collect: Collect) -> None:
    collector = collect(respond=lambda path: (-1, {}))
    exporter = make(collector.url, queue_spans=200, batch_spans=20)
    burst = _spans(1_000)
    exporter.add_span(burst[0])
    assert collector.hanging.wait(10)
    for ended in burst[1:]:
        while len(exporter._spans) >= 180:  # as fast as the disk, and no faster
            time.sleep(0.001)
        exporter.add_span(ended)
    exporter.close(1.0)
    assert exporter.counters == Counters(accepted=1_000, spilled=1_000)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://", "http://[bad", "http://x:99999"])
def test_an_address_that_is_none_keeps_the_records(tmp_path: Path, url: str) -> None:
    delivery = Delivery(url, api_key=None, version="1")
    answer = delivery(Frame(signal="logs", batch_id="0" * 32, records=1, body=b""), timeout_s=1)
    assert answer.verdict is Verdict.LATER


def test_a_closed_kept_connection_is_made_again(collect: Collect) -> None:
    collector = collect()
    delivery = Delivery(collector.url, api_key=None, version="1")
    frame = Frame(signal="logs", batch_id="0" * 32, records=0, body=gzip.compress(b""))
    assert delivery(frame, timeout_s=5).verdict is Verdict.TAKEN
    delivery.interrupt()
    assert delivery(frame, timeout_s=5).verdict is Verdict.TAKEN
    delivery.close()


def test_settings_come_from_arguments_then_the_environment_then_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    plain = settings_from()
    assert (plain.product, plain.endpoint) == ("unknown", "http://127.0.0.1:8321")
    assert plain.state == tmp_path / "launchworthy"
    assert plain.enabled
    assert plain.pseudonymise
    for name, value in {
        "PRODUCT": "shop",
        "ENDPOINT": "https://lw.example/",
        "API_KEY": "k",
        "ENABLED": "0",
        "CONTENT": "false",
        "PSEUDONYMISE": "off",
        "PSEUDONYM_KEY": "secret",
        "SPILL_MB": "2",
        "STATE": "/var/lib/x",
    }.items():
        monkeypatch.setenv(f"LAUNCHWORTHY_{name}", value)
    found = settings_from(product="given")
    assert found == Settings(
        product="given",
        release="",
        endpoint="https://lw.example",
        state=Path("/var/lib/x"),
        api_key="k",
        enabled=False,
        content=False,
        pseudonymise=False,
        pseudonym_key=b"secret",
        spill_bytes=2 * 1024 * 1024,
    )
