"""Tables as CSV, plots as SVG, series as PNG: saved from pages in a real browser, read by other programs."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from launchworthy.console.charts import IntervalMark, interval_plot
from launchworthy.console.page import Head
from launchworthy.console.rendering import Renderer
from launchworthy.console.routing import _HEADERS, _static

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason="NO CHROMIUM: the console was not tried in a browser; apt-get install chromium",
)
CELLS = (
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ('+1", "x', '\'+1", "x'),
    ("@SUM(A1:A9)", "'@SUM(A1:A9)"),
    ("-2+3", "'-2+3"),
    ("-4.38 %", "-4.38 %"),
    ("+3 ms", "+3 ms"),
    ("-1,250.5", "-1,250.5"),
    ("＝1", "'＝1"),
    ("käse, “süß”", "käse, “süß”"),
)


# Another reader of PNG: its size, its first pixel, how many are clear, and how many differ from the first.
READ = """async (bytes) => {
  const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const clear = pixels.filter((pixel) => pixel >>> 24 < 255).length;
  const first = [...new Uint8Array(pixels.buffer, 0, 4)];
  return [[width, height], first, clear, pixels.filter((pixel) => pixel !== pixels[0]).length];
}"""


class _Shown:
    """What the frame of every page needs of it."""

    head = Head(title="Numbers of users")


def _plain(_: Request) -> Response:
    return HTMLResponse(Renderer()("base.html", _Shown()), headers=_HEADERS)


def _page(_: Request) -> Response:
    from markupsafe import Markup, escape

    rows = Markup("").join(
        Markup(
            "<tr><th>{}</th><td><span aria-hidden='true'>✕</span> {}</td>"
            "<td>two<br><b>lines</b><div>more</div></td></tr>"
        ).format(place, escape(typed))
        for place, (typed, _) in enumerate(CELLS)
    )
    plot = interval_plot(
        IntervalMark(value=0.4, low=0.3, high=0.5, n=100, unit="ratio"), title="Share <of> “it”"
    )
    body = Markup(
        "<section class='card'><div class='scroll' aria-label='By user'><table>"
        "<thead><tr><th>User</th><th>Said</th><th>Lines</th></tr></thead><tbody>{}</tbody></table></div>"
        "<figure>{}</figure></section>"
    ).format(rows, plot)
    page = Renderer()("base.html", _Shown())
    return HTMLResponse(page.replace("</main>", f"{body}</main>"), headers=_HEADERS)


def _series(_: Request) -> Response:
    data = {
        "times": [3_600 * hour for hour in range(9)],
        "series": [{"label": "Spans", "values": [3, 5, None, 8, 2, 9, 4, 4, 1]}],
    }
    body = (
        "<section class='card'><h2>Spans by hour</h2><figure data-series>"
        f"<script type='application/json'>{json.dumps(data)}</script><div data-plot></div></figure></section>"
    )
    page = Renderer()("base.html", _Shown()).replace("</main>", f"{body}</main>")
    script = "<script type='module' src='/static/series.js'></script>"
    return HTMLResponse(page.replace("</head>", f"{script}</head>"), headers=_HEADERS)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/plain", _plain),
            Route("/series", _series),
            Mount("/static", routes=[Route("/{name}", _static())]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 800, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.goto(address)
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("Enter")
    yield page
    assert faults == []
    context.close()


def _saved(page: Page, name: str) -> tuple[str, bytes]:
    button = page.get_by_role("button", name=name)
    button.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_table_is_saved_as_csv_in_which_nothing_typed_is_a_formula(page: Page) -> None:
    name, content = _saved(page, "By user as CSV")
    assert name == "by-user.csv"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["User", "Said", "Lines"]
    assert {row[2] for row in rows[1:]} == {"two lines more"}
    assert [row[1] for row in rows[1:]] == [wanted for _, wanted in CELLS]


def test_a_plot_is_saved_as_an_svg_that_stands_alone(page: Page, browser: Browser, tmp_path: Path) -> None:
    name, content = _saved(page, "Share <of> “it” as SVG")
    assert name == "share-of-it.svg"
    root = ElementTree.fromstring(content)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.findtext(f"{space}title") == "Share <of> “it”"
    painted = [each for each in root.iter() if each.tag in (f"{space}line", f"{space}circle", f"{space}rect")]
    assert painted
    assert all("class" not in each.attrib and each.get("fill") for each in painted)
    (tmp_path / name).write_bytes(content)
    alone = browser.new_page()
    alone.goto((tmp_path / name).as_uri())
    # The ink of the text is that of the page, not the black of a drawing without styles.
    shade = alone.evaluate("getComputedStyle(document.querySelector('text')).fill")
    assert shade == page.evaluate("getComputedStyle(document.querySelector('svg.chart text')).fill")
    alone.close()


def test_a_series_on_a_canvas_is_saved_as_the_picture_that_is_shown(page: Page, address: str) -> None:
    page.goto(f"{address}/series")
    page.wait_for_selector("figure canvas")
    page.get_by_role("button", name="Export").click()
    name, content = _saved(page, "Spans by hour as PNG")
    assert name == "series-spans-by-hour.png"
    size, corner, clear, inked = page.evaluate(READ, list(content))
    assert size == page.evaluate("(({ width, height }) => [width, height])(document.querySelector('canvas'))")
    assert (corner, clear) == ([255, 255, 255, 255], 0), "it stands on the card, not on nothing"
    assert inked > 500, "a line, its axes and its points are drawn"


def test_a_page_without_tables_and_plots_offers_no_export(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/plain")
    assert not page.get_by_role("button", name="Export").is_visible()
    page.close()
