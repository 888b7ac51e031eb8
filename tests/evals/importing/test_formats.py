"""Result files of other tools: what they say of each item is read, and what they conclude is not believed."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from launchworthy.errors import InputError
from launchworthy.evals.importing import ALL, FORMATS, Results, read_results

FILES = (
    Path(__file__).parent / "files"
)  # written by promptfoo, DeepEval and inspect_ai; garak's after its source


def values(results: Results, metric: str) -> dict[str, float | None]:
    return {item.item_id: item.scores[metric].value for item in results.items if metric in item.scores}


def zipped(path: Path, members: Mapping[str, bytes], *, method: int = 93, size: int | None = None) -> Path:
    """A zip as inspect writes it: members in Zstandard, which Python's own zipfile cannot write yet."""
    body, central = b"", b""
    for name, text in members.items():
        packed = pa.compress(text, codec="zstd", asbytes=True) if method == 93 else text
        fields = (method, 0, 0, zlib.crc32(text), len(packed), size or len(text), len(name), 0)
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 63, 63, 0, *fields, 0, 0, 0, 0, len(body))
        central += name.encode()
        body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 63, 0, *fields) + name.encode() + packed
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(members), len(members), len(central), len(body), 0)
    path.write_bytes(body + central + end)
    return path


def eval_members() -> dict[str, bytes]:
    log = json.loads((FILES / "inspect.json").read_text())
    samples = log.pop("samples")
    members = {
        f"samples/{sample['id']}_epoch_{sample['epoch']}.json": json.dumps(sample).encode()
        for sample in samples
    }
    return {"_journal/start.json": b"{}", **members, "header.json": json.dumps(log).encode()}


# promptfoo


def test_promptfoo_rows_that_read_success_with_every_assertion_failed_are_failed() -> None:
    written = json.loads((FILES / "promptfoo.json").read_text())
    (false_pass,) = [
        row
        for row in written["results"]["results"]
        if row["success"] and not any(part["pass"] for part in row["gradingResult"]["componentResults"])
    ]
    results = read_results(FILES / "promptfoo.json", target="shop")
    assert values(results, ALL)[f"test-{false_pass['testIdx'] + 1}"] == 0.0
    assert results.remarks == ("1 rows say success although an assertion failed: the assertions count",)
    assert results.tool.startswith("promptfoo 0.")
    assert results.finished_at is not None


def test_promptfoo_metrics_are_the_assertions_by_name_with_their_grades_beside_them() -> None:
    results = read_results(FILES / "promptfoo.json", target="shop")
    assert values(results, "right") == {"test-1": 1.0, "test-2": 0.0, "test-3": 1.0}
    assert values(results, "short") == {"test-1": 1.0, "test-3": None}, "test-2 has no such assertion"
    assert "threw error" in str(results.items[2].scores["short"].error), "code that threw judged nothing"
    assert values(results, ALL) == {"test-1": 1.0, "test-2": 0.0, "test-3": None}
    first = results.items[0]
    assert (first.input, first.output) == ({"question": "within 30 days"}, "within 30 days")
    assert first.slices == ("returns",)
    assert first.latency_ms == 11.0


def test_promptfoo_providers_are_read_one_at_a_time_and_calls_that_failed_stay_errors() -> None:
    with pytest.raises(InputError, match="2 targets") as told:
        read_results(FILES / "promptfoo.json")
    assert told.value.hint.endswith("down, shop")
    down = read_results(FILES / "promptfoo.json", target="down")
    assert [item.error for item in down.items] == ["no route"] * 3
    assert all(not item.scores for item in down.items), "neither failed nor passed"
    with pytest.raises(InputError, match="no target 'shopp'"):
        read_results(FILES / "promptfoo.json", target="shopp")


def test_promptfoo_thresholds_of_a_test_watched_assertions_and_no_assertions_are_as_promptfoo_means_them(
    tmp_path: Path,
) -> None:
    def row(number: int, parts: list[tuple[bool, float | None]], **more: Any) -> dict[str, Any]:
        components = [
            {"pass": ok, "score": float(ok), "reason": "", "assertion": {"type": "x", "weight": weight}}
            for ok, weight in parts
        ]
        grading = {"pass": True, "score": 1, "reason": "", "componentResults": components}
        return {"testIdx": number, "provider": "p", "response": {}, "gradingResult": grading, **more}

    file = tmp_path / "r.json"
    rows = [
        row(0, [(True, None), (False, 0)]),
        row(1, [(True, None), (False, None)], score=0.5, testCase={"threshold": 0.5}),
        row(2, []),
        row(3, [(True, None)], testCase={"metadata": {"id": "own-id"}}),
    ]
    file.write_text(json.dumps({"version": 3, "results": rows, "stats": {}}))
    assert values(read_results(file), ALL) == {"test-1": 1.0, "test-2": 1.0, "test-3": None, "own-id": 1.0}


def component(ok: bool, kind: str, *, score: float | None = None, **more: Any) -> dict[str, Any]:
    told = {"pass": ok, "score": float(ok) if score is None else score, "reason": ""}
    return {**told, "assertion": {"type": kind}, **more}


def promptfoo_file(path: Path, *rows: Mapping[str, Any]) -> Path:
    whole = [{"provider": "p", "response": {}, "testIdx": number, **row} for number, row in enumerate(rows)]
    path.write_text(json.dumps({"version": 3, "results": whole, "stats": {}}))
    return path


def graded(*components: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"gradingResult": {"pass": True, "score": 1, "reason": "", "componentResults": components}, **more}


def test_promptfoo_repeats_have_numbers_of_their_own_and_share_a_cluster_all_the_same(tmp_path: Path) -> None:
    rows = [
        graded(component(True, "equals"), vars={"n": n, "sessionId": f"s{at}"}, prompt={"raw": f"Q {n}"})
        for at, n in enumerate([1, 1, 2, 2, 3])
    ]
    items = read_results(promptfoo_file(tmp_path / "r.json", *rows)).items
    assert [item.item_id for item in items] == ["test-1", "test-2", "test-3", "test-4", "test-5"]
    assert [item.cluster for item in items] == ["test-1", "test-1", "test-3", "test-3", None]


def test_promptfoo_sets_decide_by_their_own_threshold_and_their_parts_stand_beside_them(
    tmp_path: Path,
) -> None:
    parts = [component(True, "contains"), component(False, "equals")]
    whole = {"pass": True, "score": 0.5, "reason": "", "componentResults": parts}
    whole["metadata"] = {"assertionSet": {"type": "assert-set", "metric": "either", "threshold": 0.5}}
    code = component(True, "javascript")
    code["componentResults"] = [{"pass": False, "score": 0, "reason": "a detail"}]
    detail = {**code["componentResults"][0], "assertion": code["assertion"]}
    file = promptfoo_file(
        tmp_path / "r.json",
        graded(whole, *parts, code, detail, component(True, "is-json"), success=True),
        graded({**whole, "pass": False}, *parts, success=False),
    )
    results = read_results(file)
    assert values(results, ALL) == {"test-1": 1.0, "test-2": 0.0}
    assert values(results, "either") == {"test-1": 1.0, "test-2": 0.0}
    assert values(results, "equals") == {"test-1": 0.0, "test-2": 0.0}
    assert values(results, "javascript") == {"test-1": 1.0}
    assert results.remarks == ()


def test_promptfoo_checks_that_were_never_judged_are_neither_right_nor_wrong(tmp_path: Path) -> None:
    down = component(False, "llm-rubric", metadata={"graderError": True})
    threw = component(False, "python") | {"reason": "Python code execution failed: name 'x'"}
    right = component(True, "equals")
    file = promptfoo_file(
        tmp_path / "r.json",
        graded(right, down),
        graded(right, threw),
        graded(component(False, "equals"), down),
        graded(right, down, score=0.5, testCase={"threshold": 0.5}),
        graded(right, down, score=0.5, testCase={"threshold": 0.6}),
    )
    results = read_results(file)
    assert list(values(results, ALL).values()) == [None, None, 0.0, 1.0, None], "a failed one decides"
    assert set(values(results, "llm-rubric").values()) == {None}
    assert "llm-rubric.score" not in results.metrics


def test_promptfoo_checks_of_weight_0_always_pass_there_and_are_read_by_their_score(tmp_path: Path) -> None:
    def watched(score: float) -> dict[str, Any]:
        return component(True, "contains", score=score) | {"assertion": {"type": "contains", "weight": 0}}

    rows = [graded(component(True, "equals"), watched(score)) for score in (0.0, 1.0, 0.5)]
    results = read_results(promptfoo_file(tmp_path / "r.json", *rows))
    assert list(values(results, "contains").values()) == [0.0, 1.0, None]
    assert set(values(results, ALL).values()) == {1.0}


# DeepEval


def test_deepeval_a_metric_that_raised_could_not_score_although_it_reads_success_false() -> None:
    results = read_results(FILES / "deepeval.json")
    assert values(results, "Right answer") == {"test_case_0": 1.0, "test_case_1": 0.0, "test_case_2": None}
    assert results.items[2].scores["Right answer"].error == "RuntimeError: judge down"
    assert values(results, ALL) == values(results, "Right answer")
    assert values(results, "Right answer.score") == {
        "test_case_0": 1.0,
        "test_case_1": 0.0,
        "test_case_2": None,
    }
    first = results.items[0]
    assert (first.input, first.output, first.expected) == ("How long?", "30 days", "30 days")
    assert (first.latency_ms, first.cost_usd, first.slices) == (500.0, 0.001, ("returns",))


def test_deepeval_a_score_of_nan_could_not_score_although_it_reads_success_false(tmp_path: Path) -> None:
    metric = {"name": "Graded", "success": False, "score": float("nan")}
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"testCases": [{"name": "a", "metricsData": [metric]}]}))
    results = read_results(file)
    assert values(results, "Graded") == values(results, "Graded.score") == values(results, ALL) == {"a": None}


def test_deepeval_files_that_wrap_the_run_conversations_and_flaky_metrics_are_read(tmp_path: Path) -> None:
    def metric(name: str, ok: bool, **more: Any) -> dict[str, Any]:
        return {"name": name, "success": ok, "score": float(ok), **more}

    talk = {"name": "talk", "turns": [{"role": "user", "content": "hi", "order": 0}], "success": True}
    talk["metricsData"] = [metric("Kept", True), metric("Moody", False, flaky=True)]
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"testRunData": {"testCases": [], "conversationalTestCases": [talk, talk]}}))
    results = read_results(file)
    assert values(results, ALL) == {"talk#1": 1.0, "talk#2": 1.0}, "a flaky metric decides nothing"
    assert all(item.cluster is None for item in results.items), "two cases of one name are two questions"


# inspect_ai


def test_inspect_grades_become_numbers_nan_is_unscored_and_a_sample_with_an_error_is_one() -> None:
    results = read_results(FILES / "inspect.json")
    assert values(results, "includes") == {"q1": 1.0, "q2": 0.0, "q3": 1.0, "q5": 1.0}
    assert values(results, "length") == {"q1": 0.7, "q2": 0.7, "q3": None, "q5": 0.3}
    errors = {item.item_id: item.error for item in results.items if item.error}
    assert errors == {"q4": "RuntimeError('target down')"}
    assert results.target == "mockllm/model"
    assert results.items[0].output == "30 days"
    assert results.items[0].slices == ("returns",)


@pytest.mark.parametrize("method", [93, 0])
def test_inspect_eval_files_say_the_same_as_the_json_log(tmp_path: Path, method: int) -> None:
    packed = read_results(zipped(tmp_path / "log.eval", eval_members(), method=method))
    assert packed == read_results(FILES / "inspect.json")


def test_inspect_epochs_are_repeats_of_one_question_and_share_a_cluster(tmp_path: Path) -> None:
    log = json.loads((FILES / "inspect.json").read_text())
    again = [{**sample, "epoch": 2} for sample in log["samples"]]
    log["samples"] += again
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log))
    results = read_results(file)
    assert {item.item_id: item.cluster for item in results.items if item.item_id.startswith("q1")} == {
        "q1#1": "q1",
        "q1#2": "q1",
    }


def test_inspect_scores_of_several_parts_words_and_texts_are_told_apart(tmp_path: Path) -> None:
    log = json.loads((FILES / "inspect.json").read_text())
    values_ = {"a": {"value": {"tone": "P", "fact": 1}}, "b": {"value": "yes"}, "c": {"value": "rather"}}
    log["samples"] = [{"id": 7, "epoch": 1, "scores": {**values_, "d": {"value": "0.25"}}}]
    log["status"] = "error"
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log))
    results = read_results(file)
    (item,) = results.items
    assert item.item_id == "7"
    assert {name: score.value for name, score in item.scores.items()} == {
        "a.tone": 0.5,
        "a.fact": 1.0,
        "b": 1.0,
        "c": None,
        "d": 0.25,
    }
    assert results.remarks == ("the log's status is 'error': only what it holds is read",)


def test_inspect_logs_that_are_unfinished_damaged_empty_or_bombs_are_refused(tmp_path: Path) -> None:
    members = eval_members()
    started = {name: text for name, text in members.items() if name != "header.json"}
    with pytest.raises(InputError, match="never finished") as told:
        read_results(zipped(tmp_path / "a.eval", started))
    assert "inspect log recover" in told.value.hint
    with pytest.raises(InputError, match=r"no header\.json"):
        read_results(zipped(tmp_path / "b.eval", {"word/document.xml": b"<x/>"}))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_results(zipped(tmp_path / "c.eval", members, size=0xF0000000))
    whole = zipped(tmp_path / "d.eval", members).read_bytes()
    for cut in (4, 60, len(whole) // 2, len(whole) - 5):
        (tmp_path / "e.eval").write_bytes(whole[:cut])
        with pytest.raises(InputError, match="cannot be read"):
            read_results(tmp_path / "e.eval")
    garbled = bytearray(whole)
    garbled[120:200] = b"\xff" * 80
    (tmp_path / "f.eval").write_bytes(bytes(garbled))
    with pytest.raises(InputError):
        read_results(tmp_path / "f.eval")
    log = json.loads((FILES / "inspect.json").read_text())
    del log["samples"]
    (tmp_path / "g.json").write_text(json.dumps(log))
    with pytest.raises(InputError, match="holds no samples"):
        read_results(tmp_path / "g.json")


# MLflow


def test_mlflow_frames_as_mlflow_makes_them_are_read_in_each_orientation_and_as_csv(tmp_path: Path) -> None:
    import pandas as pd  # type: ignore[import-untyped]
    from mlflow.entities import Feedback
    from mlflow.genai.evaluation.entities import EvalItem, EvalResult

    def row(number: int, value: Any, error: Exception | None = None) -> Any:
        item = EvalItem(
            request_id=f"tr-{number}",
            inputs={"q": number},
            outputs="a",
            expectations={"e": 1},
            trace=None,
            tags={},
        )
        mine = Feedback(name="polite", value=None if error else value, error=error)
        return EvalResult(
            eval_item=item, assessments=[mine, Feedback(name="grade", value=number / 4)]
        ).to_pd_series()

    frame = pd.DataFrame(
        [row(1, "yes"), row(2, "no"), row(3, True), row(4, None, RuntimeError("judge down"))]
    )
    wanted = {"tr-1": 1.0, "tr-2": 0.0, "tr-3": 1.0, "tr-4": None}
    for orient in ("split", "records", "columns", "index"):
        file = tmp_path / f"{orient}.json"
        frame.to_json(file, orient=orient)
        results = read_results(file)
        assert values(results, "polite") == wanted, orient
        assert values(results, "grade") == {f"tr-{number}": number / 4 for number in range(1, 5)}
        assert "judge down" in str(results.items[3].scores["polite"].error)
        assert ALL not in results.metrics, "a grade is no yes or no"
    frame.to_csv(tmp_path / "frame.csv", index=False)
    assert values(read_results(tmp_path / "frame.csv"), "polite") == wanted


def test_mlflow_tables_of_the_older_evaluate_and_empty_cells_are_read(tmp_path: Path) -> None:
    file = tmp_path / "eval_results_table.json"
    columns = ["inputs", "outputs", "exact_match/v1/score", "toxicity/v1/score"]
    file.write_text(
        json.dumps({"columns": columns, "data": [["q1", "a", True, 0.25], ["q2", "b", False, None]]})
    )
    results = read_results(file)
    assert values(results, "exact_match/v1") == {"row-1": 1.0, "row-2": 0.0}
    assert values(results, "toxicity/v1") == {"row-1": 0.25}, "an empty cell is not 0"


def test_mlflow_expectations_are_no_metrics_and_calls_that_failed_are_no_wrong_answers(
    tmp_path: Path,
) -> None:
    import pandas as pd

    def row(number: int, exact: bool, state: str = "OK") -> dict[str, Any]:
        assessments = [
            {"assessment_name": "exact", "feedback": {"value": exact}},
            {"assessment_name": "refuse", "expectation": {"value": False}},
        ]
        told = {"trace_id": f"tr-{number}", "state": state, "assessments": assessments}
        return {**told, "exact/value": exact, "refuse/value": False}

    frame = pd.DataFrame([row(1, True), row(2, False), row(3, False, "ERROR")])
    frame.to_json(tmp_path / "frame.json", orient="split")
    frame.to_csv(tmp_path / "frame.csv", index=False)
    for name in ("frame.json", "frame.csv"):
        results = read_results(tmp_path / name)
        assert values(results, ALL) == {"tr-1": 1.0, "tr-2": 0.0}, name
        assert results.metrics == (ALL, "exact"), name
        assert [item.error for item in results.items] == [None, None, "the call failed (state ERROR)"]


def test_mlflow_a_row_far_down_that_is_none_is_told_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"id": 1, "ok/value": True}, 7]))
    with pytest.raises(InputError, match="an object was expected, not 7") as told:
        read_results(file)
    assert str(told.value.where).endswith("row 2")


# garak


def test_garak_outputs_are_items_that_resisted_or_not_by_its_threshold() -> None:
    results = read_results(FILES / "garak.report.jsonl")
    told = values(results, "dan.DAN")
    assert sorted(told.values(), key=str) == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, None]
    reported = json.loads((FILES / "garak.report.jsonl").read_text().splitlines()[-2])
    assert sum(value == 1.0 for value in told.values()) == reported["passed"], "as garak counts"
    assert sum(value == 0.0 for value in told.values()) == reported["fails"]
    lost = [item for item in results.items if item.error]
    assert [item.error for item in lost] == ["no output"]
    assert results.items[0].slices == ("dan.Dan_11_0",)
    assert results.items[0].input == "attack 0"
    assert results.items[0].cluster == results.items[1].cluster, "outputs of one attempt"
    assert results.items[0].cluster != results.items[2].cluster
    assert results.remarks == ("1 attempts were never evaluated and are left out",)
    assert (results.tool, results.target) == ("garak 0.13.1", "shop")
    assert results.finished_at is not None
    assert results.finished_at.isoformat() == "2026-11-20T08:05:00+00:00"


def test_garak_threshold_of_the_run_counts(tmp_path: Path) -> None:
    text = (
        (FILES / "garak.report.jsonl")
        .read_text()
        .replace('"run.eval_threshold": 0.5', '"run.eval_threshold": 0.3')
    )
    file = tmp_path / "g.report.jsonl"
    file.write_text(text)
    assert sum(value == 0.0 for value in values(read_results(file), "dan.DAN").values()) == 2


# any file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"{", "not JSON"),
        (b"[" * 200_000, "nested too deeply|not JSON"),
        (b"{}", "results of none of"),
        (b"[]", "results of none of"),
        (b"[1, 2]", "results of none of"),
        (b'{"evalId": "e", "results": {"results": []}}', "holds no results"),
        (b'{"evalId": "e", "results": {"results": [7]}}', "an object was expected"),
        (b'{"evalId": "e", "results": {"results": "x"}}', "a list was expected"),
        (b'{"testCases": []}', "holds no results"),
        (b'{"testCases": [3]}', "an object was expected"),
        (b'{"testCases": [{"name": "a", "metricsData": 3}]}', "a list was expected"),
        (b'{"eval": {"task": "t"}, "status": "success", "samples": [[]]}', "an object was expected"),
        (b'{"columns": ["a/value", "b"], "data": [[1]]}', "the 2 values of the header"),
        (b'{"entry_type": "attempt", "status": 2, "outputs": 3}', "a list was expected"),
        (b'{"entry_type": "init"}\n{broken', "not JSON|JSON"),
        (b'"\\ud800"', "UTF-8"),
    ],
)
def test_a_broken_or_foreign_file_is_told_with_its_place(tmp_path: Path, text: bytes, message: str) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(text)
    with pytest.raises(InputError, match=message) as told:
        read_results(file)
    assert str(file) in told.value.where


def test_a_csv_file_with_a_short_row_or_without_metrics_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("id,polite/value\nq1,yes\nq2\n")
    with pytest.raises(InputError, match="the 2 values of the header") as told:
        read_results(file)
    assert told.value.where.endswith("r.csv:3")
    file.write_text("id,polite\nq1,yes\n")
    with pytest.raises(InputError, match="no column NAME/value"):
        read_results(file)


def test_a_file_read_as_another_tools_is_refused_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_results(FILES / "deepeval.json", form="promptfoo")
    with pytest.raises(InputError, match="a zip archive, not what mlflow writes"):
        read_results(zipped(tmp_path / "log.eval", eval_members()), form="mlflow")
    with pytest.raises(InputError, match="cannot be read"):
        read_results(tmp_path / "none.json")
    own = {"promptfoo.json": "promptfoo", "deepeval.json": "deepeval", "inspect.json": "inspect"}
    for name, form in (
        own | {"garak.report.jsonl": "garak", "pyrit.jsonl": "pyrit", "pyrit.scenario.json": "pyrit"}
    ).items():
        assert form in FORMATS
        target = "shop" if form == "promptfoo" else None
        assert read_results(FILES / name, form=form, target=target) == read_results(
            FILES / name, target=target
        )
