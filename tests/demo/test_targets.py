from __future__ import annotations

from pathlib import Path

import pytest

from launchworthy.evals import load_function, read_answer, target_of, try_out
from launchworthy.gold import GoldItem

pytestmark = pytest.mark.usefixtures("in_an_empty_folder", "recorded")


@pytest.fixture
def in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: object, baseline: object
) -> None:
    monkeypatch.delenv("LAUNCHWORTHY_ENDPOINT", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("release", ["baseline", "candidate"])
def test_a_target_answers_with_the_fields_that_scorers_read(release: str) -> None:
    ask = load_function(f"launchworthy.demo.targets:{release}")
    found = read_answer(ask("How do I sort a list in place?"))
    assert found.answered is True
    assert found.ranked is not None
    assert found.ranked[0] == "list.sort"
    assert found.citations == ["list.sort"]
    [document] = found.fields["documents"]
    assert document["id"] == "list.sort"
    assert document["text"].startswith("sort(self, /, *, key=None, reverse=False)\nSort the list")
    assert found.cost_usd == 0.0
    assert found.trace_id is None  # no server runs here, so there is no trace to show
    assert isinstance(found.output, str)


def test_questions_of_another_type_are_asked_as_text() -> None:
    ask = load_function("launchworthy.demo.targets:candidate")
    assert read_answer(ask(None)).answered is not None
    assert read_answer(ask({"a": [1]})).answered is not None


def test_an_evaluation_scores_both_releases_and_the_candidate_refuses_better(
    gold: tuple[GoldItem, ...],
) -> None:
    dev = [item for item in gold if item.split == "dev"][::6]
    scorers = ["hit@5", "mrr", "citation-correctness", "over-refusal", "under-refusal"]
    scorers += ["groundedness", "answered-without-evidence", "selective-risk"]
    measured, risk = {}, {}
    for release in ("baseline", "candidate"):
        target = target_of(f"launchworthy.demo.targets:{release}")
        outcome = try_out(dev, target=target, scorers=scorers)
        assert outcome.run.done == len(dev)
        assert not [score for item in outcome.items for score in item.scores.values() if score.error]
        answered = [item.output["answered"] for item in outcome.items if item.item_id.startswith("unans")]
        measured[release] = sum(answered) / len(answered)
        found = {
            row.metric: row.interval
            for row in outcome.measured
            if row.slice is None and row.interval is not None
        }
        risk[release] = found["selective-risk"].value
        # It quotes: what it says stands in the document that it cites.
        assert found["groundedness"].n == sum(item.output["answered"] for item in outcome.items)
        assert found["groundedness"].value > 0.95
        assert found["answered-without-evidence"].value == 0.0
    assert measured["candidate"] < measured["baseline"]
    assert risk["candidate"] < 0.15 < risk["baseline"]


def test_the_module_names_nothing_else() -> None:
    import launchworthy.demo.targets as targets

    with pytest.raises(AttributeError, match="no attribute 'launched'"):
        _ = targets.launched
