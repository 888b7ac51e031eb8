"""Incidents from their opening by records to a fix that is proven, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from launchworthy.errors import ConflictError, InputError, LaunchworthyError, NotFoundError
from launchworthy.gold import GoldItem, GoldVersion
from launchworthy.records import TABLES, Release, Rows, Run, RunItem, Score
from launchworthy.records.incident import IncidentSource, Mechanism, Was
from launchworthy.server.caller import Caller
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.operations import OPERATIONS
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PRODUCT = "shop"
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@shop.example, engineering: wei@shop.example, on_call: pager:shop}
workflows:
  answer:
    user: customer
    job: get a sourced answer
    no_answer: refuse
    failures:
      long_wait: {kind: slow, severity: high, fix: model, mitigation: fallback at timeout,
                  watched_by: reliability/timeout}
      invents_policy: {kind: unsafe, severity: critical, reason: Not true, fix: policy,
                       watched_by: quality/exact_match}
    quality: {exact_match: {at_least: 80 %}}
    reliability: {timeout: {at_most: 5 %}}
    limits: {timeout: 2s}
monitors:
  retrieval_misses: {signal: empty_retrieval, at_most: 5 %, window: 1d, page: engineering}
"""


class Shop:
    """A workspace whose clock the test moves, and records of one user a call."""

    def __init__(self, folder: Path) -> None:
        self.now, self._numbers, self._ticks = NOW, count(1), count()
        self.workspace = LocalWorkspace.open(
            folder / "data",
            clock=lambda: self.now + timedelta(microseconds=next(self._ticks)),
            options=StoreOptions(min_free_bytes=0, flush_interval_s=0.02),
        )
        (folder / "launchworthy.yaml").write_text(CONTRACT)
        self.workspace.follow_contract(folder / "launchworthy.yaml")

    def calls(self, n: int, *, bad: int = 0, ago: timedelta = timedelta(minutes=5), **more: Any) -> list[str]:
        """So many calls of which some ran into the time limit; answers their traces, bad ones first."""
        rows = []
        for place in range(n):
            number = next(self._numbers)
            failed = place < bad
            rows.append(
                {
                    "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
                    "product": PRODUCT, "workflow": "answer", "kind": "workflow", "name": "answer",
                    "release": "r-1", "user_id": f"u-{number}", "model": "vendor/small",
                    "start_time": int((self.now - ago).timestamp()) * 10**9 + number,
                    "duration_ms": 2_000.0 if failed else 100.0, "status": "error" if failed else "ok",
                    "error_type": "timeout" if failed else None, **more,
                }
            )  # fmt: skip
        self.store("spans", *rows)
        return [row["trace_id"].hex() for row in rows]

    def store(self, table: str, *rows: dict[str, Any]) -> None:
        columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
        self.workspace._store.ingest([Rows(table, columns)], batch_id=f"{table}-{next(self._numbers)}")
        self.workspace._store.flush()

    def overrun(self, trace: str, name: str = "timeout") -> None:
        self.store(
            "decisions",
            {
                "event_id": f"e-{trace}-{name}", "trace_id": bytes.fromhex(trace), "product": PRODUCT,
                "workflow": "answer", "kind": "budget", "subject": name, "outcome": "overrun",
                "rule": f"shop/answer/limits/{name}", "reason": "too slow",
                "time": int((self.now - timedelta(minutes=5)).timestamp()) * 10**9,
                "facts": '{"failure_mode": "long_wait"}',
            },
        )  # fmt: skip

    def found(self) -> dict[str, Any]:
        """Incidents by address; there is one of each."""
        every = self.workspace.incidents(product=PRODUCT)
        by_address = {each.address: each for each in every}
        assert len(by_address) == len(every)
        return by_address

    def kinds(self, incident_id: str) -> list[str]:
        detail = self.workspace.incident(product=PRODUCT, incident_id=incident_id)
        assert not any(each.altered for each in detail.events)
        return [each.kind for each in detail.events]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.workspace.close()


TIMEOUT = "shop/answer/reliability/timeout"


def test_a_broken_promise_opens_one_incident_with_its_failure_mode_owner_suspects_and_calls(
    shop: Shop,
) -> None:
    for release, parts in (("r-1", {"model": "small"}), ("r-2", {"model": "tiny"})):
        shop.workspace.register_release(Release(parts, label=release), product=PRODUCT)
    old, new = (each for each in shop.workspace.releases(product=PRODUCT))
    shop.calls(100, ago=timedelta(days=3), release=old)
    worst = shop.calls(200, bad=60, release=new, model="vendor/tiny")
    for _ in range(3):
        shop.workspace.measure_all()
        shop.now += timedelta(minutes=1)
    one = shop.found()[TIMEOUT]
    assert (one.failure_mode, one.severity, one.owner) == ("long_wait", "high", "on_call")
    assert (one.state, one.source) == ("open", "budget")
    assert set(one.traces) <= set(worst[:60])
    assert len(one.traces) == 5
    detail = shop.workspace.incident(product=PRODUCT, incident_id=one.id)
    burns, broken = (each.text for each in detail.events)
    assert "times what is allowed; its budget" in burns
    assert broken == (
        "timeout of answer is worse than promised: 30 % (24.7 to 35.8, n = 200),"
        " where at most 5 % is promised"
    )
    assert TIMEOUT in shop.found()
    assert len(shop.found()) == 1  # that records lack fields is no loss to a user
    changes = {each.kind: each.what for each in one.suspected}
    assert changes == {"release": f"{old} → {new} (model)", "model": "vendor/small → vendor/tiny"}
    assert detail.playbook == "fallback at timeout"
    assert [each.kind for each in detail.events] == ["opened", "again"]
    assert shop.workspace.audit(product=PRODUCT) == []


def test_the_incident_of_a_drift_names_the_column_that_moved(shop: Shop) -> None:
    drift = "  langs: {signal: input, method: jensen_shannon, at_most: 0.1, window: 1d, page: engineering}\n"
    shop.workspace.register_contract(product=PRODUCT, text=CONTRACT + drift, path="launchworthy.yaml")
    for language, now in (("en", 300), ("de", 20)):
        told = json.dumps({"language": language, "plan": "a"})
        shop.calls(150, ago=timedelta(days=1, hours=12), input=told)
        shop.calls(now, input=told)
    shop.workspace.measure_all()
    one = shop.found()["shop/monitors/langs"]
    assert one.title.startswith("langs: 1 of 2 columns drifted, most language (")
    assert "; moved by 0." in one.title
    assert one.title.endswith("where 0.1 is tolerated")


def test_a_release_that_nobody_has_any_more_opens_nothing_and_what_is_open_of_it_says_so_and_stays(
    shop: Shop,
) -> None:
    shop.calls(200, bad=60, release="r-1")
    shop.workspace.measure_all()
    before = shop.found()[TIMEOUT]
    assert (before.state, before.release) == ("open", "r-1")
    shop.now += timedelta(days=2)
    for _ in range(2):  # said once
        shop.calls(50, release="r-2")
        shop.workspace.measure_all()
    after = shop.found()[TIMEOUT]
    assert (after.state, after.release, after.acknowledged) == ("open", "r-1", False)
    told = shop.workspace.incident(product=PRODUCT, incident_id=after.id).events
    assert [each.kind for each in told].count("unserved") == 1
    assert next(each.text for each in told if each.kind == "unserved") == (
        "nobody had r-1 for a day; a fix is still to be shown"
    )
    assert len(shop.found()) == 1
    assert shop.workspace.audit(product=PRODUCT) == []


def test_a_fix_is_watched_until_production_shows_it_and_opens_again_when_the_rate_returns(shop: Shop) -> None:
    shop.calls(200, bad=60)
    shop.workspace.measure_all()
    one = shop.found()[TIMEOUT]
    with pytest.raises(InputError, match="closed by what cured it"):
        shop.workspace.close_incident(
            product=PRODUCT, incident_id=one.id, by="wei", because="x", was=Was.REAL
        )
    one = shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="a faster model", was=Was.REAL,
        mechanism=Mechanism.MODEL,
    )  # fmt: skip
    assert one.state == "watched"
    shop.now += timedelta(hours=1)
    shop.calls(40, bad=11)
    shop.workspace.measure_all()
    assert shop.found()[TIMEOUT].verification is None  # too few calls to look
    shop.calls(60, bad=17)
    shop.workspace.measure_all()
    looked = shop.found()[TIMEOUT]
    assert looked.state == "watched"
    assert looked.verification is not None
    assert (looked.verification.verified, looked.verification.proofs[0].fallen) == (False, None)
    shop.now += timedelta(hours=1)
    shop.calls(300, bad=2)
    shop.workspace.measure_all()
    cured = shop.found()[TIMEOUT]
    assert (cured.state, cured.verified) == ("closed", True)
    [proof] = cured.verification.proofs
    assert (proof.before.value, proof.before.n) == (0.3, 200)
    assert (proof.after.value, proof.after.n) == (30 / 400, 400)
    assert proof.high < 0
    # Ours joins exact bounds at a level that allows for twelve looks: it is wider than the plain one.
    low, high = confint_proportions_2indep(30, 400, 60, 200, method="newcomb", compare="diff", alpha=0.1)
    assert proof.low < low < high < proof.high
    shop.workspace.measure_all()
    assert shop.found()[TIMEOUT].state == "closed"
    shop.now += timedelta(days=2)
    shop.calls(300, bad=90)
    shop.workspace.measure_all()
    back = shop.found()[TIMEOUT]
    assert (back.id, back.state, back.reopened) == (one.id, "open", 1)
    assert shop.kinds(one.id) == ["opened", "again", "fixed", "verified", "reopened"]
    assert shop.workspace.audit(product=PRODUCT) == []


def test_a_fix_that_makes_it_worse_opens_it_again(shop: Shop) -> None:
    shop.calls(400, bad=60)
    shop.workspace.measure_all()
    one = shop.found()[TIMEOUT]
    shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="more retries", was=Was.REAL,
        mechanism=Mechanism.POLICY,
    )  # fmt: skip
    shop.now += timedelta(hours=1)
    shop.calls(200, bad=120)
    shop.workspace.measure_all()
    assert shop.found()[TIMEOUT].state == "open"
    assert shop.kinds(one.id) == ["opened", "again", "fixed", "reopened"]


def test_a_fix_that_helps_and_leaves_the_promise_broken_is_not_a_cure(shop: Shop) -> None:
    shop.calls(200, bad=120)
    shop.workspace.measure_all()
    one = shop.found()[TIMEOUT]
    shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="two retries less", was=Was.REAL,
        mechanism=Mechanism.POLICY,
    )  # fmt: skip
    shop.now += timedelta(hours=1)
    shop.calls(400, bad=80)
    shop.workspace.measure_all()
    better = shop.found()[TIMEOUT]
    assert better.state == "watched"
    [proof] = better.verification.proofs
    assert proof.high < 0
    assert proof.reason.endswith("it is still worse than promised")
    shop.now += timedelta(days=31)  # the window of the claim holds nothing from before the fix any more
    shop.calls(400, bad=80)
    shop.workspace.measure_all()
    assert shop.found()[TIMEOUT].state == "open"
    assert shop.kinds(one.id)[-1] == "reopened"


def test_what_is_called_noise_after_all_does_not_hide_what_comes_next(shop: Shop) -> None:
    limit = "shop/answer/limits/timeout"
    shop.overrun(shop.calls(1)[0])
    one = shop.found()[limit]
    close: dict[str, Any] = {"product": PRODUCT, "incident_id": one.id, "by": "wei"}
    shop.workspace.close_incident(**close, because="a cache", was=Was.REAL, mechanism=Mechanism.TOOL)
    shop.workspace.close_incident(**close, because="it was a test", was=Was.NOISE)
    shop.now += timedelta(hours=1)
    shop.overrun(shop.calls(1)[0])
    states = [(each.id == one.id, each.state) for each in shop.workspace.incidents(product=PRODUCT)]
    assert states == [(False, "open"), (True, "closed")]


def test_overruns_join_one_incident_and_a_fix_is_judged_by_their_share_of_calls(shop: Shop) -> None:
    limit = "shop/answer/limits/timeout"
    bad = shop.calls(100)[:20]
    for trace in bad:
        shop.overrun(trace)
    one = shop.found()[limit]
    assert (one.count, one.source, one.failure_mode) == (20, "budget", "long_wait")
    assert one.title == "20 calls passed answer/limits/timeout; the newest: too slow"
    shop.overrun(shop.calls(1)[0])
    assert shop.found()[limit].count == 21
    assert shop.kinds(one.id) == ["opened"]  # told again at most once an hour
    shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="a cache", was=Was.REAL,
        mechanism=Mechanism.RETRIEVAL,
    )  # fmt: skip
    shop.now += timedelta(hours=1)
    shop.overrun(shop.calls(200)[0])
    shop.workspace.measure_all()
    cured = shop.found()[limit]
    assert (cured.state, cured.count) == ("closed", 22)
    [proof] = cured.verification.proofs
    assert proof.what == "calls that passed answer/limits/timeout"
    assert (proof.before.n, proof.after.n) == (101, 200)
    assert proof.after.value == 1 / 200


def test_an_unsafe_failure_needs_gold_items_and_a_run_that_asks_them(shop: Shop) -> None:
    items = [GoldItem(id=f"q-{n}", input=f"question {n}", expected="x") for n in range(4)]
    version = GoldVersion(
        product=PRODUCT, name="answer", version="g-1", created_at=shop.now, items=4, slices={}, splits={}
    )
    shop.workspace.add_gold(version, items)
    bad = shop.calls(200)[:40]
    shop.store(
        "feedback",
        *(
            {
                "trace_id": bytes.fromhex(trace), "product": PRODUCT, "workflow": "answer",
                "reason": "invents_policy", "time": int(shop.now.timestamp()) * 10**9,
            }
            for trace in bad
        ),
    )  # fmt: skip
    one = shop.workspace.open_incident(
        product=PRODUCT, title="It invents a refund policy", failure_mode="invents_policy", by="ana",
        traces=bad[:2],
    )  # fmt: skip
    assert (one.severity, one.address) == ("critical", "shop/answer/quality/exact_match")
    fix: dict[str, Any] = {
        "product": PRODUCT, "incident_id": one.id, "by": "ana", "because": "quote the policy",
        "mechanism": Mechanism.PROMPT, "was": Was.REAL,
    }  # fmt: skip
    with pytest.raises(InputError, match="none is named"):
        shop.workspace.close_incident(**fix)
    with pytest.raises(InputError, match="has an item 'q-9'"):
        shop.workspace.close_incident(**fix, gold_items=["q-9"])
    _run(shop, version, "r-old", failing=4)
    shop.now += timedelta(minutes=1)
    shop.workspace.close_incident(**fix, gold_items=["q-0", "answer/q-1", "q-2", "q-3"])
    shop.now += timedelta(hours=1)
    shop.calls(200)
    shop.workspace.measure_all()
    waiting = shop.found()[one.address]
    assert waiting.state == "watched"
    production, offline = waiting.verification.proofs
    assert (production.fallen, production.what) == (True, "calls of which users say invents policy")
    assert "no run since the fix asks its gold items" in offline.reason
    _run(shop, version, "r-new", failing=0)
    shop.workspace.measure_all()  # no call came since, and none is needed
    cured = shop.found()[one.address]
    assert (cured.state, cured.verified) == ("closed", True)
    assert (cured.verification.looks, cured.verification.proofs[0]) == (
        waiting.verification.looks,
        production,
    )
    offline = cured.verification.proofs[1]
    assert (offline.before.value, offline.after.value, offline.before.n) == (1.0, 0.0, 4)


def _run(shop: Shop, version: GoldVersion, release: str, *, failing: int) -> None:
    run = Run(
        id=f"run-{release}", product=PRODUCT, workflow="answer", release=release, target="t",
        gold=f"answer@{version.version}", split="all", scorers=("exact_match|v:1",), status="complete",
        started_at=shop.now, items=4, done=4,
    )  # fmt: skip
    shop.workspace.add_run(run)
    scored = [
        RunItem(item_id=f"q-{n}", scores={"exact-match": Score(value=float(n >= failing), statistics={})})
        for n in range(4)
    ]
    shop.workspace.add_run_items(run.id, scored)


def test_silence_is_an_incident_of_its_own_and_ends_when_records_come_again(shop: Shop) -> None:
    def retrieval() -> None:
        [trace] = shop.calls(1)
        shop.store(
            "spans",
            {
                "trace_id": bytes.fromhex(trace), "span_id": b"12345678", "product": PRODUCT,
                "workflow": "answer", "kind": "retrieval", "name": "search", "release": "r-1",
                "context": json.dumps([{"id": "d"}]), "duration_ms": 1.0,
                "start_time": int((shop.now - timedelta(minutes=5)).timestamp()) * 10**9,
            },
        )  # fmt: skip

    quiet = "shop/monitors"
    shop.workspace.measure_all()
    assert quiet not in shop.found()  # never heard is not silent
    retrieval()
    shop.workspace.measure_all()
    assert quiet not in shop.found()
    shop.now += timedelta(days=2)
    for _ in range(2):
        shop.workspace.measure_all()
    one = shop.found()[quiet]
    assert one.title.startswith("the monitor retrieval_misses hears nothing since 2026-11-24 12:00 UTC")
    retrieval()
    shop.workspace.measure_all()
    ended = shop.found()[quiet]
    assert (ended.state, ended.because, ended.was) == ("closed", "records come again", None)
    assert shop.kinds(one.id) == ["opened", "closed"]


def test_a_measure_that_throws_leaves_an_incident_and_the_next_product_is_measured(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zoo.yaml").write_text(CONTRACT.replace("product: shop", "product: zoo", 1))
    shop.workspace.follow_contract(tmp_path / "zoo.yaml")
    measured = []

    def measure(product: str, **_: Any) -> list[Any]:
        measured.append(product)
        if product == PRODUCT:
            raise ZeroDivisionError("a fault of ours")
        return []

    monkeypatch.setattr(shop.workspace, "_measure", measure)
    for _ in range(2):
        shop.workspace.measure_all()
    assert measured == ["shop", "zoo"] * 2
    one = shop.found()["shop/monitors"]
    assert one.title == "nothing watches shop: measuring failed (ZeroDivisionError)"
    assert shop.kinds(one.id) == ["opened"]


def test_whether_alerts_were_right_is_shown_by_rule_with_an_interval_and_noisy_ones_come_first(
    shop: Shop,
) -> None:
    def alert(address: str, was: Was, n: int) -> None:
        for _ in range(n):
            one = shop.workspace.open_incident(
                product=PRODUCT, title="alert", address=address, source=IncidentSource.MONITOR
            )
            shop.now += timedelta(minutes=1)
            if was is Was.REAL:
                shop.workspace.close_incident(
                    product=PRODUCT, incident_id=one.id, by="ana", because="x", was=was,
                    mechanism=Mechanism.DATA, gold_items=(),
                )  # fmt: skip
            else:
                shop.workspace.close_incident(
                    product=PRODUCT, incident_id=one.id, by="ana", because="x", was=was
                )

    alert("monitors/retrieval_misses", Was.NOISE, 6)
    alert("answer/reliability/timeout", Was.UNKNOWN, 1)
    alert("answer/reliability/timeout", Was.REAL, 1)
    noisy, fine = shop.workspace.incident_rules(product=PRODUCT)
    assert (noisy.address, noisy.alerts, noisy.noise, noisy.noisy) == (
        "shop/monitors/retrieval_misses", 6, 6, True,
    )  # fmt: skip
    assert noisy.high == pytest.approx(1 - 0.05 ** (1 / 6))  # six of six, exactly
    assert (fine.real, fine.unknown, fine.precision, fine.noisy) == (1, 1, 1.0, False)


def test_the_board_shows_rate_trend_and_time_to_the_proven_fix(shop: Shop) -> None:
    def clicks(traces: list[str]) -> None:
        time = int(shop.now.timestamp()) * 10**9
        shop.store(
            "feedback",
            *(
                {
                    "trace_id": bytes.fromhex(trace),
                    "product": PRODUCT,
                    "reason": "invents_policy",
                    "time": time,
                }
                for trace in traces
            ),
        )

    clicks(shop.calls(100, ago=timedelta(weeks=6))[:40])
    clicks(shop.calls(100, ago=timedelta(days=3))[:5])
    slow, invents = shop.workspace.failure_board(product=PRODUCT)
    assert slow.rate is not None
    assert (slow.name, slow.clicks[-1], slow.rate.value) == ("long_wait", 0, 0.0)
    assert invents.rate is not None
    assert invents.trend is not None
    assert (invents.clicks, invents.calls) == ((0, 0, 40, 0, 0, 0, 0, 5), (0, 0, 100, 0, 0, 0, 0, 100))
    assert invents.rate.value == 0.05
    assert invents.trend.fallen is True
    assert (invents.open, invents.cured, invents.days_to_cure) == (0, 0, None)
    shop.workspace.open_incident(product=PRODUCT, title="x", failure_mode="invents_policy", by="ana")
    assert shop.workspace.failure_board(product=PRODUCT)[1].open == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " "}, {"severity": "awful"}, {"traces": ["xyz"]}, {"failure_mode": "none such"},
        {"product": ""}, {"by": ""},
    ],
)  # fmt: skip
def test_an_opening_that_names_nothing_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        shop.workspace.open_incident(**{"product": PRODUCT, "title": "x", "by": "ana", **wrong})
    assert shop.workspace.incidents(product=PRODUCT) == []


def test_steps_on_what_is_closed_or_not_there_say_so(shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="no incident 'i-none'"):
        shop.workspace.incident(product=PRODUCT, incident_id="i-none")
    one = shop.workspace.open_incident(product=PRODUCT, title="x", by="ana")
    step: dict[str, Any] = {"product": PRODUCT, "incident_id": one.id, "by": "ana"}
    with pytest.raises(ConflictError, match="it is open"):
        shop.workspace.reopen_incident(**step, because="x")
    with pytest.raises(InputError, match="belong to a fix"):
        shop.workspace.close_incident(**step, because="x", gold_items=["q-1"])
    with pytest.raises(InputError, match="no release 'r-x'"):
        shop.workspace.close_incident(**step, because="x", mechanism=Mechanism.TOOL, release="r-x")
    with pytest.raises(InputError, match="noise has nothing to cure"):
        shop.workspace.close_incident(**step, because="x", mechanism=Mechanism.TOOL, was=Was.NOISE)
    shop.workspace.note_incident(**step, text="looking\x1b[31m into it")
    shop.workspace.assign_incident(**step, owner="wei")
    shop.workspace.close_incident(**step, because="a test", was=Was.NOISE)
    with pytest.raises(ConflictError, match="it is closed"):
        shop.workspace.close_incident(**step, because="again")
    with pytest.raises(ConflictError, match="it is closed"):
        shop.workspace.assign_incident(**step, owner="tom")
    again = shop.workspace.reopen_incident(**step, because="it was none")
    assert (again.state, again.was, again.owner) == ("open", None, "wei")
    assert shop.kinds(one.id) == ["opened", "noted", "assigned", "closed", "reopened"]


def test_who_acts_is_told_by_the_key_and_not_by_the_request(shop: Shop) -> None:
    shop.workspace.add_api_key(name="wei-key", role="write", person="wei")
    caller = Caller(role="write", key="wei-key")
    one = shop.workspace.open_incident(product=PRODUCT, title="x", by="ana", caller=caller)
    assert one.opened_by == "wei"
    with pytest.raises(LaunchworthyError, match="only the owner"):
        shop.workspace.tell_incidents(product=PRODUCT, settings={}, caller=caller)


def test_the_chain_says_nothing_that_erasure_must_reach_and_tells_where_a_timeline_was_changed(
    shop: Shop,
) -> None:
    traces = shop.calls(2)
    secret = "u-1"
    one = shop.workspace.open_incident(
        product=PRODUCT, title=f"wrong for user-{secret}-{secret}", by="ana", traces=traces,
        facts={"user": f"user-{secret}-{secret}"},
    )  # fmt: skip
    shop.workspace.note_incident(
        product=PRODUCT, incident_id=one.id, text=f"asked user-{secret}-{secret}", by="ana"
    )
    user = f"user-{secret}-{secret}"
    bodies = [each.body for each in shop.workspace.ledger_entries(product=PRODUCT)]
    assert not any(user in body for body in bodies)
    shop.workspace.erase_subject(product=PRODUCT, user_id=user, by="dpo")
    detail = shop.workspace.incident(product=PRODUCT, incident_id=one.id)
    assert user not in repr(detail)
    assert [each.text for each in detail.events] == ["erased", "erased"]
    shop.workspace.measure_all()
    assert shop.workspace.audit(product=PRODUCT) == []
    two = shop.workspace.open_incident(product=PRODUCT, title="another", by="ana")
    from sqlalchemy import text

    with shop.workspace._store._database.write() as connection:
        connection.execute(
            text("UPDATE incident_events SET text = 'nothing' WHERE incident = :id"), {"id": two.id}
        )
    [event] = shop.workspace.incident(product=PRODUCT, incident_id=two.id).events
    assert event.altered


def test_what_was_closed_before_incidents_were_kept_stays_readable(shop: Shop) -> None:
    shop.overrun(shop.calls(1)[0])
    until = int(shop.now.timestamp() * 10**9)
    shop.workspace._store.ledger.append_ledger(
        PRODUCT,
        kind="incident",
        bodies=[
            json.dumps(
                {"rule": "shop/answer/limits/timeout", "until_ns": until, "by": "ana", "because": "scaled up"}
            )
        ],
    )
    [old] = shop.workspace.incidents(product=PRODUCT)
    assert (old.state, old.closed_by, old.because, old.count) == ("closed", "ana", "scaled up", 1)
    assert shop.workspace.incident(product=PRODUCT, incident_id=old.id).incident == old
    with pytest.raises(InputError, match="not appended this way"):
        shop.workspace.record(product=PRODUCT, kind="incident", body={})
    shop.now += timedelta(hours=1)
    shop.overrun(shop.calls(1)[0])
    assert [each.state for each in shop.workspace.incidents(product=PRODUCT)] == ["open", "closed"]


def test_every_answer_is_the_same_over_http(shop: Shop) -> None:
    shop.calls(200, bad=60)
    shop.workspace.measure_all()
    one = shop.found()[TIMEOUT]
    shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="x", was=Was.REAL, mechanism=Mechanism.DATA
    )
    shop.now += timedelta(hours=1)
    shop.calls(300)
    shop.workspace.measure_all()
    by_name = {each.name: each for each in OPERATIONS}
    for name, arguments in (
        ("incidents", {}),
        ("incident", {"incident_id": one.id}),
        ("incident_rules", {}),
        ("failure_board", {}),
        ("note_incident", {"incident_id": one.id, "text": "x", "by": "ana"}),
    ):
        operation = by_name[name]
        given = operation.arguments.model_validate({"product": PRODUCT, **arguments})
        known = {each: getattr(given, each) for each in operation.arguments.model_fields}
        answer = operation.call(shop.workspace, known)
        sent = operation.answer.dump_json(answer)
        assert operation.answer.dump_json(operation.answer.validate_json(sent)) == sent
        assert operation.answer.validate_json(sent) == answer
