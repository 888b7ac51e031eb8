"""The reference page of the metrics, written from the registry. May import this room only."""

from __future__ import annotations

from launchworthy.metrics.metric import Metric
from launchworthy.metrics.registry import FAMILIES, METRICS, options_of

__all__ = ["reference_page"]

_OPENING = """# Metrics

Generated from the registry by `python -m launchworthy.metrics.reference > docs/metrics.md`; a test keeps it
current.

`launchworthy score METRIC --input FILE` reads one JSON object a line, or a Parquet or Arrow file, with the fields
named here. Any field may serve as slice (`--by`), protected group (`--group`) or cluster (`--cluster`), and `id` pairs
the rows of two files in `launchworthy compare`.
A row that cannot be scored is counted with its reason: it is neither zero nor good. Names may be written with
`_` for `-`. Any depth works (`hit@3`, `mrr@10`, `ndcg`), and any percentile (`latency-p99.9`). `(optional)`
fields may be absent. The signature stands beside every number: equal signatures are comparable.
"""


def reference_page() -> str:
    """The page as Markdown."""
    parts = [_OPENING]
    for family, names in FAMILIES.items():
        parts += [f"## {family.capitalize()}\n", *(_section(METRICS[name]) for name in names)]
    return "\n".join(parts)


def _section(metric: Metric) -> str:
    better = "higher" if metric.higher_is_better else "lower"
    fields = "\n".join(
        f"- `{field.name}`{'' if field.required else ' (optional)'}: {field.doc}" for field in metric.fields
    )
    takes = ", ".join(f"`{option}`" for option in options_of(metric.name))
    return (
        f"### {metric.name}\n\n{metric.doc}\n\n{fields}\n\n"
        f"Per {metric.unit_of_analysis}; unit: {metric.unit or 'none'}; {better} is better; signature "
        f"`{metric.signature}`{f'; options {takes}' if takes else ''}.\n\n{metric.convention} Source: {metric.source}.\n"
    )


if __name__ == "__main__":
    print(reference_page(), end="")
