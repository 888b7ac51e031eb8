"""What happens at the edges of a process: its start, its forks, its end. Each runs in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchworthy.capture.sdk.spill import Frame, Spill, spill_folder

Run = Callable[..., "subprocess.CompletedProcess[str]"]
NOBODY = "http://127.0.0.1:9"
_FORKING = "ignore:This process:DeprecationWarning"  # Python 3.12 on forks of a process with threads


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def start(code: str, **env: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAUNCH", "OTEL"))}
        return subprocess.run(
            [sys.executable, "-W", "error", "-W", _FORKING, "-c", textwrap.dedent(code)],
            env={
                **kept,
                "LAUNCHWORTHY_STATE": str(tmp_path / "state"),
                "LAUNCHWORTHY_PRODUCT": "shop",
                **env,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


def _spilled(state: Path, endpoint: str) -> int:
    records: list[int] = []

    def deliver(frame: Frame) -> bool:
        records.append(frame.records)
        return True

    Spill(spill_folder(state, endpoint), limit_bytes=10**9, dropped=lambda frame: None).send(deliver)
    return sum(records)


WORK = """
    import launchworthy as lw

    @lw.workflow("answer")
    def answer(question):
        return question.upper()

    for n in range(300):
        answer(f"question {n}")
"""


def test_without_init_everything_is_sent_before_the_process_ends(
    run: Run, collect: Callable[..., Any]
) -> None:
    collector = collect()
    done = run(WORK, LAUNCHWORTHY_ENDPOINT=collector.url, LAUNCHWORTHY_RELEASE="r-7")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spans = collector.spans()
    assert len(spans) == 300
    attributes = {pair.key: pair.value.string_value for pair in spans[0].attributes}
    assert attributes["launchworthy.product"] == "shop"
    assert attributes["launchworthy.release"] == "r-7"
    assert attributes["launchworthy.output"].startswith('"QUESTION')


def test_with_nobody_there_the_spans_are_on_disk_and_the_next_process_sends_them(
    run: Run, collect: Callable[..., Any], tmp_path: Path
) -> None:
    collector = collect(respond=lambda path: (503, {}))
    done = run(WORK, LAUNCHWORTHY_ENDPOINT=collector.url)
    assert done.returncode == 0
    assert done.stderr.count("sent later") == 1
    assert collector.spans() == []
    collector.respond = lambda path: (200, {})
    done = run("import launchworthy as lw; lw.init(); assert lw.flush()", LAUNCHWORTHY_ENDPOINT=collector.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(collector.spans()) == 300


def test_a_server_that_hangs_does_not_hold_up_the_end_and_nothing_is_lost(
    run: Run, collect: Callable[..., Any], tmp_path: Path
) -> None:
    collector = collect(respond=lambda path: (-1, {}))
    done = run(WORK, LAUNCHWORTHY_ENDPOINT=collector.url)
    assert done.returncode == 0
    assert _spilled(tmp_path / "state", collector.url) == 300


def test_an_error_and_an_exit_in_the_application_stay_what_they_are(run: Run, tmp_path: Path) -> None:
    ending = """
        import launchworthy as lw, sys
        with lw.workflow("answer"):
            {}
    """
    failed = run(ending.format("raise KeyError('gone')"), LAUNCHWORTHY_ENDPOINT=NOBODY)
    assert failed.returncode == 1
    assert "KeyError: 'gone'" in failed.stderr
    assert run(ending.format("sys.exit(7)"), LAUNCHWORTHY_ENDPOINT=NOBODY).returncode == 7
    assert _spilled(tmp_path / "state", NOBODY) == 2


def test_a_span_that_ends_after_the_end_is_counted_and_breaks_nothing(run: Run) -> None:
    done = run(
        """
        import atexit
        import launchworthy as lw

        def last():
            with lw.workflow("late"):
                pass
            print(lw.counters().dropped)

        atexit.register(last)
        with lw.workflow("first"):
            pass
        """,
        LAUNCHWORTHY_ENDPOINT=NOBODY,
    )
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_a_forked_child_sends_its_own_spans_and_none_of_its_parents(
    run: Run, collect: Callable[..., Any]
) -> None:
    collector = collect()
    done = run(
        """
        import os
        import launchworthy as lw

        with lw.workflow("before"):
            pass
        child = os.fork()
        with lw.workflow("child" if child == 0 else "parent"):
            pass
        if child:
            os.waitpid(child, 0)
        """,
        LAUNCHWORTHY_ENDPOINT=collector.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = sorted(span.name.removeprefix("invoke_workflow ") for span in collector.spans())
    assert names == ["before", "child", "parent"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_send_before_they_end(
    run: Run, collect: Callable[..., Any], tmp_path: Path, method: str
) -> None:
    collector = collect()
    (tmp_path / "work.py").write_text(
        "import launchworthy as lw\n\n@lw.workflow('work')\ndef work(n):\n    return n * n\n"
    )
    done = run(
        f"""
        import multiprocessing
        from work import work

        if __name__ == "__main__":
            work(0)
            context = multiprocessing.get_context("{method}")
            workers = [context.Process(target=work, args=(n,)) for n in (1, 2, 3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        """,
        LAUNCHWORTHY_ENDPOINT=collector.url,
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert len(collector.spans()) == 4


def test_the_applications_own_provider_is_added_to(run: Run, collect: Callable[..., Any]) -> None:
    collector = collect()
    done = run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        theirs = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(theirs))
        trace.set_tracer_provider(provider)

        import launchworthy as lw
        lw.init()
        lw.init(release="r-2")
        with lw.workflow("answer"):
            with trace.get_tracer("db").start_as_current_span("SELECT"):
                pass
        assert trace.get_tracer_provider() is provider
        print(sorted(span.name for span in theirs.get_finished_spans()))
        provider.shutdown()
        """,
        LAUNCHWORTHY_ENDPOINT=collector.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['SELECT', 'invoke_workflow answer']\n"
    assert sorted(span.name for span in collector.spans()) == ["SELECT", "invoke_workflow answer"]


def test_where_there_is_no_provider_ours_serves_others_too(run: Run, collect: Callable[..., Any]) -> None:
    collector = collect()
    done = run(
        """
        import launchworthy as lw
        from opentelemetry import trace

        tracer = trace.get_tracer("db")  # before anything is set up
        with lw.workflow("answer"), tracer.start_as_current_span("SELECT"):
            pass
        """,
        LAUNCHWORTHY_ENDPOINT=collector.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(span.name for span in collector.spans()) == ["SELECT", "invoke_workflow answer"]


@pytest.mark.parametrize(
    ("before", "env", "said"),
    [
        ("", {"LAUNCHWORTHY_ENABLED": "0"}, ""),
        ("", {"OTEL_SDK_DISABLED": "true"}, ""),
        (
            "from opentelemetry import trace; trace.set_tracer_provider(trace.NoOpTracerProvider())",
            {},
            "NoOpTracerProvider",
        ),
    ],
    ids=["disabled", "otel-disabled", "no-op"],
)
def test_where_nothing_is_to_be_recorded_everything_still_runs(
    run: Run, tmp_path: Path, before: str, env: dict[str, str], said: str
) -> None:
    done = run(
        before
        + textwrap.dedent(
            """
            import launchworthy as lw

            @lw.workflow
            def answer(text):
                lw.current_span().set_output(text)
                return list(lw.stream(iter(text)))

            assert answer("ab") == ["a", "b"]
            with lw.model_call("m") as span:
                span.set_usage(input_tokens=3)
            assert lw.current_trace_id() is None
            assert lw.flush()
            """
        ),
        LAUNCHWORTHY_ENDPOINT=NOBODY,
        **env,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert bool(done.stderr) == bool(said)
    assert _spilled(tmp_path / "state", NOBODY) == 0


def test_a_state_folder_that_cannot_be_used_is_said_and_breaks_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(
        'import launchworthy as lw\nwith lw.workflow("a", user="ana"):\n    pass',
        LAUNCHWORTHY_STATE=str(tmp_path / "file" / "state"),
        LAUNCHWORTHY_ENDPOINT=NOBODY,
    )
    assert done.returncode == 0
    assert "LAUNCHWORTHY_PSEUDONYM_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_pseudonyms_are_the_same_in_each_process_and_need_the_key(
    run: Run, collect: Callable[..., Any], tmp_path: Path
) -> None:
    collector = collect()
    who = 'import launchworthy as lw\nwith lw.workflow("a", user="ana@example.com", session="s"):\n    pass'
    for env in ({}, {}, {"LAUNCHWORTHY_PSEUDONYM_KEY": "another key"}, {"LAUNCHWORTHY_PSEUDONYMISE": "0"}):
        assert run(who, LAUNCHWORTHY_ENDPOINT=collector.url, **env).returncode == 0
    first, second, other, plain = (
        {pair.key: pair.value.string_value for pair in span.attributes} for span in collector.spans()
    )
    assert first["user.id"] == second["user.id"] != other["user.id"]
    assert first["user.id"].startswith("u_")
    assert plain["user.id"] == "ana@example.com"
    key = tmp_path / "state" / "pseudonym.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_text()) == 64


def test_a_product_without_a_name_is_said(run: Run) -> None:
    done = run(
        'import launchworthy as lw\nwith lw.workflow("a"):\n    pass',
        LAUNCHWORTHY_PRODUCT="",
        LAUNCHWORTHY_ENDPOINT=NOBODY,
    )
    assert "name yours with init(product=…)" in done.stderr


def test_a_loop_without_a_pause_loses_nothing_while_nobody_answers(tmp_path: Path) -> None:
    program = tmp_path / "loop.py"
    program.write_text(
        "import launchworthy as lw\n"
        "lw.init(product='shop', endpoint='http://127.0.0.1:9')\n"
        "@lw.workflow('answer')\n"
        "def answer(question): return 'a' * 300\n"
        "for _ in range(40_000): answer('q' * 300)\n"
        "lw.flush(10)\n"
        "counted = lw.counters()\n"
        "print(counted.accepted, counted.spilled, counted.dropped)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "LAUNCHWORTHY_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["40000", "40000", "0"]
