"""``/products/{product}/flags``: what is served to whom by flag, what they met, and who changed it."""

# ruff: noqa: S608 (names in SQL are of this project; values are parameters)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchworthy.console.flag_words import FlagStep, steps_of, value_text
from launchworthy.console.page import Again, Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.users import Users, users_of
from launchworthy.console.words import Link, count, moment, page_url, short
from launchworthy.records import EVALUATION, SEEN
from launchworthy.rollout.flags import Flag, FlagSet, read_flags
from launchworthy.rollout.ramp import RELEASE

__all__ = ["PAGE", "FlagCard", "FlagsView"]

_NAMED = 60
_MOST_VERSIONS = 30
_MET_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCard:
    """One flag.

    ``variants`` are name, value, and how many units met it. ``leads`` goes to its experiment or rollout.
    ``switches`` says whether the kill switch is here.
    """

    key: str
    state: str
    mark: str
    word: str
    facts: str
    steps: tuple[FlagStep, ...]
    variants: tuple[tuple[str, str, str], ...]
    leads: Link
    switches: bool
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsView:
    """What the page receives; ``versions`` are number, when, by whom, why, newest first."""

    head: Head
    users: Users
    flags: tuple[FlagCard, ...]
    versions: tuple[tuple[str, str, str, str], ...]
    action: str
    token: str
    again: Again
    may_act: bool
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> FlagsView:
    """The flags in force."""
    product = ask.path["product"]
    told, since = reading.flags(product), ask.now - _MET_FOR
    users = users_of(reading, ask.query, product=product, page="flags", since=since, until=ask.now)
    found = FlagSet(product=product) if told is None else read_flags(told["flags"])
    history = reading.flag_history(product)
    met = _met(reading, product, since=since, until=ask.now, simulated=users.simulated)
    if (release := found.flags.get(RELEASE)) is not None:
        served = _served(reading, product, since=since, until=ask.now, simulated=users.simulated)
        met |= {(RELEASE, name): served.get(str(value), 0) for name, value in release.variants.items()}
    return FlagsView(
        head=Head(
            title=_title(found),
            reason=_reason(history),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Flags"),
            ),
        ),
        users=users,
        flags=tuple(
            _card(flag, found, met, product=product)
            for _, flag in sorted(found.flags.items(), key=lambda each: (each[0] != RELEASE, each[0]))
        ),
        versions=tuple(
            (str(each["version"]), moment(datetime.fromisoformat(each["at"])), each["by"], each["reason"])
            for each in history[:_MOST_VERSIONS]
        ),
        action=page_url("products", product, "flags"),
        token=ask.token,
        again=ask.again,
        may_act=ask.may_look,
        empty=None
        if found.flags
        else Empty(
            what="A flag gives something to some, keeps everybody in the arm they met first, and records who "
            "saw what. The release on its way is a flag too.",
            command='launchworthy flags set flags.yaml --because "…"',
        ),
    )


def _title(found: FlagSet) -> str:
    flags = [flag for key, flag in found.flags.items() if key != RELEASE]
    off = sum(not flag.enabled for flag in flags)
    released = RELEASE in found.flags
    if not flags:
        return "No flag but that of the release on its way" if released else "No flag is in force"
    said = f"{count(len(flags), 'flag')} in force"
    if off:
        said += ", switched off" if off == len(flags) else f", {off:,} switched off"
    return said + (", and the release on its way" if released else "")


def _reason(history: list[Mapping[str, Any]]) -> str:
    if not history:
        return ""
    last = history[0]
    who, at = short(last["by"], most=_NAMED), moment(datetime.fromisoformat(last["at"]))
    return f"Version {last['version']}, by {who} {at}: {short(last['reason'], most=300)}"


def _card(flag: Flag, found: FlagSet, met: Mapping[tuple[str, str], int], *, product: str) -> FlagCard:
    is_release, splits = flag.key == RELEASE, any(rule.split for rule in flag.rules)
    state = ("met", "●", "on") if flag.enabled else ("waived", "■", "switched off")
    facts = [f"assigned by {flag.unit}, {flag.algorithm}"]
    facts += [f"generation {flag.generation}"] if flag.generation > 1 and not is_release else []
    if flag.namespace is not None:
        facts.append(
            f"in the namespace {flag.namespace.name} from {flag.namespace.low:g} to {flag.namespace.high:g}"
        )
    leads = Link(text="")
    if is_release:
        leads = Link(text="Its rollout decides about it", url=page_url("products", product, "rollout"))
    elif splits:
        leads = Link(text="What it changes", url=page_url("products", product, "experiments", flag.key))
    return FlagCard(
        key=flag.key,
        state=state[0],
        mark=state[1],
        word=state[2],
        facts=", ".join(facts),
        steps=steps_of(flag, found),
        variants=tuple(
            (name, value_text(value), f"{met.get((flag.key, name), 0):,}")
            for name, value in flag.variants.items()
        ),
        leads=leads,
        switches=not is_release,
        enabled=flag.enabled,
    )


def _met(
    reading: Reading, product: str, *, since: datetime, until: datetime, simulated: bool
) -> dict[tuple[str, str], int]:
    rows = reading.query(
        "SELECT flag, variant, count(DISTINCT coalesce(unit, user_id)) AS n FROM exposures "
        "WHERE product = ? AND time BETWEEN ? AND ? AND coalesce(simulated, false) = ? GROUP BY ALL",
        [product, int(since.timestamp() * 1e9), int(until.timestamp() * 1e9), simulated],
    )
    return {(row["flag"], row["variant"]): row["n"] for row in rows}


def _served(
    reading: Reading, product: str, *, since: datetime, until: datetime, simulated: bool
) -> dict[str, int]:
    """How many called each release: who was moved by another way than the flag met it too."""
    rows = reading.query(
        "SELECT release, count(DISTINCT coalesce(user_id, session_id, hex(trace_id))) AS n FROM spans "
        f"WHERE product = ? AND start_time BETWEEN ? AND ? AND coalesce(simulated, false) = ? AND {SEEN} "
        f"AND cohort IS DISTINCT FROM '{EVALUATION}' AND release IS NOT NULL GROUP BY release",
        [product, int(since.timestamp() * 1e9), int(until.timestamp() * 1e9), simulated],
    )
    return {row["release"]: row["n"] for row in rows}


PAGE = Page(name="flags", path="/products/{product}/flags", template="flags.html", view=view)
