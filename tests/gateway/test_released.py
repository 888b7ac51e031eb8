"""Which release a call gets while a rollout decides: by the unit that it names, and no other."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.conftest import CONTRACT

from launchworthy.contract import parse_contract
from launchworthy.gateway.served import Arm, Served
from launchworthy.runtime.pipeline import GuardPipeline


def _arm(model: str, folder: Path) -> Arm:
    contract = parse_contract(CONTRACT.replace("vendor/small", model))
    return Arm.of(contract, folder=folder, guards=GuardPipeline([]), cohort="")


def test_a_session_is_no_user_of_a_rollout_by_users(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []
    new, old = _arm("vendor/next", tmp_path), _arm("vendor/small", tmp_path)

    def by_users(user: str, session: str) -> str:
        asked.append((user, session))
        return new.release if user == "ana" else old.release

    served = Served(arm=new, baseline=old, released=by_users)
    assert served.choose("ana", session="s-1") is new
    assert served.choose("", session="ana") is old
    assert served.choose("") is old
    assert asked == [("ana", "s-1"), ("", "ana"), ("", "")]
    assert served.choose("", session="ana", asked="candidate") is new


def test_without_a_rollout_a_session_keeps_its_place_in_the_share(tmp_path: Path) -> None:
    served = Served(arm=_arm("vendor/next", tmp_path), baseline=_arm("vendor/small", tmp_path), share=0.5)
    first = [served.choose("", session=f"s-{n}") for n in range(40)]
    assert first == [served.choose("", session=f"s-{n}") for n in range(40)]
    assert first.count(served.arm) not in (0, 40)
