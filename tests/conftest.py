"""What every test shares: reproducible Hypothesis runs, and no skipped test where the suite decides."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.forking import Forking

# Timing decides nothing here, and a failure must come back: the seed is fixed.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

# The many processes that tests start share what is compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Thousands of imported classes live as long as the run: looking for garbage among them as often as Python
# does by default takes a twelfth of its time.
gc.set_threshold(20_000, 10, 100)


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    """Starts processes that need not load everything first; see ``forking.py``."""
    processes = Forking()
    yield processes
    processes.close()


# The long stories have few tests each. By default the files with most tests are given out first, and at the
# end one worker would wait for another that has just begun a story.
_STORIES = (
    "tests/action/",
    "tests/console/test_browser",
    "tests/demo/",
    "tests/notebook/",
    "tests/test_package",
    "tests/test_tour",
    "tests/test_tutorial",
)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_STORIES))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported for collecting is no garbage, and is not looked through again."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed run: what was not tried was not shown to work."""
    gc.unfreeze()
    if not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} tests were skipped, which CI refuses", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
