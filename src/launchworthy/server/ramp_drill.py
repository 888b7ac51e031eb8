"""The drill of a rollback: harm is planted in a folder of its own, and the release has to be taken back.

May import every room below ``server``. Everything but the records is real: the contract in force, the store,
the measurement, the decision, the incident. Nothing of it touches the product's own folder.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from launchworthy import __version__
from launchworthy.contract import Claim, ClaimKind, Contract, claims
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.monitor.outcomes import EVENTS as OUTCOMES
from launchworthy.monitor.trust import EVENTS as TRUST
from launchworthy.provers import PROVERS
from launchworthy.records import TABLES, Release, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

__all__ = ["drill_roll_back"]

_USERS = 600  # of each release
_SEED = 20_261_125
_BEFORE, _CANDIDATE = Release({"drill": "before"}), Release({"drill": "harm"})
_BY = "drill"


def drill_roll_back(contract: Contract, *, text: str, every_s: float) -> Evidence:
    """Plant harm that the contract names, and see how soon the release is taken back.

    Args:
        contract: The contract.
        text: Its text, which the drill registers.
        every_s: How often the server looks; as long may pass before it does.

    Raises:
        InputError: The contract does not say that harm takes a release back, or no harm of it can be planted.
    """
    back = contract.rollout.roll_back
    if back is None or back.when != "any_harm":
        raise InputError(
            "the contract does not say that harm takes a release back",
            where="rollout/roll_back",
            hint="add roll_back: {when: any_harm, within: 5m} to rollout",
        )
    known = claims(contract, provers=PROVERS)
    planted = next((found for claim in known if (found := _plan(claim, known)) is not None), None)
    if planted is None:
        raise InputError(
            "none of its harms can be planted",
            where="rollout/harms",
            hint="outcomes, trust, latency, errors and timeouts can",
        )
    harm, of, good, bad = planted
    now = [datetime.now(UTC) - timedelta(days=400)]
    with tempfile.TemporaryDirectory() as folder:
        workspace = LocalWorkspace.open(
            Path(folder) / "data", clock=lambda: now[0], options=StoreOptions(min_free_bytes=0)
        )
        try:
            product = contract.product
            workspace.register_contract(product=product, text=text, path="launchworthy.yaml")
            for release in (_BEFORE, _CANDIDATE):
                workspace.register_release(release, product=product)
            ramp = workspace.start_ramp(
                product=product, release=_CANDIDATE.id, baseline=_BEFORE.id, reason="a drill", by=_BY
            )
            stage = _expose(workspace, ramp, contract)
            # Outcomes tell nothing before they are old enough.
            now[0] += timedelta(days=200)
            _plant(workspace, of, good=good, bad=bad, at=now[0] - timedelta(days=199))
            began = time.perf_counter()
            workspace.ramping.watch()
            took_ms = (time.perf_counter() - began + every_s) * 1e3
            ended = workspace.ramps(product=product)[0]
            incidents = workspace.incidents(product=product)
        finally:
            workspace.close()
    reason = ""
    if ended["state"] != "rolled_back":
        reason = f"it was not taken back: {ended['next']['because']}"
    elif took_ms > back.within.value:
        reason = "it took too long"
    elif not incidents:
        reason = "no incident was opened"
    return Evidence(
        claim=f"{product}/rollout/roll_back",
        kind=ClaimKind.DRILL,
        value=0.0 if reason else 1.0,
        n=1,
        source="drill",
        producer=f"launchworthy.server {__version__}",
        observed_at=datetime.now(UTC),
        simulated=True,
        detail={
            "harm": harm.address,
            "stage": stage,
            "users": 2 * _USERS,
            "took_ms": round(took_ms, 3),
            "within_ms": back.within.value,
            "looks_every_ms": every_s * 1e3,
            "failure_mode": None if not incidents else incidents[0].failure_mode,
            **({"remark": reason} if reason else {}),
        },
    )


def _expose(workspace: LocalWorkspace, ramp: Mapping[str, Any], contract: Contract) -> str:
    """Enter stages by hand until somebody has the release; answers the stage."""
    while not ramp["share"]:
        following = next(each for each in ramp["stages"] if each["name"] == ramp["next"]["stage"])
        who = following["approver"] or _BY
        ramp = workspace.step_ramp(
            product=contract.product,
            ramp_id=ramp["id"],
            action="enter",
            reason="a drill",
            by=contract.owners.get(who, who),
        )
    return str(ramp["stage"])


def _plan(
    harm: Claim, known: Sequence[Claim]
) -> tuple[Claim, Claim, Mapping[str, Any], Mapping[str, Any]] | None:
    """How calls look that do this harm, and that do not; None where that cannot be planted."""
    if harm.metric != "harms":
        return None
    product = harm.address.partition("/")[0]
    of = next((claim for claim in known if claim.address == f"{product}/{harm.options['of']}"), None)
    if of is None or of.target is None:
        return None
    events = {"outcomes": OUTCOMES, "trust": TRUST}.get(of.family, {}).get(of.metric)
    if of.family == "outcomes" and of.target.unit == "ratio":
        events = events or (of.metric,)
    if events is not None:
        with_event, without = {"event": events[-1]}, {"event": "shown"}
        return harm, of, *((without, with_event) if _high_is_bad(of) else (with_event, without))
    if of.family == "reliability" and of.metric in ("error", "timeout", "availability"):
        return harm, of, {}, {"status": "error", "error_type": "timeout"}
    if of.family == "reliability" and of.metric.startswith("latency_p"):
        limit = of.target.threshold
        return harm, of, {"duration_ms": 0.5 * limit}, {"duration_ms": 5.0 * limit}
    return None


def _high_is_bad(claim: Claim) -> bool:
    return claim.target is not None and claim.target.direction.value == "at_most"


def _plant(
    workspace: LocalWorkspace, of: Claim, *, good: Mapping[str, Any], bad: Mapping[str, Any], at: datetime
) -> None:
    """Calls of users of both releases; one in fifty goes wrong before, nine in ten of the candidate."""
    rng = random.Random(_SEED)  # noqa: S311 (made-up users)
    rows: dict[str, list[dict[str, Any]]] = {"spans": [], "outcomes": []}
    began = int(at.timestamp()) * 10**9
    product = of.address.partition("/")[0]
    for release, share in ((_BEFORE.id, 0.02), (_CANDIDATE.id, 0.9)):
        for number in range(_USERS):
            look = dict(bad if rng.random() < share else good)
            event = look.pop("event", None)
            call = {
                "product": product,
                "workflow": of.workflow,
                "trace_id": rng.randbytes(16),
                "received_at": began,
                "simulated": True,
            }
            took_ms = float(look.pop("duration_ms", 1.0)) * rng.uniform(0.8, 1.2)
            rows["spans"].append(
                {
                    **call,
                    "span_id": rng.randbytes(8),
                    "kind": "workflow",
                    "name": "drill",
                    "start_time": began + number,
                    "end_time": began + number + int(took_ms * 1e6),
                    "duration_ms": took_ms,
                    "status": "ok",
                    "release": release,
                    "user_id": f"{release}-{number}",
                    "session_id": f"{release}-{number}",
                    **look,
                }
            )
            # Some event of everybody is known, so that what did not come to one is known not to have.
            for name in {"shown", event} if event else ():
                rows["outcomes"].append({**call, "event": name, "time": began + number + 10**9})
    store = workspace._store
    for table, found in rows.items():
        if found:
            columns = {name: [row.get(name) for row in found] for name in TABLES[table].names}
            store.ingest([Rows(table, columns)], batch_id=f"drill-{table}")
    store.flush()
