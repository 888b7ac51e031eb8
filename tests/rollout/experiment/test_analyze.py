"""``launchworthy experiment analyze``: conclusions, whichever way the numbers come, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from launchworthy.cli.main import main
from launchworthy.errors import InputError
from launchworthy.rollout.experiment import analyse, gather_document, plain_reading

COOKIE_CATS = {
    "experiment": "gate-40",
    "metric": "retention_7",
    "arms": {"gate_30": {"n": 44_700, "sum": 8_502}, "gate_40": {"n": 45_489, "sum": 8_279}},
}


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["experiment", "analyze", *arguments])
    printed = capsys.readouterr()
    code = stopped.value.code
    return int(code or 0), printed.out, printed.err


def _json(folder: Path, value: Any, name: str = "sums.json") -> str:
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def _rows(folder: Path, **columns: Any) -> str:
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return str(path)


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    _, out, err = _run(capsys, *arguments, "--json")
    assert not err, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def _metric(answer: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = answer["comparisons"][0]["metrics"][name]
    return found


def _sums(values: np.ndarray) -> dict[str, float]:
    return {"n": values.size, "sum": float(values.sum()), "sum_squares": float((values**2).sum())}


def test_cookie_cats_is_not_read_before_somebody_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Published: 44,700 and 45,489 users, p = 0.0086, and retention after seven days 0.82 points lower."""
    file = _json(tmp_path, COOKIE_CATS)
    code, out, _ = _run(capsys, "--input", file)
    assert code == 2
    assert "p = 0.00861" in out
    assert "retention_7" not in out
    answer = _answer(capsys, "--input", file)
    assert answer["conclusion"] == "stopped_by_srm"
    assert answer["comparisons"] == []
    code, out, _ = _run(capsys, "--input", file, "--despite-mismatch", "old clients crash in both arms")
    assert code == 1
    assert "old clients crash in both arms" in out
    assert "−0.82 points" in out
    found = _metric(_answer(capsys, "--input", file, "--despite-mismatch", "known"), "retention_7")
    assert found["p_value"] == pytest.approx(0.00155, abs=5e-5)


def test_the_interval_by_itself_is_welchs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    old, new = rng.gamma(2.0, 1.0, 900), rng.gamma(2.2, 1.0, 950)
    file = _json(tmp_path, {"arms": {"control": _sums(old), "candidate": _sums(new)}})
    found = _metric(_answer(capsys, "--input", file), "metric")
    theirs = sps.ttest_ind(new, old, equal_var=False)
    ends = theirs.confidence_interval()
    assert found["value"] == pytest.approx(new.mean() - old.mean(), rel=1e-12)
    assert [found["low"], found["high"]] == pytest.approx([ends.low, ends.high], rel=1e-9)
    assert found["p_value"] == pytest.approx(theirs.pvalue, rel=1e-8)


def _product() -> dict[str, Any]:
    """An experiment of which half of the users are in."""
    return {
        "experiment": "answer-v2",
        "users": 4_000,
        "looks": [0.25, 0.5, 1],
        "metrics": {
            "resolved": {
                "role": "goal",
                "arms": {"control": {"n": 1_000, "sum": 500}, "candidate": {"n": 1_010, "sum": 590}},
            },
            "unsafe": {
                "role": "harm",
                "higher_is_better": False,
                "margin": "2 %",
                "arms": {"control": {"n": 1_000, "sum": 3}, "candidate": {"n": 1_010, "sum": 4}},
            },
        },
    }


def test_a_goal_that_clears_its_bound_with_harms_in_their_margins_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _json(tmp_path, _product())
    code, out, _ = _run(capsys, "--input", file)
    assert code == 0
    assert out.startswith("answer-v2: ship: resolved 8.42 points")
    answer = _answer(capsys, "--input", file)
    goal = _metric(answer, "resolved")
    assert answer["look"]["bounds"][-1] == pytest.approx(2.963, abs=0.01)  # at half of O'Brien and Fleming
    half = goal["value"] - goal["low"]
    assert goal["value"] - goal["at_look"]["low"] == pytest.approx(
        half * answer["look"]["bounds"][-1] / 1.96, rel=0.01
    )
    assert _metric(answer, "unsafe")["method"] == "Newcombe"


def test_the_same_goal_is_not_shipped_while_a_harm_is_open_or_too_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = _product()
    narrow["metrics"]["unsafe"]["margin"] = "0.5 %"
    answer = _answer(capsys, "--input", _json(tmp_path, narrow))
    assert answer["conclusion"] == "go_on"
    assert "unsafe" in answer["reason"]
    early = _product() | {"users": 40_000, "looks": [0.05, 1]}
    answer = _answer(capsys, "--input", _json(tmp_path, early))
    assert answer["conclusion"] == "go_on"
    assert answer["look"]["bounds"] == [None], "so early a look has no error to spend"
    assert _metric(answer, "resolved")["at_look"]["low"] is None


def test_a_proven_harm_comes_before_every_goal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = _product()
    bad["metrics"]["unsafe"]["arms"]["candidate"]["sum"] = 120
    code, out, _ = _run(capsys, "--input", _json(tmp_path, bad))
    assert code == 1
    assert "harm is shown" in out
    assert "unsafe" in out.splitlines()[0]


def test_harms_share_the_error_and_goals_are_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = {"control": {"n": 2_000, "sum": 1_000}, "candidate": {"n": 2_000, "sum": 1_070}}  # p = 0.027
    alone = {"metrics": {"first": {"arms": arms}}}
    assert _answer(capsys, "--input", _json(tmp_path, alone))["conclusion"] == "ship"
    flat = {"control": {"n": 2_000, "sum": 1_000}, "candidate": {"n": 2_000, "sum": 1_000}}
    many = {"metrics": {"first": {"arms": arms}} | {f"g{i}": {"arms": flat} for i in range(5)}}
    answer = _answer(capsys, "--input", _json(tmp_path, many))
    assert answer["conclusion"] == "underpowered"
    assert _metric(answer, "first")["shown_better"] is False
    harms = {f"h{i}": {"role": "harm", "margin": 0.1, "arms": flat} for i in range(4)}
    answer = _answer(capsys, "--input", _json(tmp_path, {"metrics": harms}))
    assert answer["conclusion"] == "no_harm"
    assert _metric(answer, "h0")["always_valid"]["confidence"] == pytest.approx(0.9875)


def test_benjamini_and_hochberg_find_more_than_holm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def arms(more: int) -> dict[str, Any]:
        return {"control": {"n": 2_000, "sum": 1_000}, "candidate": {"n": 2_000, "sum": 1_000 + more}}

    document = {"metrics": {f"g{at}": {"arms": arms(more)} for at, more in enumerate((75, 72, 71, 0))}}
    plan = _json(tmp_path, {"correction": "benjamini-hochberg"}, "plan.json")
    file = _json(tmp_path, document)
    found = {
        name: [_metric(_answer(capsys, "--input", file, *more), f"g{at}")["shown_better"] for at in range(4)]
        for name, more in (("holm", ()), ("bh", ("--plan", plan)))
    }
    assert found["holm"] == [False] * 4
    assert found["bh"] == [True, True, True, False]


def test_no_effect_and_too_few_users_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(n: int) -> dict[str, Any]:
        arms = {"control": {"n": n, "sum": n // 2}, "candidate": {"n": n, "sum": n // 2}}
        return {"metrics": {"resolved": {"detect": "3 %", "arms": arms}}}

    few = _answer(capsys, "--input", _json(tmp_path, asked(500)))
    assert few["conclusion"] == "underpowered"
    assert _metric(few, "resolved")["users_needed"] == pytest.approx(8_720, rel=0.01)
    assert "8,7" in few["reason"]
    assert _answer(capsys, "--input", _json(tmp_path, asked(8_000)))["conclusion"] == "no_effect"


@pytest.mark.parametrize(
    "document",
    [
        {"arms": {"control": {"n": 100, "sum": 50}, "b": {"n": 100, "sum": 60}}},
        {"control": {"n": 100, "sum": 50}, "b": {"n": 100, "sum": 60}},
        {"arms": [{"name": "control", "n": 100, "sum": 50}, {"arm": "b", "users": 100, "main_sum": 60}]},
        {"metrics": {"metric": {"control": {"n": 100, "sum": 50}, "b": {"count": 100, "sum": 60}}}},
        {"metrics": [{"name": "metric", "arms": [{"id": "control", "n": 100, "sum": 50}, {"id": "b", "n": 100, "sum": 60}]}]},  # noqa: E501
        {"arms": {"control": {"n": 100, "metrics": {"metric": {"sum": 50}}}, "b": {"n": 100, "metrics": {"metric": {"sum": 60}}}}},  # noqa: E501
    ],
)  # fmt: skip
def test_sums_are_read_whichever_way_they_are_laid_out(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _answer(capsys, "--input", _json(tmp_path, document))
    assert answer["baseline"] == "control"
    assert _metric(answer, "metric")["value"] == pytest.approx(0.1)


def test_shares_of_the_document_are_those_that_were_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = {"control": {"n": 900, "sum": 450, "share": 0.9}, "b": {"n": 100, "sum": 50, "share": 0.1}}
    assert _answer(capsys, "--input", _json(tmp_path, {"arms": arms}))["sample_ratio"]["p_value"] == 1.0


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "no arms"),
        ({"arms": {"a": {"n": 10, "sum": 5}}}, "two arms"),
        ({"arms": {"a": {"n": 10}, "b": {"n": 10, "sum": 5}}}, "sums of"),
        ({"arms": {"a": {"sum": 10}, "b": {"n": 10, "sum": 5}}}, "n is missing"),
        ({"arms": {"a": {"n": 10, "sum": 11}, "b": {"n": 10, "sum": 5}}}, "11 of 10"),
        ({"arms": {"a": {"n": "10", "sum": 1}, "b": {"n": 10, "sum": 5}}}, "not a number"),
        ({"arms": {"a": {"n": 1e400, "sum": 1}, "b": {"n": 10, "sum": 5}}}, "not finite"),
        ({"arms": {"a": {"n": 10.5, "sum": 1}, "b": {"n": 10, "sum": 5}}}, "10.5 users"),
        ({"arms": {"a": {"n": 10, "sum": 1, "sun": 2}, "b": {"n": 10, "sum": 5}}}, "'sun'"),
        ({"arms": [{"n": 10, "sum": 5}, {"n": 10, "sum": 5}]}, "no name"),
        ({"arms": [{"name": "a", "n": 1, "sum": 1}, {"name": "a", "n": 1, "sum": 1}]}, "twice"),
        ({"arms": {"a": [1], "b": [2]}}, "mapping of its sums"),
        ({"arms": {"a": {"n": 9, "sum": 1, "sum_squares": 0.01}, "b": {"n": 9, "sum": 1, "sum_squares": 1}}}, "cannot have"),  # noqa: E501
        ({"arms": {"a": {"n": 9, "sum": 1, "sum_squares": 1, "denominator_sum": 4}, "b": {"n": 9, "sum": 1}}}, "is missing"),  # noqa: E501
        ({"metrics": {"m": {"role": "gaol", "arms": {"a": {"n": 9, "sum": 1}, "b": {"n": 9, "sum": 1}}}}}, "none of goal"),  # noqa: E501
        ({"metrics": {"m": {"margn": 1, "arms": {"a": {"n": 9, "sum": 1}, "b": {"n": 9, "sum": 1}}}}}, "did you mean margin"),  # noqa: E501
        ({"baseline": "z", "arms": {"a": {"n": 9, "sum": 1}, "b": {"n": 9, "sum": 1}}}, "'z'"),
        ([1, 2], "no JSON object"),
    ],
)  # fmt: skip
def test_sums_that_cannot_be_are_refused_by_place(
    document: Any, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, "--input", _json(tmp_path, document))
    assert code == 64
    assert says in err
    assert "sums.json" in err


def test_files_that_are_nothing_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (
        ("empty", b""),
        ("noise", b"\x00\xff\x00"),
        ("twice.json", b'{"arms": 1, "arms": 2}'),
        ("deep.json", b"[" * 100_000),
        ("cut.parquet", b"PAR1\x00\x00PAR1"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        code, _, err = _run(capsys, "--input", str(path))
        assert code == 64, name
        assert name in err
        assert ("the file is empty" in err) == (not content)
    assert _run(capsys, "--input", str(tmp_path / "absent"))[0] == 64


NAMES = st.sampled_from(
    [
        "arms",
        "metrics",
        "control",
        "b",
        "n",
        "sum",
        "sum_squares",
        "denominator_sum",
        "strata",
        "share",
        "name",
    ]
)
LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, -1, 10, 0.5, 1e308, "x", "5 %", "goal", True, None, [], {}]
)
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner) | st.lists(inner, max_size=3)),
    max_size=5,
)


@settings(max_examples=150)
@given(DOCUMENTS)
def test_no_document_ends_in_anything_but_numbers_or_a_refusal(document: dict[str, Any]) -> None:
    try:
        plan, gathered = gather_document(document, where="file")
        json.dumps(plain_reading(analyse(plan, gathered, despite="tried out")), allow_nan=False)
    except InputError:
        return


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["n", "sum", "sum_squares"]), st.sampled_from([-1, 0, 1, 2.5, 1e308, 1e80])
        ),
        max_size=3,
    )
)
def test_no_number_of_an_arm_ends_in_anything_else_either(changes: list[tuple[str, float]]) -> None:
    arm: dict[str, float] = {"n": 100, "sum": 50, "sum_squares": 60} | dict(changes)
    document = {"arms": {"control": arm, "b": {"n": 100, "sum": 40, "sum_squares": 70}}}
    try:
        plan, gathered = gather_document(document, where="file")
        json.dumps(plain_reading(analyse(plan, gathered, despite="tried out")), allow_nan=False)
    except InputError:
        return


# --- rows ---


def _users(n: int, seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(n) < 0.5, "control", "candidate")
    before = rng.gamma(2.0, 1.0, n)
    lift = np.where(arm == "candidate", 0.2, 0.0)
    return {
        "user": np.arange(n),
        "arm": arm,
        "spend": before + rng.gamma(2.0, 0.5, n) + lift,
        "spend_before": before,
        "resolved": rng.random(n) < 0.5 + 0.3 * lift,
        "calls": rng.poisson(3.0, n) + 1.0,
    }


def test_rows_give_what_their_sums_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = _users(3_000)
    file = _rows(tmp_path, **columns)
    answer = _answer(capsys, "--input", file)
    document = {
        "metrics": {
            "spend": {
                "arms": {
                    arm: _sums(columns["spend"][columns["arm"] == arm]) for arm in ("control", "candidate")
                }
            }
        }
    }
    same = _answer(capsys, "--input", _json(tmp_path, document))
    for name in ("value", "low", "high", "p_value"):
        assert _metric(answer, "spend")[name] == pytest.approx(_metric(same, "spend")[name], rel=1e-9)
    assert set(answer["comparisons"][0]["metrics"]) == {"spend", "spend_before", "resolved", "calls"}
    assert _metric(answer, "resolved")["unit"] == "ratio"


def test_rows_of_one_user_are_summed_and_users_in_two_arms_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = _users(2_000)
    whole = _answer(capsys, "--input", _rows(tmp_path, **columns))
    twice = {name: np.concatenate([values, values]) for name, values in columns.items()}
    for name in ("spend", "spend_before", "calls"):
        twice[name] = twice[name] / 2.0
    twice["resolved"][2_000:] = False
    answer = _answer(capsys, "--input", _rows(tmp_path, **twice))
    assert answer["notes"] == ["2,000 users have 4,000 rows: means and ratios are of each user's sum"]
    for name in ("spend", "resolved", "calls"):
        for end in ("value", "low", "high"):
            assert _metric(answer, name)[end] == pytest.approx(_metric(whole, name)[end], rel=1e-9)
    twice["arm"] = twice["arm"].copy()
    twice["arm"][2_000:2_060] = np.where(twice["arm"][:60] == "control", "candidate", "control")
    answer = _answer(capsys, "--input", _rows(tmp_path, **twice))
    assert answer["in_two_arms"] == 60
    assert sum(arm["users"] for arm in answer["arms"].values()) == 1_940


def test_a_covariate_that_stands_in_each_row_of_its_user_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = _users(2_000)
    plan = tmp_path / "plan.yaml"
    plan.write_text("metrics: {spend: {covariate: spend_before}}")
    whole = _answer(capsys, "--input", _rows(tmp_path, **columns), "--plan", str(plan))
    # Whoever has the candidate comes more often, which must not look like a difference from before.
    again = np.flatnonzero(columns["arm"] == "candidate")
    rows = {name: np.concatenate([values, values[again]]) for name, values in columns.items()}
    rows["spend"][2_000:] = 0.0
    answer = _answer(capsys, "--input", _rows(tmp_path, **rows), "--plan", str(plan))
    for name in ("value", "low", "high"):
        assert _metric(answer, "spend")[name] == pytest.approx(_metric(whole, "spend")[name], rel=1e-9)
    assert "spend_before is the same in all rows of each user, and counts once" in answer["notes"]


def test_a_user_has_one_time_however_many_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = _users(600) | {"hours": np.linspace(1.0, 30.0, 600), "done": np.arange(600) % 2}
    plan = tmp_path / "plan.yaml"
    plan.write_text("metrics: {hours: {happened: done, horizon: 24, higher_is_better: false}}")
    whole = _answer(capsys, "--input", _rows(tmp_path, **columns), "--plan", str(plan))
    twice = {name: np.concatenate([values, values]) for name, values in columns.items()}
    code, _, err = _run(capsys, "--input", _rows(tmp_path, **twice), "--plan", str(plan))
    assert code == 64
    assert "600 users have several values of hours" in err
    twice["hours"][600:] = np.nan  # other rows of the user say nothing of it
    answer = _answer(capsys, "--input", _rows(tmp_path, **twice), "--plan", str(plan))
    assert _metric(answer, "hours") == _metric(whole, "hours")


def test_a_metric_that_never_varies_is_read_within_strata_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = _users(2_000)
    file = _rows(
        tmp_path, **columns, fixed=np.full(2_000, 7.0), never=np.zeros(2_000), land=np.arange(2_000) % 3
    )
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "strata: land\nmetrics: {fixed: {}, never: {role: harm, margin: 2 %, higher_is_better: false}}"
    )
    answer = _answer(capsys, "--input", file, "--plan", str(plan))
    assert (_metric(answer, "fixed")["low"], _metric(answer, "fixed")["status"]) == (None, "unproven")
    # None of 1,000 on either side is within 2 points by Newcombe's bounds, with strata or without.
    assert _metric(answer, "never")["status"] == "met"


def test_a_plan_names_ratios_covariates_quantiles_times_and_judges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = _users(4_000)
    rng = np.random.default_rng(4)
    latency = rng.lognormal(6.0, 0.5, 4_000) * np.where(columns["arm"] == "candidate", 1.3, 1.0)
    judge = (rng.random(4_000) < 0.8).astype(float)
    human = np.where(rng.random(4_000) < 0.25, np.where(rng.random(4_000) < 0.9, judge, 1 - judge), np.nan)
    file = _rows(
        tmp_path,
        **columns,
        latency=latency,
        judge=judge,
        human=human,
        hours=np.minimum(rng.exponential(10.0, 4_000), 30.0),
        happened=rng.random(4_000) < 0.7,
        plan=np.where(np.arange(4_000) % 3 == 0, "paid", "free"),
    )
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        """\
experiment: answer-v2
arms: {control: 50 %, candidate: 50 %}
strata: plan
metrics:
  plain: {column: spend}
  adjusted: {column: spend, covariate: spend_before}
  capped: {column: spend, winsorise: 99 %}
  per_call: {column: spend, denominator: calls}
  relative: {column: spend, relative: true}
  p95: {column: latency, quantile: 95 %, role: harm, margin: 100ms, higher_is_better: false}
  grounded: {column: judge, human: human}
  until_done: {column: hours, happened: happened, horizon: 24, higher_is_better: false}
""",
        encoding="utf-8",
    )
    code, out, _ = _run(capsys, "--input", file, "--plan", str(plan))
    assert code == 1, "the slower candidate does harm, however much better its goals are"
    assert "p95" in out.splitlines()[0]
    answer = _answer(capsys, "--input", file, "--plan", str(plan))
    adjusted, plain = _metric(answer, "adjusted"), _metric(answer, "plain")
    assert adjusted["high"] - adjusted["low"] < 0.7 * (plain["high"] - plain["low"])
    assert "post-stratified" in plain["method"]
    assert adjusted["low"] < 0.2 < adjusted["high"]
    assert "users above" in _metric(answer, "capped")["notes"][0]
    per_call = _metric(answer, "per_call")
    sums = [
        columns["spend"][columns["arm"] == arm].sum() / columns["calls"][columns["arm"] == arm].sum()
        for arm in ("control", "candidate")
    ]
    assert [per_call["baseline"], per_call["candidate"]] == pytest.approx(sums)
    assert _metric(answer, "relative")["value"] == pytest.approx(
        _metric(answer, "plain")["value"] / plain["baseline"], rel=0.1
    )
    assert _metric(answer, "p95")["unit"] == "ms"
    assert _metric(answer, "p95")["value"] == pytest.approx(0.3 * 917.0, rel=0.25)
    assert "prediction-powered" in _metric(answer, "grounded")["method"]
    assert _metric(answer, "until_done")["sample"]["p_log_rank"] > 0.001


def test_rows_of_one_user_that_are_alike_do_not_make_a_quantile_surer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of calls that are alike within a user, bounds that take rows for independent hold in 78 % of tries."""
    plan = _json(tmp_path, {"metrics": {"p90": {"column": "ms", "quantile": 0.9, "unit": "ms"}}}, "plan.json")
    rng, held, wider = np.random.default_rng(10), 0, 0
    truth = float(np.exp(0.5 * 1.2815515655446004)) * (float(np.exp(0.2)) - 1.0)
    for _ in range(15):
        calls = rng.integers(1, 9, 400)
        who = np.repeat(np.arange(400), calls)
        lift = np.where(who % 2 == 1, 0.2, 0.0)
        ms = np.exp(0.5 * (0.8 * rng.normal(size=400)[who] + 0.6 * rng.normal(size=who.size)) + lift)
        arm = np.where(who % 2 == 1, "candidate", "control")
        found = _metric(
            _answer(capsys, "--input", _rows(tmp_path, user=who, arm=arm, ms=ms), "--plan", plan), "p90"
        )
        held += found["low"] <= truth <= found["high"]
        alone = _rows(tmp_path, user=np.arange(who.size), arm=arm, ms=ms)
        other = _metric(_answer(capsys, "--input", alone, "--plan", plan), "p90")
        wider += found["high"] - found["low"] > other["high"] - other["low"]
    assert held >= 12
    assert wider >= 12


def test_what_is_not_there_is_not_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = _users(1_000)
    spend = columns["spend"].copy()
    spend[::10] = np.nan
    arms = [None if at % 50 == 1 else str(arm) for at, arm in enumerate(columns["arm"])]
    file = _rows(tmp_path, user=columns["user"], arm=arms, spend=spend)
    answer = _answer(capsys, "--input", file)
    kept = np.array([arm is not None for arm in arms]) & ~np.isnan(spend)
    means = [columns["spend"][kept & (columns["arm"] == arm)].mean() for arm in ("control", "candidate")]
    found = _metric(answer, "spend")
    assert [found["baseline"], found["candidate"]] == pytest.approx(means)
    assert found["notes"] == ["100 users have no value and are left out"]
    assert answer["notes"] == ["20 rows without a user or an arm were left out"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"user": [1, 2], "spend": [1.0, 2.0]}, "no column 'arm'"),
        ({"user": [1, 2], "arm": ["a", "b"]}, "no column holds numbers"),
        ({"user": [1, 2], "arm": ["a", "a"], "spend": [1.0, 2.0]}, "two arms"),
        ({"user": [1, 2], "arm": ["a", "b"], "spend": [1.0, float("inf")]}, "infinite"),
        ({"user": list(range(60)), "arm": [f"a{i}" for i in range(60)], "spend": [1.0] * 60}, "more than 50"),
        ({"user": pa.array([], pa.int64()), "arm": pa.array([], pa.string()), "x": pa.array([], pa.int64())}, "two arms"),  # noqa: E501
        ({"user": [None, 2], "arm": ["a", None], "spend": [1.0, 2.0]}, "two arms"),
        ({"user": [1, 2], "arm": ["a", "b"], "spend": [None, None], "x": ["n", "m"]}, "no value|not numbers|no column"),  # noqa: E501
    ],
)  # fmt: skip
def test_rows_that_cannot_be_are_refused(
    columns: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    code, _, err = _run(capsys, "--input", _rows(tmp_path, **columns))
    assert code == 64
    assert re.search(says, err), err


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("metrics: {x: {column: nope}}", "no column 'nope'"),
        ("metrics: {x: {column: arm}}", "'arm' holds texts, not numbers"),
        ("looks: [50 %, 20 %]\nusers: 10", "ascend"),
        ("looks: [50 %, 100 %]", "planned users"),
        ("arms: {control: 1}", "2 to"),
        ("arms: {control: 1, other: 1}", "not in the plan"),
        ("metrics: {x: {column: spend, quantile: 95 %, denominator: calls}}", "one of"),
        ("metrics: {x: {column: spend, covariate: calls, quantile: 5 %}}", "no covariate"),
        ("metrics: {x: {column: spend, happened: resolved}}", "both"),
        ("metrics: {x: {column: spend, margin: -1}}", "below 0"),
        ("metrics: {x: {column: spend, margin: much}}", "not a quantity"),
        ("confidence: 2", "share"),
        ("surprise: 1", "'surprise'"),
        ("- 1", "mapping"),
        ("a: [", "YAML"),
    ],
)
def test_plans_that_cannot_be_are_refused(
    plan: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    file = _rows(tmp_path, **_users(200))
    code, _, err = _run(capsys, "--input", file, "--plan", str(tmp_path / "plan.yaml"))
    assert code == 64
    assert says in err


def test_hostile_names_are_text_and_never_sql_or_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = _users(400)
    name = '"; DROP VIEW file; --<script>alert(1)</script>'
    file = _rows(tmp_path, user=columns["user"], arm=np.where(columns["arm"] == "control", "control", "<b>x"), **{name: columns["spend"]})  # fmt: skip  # noqa: E501
    page = tmp_path / "report.html"
    answer = _answer(capsys, "--input", file, "--html", str(page))
    assert _metric(answer, name)["value"] is not None
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text


def test_the_report_is_one_file_with_the_forest_the_bounds_and_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    _run(capsys, "--input", _json(tmp_path, _product()), "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "<h1>Answer-v2: ship</h1>" in text
    assert "http" not in text.replace("http-equiv", "")
    drawings = [
        ElementTree.fromstring(part + "</svg>")
        for part in ("<svg" + cut for cut in text.split("<svg")[1:])
        for part in [part.split("</svg>")[0]]
    ]
    titles = [drawing.findtext("title") or "" for drawing in drawings]
    assert any("2 metrics" in title for title in titles)
    assert any("evidence for candidate" in title for title in titles)
    descriptions = " ".join(drawing.findtext("desc") or "" for drawing in drawings)
    assert "3 planned looks" in descriptions
    assert "● better" in text
    assert "Chance of better" in text
