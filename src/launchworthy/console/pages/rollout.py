"""``/products/{product}/rollout``: where a release is on its way, what is known of harm, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import ForestRow, HistoryPoint, forest_plot, history_plot
from launchworthy.console.claims import claim_url
from launchworthy.console.measured import MeasuredRow, measured_rows
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, moment, page_url, sentence, short
from launchworthy.evidence import Evidence
from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.records.incident import Incident

__all__ = ["PAGE", "HarmPlot", "HarmRow", "RolloutView", "StageStep", "StepRow"]

_NAMED = 60
_MOST_POINTS = 60
_MOST_STEPS = 50
_MOST_EARLIER = 20
_LOOK = "look"
_WORDS = {
    "running": ("unsure", "▸", "on its way"),
    "held": ("unmet", "‖", "held"),
    "complete": ("met", "✓", "with everybody"),
    "rolled_back": ("unmet", "↩", "taken back"),
    "stopped": ("waived", "■", "given up"),
}
_MARKS = {"met": "●", "unmet": "✕", "unproven": "◌"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStep:
    """One stage: whether it was passed, is where the release stands, or comes later."""

    name: str
    share: str
    state: str
    mark: str
    word: str
    more: str
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmPlot:
    """One harm as it was measured over time, against its margin: drawn, and in numbers."""

    name: Link
    state: str
    mark: str
    reason: str
    bounds: str
    plot: Markup | None
    measured: tuple[MeasuredRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmRow:
    """One harm as it stands, in numbers."""

    name: Link
    difference: str
    n: str
    allowed: str
    state: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One thing that was done."""

    at: str
    what: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """What the page receives."""

    head: Head
    stages: tuple[StageStep, ...]
    follows: tuple[tuple[str, str], ...]
    incident: Link | None
    waits_for: tuple[Link, ...]
    commands: tuple[str, ...]
    forest: Markup | None
    numbers: tuple[HarmRow, ...]
    harms: tuple[HarmPlot, ...]
    unsure: tuple[HarmPlot, ...]
    steps: tuple[StepRow, ...]
    earlier: tuple[tuple[str, str, str, str], ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> RolloutView:
    """The newest ramp; those before it in a table."""
    product = ask.path["product"]
    ramps = reading.ramps(product)
    trail = (
        Link(text="Products", url="/"),
        Link(text=short(product, most=_NAMED), url=page_url("products", product)),
        Link(text="Rollout"),
    )
    if not ramps:
        return _nothing(trail, product)
    ramp, verdict = ramps[0], reading.verdict(product)
    pieces = () if verdict is None else verdict.evidence
    harms = ramp.get("harms", ())
    plots = [_harm(each, ramp, pieces) for each in harms]
    drawn = [(each, row) for each in harms if (row := _row(each)) is not None]
    return RolloutView(
        head=Head(title=_title(ramp), reason=_reason(ramp), section="products", trail=trail),
        stages=_stages(ramp),
        follows=_follows(ramp),
        incident=_incident(ramp, reading.incidents(product)),
        waits_for=tuple(
            Link(text=address.partition("/")[2], url=claim_url(product, address))
            for address in ramp.get("next", {}).get("waits_for", ())
        ),
        commands=_commands(ramp),
        forest=forest_plot([row for _, row in drawn], title="What the release changes") if drawn else None,
        numbers=tuple(_numbers(each, row, product) for each, row in drawn),
        harms=tuple(plot for plot in plots if plot.plot is not None),
        unsure=tuple(plot for plot in plots if plot.plot is None),
        steps=tuple(_step(each) for each in reversed(ramp["steps"][-_MOST_STEPS:])),
        earlier=tuple(_earlier(each) for each in ramps[1 : 1 + _MOST_EARLIER]),
        empty=None,
    )


def _nothing(trail: tuple[Link, ...], product: str) -> RolloutView:
    return RolloutView(
        head=Head(
            title=f"No release of {short(product, most=_NAMED)} is on its way",
            section="products",
            trail=trail,
        ),
        stages=(),
        follows=(),
        incident=None,
        waits_for=(),
        commands=(),
        forest=None,
        numbers=(),
        harms=(),
        unsure=(),
        steps=(),
        earlier=(),
        empty=Empty(
            what="A release is brought to its users stage by stage, as the contract's rollout block says. "
            "It is compared with what the others get, and taken back where harm is proven.",
            command=f"launchworthy rollout start --product {product}",
        ),
    )


def _title(ramp: Mapping[str, Any]) -> str:
    stage, last = ramp["stage"], ramp["steps"][-1]
    within = f"{stage}, {format_value(ramp['share'], unit='ratio')} of {ramp['unit']}s"
    match ramp["state"]:
        case "rolled_back":
            return f"Taken back at {last['stage']}"
        case "stopped":
            return f"Given up at {last['stage']}"
        case "held":
            return "Held before the first stage" if stage is None else f"Held in {within}"
        case "complete":
            return f"With everybody since {stage}"
    where = "Not begun" if stage is None else f"In {within}"
    harms = ramp.get("harms", ())
    if not harms or not ramp["exposed_since"]:
        return where
    met = sum(each["state"] == "met" for each in harms)
    if not met:
        return f"{where}: harm is not ruled out yet"
    return f"{where}: harm is ruled out" + (
        "" if met == len(harms) else f" by {met:,} of {len(harms):,} measures"
    )


def _reason(ramp: Mapping[str, Any]) -> str:
    against = (
        f"against {ramp['baseline']}" if ramp["baseline"] else "a first release, with nothing to compare"
    )
    parts = [f"{ramp['release']} {against}"]
    if ramp["exposed_since"]:
        parts.append(
            f"the first {ramp['unit']} had it {moment(datetime.fromisoformat(ramp['exposed_since']))}"
        )
    if ramp["state"] in ("rolled_back", "stopped", "held"):
        parts.append(short(ramp["steps"][-1]["reason"], most=400))
    return "; ".join(parts) + "."


def _stages(ramp: Mapping[str, Any]) -> tuple[StageStep, ...]:
    names = [each["name"] for each in ramp["stages"]]
    at = names.index(ramp["stage"]) if ramp["stage"] in names else -1
    state, mark, word = _WORDS[ramp["state"]]
    found = []
    for place, each in enumerate(ramp["stages"]):
        told = (
            (state, mark, word)
            if place == at
            else ("met", "✓", "passed")
            if place < at
            else ("waived", "", "later")
        )
        more = [] if each["dwell_ms"] is None else [f"lasts {format_value(each['dwell_ms'], unit='ms')}"]
        more += [] if each["sample"] is None else [f"sees {each['sample']:,} calls"]
        more += [] if each["approver"] is None else [f"{each['approver']} approves"]
        found.append(
            StageStep(
                name=each["name"],
                share=f"{format_value(each['share'], unit='ratio')} of {ramp['unit']}s",
                state=told[0],
                mark=told[1],
                word=told[2],
                more=", ".join(more),
                here=place == at,
            )
        )
    return tuple(found)


def _follows(ramp: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    following = ramp.get("next")
    if following is None or ramp["state"] in ("rolled_back", "stopped"):
        return ()
    rows = [("Next", sentence(following["because"]))]
    if following["until"]:
        rows.append(("Not before", moment(datetime.fromisoformat(following["until"]))))
    if ramp["takes_back"]:
        within = "" if ramp["within_ms"] is None else f" within {format_value(ramp['within_ms'], unit='ms')}"
        rows.append(("On harm", f"taken back by itself{within}, with an incident"))
    else:
        rows.append(("On harm", "held, and a person takes it back"))
    rows += [("In shadow", sentence(said)) for said in (ramp.get("shadow") or {}).get("said", ())]
    return tuple(rows)


def _incident(ramp: Mapping[str, Any], known: Iterable[Incident]) -> Link | None:
    """What its rollback opened."""
    one = next((each for each in known if each.facts.get("ramp") == ramp["id"]), None)
    if one is None:
        return None
    return Link(
        text=f"{one.id}, {one.state.value}", url=page_url("products", ramp["product"], "incidents", one.id)
    )


def _commands(ramp: Mapping[str, Any]) -> tuple[str, ...]:
    if ramp["state"] in ("rolled_back", "stopped"):
        return (f"launchworthy rollout start --product {ramp['product']}",)
    follow = {"held": "resume"}.get(ramp["state"], "hold")
    names = ["roll-back"] if ramp["state"] == "complete" else [follow, "roll-back"]
    return tuple(f'launchworthy rollout {name} --product {ramp["product"]} --because "…"' for name in names)


def _row(harm: Mapping[str, Any]) -> ForestRow | None:
    if harm["value"] is None or not math.isfinite(harm["value"]):
        return None
    return ForestRow(
        name=harm["of"],
        value=harm["value"],
        low=-math.inf if harm["low"] is None else harm["low"],
        high=math.inf if harm["high"] is None else harm["high"],
        n=harm["n"],
        unit=difference_unit(harm["unit"] or ""),
        margin=harm["margin"] or 0.0,
        higher_is_better=harm["direction"] == "at_least",
        state=harm["state"],
    )


def _numbers(harm: Mapping[str, Any], row: ForestRow, product: str) -> HarmRow:
    limit = format_value(-row.margin if row.higher_is_better else row.margin, unit=row.unit)
    return HarmRow(
        name=Link(text=row.name, url=claim_url(product, harm["claim"])),
        difference=format_interval(row.value, row.low, row.high, unit=row.unit),
        n=f"{row.n:,}",
        allowed=f"{'at least' if row.higher_is_better else 'at most'} {limit}",
        state=row.state,
        mark=_MARKS.get(row.state, "◐"),
    )


def _harm(harm: Mapping[str, Any], ramp: Mapping[str, Any], pieces: Sequence[Evidence]) -> HarmPlot:
    points = _points(harm, ramp, pieces)
    looks = sum(point.look is not None for point in points)
    margin, better = harm["margin"] or 0.0, harm["direction"] == "at_least"
    return HarmPlot(
        name=Link(text=harm["of"], url=claim_url(ramp["product"], harm["claim"])),
        state=harm["state"],
        mark=_MARKS.get(harm["state"], "◐"),
        reason=harm["reason"],
        bounds="Each interval holds at every moment"
        + ("; the thick part at a planned look." if looks else "."),
        plot=history_plot(
            points,
            threshold=-margin if better else margin,
            direction=harm["direction"] or "at_most",
            unit=difference_unit(harm["unit"] or ""),
            title=f"{harm['of']}: candidate minus baseline, as it was seen",
        )
        if points
        else None,
        measured=measured_rows(points, unit=difference_unit(harm["unit"] or "")),
    )


def _points(
    harm: Mapping[str, Any], ramp: Mapping[str, Any], pieces: Sequence[Evidence]
) -> list[HistoryPoint]:
    """What was seen of a harm, oldest first, with the planned looks at it; the newest has its state."""
    if ramp["exposed_since"] is None:
        return []
    since = datetime.fromisoformat(ramp["exposed_since"])
    points = [
        HistoryPoint(
            at=piece.observed_at,
            value=piece.value,
            low=piece.low,
            high=piece.high,
            n=piece.n,
            release=piece.release or "",
        )
        for piece in pieces
        if piece.claim == harm["claim"] and piece.release == ramp["release"] and piece.observed_at >= since
        if piece.value is not None and piece.low is not None and piece.high is not None
    ][-_MOST_POINTS:]
    for at, bounds in _looks(harm, ramp):
        place = next((place for place in reversed(range(len(points))) if points[place].at <= at), None)
        if place is not None:
            points[place] = replace(points[place], look=bounds)
    if points:
        points[-1] = replace(points[-1], state=harm["state"])
    return points


def _looks(
    harm: Mapping[str, Any], ramp: Mapping[str, Any]
) -> Iterator[tuple[datetime, tuple[float, float]]]:
    for step in ramp["steps"]:
        for each in step["facts"].get("harms", ()) if step["action"] == _LOOK else ():
            if each["claim"] == harm["claim"] and each.get("low") is not None:
                yield datetime.fromisoformat(step["at"]), (each["low"], each["high"])


def _step(step: Mapping[str, Any]) -> StepRow:
    action = step["action"].replace("_", " ")
    return StepRow(
        at=moment(datetime.fromisoformat(step["at"])),
        what=f"{action} {step['stage']}",
        by=step["by"] or "by itself",
        reason=short(step["reason"], most=600),
    )


def _earlier(ramp: Mapping[str, Any]) -> tuple[str, str, str, str]:
    last = ramp["steps"][-1]
    state = _WORDS[ramp["state"]][2]
    where = f"{state} at {last['stage']}"
    return (
        ramp["release"],
        ramp["baseline"] or "none",
        where,
        f"{moment(datetime.fromisoformat(last['at']))}: {short(last['reason'], most=200)}",
    )


PAGE = Page(name="rollout", path="/products/{product}/rollout", template="rollout.html", view=view)
