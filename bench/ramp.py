"""What a ramp does to users: harm that is planted in one segment, and releases that do none, many times over.

    python bench/ramp.py [--repetitions 200] [--users 4000] [--seed 1]

Stages of 5, 25 and 100 %, two weeks each before the last, looked at every three hours. One user in ten is handed over;
the candidate that does harm hands over three in ten of the German speakers, who are a quarter. Two points are
allowed. The bounds and the decision are those of the product: ``watched_shares`` and ``rollout.ramp.decide``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from launchworthy.contract import Claim, claims, parse_contract, stages
from launchworthy.evidence import ClaimStatus, Evidence
from launchworthy.evidence.judgement import judge
from launchworthy.rollout.ramp import Action, Ramp, RampState, Seen, Step, decide
from launchworthy.stats import watched_shares

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
HARMS = [claim for claim in claims(CONTRACT) if claim.metric == "harms"]
START = datetime(2026, 11, 25, tzinfo=UTC)
SEGMENT = 0.25


@dataclass(frozen=True)
class Ended:
    """How one ramp ended: where, after how many days, and how many users had been hurt."""

    how: str
    days: float
    hurt: int


def ramp_once(rng: np.random.Generator, *, users_a_day: int, before: float, segment: float) -> Ended:
    """One release: shares of users handed over before, and in the segment with the candidate."""
    ramp = Ramp(
        id="bench", product="support", release="new", baseline="old", unit="user", stages=stages(CONTRACT),
        takes_back=True, within_ms=300_000.0,
    )  # fmt: skip
    now = START
    ramp = ramp.after(Step(at=now, action=Action.START, stage="pilot", reason="bench", by="bench"))
    ramp = ramp.after(Step(at=now, action=Action.ENTER, stage="pilot", reason="bench", by="bench"))
    overall = (1.0 - SEGMENT) * before + SEGMENT * segment
    seen = np.zeros((2, 3))  # of the old and the new release: users, handed over, too late
    hurt = 0
    for _look in range(8 * 56):
        now += timedelta(hours=3)
        came = rng.poisson(users_a_day / 8)
        new = rng.binomial(came, ramp.share)
        handed = rng.binomial(new, overall)
        hurt += max(0, handed - int(new * before))
        seen += [
            [came - new, rng.binomial(came - new, before), rng.binomial(came - new, 0.01)],
            [new, handed, rng.binomial(new, 0.01)],
        ]
        if min(seen[:, 0]) < 1:
            continue
        harms = [
            _status(claim, seen[:, place], seen[:, 0], now)
            for place, claim in zip((1, 2), HARMS, strict=True)
        ]
        step = decide(ramp, Seen(at=now, blocking={}, harms=harms)).step
        if step is not None:
            ramp = ramp.after(step)
        if ramp.state in (RampState.ROLLED_BACK, RampState.COMPLETE):
            break
    days = (now - START).total_seconds() / 86_400
    stage = ramp.stage.name if ramp.stage else ""
    how = {"rolled_back": f"taken back at {stage}", "complete": "with everybody"}
    return Ended(how.get(ramp.state.value, f"waits in {stage}"), days, hurt)


def _status(claim: Claim, bad: np.ndarray, n: np.ndarray, now: datetime) -> ClaimStatus:
    level = 1.0 - (1.0 - claim.confidence) / len(HARMS)
    found = watched_shares((int(bad[0]), int(bad[1])), n=(int(n[0]), int(n[1])), level=level, sides=1)
    piece = Evidence(
        claim=claim.address, kind=claim.kind, value=found.value, low=found.low, high=found.high, n=found.n,
        unit="ratio", producer="bench", observed_at=now,
    )  # fmt: skip
    said = judge(claim, replace(piece, confidence=level), now=now)
    return ClaimStatus(claim=claim, state=said.state, reason=said.reason, evidence=piece)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--users", type=int, default=4_000, help="a day")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        f"{options.repetitions:,} releases of each kind, {options.users:,} users a day, seed {options.seed}"
    )
    for name, segment in (("harm in a segment", 0.3), ("no harm", 0.1), ("worse by the margin", 0.18)):
        rng = np.random.default_rng(options.seed)
        ended = [
            ramp_once(rng, users_a_day=options.users, before=0.1, segment=segment)
            for _ in range(options.repetitions)
        ]
        counts = Counter(each.how for each in ended)
        told = ", ".join(f"{count:,} {how}" for how, count in sorted(counts.items()))
        print(f"{name:20} {told}")
        back = [each for each in ended if each.how.startswith("taken")]
        if back:
            print(
                f"{'':20} taken back after {median(each.days for each in back):.1f} days (median),"
                f" {median(each.hurt for each in back):,.0f} users worse off"
            )


if __name__ == "__main__":
    main()
