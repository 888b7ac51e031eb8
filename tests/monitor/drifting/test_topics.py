"""What texts are about, as a column: a mix that moved is found and named, a null is quiet."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from launchworthy.cli.main import cli
from launchworthy.errors import InputError
from launchworthy.monitor.drifting import ColumnDrift, DriftState, Tolerances, categories_of, compare, study
from launchworthy.monitor.drifting.profile import Profile
from launchworthy.monitor.drifting.texts import TOPIC, described, known_of, text_values
from launchworthy.monitor.drifting.topics import NONE

SUBJECTS = {
    "refund": "refund money back bank account transfer promised".split(),
    "parcel": "parcel delivery courier tracking late arrived address".split(),
    "login": "login password reset mail code locked session".split(),
    "invoice": "invoice tax number company receipt printed copy".split(),
}
FILLER = "please can you tell me how the when my is with for a of to and it".split()
EVEN = (0.25, 0.25, 0.25, 0.25)


def _texts(seed: int, many: int, mix: Sequence[float] = EVEN) -> list[str | None]:
    draws = random.Random(seed)
    found: list[str | None] = []
    for subject in draws.choices(list(SUBJECTS), mix, k=many):
        words = [
            *draws.choices(FILLER, k=5),
            *draws.sample(SUBJECTS[subject], 3),
            f"n{draws.randrange(9_999)}",
        ]
        draws.shuffle(words)
        found.append(" ".join(words))
    return found


def _compared(old: list[str | None], new: list[str | None], **tolerances: Any) -> ColumnDrift:
    """The topic column of texts then and now."""
    known = known_of(old)
    column = categories_of("said: topic", described(text_values(TOPIC, old, known=known, own=True)))
    assert column is not None
    later = column.count(described(text_values(TOPIC, new, known=known, own=False)))
    profiles = [Profile(rows=each.rows, columns={each.name: each}) for each in (column, later)]
    found = compare(profiles[0], current=profiles[1], tolerances=Tolerances(**tolerances), draws=100)
    return found.columns[0]


def _write(path: Path, texts: Sequence[str | None]) -> Path:
    pyarrow.parquet.write_table(pyarrow.table({"said": texts}), path)
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a study keeps of a reference."""
    folder = tmp_path_factory.mktemp("topics")
    old = _write(folder / "a.parquet", _texts(1, 300))
    study(old, current=old, keep=folder / "kept.json")
    found: dict[str, Any] = json.loads((folder / "kept.json").read_text())
    return found


def test_a_null_is_no_more_often_beyond_than_declared_though_the_topics_were_made_by_one_side() -> None:
    """At a tolerance of nothing, where every error shows; small sides, where fitting flatters most."""
    beyond = []
    for seed in range(40):
        column = _compared(_texts(seed, 200), _texts(1_000 + seed, 200), distance=0.0)
        (values,) = (change for change in column.changes if change.what == "values")
        beyond.append(values.p < 0.05)
    assert sum(beyond) <= 6, "of 40 at 5 %, 7 or more come with a chance of 1 in 300"


def test_a_mix_that_moved_is_found_and_told_by_the_words_of_its_topics() -> None:
    column = _compared(_texts(1, 800), _texts(2, 800, (0.55, 0.05, 0.2, 0.2)))
    assert column.state is DriftState.DRIFTED
    more, less = column.told.split("; more of ")[1].split("; less of ")
    assert set(more.partition(" (")[0].split(", ")) <= set(SUBJECTS["refund"])
    assert set(less.partition(" (")[0].split(", ")) <= set(SUBJECTS["parcel"])


def test_what_is_about_something_new_is_of_none_of_the_topics() -> None:
    weather = ["sunny rain forecast umbrella storm tomorrow"] * 300
    column = _compared(_texts(1, 1_500), [*_texts(2, 1_200), *weather])
    assert column.state is DriftState.DRIFTED
    assert f"more of {NONE}" in column.told


def test_two_files_say_which_topic_became_more_and_a_kept_reference_says_the_same(tmp_path: Path) -> None:
    old, new = _write(tmp_path / "a.parquet", _texts(1, 300)), tmp_path / "b.parquet"
    _write(new, _texts(2, 300, (0.91, 0.03, 0.03, 0.03)))
    kept = tmp_path / "kept.json"
    command = ["drift", "--current", str(new), "--reference"]
    done = CliRunner().invoke(cli, [*command, str(old), "--keep", str(kept)], standalone_mode=False)
    assert done.exception is None, done.exception
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("  said: topic"))
    assert "drifted" in line
    assert "more of " in line
    again = CliRunner().invoke(cli, [*command, str(kept)], standalone_mode=False)
    assert line.split() in [each.split() for each in again.stdout.splitlines()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain.update(version=0),
        lambda plain: plain.update(names=["one"]),
        lambda plain: plain.update(names=[1] * len(plain["names"])),
        lambda plain: plain.update(weights=plain["weights"][:-1]),
        lambda plain: plain["centres"][0].__setitem__(0, "x"),
        lambda plain: plain.update(centres=[]),
        lambda plain: plain.update(near=7.0),
        lambda plain: plain.pop("near"),
    ],
)
def test_topics_of_a_kept_reference_that_were_damaged_are_refused(kept: dict[str, Any], damage: Any) -> None:
    plain = copy.deepcopy(kept)
    damage(plain["topics"]["said"])
    with pytest.raises(InputError, match="damaged"):
        Profile.from_json(plain, where="kept.json")
    del plain["topics"]
    with pytest.raises(InputError, match="topics are gone"):
        Profile.from_json(plain, where="kept.json")


@pytest.mark.parametrize(
    "texts",
    [
        _texts(1, 60),  # too few to tell topics apart
        ["the same words for all of them"] * 400,
        [None] * 400,
        ["", "…", "!?"] * 200,
    ],
)
def test_texts_that_tell_no_topics_apart_have_no_such_column(texts: list[str | None]) -> None:
    assert TOPIC not in known_of(texts).columns()


def test_odd_texts_are_counted_and_break_nothing() -> None:
    column = _compared(
        _texts(1, 600), [None, "", "\ud800 \x00", "订单还没有到", "x" * 10_000, *_texts(2, 600)]
    )
    (missing,) = (change for change in column.changes if change.what == "missing")
    assert missing.interval.sample["hits"] == 1
    assert column.state is not DriftState.DRIFTED


def test_topics_are_the_same_each_time() -> None:
    first, second = (known_of(_texts(1, 200)).topics for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.names == second.names
    assert np.array_equal(first.centres, second.centres)
