"""References that must lead somewhere, and combinations that cannot be. May import this room only.

Names are looked up in the file itself, so that a line left out for another error is not reported twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from launchworthy.contract.claiming import claims
from launchworthy.contract.document import Document, KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.model.measures import Line
from launchworthy.contract.model.workflow import FAMILIES, Workflow
from launchworthy.contract.problem import MOST_PROBLEMS, Problem, Severity, closest
from launchworthy.contract.standing import gold_signal
from launchworthy.contract.units import UnitKind, kind_of
from launchworthy.contract.vocabulary import CLOSED, VOCABULARY, MetricWord, find_word, suggestion
from launchworthy.quantity import Quantity

__all__ = ["check_references", "line_paths"]

# Families that have claims by default, so that a stage may need them where the file is silent.
_ALWAYS = ("data", "tools", "guards", "gold", "proof", "records", "limits")
_TRIGGERS = ("calls", "cost", "users")
_LIMITS = ("timeout", "cost_per_action", "turns", "steps", "actions_per_user")


def check_references(contract: Contract, document: Document, *, whole: bool) -> list[Problem]:
    """Everything that names something which is not there, or that cannot be together.

    ``whole`` is False where lines were left out, so that what is missing may only be broken.
    """
    return list(islice(_Checks(contract, document, whole=whole).all(), MOST_PROBLEMS))


def line_paths(document: Document) -> set[str]:
    """Address, without the product, of every line of the file; also without its workflow."""
    found: set[str] = set()
    for path in document.paths():
        parts = [str(part) for part in path]
        if parts[:1] == ["workflows"]:
            found.add("/".join(parts[1:]))
            found.add("/".join(parts[2:]))
        else:
            found.add("/".join(parts))
        if parts[:2] == ["labels", "sources"] and len(parts) == 3:
            found.add(f"labels/{parts[2]}")
    return found - {""}


class _Checks:
    def __init__(self, contract: Contract, document: Document, *, whole: bool) -> None:
        self.contract = contract
        self.whole = whole
        self.document = document
        self.lines = line_paths(document)
        plain = document.value if isinstance(document.value, dict) else {}
        self.owners = _names(plain.get("owners"))
        self.roles = _names(plain.get("roles"))
        self.workflows = _names(plain.get("workflows"))
        self.judges = _names(
            (plain.get("proof") or {}).get("judges") if isinstance(plain.get("proof"), dict) else None
        )
        self.sources = _names(
            (plain.get("data") or {}).get("sources") if isinstance(plain.get("data"), dict) else None
        )
        self.labels = _names(
            (plain.get("labels") or {}).get("sources") if isinstance(plain.get("labels"), dict) else None
        )

    @cached_property
    def by_depth(self) -> dict[int, list[str]]:
        """Lines by the number of their slashes, in order."""
        found: dict[int, list[str]] = {}
        for line in sorted(self.lines):
            found.setdefault(line.count("/"), []).append(line)
        return found

    @cached_property
    def addresses(self) -> set[str]:
        """Addresses of the claims, without the product."""
        prefix = f"{self.contract.product}/"
        return {claim.address.removeprefix(prefix) for claim in claims(self.contract)}

    def all(self) -> Iterator[Problem]:
        yield from self.product()
        for name, workflow in self.contract.workflows.items():
            yield from self.workflow(name, workflow)
        yield from self.safeguards()
        yield from self.proof()
        yield from self.running()
        yield from self.launching()

    def at(self, path: KeyPath, code: str, message: str, hint: str = "", *, key: bool = False) -> Problem:
        return Problem(place=self.document.place(path, of_key=key), code=code, message=message, hint=hint)

    def owner(self, path: KeyPath, name: str) -> Iterator[Problem]:
        if self.owners and name not in self.owners:
            hint = closest(name, self.owners) or f"owners are {', '.join(sorted(self.owners))}"
            yield self.at(path, "LW223", f'"{name}" is not an owner', hint)

    def role(self, path: KeyPath, name: str, *, or_owner: bool = False) -> Iterator[Problem]:
        known = self.roles | self.owners if or_owner else self.roles
        if name not in known and not (or_owner and not self.owners):
            what = "neither a role nor an owner" if or_owner else "not a role"
            there = f"known are {', '.join(sorted(known))}" if known else "`roles` names none"
            yield self.at(path, "LW222", f'"{name}" is {what}', closest(name, known) or there)

    def line(
        self, path: KeyPath, address: str, *, workflow: str | None = None, family: bool = False
    ) -> Iterator[Problem]:
        """A reference to a line: as it stands, within the workflow, or within any."""
        own = address.removeprefix(f"{self.contract.product}/")
        if own in self.lines and (workflow is None or own.partition("/")[0] not in FAMILIES):
            return
        if workflow is not None and f"{workflow}/{own}" in self.lines:
            return
        if family and (own in _ALWAYS or (own.partition("/")[0] in _ALWAYS and own in self.lines)):
            return
        known = self.by_depth.get(own.count("/"), [])
        hint = closest(own, known) or "name a line of this contract"
        yield self.at(path, "LW221", f'nothing stands at "{address}"', hint)

    def target(self, path: KeyPath, family: str, name: str, line: Line) -> Iterator[Problem]:
        word = find_word(family, name)
        if word is None:
            known = [each.name for each in VOCABULARY.get(family, ())]
            if family in CLOSED:
                yield self.at(
                    path, "LW220", f'unknown metric "{name}" in {family}', suggestion(family, name), key=True
                )
            elif hint := closest(name, known, cutoff=0.85):
                yield Problem(
                    place=self.document.place(path, of_key=True),
                    code="LW220",
                    message=f'"{name}" is taken as an event of your own',
                    hint=hint,
                    severity=Severity.WARNING,
                )
        for side in ("at_least", "at_most", "before", "every_slice", "margin"):
            value = getattr(line, side, None)
            if value is None:
                continue
            if word is not None and kind_of(value.unit) not in word.kinds:
                wanted = " or ".join(word.kinds)
                yield self.at((*path, side), "LW215", f"{name} is {wanted}, not {value}", _meant(value, word))
            elif value.unit.partition("/")[0] != line.threshold.unit.partition("/")[0]:
                yield self.at(
                    (*path, side), "LW215", f"{side} is {value}, but the target is {line.threshold}"
                )
            elif side != "before" and _is_share(value, word) and not 0 <= value.value <= 1:
                hint = ("" if word is None else _meant(value, word)) or "it is from 0 % to 100 %"
                yield self.at((*path, side), "LW216", f"{name}: {value} is no share", hint)
            elif kind_of(value.unit) is UnitKind.DURATION and value.value < 0:
                yield self.at(
                    (*path, side), "LW216", f"{name}: {value} is less than no time", "it is from 0 up"
                )
        if word is not None and word.direction is not line.direction:
            right = word.direction.value
            yield self.at(
                (*path, line.direction.value),
                "LW219",
                f"{name} is good when {'high' if right == 'at_least' else 'low'}",
                f"write {right}",
                key=True,
            )

    def product(self) -> Iterator[Problem]:
        if self.owners and "product" not in self.owners:
            yield self.at(
                ("owners",), "LW211", "owners names nobody for product", "add product: who decides", key=True
            )
        if self.contract.product in self.workflows:
            yield self.at(
                ("workflows", self.contract.product),
                "LW217",
                f'the workflow "{self.contract.product}" has the name of the product',
                "addresses need two names",
                key=True,
            )
        top = set(type(self.contract).model_fields)
        for name in self.contract.workflows:
            if name in top:
                yield self.at(
                    ("workflows", name),
                    "LW217",
                    f'a workflow cannot be called "{name}", which is a block of the language',
                    "choose another name",
                    key=True,
                )
        for name, decision in self.contract.decisions.items():
            for address, _ in decision.revisit.items():
                if address not in _TRIGGERS:
                    yield from self.line_key(("decisions", name, "revisit", address), address)

    def line_key(self, path: KeyPath, address: str, *, workflow: str | None = None) -> Iterator[Problem]:
        for problem in self.line(path, address, workflow=workflow):
            yield Problem(
                place=self.document.place(path, of_key=True),
                code=problem.code,
                message=problem.message,
                hint=problem.hint,
            )

    def workflow(self, name: str, workflow: Workflow) -> Iterator[Problem]:
        path: KeyPath = ("workflows", name)
        for family in FAMILIES:
            lines: dict[str, Line] = getattr(workflow, family)
            for metric, line in lines.items():
                own = (*path, family, metric)
                yield from self.target(own, family, metric, line)
                yield from self.slice(own, name, getattr(line, "slice", None))
                judge = getattr(line, "judge", None)
                if judge is not None and judge not in self.judges:
                    hint = closest(judge, self.judges) or "declare it under proof/judges"
                    yield self.at((*own, "judge"), "LW225", f'"{judge}" is not a judge', hint)
        for failure, each in workflow.failures.items():
            yield from self.line((*path, "failures", failure, "watched_by"), each.watched_by, workflow=name)
        people = {step.who for step in workflow.after if step.who}
        if workflow.decides is not None and workflow.decides not in people | self.roles:
            known = people | self.roles
            hint = closest(workflow.decides, known) or "name a role, or one who acts in `after`"
            yield self.at(
                (*path, "decides"), "LW222", f'"{workflow.decides}" takes no part in the workflow', hint
            )
        route_to = workflow.no_answer.route_to
        if route_to is not None:
            yield from self.role((*path, "no_answer", "route_to"), route_to, or_owner=True)
        elif "route" in workflow.no_answer.conditions.values():
            yield self.at(
                (*path, "no_answer"),
                "LW218",
                f"{name}/no_answer routes to nobody",
                "add route_to: an owner or a role",
                key=True,
            )
        if workflow.decide is not None:
            for action in workflow.decide.capacity:
                if workflow.decide.bands and action not in workflow.decide.bands:
                    hint = (
                        closest(action, workflow.decide.bands)
                        or f"bands are {', '.join(workflow.decide.bands)}"
                    )
                    yield self.at(
                        (*path, "decide", "capacity", action),
                        "LW221",
                        f'"{action}" is not a band',
                        hint,
                        key=True,
                    )
        for limit, value in workflow.limits.model_extra.items() if workflow.limits.model_extra else ():
            if not limit.endswith(("_per_user", "_per_session", "_per_account", "_per_workflow")):
                yield self.at(
                    (*path, "limits", limit),
                    "LW210",
                    f'"{limit}" is not a limit',
                    closest(limit, _LIMITS) or f"limits are {', '.join(_LIMITS)}",
                    key=True,
                )
            elif kind_of(value.unit) not in (UnitKind.RATE, UnitKind.PRICE):
                yield self.at(
                    (*path, "limits", limit), "LW215", f"{limit} is {UnitKind.RATE.value}, not {value}"
                )

    def slice(self, path: KeyPath, workflow: str, name: str | None) -> Iterator[Problem]:
        if name is None:
            return
        known = {
            line.rpartition("/")[2] for line in self.lines if line.startswith(f"gold/{workflow}/slices/")
        }
        if known and name not in known and not self.derived(name):
            hint = closest(name, known) or f"slices are {', '.join(sorted(known))}"
            yield self.at((*path, "slice"), "LW226", f'gold/{workflow} has no slice "{name}"', hint)

    def derived(self, name: str) -> bool:
        """Slices that follow from the score or the action itself need no items of their own."""
        return name in ("top_score", "near_threshold", "low_confidence", "guard_hit", "thumbs_down")

    def safeguards(self) -> Iterator[Problem]:
        for name, tool in self.contract.tools.items():
            path: KeyPath = ("tools", name)
            for number, role in enumerate(tool.roles):
                yield from self.role((*path, "roles", number), role)
            for number, role in enumerate(tool.deny):
                yield from self.role((*path, "deny", number), role)
            if isinstance(tool.approval, tuple):
                for number, approval in enumerate(tool.approval):
                    yield from self.role((*path, "approval", number, "by"), approval.by)
            if tool.effect != "read" and not tool.approval:
                yield self.at(
                    path,
                    "LW230",
                    f"{name} may {tool.effect} without an approval",
                    "add approval: [{by: ROLE, expires: 10m}], or approval: unattended with an undo",
                    key=True,
                )
            volume = tool.limits is not None and (
                tool.limits.total is not None or tool.limits.per_user is not None
            )
            if tool.approval == "unattended" and tool.effect != "read" and tool.undo is None and not volume:
                yield self.at(
                    (*path, "approval"),
                    "LW231",
                    f"{name} acts unattended, cannot be undone and has no volume limit",
                    "add undo: {by: TOOL, within: 30m} or limits: {total: 900/d}",
                )
            if tool.undo is not None and tool.undo.by not in _names(self.document.value.get("tools")):
                hint = closest(tool.undo.by, self.contract.tools) or "name the tool that takes it back"
                yield self.at(
                    (*path, "undo", "by"), "LW221", f'there is no tool "{tool.undo.by}" to undo {name}', hint
                )
        for name, line in self.contract.abuse.items():
            if line.direction.value == "at_least" or line.threshold.unit != "ratio":
                yield self.at(
                    ("abuse", name),
                    "LW219" if line.threshold.unit == "ratio" else "LW215",
                    f"{name} is the success rate of attacks, so it is a share with at_most",
                    "write {at_most: 1 %}",
                    key=True,
                )
            elif line.threshold.value > 1:
                yield self.at(("abuse", name), "LW216", f"{line.threshold} is no share", key=True)
        fairness = self.contract.fairness
        for which in ("gap", "ratio"):
            for address in getattr(fairness, which, {}):
                yield from self.line_key(("fairness", which, address), address)
        for name, source in self.contract.data.sources.items():
            if "learn" in source.may and "store" not in source.may:
                yield self.at(
                    ("data", "sources", name, "may"),
                    "LW234",
                    f"{name} may be learned from but not stored",
                    "add store, or drop learn",
                )
        if (
            any(source.pii and source.may for source in self.contract.data.sources.values())
            and self.contract.data.pii is None
        ):
            first = next(
                name for name, source in self.contract.data.sources.items() if source.pii and source.may
            )
            yield self.at(
                ("data", "sources", first),
                "LW237",
                f"{first} holds personal data, and data/pii says nothing about it",
                "add pii: {find: [...], prompt: redact, response: block, record: pseudonymise}",
                key=True,
            )

    def proof(self) -> Iterator[Problem]:
        for address, outcome in self.contract.proof.proxies.items():
            yield from self.line_key(("proof", "proxies", address), address)
            yield from self.line(("proof", "proxies", address), outcome)
        for name, gold in self.contract.gold.items():
            if name not in self.workflows:
                yield self.at(
                    ("gold", name),
                    "LW224",
                    f'there is no workflow "{name}"',
                    closest(name, self.workflows),
                    key=True,
                )
            if gold.from_ is not None and gold.from_ not in self.sources:
                yield self.at(
                    ("gold", name, "from"),
                    "LW221",
                    f'there is no data source "{gold.from_}"',
                    closest(gold.from_, self.sources) or "name one of data/sources",
                )
            source = self.contract.data.sources.get(gold.from_ or "")
            if source is not None and "learn" not in source.may:
                yield self.at(
                    ("gold", name, "from"),
                    "LW234",
                    f"gold/{name} is drawn from {gold.from_}, which may not be learned from",
                    "add learn to its `may`, or draw it from elsewhere",
                )
        labels = self.contract.labels
        if labels.adjudicates is not None:
            yield from self.role(("labels", "adjudicates"), labels.adjudicates, or_owner=True)

    def running(self) -> Iterator[Problem]:
        last = None
        for number, stage in enumerate(self.contract.rollout.stages):
            path: KeyPath = ("rollout", "stages", number)
            if last is not None and stage.share.value <= last.share.value:
                yield self.at(
                    (*path, "share"),
                    "LW232",
                    f"{stage.name} has a share of {stage.share}, {last.name} before it {last.share}",
                    "shares rise from stage to stage",
                )
            last = stage
            if stage.approve is not None:
                yield from self.owner((*path, "approve"), stage.approve)
            for index, need in enumerate(stage.needs):
                yield from self.line((*path, "needs", index), need, family=True)
        names = [stage.name for stage in self.contract.rollout.stages]
        for number, name in enumerate(names):
            if name in names[:number]:
                yield self.at(
                    ("rollout", "stages", number, "name"),
                    "LW204",
                    f"two stages are called {name}",
                    "rename one",
                )
        for number, harm in enumerate(self.contract.rollout.harms):
            yield from self.line(("rollout", "harms", number), harm)
        for name, monitor in self.contract.monitors.items():
            yield from self.owner(("monitors", name, "page"), monitor.page)
            # What a call was given or answered is no line of the contract: its fields are the product's own.
            signal = (monitor.signal or "").removeprefix("input/").removeprefix("output/")
            kept = gold_signal(signal.removeprefix(f"{self.contract.product}/"))
            of_gold = kept is not None and kept[0] in self.contract.gold
            if monitor.signal is not None and "/" in signal and not of_gold:
                yield from self.line(("monitors", name, "signal"), monitor.signal)
            for number, label in enumerate(monitor.labels):
                if label not in self.labels:
                    hint = closest(label, self.labels) or "name one of labels/sources"
                    yield self.at(
                        ("monitors", name, "labels", number),
                        "LW221",
                        f'there is no label source "{label}"',
                        hint,
                    )

    def launching(self) -> Iterator[Problem]:
        for name, attestation in self.contract.attest.items():
            yield from self.owner(("attest", name, "by"), attestation.by)
        for name, selectors in self.contract.launch.lines.items():
            for number, selector in enumerate(selectors):
                yield from self.line(("launch", name, number), selector, family=True)
        for number, waiver in enumerate(self.contract.launch.waivers):
            yield from self.waived(("launch", "waivers", number, "claim"), waiver.claim)
            if waiver.by not in self.owners | set(self.contract.owners.values()):
                yield from self.owner(("launch", "waivers", number, "by"), waiver.by)

    def waived(self, path: KeyPath, address: str) -> Iterator[Problem]:
        """A waiver names one claim; some claims have no line of their own, such as `tools/unnamed`."""
        own, known = address.removeprefix(f"{self.contract.product}/"), self.addresses
        if own in known or (own in self.lines and not self.whole):
            return
        hint = closest(own, known) or "`launchworthy claims` lists the addresses"
        what = "is no claim, but a block of them" if own in self.lines else "is not the address of a claim"
        yield self.at(path, "LW221", f'"{address}" {what}', hint)


def _is_share(value: Quantity, word: MetricWord | None) -> bool:
    return value.unit == "ratio" or (value.unit == "" and word is not None and word.unit == "ratio")


def _meant(value: Quantity, word: MetricWord) -> str:
    """``did you mean 95 %?`` for a plain 95 or 0.95 where a share is needed."""
    if value.unit or word.unit != "ratio" or not 0 <= value.value <= 100:
        return ""
    return f"did you mean {Quantity(value.value if value.value <= 1 else value.value / 100, 'ratio')}?"


def _names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value)
    if isinstance(value, list):
        return {item for item in value if isinstance(item, str)}
    return set()
