"""A gold set with items that wait, stand twice or are kept back, its readings, and what users ask."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from launchworthy.contract import Claim
from launchworthy.evals.gold_evidence import gold_evidence
from launchworthy.evidence import Evidence
from launchworthy.gold import GoldItem, Look, Review, ReviewStatus, freeze

NAME = "answer"
HIDDEN = "swordfish"  # a word of every item that is kept back, and of none other
_KNOWN = (
    "How do I combine two dictionaries into a new one?",
    "Which function lists files recursively with a pattern?",
    "How do I read a large CSV file row by row?",
    "How can I measure how long a function takes?",
    "Which module parses dates written in ISO 8601?",
    "How do I sort a list of tuples by the second element?",
)
_KEPT_BACK = (
    "Where are environment variables read?",
    "Can a dataclass be frozen after it was made?",
    "Open a socket that listens for one client only",
    "What closes an event loop that still runs tasks?",
    "Compress bytes with a dictionary known beforehand",
    "Turn roman numerals into integers",
)
_UNKNOWN = (
    ("How do I deploy a container to a cluster?", 14),
    ("deploying containers on a cluster, how do I", 6),
    ("What does the licence of numpy allow?", 5),
    ("<script>alert(1)<script> \u202eweather tomorrow", 3),
)


def _review(status: ReviewStatus, at: datetime, because: str = "") -> Review:
    return Review(status=status, by="ana", at=at, because=because)


def items_of(now: datetime) -> list[GoldItem]:
    """Items of every split and every status of review; two pairs are nearly the same."""
    found = [
        GoldItem(id=f"q-{number:02}", input=text, expected="x", slices=("plain",), split="dev")
        for number, text in enumerate(_KNOWN)
    ]
    found.append(GoldItem(id="q-copy", input=_KNOWN[0].replace("?", " please?"), split="dev"))
    kept_back = [
        GoldItem(
            id=f"h-{number}", input=f"{HIDDEN} {number} {text}", split="sealed" if number > 3 else "holdout"
        )
        for number, text in enumerate(_KEPT_BACK)
    ]
    leaked = GoldItem(id="h-leak", input=f"{_KNOWN[5]} {HIDDEN}", split="holdout")
    trace = hashlib.md5(b"4", usedforsecurity=False).hexdigest()
    provenance = {"provenance": {"trace_id": trace, "release": "r-1", "by": "ana", "simulated": True}}
    waiting = [
        GoldItem(
            id=f"t-{split}",
            input=f"{'<b>Who wrote' if split == 'dev' else HIDDEN} the zoneinfo module?",
            split=split,
            review=_review(ReviewStatus.PROPOSED, now - timedelta(hours=3)),
            meta=provenance,
        )
        for split in ("dev", "holdout")
    ]
    rejected = GoldItem(
        id="t-rejected",
        input="Is this a question at all?",
        review=_review(ReviewStatus.REJECTED, now - timedelta(hours=2), "nobody can answer it"),
    )
    return [*found, *kept_back, leaked, *waiting, rejected]


def add_gold(world: Any, claims: Iterable[Claim], *, product: str, now: datetime) -> list[Evidence]:
    """Put the set, its readings and questions of users into a world; answers what it proves."""
    claims = list(claims)
    version, items = freeze(
        items_of(now), product=product, name=NAME, created_at=now - timedelta(days=20), note="promoted two"
    )
    world.golds.append(version)
    world.gold[version.version] = list(items)
    for number, (purpose, split, release) in enumerate(
        (
            ("run 20261124-070000-f00d", "holdout", None),
            ("run r-2", "holdout", None),
            ("show", "holdout", None),
            ("export", "holdout", None),
            ("gate g-1", "sealed", "r-1"),
            ("gate g-2", "sealed", "r-1"),
        )
    ):
        world.seen.append(
            Look(
                product=product,
                name=NAME,
                version=version.version,
                at=now - timedelta(days=12 - number),
                by="ana",
                purpose=purpose,
                split=split,
                release=release,
            )
        )
    world.records.add("spans", list(_questions(product, now - timedelta(days=10))))
    holdout = [look for look in world.seen if look.product == product and look.split == "holdout"]
    private = next(claim for claim in claims if claim.address.endswith(f"gold/{NAME}/private"))
    trace = hashlib.md5(b"4", usedforsecurity=False).hexdigest()
    got_out = Evidence(
        claim=private.address,
        kind="never",
        value=1.0,
        low=1.0,
        high=1.0,
        n=900,
        method="full count",
        sample={"breaches": 1, "n": 900},
        source="records:2026-11-17/2026-11-24",
        observed_at=now,
        detail={
            "with_canary": 1,
            "remark": "its canary stands in 1 texts",
            "worst_traces": [{"trace": trace}],
        },
    )
    return [got_out, *gold_evidence(claims, [version], holdout, now)]


def _questions(product: str, at: datetime) -> Iterable[dict[str, Any]]:
    """Real users ask what the set knows 32 times, and 28 times what it does not; simulated ones twice."""
    asked = [(text, False) for text in _KNOWN[:4] for _ in range(8)]
    asked += [(text, False) for text, times in _UNKNOWN for _ in range(times)]
    asked += [(_KNOWN[4], True)] * 2
    for number, (text, simulated) in enumerate(asked):
        yield {
            "trace_id": hashlib.md5(f"asked {number}".encode(), usedforsecurity=False).digest(),
            "span_id": number.to_bytes(8),
            "product": product,
            "workflow": NAME,
            "name": NAME,
            "kind": "workflow",
            "status": "ok",
            "simulated": simulated,
            "duration_ms": 40.0,
            "start_time": int((at - timedelta(minutes=number)).timestamp()) * 10**9,
            "received_at": int(at.timestamp()) * 10**9,
            "input": json.dumps(text),
        }
