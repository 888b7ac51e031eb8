"""What the contract does not let be stored never leaves the process, nor waits on its disk."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import orjson
import pytest

import launchworthy as lw
from launchworthy.capture.otlp import protobuf
from launchworthy.capture.sdk.encoding import logs_frame, traces_frame
from launchworthy.capture.sdk.protection import Protection
from launchworthy.capture.sdk.spill import Frame, Spill, spill_folder
from launchworthy.capture.storage_policy import StoragePolicy
from launchworthy.runtime.redaction import TextRedaction
from launchworthy.testing import Recording

MAIL, PHONE = "ana.silva@example.org", "+44 20 7946 0958"
REDACT = TextRedaction(find=["email", "phone"], how="redact")


def _sent(recorded: Recording, policy: StoragePolicy, *, product: str = "shop") -> tuple[str, str]:
    """What spans and events look like on the wire, in words."""
    protection = Protection()
    protection.add(product, policy)
    frame, failed = traces_frame(recorded._ended, protection=protection)
    assert frame is not None
    assert failed == 0
    logs = logs_frame(recorded.events, resource={}, protection=protection)
    return _words(frame), _words(logs)


def _words(frame: Frame) -> str:
    import gzip

    body = gzip.decompress(frame.body)
    groups: Any = protobuf.span_groups(body) if frame.signal == "traces" else protobuf.log_groups(body)
    return "\n".join(str(record) for group in groups for record in group.records)


def _call() -> None:
    @lw.retrieval("search")
    def search(query: str) -> list[dict[str, Any]]:
        return [
            {"id": "t-1", "score": 0.5, "content": f"Ticket of {MAIL}", "source": "tickets"},
            {"id": "h-1", "score": 0.9, "content": "Returns are free", "source": "help"},
        ]

    with lw.workflow("answer", user="ana", session="s-1") as span:
        span.set_input(f"I am {MAIL}")
        search(f"orders of {MAIL}")
        with lw.tool("send") as tool:
            tool.set_input({"to": MAIL, "phone": PHONE})
        with lw.model_call("gpt-x", provider="openai") as call:
            call.set_messages([{"role": "user", "content": f"Call {PHONE}"}])
            call.set_output(f"I wrote to {MAIL}")
        span.set_attributes({"customer.mail": MAIL, "order": 7})
        span.fail(ValueError(f"no order of {MAIL}"))
        lw.feedback(rating=-1, comment=f"call me: {PHONE}", correction=f"mail {MAIL}")
        lw.evaluation("groundedness", value=0.5, explanation=f"{MAIL} is not in the source")


def test_personal_data_in_every_text_is_replaced_before_it_is_sent(recorded: Recording) -> None:
    _call()
    spans, events = _sent(recorded, StoragePolicy(redact=REDACT))
    for value in (MAIL, PHONE, "7946"):
        assert value not in spans
        assert value not in events
    for kept in ("I am [EMAIL_1]", "Call [PHONE_1]", "Ticket of [EMAIL_1]", "Returns are free", "u_", "send"):
        assert kept in spans
    assert "call me: [PHONE_1]" in events


def test_the_texts_of_sources_that_may_not_be_stored_stay_here(recorded: Recording) -> None:
    _call()
    spans, _ = _sent(recorded, StoragePolicy(unstorable_sources=frozenset({"tickets"})))
    assert "Ticket of" not in spans
    assert "t-1" in spans
    assert "Returns are free" in spans


def test_where_nothing_may_be_stored_no_text_and_no_user_leaves(recorded: Recording) -> None:
    _call()
    spans, events = _sent(recorded, StoragePolicy(user_ids="drop", store_content=False, redact=REDACT))
    for value in (MAIL, PHONE, "Returns are free", "u_", "s_"):
        assert value not in spans
        assert value not in events
    assert "gpt-x" in spans


def test_what_could_not_be_looked_through_stays_here_and_is_counted(recorded: Recording) -> None:
    def broken(text: str) -> str | None:
        raise RuntimeError("out of order")

    _call()
    spans, events = _sent(recorded, StoragePolicy(redact=broken))
    for value in (MAIL, PHONE, "Returns are free"):
        assert value not in spans
        assert value not in events
    assert "launchworthy.texts_left_out" in spans


def test_records_of_another_product_leave_as_they_are(recorded: Recording) -> None:
    _call()
    spans, _ = _sent(recorded, StoragePolicy(redact=REDACT), product="another")
    assert MAIL in spans


@pytest.mark.parametrize(
    "protect",
    [
        "from launchworthy.runtime.boundary import Boundary; Boundary.load().protect_records()",
        "lw.Enforcer.load()",
    ],
)
def test_nothing_personal_waits_on_disk_for_a_server(tmp_path: Path, protect: str) -> None:
    contract = """\
    launchworthy: 1
    product: shop
    owners: {product: ana@example.com}
    workflows:
      answer:
        user: customer
        job: find out where an order is
        no_answer: refuse
        failures:
          wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
        quality: {hit@5: {at_least: 80 %}}
    data:
      sources: {help: {class: public, may: [see, store]}, tickets: {class: confidential, may: [see]}}
      pii: {find: [email, phone], record: pseudonymise}
    """
    (tmp_path / "launchworthy.yaml").write_text(textwrap.dedent(contract))
    code = f"""
    import launchworthy as lw

    {protect}
    lw.init(product="shop", endpoint="http://127.0.0.1:9")  # afterwards, and it holds all the same
    with lw.workflow("answer", user="ana") as span:
        span.set_input("I am {MAIL}")
        span.set_output("Ask {MAIL} or call {PHONE}")
        lw.feedback(rating=1, comment="thanks, {MAIL}")
    lw.flush(0.1)
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAUNCH", "OTEL"))}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**kept, "LAUNCHWORTHY_STATE": str(tmp_path / "state")},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    folder = spill_folder(tmp_path / "state", "http://127.0.0.1:9")
    frames: list[Frame] = []
    spill = Spill(folder, limit_bytes=10**7, dropped=lambda frame: None)

    def take(frame: Frame) -> bool:
        frames.append(frame)
        return True

    spill.send(take)
    words = "\n".join(map(_words, frames))
    assert orjson.dumps(words)
    assert words.count("email_") >= 3
    assert "phone_" in words
    for value in (MAIL, PHONE):
        assert value not in words
