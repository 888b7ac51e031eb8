"""The reference page says what the registry says."""

from __future__ import annotations

from pathlib import Path

from launchworthy.metrics import METRICS
from launchworthy.metrics.reference import reference_page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_page(), (
        "run: python -m launchworthy.metrics.reference > docs/metrics.md"
    )


def test_every_metric_has_its_section() -> None:
    for name in METRICS:
        assert f"## {name}\n" in reference_page()
