"""Each kind of claim is judged by its own rule, and each refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from scipy import stats as scipy_stats

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evidence import ClaimStatus, DeclaredJudge, Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.evidence.judgement import bounds_at
from launchworthy.records import Release

Make = Callable[..., Any]


def judged(claim: Claim, *pieces: Evidence, now: datetime, **options: Any) -> ClaimStatus:
    options.setdefault("release", "r-1")
    return status(claim, pieces, now=now, **options)


@pytest.mark.parametrize(
    ("successes", "n", "state"),
    [
        (195, 200, State.MET),
        (185, 200, State.UNPROVEN),
        (150, 200, State.UNMET),
        (28, 28, State.UNPROVEN),
        (29, 29, State.MET),  # 0.9 ** 29 < 5 % < 0.9 ** 28
    ],
)
def test_a_share_is_met_or_unmet_only_where_a_one_sided_exact_bound_says_so(
    claim_of: Make, piece_of: Make, now: datetime, successes: int, n: int, state: State
) -> None:
    assert judged(claim_of(), piece_of(successes, n), now=now).state is state
    # The same by a reference that is not ours: the one-sided exact binomial test.
    at_least = scipy_stats.binomtest(successes, n, 0.9, alternative="greater").pvalue <= 0.05
    below = scipy_stats.binomtest(successes, n, 0.9, alternative="less").pvalue < 0.05
    assert (state is State.MET) == at_least
    assert (state is State.UNMET) == below


@pytest.mark.parametrize(("level", "successes", "n"), [(0.95, 180, 200), (0.99, 3, 40), (0.9, 40, 40)])
def test_bounds_at_another_level_are_exact(piece_of: Make, level: float, successes: int, n: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, n, alpha=2 * (1 - level), method="beta")
    found = bounds_at(piece_of(successes, n), level=level)
    assert found == pytest.approx((low, high), abs=1e-9)


def test_200_flawless_examples_do_not_prove_999_in_1000_and_2795_more_would(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_LEAST, threshold=0.999, unit="ratio"))
    found = judged(claim, piece_of(200, 200), now=now)
    assert found.state is State.UNPROVEN
    assert found.plan is not None
    assert found.plan.needed == 2795
    assert "each is flawless" in found.plan.what
    assert judged(claim, piece_of(2995, 2995), now=now).state is State.MET
    assert judged(claim, piece_of(2994, 2994), now=now).state is State.UNPROVEN


def test_an_approximate_bound_proves_no_more_than_its_sample(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    boast = piece_of(95, 100, low=0.94, high=0.96, confidence=0.95, method="by eye")
    assert judged(claim_of(), boast, now=now).state is State.UNPROVEN
    assert judged(claim_of(), replace(boast, low=0.95, high=0.95), now=now).state is State.UNPROVEN
    wider = piece_of(195, 200, low=0.85, high=0.99, confidence=0.95, method="watched all along")
    assert judged(claim_of(), wider, now=now).state is State.UNPROVEN


def test_a_value_without_bounds_proves_nothing(claim_of: Make, piece_of: Make, now: datetime) -> None:
    found = judged(claim_of(), piece_of(value=0.99, n=500), now=now)
    assert found.state is State.UNPROVEN
    assert "no bounds at 95 % confidence" in found.reason
    low_level = piece_of(value=0.99, low=0.97, high=1.0, n=500, confidence=0.9)
    assert judged(claim_of(), low_level, now=now).state is State.UNPROVEN
    assert judged(claim_of(), replace(low_level, confidence=0.95), now=now).state is State.MET


def test_a_value_outside_its_own_bounds_proves_nothing(claim_of: Make, piece_of: Make, now: datetime) -> None:
    odd = piece_of(value=0.5, low=0.95, high=0.99, n=500)
    found = judged(claim_of(), odd, now=now)
    assert found.state is State.UNPROVEN
    assert "outside its own bounds" in found.reason
    assert judged(claim_of(), replace(odd, value=0.97), now=now).state is State.MET


def test_a_full_count_needs_no_interval(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(
        kind=ClaimKind.COVER, target=Target(direction=Direction.AT_LEAST, threshold=250.0), slice="plain"
    )
    count = piece_of(kind="cover", unit="", value=250.0, low=250.0, high=250.0, n=250, slice="plain")
    found = judged(claim, replace(count, method="full count"), now=now)
    assert (found.state, found.reason) == (State.MET, "250 counted, at least 250 asked")
    short = judged(claim, replace(count, value=249.0, low=249.0, high=249.0, method="full count"), now=now)
    assert (short.state, short.reason) == (State.UNMET, "249 counted, at least 250 asked")
    assert judged(claim, replace(count, value=249.0, low=249.0, high=249.0), now=now).state is State.UNMET


def test_more_than_2_percent_that_could_not_be_scored_proves_nothing_either_way(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    assert judged(claim_of(), piece_of(490, 490, unscored=10), now=now).state is State.MET
    for successes in (480, 100):
        found = judged(claim_of(), piece_of(successes, 480, unscored=20), now=now)
        assert found.state is State.UNPROVEN
        assert "could not be measured on 20 of 500 (4 %; at most 2 % may be missing)" in found.reason
        assert found.plan is not None
        assert found.plan.needed is None


def test_samples_that_could_not_be_scored_are_a_share_of_the_samples_not_of_their_clusters(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    def clustered(unscored: int) -> Evidence:
        detail = {"items": 1_220, "outside": 20}
        piece: Evidence = piece_of(60, 60, unscored=unscored, detail=detail)
        return replace(piece, unit_of_analysis="cluster")

    assert "could not be measured" not in judged(claim_of(), clustered(24), now=now).reason
    found = judged(claim_of(), clustered(25), now=now)
    assert "could not be measured on 25 of 1,200 (2.08 %; at most 2 % may be missing)" in found.reason
    told = replace(clustered(24), detail={"items": "many"})
    assert "could not be measured on 24 of 84" in judged(claim_of(), told, now=now).reason


def test_what_could_not_be_measured_says_why(claim_of: Make, piece_of: Make, now: datetime) -> None:
    found = judged(claim_of(), piece_of(detail={"reason": "the judge timed out"}), now=now)
    assert (found.state, found.reason) == (State.UNPROVEN, "could not be measured: the judge timed out")


def test_another_unit_is_not_compared(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_MOST, threshold=1.0, unit="USD"))
    found = judged(claim, piece_of(unit="EUR", value=0.1, low=0.1, high=0.1, n=9), now=now)
    assert found.state is State.UNPROVEN
    assert "measured in EUR, the target is in USD" in found.reason


# ── What counts ──────────────────────────────────────────────────────────────────────────────────────


def test_expired_evidence_does_not_count_and_says_since_when(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    old = piece_of(500, 500, observed_at=now - timedelta(days=30))
    found = judged(claim_of(), old, now=now)
    assert found.state is State.UNPROVEN
    assert found.reason == "no evidence that counts: expired on 2026-11-24 09:00"
    assert judged(claim_of(), old, now=now - timedelta(seconds=1)).state is State.MET
    early = piece_of(500, 500, valid_until=now)
    assert judged(claim_of(), early, now=now).state is State.UNPROVEN


def test_evidence_of_another_release_names_the_differing_parts(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    judged_release = Release({"model": "m1", "prompt": "a", "tools": ["x"]})
    other = Release({"model": "m2", "prompt": "a"})
    found = judged(
        claim_of(),
        piece_of(500, 500, release=other.id),
        now=now,
        release=judged_release,
        releases={other.id: other},
    )
    assert found.state is State.UNPROVEN
    assert f"measured on another release, {other.id}; differing parts: model, tools" in found.reason
    unknown = judged(claim_of(), piece_of(500, 500, release="r-9"), now=now, release=judged_release)
    assert unknown.reason == "no evidence that counts: measured on another release, r-9"
    nameless = judged(claim_of(), piece_of(500, 500), now=now, release=None)
    assert "no release is named to judge" in nameless.reason
    assert judged(claim_of(), piece_of(500, 500, release=None), now=now).state is State.MET


def test_another_slice_does_not_count(claim_of: Make, piece_of: Make, now: datetime) -> None:
    found = judged(claim_of(slice="plain"), piece_of(500, 500), now=now)
    assert "measured on all items, the claim is about slice plain" in found.reason
    found = judged(claim_of(), piece_of(500, 500, slice="plain"), now=now)
    assert "measured on slice plain, the claim is about all items" in found.reason
    # Rates of another slice teach nothing about this one.
    assert found.plan == judged(claim_of(), now=now).plan


def test_evidence_from_the_future_or_of_another_kind_does_not_count(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    ahead = piece_of(500, 500, observed_at=now + timedelta(hours=1))
    assert "dated in the future" in judged(claim_of(), ahead, now=now).reason
    skewed = piece_of(500, 500, observed_at=now + timedelta(minutes=4))
    assert judged(claim_of(), skewed, now=now).state is State.MET
    assert "it is of kind cover" in judged(claim_of(), piece_of(500, 500, kind="cover"), now=now).reason


def test_what_nothing_measures_says_so(claim_of: Make, now: datetime) -> None:
    assert judged(claim_of(prover=None), now=now).reason == "nothing measures this yet"
    assert judged(claim_of(), now=now).reason == "no evidence yet"


def test_newer_evidence_decides_and_what_contradicts_it_is_shown(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    old = piece_of(100, 200, observed_at=now - timedelta(days=2), source="run:old")
    new = piece_of(199, 200, observed_at=now - timedelta(days=1), source="run:new")
    for order in ((old, new), (new, old)):
        found = judged(claim_of(), *order, now=now)
        assert (found.state, found.evidence, tuple(found.contradicting)) == (State.MET, new, (old,))
        assert "1 other valid piece says otherwise (run old)" in found.reason
    vague = piece_of(9, 10, observed_at=now - timedelta(days=2))
    assert judged(claim_of(), vague, new, now=now).contradicting == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("records:2026-11-24T07:58:18Z/2026-11-24T09:59:34Z", "records of 2026-11-24 07:58 to 09:59 UTC"),
        (
            "records:2026-11-17T08:00:00+00:00/2026-11-24T09:00:00.5+00:00",
            "records of 2026-11-17 08:00 to 2026-11-24 09:00 UTC",
        ),
        ("records:2026-11-17/2026-11-24", "records of 2026-11-17 to 2026-11-24"),
        ("gold:ask@g-1", "gold set ask@g-1"),
        ("drill:guards", "drill of guards"),
        ("nightly sheet", "nightly sheet"),
        ("", "launchworthy.evals 0.1.0"),
    ],
)
def test_what_says_otherwise_is_named_in_words(
    claim_of: Make, piece_of: Make, now: datetime, source: str, told: str
) -> None:
    old = piece_of(100, 200, observed_at=now - timedelta(days=2), source=source)
    found = judged(claim_of(), old, piece_of(199, 200, observed_at=now - timedelta(days=1)), now=now)
    assert found.reason.endswith(f"1 other valid piece says otherwise ({told})")


def test_of_many_that_say_otherwise_the_newest_are_named_and_the_others_counted(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    others = [
        piece_of(100, 200, observed_at=now - timedelta(days=day), source=f"run:{day}", gold=None)
        for day in range(2, 7)
    ]
    new = piece_of(199, 200, observed_at=now - timedelta(days=1), source="run:1", gold=None)
    found = judged(claim_of(), *others, new, now=now)
    assert found.reason.endswith("5 other valid pieces say otherwise (run 2, run 3, run 4 and 2 more)")


def test_of_two_measurements_of_one_moment_the_weaker_decides(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    good, bad, vague = piece_of(199, 200), piece_of(100, 200), piece_of(19, 20)
    assert judged(claim_of(), good, bad, now=now).state is State.UNMET
    assert judged(claim_of(), bad, good, vague, now=now).state is State.UNMET
    assert judged(claim_of(), vague, good, now=now).state is State.UNPROVEN


def test_an_overspent_holdout_is_said(claim_of: Make, piece_of: Make, now: datetime) -> None:
    worn = piece_of(499, 500, detail={"holdout_looks": 21, "holdout_budget": 20})
    found = judged(claim_of(), worn, now=now)
    assert found.reason.endswith("the holdout was read 21 times, and its budget is 20")
    fresh = piece_of(499, 500, detail={"holdout_looks": 20, "holdout_budget": 20})
    assert "budget" not in judged(claim_of(), fresh, now=now).reason


# ── Every slice ──────────────────────────────────────────────────────────────────────────────────────


def test_the_worst_slice_decides_and_a_missing_one_is_unproven(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    claim = claim_of(slice="*", options={"slices": ("plain", "rare")})
    plain, rare = piece_of(199, 200, slice="plain"), piece_of(60, 60, slice="rare")
    assert judged(claim, plain, rare, now=now).state is State.MET
    missing = judged(claim, plain, now=now)
    assert missing.state is State.UNPROVEN
    assert missing.reason == "worst slice rare: no evidence yet (1 of 2 slices met)"
    failing = judged(claim, plain, piece_of(10, 60, slice="rare"), now=now)
    assert failing.state is State.UNMET
    assert failing.reason.startswith("worst slice rare: 16.7 %")
    extra = judged(claim, plain, rare, piece_of(1, 60, slice="undeclared"), now=now)
    assert extra.state is State.UNMET
    whole = judged(claim, piece_of(500, 500), now=now)
    assert "does not say which slice" in whole.reason


def test_a_plan_for_several_slices_adds_up(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(slice="*", options={"slices": ("a", "b")})
    found = judged(
        claim,
        piece_of(20, 20, slice="a", detail={"per_day": 3}),
        piece_of(10, 10, slice="b", detail={"per_day": 1}),
        now=now,
    )
    assert found.plan is not None
    assert found.plan.needed == 9 + 19
    assert found.plan.days == 19


# ── The other kinds ──────────────────────────────────────────────────────────────────────────────────


def test_never_is_unmet_by_one_breach_and_met_by_none_on_some_occasion(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    claim = claim_of(kind=ClaimKind.NEVER)
    clean = piece_of(kind="never", unit="", value=0.0, n=300)
    found = judged(claim, clean, now=now)
    assert found.state is State.MET
    upper = scipy_stats.beta.ppf(0.95, 1, 300)
    assert f"true rate at most {100 * upper:.2f}" in found.reason
    idle = judged(claim, replace(clean, n=0), now=now)
    assert idle.state is State.UNPROVEN
    assert "no occasion yet" in idle.reason
    assert judged(claim, replace(clean, value=-1.0), now=now).state is State.UNPROVEN
    breach = judged(claim, replace(clean, value=1.0, unscored=500), now=now)
    assert (breach.state, breach.reason) == (State.UNMET, "1 breach on 300 occasions")


def test_a_breach_outlasts_the_quiet_days_after_it(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(kind=ClaimKind.NEVER)
    breach = piece_of(kind="never", unit="", value=1.0, n=10, observed_at=now - timedelta(days=2))
    quiet = piece_of(kind="never", unit="", value=0.0, n=900)
    found = judged(claim, breach, quiet, now=now)
    assert (found.state, found.evidence, tuple(found.contradicting)) == (State.UNMET, breach, (quiet,))
    after = now + timedelta(days=28, seconds=1)
    assert judged(claim, breach, quiet, now=after).state is State.MET
    other = replace(breach, release="r-0")
    assert judged(claim, other, quiet, now=now).state is State.MET


def test_holds_is_unmet_once_its_trigger_fired(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(kind=ClaimKind.HOLDS)
    quiet = piece_of(kind="holds", unit="", value=0.0, n=1, detail={"reason": "4,000 calls a month"})
    found = judged(claim, quiet, now=now)
    assert found.state is State.MET
    assert found.reason == "its trigger to revisit has not fired: 4,000 calls a month"
    assert judged(claim, replace(quiet, value=1.0), now=now).state is State.UNMET
    assert judged(claim, replace(quiet, value=None), now=now).state is State.UNPROVEN


def test_a_drill_is_met_only_if_every_one_was_answered(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(kind=ClaimKind.DRILL)
    drill = piece_of(kind="drill", unit="", value=1.0, n=3)
    assert judged(claim, drill, now=now).state is State.MET
    found = judged(claim, replace(drill, value=2 / 3), now=now)
    assert (found.state, found.reason) == (State.UNMET, "2 of 3 drills answered as declared")
    assert judged(claim, replace(drill, n=0), now=now).state is State.UNPROVEN


def test_freshness_ages_after_it_was_measured(claim_of: Make, piece_of: Make, now: datetime) -> None:
    day = 86_400_000.0
    claim = claim_of(
        kind=ClaimKind.FRESH, target=Target(direction=Direction.AT_MOST, threshold=2 * day, unit="ms")
    )
    age = piece_of(kind="fresh", unit="ms", value=day, low=day, high=day, n=1)
    assert judged(claim, age, now=now).state is State.MET
    assert judged(claim, age, now=now + timedelta(days=1)).state is State.MET
    found = judged(claim, age, now=now + timedelta(days=1, minutes=1))
    assert found.state is State.UNMET
    assert "more than 2 d" in found.reason
    assert judged(claim, replace(age, unit="d", value=1.0), now=now).state is State.UNPROVEN
    assert judged(claim, replace(age, value=-1.0), now=now).state is State.UNPROVEN


@pytest.mark.parametrize(
    ("margin", "low", "high", "state"),
    [
        (0.02, -0.019, 0.03, State.MET),
        (0.02, -0.021, 0.03, State.UNPROVEN),
        (0.02, -0.09, -0.021, State.UNMET),
        (None, 0.001, 0.03, State.MET),
        (None, 0.0, 0.03, State.UNPROVEN),  # no difference is no improvement
        (None, -0.03, -0.001, State.UNMET),
    ],
)
def test_a_difference_is_judged_against_its_margin(
    claim_of: Make,
    piece_of: Make,
    now: datetime,
    margin: float | None,
    low: float,
    high: float,
    state: State,
) -> None:
    claim = claim_of(kind=ClaimKind.DELTA, margin=margin)
    gap = piece_of(kind="delta", value=(low + high) / 2, low=low, high=high, n=300)
    assert judged(claim, gap, now=now).state is state
    # Where less is better, the mirror image is judged alike.
    mirrored = claim_of(
        kind=ClaimKind.DELTA,
        margin=margin,
        target=Target(direction=Direction.AT_MOST, threshold=1.0, unit="ratio"),
    )
    other = piece_of(kind="delta", value=-(low + high) / 2, low=-high, high=-low, n=300)
    assert judged(mirrored, other, now=now).state is state


def test_agreement_is_judged_by_its_lower_bound(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(kind=ClaimKind.AGREE, target=Target(direction=Direction.AT_LEAST, threshold=0.7))
    kappa = piece_of(kind="agree", unit="", value=0.8, low=0.72, high=0.87, n=200)
    assert judged(claim, kappa, now=now).state is State.MET
    assert judged(claim, replace(kappa, low=0.66), now=now).state is State.UNPROVEN
    assert judged(claim, replace(kappa, value=0.6, low=0.5, high=0.69), now=now).state is State.UNMET


def test_a_signature_shows_signer_date_and_expiry_and_is_never_met(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    claim = claim_of(kind=ClaimKind.ATTEST, options={"by": "security"}, valid_for_s=180 * 86_400.0)
    owners = {"security": "noor@p.example"}
    signed = piece_of(
        kind="attest", unit="", release=None, producer="noor@p.example", detail={"note": "v3 was read"}
    )
    found = judged(claim, signed, now=now, owners=owners)
    assert found.state is State.ATTESTED
    assert found.reason == "signed by noor@p.example on 2026-11-24, valid until 2027-05-23: v3 was read"
    late = judged(claim, signed, now=now + timedelta(days=180), owners=owners)
    assert late.state is State.UNPROVEN
    assert "signature expired on 2027-05-23" in late.reason
    stranger = judged(claim, replace(signed, producer="eve@p.example"), now=now, owners=owners)
    assert stranger.state is State.UNPROVEN
    assert "signed by eve@p.example, while noor@p.example owns it" in stranger.reason
    nobody = judged(claim, replace(signed, producer=" "), now=now)
    assert "names nobody who signed it" in nobody.reason
    missing = judged(claim, now=now, owners=owners)
    assert missing.reason == "not signed yet by security"
    assert missing.plan is not None
    assert missing.plan.what == "security signs it"


# ── Hostile samples ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sample",
    [
        {"successes": 10**400, "n": 10**400},
        {"successes": True, "n": True},
        {"successes": 5, "n": 4},
        {"successes": -1, "n": 4},
        {"successes": "200", "n": "200"},
        {"successes": 200, "n": 200, "clusters": 3},
        {"successes": 2000, "n": 2000},  # not what the piece says it has seen
        {"quantile": "x", "points": [[1]], "n": 200},
        {"quantile": 0.95, "points": [["a", None]], "n": 200},
        {"quantile": 0.95, "points": "no", "n": 200},
    ],
)
def test_a_sample_that_makes_no_sense_proves_nothing(
    claim_of: Make, piece_of: Make, now: datetime, sample: dict[str, Any]
) -> None:
    piece = piece_of(value=1.0, n=200, confidence=0.5, sample=sample)
    assert judged(claim_of(), piece, now=now).state is State.UNPROVEN


# ── Measured again ───────────────────────────────────────────────────────────────────────────────────


def sealed_piece(
    piece_of: Make, passed: int | None, n: int | None, *, day: int, now: datetime, **changes: Any
) -> Evidence:
    detail = {"split": "sealed"} | changes.pop("detail", {})
    fields = {"gold": "ask@g-1", "source": f"run:{day}", "observed_at": now - timedelta(days=day)} | changes
    made: Evidence = piece_of(passed, n, detail=detail, **fields)
    return made


def test_the_first_complete_reading_of_sealed_items_decides_however_often_they_are_read(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    vague = sealed_piece(piece_of, 90, 100, day=6, now=now)
    lucky = sealed_piece(piece_of, 100, 100, day=5, now=now)
    seen = piece_of(500, 500, detail={"split": "holdout"}, gold="ask@g-1", source="run:open")
    for order in ((vague, lucky, seen), (seen, lucky, vague)):
        found = judged(claim_of(), *order, now=now)
        assert (found.state, found.evidence) == (State.UNPROVEN, vague)
        assert found.reason.endswith(
            "; the first reading of the sealed items decides, 1 later one decides nothing"
        )
        assert lucky in found.contradicting
    for other in (
        {"gold": "ask@g-2"},  # other items
        {"detail": {"judge_version": "j-2"}},  # another instrument
    ):
        renewed = sealed_piece(piece_of, 100, 100, day=4, now=now, **other)
        assert judged(claim_of(), vague, lucky, renewed, now=now).evidence == renewed
    of_another = sealed_piece(piece_of, 60, 100, day=7, now=now, release="r-0")
    assert judged(claim_of(), of_another, lucky, now=now).state is State.MET


def test_an_edited_set_is_no_new_first_reading_while_its_sealed_items_are_the_old_ones(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    vague = sealed_piece(piece_of, 90, 100, day=6, now=now, detail={"sealed_lineage": "g-1"})
    edited = {"gold": "ask@g-2", "detail": {"sealed_lineage": "g-1"}}
    lucky = sealed_piece(piece_of, 100, 100, day=4, now=now, **edited)
    assert judged(claim_of(), vague, lucky, now=now).evidence == vague
    fresh = {"gold": "ask@g-3", "detail": {"sealed_lineage": "g-3"}}
    assert (
        judged(claim_of(), vague, sealed_piece(piece_of, 100, 100, day=3, now=now, **fresh), now=now).state
        is State.MET
    )


@pytest.mark.parametrize(
    ("passed", "times", "state", "told"),
    [
        (100, 1, State.MET, "; the sealed part was read once"),
        (100, 3, State.MET, "; the sealed part was read 3 times by 2 releases"),
        (100, 5, State.MET, "; the sealed part was read 5 times by 4 releases"),
        (100, 6, State.UNPROVEN, "the sealed part was read 6 times by 5 releases, and its budget is 5, so "),
        (10, 6, State.UNMET, "; the sealed part was read 6 times by 5 releases"),
    ],
)
def test_the_best_of_many_readings_of_the_sealed_items_proves_nothing(
    claim_of: Make, piece_of: Make, now: datetime, passed: int, times: int, state: State, told: str
) -> None:
    detail = {"sealed_looks": times, "sealed_releases": times - 1, "sealed_budget": 5, "next": "refresh"}
    found = judged(claim_of(), sealed_piece(piece_of, passed, 100, day=1, now=now, detail=detail), now=now)
    assert found.state is state
    assert told in found.reason
    if state is State.UNPROVEN:
        assert found.plan is not None
        assert found.plan.what == "refresh"
        assert found.plan.needed is None, "more of the same items is no remedy"


@pytest.mark.parametrize("odd", ["6", True, None, 6.5])
def test_counts_of_readings_of_another_shape_are_passed_over(
    claim_of: Make, piece_of: Make, now: datetime, odd: Any
) -> None:
    piece = sealed_piece(piece_of, 100, 100, day=1, now=now, detail={"sealed_looks": odd, "sealed_budget": 1})
    assert judged(claim_of(), piece, now=now).state is State.MET


def test_a_reading_of_sealed_items_that_failed_is_made_again(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    whole = sealed_piece(piece_of, 99, 100, day=1, now=now)
    for failed in (
        sealed_piece(piece_of, 95, 95, day=2, now=now, unscored=5),
        sealed_piece(piece_of, None, None, day=2, now=now, detail={"reason": "never calibrated"}),
    ):
        assert judged(claim_of(), failed, now=now).state is State.UNPROVEN
        found = judged(claim_of(), failed, whole, now=now)
        assert (found.state, found.evidence) == (State.MET, whole)


def test_sealed_items_are_read_anew_once_the_first_reading_has_expired_and_not_in_stock(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    expired = sealed_piece(piece_of, 60, 100, day=31, now=now)
    in_stock = sealed_piece(piece_of, 100, 100, day=20, now=now)
    found = judged(claim_of(), expired, in_stock, now=now)
    assert (found.state, found.evidence) == (State.UNPROVEN, None)
    anew = sealed_piece(piece_of, 99, 100, day=0, now=now)
    assert judged(claim_of(), expired, in_stock, anew, now=now).evidence == anew


def test_runs_of_one_release_that_say_the_opposite_of_the_same_items_prove_nothing(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    def run(passed: int, day: int, **changes: Any) -> Evidence:
        fields = {"gold": "ask@g-1", "source": f"run:{day}", "observed_at": now - timedelta(days=day)}
        made: Evidence = piece_of(passed, 200, **fields | changes)
        return made

    bad, good = run(100, 2), run(199, 1)
    found = judged(claim_of(), bad, good, now=now)
    assert found.state is State.UNPROVEN
    assert found.reason == "measured twice with opposite results: met by run 1; unmet by run 2"
    assert (found.evidence, tuple(found.contradicting)) == (good, (bad,))
    assert found.plan is not None
    assert "launchworthy eval --gate" in found.plan.what
    assert judged(claim_of(), run(199, 2), run(100, 1), now=now).state is State.UNPROVEN
    thrice = judged(claim_of(), bad, good, run(198, 3), now=now)
    assert thrice.reason.startswith("measured 3 times with opposite results: met by run 1, run 3; unmet by")

    sealed = sealed_piece(piece_of, 99, 100, day=3, now=now)
    assert judged(claim_of(), bad, good, sealed, now=now).state is State.MET
    for told_apart in (
        run(100, 2, gold="ask@g-0"),
        run(100, 2, release="r-0"),
        run(100, 2, source="run:1"),  # the same run, corrected again since
        run(100, 40),
    ):
        assert judged(claim_of(), told_apart, good, now=now).state is State.MET


def test_a_count_that_grew_is_no_contradiction(claim_of: Make, now: datetime) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_MOST, threshold=2, unit=""))

    def looks(count: float, day: int) -> Evidence:
        return Evidence(
            claim=claim.address,
            kind="bound",
            value=count,
            low=count,
            high=count,
            n=200,
            method="full count",
            gold="ask@g-1",
            source=f"gold:{day}",
            observed_at=now - timedelta(days=day),
        )

    assert judged(claim, looks(2, 2), looks(3, 1), now=now).state is State.UNMET


# ── Judges ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_another_version_of_the_judge_has_graded_counts_no_longer_and_says_what_changed(
    claim_of: Make, piece_of: Make, now: datetime
) -> None:
    parts = {"rubric": "a", "policy": "b", "model": "c", "scale": "d"}
    claim = claim_of(options={"judge": "grounding"})
    graded = piece_of(199, 200, detail={"judge": "grounding", "judge_version": "j-1", "judge_parts": parts})

    def state(*judges: DeclaredJudge, piece: Evidence = graded, of: Claim = claim) -> ClaimStatus:
        return status(of, [piece], release="r-1", now=now, judges=judges)

    same = DeclaredJudge(version="j-1", parts=parts)
    other = DeclaredJudge(version="j-2", parts=parts | {"policy": "x", "model": "y"})
    assert state(same).state is State.MET
    assert state(other, same).state is State.MET  # one judge of two metrics
    assert state(DeclaredJudge(version=None, parts={"model": "c"})).state is State.MET
    stale = state(other)
    assert (stale.state, stale.evidence) == (State.UNPROVEN, None)
    assert stale.reason == (
        "no evidence that counts: graded by another version of the judge, j-1: "
        "label policy and model changed since"
    )
    assert stale.plan is not None
    assert "launchworthy judge calibrate grounding --labels FILE" in stale.plan.what
    untold = replace(graded, detail={"judge": "grounding", "judge_version": "j-1"})
    assert state(other, piece=untold).state is State.UNPROVEN
    gone = state(DeclaredJudge(version=None, trouble="the label policy cannot be read"))
    assert gone.state is State.UNPROVEN
    assert "the label policy cannot be read" in gone.reason

    agreement = claim_of(address="p/proof/judges/grounding", kind=ClaimKind.AGREE)
    calibrated = piece_of(
        199,
        200,
        claim=agreement.address,
        kind="agree",
        release=None,
        detail={"judge": {"version": "j-1", "parts": parts}},
    )
    assert state(same, piece=calibrated, of=agreement).state is State.MET
    assert state(other, piece=calibrated, of=agreement).state is State.UNPROVEN
