"""The pages on approvals and permissions over a real queue: what they say, and what their forms may do."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright
from starlette.testclient import TestClient

from launchworthy.runtime.approval import Approval, ApprovalState
from launchworthy.server.app import build_app
from launchworthy.server.caller import Caller
from launchworthy.server.local import LocalWorkspace

CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [customer, agent, lead]
workflows:
  refund: {user: agent, job: pay back, no_answer: refuse, editable: [amount]}
tools:
  refund:
    effect: pay
    roles: [agent]
    deny: [customer]
    approval: [{by: agent, preview: [amount, order]}, {by: lead, above: 100 USD}]
    limits: {per_call: 500 USD}
    arguments: {order: {from: any}}
  look_up: {effect: read, roles: [customer, agent]}
"""
CHROMIUM = Path("/usr/bin/chromium")
APP = Caller(role="ingest", key="app")
HOSTILE = "<script>alert(1)</script> \u202egnp\u202c"


@pytest.fixture
def shop(workspace: LocalWorkspace) -> LocalWorkspace:
    workspace.register_contract(product="shop", text=CONTRACT, path="shop.yaml")
    return workspace


@pytest.fixture
def app(shop: LocalWorkspace) -> Any:
    return build_app(shop, require_key=False, token="t" * 40)


@pytest.fixture
def browser(app: Any) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8321")


@pytest.fixture
def signed_in(app: Any, shop: LocalWorkspace) -> Callable[[str, str], TestClient]:
    """A browser of somebody who has signed in."""

    def make(name: str, role: str) -> TestClient:
        key = shop.add_api_key(name=name, role="read", acts_as=[role])
        client = TestClient(app, base_url="http://127.0.0.1:8321")
        assert client.post("/login", data={"key": key}, follow_redirects=False).status_code == 303
        return client

    return make


def _ask(shop: LocalWorkspace, name: str = "c-1", **arguments: Any) -> Approval:
    row = {
        "id": name,
        "requester": "copilot",
        "tool": "refund",
        "roles": ["agent"],
        "user": "mia",
        "workflow": "refund",
        "arguments": {"order": HOSTILE, "amount": 40, **arguments},
        "provenance": {"order": "user", "amount": "model"},
        "evidence": [{"id": "p1", "title": "Policy", "text": HOSTILE, "argument": "amount"}],
    }
    return shop.request_approval(product="shop", call=row, caller=APP)


def _title(text: str) -> str:
    found = re.search(r"<title>(.*?) · Launchworthy</title>", text)
    assert found is not None
    return html.unescape(found[1])


def _form(client: TestClient, address: str, **changes: str) -> dict[str, str]:
    """What the first form of a page would send."""
    page = client.get(address).text
    names = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w*)">', page))
    return {**names, **changes}


def _send(client: TestClient, address: str, fields: dict[str, str]) -> tuple[int, str]:
    answer = client.post(address, data=fields, follow_redirects=False)
    return answer.status_code, html.unescape(answer.text)


def test_the_queue_says_who_may_decide_and_hides_nothing(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    assert _title(mia.get("/products/shop/approvals").text) == "No call waits"
    _ask(shop)
    text = mia.get("/products/shop/approvals").text
    assert _title(text) == "1 call waits; you may decide it"
    assert "<script>alert" not in text
    assert "U+202E" in text
    assert text.index("amount") < text.index(">order")  # the contract's order of the preview
    plain = html.unescape(re.sub(r"<[^>]+>", " ", mia.get("/products/shop/approvals/c-1").text))
    assert "the model" in plain
    assert "→ amount" in plain
    lea = signed_in("lea", "lead")
    assert _title(lea.get("/products/shop/approvals").text) == "1 call waits; none is for you to decide"
    assert "you act as lead" in html.unescape(lea.get("/products/shop/approvals").text).lower()


def test_nobody_is_told_how_to_become_somebody_and_gets_no_button(
    shop: LocalWorkspace, browser: TestClient
) -> None:
    _ask(shop)
    text = browser.get("/products/shop/approvals").text
    assert "--acts-as agent" in text
    assert 'value="approve"' not in text
    status, told = _send(
        browser, "/products/shop/approvals/c-1", {"act": "approve", "hash": "0", "token": ""}
    )
    assert (status, "does not come from a page" in told) == (403, True)


def test_a_button_confirms_what_was_shown_and_a_double_click_changes_nothing(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    _ask(shop)
    own = "/products/shop/approvals/c-1"
    fields = _form(mia, own, act="approve")
    assert _send(mia, own, {**fields, "hash": "0" * 64})[0] == 409
    assert _send(mia, own, {**fields, "token": "f" * 64})[0] == 403
    assert _send(mia, own, {**fields, "act": "pay"})[0] == 400
    assert _send(mia, own, fields)[0] == 303
    status, told = _send(mia, own, fields)
    assert (status, "nothing to approve" in told) == (409, True)
    found = shop.approval(product="shop", approval_id="c-1")
    assert [(event.what.value, event.by) for event in found.history[1:]] == [("approved", "mia")]


def test_forms_reject_with_a_reason_and_correct_what_may_be(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    for name in ("c-1", "c-2"):
        _ask(shop, name)
    first, second = "/products/shop/approvals/c-1", "/products/shop/approvals/c-2"
    status, told = _send(mia, first, _form(mia, first, act="reject", reason="  "))
    assert (status, 'aria-invalid="true"' in told, "say why" in told.lower()) == (400, True, True)
    assert _send(mia, first, _form(mia, first, act="reject", reason="not owed"))[0] == 303
    assert shop.approval(product="shop", approval_id="c-1").state is ApprovalState.REJECTED
    for typed in ("much", '"><b>', "", "[" * 5_000):
        wrong = mia.post(second, data=_form(mia, second, act="edit") | {"argument:amount": typed})
        assert (wrong.status_code, "is no JSON" in wrong.text) == (400, True)
        [(value, more)] = re.findall(r'name="argument:amount" value="(.*?)"(.*?)>', wrong.text)
        assert html.unescape(value) == typed, "what was typed is still there"
        assert 'aria-invalid="true" aria-describedby="refused" autofocus' in more
    assert _send(mia, second, _form(mia, second, act="edit") | {"argument:order": '"o-8"'})[0] == 403
    assert _send(mia, second, _form(mia, second, act="edit") | {"argument:amount": "12.5"})[0] == 303
    found = shop.approval(product="shop", approval_id="c-2")
    assert (found.call.request.arguments["amount"], found.editors) == (12.5, ("mia",))
    assert _title(mia.get(first).text) == "refund is rejected"


def test_a_refused_form_keeps_its_words_and_is_bound_to_the_arguments_that_are_shown_now(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    asked = _ask(shop)
    own = "/products/shop/approvals/c-1"
    stale = _form(mia, own)
    shop.add_api_key(name="noa", role="read", acts_as=["agent"])
    shop.edit_approval(
        product="shop",
        approval_id="c-1",
        arguments={"amount": 41},
        arguments_hash=asked.hash,
        caller=Caller(role="read", key="noa"),
    )
    refused = mia.post(own, data=stale | {"act": "reject", "reason": f'not "owed" {HOSTILE}'})
    assert 'name="reason" value="not &#34;owed&#34; &lt;script&gt;' in refused.text
    told = html.unescape(refused.text)
    assert (refused.status_code, "not those that you were shown" in told) == (409, True)
    assert f'value="{asked.hash}"' not in told, "the page shows other arguments, and its forms are of those"
    # What was typed over the old arguments would take back what noa corrected.
    status, told = _send(mia, own, stale | {"act": "edit", "argument:amount": "40"})
    assert (status, 'name="argument:amount" value="41"' in told) == (409, True)
    fresh = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w*)">', told))
    assert fresh["hash"] == shop.approval(product="shop", approval_id="c-1").hash
    assert _send(mia, own, fresh | {"act": "reject", "reason": "not owed"})[0] == 303


def test_values_that_look_alike_are_told_apart(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    shown = {}
    for name, value in {"n": 40, "t": "40", "a": "A-1", "s": " A-1", "d": "A  1", "e": "", "q": '""'}.items():
        _ask(shop, name, order=value)
        [cell] = re.findall(
            r">order.*?<code>(.*?)</code>", mia.get(f"/products/shop/approvals/{name}").text, re.DOTALL
        )
        shown[name] = html.unescape(cell)
    assert shown == {
        "n": "40", "t": '"40"', "a": "A-1", "s": '" A-1"', "d": '"A  1"', "e": '""', "q": '"\\"\\""',
    }  # fmt: skip
    _ask(shop, "blank", order="A-1\u3164")
    assert "A-1⟨U+3164⟩" in mia.get("/products/shop/approvals/blank").text


def test_correcting_one_argument_leaves_hidden_characters_of_another_as_they_are(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    shop.register_contract(
        product="shop", text=CONTRACT.replace("[amount]}", "[amount, order]}", 1), path="shop.yaml"
    )
    mia = signed_in("mia", "agent")
    _ask(shop)
    own = "/products/shop/approvals/c-1"
    page = mia.get(own).text
    fields = re.findall(r'<input name="(argument:\w+)" value="(.*?)"', page)
    given = {name: html.unescape(value) for name, value in fields} | {"argument:amount": "41"}
    assert _send(mia, own, _form(mia, own, act="edit") | given)[0] == 303
    found = shop.approval(product="shop", approval_id="c-1")
    assert found.call.request.arguments == {"order": HOSTILE, "amount": 41}


def test_a_test_says_what_it_was_once_it_is_decided(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    row = {
        "requester": "copilot",
        "tool": "refund",
        "roles": ["agent"],
        "arguments": {"order": "o-1", "amount": 9},
        "provenance": {"order": "user", "amount": "user"},
    }
    for name in ("t-1", "t-2"):
        shop.seed_approval(product="shop", call={**row, "id": name}, wrong="never paid")
    first, second = "/products/shop/approvals/t-1", "/products/shop/approvals/t-2"
    assert "never paid" not in mia.get(first).text
    answer = mia.post(first, data=_form(mia, first, act="approve"))
    assert "was a test, and wrong: never paid" in html.unescape(answer.text)
    assert _title(mia.get(first).text) == "refund was a test: it is wrong, and was approved"
    _send(mia, second, _form(mia, second, act="reject", reason="odd"))
    assert _title(mia.get(second).text) == "refund was a test: it is wrong, and was stopped"


def test_another_site_cannot_decide(
    shop: LocalWorkspace, signed_in: Callable[[str, str], TestClient]
) -> None:
    mia = signed_in("mia", "agent")
    _ask(shop)
    own = "/products/shop/approvals/c-1"
    fields = _form(mia, own, act="approve")
    answer = mia.post(own, data=fields, headers={"Origin": "https://evil.example"}, follow_redirects=False)
    assert answer.status_code == 403
    assert shop.approval(product="shop", approval_id="c-1").state is ApprovalState.PENDING


def test_opening_a_link_decides_nothing_and_its_button_decides_once(
    shop: LocalWorkspace, browser: TestClient
) -> None:
    shop.add_api_key(name="mia", role="read", acts_as=["agent"])
    asked = _ask(shop)
    token = shop._store.approvals.news.make_link(asked, person="mia")
    own = f"/approve/{token}"
    for _ in range(2):
        text = browser.get(own).text
        assert "This link is for you alone" in text
    assert shop.approval(product="shop", approval_id="c-1").state is ApprovalState.PENDING
    fields = _form(browser, own, act="approve")
    assert _send(browser, own, {**fields, "act": "edit", "argument:amount": "1"})[0] == 400
    assert _send(browser, own, {**fields, "hash": "0" * 64})[0] == 400
    done = browser.post(own, data=fields)
    assert _title(done.text) == "Your decision is recorded"
    assert _send(browser, own, fields)[0] == 409
    assert browser.get(own).status_code == 409
    assert browser.get("/approve/forged").status_code == 403
    assert shop.approval(product="shop", approval_id="c-1").history[-1].by == "mia"


def test_a_link_is_void_once_the_arguments_were_corrected(shop: LocalWorkspace, browser: TestClient) -> None:
    for name in ("mia", "noa"):
        shop.add_api_key(name=name, role="read", acts_as=["agent"])
    asked = _ask(shop)
    token = shop._store.approvals.news.make_link(asked, person="mia")
    fields = _form(browser, f"/approve/{token}", act="approve")
    shop.edit_approval(
        product="shop",
        approval_id="c-1",
        arguments={"amount": 41},
        arguments_hash=asked.hash,
        caller=Caller(role="read", key="noa"),
    )
    assert browser.get(f"/approve/{token}").status_code == 409
    assert _send(browser, f"/approve/{token}", fields)[0] == 409


def test_beyond_loopback_a_link_opens_and_nothing_else_does(shop: LocalWorkspace) -> None:
    shop.add_api_key(name="mia", role="read", acts_as=["agent"])
    token = shop._store.approvals.news.make_link(_ask(shop), person="mia")
    stranger = TestClient(build_app(shop, require_key=True, token="t" * 40), base_url="http://c.example")
    assert stranger.get(f"/approve/{token}").status_code == 200
    assert stranger.get("/products/shop/approvals").status_code == 401


def test_beyond_loopback_a_person_decides_with_a_key_that_may_only_read(shop: LocalWorkspace) -> None:
    app = build_app(shop, require_key=True, token="t" * 40)
    mia = TestClient(app, base_url="https://c.example")
    key = shop.add_api_key(name="mia", role="read", acts_as=["agent"])
    mia.post("/login", data={"key": key})
    _ask(shop, "c-1")
    own = "/products/shop/approvals/c-1"
    assert _send(mia, own, _form(mia, own, act="approve"))[0] == 303
    by_link = f"/approve/{shop._store.approvals.news.make_link(_ask(shop, 'c-2'), person='mia')}"
    assert _send(mia, by_link, _form(mia, by_link, act="approve"))[0] == 303
    other = TestClient(app, base_url="https://c.example")
    other.post("/login", data={"key": shop.add_api_key(name="app", role="ingest")})
    _ask(shop, "c-3")
    assert _send(other, "/products/shop/approvals/c-3", {"act": "approve"})[0] == 403
    states = [shop.approval(product="shop", approval_id=f"c-{n}").state.value for n in (1, 2, 3)]
    assert states == ["approved", "approved", "pending"]


def test_a_session_ends_with_the_key_that_it_was_begun_with(shop: LocalWorkspace) -> None:
    app = build_app(shop, require_key=True, token="t" * 40)
    sessions = []
    for name, role in (("mia", "read"), ("ops", "write")):
        key = shop.add_api_key(name=name, role=role)
        sessions.append(TestClient(app, base_url="https://c.example"))
        assert sessions[-1].post("/login", data={"key": key}, follow_redirects=False).status_code == 303
        assert sessions[-1].get("/products/shop/approvals").status_code == 200
    shop.revoke_api_key(name="ops")
    mia, ops = sessions
    assert mia.get("/products/shop/approvals").status_code == 200
    assert ops.get("/products/shop/approvals").status_code == 401
    assert ops.post("/api/v1/products/shop/erase", json={"user_id": "mia"}).status_code == 401
    assert (
        ops.get("/", headers={"Accept": "text/html"}, follow_redirects=False).headers["location"] == "/login"
    )


def test_the_matrix_says_who_may_call_what_and_why(shop: LocalWorkspace, browser: TestClient) -> None:
    def plain(address: str) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", browser.get(address).text)).split())

    own = "/products/shop/permissions"
    assert "2 tools may run, 1 of 1 that act wait for a person" in plain(own)
    assert "needs approval of agent, lead above 100 USD" in plain(own)
    assert "✕ denied whatever other role there is" in plain(own)
    tried = plain(f'{own}?tool=refund&role=agent&arguments={{"amount":600}}')
    assert "Denied: amount is 600 USD; one call may reach 500 USD" in tried
    assert "give amount as a number of at most 500 USD" in tried
    allowed = plain(f"{own}?tool=look_up&role=customer")
    assert "Allowed: look_up is for customer or agent" in allowed
    for bad in ("{", "[1]", "NaN", "[" * 5_000):
        answer = browser.get(own, params={"tool": "refund", "role": "agent", "arguments": bad})
        assert (answer.status_code, "no call" in answer.text) == (200, True)
    assert browser.get("/products/nowhere/permissions").status_code == 404
    assert browser.get("/products/shop/approvals/nothing").status_code == 404


@pytest.fixture
def address(app: Any) -> Iterator[str]:
    """The pages at an address that a browser reaches."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.skipif(not CHROMIUM.exists(), reason="NO CHROMIUM: apt-get install chromium")
def test_a_person_decides_by_keyboard_and_without_script(shop: LocalWorkspace, address: str) -> None:
    key = shop.add_api_key(name="mia", role="read", acts_as=["agent"])
    for name in ("c-1", "c-2", "c-3", "c-4"):
        _ask(shop, name)

    def state(name: str) -> str:
        return shop.approval(product="shop", approval_id=name).state.value

    def serious(page: Page) -> list[str]:
        found = Axe().run(page).response["violations"]
        return [each["id"] for each in found if each["impact"] in ("serious", "critical")]

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            page = chromium.new_page()
            page.goto(f"{address}/login")
            page.fill("#key", key)
            page.press("#key", "Enter")
            page.goto(f"{address}/products/shop/approvals")
            page.keyboard.press("a")  # no call has the focus, and there are several
            assert [state(name) for name in ("c-1", "c-2", "c-3", "c-4")] == ["pending"] * 4
            page.keyboard.press("j")
            first = page.evaluate("document.activeElement.closest('[data-item]').ariaLabel").split()[-1]
            with page.expect_navigation():
                page.keyboard.press("a")
            assert state(first) == "approved"
            page.keyboard.press("j")
            second = page.evaluate("document.activeElement.closest('[data-item]').ariaLabel").split()[-1]
            page.keyboard.press("r")
            page.keyboard.type("a reason with a, r and e in it")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            assert state(second) == "rejected"
            page.keyboard.press("j")
            page.keyboard.press("e")
            page.keyboard.press("Control+A")
            page.keyboard.type("seven")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            # What was wrong is said beside the field, which has the focus and what was typed.
            assert page.evaluate("document.activeElement.value") == "seven"
            assert "'seven' is no JSON" in page.get_by_role("alert").inner_text()
            assert serious(page) == []
            page.keyboard.press("Control+A")
            page.keyboard.type("7")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            found = shop.approvals(product="shop", state="pending")
            assert sorted(each.call.request.arguments["amount"] for each in found) == [7, 40]
            assert serious(page) == []
            bare = chromium.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
            plain = bare.new_page()
            plain.goto(f"{address}/products/shop/approvals/{found[0].id}")
            plain.click("button[value=approve]")
            assert state(found[0].id) == "approved"
        finally:
            chromium.close()
