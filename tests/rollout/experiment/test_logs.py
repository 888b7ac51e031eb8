"""Rankings from clicks, policies from logged chances, and shares that follow what is seen."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.cli.main import main
from launchworthy.errors import InputError
from launchworthy.rollout.experiment import (
    balanced,
    credit_balanced,
    epsilon_greedy,
    preference,
    team_draft,
    thompson,
)
from launchworthy.stats import ArmSums


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["experiment", *arguments])
    printed = capsys.readouterr()
    code = stopped.value.code
    return int(code or 0), printed.out, printed.err


def _lines(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


RANKINGS = st.lists(st.integers(0, 12), unique=True, max_size=8)


@settings(max_examples=60)
@given(RANKINGS, RANKINGS, st.integers(1, 10), st.integers(0, 99))
def test_mixed_lists_hold_each_document_once_and_both_rankings_alike(
    one: list[int], two: list[int], length: int, seed: int
) -> None:
    for mix in (team_draft, balanced):
        found = mix(one, candidate=two, length=length, rng=random.Random(seed))
        assert len(set(found.shown)) == len(found.shown) == len(found.teams)
        assert len(found.shown) == min(length, len(set(one) | set(two)))
        assert set(found.shown) <= set(one) | set(two)


def test_captains_pick_in_turn_and_the_coin_is_fair() -> None:
    first = Counter()  # type: ignore[var-annotated]
    for seed in range(400):
        found = team_draft("abcd", candidate="wxyz", length=4, rng=random.Random(seed))
        assert Counter(found.teams) == {"baseline": 2, "candidate": 2}
        first[found.teams[0]] += 1
    assert 150 < first["candidate"] < 250


def test_a_balanced_list_is_the_one_of_the_paper() -> None:
    """Joachims (2003), figure 2: rankings that share documents, either side beginning."""
    lists = {
        "".join(balanced("abcd", candidate="bead", length=5, rng=random.Random(seed)).shown) for seed in range(20)  # type: ignore[arg-type]  # noqa: E501
    }  # fmt: skip
    assert lists == {"abecd", "baecd"}


def test_balanced_clicks_are_counted_among_the_top_from_which_the_list_came() -> None:
    assert credit_balanced("abcd", candidate="bead", shown="abecd", clicked={"e"}) == 1
    assert credit_balanced("abcd", candidate="bead", shown="abecd", clicked={"a"}) == -1
    assert credit_balanced("abcd", candidate="bead", shown="abecd", clicked=set()) == 0
    assert credit_balanced("abcd", candidate="bead", shown="abecd", clicked={"a", "b"}) == 0


def _clicks(seed: int, *, pull: float, lists: int = 600) -> list[dict[str, Any]]:
    """Lists of team-draft in which each document is clicked, the candidate's more often by ``pull``."""
    rng, rows = random.Random(seed), []
    for at in range(lists):
        teams = list(team_draft("abcdef", candidate="uvwxyz", length=6, rng=rng).teams)
        chances = [0.1 + (pull if team == "candidate" else 0.0) for team in teams]
        clicked = [place for place, chance in enumerate(chances) if rng.random() < chance]
        rows.append({"user": f"u{at // 3}", "teams": teams, "clicked": clicked})
    return rows


def test_clicks_prefer_the_better_ranking_and_neither_of_two_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run(capsys, "interleave", "--input", _lines(tmp_path, _clicks(1, pull=0.08)))
    assert code == 0
    assert out.startswith("the candidate is preferred")
    assert "(sign test p < 0.0001)" in out
    assert "n = 200" in out, "users, not lists, are the units"
    assert _run(capsys, "interleave", "--input", _lines(tmp_path, _clicks(2, pull=0.0)))[0] == 2
    answer = json.loads(
        _run(capsys, "interleave", "--input", _lines(tmp_path, _clicks(3, pull=-0.08)), "--json")[1]
    )
    assert answer["conclusion"] == "the baseline is preferred"
    assert answer["wins"] + answer["losses"] + answer["ties"] == answer["lists"] == 600
    rows = [
        {"baseline": list("abcd"), "candidate": list("bead"), "shown": list("abecd"), "clicked": ["e"]}
    ] * 40
    assert _run(capsys, "interleave", "--input", _lines(tmp_path, rows))[0] == 0


def test_alike_rankings_are_seldom_told_apart() -> None:
    wrong = 0
    for seed in range(60):
        rows = _clicks(100 + seed, pull=0.0, lists=200)
        gains = [
            sum(1.0 if row["teams"][at] == "candidate" else -1.0 for at in row["clicked"]) for row in rows
        ]
        own = preference(gains, users=[row["user"] for row in rows]).difference
        wrong += not own.low <= 0.0 <= own.high
    assert wrong <= 8


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"teams": ["baseline"]}, "clicked is no list"),
        ({"teams": ["left"], "clicked": []}, "no list of baseline"),
        ({"teams": ["baseline"], "clicked": [3]}, "not shown"),
        ({"teams": ["baseline"], "clicked": [True]}, "not shown"),
        ({"clicked": ["a"]}, "neither kind"),
        ({"baseline": ["a"], "candidate": ["b"], "shown": ["a"], "clicked": ["z"]}, "not shown"),
        ({"baseline": ["a"], "candidate": ["b"], "shown": ["z"], "clicked": ["z"]}, "neither ranking"),
        ({"baseline": [{}], "candidate": ["b"], "shown": ["z"], "clicked": ["z"]}, "neither kind"),
    ],
)
def test_clicks_that_cannot_be_are_refused_by_line(
    row: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, "interleave", "--input", _lines(tmp_path, [row]))
    assert code == 64
    assert says in err
    assert "rows.jsonl:1" in err
    assert _run(capsys, "interleave", "--input", _lines(tmp_path, []))[0] == 64


def _decisions(n: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    chances, others, pays = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.5, 0.7])
    rows = []
    for action in rng.choice(3, size=n, p=chances).tolist():
        reward = int(rng.random() < pays[action])
        rows.append({"reward": reward, "logged": float(chances[action]), "other": float(others[action])})
    return rows


def test_another_policy_is_valued_from_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _decisions(3_000, 1)
    code, out, _ = _run(capsys, "policy", "--input", _lines(tmp_path, rows))
    assert code == 0
    assert "self-normalised" in out
    assert "doubly robust" not in out
    assert "no bounds" not in out
    few = _run(capsys, "policy", "--input", _lines(tmp_path, rows[:9]))
    assert (few[0], "no bounds" in few[1]) == (2, True)
    expected = {"predicted": 0.5, "predicted_other": 0.5}
    answer = json.loads(
        _run(capsys, "policy", "--input", _lines(tmp_path, [row | expected for row in rows]), "--json")[1]
    )
    for method in ("ips", "snips", "dr"):
        assert answer[method]["low"] < 0.62 < answer[method]["high"], method
    assert answer["logged"]["value"] == pytest.approx(0.44, abs=0.03)
    users = [row | {"user": f"u{at // 5}"} for at, row in enumerate(rows)]
    assert (
        json.loads(_run(capsys, "policy", "--input", _lines(tmp_path, users), "--json")[1])["snips"]["n"]
        == 600
    )


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"reward": 1, "logged": 0.5}, "no other"),
        ({"reward": 1, "logged": 0, "other": 0.5}, "logged chance"),
        ({"reward": 1, "logged": 0.5, "other": 2}, "from 0 to 1"),
        ({"reward": "much", "logged": 0.5, "other": 0.1}, "not a number"),
    ],
)
def test_decisions_that_cannot_be_are_refused(
    row: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, "policy", "--input", _lines(tmp_path, [row, row]))
    assert code == 64
    assert says in err


def _arm(n: int, good: int) -> ArmSums:
    return ArmSums(n=n, sums=(good,), products=((good,),), yes_or_no=True)


def test_shares_follow_what_is_seen_and_no_arm_is_given_up() -> None:
    arms = {"a": _arm(200, 60), "b": _arm(200, 90), "c": _arm(200, 55)}
    shares = thompson(arms, seed=1)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["b"] > 0.9
    assert min(shares.values()) >= 0.01
    assert thompson(arms, seed=1) == shares
    worst = thompson(arms, higher_is_better=False, seed=1)
    assert worst["b"] == pytest.approx(0.01, abs=0.001)
    alike = thompson({"a": _arm(0, 0), "b": _arm(0, 0)}, seed=1)
    assert alike["a"] == pytest.approx(0.5, abs=0.02)
    scores = {
        "a": ArmSums(n=100, sums=(210.0,), products=((545.0,),)),
        "b": ArmSums(n=100, sums=(310.0,), products=((1_065.0,),)),
        "new": ArmSums(n=0, sums=(0.0,), products=((0.0,),)),
    }
    assert thompson(scores, seed=1)["new"] > 0.2, "what nobody has met yet may be the best"


def test_greedy_shares_are_the_best_arms_but_for_epsilon() -> None:
    arms = {"a": _arm(200, 60), "b": _arm(200, 90)}
    assert epsilon_greedy(arms) == pytest.approx({"a": 0.05, "b": 0.95})
    assert epsilon_greedy(arms, higher_is_better=False)["a"] == pytest.approx(0.95)
    assert epsilon_greedy(arms | {"new": _arm(0, 0)})["new"] > 0.9
    with pytest.raises(InputError, match="nothing to choose"):
        epsilon_greedy({"a": _arm(1, 1)})
    with pytest.raises(InputError, match="no share"):
        epsilon_greedy(arms, epsilon=0.0)
    with pytest.raises(InputError, match="cannot have"):
        thompson(arms, least=0.6)


def test_shares_follow_only_where_a_plan_says_that_a_mistake_costs_little(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sums = tmp_path / "sums.json"
    sums.write_text('{"metric": "clicked", "arms": {"a": {"n": 200, "sum": 60}, "b": {"n": 200, "sum": 90}}}')
    plan = tmp_path / "plan.yaml"
    plan.write_text("experiment: greeting\n")
    command = ("allocate", "--input", str(sums), "--plan", str(plan), "--metric", "clicked")
    code, _, err = _run(capsys, *command)
    assert code == 64
    assert "low_risk: true" in err
    plan.write_text("experiment: greeting\nlow_risk: true\n")
    code, out, _ = _run(capsys, *command)
    assert code == 0
    assert out.startswith("a")
    answer = json.loads(_run(capsys, *command, "--method", "epsilon-greedy", "--json")[1])
    assert answer["shares"]["b"] == pytest.approx(0.95)
    assert "no metric" in _run(capsys, *command[:-1], "bought")[2]
