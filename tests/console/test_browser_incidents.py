"""An incident from its list to its end in a real browser, by keyboard alone; and the switch of a flag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.console.test_browser import CHROMIUM, barriers, browser, served
from tests.console.test_flags_page import FLAGS
from tests.server.test_incidents import NOW, PRODUCT, Shop, _run

from launchworthy.gold import GoldItem, GoldVersion
from launchworthy.server.reading import WorkspaceReading

__all__ = ["browser"]

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason="NO CHROMIUM: the console was not tried in a browser; apt-get install chromium",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("incidents"))
    yield made
    made.workspace.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    with served(WorkspaceReading(shop.workspace), NOW) as address:
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
        yield context.new_page()
        context.close()


def unfold(page: Page, name: str) -> None:
    """Walk with the tabulator to what unfolds a form, open it, and go on into its first field."""
    summary = page.locator("summary", has_text=name).first
    for _ in range(40):
        if summary.evaluate("(each) => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    if not summary.evaluate("(each) => each.parentElement.open"):
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")


def test_an_incident_goes_from_its_list_to_a_proven_cure_by_keyboard(page: Page, shop: Shop) -> None:
    items = [GoldItem(id=f"q-{n}", input=f"question {n}", expected="x") for n in range(4)]
    version = GoldVersion(
        product=PRODUCT, name="answer", version="g-1", created_at=shop.now, items=4, slices={}, splits={}
    )
    shop.workspace.add_gold(version, items)
    _said_to_fail(shop, shop.calls(200)[:40])
    _run(shop, version, "r-old", failing=4)
    shop.workspace.open_incident(
        product=PRODUCT, title="It invents a <b>refund</b> policy", failure_mode="invents_policy", by="ana"
    )
    page.goto(f"/products/{PRODUCT}/incidents")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("✕ Invents policy: open")
    timeline = page.get_by_role("region", name="Timeline").last.locator("tbody tr")

    unfold(page, "Write a note")
    page.keyboard.type("guests alone, <b>since</b> noon")
    page.keyboard.press("Enter")
    expect(timeline).to_have_count(2)
    expect(timeline.filter(has_text="guests alone, <b>since</b> noon")).to_have_count(1)

    unfold(page, "Give it to somebody")
    page.keyboard.type("wei")
    page.keyboard.press("Enter")
    expect(timeline).to_have_count(3)
    expect(page.get_by_role("region", name="What is known")).to_contain_text("wei")

    # Without the cases that would show a cure it stays open, and nothing has to be typed again.
    unfold(page, "It was real")
    page.keyboard.type("the old wording is back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("invents_policy is cured where gold items show it")
    gold = page.get_by_label("Gold items added for it")
    expect(gold).to_be_focused()
    expect(gold).to_have_accessible_description(re.compile("none is named"))
    expect(page.get_by_role("textbox", name="What was done")).to_have_value("the old wording is back")
    expect(title).to_have_text("✕ Invents policy: open")
    assert barriers(page) == []

    shop.now += timedelta(minutes=1)
    page.keyboard.type("q-0 q-1 q-2 q-3")
    page.keyboard.press("Enter")
    expect(title).to_have_text("◌ Invents policy: fixed, not yet shown to be cured")
    expect(page.get_by_role("link", name="answer/q-3")).to_have_count(1)

    shop.now += timedelta(hours=1)
    _run(shop, version, "r-new", failing=0)
    shop.calls(200)
    shop.workspace.measure_all()
    page.reload()
    expect(title).to_have_text("● Invents policy: shown to be cured")
    proof = page.get_by_role("region", name="Whether the fix helped")
    expect(proof.get_by_role("heading", name="shown to be better")).to_have_count(2)
    expect(proof).to_contain_text("In runs that ask its gold items")
    assert barriers(page) == []


def _said_to_fail(shop: Shop, traces: list[str]) -> None:
    at = int(shop.now.timestamp()) * 10**9
    said = {"product": PRODUCT, "workflow": "answer", "reason": "invents_policy", "time": at}
    shop.store("feedback", *({"trace_id": bytes.fromhex(trace), **said} for trace in traces))


def test_a_flag_is_switched_off_by_keyboard_once_a_reason_is_given(page: Page, shop: Shop) -> None:
    shop.workspace.set_flags(product=PRODUCT, flags=FLAGS, reason="the new tone", by="ana")
    page.goto(f"/products/{PRODUCT}/flags")
    unfold(page, "Switch it off")
    page.keyboard.type("   ")
    page.keyboard.press("Enter")
    expect(page.locator("#refused")).to_contain_text("say why, in a sentence")
    why = page.locator("details[open]").get_by_label("Why")
    expect(why).to_be_focused()
    assert barriers(page) == []
    page.keyboard.press("Control+A")
    page.keyboard.type("it is rude")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 flags in force, switched off")
    expect(page.get_by_role("region", name="What was changed", exact=True)).to_contain_text("it is rude")
