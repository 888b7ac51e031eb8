"""``/metrics`` in Prometheus' text format: what was accepted, stored and rejected. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["prometheus_text"]

_HELP = {
    "accepted": "Spans acknowledged: on disk, and certain to be stored.",
    "stored": "Spans that queries can see.",
    "rejected": "Spans refused one by one, with a reason.",
    "duplicate": "Spans sent again in a batch that was acknowledged before; counted in no other line.",
    "pending": "Spans acknowledged and not yet visible to queries.",
    "quarantined": "Spans acknowledged that could not be stored; kept apart with their reason.",
    "repeated": "Spans acknowledged that were stored before, in another batch; kept as they were first.",
    "lost": "Spans stored in a hot file that somebody has removed since.",
}


def prometheus_text(counters: Mapping[str, int]) -> str:
    """Counters by name, spans only; ``pending`` is a gauge, the rest only rise."""
    lines = []
    for name, text in _HELP.items():
        if name not in counters:
            continue
        gauge = name == "pending"
        metric = f"launchworthy_spans_{name}" + ("" if gauge else "_total")
        lines += [
            f"# HELP {metric} {text}",
            f"# TYPE {metric} {'gauge' if gauge else 'counter'}",
            f"{metric} {counters[name]}",
        ]
    return "\n".join(lines) + "\n"
