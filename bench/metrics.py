"""What a metric with its interval costs, beside the library that defines it, on the same made-up data.

    .venv/bin/python bench/metrics.py [--only ndcg] [--peers-whole]

Each side runs in a process of its own: CPU seconds of the metric with its interval (imports and the making of
the data left out) and the peak memory of the process. A peer that would take minutes is run on a part and its
time extrapolated, which its line says; ``--peers-whole`` runs it on all. Values are compared on what both saw.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Values = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to do a job: its data for n items, and the work that is measured."""

    name: str
    prepare: Callable[[int], Any]
    run: Callable[[Any], Values]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is measured, of how many items, and what it is to stay under."""

    title: str
    items: int
    to_reach: str
    ours: Side
    peer: Side
    peer_items: int
    peer_part: float = 1.0  # of the work on these items that the peer does, such as 20 of 1,000 resamples


def ranking_table(queries: int, documents: int = 100) -> dict[str, Any]:
    """Columns of a run of distinct scores, a tenth of its ids relevant."""
    import numpy as np

    rng = np.random.default_rng(1)
    cells = queries * documents
    return {
        "query": np.repeat(np.arange(queries), documents),
        "id": np.tile(np.arange(documents), queries),
        "score": rng.random(cells),
        "gain": np.where(rng.random(cells) < 0.1, rng.integers(1, 4, cells), 0).astype(float),
    }


def _arrow_table(queries: int) -> Any:
    import pyarrow

    return pyarrow.table(ranking_table(queries))


def _rank_ours(table: Any) -> Values:
    from launchworthy.metrics import columns_of, find_metric
    from launchworthy.metrics.run_table import by_query

    columns = {name: table[name].to_numpy() for name in table.column_names}
    queries = by_query(columns_of(columns)) or {}
    found = []
    for name in ("ndcg@10", "map"):
        metric = find_metric(name)
        scores = metric.columns(queries) if metric.columns else None
        interval = None if scores is None else metric.estimate(scores)
        found.append(float("nan") if interval is None else interval.value)
    return tuple(found)


def _rank_pytrec(table: Mapping[str, Any]) -> Values:
    import pytrec_eval

    run: dict[str, dict[str, float]] = {}
    judged: dict[str, dict[str, int]] = {}
    columns = [table[name].tolist() for name in ("query", "id", "score", "gain")]
    for query, name, score, gain in zip(*columns, strict=True):
        run.setdefault(str(query), {})[str(name)] = score
        judged.setdefault(str(query), {})[str(name)] = int(gain)
    found = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.10", "map"}).evaluate(run)
    relevant = [entry for query, entry in found.items() if any(judged[query].values())]
    return tuple(sum(entry[name] for entry in relevant) / len(relevant) for name in ("ndcg_cut_10", "map"))


def text_pairs(pairs: int) -> list[tuple[str, str]]:
    """Answers and references of 8 to 35 words, a fifth of the words exchanged."""
    rng = random.Random(1)
    words = ["the", "a", "of", "to", "and", *(f"w{number}" for number in range(5_000))]

    def word() -> str:
        return words[rng.randrange(5)] if rng.random() < 0.3 else rng.choice(words)

    made = []
    for _ in range(pairs):
        right = [word() for _ in range(rng.randint(8, 35))]
        said = [one if rng.random() < 0.8 else word() for one in right]
        made.append((" ".join(said) + ".", " ".join(right) + rng.choice([".", "?", " (ok), yes."])))
    return made


def _rows(pairs: int) -> list[dict[str, str]]:
    return [{"output": said, "reference": right} for said, right in text_pairs(pairs)]


def _scored(name: str) -> Callable[[Sequence[Mapping[str, Any]]], Values]:
    def run(rows: Sequence[Mapping[str, Any]]) -> Values:
        from launchworthy.metrics import find_metric, score_rows

        interval = score_rows(find_metric(name), rows).overall.interval
        return (float("nan") if interval is None else interval.value,)

    return run


def _sacrebleu(pairs: list[tuple[str, str]]) -> Values:
    from sacrebleu.metrics.bleu import BLEU

    outputs, references = zip(*pairs, strict=True)
    return (BLEU().corpus_score(outputs, [references], n_bootstrap=1_000).score / 100,)


def _rouge_score(pairs: list[tuple[str, str]]) -> Values:
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

    scorer = RougeScorer(["rougeL"])
    found = [scorer.score(right, said)["rougeL"].fmeasure for said, right in pairs]
    return (sum(found) / len(found),)


def _decided(rows: int) -> dict[str, Any]:
    """Labels, probabilities of some skill, and decisions by them."""
    import numpy as np

    rng = np.random.default_rng(1)
    label = (rng.random(rows) < 0.3).astype(np.int64)
    score = 1.0 / (1.0 + np.exp(-(rng.normal(size=rows) + 1.5 * label - 1.0)))
    return {"label": label, "score": score, "prediction": (score >= 0.5).astype(np.int64)}


def _of_columns(*names: str) -> Callable[[Mapping[str, Any]], Values]:
    def run(arrays: Mapping[str, Any]) -> Values:
        from launchworthy.metrics import Scored, columns_of, find_metric

        columns = columns_of(arrays)
        found = []
        for name in names:
            metric = find_metric(name)
            scored = Scored.of_columns(metric, columns)
            interval = None if scored is None else metric.estimate(scored.scores)
            found.append(float("nan") if interval is None else interval.value)
        return tuple(found)

    return run


def _resampled(name: str, field: str) -> Callable[[Mapping[str, Any]], Values]:
    """scikit-learn's figure and 20 of the 1,000 resamples that its spread takes."""

    def run(arrays: Mapping[str, Any]) -> Values:
        import numpy as np
        from sklearn import metrics

        measure = getattr(metrics, name)
        label, said = arrays["label"], arrays[field]
        rng = np.random.default_rng(1)
        for _ in range(_RESAMPLES):
            chosen = rng.integers(0, label.size, label.size)
            measure(label[chosen], said[chosen])
        return (float(measure(label, said)),)

    return run


_RESAMPLES = 20


JOBS: Mapping[str, Job] = {
    "auc": Job(
        title="ROC AUC of 1,000,000 rows with DeLong's interval",
        items=1_000_000,
        to_reach="0.5 s",
        ours=Side(name="launchworthy", prepare=_decided, run=_of_columns("roc-auc")),
        peer=Side(
            name="scikit-learn (1,000 resamples)", prepare=_decided, run=_resampled("roc_auc_score", "score")
        ),
        peer_items=50_000,
        peer_part=_RESAMPLES / 1_000,
    ),
    "f1": Job(
        title="F1 of 1,000,000 rows, binary and macro, the latter with 19,999 resamples",
        items=1_000_000,
        to_reach="0.05 s each",
        ours=Side(name="launchworthy (both)", prepare=_decided, run=_of_columns("f1", "macro-f1")),
        peer=Side(
            name="scikit-learn (binary, 1,000 resamples)",
            prepare=_decided,
            run=_resampled("f1_score", "prediction"),
        ),
        peer_items=50_000,
        peer_part=_RESAMPLES / 1_000,
    ),
    "ndcg": Job(
        title="NDCG@10 and MAP of 100,000 queries x 100 ids, from Arrow",
        items=100_000,
        to_reach="1.0 s",
        ours=Side(name="launchworthy", prepare=_arrow_table, run=_rank_ours),
        peer=Side(name="pytrec_eval (from columns, no interval)", prepare=ranking_table, run=_rank_pytrec),
        peer_items=20_000,
    ),
    "bleu": Job(
        title="BLEU of 100,000 pairs with a bootstrap interval",
        items=100_000,
        to_reach="12 s, 1,000 MB",
        ours=Side(name="launchworthy", prepare=_rows, run=_scored("bleu")),
        peer=Side(name="sacrebleu (1,000 resamples)", prepare=text_pairs, run=_sacrebleu),
        peer_items=20_000,
    ),
    "rouge-l": Job(
        title="ROUGE-L of 100,000 pairs with its interval",
        items=100_000,
        to_reach="3 s",
        ours=Side(name="launchworthy", prepare=_rows, run=_scored("rouge-l")),
        peer=Side(name="rouge-score (no interval)", prepare=text_pairs, run=_rouge_score),
        peer_items=20_000,
    ),
}


def _measured(side: Side, items: int) -> dict[str, Any]:
    side.run(side.prepare(50))  # imports
    data = side.prepare(items)
    began = time.process_time()
    values = side.run(data)
    return {
        "cpu_s": time.process_time() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "values": values,
    }


def _apart(job: str, side: str, items: int) -> dict[str, Any]:
    """The figures of one side, from a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", f"{job} {side} {items}"], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _print_job(name: str, *, peers_whole: bool) -> None:
    job = JOBS[name]
    print(f"{job.title}; to reach {job.to_reach}")
    ours = _apart(name, "ours", job.items)
    print(f"  {job.ours.name:42} {ours['cpu_s']:8.3f} CPU s {ours['peak_mb']:8,.0f} MB")
    size = job.items if peers_whole else job.peer_items
    peer, part = _apart(name, "peer", size), job.items / size
    whole, memory = part / job.peer_part, part if job.peer_part == 1 else 1.0
    told = (
        ""
        if whole == 1
        else f"  (measured {peer['cpu_s']:.2f} s on {size:,} items; extrapolated: times {whole:g}, memory {memory:g})"
    )
    print(
        f"  {job.peer.name:42} {peer['cpu_s'] * whole:8.3f} CPU s {peer['peak_mb'] * memory:8,.0f} MB{told}"
    )
    same = ours if part == 1 else _apart(name, "ours", size)
    apart = max(abs(a - b) for a, b in zip(same["values"], peer["values"], strict=False))
    print(f"  values of {size:,} items differ by at most {apart:.1e}: {same['values']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=JOBS, action="append", help="this job; may come several times")
    parser.add_argument("--peers-whole", action="store_true", help="peers take all items as well")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        name, side, items = asked.side.split()
        print(json.dumps(_measured(getattr(JOBS[name], side), int(items))))
        return
    for name in asked.only or JOBS:
        _print_job(name, peers_whole=asked.peers_whole)


if __name__ == "__main__":
    main()
