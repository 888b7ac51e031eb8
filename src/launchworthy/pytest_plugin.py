"""The pytest plugin: ``pytest --launchworthy`` turns the claims of a contract into tests.

Loaded by every pytest of an environment in which this package is installed, so it imports nothing but pytest;
what it needs is loaded once ``--launchworthy`` is given. Without it, marked tests are skipped and nothing
else changes. May import every room.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from launchworthy.pytest_suite import Tested

MARKER = (
    "launchworthy(target, gold=None, contract=None, workflow=None, scorers=None, split=None, per='claim'): "
    "a test for each claim that an evaluation can measure (per='item': each gold item), --launchworthy given"
)
_NAMES = frozenset({"target", "gold", "contract", "workflow", "scorers", "split", "per"})
_FIXTURE = "launchworthy"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("launchworthy", "launchworthy: claims as tests")
    group.addoption(
        "--launchworthy", action="store_true", help="Evaluate marked tests and judge their claims."
    )
    group.addoption(
        "--launchworthy-contract",
        metavar="FILE",
        help="Contract of tests whose marker names none [launchworthy.yaml of the root folder].",
    )
    group.addoption(
        "--launchworthy-unproven",
        choices=("fail", "warn"),
        default="fail",
        help="What becomes of an unproven claim: a failure, or an expected one (xfail) [%(default)s].",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--launchworthy"):
        return
    for item in items:
        if item.get_closest_marker(_FIXTURE) is not None:
            item.add_marker(pytest.mark.skip(reason="needs --launchworthy"))


@pytest.fixture
def launchworthy(request: pytest.FixtureRequest) -> Tested:
    """What is tested here: a claim with its state and the run behind it, or one answered gold item."""
    suite, name = getattr(request, "param", (None, None))
    if suite is None or name is None:
        pytest.fail("the fixture launchworthy needs the marker: @pytest.mark.launchworthy(target=…)")
    from launchworthy.errors import LaunchworthyError
    from launchworthy.pytest_suite import answered

    try:
        return answered(suite, name, folder=_shared(request))
    except LaunchworthyError as error:
        pytest.fail(f"could not be measured: {error}", pytrace=False)


def _shared(request: pytest.FixtureRequest) -> Any:
    """A folder that the workers of one run share; None where there is only this process."""
    if not hasattr(request.config, "workerinput"):
        return None
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    return factory.getbasetemp().parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each claim, or for each gold item, of what the marker describes."""
    marker = metafunc.definition.get_closest_marker(_FIXTURE)
    if marker is None or not metafunc.config.getoption("--launchworthy"):
        return
    if _FIXTURE not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(
            f"{metafunc.definition.nodeid} has the marker launchworthy and must take the fixture launchworthy"
        )
    from launchworthy.errors import LaunchworthyError
    from launchworthy.pytest_suite import suite_of

    unknown = sorted(set(marker.kwargs) - _NAMES)
    if unknown or marker.args:
        wrong = f"{unknown[0]!r} is none of" if unknown else "write each as NAME=VALUE:"
        raise pytest.Collector.CollectError(f"marker launchworthy: {wrong} {', '.join(sorted(_NAMES))}")
    try:
        suite = suite_of(
            marker.kwargs,
            root=metafunc.config.rootpath,
            contract=metafunc.config.getoption("--launchworthy-contract"),
        )
    except LaunchworthyError as error:
        raise pytest.Collector.CollectError(f"marker launchworthy: {error}") from error
    names = list(suite.names)
    metafunc.parametrize(_FIXTURE, [(suite, name) for name in names], indirect=True, ids=names)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Settle the claim once the test's own assertions held; an item without an answer before them."""
    if not pyfuncitem.config.getoption("--launchworthy") or _FIXTURE not in pyfuncitem.funcargs:
        return (yield)
    tested = cast("Tested", pyfuncitem.funcargs[_FIXTURE])
    pyfuncitem.user_properties += [(f"launchworthy.{name}", text) for name, text in tested.told.items()]
    if tested.claim is None:
        _settle(tested, pyfuncitem.config)
        return (yield)
    result = yield
    _settle(tested, pyfuncitem.config)
    return result


def _settle(tested: Tested, config: pytest.Config) -> None:
    if tested.state == "unproven" and config.getoption("--launchworthy-unproven") == "warn":
        pytest.xfail(tested.text)
    if tested.state in ("unmet", "unproven"):
        pytest.fail(tested.text, pytrace=False)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Each claim with its value, interval, n, and what it would take."""
    if not config.getoption("--launchworthy"):
        return
    told: dict[str, dict[str, str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            properties = dict(getattr(report, "user_properties", ()) or ())
            mine = {
                name.removeprefix("launchworthy."): text
                for name, text in properties.items()
                if str(name).startswith("launchworthy.")
            }
            if "claim" in mine:
                told[mine["claim"]] = mine
    if not told:
        return
    terminalreporter.write_sep("=", "launchworthy: claims")
    colours = {"met": "green", "attested": "green", "unmet": "red"}
    for claim in told.values():
        markup = {colours.get(claim["state"], "yellow"): True}
        terminalreporter.write_line(f"{claim['mark']} {claim['state']:8}  {claim['claim']}", **markup)
        for name in ("reason", "next"):
            if claim.get(name):
                terminalreporter.write_line(f"    {'next: ' if name == 'next' else ''}{claim[name]}")
