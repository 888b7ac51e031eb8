"""``export preferences`` as someone types it, on what the SDK's records become in a data folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset  # type: ignore[import-untyped]

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import Store, StoreOptions

CONTRACT = """\
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
  retention: {traces: 30d}
  sources:
    help: {class: public, may: [see, store, learn]}
    tickets: {class: confidential, may: [see, store]}
labels: {export: [gold, preferences]}
"""
NOW = time.time_ns()
DAY = 86_400 * 10**9
Run = Callable[..., tuple[int, str, str]]


def spans(*calls: dict[str, Any]) -> Rows:
    rows = [
        {
            "product": "shop",
            "workflow": "answer",
            "kind": "workflow",
            "span_id": bytes([call["id"]]) * 8,
            "start_time": NOW - 10**9,
            "input": json.dumps("May I return shoes?"),
            **{name: value for name, value in call.items() if name != "id"},
            "trace_id": bytes([call["id"]]) * 16,
            "output": json.dumps(call.get("output", "Yes, within 28 days.")),
        }
        for call in calls
    ]
    return Rows("spans", {name: [row.get(name) for row in rows] for name in TABLES["spans"].names})


def feedback(*given: tuple[int, dict[str, Any]]) -> Rows:
    rows = [
        {"product": "shop", "trace_id": bytes([trace]) * 16, "time": NOW - 10**8, **said}
        for trace, said in given
    ]
    return Rows("feedback", {name: [row.get(name) for row in rows] for name in TABLES["feedback"].names})


def read(*sources: str) -> str:
    return json.dumps([{"id": "d", "content": "text", "source": source} for source in sources])


@pytest.fixture
def fill(tmp_path: Path) -> Callable[..., Path]:
    def filling(*tables: Rows, contract: str | None = CONTRACT) -> Path:
        store = Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
        try:
            if contract is not None:
                store.registry.register_contract(product="shop", text=contract, path="")
            for place, rows in enumerate(tables):
                store.ingest([rows], batch_id=f"b{place}-{time.time_ns()}")
        finally:
            store.close()
        return tmp_path / "data"

    return filling


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(tmp_path / "data")])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def export(run: Run, tmp_path: Path, *more: str) -> tuple[list[dict[str, Any]], str]:
    out = tmp_path / "pairs.jsonl"
    code, printed, errors = run(
        "export", "preferences", "--product", "shop", "--by", "ana", "--out", str(out), *more
    )
    assert code == 0, errors
    return [json.loads(line) for line in out.read_text().splitlines()], printed.replace(str(out), "OUT")


def test_corrections_and_ratings_become_pairs_and_the_rest_says_why_not(
    fill: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Where is it?"}]},
    ]
    called = [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "get_order"}}]}]
    fill(
        spans(
            {"id": 1, "input": json.dumps(chat), "output": [{"role": "assistant", "content": "Gone."}]},
            {"id": 2, "output": "Never."},
            {"id": 3},
            {"id": 4, "output": "Perhaps."},  # one likes it, one does not
            {"id": 5, "input": json.dumps("Alone?"), "output": "Alone."},
            {"id": 6, "output": "Read a ticket.", "context": read("help", "tickets")},
            {"id": 7, "output": "Old.", "start_time": NOW - 40 * DAY},
            {"id": 8, "output": called},
            {"id": 9, "simulated": True},
            {"id": 10, "cohort": "evaluation"},
            {"id": 11, "context": read("help")},
        ),
        feedback(
            (1, {"rating": -1.0, "correction": " On its way. "}),
            (2, {"rating": -1.0}),
            (3, {"rating": 1.0}),
            (4, {"rating": 1.0}),
            (4, {"rating": -1.0}),
            (5, {"rating": -1.0}),
            (6, {"correction": "28 days."}),
            (7, {"correction": "New."}),
            (8, {"correction": "x"}),
            (9, {"correction": "x"}),
            (10, {"correction": "x"}),
            (11, {"correction": "Yes, within 28 days."}),
            (99, {"correction": "of no call"}),
            (3, {"comment": "neither rated nor corrected"}),
        ),
    )
    rows, printed = export(run, tmp_path)
    assert rows == [
        {
            "prompt": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Where is it?"},
            ],
            "chosen": [{"role": "assistant", "content": "On its way."}],
            "rejected": [{"role": "assistant", "content": "Gone."}],
        },
        {
            "prompt": [{"role": "user", "content": "May I return shoes?"}],
            "chosen": [{"role": "assistant", "content": "Yes, within 28 days."}],
            "rejected": [{"role": "assistant", "content": "Never."}],
        },
    ]
    assert printed.splitlines() == [
        "2 preferences in OUT: 1 by correction, 1 by rating",
        "left out: 2, since it comes from no real user",
        "left out: 2, since its call is not there or is past its retention",
        "left out: 1, since its question or its answer is not in words alone",
        "left out: 1, since rated, with no other answer to the same question that was rated otherwise",
        "left out: 1, since what was corrected is what was said",
        "left out: 1 trace that read tickets, which may not be learned from",
    ]


def test_each_shape_is_what_its_reader_expects(fill: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    fill(spans({"id": 1, "output": "No."}), feedback((1, {"correction": "Yes.\nGladly ✓"})))
    (plain,), _ = export(run, tmp_path, "--shape", "text")
    assert plain == {"prompt": "May I return shoes?", "chosen": "Yes.\nGladly ✓", "rejected": "No."}
    (tuning,), _ = export(run, tmp_path, "--shape", "openai")
    assert tuning["input"]["messages"] == [{"role": "user", "content": "May I return shoes?"}]
    assert tuning["preferred_output"] == [{"role": "assistant", "content": "Yes.\nGladly ✓"}]
    assert tuning["non_preferred_output"][0]["content"] == "No."
    export(run, tmp_path)
    read_back = load_dataset(
        "json", data_files=str(tmp_path / "pairs.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert read_back[0]["chosen"][0]["content"] == "Yes.\nGladly ✓"
    assert set(read_back.column_names) == {"prompt", "chosen", "rejected"}


def test_an_export_is_on_record_and_proves_the_claim_about_it(
    fill: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    data = fill(spans({"id": 1, "output": "No."}), feedback((1, {"correction": "Yes."})))
    export(run, tmp_path)
    workspace = LocalWorkspace.open(data)
    try:
        (entry,) = [each for each in workspace.ledger_entries(product="shop") if each.kind == "export"]
        told = json.loads(entry.body)
        assert (told["what"], told["by"], told["pairs"], len(told["sha256"])) == ("preferences", "ana", 1, 64)
        assert "Yes." not in entry.body
        assert workspace.audit(product="shop") == []
        (piece,) = workspace.evidence("shop")
        assert (piece.claim, piece.value, piece.n) == ("shop/labels/export", 0.0, 1)
    finally:
        workspace.close()


def test_a_contract_that_does_not_say_so_lets_nothing_leave_and_the_attempt_is_on_record(
    fill: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    silent = CONTRACT.replace("labels: {export: [gold, preferences]}\n", "labels: {export: [gold]}\n")
    data = fill(spans({"id": 1}), feedback((1, {"correction": "Yes."})), contract=silent)
    out = tmp_path / "pairs.jsonl"
    code, _, errors = run("export", "preferences", "--product", "shop", "--by", "ana", "--out", str(out))
    assert code == 64
    assert "labels/export says [gold]" in errors
    assert not out.exists()
    workspace = LocalWorkspace.open(data)
    try:
        (entry,) = [each for each in workspace.ledger_entries(product="shop") if each.kind == "export"]
        assert "does not let preferences be exported" in json.loads(entry.body)["refused"]
    finally:
        workspace.close()


def test_without_a_contract_or_a_product_nothing_leaves(
    fill: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    fill(spans({"id": 1}), feedback((1, {"correction": "Yes."})), contract=None)
    out = str(tmp_path / "pairs.jsonl")
    code, _, errors = run("export", "preferences", "--product", "shop", "--out", out)
    assert (code, "nothing says what may be learnt" in errors) == (64, True)
    assert run("export", "preferences", "--out", out)[0] == 64
    assert (
        run("export", "preferences", "--product", "shop", "--out", str(tmp_path / "no" / "x.jsonl"))[0] == 64
    )
    assert not Path(out).exists()


def test_who_was_erased_is_in_no_export(fill: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    someone = "u_0000000000000000000000aa"
    fill(
        spans({"id": 1, "output": "No.", "user_id": someone}, {"id": 2, "output": "Nay."}),
        feedback((1, {"correction": "Yes.", "user_id": someone}), (2, {"correction": "Aye."})),
    )
    assert len(export(run, tmp_path)[0]) == 2
    assert run("erase", "--product", "shop", "--by", "officer", "--user", someone)[0] == 0
    rows, _ = export(run, tmp_path)
    assert [row["chosen"][0]["content"] for row in rows] == ["Aye."]


def test_another_workflows_preferences_stay(fill: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    fill(
        spans({"id": 1, "output": "No."}, {"id": 2, "output": "No.", "workflow": "refund"}),
        feedback((1, {"correction": "Yes."}), (2, {"correction": "Aye."})),
    )
    rows, printed = export(run, tmp_path, "--workflow", "refund")
    assert [row["chosen"][0]["content"] for row in rows] == ["Aye."]
    assert "left out" not in printed
