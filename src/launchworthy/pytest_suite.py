"""What the pytest plugin evaluates: a contract's workflow against a target, asked once for all its tests.

May import every room. It is ``launchworthy eval`` and ``launchworthy verdict`` in one: the same data folder,
so that readings of the holdout are counted and the evidence is kept.
"""

from __future__ import annotations

import fcntl
import hashlib
import pickle
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from launchworthy.contract import Claim, Contract, claims, load_contract
from launchworthy.errors import InputError
from launchworthy.evals import (
    CallableTarget,
    Promise,
    Target,
    metrics_of,
    new_run,
    promised,
    run_suite,
    scorer_of,
    scorer_text,
    source_of,
    target_of,
    target_release,
)
from launchworthy.evals.judging import declared_judges
from launchworthy.evals.suite import is_function
from launchworthy.evidence import ClaimStatus, measured_text, plan_text, terms_of, verdict_on
from launchworthy.evidence.wording import MARKS, clean
from launchworthy.gold import GoldItem, freeze
from launchworthy.provers import PROVERS
from launchworthy.records import Run, RunItem
from launchworthy.server import open_workspace

__all__ = ["Suite", "Tested", "answered", "suite_of"]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What one test is about.

    Attributes:
        claim: Address of the claim; None in a test of an item.
        state: ``met``, ``unmet``, ``unproven``, ``waived``, ``attested``; of an item ``answered``, or
            ``unproven`` where there is no answer.
        text: Sentence, reason and next step, in lines.
        told: The same by name, for reports.
        run: Header of the run behind it.
        items: Its items with their scores; in a test of an item that one, with what was asked and answered.
    """

    claim: str | None
    state: str
    text: str
    told: Mapping[str, str]
    run: Run
    items: tuple[RunItem, ...]

    @property
    def item(self) -> RunItem:
        """The gold item with its answer, in a test of an item."""
        if self.claim is not None:
            raise AttributeError("item: this is a test of a claim; see items, or mark it per='item'")
        return self.items[0]

    @property
    def scores(self) -> dict[str, float | None]:
        """The item's scores by metric; None where it could not be scored."""
        return {name: score.value for name, score in self.item.scores.items()}


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What a marker describes, ready to be asked; its names are those of its tests."""

    contract: Contract
    promise: Promise
    path: Path
    workflow: str
    target: str | Callable[[Any], Any]
    gold: Path
    scorers: tuple[str, ...]
    split: str
    per_item: bool
    claims: tuple[Claim, ...] = field(repr=False)

    @cached_property
    def items(self) -> Sequence[GoldItem]:
        """Items of the gold file, in order of id."""
        return sorted(self.promise.load_gold(self.gold), key=lambda item: item.id)

    @property
    def names(self) -> tuple[str, ...]:
        """Claims by address, or items by id."""
        if not self.per_item:
            return tuple(claim.address for claim in self.claims)
        asked = ("dev", "holdout") if self.split == "all" else (self.split,)  # what is sealed is the gate's
        found = tuple(item.id for item in self.items if item.split in asked)
        if not found:
            raise InputError(f"no item of the split {self.split}", where=str(self.gold))
        return found

    @property
    def key(self) -> str:
        """Equal for tests that one run answers."""
        parts = (self.path, self.workflow, _name(self.target), self.gold, self.scorers, self.split)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def suite_of(marked: Mapping[str, Any], *, root: Path, contract: str | None) -> Suite:
    """The suite that a marker's arguments describe; paths begin in the root folder.

    Raises:
        InputError: Something is missing, or no claim can be measured by an evaluation.
        ContractError: The contract cannot be used.
    """
    target = marked.get("target")
    if not (callable(target) or (isinstance(target, str) and target)):
        raise InputError("no target", hint="target=function, 'module:function' or 'http://…'")
    per = marked.get("per", "claim")
    if per not in ("claim", "item"):
        raise InputError(f"per is {per!r:.40}", hint="write 'claim' or 'item'")
    if marked.get("split") not in (None, "dev", "holdout", "all"):
        raise InputError(f"split is {marked['split']!r:.40}", hint="write 'dev', 'holdout' or 'all'")
    path = root / str(marked.get("contract") or contract or "launchworthy.yaml")
    loaded = load_contract(path)
    named = marked.get("workflow")
    promise = promised(path, None if named is None else str(named), where="workflow=")
    workflow = str(promise.workflow)
    gold = promise.gold_file if marked.get("gold") is None else root / str(marked["gold"])
    if gold is None:
        raise InputError("no gold set", where=str(path), hint="gold='gold/answer.jsonl'")
    all_claims = claims(loaded, provers=PROVERS)
    measured = metrics_of(promise.claims, workflow=workflow)
    mine = tuple(claim for claim in all_claims if claim.address in measured)
    asked = (scorer_text(claim) for claim in promise.claims if claim.address in measured)
    scorers = tuple(marked.get("scorers") or dict.fromkeys(asked))
    if not scorers or (per == "claim" and not mine):
        raise InputError(f"no claim of {workflow} is measured by an evaluation", where=str(path))
    return Suite(
        contract=loaded,
        promise=promise,
        path=path,
        workflow=workflow,
        target=target,
        gold=gold,
        scorers=scorers,
        # What is kept back is not spelt out test by test.
        split=str(marked.get("split") or ("dev" if per == "item" else "all")),
        per_item=per == "item",
        claims=mine,
    )


@dataclass(frozen=True, kw_only=True)
class _Answers:
    run: Run
    items: tuple[RunItem, ...]
    claims: Mapping[str, tuple[str, Mapping[str, str]]]


_ANSWERS: dict[str, _Answers] = {}


def answered(suite: Suite, name: str, *, folder: Path | None) -> Tested:
    """What a test of this name is about; the first one asks the target.

    Args:
        suite: From :func:`suite_of`.
        name: One of its names.
        folder: Where the processes of one test run share their answers; None for one process.
    """
    if suite.key not in _ANSWERS:
        _ANSWERS[suite.key] = _evaluated(suite) if folder is None else _together(suite, folder)
    answers = _ANSWERS[suite.key]
    if suite.per_item:
        return _of_item(answers, name)
    state, told = answers.claims[name]
    lines = [
        told["sentence"],
        told["reason"],
        f"next: {told['next']}" if told["next"] else "",
    ]
    text = "\n".join(line for line in (f"{state}: {name} ({told['place']})", *lines) if line)
    return Tested(claim=name, state=state, text=text, told=told, run=answers.run, items=answers.items)


def _of_item(answers: _Answers, name: str) -> Tested:
    items = [item for item in answers.items if item.item_id == name]
    if not items:
        raise InputError(f"the run was stopped before item {name!r:.80}", where=answers.run.id)
    (item,) = items
    state, text = ("answered", "") if item.error is None else ("unproven", f"no answer: {clean(item.error)}")
    return Tested(claim=None, state=state, text=text, told={}, run=answers.run, items=(item,))


def _together(suite: Suite, folder: Path) -> _Answers:
    """The answers of whichever process came first; the others wait for it, and do not ask again."""
    kept = folder / f"launchworthy-{suite.key}.pickle"
    with (folder / f"launchworthy-{suite.key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.is_file():
            found: _Answers = pickle.loads(kept.read_bytes())  # noqa: S301 (written by a worker of this run)
            return found
        # One data folder is open in one process: suites of one run take turns.
        with (folder / "launchworthy.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            answers = _evaluated(suite)
        kept.write_bytes(pickle.dumps(answers))
    return answers


def _evaluated(suite: Suite) -> _Answers:
    contract, now = suite.contract, datetime.now(UTC)
    workspace = open_workspace()
    try:
        version, frozen = freeze(suite.items, product=contract.product, name=suite.workflow, created_at=now)
        workspace.add_gold(version, frozen)
        name = _name(suite.target)
        source = source_of(name) if is_function(name) else None
        release = suite.promise.release or target_release(name, source=source)
        workspace.register_release(release, product=contract.product)
        workspace.register_contract(
            product=contract.product, text=contract.text, path=str(suite.path.absolute())
        )
        scorers = [scorer_of(text) for text in suite.scorers]
        run = new_run(
            unique=secrets.token_hex(3),
            version=version,
            workflow=suite.workflow,
            release=release.id,
            target=name,
            split=suite.split,
            scorers=scorers,
            config={"by": "pytest", "scorers": list(suite.scorers), "release_label": release.label},
            now=now,
        )
        outcome = run_suite(
            workspace,
            run,
            version=version,
            target=_target(suite.target, seed=run.id),
            scorers=scorers,
            by="pytest",
            claims=suite.promise.claims,
            looks_budget=suite.promise.looks,
        )
        items = tuple(workspace.run_items(run.id)) if suite.per_item else outcome.items
        known = claims(contract, provers=PROVERS)
        verdict = verdict_on(
            terms_of(contract, known, judges=declared_judges(known, folder=suite.path.parent)),
            workspace.evidence(contract.product),
            release=release,
            now=datetime.now(UTC),
        )
    finally:
        workspace.close()
    mine = {claim.address for claim in suite.claims}
    told = {
        each.claim.address: (each.state.value, _told(each, outcome.remarks))
        for each in verdict.statuses
        if each.claim.address in mine
    }
    return _Answers(run=outcome.run, items=items, claims=told)


def _told(each: ClaimStatus, remarks: Sequence[str]) -> dict[str, str]:
    silent = each.evidence is None and remarks
    return {
        "claim": each.claim.address,
        "mark": MARKS[each.state],
        "state": each.state.value,
        "sentence": clean(each.claim.sentence),
        "measured": "" if each.evidence is None else measured_text(each.evidence),
        "reason": clean("; ".join(remarks) if silent else each.reason),
        "next": "" if each.plan is None else plan_text(each.plan),
        "place": "" if each.claim.place is None else str(each.claim.place),
    }


def _name(target: str | Callable[[Any], Any]) -> str:
    return target if isinstance(target, str) else CallableTarget(target).name


def _target(target: str | Callable[[Any], Any], *, seed: str) -> Target:
    return target_of(target, trace_seed=seed) if isinstance(target, str) else CallableTarget(target)
