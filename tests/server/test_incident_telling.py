"""Telling of incidents: real messages to servers of the test, until they are heard, by day and by night."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.errors import InputError
from launchworthy.records.incident import IncidentSource, Mechanism, Was
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.posting import SIGNATURE
from launchworthy.store import Store, StoreOptions

if TYPE_CHECKING:
    from tests.forking import Forking

NIGHT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
PRODUCT = "shop"
HOSTILE = "<!channel> & <script>alert(1)</script>\r\nBcc: all@shop.example\x1b[31m\u202e"


class Listener:
    """An HTTP server that keeps what it was sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.status, self.heard = 202, list[tuple[str, dict[str, str], bytes]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((self.path, dict(self.headers), body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def events(self, path: str) -> list[Any]:
        return [json.loads(body) for own, _, body in self.heard if own == path]


class Mailbox:
    """A mail server that takes every mail (RFC 5321, as little of it as is needed)."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 test\r\n")
                to: list[str] = []
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            lines.append(text)
                        found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                        outer.mails.append((to, found))
                    if word == b"RCPT":
                        to.append(line.decode().partition("<")[2].partition(">")[0])
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Shop:
    def __init__(self, folder: Path, listener: Listener, mailbox: Mailbox) -> None:
        self.now = NIGHT
        self.workspace = LocalWorkspace.open(
            folder / "data", clock=lambda: self.now, options=StoreOptions(min_free_bytes=0)
        )
        self.settings: dict[str, Any] = {
            "console": "https://launch.shop.example",
            "targets": {
                "hook": {"to": "webhook", "url": f"{listener.url}/hook"},
                "chat": {"to": "slack", "url": f"{listener.url}/slack", "least": "high"},
                "pager": {
                    "to": "pagerduty", "url": f"{listener.url}/pager", "key": "R1", "for": ["on_call"],
                },
                "mail": {"to": "email", "address": "ana@shop.example"},
            },
            "smtp": {
                "host": "127.0.0.1", "port": mailbox.port, "sender": "lw@shop.example", "security": "none",
            },
        }  # fmt: skip
        self.secret = self.workspace.tell_incidents(product=PRODUCT, settings=self.settings)

    def open(self, severity: str, title: str = "Answers are late", **more: Any) -> Any:
        return self.workspace.open_incident(product=PRODUCT, title=title, severity=severity, by="ana", **more)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)
        self.workspace.tell_of_incidents()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path, listener: Listener, mailbox: Mailbox) -> Iterator[Shop]:
    made = Shop(tmp_path, listener, mailbox)
    yield made
    made.workspace.close()


def test_each_target_hears_of_what_is_for_it_in_its_own_shape(
    shop: Shop, listener: Listener, mailbox: Mailbox
) -> None:
    one = shop.open("high", address="answer/reliability/timeout", facts={"left": "3 days"})
    shop.workspace.assign_incident(product=PRODUCT, incident_id=one.id, owner="on_call", by="ana")
    shop.later(seconds=1)
    shop.open("low", title="A typo")
    shop.later(seconds=1)
    assert [each["event"] for each in listener.events("/hook")] == [
        "incident.opened", "incident.assigned", "incident.opened",
    ]  # fmt: skip
    [chat] = listener.events("/slack")
    assert chat["blocks"][0]["text"]["text"] == "🟠 Answers are late"
    assert chat["blocks"][2]["elements"][0]["url"] == (
        f"https://launch.shop.example/products/shop/incidents/{one.id}"
    )
    [page] = listener.events("/pager")  # it heard nothing before it was the owner's
    assert (page["event_action"], page["routing_key"]) == ("acknowledge", "R1")
    assert page["dedup_key"] == f"shop/{one.id}"
    assert page["payload"]["severity"] == "error"
    (to, first), (_, second) = mailbox.mails
    assert to == ["ana@shop.example"]
    assert (first["Subject"], second["Subject"]) == ("[high] Answers are late", "[low] A typo")
    assert "Claim: answer/reliability/timeout" in first.get_content()


def test_the_signature_is_that_of_the_body_under_the_secret(shop: Shop, listener: Listener) -> None:
    shop.open("low")
    shop.later(seconds=1)
    [(_, headers, body)] = [each for each in listener.heard if each[0] == "/hook"]
    at, _, signed = headers[SIGNATURE].partition(",v1=")
    told = hmac.new(shop.secret.encode(), f"{at[2:]}.".encode() + body, hashlib.sha256).hexdigest()
    assert signed == told


def test_hostile_words_reach_every_target_as_words(shop: Shop, listener: Listener, mailbox: Mailbox) -> None:
    shop.open("critical", title=HOSTILE)
    shop.later(seconds=1)
    [chat] = listener.events("/slack")
    assert "<!channel>" not in chat["text"]
    assert "&lt;!channel&gt; &amp; &lt;script&gt;" in chat["text"]
    assert {each["type"] for each in chat["blocks"][1]["fields"]} == {"plain_text"}
    [(to, mail)] = mailbox.mails
    assert (to, mail["Bcc"], mail.get_content_type()) == (["ana@shop.example"], None, "text/plain")
    assert "Bcc: all@shop.example" in mail["Subject"]  # on one line with the rest
    [hook] = listener.events("/hook")
    for text in (chat["text"], mail["Subject"], mail.get_content(), hook["subject"]):
        assert not {"\x1b", "\u202e", "\r"} & set(text.replace("\r\n", ""))


def test_what_is_not_heard_is_told_again_later_and_later_and_once_when_it_is(
    shop: Shop, listener: Listener
) -> None:
    listener.status = 500
    one = shop.open("low")
    for _ in range(3):
        shop.later(seconds=4)  # again 5 s after the first failure, 10 s after the second
    assert len(listener.events("/hook")) == 2
    listener.status = 200
    shop.later(minutes=5)
    shop.later(minutes=60)
    assert len(listener.events("/hook")) == 3
    notices = shop.workspace.incident(product=PRODUCT, incident_id=one.id).notices
    [hook] = [each for each in notices if each.target == "hook"]
    assert (hook.attempts, hook.due_at, hook.failure) == (3, None, "")
    assert hook.told_at is not None


def test_a_target_that_is_down_for_good_is_given_up_and_says_why(shop: Shop, listener: Listener) -> None:
    shop.settings["targets"] = {"hook": {"to": "webhook", "url": "http://127.0.0.1:9/x"}}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    one = shop.open("low")
    for _ in range(20):
        shop.later(hours=2)
    [notice] = shop.workspace.incident(product=PRODUCT, incident_id=one.id).notices
    assert (notice.attempts, notice.due_at, notice.told_at) == (12, None, None)
    assert "ConnectionRefusedError" in notice.failure


def test_in_quiet_hours_only_what_is_bad_enough_is_told_at_once(shop: Shop, listener: Listener) -> None:
    shop.settings["quiet"] = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin", "except": "high"}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    shop.open("medium", title="not now")
    shop.open("high", title="now", key="another")
    over = shop.open("medium", title="over by morning", key="third")
    shop.workspace.close_incident(product=PRODUCT, incident_id=over.id, because="a test", by="ana")
    shop.later(seconds=1)
    assert [each["subject"] for each in listener.events("/hook")] == ["now"]
    shop.later(hours=6, minutes=30)  # 07:00 in Berlin is 06:00 UTC
    told = [each["subject"] for each in listener.events("/hook")]
    assert sorted(told[1:]) == ["Closed: over by morning", "not now"]


def test_what_nobody_takes_goes_to_the_next_owner_and_what_somebody_took_does_not(
    shop: Shop, listener: Listener
) -> None:
    shop.settings["escalate"] = {"after": "30m", "to": "on_call"}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    shop.open("medium", title="left alone")
    taken = shop.open("medium", title="taken", key="another")
    shop.workspace.note_incident(product=PRODUCT, incident_id=taken.id, text="on it", by="wei")
    shop.later(minutes=29)
    assert listener.events("/pager") == []
    shop.later(minutes=2)
    [page] = listener.events("/pager")
    assert page["payload"]["summary"] == "Nobody has taken this: left alone"
    assert page["event_action"] == "trigger"


def test_nobody_is_woken_because_nobody_took_what_was_not_told_yet(shop: Shop, listener: Listener) -> None:
    shop.settings["quiet"] = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin", "except": "high"}
    shop.settings["escalate"] = {"after": "30m", "to": "on_call"}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    shop.open("medium", title="found at night")
    shop.later(hours=6)  # 06:30 in Berlin
    assert listener.events("/pager") == []
    shop.later(minutes=45)
    assert [each["subject"] for each in listener.events("/hook")] == ["found at night"]
    assert listener.events("/pager") == []
    shop.later(minutes=20)
    [page] = listener.events("/pager")
    assert page["payload"]["summary"] == "Nobody has taken this: found at night"


def test_a_mail_server_that_offers_no_encryption_is_told_with_the_setting_to_change(
    shop: Shop, mailbox: Mailbox
) -> None:
    shop.settings["smtp"].pop("security")
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    failure = shop.workspace.test_incident_notices(product=PRODUCT)["mail"]
    assert failure.startswith("127.0.0.1 cannot do this: STARTTLS")
    assert "`security`" in failure
    assert mailbox.mails == []


def test_a_fix_acknowledges_the_page_and_a_closing_resolves_it(shop: Shop, listener: Listener) -> None:
    shop.settings["targets"]["pager"].pop("for")
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    one = shop.open("high")
    shop.workspace.close_incident(
        product=PRODUCT, incident_id=one.id, by="wei", because="a cache", was=Was.REAL,
        mechanism=Mechanism.TOOL,
    )  # fmt: skip
    shop.workspace.close_incident(product=PRODUCT, incident_id=one.id, by="wei", because="it was none")
    shop.later(seconds=1)
    actions = [each["event_action"] for each in listener.events("/pager")]
    assert sorted(actions) == ["acknowledge", "resolve"]  # the opening was over before it was told


def test_a_test_message_says_of_each_target_whether_it_was_heard(
    shop: Shop, listener: Listener, mailbox: Mailbox
) -> None:
    shop.settings["targets"]["down"] = {"to": "webhook", "url": "http://127.0.0.1:9/x"}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    found = shop.workspace.test_incident_notices(product=PRODUCT)
    assert {name: bool(failure) for name, failure in found.items()} == {
        "hook": False, "chat": False, "pager": False, "mail": False, "down": True,
    }  # fmt: skip
    assert listener.events("/pager")[0]["event_action"] == "resolve"  # nobody is paged by it
    assert "nothing is wrong" in mailbox.mails[0][1]["Subject"]
    assert shop.workspace.tell_incidents(product=PRODUCT, settings={}) == ""
    with pytest.raises(InputError, match="nobody is told"):
        shop.workspace.test_incident_notices(product=PRODUCT)


def test_a_secret_may_stand_in_the_environment_and_is_neither_kept_nor_told_from_there(
    shop: Shop, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = {
        "pager": {"to": "pagerduty", "url": f"{listener.url}/pager", "key": "env:SHOP_PAGER"},
        "chat": {"to": "slack", "url": "env:SHOP_CHAT"},
        "mail": {"to": "email", "address": "ana@shop.example"},
    }
    smtp = {**shop.settings["smtp"], "user": "lw", "password": "env:SHOP_MAIL"}
    shop.workspace.tell_incidents(product=PRODUCT, settings={"targets": targets, "smtp": smtp})
    one = shop.open("high")
    monkeypatch.setenv("SHOP_CHAT", "https://hooks.example/services/ T0-secret")
    shop.later(seconds=1)
    assert listener.heard == []
    told = {
        each.target: each for each in shop.workspace.incident(product=PRODUCT, incident_id=one.id).notices
    }
    assert {name: each.failure for name, each in told.items()} == {
        "pager": "the variable SHOP_PAGER is not set where messages are sent from",
        "chat": "env:SHOP_CHAT holds no address",
        "mail": "the variable SHOP_MAIL is not set where messages are sent from",
    }
    assert all(each.due_at for each in told.values()), "it is tried again once somebody has set them"
    monkeypatch.setenv("SHOP_PAGER", "R-of-the-environment")
    monkeypatch.setenv("SHOP_CHAT", f"{listener.url}/slack")
    shop.later(minutes=1)
    assert listener.events("/pager")[0]["routing_key"] == "R-of-the-environment"
    assert len(listener.events("/slack")) == 1
    kept = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    assert any(b"SHOP_PAGER" in each for each in kept)
    assert not any(b"R-of-the-environment" in each for each in kept)


_OPENING = """
import sys
from pathlib import Path
from launchworthy.records.incident import IncidentSource
from launchworthy.server.local import LocalWorkspace

workspace = LocalWorkspace.open(Path(sys.argv[1]))
hook = {"to": "webhook", "url": sys.argv[2]}
workspace.tell_incidents(product="shop", settings={"targets": {"hook": hook}})
print("open", flush=True)
number = 0
while True:
    workspace.open_incident(
        product="shop", title="late", key=f"k-{number // 3}", source=IncidentSource.MONITOR
    )
    print(number, flush=True)
    number += 1
"""


def test_a_kill_leaves_each_incident_whole_opened_once_and_still_to_be_told(
    tmp_path: Path, listener: Listener, forking: Forking
) -> None:
    with forking.start("-c", _OPENING, str(tmp_path / "data"), f"{listener.url}/hook") as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.kill()
        acknowledged += process.stdout.readlines()
    last = int(acknowledged[-1])
    with Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0)) as store:
        found = store.incidents.listed(PRODUCT)
        keys = [each.key for each in found]
        assert len(set(keys)) == len(keys)
        assert last // 3 + 1 <= len(keys) <= (last + 1) // 3 + 1
        for each in found:
            [event] = store.incidents.events(PRODUCT, each.id)
            assert (event.kind, event.altered) == ("opened", False)
            [notice] = store.incidents.notices(PRODUCT, each.id)
            assert (notice.target, notice.told_at) == ("hook", None)
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        again = workspace.open_incident(
            product=PRODUCT, title="late", key="k-0", source=IncidentSource.MONITOR
        )
        assert again.id in {each.id for each in found}
        workspace.measure_all()
        assert workspace.audit(product=PRODUCT) == []
        while workspace._incident_teller.tell_due():
            pass
    finally:
        workspace.close()
    told = [each["incident"]["id"] for each in listener.events("/hook")]
    assert sorted(told) == sorted(each.id for each in found)


def test_owners_are_reached_where_the_contract_says(shop: Shop, listener: Listener, mailbox: Mailbox) -> None:
    shop.workspace.register_contract(
        product=PRODUCT,
        path="",
        text="""
launchworthy: 1
product: shop
owners: {product: ana@shop.example, engineering: "wei@shop.example", on_call: pager:pager}
workflows: {answer: {user: customer, job: get an answer, no_answer: refuse}}
""",
    )
    targets = shop.settings["targets"]
    targets["mail"] = {"to": "email", "for": ["engineering", "on_call"]}
    del targets["pager"]["for"]
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    shop.open("low", title="for engineering")
    shop.open("critical", title="for whoever is on call", key="another")
    shop.later(seconds=1)
    assert [each["payload"]["summary"] for each in listener.events("/pager")] == ["for whoever is on call"]
    assert [to for to, _ in mailbox.mails] == [["wei@shop.example"]] * 2
    assert "Owner: engineering (wei@shop.example)" in mailbox.mails[0][1].get_content()
    targets["mail"] = {"to": "email", "for": ["on_call"]}
    shop.workspace.tell_incidents(product=PRODUCT, settings=shop.settings)
    failures = shop.workspace.test_incident_notices(product=PRODUCT)
    assert failures["mail"] == "the contract has no e-mail address for on_call"
