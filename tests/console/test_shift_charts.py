"""Drawings of drift are text: what they show can be read from it."""

from __future__ import annotations

from xml.etree import ElementTree

from launchworthy.console.charts import ShareBar, ShiftRow, shares_plot, shift_plot


def _parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_columns_stand_by_how_many_times_what_is_tolerated_and_1_is_the_line() -> None:
    drawn = shift_plot(
        [
            ShiftRow(name="amount", value=3.0, low=2.5, high=3.5, state="unmet"),
            ShiftRow(name="age", value=0.2, low=0.0, high=0.4, state="met"),
        ],
        title="How far columns moved",
    )
    root = _parsed(drawn)
    desc = root.find("desc")
    assert desc is not None
    assert desc.text == "in times what is tolerated: amount 3 (2.5 to 3.5); age 0.2 (0 to 0.4)"
    line = next(each for each in root.iter("line") if each.get("class") == "threshold")
    good = next(each for each in root.iter("rect") if each.get("class") == "good")
    assert line.get("x1") == good.get("width")
    points = [float(str(each.get("cx")).rstrip("%")) for each in root.iter("circle")]
    limit = float(str(line.get("x1")).rstrip("%"))
    assert points[1] < limit < points[0]


def test_what_is_far_beyond_stands_at_the_edge_without_a_cap() -> None:
    root = _parsed(shift_plot([ShiftRow(name="x", value=80.0, low=70.0, high=90.0)], title="t"))
    assert next(root.iter("circle")).get("cx") == "100%"
    assert len([each for each in root.iter("line") if each.get("class") == "whisker"]) == 2


def test_each_value_has_a_bar_then_and_now_and_both_shares_in_words() -> None:
    root = _parsed(
        shares_plot(
            [
                ShareBar(name="<de>", reference=0.5, current=0.25),
                ShareBar(name="fr", reference=0.5, current=0.75),
            ],
            title="country",
        )
    )
    bars = [(each.get("class"), each.get("width")) for each in root.iter("rect")]
    assert bars == [("bar wait", "58.667%"), ("bar", "29.333%"), ("bar wait", "58.667%"), ("bar", "88.000%")]
    texts = [each.text for each in root.iter("text")]
    assert texts == ["<de>", "50 % → 25 %", "fr", "50 % → 75 %"]


def test_nothing_to_compare_is_said() -> None:
    assert "nothing to compare" in shift_plot([], title="t")
    assert "no values" in shares_plot([], title="t")
