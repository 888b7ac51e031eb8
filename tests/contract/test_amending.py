"""Changing single lines of a contract's text: the change and nothing else, or an error."""

from __future__ import annotations

import difflib

import pytest
from ruamel.yaml import YAML

from launchworthy.contract import Amendment, amended
from launchworthy.errors import ContractError, InputError

CONTRACT = """\
# The shop's contract
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent]
workflows:
  answer:
    user: customer   # who asks
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
data:
  sources:
    help:   {class: public, only_for: answer, may: [see, store]}  # the help centre
    orders:
      class: confidential
      may:
        - see
  # personal data
  pii: {find: [email], record: pseudonymise}

tools:
  get_order: {effect: read, roles: [agent]}  # the last line
"""


def _lines(old: str, new: str) -> list[str]:
    told = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return [line for line in told if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _set(text: str, *path: str, to: object) -> str:
    return amended(text, [Amendment(path=path, value=to)], file="launchworthy.yaml")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_change_touches_its_own_line_only(newline: str) -> None:
    text = CONTRACT.replace("\n", newline)
    kept = _set(text, "data", "pii", "record", to="keep")
    assert _lines(text, kept) == [
        "-  pii: {find: [email], record: pseudonymise}",
        "+  pii: {find: [email], record: keep}",
    ]
    wiki = _set(text, "data", "sources", "wiki", to={"class": "internal", "may": ["see"]})
    assert _lines(text, wiki) == ["+    wiki: {class: internal, may: [see]}"]
    named = _set(text, "data", "sources", "help", "only_for", to=None)
    assert _lines(text, named) == [
        "-    help:   {class: public, only_for: answer, may: [see, store]}  # the help centre",
        "+    help:   {class: public, may: [see, store]}  # the help centre",
    ]
    region = _set(text, "data", "region", to="EU")
    assert _lines(text, region) == ["+  region: EU"]
    assert kept.count("\n") == kept.count(newline)
    assert wiki.count("\n") == wiki.count(newline)


def test_lists_in_lines_of_their_own_and_blocks_that_are_missing_are_written_too() -> None:
    stored = _set(CONTRACT, "data", "sources", "orders", "may", to=["see", "store"])
    assert YAML(typ="safe", pure=True).load(stored)["data"]["sources"]["orders"]["may"] == ["see", "store"]
    assert _lines(CONTRACT, stored) == ["-        - see", "+        [see, store]"]
    kept = _set(CONTRACT, "data", "retention", "traces", to="30d")
    assert '  retention: {traces: "30d"}' in kept or "  retention: {traces: 30d}" in kept
    at_the_end = CONTRACT.rstrip("\n")
    tool = _set(at_the_end, "tools", "pay", to={"effect": "read", "roles": ["agent"]})
    assert tool.endswith("# the last line\n  pay: {effect: read, roles: [agent]}\n")


def test_names_that_came_from_outside_stay_names() -> None:
    hostile = "x}, evil: {a: 1"
    with pytest.raises((ContractError, InputError)):
        _set(CONTRACT, "data", "sources", hostile, to={"class": "internal", "may": ["see"]})
    try:
        told = _set(CONTRACT, "data", "sources", "no", to={"class": "internal", "may": ["see"]})
    except (ContractError, InputError):
        return
    assert "no" in YAML(typ="safe", pure=True).load(told)["data"]["sources"]


def test_what_would_be_no_contract_is_refused() -> None:
    with pytest.raises(ContractError):
        _set(CONTRACT, "data", "pii", "record", to="whisper")
    with pytest.raises(ContractError):
        _set(CONTRACT, "nothing", "like", "it", to="x")
    with pytest.raises(ContractError):
        _set("product: [", "data", "region", to="EU")
