"""Every page, in the order in which addresses are matched. One file and one template each."""

from launchworthy.console.page import Page
from launchworthy.console.pages import (
    board,
    canvas,
    claim,
    compare,
    contract,
    gold,
    gold_coverage,
    gold_set,
    history,
    ingest,
    judge,
    judges,
    login,
    overview,
    run,
    run_item,
    runs,
    threshold,
    trace,
    traces,
)

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    canvas.PAGE,
    contract.PAGE,
    claim.PAGE,
    judges.PAGE,
    judge.PAGE,
    board.PAGE,
    traces.PAGE,
    trace.PAGE,
    runs.PAGE,
    compare.PAGE,
    history.PAGE,
    run_item.PAGE,
    threshold.PAGE,
    run.PAGE,
    gold.PAGE,
    gold_coverage.PAGE,
    gold_set.PAGE,
    ingest.PAGE,
    login.PAGE,
)
