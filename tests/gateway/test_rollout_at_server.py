"""A gateway whose rollout a server decides: who has the release, and whose shadow it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.gateway.conftest import CONTRACT, Begin, Model, answering, client, completion
from tests.gateway.test_chat import ASKED
from tests.server.conftest import serving

from launchworthy.contract import load_contract
from launchworthy.evals import release_of

if TYPE_CHECKING:
    from tests.forking import Forking

OLD = CONTRACT + "guards: {}\n"
STAGES = "[{name: shadow, share: 0 %}, {name: pilot, share: 50 %}, {name: launch, share: 100 %}]"
NEW = OLD.replace("vendor/small", "vendor/next") + f"rollout: {{stages: {STAGES}}}\n"
USERS = [f"u-{n}" for n in range(12)]


def test_who_gets_the_release_and_who_its_shadow_is_what_the_rollout_at_the_server_says(
    tmp_path: Path, model: Model, forking: Forking, gateway: Begin
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(NEW)
    (tmp_path / "old.yaml").write_text(OLD)
    model.script = lambda body: completion("candidate" if body["model"] == "next" else "live")
    with serving(tmp_path, forking) as start:
        server = start()

        def act(path: str, **told: Any) -> Any:
            data = json.dumps({**told, "reason": "to see it", "by": "ana"}).encode()
            status, _, body = server.request("POST", f"/api/v1/products/support/ramps{path}", data)
            assert status in (200, 201), body
            return json.loads(body)

        def stored(cohort: str) -> list[dict[str, Any]]:
            columns = "release, output, trace_id, attributes"
            return server.query(f"SELECT {columns} FROM spans WHERE kind = 'workflow' AND cohort = ?", cohort)

        ids = []
        for name in ("launchworthy.yaml", "old.yaml"):
            release = release_of(load_contract(tmp_path / name), folder=tmp_path)
            assert release is not None
            told = json.dumps({"release": asdict(release)}).encode()
            assert server.request("POST", "/api/v1/products/support/releases", told)[0] in (200, 201)
            ids.append(release.id)
        new, old = ids
        ramp = act("", release=new, baseline=old)["id"]
        arguments = ("--upstream", model.url, "--baseline", "old.yaml", "--server", server.url)
        with answering(gateway(*arguments, LAUNCHWORTHY_ENDPOINT=server.url)) as url:
            asking = client(url)

            def cohort(user: str | None) -> str:
                raw = asking.chat.completions.with_raw_response.create(
                    model="answer",
                    messages=ASKED,
                    extra_headers={} if user is None else {"X-Launchworthy-User": user},
                )
                got = str(raw.headers["x-launchworthy-cohort"])
                said = raw.parse().choices[0].message.content
                assert said == ("candidate" if got == "candidate" else "live")
                return got

            # A stage of 0 %: everybody gets what they had, and the candidate is asked beside it.
            _soon(lambda: cohort("u-1") == "baseline" and bool(stored("shadow")))
            shadow = stored("shadow")[0]
            assert (shadow["release"], shadow["output"]) == (new, '"candidate"')
            beside = json.loads(shadow["attributes"])["launchworthy.shadow_of"]
            live = {row["trace_id"]: (row["release"], row["output"]) for row in stored("baseline")}
            assert live[beside] == (old, '"live"')
            # Then some have it, always the same ones.
            act(f"/{ramp}/steps", action="enter")
            _soon(lambda: "candidate" in {cohort(user) for user in USERS})
            have = {user: cohort(user) for user in USERS}
            assert set(have.values()) == {"candidate", "baseline"}
            assert {user: cohort(user) for user in USERS} == have
            assert cohort(None) == "baseline"
            # It is taken back, and the server goes: everybody has what they had, and no other model is asked.
            act(f"/{ramp}/steps", action="roll_back")
            _soon(lambda: {cohort(user) for user in USERS} == {"baseline"})
            server.process.kill()
            before = len(model.requests)
            assert {cohort(user) for user in USERS} == {"baseline"}
            assert {body["model"] for body in model.requests[before:]} == {"small"}


def _soon(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)
