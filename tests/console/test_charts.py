"""Drawings are text: what they show can be read from it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.console.charts import (
    CurvePoint,
    ForestRow,
    HistoryPoint,
    IntervalMark,
    LookPoint,
    Scale,
    correction_plot,
    coverage_plot,
    distribution_plot,
    forest_plot,
    history_plot,
    interval_plot,
    looks_plot,
    risk_plot,
    ruler,
    scale_over,
    span_bar,
    spending_plot,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str) -> list[str]:
    return [each.text or "" for each in parsed(svg).iter("text")]


def test_an_interval_says_its_numbers_its_n_and_what_is_asked() -> None:
    svg = interval_plot(
        IntervalMark(value=0.94, low=0.91, high=0.96, n=412, unit="ratio", threshold=0.92, state="unproven"),
        title="groundedness at least 92 %",
    )
    root = parsed(svg)
    assert root.get("role") == "img"
    assert root.findtext("title") == "groundedness at least 92 %"
    assert root.findtext("desc") == "94 % (91 to 96, n = 412); at least 92 % is asked"
    assert "at least 92 %" in words(svg)
    assert root.find(".//line[@class='threshold']") is not None
    assert any(word.endswith("%") for word in words(svg)[1:]), "it has ticks with their unit"


def test_the_good_side_is_shaded_from_the_threshold() -> None:
    def shaded(direction: str) -> tuple[float, float]:
        mark = IntervalMark(value=5.0, low=4.0, high=6.0, n=9, threshold=5.0, direction=direction)
        rect = parsed(interval_plot(mark, title="t")).find(".//rect[@class='good']")
        assert rect is not None
        return float(rect.attrib["x"][:-1]), float(rect.attrib["width"][:-1])

    assert shaded("at_least") == (50.0, 50.0)
    assert shaded("at_most") == (0.0, 50.0)


def test_a_bound_that_is_not_there_has_no_cap() -> None:
    def lines(high: float) -> int:
        mark = IntervalMark(value=5.0, low=4.0, high=high, n=9, threshold=8.0)
        return len(parsed(interval_plot(mark, title="t")).findall(".//line[@class='whisker']"))

    assert lines(6.0) == 3
    assert lines(math.inf) == 2


@given(
    value=NUMBERS,
    spread=st.floats(0, 1e6),
    threshold=NUMBERS,
    unit=st.sampled_from(["", "ratio", "ms", "USD"]),
)
@settings(max_examples=60, deadline=None)
def test_any_interval_can_be_drawn(value: float, spread: float, threshold: float, unit: str) -> None:
    mark = IntervalMark(
        value=value, low=value - spread, high=value + spread, n=1, unit=unit, threshold=threshold
    )
    root = parsed(interval_plot(mark, title="t"))
    for line in root.iter("line"):
        assert 0.0 <= float(line.attrib["x1"][:-1]) <= 100.0


@given(values=st.lists(NUMBERS, min_size=1, max_size=5), unit=st.sampled_from(["", "ratio", "ms"]))
@settings(max_examples=100, deadline=None)
def test_a_scale_holds_its_values_and_its_ticks(values: list[float], unit: str) -> None:
    scale = scale_over(values, unit=unit)
    assert scale.low <= min(values)
    assert max(values) <= scale.high
    ticks = scale.ticks(4)
    assert len(ticks) <= 6
    assert list(ticks) == sorted(ticks)
    slack = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in ticks)


def test_a_point_at_the_very_end_is_whole_and_nothing_beyond_it_is_named() -> None:
    for values in ([0.99, 1.0], [0.0, 0.01], [0.0, 1.0]):
        scale = scale_over(values, unit="ratio")
        assert 0.0 < scale.percent(min(values)) < scale.percent(max(values)) < 100.0
        assert all(0.0 <= tick <= 1.0 for tick in scale.ticks(4))
        assert scale.low > -0.05
        assert scale.high < 1.05
    cost = scale_over([0.0, 0.002], unit="USD")
    assert 0.0 < cost.percent(0.0) < 5.0
    assert cost.ticks(4)[0] == 0.0


def test_a_narrow_axis_has_more_than_one_tick() -> None:
    assert len(scale_over([0.528, 0.594, 0.657], unit="ratio").ticks(3)) > 1


def test_ticks_of_times_are_times_people_say() -> None:
    assert Scale(low=0.0, high=4000.0, unit="ms").ticks(4) == (0.0, 1000.0, 2000.0, 3000.0, 4000.0)
    assert Scale(low=0.0, high=120_000.0, unit="ms").ticks(4) == (
        0.0,
        30_000.0,
        60_000.0,
        90_000.0,
        120_000.0,
    )


def test_history_draws_a_planned_look_within_the_bounds_that_always_hold() -> None:
    point = HistoryPoint(at=AT, value=0.0, low=-0.1, high=0.1, n=50, look=(-0.06, 0.06))
    root = parsed(history_plot([point], threshold=-0.05, unit="points", title="resolved"))
    [look] = root.findall(".//line[@class='look']")
    [whole] = root.findall(".//line[@class='whisker']")
    ends = [float(each.get(end, "")) for each in (look, whole) for end in ("y2", "y1")]
    assert ends[2] < ends[0] < ends[1] < ends[3]


def test_history_draws_each_measurement_and_joins_none() -> None:
    points = [
        HistoryPoint(
            at=AT + timedelta(days=day), value=0.8, low=0.7, high=0.9, n=50, release=release, counts=counts
        )
        for day, release, counts in ((0, "r-1", False), (9, "r-1", False), (10, "r-2", True))
    ]
    svg = history_plot(points, threshold=0.75, unit="ratio", title="hit@5")
    root = parsed(svg)
    assert len(root.findall(".//circle")) == 3
    assert not root.findall(".//polyline")
    assert not root.findall(".//path")
    assert len(root.findall(".//line[@class='release']")) == 1
    assert "asked: at least 75 %" in words(svg)
    assert root.findtext("desc") == "3 measurements, oldest left; the newest is 80 % (70 to 90, n = 50)"
    assert sum("stale" in (group.get("class") or "") for group in root.iter("g")) == 2


def test_words_of_the_axis_are_struck_out_neither_by_marks_nor_by_the_threshold() -> None:
    points = [
        HistoryPoint(at=AT + timedelta(days=day), value=v, low=v - 30.0, high=v + 30.0, n=50)
        for day, v in ((0, -60.0), (3, 0.0), (9, 60.0))
    ]
    root = parsed(history_plot(points, threshold=2.0, direction="at_most", unit="ms", title="wait"))
    ticks = [each for each in root.iter("text") if each.get("x") == "0%"]
    assert [each.text for each in ticks] == ["−100 ms", "100 ms"], "the threshold would go through 0 ms"
    first = min(float(circle.attrib["cx"][:-1]) for circle in root.iter("circle"))
    # On a phone the plot is 340 px wide, and a figure of this size takes 7 of them.
    assert all(7 * len(each.text or "") < 3.4 * first - 5 for each in ticks)
    [line] = root.findall(".//line[@class='threshold']")
    assert not [each.text for each in ticks if 0 < float(each.attrib["y"]) - float(line.attrib["y1"]) < 13]


def test_measurements_of_one_moment_stand_apart() -> None:
    points = [HistoryPoint(at=AT, value=0.8, low=0.7, high=0.9, n=50) for _ in range(5)]
    places = [
        float(circle.attrib["cx"][:-1])
        for circle in parsed(history_plot(points, threshold=None, unit="ratio", title="t")).iter("circle")
    ]
    assert places == sorted(set(places))


@pytest.mark.parametrize("unit", ["ms", "ratio", "usd", "points", ""])
@given(reach=st.floats(1e-6, 1e6), at=st.floats(-1.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_ticks_of_a_forest_do_not_run_into_each_other_on_a_phone(unit: str, reach: float, at: float) -> None:
    row = ForestRow(
        name="slow", value=reach * at, low=reach * (at - 1), high=reach * (at + 1), n=9, unit=unit
    )
    spans = []
    for each in parsed(forest_plot([row], title="t")).iter("text"):
        if float(each.attrib["y"]) > 60:
            place, wide = 3.4 * float(each.attrib["x"][:-1]), 7.0 * len(each.text or "")
            left = place - {"start": 0.0, "middle": wide / 2, "end": wide}[each.attrib["text-anchor"]]
            spans.append((left, left + wide))
    assert spans
    assert all(left[1] < right[0] for left, right in pairwise(spans))


def test_a_forest_gives_each_metric_its_own_scale_and_shades_the_margin() -> None:
    rows = [
        ForestRow(name="hit@5", value=0.05, low=0.01, high=0.09, n=178, unit="ratio", margin=0.02),
        ForestRow(
            name="latency-p95", value=120.0, low=-40.0, high=300.0, n=178, unit="ms", higher_is_better=False
        ),
    ]
    svg = forest_plot(rows, title="Candidate minus baseline")
    root = parsed(svg)
    assert len(root.findall(".//rect[@class='margin']")) == 2
    assert len(root.findall(".//line[@class='zero']")) == 2
    assert len(root.findall(".//line[@class='threshold']")) == 1, "no margin, no line"
    said = words(svg)
    assert {"hit@5", "latency-p95", "better →", "← better"} <= set(said)
    assert any(word.endswith(" ms") for word in said)
    assert "n = 178" in (root.findtext("desc") or "")


def test_items_that_are_right_or_wrong_are_one_bar_in_two_colours() -> None:
    drawn = distribution_plot([1.0, 1.0, 0.0, 1.0], unit="ratio", title="Items by hit@5")
    right, wrong = parsed(drawn).findall("rect")
    assert (right.get("width"), wrong.get("width")) == ("75.000%", "25.000%")
    assert words(drawn) == ["3 good", "1 bad"]
    turned = distribution_plot([1.0, 0.0], unit="ratio", higher_is_better=False, title="over-refusal")
    assert parsed(turned).findall("rect")[0].get("class") == "bar right"


def test_a_histogram_holds_every_item_and_says_what_it_cut() -> None:
    values = [float(number) for number in range(1, 200)] + [1e6]
    drawn = distribution_plot(values, unit="ms", title="Items by latency")
    assert "2 beyond" in words(drawn)
    assert "200 values from 1 ms to 16.7 min, median 100 ms" in drawn
    heights = [float(bar.get("height", "0")) for bar in parsed(drawn).findall("rect")]
    assert max(heights) == 34.0
    assert len(heights) <= 24


@pytest.mark.parametrize("values", [[], [math.nan, math.inf], [3.0, 3.0, 3.0]])
def test_what_does_not_vary_has_no_histogram(values: list[float]) -> None:
    assert distribution_plot(values, unit="USD", title="cost") == ""


@given(st.lists(st.floats(allow_nan=True), max_size=30), st.sampled_from(["ratio", "ms", "USD", ""]))
def test_any_values_can_be_spread_out(values: list[float], unit: str) -> None:
    drawn = distribution_plot([value for value in values if abs(value) < 1e200], unit=unit, title="any")
    assert drawn == "" or parsed(drawn).get("role") == "img"


def test_a_curve_of_risk_stands_between_its_shares_and_marks_what_was_chosen() -> None:
    points = [CurvePoint(answered=0.1, wrong=0.0), CurvePoint(answered=1.0, wrong=0.4)]
    drawn = risk_plot(points, target=0.1, chosen=points[0], title="risk")
    (line,) = [each for each in parsed(drawn).findall("line") if each.get("class") == "curve"]
    assert line.get("x2") == "98.000%"
    assert "chosen: 10 % answered, 0 % of them wrong" in drawn
    assert "no threshold is certified" in risk_plot(points, target=0.1, chosen=None, title="risk")


def test_a_span_is_drawn_where_it_ran() -> None:
    svg = span_bar(
        name="chat", start_ms=250.0, duration_ms=500.0, first_token_ms=100.0, total_ms=1000.0, error=False
    )
    bars = parsed(svg).findall(".//rect")
    assert (bars[1].get("x"), bars[1].get("width")) == ("25%", "10%"), "the wait for the first token"
    assert (bars[2].get("x"), bars[2].get("width")) == ("35%", "40%")
    assert parsed(svg).findtext("desc") == "starts at 250 ms, lasts 500 ms, first token after 100 ms"


def test_a_span_of_unknown_length_says_so() -> None:
    svg = span_bar(name="x", start_ms=0.0, duration_ms=None, first_token_ms=None, total_ms=0.0, error=True)
    assert "lasts an unknown time" in svg
    assert parsed(ruler(0.0)).findtext("desc") == "0 to 0 ms"


def test_names_in_a_drawing_cannot_leave_it() -> None:
    svg = span_bar(
        name='"><script>\u202e', start_ms=0, duration_ms=1, first_token_ms=None, total_ms=1, error=False
    )
    assert "<script" not in svg
    assert parsed(svg).findtext("title") == '"><script>⟨U+202E⟩'


def test_a_correction_shows_what_was_judged_above_what_it_becomes() -> None:
    raw = IntervalMark(value=0.86, low=0.82, high=0.9, n=400, unit="ratio")
    corrected = IntervalMark(value=0.81, low=0.77, high=0.85, n=230, unit="ratio", threshold=0.7, state="met")
    root = parsed(correction_plot(corrected, raw=raw, title="grounded"))
    assert root.findtext("desc") == "as judged 86 % (82 to 90, n = 400); corrected 81 % (77 to 85, n = 230)"
    heights = [float(point.attrib["cy"]) for point in root.iter("circle")]
    assert heights == sorted(heights)
    assert [group.get("class") for group in root.iter("g")] == ["stale", "met"]
    alone = parsed(correction_plot(corrected, raw=None, title="grounded"))
    assert len(list(alone.iter("circle"))) == 1


def test_a_difference_is_drawn_around_nothing() -> None:
    mark = IntervalMark(value=0.2, low=0.1, high=0.3, n=60, unit="points")
    root = parsed(interval_plot(mark, title="bias", around=0.0))
    line = root.find(".//line[@class='zero']")
    assert line is not None
    assert line.get("x1") == "50%"
    point = root.find(".//circle")
    assert point is not None
    assert float(point.attrib["cx"][:-1]) > 50


def test_a_map_of_questions_is_as_wide_as_they_are_many() -> None:
    root = parsed(coverage_plot(60, kinds=[30, 6], rest=4, title="asked"))
    bars = [(float(bar.attrib["x"][:-1]), float(bar.attrib["width"][:-1])) for bar in root.iter("rect")]
    assert [round(start) for start, _ in bars] == [0, 60, 90, 96]
    assert [round(width) for _, width in bars] == [60, 30, 6, 4]
    assert words(coverage_plot(60, kinds=[30, 6], rest=4, title="asked")) == [
        "1",
        "2",
        "60 near an item",
        "40 without one",
    ]


@given(
    covered=st.integers(0, 10**6),
    kinds=st.lists(st.integers(1, 10**5), max_size=60),
    rest=st.integers(0, 10**5),
)
@settings(max_examples=50)
def test_a_map_of_any_questions_stays_within_its_strip(covered: int, kinds: list[int], rest: int) -> None:
    for bar in parsed(coverage_plot(covered, kinds=kinds, rest=rest, title="t")).iter("rect"):
        assert 0 <= float(bar.attrib["x"][:-1]) <= 100
        assert float(bar.attrib["x"][:-1]) + float(bar.attrib["width"][:-1]) <= 100.1


def test_readings_climb_and_turn_red_past_what_is_allowed() -> None:
    moments = [AT + timedelta(days=number) for number in range(4)]
    root = parsed(spending_plot(moments, budget=3, title="t"))
    heights = [float(point.attrib["cy"]) for point in root.iter("circle")]
    assert heights == sorted(heights, reverse=True)
    assert [group.get("class") for group in root.iter("g")] == ["", "", "", "unmet"]
    assert "allowed: 3 readings" in words(spending_plot(moments, budget=3, title="t"))
    assert parsed(spending_plot(moments, budget=None, title="t")).find(".//line[@class='threshold']") is None


@given(number=st.integers(1, 200), budget=st.none() | st.integers(0, 50))
@settings(max_examples=30)
def test_any_number_of_readings_is_drawn(number: int, budget: int | None) -> None:
    root = parsed(spending_plot([AT] * number, budget=budget, title="t"))
    assert len(list(root.iter("circle"))) == min(number, 60)
    assert str(root.findtext("desc")).startswith(f"{number} reading")


def test_evidence_is_drawn_against_the_bounds_of_looks_and_what_always_holds() -> None:
    svg = looks_plot(
        [LookPoint(fraction=0.25, z=1.0), LookPoint(fraction=0.5, z=3.2)],
        bounds=[
            LookPoint(fraction=0.05, z=math.inf),
            LookPoint(fraction=0.5, z=2.96),
            LookPoint(fraction=1.0, z=1.97),
        ],
        always=[LookPoint(fraction=0.1, z=3.4), LookPoint(fraction=1.0, z=3.1)],
        title="resolved: evidence for candidate",
    )  # fmt: skip
    root = parsed(svg)
    assert root.findtext("desc") == (
        "3 planned looks; newest evidence: z 3.2 at 50 % of the planned users; bounds none, 2.96, 1.97"
    )
    assert len(root.findall(".//circle")) == 2
    assert len(root.findall(".//rect")) == 2, "a look that can show nothing has no bound to draw"
    heights = [float(circle.get("cy", "0")) for circle in root.findall(".//circle")]
    assert heights[1] < heights[0], "stronger evidence stands higher"
    assert float(root.findall(".//rect")[0].get("y", "0")) + 4 > heights[1], "3.2 is above the bound of 2.96"
    assert {"shown", "harm"} <= set(words(svg))
    assert "nothing seen yet" in looks_plot((), bounds=(), always=(), title="none")
