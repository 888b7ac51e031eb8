"""A promise is not kept, a first cure does harm, a second holds: ``python -m launchworthy.demo.ramp``.

May import ``contract``, ``evals``, ``gold``, ``records``, ``server``, ``store`` and this room. The days are
made up, by a clock that is moved, and so are the users; what they are shown is what each release answers, and
what is measured, decided, opened and closed is done by the code that does it for real. The harm: an index
without whatever can be called, so that those who ask for a function leave without it.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import launchworthy as lw
from launchworthy.contract import claims, load_contract
from launchworthy.demo.assistant import NEAREST, PRODUCT, WORKFLOW, Answer, assistant, product_folder
from launchworthy.demo.flagged import NearestFlag, exposure_row
from launchworthy.demo.targets import fields_of
from launchworthy.demo.users import SimulatedQuestion, gold_items, reaction
from launchworthy.errors import LaunchworthyError
from launchworthy.evals import CallableTarget, metrics_of, new_run, run_suite
from launchworthy.gold import GoldItem, GoldVersion, freeze
from launchworthy.provers import PROVERS
from launchworthy.records import TABLES, Rows
from launchworthy.records.incident import Incident, Mechanism, Was
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

__all__ = ["USERS_A_DAY", "Story", "main"]

_BACK = timedelta(days=13)  # until about now, where the harm is seen as soon as it mostly is
USERS_A_DAY = 1_000
_BY = "simulated maintainer"
_SIMULATED = "the users are simulated: this shows how a ramp goes, and proves nothing"
_SCORED = ("hit@5", "citation_correctness")


class Story:
    """Two ramps over a data folder, told day by day.

    Args:
        workspace: Opened with the clock that ``now`` is.
        now: The clock: a list of one moment, which the story moves.
        folder: The product's files.
        seed: Of users, and of what they do.
    """

    def __init__(self, workspace: LocalWorkspace, *, now: list[datetime], folder: Path, seed: int) -> None:
        self._workspace, self._now, self._folder = workspace, now, folder
        self._store = workspace._store  # as the drill of a rollback: days that are over come by no address
        self._chance = random.Random(seed)  # noqa: S311 (reproducible on purpose)
        self._items = gold_items(folder)
        self._asked = [  # never what proves a release
            item for item in self._items if item.split == "dev" and item.answerable is not False
        ]
        self._assistants = {name: assistant(name) for name in ("baseline", "first_try", "candidate")}
        self._given: dict[tuple[str, str, int], Answer] = {}
        self._flag = NearestFlag(workspace, folder=folder, by=_BY)
        self._day = 0
        self._ends = now[0] + _BACK

    def tell(self) -> tuple[Mapping[str, Any], tuple[Incident, ...], Mapping[str, Any]]:
        """Both ramps as they ended, and the incidents, oldest first."""
        text = (self._folder / "launchworthy.yaml").read_text(encoding="utf-8")
        self._workspace.register_contract(product=PRODUCT, text=text, path="launchworthy.yaml")
        for one in self._assistants.values():
            self._workspace.register_release(one.release, product=PRODUCT)
        version, items = freeze(self._items, product=PRODUCT, name=WORKFLOW, created_at=self._now[0])
        self._workspace.add_gold(version, items)
        self._use("baseline", share=0.0)
        self._run("baseline", version)
        self._workspace.measure_all()  # which sees that keyword search keeps less than is promised
        first = self._ramp("first_try", days=8)
        self._run("first_try", version)
        if not any(each.source == "rollback" for each in self._workspace.incidents(product=PRODUCT)):
            return first, (), first
        self._move(hours=2)
        self._close(
            "monitor", "it no longer takes the documentation's own words to find it", self._reworded()
        )
        self._close("rollback", "the index has functions, methods and classes again", self._harmed())
        self._move(hours=1)
        self._run("candidate", version)
        self._flag.begin()
        second = self._ramp("candidate", days=(self._ends - self._now[0]) // timedelta(days=1))
        self._workspace.measure_all()  # which looks at the fix, too
        told = self._workspace.incidents(product=PRODUCT)
        return first, tuple(sorted(told, key=lambda each: each.opened_at)), second

    def _close(self, source: str, because: str, items: Sequence[GoldItem]) -> None:
        for each in self._workspace.incidents(product=PRODUCT):
            if each.source == source:
                self._workspace.close_incident(
                    product=PRODUCT,
                    incident_id=each.id,
                    by=_BY,
                    because=because,
                    was=Was.REAL,
                    mechanism=Mechanism.RETRIEVAL,
                    gold_items=[f"{WORKFLOW}/{item.id}" for item in items],
                    release=self._assistants["candidate"].release.id,
                )

    def _reworded(self) -> list[GoldItem]:
        """Questions in none of the documentation's words."""
        return [item for item in self._asked if "paraphrase" in item.slices]

    def _answer(self, name: str, question: str, *, nearest: int = NEAREST) -> Answer:
        """What a release answers, asked once; only a refusal depends on how many documents it names."""
        known = self._given.get((name, question, nearest))
        if known is None and nearest != NEAREST and (plain := self._answer(name, question)).answered:
            known = plain
        if known is None:
            known = self._assistants[name].answer(question, simulated=True, nearest=nearest)
        self._given[name, question, nearest] = known
        return known

    def _harmed(self) -> list[GoldItem]:
        """Questions that only such documents answer: the segment in which the harm is."""
        lacks = self._assistants["first_try"].lacks
        corpus = self._assistants["baseline"].corpus
        return [
            item
            for item in self._asked
            if (known := [name for name in item.expected or {} if name in corpus])
            and all(corpus[name].kind in lacks for name in known)
        ]

    def _ramp(self, name: str, *, days: int) -> Mapping[str, Any]:
        """Bring one release out; people enter what only real evidence would open, and say why."""
        releases = {each: one.release.id for each, one in self._assistants.items()}
        ramp: Mapping[str, Any] = self._workspace.start_ramp(
            product=PRODUCT,
            release=releases[name],
            baseline=releases["baseline"],
            reason=f"{name.replace('_', ' ')}, said to be better",
            by=_BY,
        )
        ramp = self._enter(ramp)
        for day in range(days):
            if day == 1:  # as long as the stage before it lasts, in which nobody has it
                ramp = self._enter(ramp)
            self._use(name, share=ramp["share"])
            if day >= 1:
                ramp = self._workspace.evaluate_ramp(product=PRODUCT) or ramp
            if ramp["state"] == "rolled_back":
                break
        return ramp

    def _enter(self, ramp: Mapping[str, Any]) -> Mapping[str, Any]:
        if ramp["state"] == "held":
            ramp = self._step(ramp, "resume")
        return self._step(ramp, "enter")

    def _step(self, ramp: Mapping[str, Any], action: str) -> Mapping[str, Any]:
        return self._workspace.step_ramp(
            product=PRODUCT, ramp_id=ramp["id"], action=action, reason=_SIMULATED, by=_BY
        )

    def _move(self, **more: float) -> None:
        self._now[0] += timedelta(**more)

    def _use(self, name: str, *, share: float) -> None:
        """One day of users, each of whom asks once; then the day is over."""
        self._day += 1
        chance, began = self._chance, self._now[0]
        self._move(days=1)
        spans: list[dict[str, Any]] = []
        outcomes: list[dict[str, Any]] = []
        feedback: list[dict[str, Any]] = []
        exposures: list[dict[str, Any]] = []
        self._flag.next_day()
        for number in range(USERS_A_DAY):
            shown = name if chance.random() < share else "baseline"
            item = chance.choice(self._asked)
            user = f"simulated-{self._day}-{number}"
            decision = self._flag.decide(user)
            nearest = NEAREST if decision is None else decision.value
            found = self._answer(shown, item.input, nearest=nearest)
            asked = SimulatedQuestion(text=item.input, item=item, user=user, session=user, release=shown)
            at = int((began + timedelta(hours=chance.uniform(0.5, 22.5))).timestamp() * 1e9)
            call = {
                "trace_id": chance.randbytes(16),
                "product": PRODUCT,
                "workflow": WORKFLOW,
                "user_id": user,
                "session_id": user,
                "simulated": True,
                "received_at": at,
            }
            spans.append(
                call | self._span(shown, item, found, at=at, took_ms=chance.lognormvariate(2.3, 0.5))
            )
            if decision is not None and decision.assigned:
                exposures.append(exposure_row(decision, call, at=at))
            then = reaction(asked, found, chance, nearest=nearest)
            for place, event in enumerate(then.events):
                after = int(chance.uniform(5, 20) * 6e10) + place * int(20 * 6e10)
                outcomes.append(call | {"event": event, "time": at + after})
            if then.rating is not None:
                said = {"rating": then.rating, "reason": then.reason, "time": at + int(6e10)}
                feedback.append(call | said)
        told = {"spans": spans, "outcomes": outcomes, "feedback": feedback, "exposures": exposures}
        for table, rows in told.items():
            columns = {column: [row.get(column) for row in rows] for column in TABLES[table].names}
            self._store.ingest([Rows(table, columns)], batch_id=f"ramp-{table}-{self._day}")

    def _span(self, shown: str, item: GoldItem, found: Answer, *, at: int, took_ms: float) -> dict[str, Any]:
        return {
            "span_id": secrets.token_bytes(8),
            "release": self._assistants[shown].release.id,
            "name": f"invoke_workflow {WORKFLOW}",
            "kind": "workflow",
            "start_time": at,
            "duration_ms": took_ms,
            "status": "ok",
            "cost_usd": 0.0,
            "price_version": "reported",
            "safety_flags": "[]",
            "no_answer": None if found.answered else "refuse",
            "input": json.dumps(item.input),
            "output": json.dumps(found.text),
            "attributes": '{"launchworthy.fallback": false}',
            "service": PRODUCT,
            "dialect": "launchworthy",
        }

    def _run(self, name: str, version: GoldVersion) -> None:
        """Ask a release the dev split, which proves nothing but shows what the fix mended."""
        known = claims(load_contract(self._folder / "launchworthy.yaml"), provers=PROVERS)
        found = metrics_of(known, workflow=WORKFLOW)
        scorers = [found[f"{PRODUCT}/{WORKFLOW}/quality/{each}"] for each in _SCORED]
        run = new_run(
            unique=secrets.token_hex(2),
            version=version,
            workflow=WORKFLOW,
            release=self._assistants[name].release.id,
            target=f"launchworthy.demo:{name}",
            split="dev",
            scorers=scorers,
            config={},
            now=self._now[0],
            simulated=True,
        )
        run_suite(
            self._workspace,
            run,
            version=version,
            target=CallableTarget(lambda question: fields_of(self._answer(name, question))),
            scorers=scorers,
            by=_BY,
            now=lambda: self._now[0],
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the story into the data folder, unless a ramp is there already; 1 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m launchworthy.demo.ramp", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=2026, help="of users and what they do")
    given = parser.parse_args(arguments)
    folder = product_folder()
    now = [datetime.now(UTC) - _BACK]
    lw.init(product=PRODUCT, enabled=False)
    try:
        # Nobody seals these days before they are over, so all of them are in memory at once.
        roomy = StoreOptions(memory_bytes=256 * 2**20)
        workspace = LocalWorkspace.open(Path(".launchworthy"), clock=lambda: now[0], options=roomy)
        try:
            if workspace.ramps(product=PRODUCT):
                print("The folder has its ramps already.")
                return 0
            first, incidents, second = Story(workspace, now=now, folder=folder, seed=given.seed).tell()
            switched = workspace.flag_history(product=PRODUCT)
        finally:
            workspace.close()
    except LaunchworthyError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Made-up days and simulated users, seed {given.seed}:")
    print(f"  {first['release']} {first['state'].replace('_', ' ')}: {first['steps'][-1]['reason']}")
    if not incidents:
        return 1
    for incident in incidents:
        print(f"  incident {incident.id} by a {incident.source}, {incident.failure_mode}: {incident.state}")
        for proof in () if incident.verification is None else incident.verification.proofs:
            print(f"    {proof.where}: {proof.reason}")
    for version in reversed(switched):
        print(f"  flags, version {version['version']}: {version['reason']}")
    print(f"  {second['release']} {second['state']}: {second['stage']}, {second['next']['because']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
