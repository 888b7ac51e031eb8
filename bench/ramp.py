"""What a ramp does to users: harm that is planted in one segment, and releases that do none, many times over.

    python bench/ramp.py [--repetitions 200] [--users 2000] [--seed 1]
    python bench/ramp.py --demo [--repetitions 200] [--seed 1]

Without ``--demo``: stages of 5, 25 and 100 %, two weeks each before the last. One user in ten is handed over; the
candidate that does harm hands over three in ten of the German speakers, who are a quarter. Two points are allowed.
Each world is gone through twice: as the ramp is, and as it was without planned looks, on bounds that always hold.

With ``--demo``: the contract of the demo product, its releases, and users who do what the demo's users do. The first
try has harm planted in the questions that ask for a function. Nobody has a release on its first day.

Everything is looked at once a day. The bounds and the decision are those of the product: ``watched_shares``,
``error_at_margin``, ``rollout.ramp.decide``.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from launchworthy.contract import Claim, Contract, Direction, claims, load_contract, parse_contract, stages
from launchworthy.evidence import ClaimStatus, Evidence
from launchworthy.evidence.judgement import judge
from launchworthy.quantity import format_interval
from launchworthy.rollout.ramp import Action, Ramp, RampState, Seen, Step, decide
from launchworthy.stats import clopper_pearson, error_at_margin, harm_level, watched_shares

CONTRACT = parse_contract(
    """
launchworthy: 1
product: support
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {escalation: {at_most: 20 %}}
    reliability: {timeout: {at_most: 5 %}}
rollout:
  stages:
    - {name: pilot, share: 5 %, for: 14d}
    - {name: expand, share: 25 %, for: 14d}
    - {name: launch, share: 100 %}
  harms: [outcomes/escalation, reliability/timeout]
  roll_back: {when: any_harm, within: 5m}
proof: {margin: 2 %}
"""
)
START = datetime(2026, 11, 25, tzinfo=UTC)
SEGMENT = 0.25
DAYS = 56  # after which nobody waits any longer

Rates = Mapping[str, float]  # of the metric a harm is about


@dataclass(frozen=True)
class World:
    """What the baseline and the candidate do to their users, in shares of them."""

    name: str
    before: Rates
    after: Rates


@dataclass(frozen=True)
class Ended:
    """How one ramp ended: taken back, with everybody or waiting; in which stage, after how many days."""

    how: str
    stage: str
    days: float
    users: int


def ramp_once(
    contract: Contract,
    world: World,
    rng: np.random.Generator,
    *,
    users_a_day: int,
    planned: bool,
) -> Ended:
    """One release, day by day."""
    own = stages(contract)
    harms = [claim for claim in claims(contract) if claim.metric == "harms"]
    ramp = Ramp(
        id="bench", product=contract.product, release="new", baseline="old", unit="user", stages=own,
        takes_back=True, within_ms=300_000.0,
    )  # fmt: skip
    now, entered = START, own[0].name
    ramp = ramp.after(Step(at=now, action=Action.START, stage=entered, reason="bench", by="bench"))
    ramp = ramp.after(Step(at=now, action=Action.ENTER, stage=entered, reason="bench", by="bench"))
    users = np.zeros(2, dtype=int)  # of the old and of the new release
    bad = {claim.address: np.zeros(2, dtype=int) for claim in harms}
    for _day in range(DAYS):
        now += timedelta(days=1)
        came = rng.poisson(users_a_day)
        new = rng.binomial(came, ramp.share)
        users += [came - new, new]
        for claim in harms:
            of = claim.options["of"]
            bad[claim.address] += [
                rng.binomial(came - new, world.before.get(of, 0.0)),
                rng.binomial(new, world.after.get(of, 0.0)),
            ]
        told = harms if users.min() > 0 else []  # of nobody, nothing is known
        seen = [_status(each, bad[each.address], users, now, of=len(harms), planned=planned) for each in told]
        while (step := decide(ramp, Seen(at=now, blocking={}, harms=seen)).step) is not None:
            ramp = ramp.after(step)
            if ramp.state in (RampState.ROLLED_BACK, RampState.COMPLETE):
                break
        if ramp.state in (RampState.ROLLED_BACK, RampState.COMPLETE):
            break
    how = {RampState.ROLLED_BACK: "taken back", RampState.COMPLETE: "with everybody"}
    return Ended(
        how=how.get(ramp.state, "waiting"),
        stage="" if ramp.stage is None else ramp.stage.name,
        days=(now - START).total_seconds() / 86_400,
        users=int(users[1]),
    )


def _status(
    claim: Claim, bad: np.ndarray, n: np.ndarray, now: datetime, *, of: int, planned: bool
) -> ClaimStatus:
    level = harm_level(claim.confidence, harms=of)
    (old, new), (others, own) = (int(each) for each in bad), (int(each) for each in n)
    found = watched_shares((old, new), n=(others, own), level=level, sides=1)
    better = claim.target is not None and claim.target.direction is Direction.AT_LEAST
    margin = claim.margin or 0.0
    error = float(error_at_margin(old / others, margin=margin, n=(others, own), higher_is_better=better))
    piece = Evidence(
        claim=claim.address, kind=claim.kind, value=found.value, low=found.low, high=found.high, n=found.n,
        unit="ratio", producer="bench", observed_at=now, confidence=level,
        detail={"standard_error": error if planned and not np.isnan(error) else None},
    )  # fmt: skip
    said = judge(claim, piece, now=now)
    return ClaimStatus(claim=claim, state=said.state, reason=said.reason, evidence=piece)


def many(
    contract: Contract,
    world: World,
    *,
    repetitions: int,
    seed: int,
    users_a_day: int,
    planned: bool = True,
) -> list[Ended]:
    """The same world from seeds that follow each other."""
    return [
        ramp_once(
            contract, world, np.random.default_rng((seed, each)), users_a_day=users_a_day, planned=planned
        )
        for each in range(repetitions)
    ]  # fmt: skip


def share(part: Sequence[Ended], of: Sequence[Ended]) -> str:
    """``3, 1.5 % (0.311 to 4.32, n = 200)``, with exact bounds of 95 % together."""
    found = clopper_pearson(len(part), n=len(of), level=0.95, sides=2)
    told = format_interval(found.value, found.low, found.high, n=len(of), unit="ratio")
    return f"{len(part):,}, {told}"


def _days(ended: Sequence[Ended]) -> str:
    return f"{median(each.days for each in ended):.0f} days (median)" if ended else "never"


def _of(ended: Sequence[Ended], how: str) -> list[Ended]:
    return [each for each in ended if each.how == how]


def support(options: argparse.Namespace) -> None:
    """Stages that compare twice, with planned looks and without."""
    print(
        f"{options.repetitions:,} releases of each kind, {options.users:,} users a day, seed {options.seed}"
    )
    print("declared: at most 5 % of harmless releases taken back, at most 5 % at the margin past a stage")
    before = {"answer/outcomes/escalation": 0.1, "answer/reliability/timeout": 0.01}
    for name, segment in (("harm in a segment", 0.3), ("no harm", 0.1), ("worse by the margin", 0.18)):
        handed = (1.0 - SEGMENT) * 0.1 + SEGMENT * segment
        world = World(name, before, {**before, "answer/outcomes/escalation": handed})
        print(name)
        for words, planned in (("planned looks", True), ("always-valid only", False)):
            ended = many(
                CONTRACT, world, repetitions=options.repetitions, seed=options.seed,
                users_a_day=options.users, planned=planned,
            )  # fmt: skip
            back, gone = _of(ended, "taken back"), _of(ended, "with everybody")
            print(f"  {words:18} taken back {share(back, ended)}: {_days(back)}")
            print(f"  {'':18} with everybody {share(gone, ended)}: {_days(gone)}")
            first = stages(CONTRACT)[0].name
            past = [each for each in ended if each.stage != first]
            print(f"  {'':18} past {first} {share(past, ended)}")


def demo(options: argparse.Namespace) -> None:
    """The demo's own plan, releases and users."""
    from launchworthy.demo.assistant import product_folder
    from launchworthy.demo.ramp import USERS_A_DAY

    contract = load_contract(product_folder() / "launchworthy.yaml")
    helped = {name: demo_share(name) for name in ("baseline", "first_try", "candidate")}
    of = "answer/outcomes/resolved"
    print(f"{options.repetitions:,} releases of each kind, {USERS_A_DAY:,} users a day, seed {options.seed}")
    print("users helped: " + ", ".join(f"{name} {share:.1%}" for name, share in helped.items()))
    print("declared: at most 5 % of harmless releases taken back, at most 5 % of harmful ones with everybody")
    told = (
        ("harm planted (first_try)", "first_try", "catches", "misses"),
        ("no harm (baseline again)", "baseline", "false rollbacks", "with everybody"),
        ("the fix (candidate)", "candidate", "false rollbacks", "with everybody"),
    )
    for name, release, back_is, gone_is in told:
        world = World(name, {of: helped["baseline"]}, {of: helped[release]})
        ended = many(
            contract, world, repetitions=options.repetitions, seed=options.seed, users_a_day=USERS_A_DAY
        )  # fmt: skip
        back, gone, waits = (_of(ended, how) for how in ("taken back", "with everybody", "waiting"))
        print(name)
        print(f"  {back_is:16} {share(back, ended)}: {_days(back)}")
        print(f"  {gone_is:16} {share(gone, ended)}: {_days(gone)}")
        print(f"  {'waits':16} {share(waits, ended)}: still in a stage after {DAYS} days, no harm ruled out")
        if back and release == "first_try":
            in_time = [each for each in back if each.days <= 8]
            print(f"  {'by day 8':16} {share(in_time, ended)}: caught before pilot may end")
            print(
                f"  {'exposed':16} {median(each.users for each in back):,.0f} users (median) had it by then"
            )


def demo_share(name: str, *, draws: int = 2_000) -> float:
    """The share of users whom a release helps: each question of the dev split as often, as users react."""
    import launchworthy as lw
    from launchworthy.demo.assistant import PRODUCT, assistant, product_folder
    from launchworthy.demo.users import SimulatedQuestion, gold_items, reaction

    lw.init(product=PRODUCT, enabled=False)
    chance, answers = random.Random(2026), assistant(name)
    found = 0
    asked = [
        each for each in gold_items(product_folder()) if each.split == "dev" and each.answerable is not False
    ]
    for item in asked:
        answer = answers.answer(item.input, simulated=True)
        question = SimulatedQuestion(text=item.input, item=item, user="u", session="u", release=name)
        found += sum(reaction(question, answer, chance).event == "found_it" for _ in range(draws))
    return found / (draws * len(asked))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--users", type=int, default=2_000, help="a day; not of the demo, which has its own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--demo", action="store_true", help="the demo's own plan, releases and users")
    options = parser.parse_args()
    (demo if options.demo else support)(options)


if __name__ == "__main__":
    main()
