"""The pages in a real browser: keyboard, narrow screens, dark mode, no other host, no serious barrier."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations, islice
from pathlib import Path
from typing import Any, Literal

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.applications import Starlette

from launchworthy.console import routes
from launchworthy.console.charts import FamilyMark, families_plot
from launchworthy.console.report import ReportPart, report_page

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason="NO CHROMIUM: the console was not tried in a browser; apt-get install chromium",
)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]
PAGES = {
    "canvas": "/products/python-docs/canvas",
    "overview": "/",
    "board": "/products/python-docs",
    "claim": "/products/python-docs/claims/python-docs/answer/quality/under_refusal",
    "traces": "/traces",
    "trace": "/traces/{trace}",
    "runs": "/runs",
    "run": "/runs/20261124-080000-cafe",
    "compare": "/runs/compare?baseline=20261123-080000-beef&candidate=20261124-080000-cafe",
    "gold": "/gold",
    "gold set": "/gold/python-docs/answer",
    "gold with copies": "/gold/graded-docs/answer",
    "coverage": "/gold/graded-docs/answer/coverage",
    "guards": "/products/python-docs/guards",
    "rollout": "/products/python-docs/rollout",
    "judges": "/products/graded-docs/judges",
    "judge": "/products/graded-docs/judges/grounding-v2",
    "judge of pairs": "/products/graded-docs/judges/prefer-v1",
    "conversation": "/runs/20261124-080000-cafe/items/q-180",
    "kept back": "/runs/20261124-070000-f00d",
    "item kept back": "/runs/20261124-070000-f00d/items/q-001",
    "ingest": "/ingest",
    "login": "/login?refused=1",
    "missing": "/nowhere",
    "no contract": "/products/triage",
    "nothing found": "/traces?text=zzz",
}


@pytest.fixture(scope="module")
def address(looked: Any, moment: datetime) -> Iterator[str]:
    with served(looked, moment) as found:
        yield found


@contextmanager
def served(world: Any, moment: datetime) -> Iterator[str]:
    app = Starlette(routes=routes(world, clock=lambda: moment))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(
    browser: Browser, address: str, trace_id: Callable[[int], str]
) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_one(name: str, *, width: int = 1280, scheme: Scheme = "light", **more: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, base_url=address, **more
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(PAGES[name].format(trace=trace_id(2)))
        return page

    yield open_one
    for context in contexts:
        context.close()


@dataclass
class Visit:
    """What one look at a page showed."""

    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    barriers: dict[str, list[str]] = field(default_factory=dict)
    width_at_320: int = 0
    cut_at_320: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visits(browser: Browser, address: str, trace_id: Callable[[int], str]) -> Iterator[dict[str, Visit]]:
    found: dict[str, Visit] = {}
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})

    def opened() -> Iterator[tuple[Visit, Page]]:
        for name, path in PAGES.items():
            visit = found[name] = Visit()
            page = context.new_page()
            listen(page, visit)
            page.goto(path.format(trace=trace_id(2)))
            yield visit, page

    pages = opened()
    ahead = deque(islice(pages, 4))  # these grow quiet while others are looked at
    while ahead:
        visit, page = ahead.popleft()
        ahead.extend(islice(pages, 1))
        page.wait_for_load_state("networkidle")
        page.set_viewport_size({"width": 320, "height": 800})
        visit.width_at_320 = page.evaluate("document.documentElement.scrollWidth")
        visit.cut_at_320 = page.evaluate(CUT)
        page.set_viewport_size({"width": 1280, "height": 800})
        page.evaluate(ONE_OF_A_KIND)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            visit.barriers[scheme] = barriers(page, only_colours=scheme == "dark")
        page.close()
    yield found
    context.close()


def listen(page: Page, visit: Visit) -> None:
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))


# Leaves of the rows of tables and lists one of each kind: what has the same elements, classes and attributes,
# and words in the same places, has the same barriers.
ONE_OF_A_KIND = """() => {
  const named = new Set(["class", "dir", "hidden", "role", "scope", "type"]);
  const kind = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.trim() ? "words" : "";
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    const told = ({ name, value }) => name + (named.has(name) ? value : !value);
    const within = [...node.childNodes].map(kind).join("");
    return `<${node.tagName} ${[...node.attributes].map(told).sort()}>${within}</>`;
  };
  const seen = new Set();
  for (const row of document.querySelectorAll("main tbody > tr, main li")) {
    const own = kind(row);
    if (seen.has(own)) row.remove();
    seen.add(own);
  }
}"""
# Records of which a narrow screen shows less than all: they stand in lists, not in tables that scroll.
CUT = """[...document.querySelectorAll(".scroll:has(> .stack)")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)"""
FOUND = """async (options) => (await axe.run(options)).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" ")}`)"""


def barriers(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe finds; dark mode sets other colours and nothing else, so those are all that is asked there."""
    asked = {"runOnly": ["color-contrast", "link-in-text-block"]} if only_colours else {}
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found: list[str] = page.evaluate(FOUND, {"resultTypes": ["violations"], "selectors": False, **asked})
    return found


def test_rows_of_another_kind_are_looked_at_and_their_barriers_are_found(browser: Browser) -> None:
    rows = ["<td>one", "<td>two", "<td class=pale>three", "<td><a href=x></a>", "<td class=pale>four"]
    page = browser.new_page()
    page.set_content(
        "<html lang=en><title>x</title><style>.pale { color: #ccc }</style><main><h1>x</h1><table>"
        f"<tr><th>x{''.join(f'<tr>{row}' for row in rows)}</table></main>"
    )
    page.evaluate(ONE_OF_A_KIND)
    assert page.locator("tr").all_inner_texts() == ["x", "one", "three", ""]
    assert {each.partition(":")[0] for each in barriers(page)} == {"color-contrast", "link-name"}
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_barrier(visits: dict[str, Visit], name: str, scheme: str) -> None:
    assert visits[name].barriers[scheme] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_320_pixels(visits: dict[str, Visit], name: str) -> None:
    assert visits[name].width_at_320 <= 320


@pytest.mark.parametrize("name", PAGES)
def test_no_part_of_a_record_lies_beyond_the_edge_of_a_phone(visits: dict[str, Visit], name: str) -> None:
    assert visits[name].cut_at_320 == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_from_elsewhere_and_nothing_is_refused(
    visits: dict[str, Visit], address: str, name: str
) -> None:
    visit = visits[name]
    assert visit.asked
    assert all(url.startswith((address, "data:")) for url in visit.asked), visit.asked
    wrong = [text for text in visit.said if text.startswith("error") and "404 (Not Found)" not in text]
    assert wrong == []


def test_the_keys_are_listed_and_can_be_switched_off(open_page: Callable[..., Page]) -> None:
    page = open_page("traces")
    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible()
    page.locator("#single-keys").uncheck()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#keys").is_visible()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.record") is None
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.record") is None, "the choice is kept"


def test_j_and_k_walk_the_records_and_enter_opens_one(open_page: Callable[..., Page], address: str) -> None:
    page = open_page("traces")
    links = [link.get_attribute("href") for link in page.locator("[data-record]").all()[:3]]

    def here() -> Any:
        return page.evaluate("document.activeElement.getAttribute('href')")

    page.keyboard.press("j")
    assert here() == links[0]
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert here() == links[2]
    page.keyboard.press("k")
    assert here() == links[1]
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}{links[1]}")


def test_keys_do_nothing_while_someone_types(open_page: Callable[..., Page]) -> None:
    page = open_page("traces")
    page.locator("#f-text").focus()
    page.keyboard.type("j?k/")
    assert page.locator("#f-text").input_value() == "j?k/"
    assert not page.locator("dialog#keys").is_visible()


def test_slash_goes_to_the_first_filter(open_page: Callable[..., Page]) -> None:
    page = open_page("traces")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "f-product"


def test_a_filter_changes_list_url_title_and_what_is_announced(open_page: Callable[..., Page]) -> None:
    page = open_page("traces")
    page.locator("#f-status").select_option("error")
    page.wait_for_url("**status=error**")
    expect(page.locator("#live")).to_have_text("7 traces: all failed")
    expect(page.locator("tbody tr")).to_have_count(7)
    expect(page.locator("h1")).to_have_text("7 traces: all failed")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_the_first_tab_skips_to_the_content_and_focus_is_seen(open_page: Callable[..., Page]) -> None:
    page = open_page("board")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_dark_mode_and_calm_follow_the_wish_of_the_system(open_page: Callable[..., Page]) -> None:
    page = open_page("board", scheme="dark", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).transitionProperty") == "none"


def test_what_can_be_pressed_is_at_least_24_pixels_high(open_page: Callable[..., Page]) -> None:
    page = open_page("traces", width=320)
    low = page.evaluate(
        """[...document.querySelectorAll('button, .button, input, select, nav a, [data-record]')]
        .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 23.9
            && !each.closest('dialog, .skip')).map((each) => each.outerHTML)"""
    )
    assert low == []


def test_the_long_series_is_drawn_and_its_table_stands_beside_it(open_page: Callable[..., Page]) -> None:
    page = open_page("ingest")
    page.wait_for_selector("[data-plot] canvas")
    page.get_by_text("The same in numbers").click()
    assert page.get_by_role("region", name="Spans by hour", exact=True).locator("tbody tr").count() == 24


def test_a_page_reads_without_any_script(open_page: Callable[..., Page]) -> None:
    page = open_page("traces", java_script_enabled=False)
    page.locator("#f-status").select_option("error")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("h1").inner_text() == "7 traces: all failed"


def test_a_click_leads_from_an_unmet_claim_to_the_trace_that_caused_it(
    open_page: Callable[..., Page], trace_id: Callable[[int], str]
) -> None:
    page = open_page("board")
    page.get_by_role("link", name="At most 5 % of questions that the docs do not answer are answered").click()
    assert page.locator("h1").inner_text().startswith("✕ Unmet")
    page.get_by_role("region", name="Records behind the number").get_by_role(
        "link", name=trace_id(1)[:11]
    ).click()
    assert "the user was not content" in page.locator("h1").inner_text()


def test_the_holdout_opens_at_the_press_of_a_button_that_counts(
    browser: Browser, world: Any, moment: datetime
) -> None:
    own = replace(world, seen=list(world.seen))
    with served(own, moment) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/runs/20261124-080000-cafe?slice=plain")
        expect(page.get_by_text("Use dict.update.")).to_have_count(0)
        button = page.get_by_role("button", name="Look at holdout items")
        expect(button).to_have_accessible_description(re.compile(r"^Counts as a look \(3 of 20 used\)"))
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Use dict.update.").first).to_be_visible()
        expect(page).to_have_url(re.compile(r"\?slice=plain$"))
        assert len(own.seen) == len(world.seen) + 1
        page.goto("/gold/python-docs/answer")
        expect(page.get_by_role("heading", level=1)).to_contain_text("read 4 of 20 times")
        context.close()


def test_print_opens_what_is_folded_but_for_the_checklist(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("run")
    folded = page.locator("main details:not([open])").count()
    assert folded > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() == folded
    board = open_page("board")
    lines = board.locator("main details.line:not([open])").count()
    assert lines > 0
    board.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert board.locator("main details:not([open])").count() == lines


def test_names_and_numbers_of_a_report_stand_apart_on_a_phone(browser: Browser) -> None:
    names = (
        "group sequential (obrien-fleming), as stages end",
        "answer/outcomes/escalation_to_a_person is harmed: rolled back",
        "screen/outcomes/held is worse by its margin: shipped",
    )
    marks = [FamilyMark(name=name, value=0.043, low=0.0321, high=0.0574, n=1_000) for name in names]
    part = ReportPart(title="What looking costs", picture=families_plot(marks, title="False finds"))
    page = browser.new_page(viewport={"width": 390, "height": 800})
    try:
        page.set_content(report_page("Ships 99.2 % of good ones", reason="1,000 times", parts=[part]))
        texts = page.locator("svg.chart text.strong, svg.chart text.told").all()
        boxes = [box for text in texts if (box := text.bounding_box()) is not None]
    finally:
        page.close()
    assert len(boxes) == 8  # long names take two lines
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    for one, other in combinations(boxes, 2):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"] + 1
            or other["y"] + other["height"] <= one["y"] + 1
        )
