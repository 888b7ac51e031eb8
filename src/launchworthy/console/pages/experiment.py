"""``/products/{product}/experiments/{key}``: what an experiment says, and the bounds it is read at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from launchworthy.console.experiment_report import experiment_parts
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.report import ReportPart
from launchworthy.console.users import Users, users_among
from launchworthy.console.words import Link, count, day, moment, page_url, sentence, short
from launchworthy.errors import InputError, NotFoundError
from launchworthy.evidence import AuditFilter
from launchworthy.rollout.experiment import (
    PLAN_KIND,
    DeclaredPlan,
    StoredExperiment,
    StoredSummary,
    declared_plans,
    stored_experiment,
    stored_experiments,
    title_of,
)

__all__ = ["LIST_PAGE", "PAGE", "ExperimentView", "ExperimentsView", "Row"]

_NAMED = 60
_MOST_PLANS = 500
_COMMAND = "launchworthy experiment declare --plan experiment.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentView:
    """What the page receives."""

    head: Head
    users: Users
    parts: tuple[ReportPart, ...]
    remarks: tuple[str, ...]
    command: str
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One experiment of the list."""

    name: Link
    units: str
    first: str
    last: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentsView:
    """What the list receives."""

    head: Head
    users: Users
    rows: tuple[Row, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> ExperimentView:
    """One experiment, as its records show it now."""
    product, key = ask.path["product"], ask.path["key"]
    users = _users(reading, ask, product)
    trail = (
        *_trail(product),
        Link(text="Experiments", url=page_url("products", product, "experiments")),
        Link(text=short(key, most=_NAMED)),
    )
    try:
        found = stored_experiment(
            reading.query,
            product=product,
            key=key,
            plans=_plans(reading, product).get(key, ()),
            simulated=users.simulated,
        )
    except (NotFoundError, InputError) as error:
        return ExperimentView(
            head=Head(title=f"{short(key, most=_NAMED)} cannot be read", section="products", trail=trail),
            users=users,
            parts=(),
            remarks=(),
            command="",
            empty=Empty(what=" ".join(f"{sentence(said)}." for said in (error.message, error.hint) if said)),
        )
    return ExperimentView(
        head=Head(title=_title(found), reason=_reason(found), section="products", trail=trail),
        users=users,
        parts=tuple(_parts(found)),
        remarks=tuple(_remarks(found)),
        command=_COMMAND if found.declared is None else f"launchworthy experiment show {key} --json",
        empty=None,
    )


def list_view(reading: Reading, ask: Ask) -> ExperimentsView:
    """Every experiment of the product, the newest first."""
    product = ask.path["product"]
    users = _users(reading, ask, product)
    found = stored_experiments(
        reading.query, product=product, plans=_plans(reading, product), simulated=users.simulated
    )
    planned = sum(each.declared is not None for each in found)
    title = "Nobody met two variants yet"
    if found:
        without = len(found) - planned
        title = f"{sentence(count(len(found), 'experiment'))}, {without or 'none'} without a plan"
    return ExperimentsView(
        head=Head(
            title=title,
            reason="A plan that was written before users came says what may be concluded.",
            section="products",
            trail=(*_trail(product), Link(text="Experiments")),
        ),
        users=users,
        rows=tuple(_row(product, each) for each in found),
        empty=None
        if found
        else Empty(
            what="An experiment is a flag of which units met at least two variants.",
            command=_COMMAND,
        ),
    )


def _users(reading: Reading, ask: Ask, product: str) -> Users:
    """Real units, or simulated ones where no real one met anything."""
    [seen] = reading.query(
        "SELECT count(*) FILTER (NOT coalesce(simulated, false)) AS real,"
        " count(*) FILTER (coalesce(simulated, false)) AS simulated FROM exposures WHERE product = ?",
        [product],
    )
    return users_among(
        ask.query,
        int(seen["real"]),
        int(seen["simulated"]),
        product=product,
        page="experiments",
        noun="exposure",
        none="no real one met anything",
    )


def _plans(reading: Reading, product: str) -> dict[str, list[DeclaredPlan]]:
    trail = reading.audit_trail(product, AuditFilter(kind=PLAN_KIND), before=None, limit=_MOST_PLANS)
    return declared_plans([(entry.at, entry.body) for entry in trail if entry.kind == PLAN_KIND])


def _trail(product: str) -> tuple[Link, ...]:
    return (
        Link(text="Products", url="/"),
        Link(text=short(product, most=_NAMED), url=page_url("products", product)),
    )


def _title(found: StoredExperiment) -> str:
    if found.declared is None:
        return f"{short(found.key, most=_NAMED)}: no plan says what it is to show"
    return sentence(title_of(found.reading))


def _reason(found: StoredExperiment) -> str:
    units = sum(found.reading.gathered.users.values())
    when = f"{count(units, 'unit')} from {day(found.first)} to {day(found.last)}."
    if found.declared is None:
        return f"{when} Differences are shown, nothing is concluded from them."
    return f"{sentence(found.reading.reason)}. {when}"


def _remarks(found: StoredExperiment) -> list[str]:
    told = []
    if found.declared is not None:
        told.append(f"The plan was written on {moment(found.declared)}.")
    if found.changed:
        told.append(
            f"A plan was written {count(found.changed, 'time')} after the first unit had come: what it fixes "
            "could have been chosen by what was seen."
        )
    told += [f"{name} is left out: {why}." for name, why in found.left_out.items()]
    return told


def _parts(found: StoredExperiment) -> list[ReportPart]:
    parts = experiment_parts(found.reading, history=found.history)
    if found.declared is not None:
        return parts
    # What nobody planned has no bounds to be read at, and its arms no shares to be off from.
    return [
        replace(part, lead=()) if part.picture else part
        for part in parts
        if "bounds of the plan" not in part.title and "planned" not in part.title
    ]


def _row(product: str, each: StoredSummary) -> Row:
    return Row(
        name=Link(
            text=short(each.key, most=_NAMED), url=page_url("products", product, "experiments", each.key)
        ),
        units=", ".join(f"{short(name, most=20)} {units:,}" for name, units in each.variants.items()),
        first=day(each.first),
        last=day(each.last),
        plan="none" if each.declared is None else f"of {day(each.declared)}",
    )


PAGE = Page(
    name="experiment",
    path="/products/{product}/experiments/{key:path}",
    template="experiment.html",
    view=view,
)
LIST_PAGE = Page(
    name="experiments", path="/products/{product}/experiments", template="experiments.html", view=list_view
)
