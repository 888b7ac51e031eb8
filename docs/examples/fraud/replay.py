"""A year of vehicle claims in a minute: a harmful model goes out, is taken back, and its cure is proven.

    python replay.py                                 claims that are made up
    python replay.py --claims claims.parquet         your own, with the columns of screening.py

Everything is recorded as simulated. The replay moves the clock, so it opens the data folder itself; records
go through the SDK and the server as those of any application do.
"""

import argparse
import heapq
import itertools
import json
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import uvicorn
from screening import Screen, age_band, honest_and_young, read_claims

import launchworthy as lw
from launchworthy.contract import claims as claims_of
from launchworthy.contract import load_contract
from launchworthy.evals import CallableTarget, new_run, run_suite, scorer_of
from launchworthy.gold import GoldItem, freeze
from launchworthy.provers import PROVERS
from launchworthy.quantity import format_interval
from launchworthy.records import Release
from launchworthy.records.incident import Mechanism, Was
from launchworthy.server.app import build_app
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.serving import bind
from launchworthy.testing import ReplayClock

PRODUCT, WORKFLOW = "claims", "screen"
FAIRNESS = "fairness/gap/screen/outcomes/honest_held"
HERE = Path(__file__).parent
A_DAY = 40  # claims


class Replay:
    """The product over a data folder: its models by release, its clock, its server."""

    def __init__(self, folder, claims):
        # The last claim comes now, so that the commands find everything afterwards.
        self.clock = ReplayClock(datetime.now(UTC) - timedelta(days=len(claims) / A_DAY))
        self.claims, self.models, self.late = iter(claims), {}, []
        self.ids, self.seen = itertools.count(), []
        self.workspace = LocalWorkspace.open(folder / ".launchworthy", clock=self.clock)
        self.contract = load_contract(HERE / "launchworthy.yaml")
        self.workspace.register_contract(
            product=PRODUCT, text=self.contract.text, path=str(HERE / "launchworthy.yaml")
        )
        listener = bind("127.0.0.1", 0)
        app = build_app(self.workspace, require_key=False, token="")
        # No housekeeping: the replay says when it is measured, since it moves the clock.
        self.server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        lw.init(product=PRODUCT, endpoint=endpoint, state=folder / ".sdk")
        self.recorded = ExitStack()
        self.recorded.enter_context(self.clock.recorded())
        self.flags = None

    @property
    def now(self):
        return self.clock.now

    def close(self):
        if self.flags is not None:
            self.flags.close()
        lw.flush()
        self.recorded.close()
        lw.init(enabled=False)
        self.server.should_exit = True
        self.thread.join()
        self.workspace.close()

    def release(self, model, **parts):
        """Register a release with its model; answers its id."""
        found = Release({"threshold": round(model.threshold, 6), **parts})
        self.workspace.register_release(found, product=PRODUCT)
        self.models[found.id] = model
        return found.id

    def start(self, release, *, baseline, because):
        """Let a release begin its way; from then on the flag ``release`` says who has which."""
        self.workspace.start_ramp(
            product=PRODUCT, release=release, baseline=baseline, reason=because, by="sam"
        )
        self.flags = self.flags or lw.flags(every_s=0)

    def days(self, n):
        """Decide about the ramp, then screen so many days of claims; False where none is left."""
        self.workspace.evaluate_ramp(product=PRODUCT)
        if self.flags is not None:
            self.flags.refresh()
        for _ in range(n):
            batch = list(itertools.islice(self.claims, A_DAY))
            if not batch:
                return False
            for claim in batch:
                self.to(self.now + timedelta(days=1 / A_DAY))
                self.screen(claim)
        lw.flush()
        return True

    def screen(self, claim):
        release = next(iter(self.models))
        if self.flags is not None:
            release = self.flags.value("release", release, claim["id"])
        band = f"age_band:{age_band(claim['fields'])}"
        with lw.workflow(
            WORKFLOW,
            user=claim["id"],
            release=release,
            simulated=True,
            attributes={"launchworthy.slice": [band]},
        ) as call:
            call.set_input(claim["fields"])
            answer = self.models[release](claim["fields"])
            call.set_output(answer)
        held = answer["output"] == "hold"
        self.seen.append({**claim, "held": held, "release": release, "at": self.now})
        if held:
            self.later(3, "adjuster", call.trace_id, value=float(claim["fraud"]))
        if held and not claim["fraud"]:
            self.later(3, "honest_held", call.trace_id)
        if claim["fraud"] and not held:
            self.later(25, "fraud_paid", call.trace_id)
        self.later(20, "fraud_found" if claim["fraud"] else "settled", call.trace_id)

    def later(self, days, event, trace, value=None):
        """What becomes known of a claim only days after it."""
        heapq.heappush(self.late, (self.now + timedelta(days=days), next(self.ids), event, trace, value))

    def to(self, moment):
        """Move the clock, and tell what became known meanwhile."""
        while self.late and self.late[0][0] <= moment:
            at, _, event, trace, value = heapq.heappop(self.late)
            self.clock.to(at)
            lw.outcome(event, value=value, trace_id=trace, workflow=WORKFLOW, simulated=True)
        self.clock.to(moment)

    def evaluate(self, release, items):
        """Ask a release the gold items as `launchworthy eval` does; answers how many honest ones it held."""
        version, frozen = freeze(items, product=PRODUCT, name=WORKFLOW, created_at=self.now)
        self.workspace.add_gold(version, frozen)
        scorers = [scorer_of("false-positive-rate")]
        run = new_run(
            unique=release[2:8], version=version, workflow=WORKFLOW, release=release,
            target="screening:Screen",
            split="all", scorers=scorers, config={}, now=self.now,
        )  # fmt: skip
        outcome = run_suite(
            self.workspace, run, version=version, target=CallableTarget(self.models[release]),
            scorers=scorers,
            by="replay", claims=claims_of(self.contract, provers=PROVERS), now=self.clock,
        )  # fmt: skip
        found = outcome.measured[0].interval
        return format_interval(found.value, found.low, found.high, n=found.n, unit=found.unit)

    def ramp(self):
        return self.workspace.ramps(product=PRODUCT)[0]

    def incident(self):
        return next(one for one in self.workspace.incidents(product=PRODUCT) if one.source == "rollback")


def gold_items(claims):
    return [
        GoldItem(id=claim["id"], input=claim["fields"], meta={"label": claim["fraud"]}) for claim in claims
    ]


def measured(workspace, address, release):
    """The newest measurement of a claim about a release, as every page prints it."""
    pieces = [
        each for each in workspace.evidence(PRODUCT)
        if each.claim == f"{PRODUCT}/{address}" and each.release == release
    ]  # fmt: skip
    if not pieces or pieces[-1].value is None:
        return "not measured" if not pieces else f"not measured: {pieces[-1].detail['reason']}"
    piece = pieces[-1]
    worst = f", most {piece.detail['highest']}" if "highest" in piece.detail else ""
    return format_interval(piece.value, piece.low, piece.high, n=piece.n, unit=piece.unit) + worst


def story(replay, past, say):
    workspace = replay.workspace
    good = Screen(past)
    live = replay.release(good, data="to last year")
    say(f"{live} screens {A_DAY} simulated claims a day")
    replay.days(32)

    # The export that the candidate learns from has lost the honest claims of everybody under 36.
    cut = [claim for claim in past if not honest_and_young(claim)]
    bad = replay.release(Screen(cut, threshold=good.threshold), data="to today, as exported")
    gold = gold_items(cut[-400:])  # from the same export: offline, nothing shows
    say(f"{bad} would hold of the honest claims of the gold set {replay.evaluate(bad, gold)}")
    replay.start(bad, baseline=live, because="learns from newer claims")
    while replay.ramp()["state"] == "running" and replay.days(1):
        continue
    ramp = replay.ramp()
    say(f"{bad} at {ramp['stage']}: {ramp['state'].replace('_', ' ')}, since {ramp['steps'][-1]['reason']}")
    one = replay.incident()
    say(
        f"incident {one.id}: {one.failure_mode}, {one.severity}, told to {one.owner}, {len(one.traces)} calls"
    )
    replay.days(6)  # claims under way are released or not
    workspace.measure_all()
    for what in ("screen/outcomes/honest_held", "screen/outcomes/fraud_paid", FAIRNESS):
        say(f"{what} of {bad}: {measured(workspace, what, bad)}")

    wrong = [
        each for each in replay.seen if each["release"] == bad and each["held"] and honest_and_young(each)
    ][:40]
    fixed = replay.release(Screen(past, threshold=good.threshold), data="to today, whole")
    for release in (bad, fixed):
        shown = replay.evaluate(release, [*gold, *gold_items(wrong)])
        say(f"{release}, with {len(wrong)} gold items more: {shown}")
        replay.to(replay.now + timedelta(hours=1))
    workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="sam", because="the export is whole again", was=Was.REAL,
        mechanism=Mechanism.DATA, gold_items=[f"{WORKFLOW}/{each['id']}" for each in wrong], release=fixed,
    )  # fmt: skip
    say(f"incident {one.id}: {replay.incident().state}, until its cure is proven")
    replay.start(fixed, baseline=live, because="learns from the whole export")
    while replay.ramp()["state"] == "running" and replay.days(7):
        workspace.measure_all()
    ramp = replay.ramp()
    waits = "" if ramp["next"] is None else f" ({ramp['next']['because']})"
    say(f"{fixed} at {ramp['stage']}: {ramp['state']}, since {ramp['steps'][-1]['reason']}{waits}")
    while replay.incident().state != "closed" and replay.days(7):
        workspace.measure_all()
    one = replay.incident()
    say(f"incident {one.id}: {one.state}{', its cure proven' if one.verified else ''}")
    for proof in () if one.verification is None else one.verification.proofs:
        say(f"  {proof.where}: {proof.reason}")
    while replay.days(14):
        workspace.measure_all()
    for what in (
        "screen/outcomes/honest_held",
        "screen/outcomes/fraud_paid",
        FAIRNESS,
        "monitors/honest_by_label",
        "monitors/score_meaning",
        "monitors/claims_drift",
    ):
        say(f"{what} of {fixed}: {measured(workspace, what, fixed)}")
    for one in workspace.incidents(product=PRODUCT):
        say(f"incident {one.id} is {one.state}: {one.title}")


def write_files(folder, past, replay):
    """Two files for ``launchworthy drift``: what models learnt from, and what came since, as far as known."""
    began = replay.seen[0]["at"] - timedelta(days=60)
    model = next(iter(replay.models.values()))
    learnt = [{**claim, "at": began} for claim in past]
    for name, rows in (("before", learnt), ("since", replay.seen)):
        lines = [
            {**row["fields"], "score": score,
             "fraud": int(row["fraud"]) if row["at"] < replay.now - timedelta(days=30) else None,
             "at": row["at"].isoformat()}
            for row, score in zip(rows, model.scores(rows), strict=True)
        ]  # fmt: skip
        plain = folder / f"{name}.jsonl"
        plain.write_text("".join(json.dumps(line) + "\n" for line in lines))
        duckdb.read_json(str(plain)).write_parquet(str(folder / f"{name}.parquet"))
        plain.unlink()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--claims", type=Path, help="Parquet with the columns of screening.py [made-up claims]"
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="where the data folder goes [here]")
    options = parser.parse_args()
    try:
        claims = read_claims(options.claims)
    except (OSError, duckdb.Error) as error:
        parser.error(f"{options.claims}: {error}")
    options.folder.mkdir(parents=True, exist_ok=True)
    past, coming = claims[: 4 * len(claims) // 11], claims[4 * len(claims) // 11 :]
    replay = Replay(options.folder, coming)
    try:
        story(replay, past, lambda text: print(f"{replay.now:%Y-%m-%d}  {text}", flush=True))
        write_files(options.folder, past, replay)
    finally:
        replay.close()


if __name__ == "__main__":
    main()
