"""Can the people who review and label do what is asked, and agree on it. May import this room only."""

from __future__ import annotations

from collections.abc import Iterator

from launchworthy.contract.arithmetic.figures import apart, count, no_less, no_more, percent
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Screening, Term, screening, targets
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.model.workflow import Workflow
from launchworthy.contract.problem import Severity
from launchworthy.contract.units import per_day
from launchworthy.contract.vocabulary import Measure, find_word
from launchworthy.quantity import Quantity, format_number

__all__ = ["human_ceiling", "label_volume", "review_volume"]

_NEARLY = 1e-9


def review_volume(contract: Contract) -> Iterator[Finding]:
    """Reviews that recall, base rate and precision imply, against those that people can do."""
    for workflow, block in contract.workflows.items():
        screen = screening(workflow, block)
        if screen is None or screen.frequency is None:
            continue
        implied = screen.picked * screen.frequency.value
        for term, action in _room(contract, workflow, block):
            if implied > term.value * (1 + _NEARLY):
                yield Finding(
                    path=term.path,
                    code="LW246",
                    message=f"{term.name} is {count(term.value)} a day, but recall {screen.recall.shown} × "
                    "base "
                    f"rate {screen.base_rate.shown} × {count(screen.frequency.value)} a day ÷ precision "
                    f"{screen.precision.shown} = {_more(implied, term.value)} {action} a day",
                    hint=_ways(screen, term.value),
                    uses=screen.uses,
                )


def _room(contract: Contract, workflow: str, block: Workflow) -> Iterator[tuple[Term, str]]:
    """How many a day each place takes: the band that is reviewed, and the workflow of those who review."""
    capacity = {} if block.decide is None else block.decide.capacity
    bands = () if block.decide is None else block.decide.bands
    action = bands[-1] if bands and bands[-1] in capacity else next(iter(capacity), None)
    if action is not None:
        daily = per_day(capacity[action])
        if daily is not None:
            path: KeyPath = ("workflows", workflow, "decide", "capacity", action)
            yield Term(path=path, value=daily, unit="1/d"), action
    for other, reviews in contract.workflows.items():
        # Those who decide about what was picked out, and must not see the score before: that is the review.
        same = reviews.decides == block.decides and reviews.predicts is None and bool(reviews.hides)
        daily = None if reviews.frequency is None else per_day(reviews.frequency)
        if other != workflow and block.decides is not None and same and daily is not None:
            yield (
                Term(path=("workflows", other, "frequency"), value=daily, unit="1/d"),
                action or "cases to review",
            )


def _more(implied: float, room: float) -> str:
    told = count(implied)
    return told if told != count(room) else apart(implied, room, "")


def _ways(screen: Screening, room: float) -> str:
    frauds = screen.base_rate.value * (screen.frequency.value if screen.frequency else 0.0)
    precision, recall = screen.recall.value * frauds / room if room else 2.0, room * screen.precision.value
    ways = [f"a precision of {no_less(precision, 'ratio')}"] if precision < 1 else []
    ways.append(f"a recall of {no_more(recall / frauds, 'ratio')}")
    ways.append(f"room for {no_less(screen.recall.value * frauds / screen.precision.value, '1/d')}")
    return f"it takes {', or '.join(ways)}"


def label_volume(contract: Contract) -> Iterator[Finding]:
    """Labels that judges and samples need, against those that people bring in time."""
    items = _items_a_day(contract)
    if items is None:
        return
    told = _sources(contract)
    valid = contract.proof.valid_for
    within = items * valid.value / 86_400_000.0
    uses: tuple[KeyPath, ...] = (("labels", "sources"), ("proof", "valid_for"))
    needed = sum(judge.labels for judge in contract.proof.judges.values())
    if needed > within * (1 + _NEARLY):
        first = max(contract.proof.judges, key=lambda name: contract.proof.judges[name].labels)
        judges = "1 judge needs" if len(contract.proof.judges) == 1 else "the judges need"
        yield Finding(
            path=("proof", "judges", first),
            code="LW247",
            message=f"proof/judges: {judges} {needed:,} labelled items within the {valid} for which evidence "
            f"counts, and {told}: {count(within)} by then",
            hint=f"it takes {no_less(needed * 7 * 86_400_000.0 / valid.value, '')} items a week, or fewer "
            "labels "
            "for "
            "each judge",
            uses=uses,
        )
    random = contract.labels.sample.get("random")
    calls = sum(per_day(block.frequency) or 0.0 for block in contract.workflows.values() if block.frequency)
    asked = 0.0 if random is None else random.value * calls
    if random is not None and asked > items * (1 + _NEARLY):
        yield Finding(
            path=("labels", "sample", "random"),
            code="LW247",
            message=f"labels/sample/random: {random} of {count(calls)} calls a day is {count(asked * 7)} "
            "items a "
            f"week once everyone is served, and {told}",
            hint=f"write {no_more(items / calls, 'ratio')}, or raise the volume",
            severity=Severity.WARNING,
            uses=(*uses, ("workflows",)),
        )


def _items_a_day(contract: Contract) -> float | None:
    """Items that all sources with a volume label; where each takes two raters, half of what they do."""
    found = []
    for source in contract.labels.sources.values():
        rate = None if source.volume is None else per_day(source.volume)
        if rate is not None:
            found.append(rate / ((source.per_item or 1) + (source.second.value if source.second else 0.0)))
    return sum(found) if found else None


def _sources(contract: Contract) -> str:
    parts = []
    for name, source in contract.labels.sources.items():
        rate = None if source.volume is None else per_day(source.volume)
        if rate is None:
            continue
        each = (source.per_item or 1) + (source.second.value if source.second else 0.0)
        doubled = f" in {source.volume}, {format_number(each)} for each" if each > 1 else ""
        parts.append(f"{name} labels {count(rate * 7 / each)} items a week{doubled}")
    return ", ".join(parts)


def human_ceiling(contract: Contract) -> Iterator[Finding]:
    """Targets above what those who judge them agree on.

    Two raters whose agreement beyond chance is kappa (Cohen 1960) and who both find a share t good agree on
    1 - 2 t (1 - t) (1 - kappa) of all items. Where that is below t, their disagreement is larger than the
    error that the target allows, and the target says nothing.
    """
    labels = contract.labels.agreement
    for workflow, block in contract.workflows.items():
        for metric, line, term in targets(workflow, block, "quality"):
            word = find_word("quality", metric)
            if word is None or word.measure is not Measure.PROPORTION or term.unit != "ratio":
                continue
            judge = getattr(line, "judge", None)
            if judge is not None and judge in contract.proof.judges:
                path: KeyPath = ("proof", "judges", judge)
                agreement, who = contract.proof.judges[judge].agreement.at_least, f"{judge} and people"
            elif judge is None and labels is not None:
                path = ("labels", "agreement")
                agreement, who = labels.at_least, "raters"
            else:
                continue
            good = term.value if line.direction.value == "at_least" else 1.0 - term.value
            ceiling = _agreed(good, agreement)
            if good > ceiling + _NEARLY:
                yield _above(term, line.direction.value, good, ceiling, agreement, who, path)


def _agreed(good: float, agreement: Quantity) -> float:
    if agreement.unit == "ratio":
        return agreement.value
    return 1.0 - 2.0 * good * (1.0 - good) * (1.0 - agreement.value)


def _above(
    term: Term, side: str, good: float, ceiling: float, agreement: Quantity, who: str, path: KeyPath
) -> Finding:
    kappa = agreement.unit != "ratio"
    basis = (
        f"{who} need to agree only to {agreement} beyond chance, and then agree on {percent(ceiling)} of "
        "items"
        if kappa
        else f"{who} need to agree on no more than {agreement} of items"
    )
    target = f"{side.replace('_', ' ')} {term.shown}"
    # The agreement at which what is agreed on reaches the target.
    least = no_less(max(0.0, 1.0 - 1.0 / (2.0 * good)), "") if kappa else no_less(good, "ratio")
    return Finding(
        path=(*term.path, side),
        code="LW249",
        message=f"{term.name} is {target}, but {basis}: their disagreement is more than the target allows",
        hint=f"ask for an agreement of {least} at least, or lower the target",
        uses=(path,),
    )
