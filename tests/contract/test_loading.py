"""A contract is read whole, or everything that is wrong with it is told at once, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from launchworthy.contract import Contract, Severity, claims, load_contract, parse_contract
from launchworthy.contract.document import read_document
from launchworthy.errors import ContractError, InputError

HERE = Path(__file__).parent / "contracts"
SHARED = Path(__file__).parents[3] / "shared" / "contracts"
SHAPES = [*sorted(HERE.glob("*.yaml")), *sorted(SHARED.glob("*.yaml"))]


def _told(text: str) -> list[str]:
    with pytest.raises(ContractError) as raised:
        parse_contract(text, file="c.yaml")
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shape_loads_and_keeps_its_text(path: Path) -> None:
    contract = load_contract(path)
    assert contract.text == path.read_text(encoding="utf-8")
    assert contract.file == str(path)
    again = parse_contract(contract.text)
    assert again.version == contract.version
    assert claims(again) != ()
    assert [claim.sentence for claim in claims(again)] == [claim.sentence for claim in claims(contract)]


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_value_of_the_file_is_in_the_model(path: Path) -> None:
    plain = read_document(path.read_bytes(), file="c.yaml").value
    contract = load_contract(path)
    missing = [key for key in _leaves(plain) if not _holds(contract, key)]
    assert missing == []


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for number, each in enumerate(value) for leaf in _leaves(each, (*path, number))]
    return [path]


def _holds(contract: Contract, path: tuple[str | int, ...]) -> bool:
    here: Any = contract
    for part in path:
        if isinstance(here, dict):
            here = here[part]
        elif isinstance(here, tuple):
            here = here[int(part)]
        elif hasattr(here, "what"):
            return True  # a step, `who: what`
        else:
            names = {field.alias or name: name for name, field in type(here).model_fields.items()}
            extra = here.model_extra or {}
            here = extra[part] if part in extra else getattr(here, names[str(part)])
    return here is not None


def test_a_claim_knows_its_line(generative: str) -> None:
    contract = parse_contract(generative)
    lines = generative.splitlines()
    for claim in claims(contract):
        if claim.place is None:
            continue
        line = lines[claim.place.line - 1][claim.place.column - 1 :]
        family, last = claim.family, claim.address.split("/")[-1]
        assert any(line.startswith(word) for word in (claim.metric, family, last, *_parts(claim.address))), (
            claim
        )


def _parts(address: str) -> list[str]:
    parts = address.split("/")
    return [*parts, "/".join(parts[-2:])]


def test_yaml_is_read_as_1_2(minimal: str) -> None:
    for word in ("on", "off", "yes", "no", "y", "n", "2026-12-01", "1_000", "0777", "1:30"):
        contract = parse_contract(
            minimal.replace("user: new colleague", f"user: {word}").replace("0777", '"0777"')
        )
        assert contract.workflows["ask"].user == word.strip('"')
    assert _told(minimal.replace("user: new colleague", "user: true"))
    assert read_document("a: 0o17\nb: 0x1f\nc: 017\nd: .5\ne: +3\nf: 1e3\n", file="x").value == {
        "a": 15,
        "b": 31,
        "c": 17,
        "d": 0.5,
        "e": 3,
        "f": 1000.0,
    }


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "product: handbook",
            "prodct: handbook",
            'c.yaml:2:1 LW210 "prodct" is not a key of the contract; did you mean "product"?',
        ),
        ("hit@3:", "hitt@3:", 'unknown metric "hitt@3" in quality'),
        ("latency_p95", "latencyp95", 'did you mean "latency_p95"?'),
        ("latency_p95", "latency_p100", "LW220"),
        ("kind: wrong", "kind: wrogn", 'did you mean "wrong"?'),
        ("no_answer: refuse", "no_answer: refuze", 'did you mean "refuse"?'),
        (
            "quality/hit@3}",
            "quality/hit@4}",
            'LW221 nothing stands at "quality/hit@4"; did you mean "quality/hit@3"?',
        ),
        ("at_most: 3s", "at_most: 3 sec", "LW214"),
        ("at_most: 3s", "at_most: 3 S", "did you mean s?"),
        ("at_most: 3s", "at_most: 3 %", "LW215 latency_p95 is a duration, such as 2s or 30d, not 3 %"),
        ("at_most: 3s", "at_most: -3s", "LW216 latency_p95: −3 s is less than no time"),
        (
            "user: new colleague",
            "user: new colleague\n    frequency: 50/fortnight",
            'LW214 workflows/ask/frequency: 50/fortnight has the unknown period "fortnight"; periods are s, ',
        ),
        ("at_most: 3s", "at_least: 3s", "c.yaml:14:21 LW219 latency_p95 is good when low; write at_most"),
        ("at_least: 75 %", "at_least: 75", "did you mean 75 %?"),
        ("at_least: 75 %", "at_least: 175 %", "LW216"),
        ("at_least: 75 %", "at_least: .inf", "LW214"),
        ("at_least: 75 %", "at_least: .nan", "LW214"),
        ("at_least: 75 %", "at_least: -5 %", "LW216"),
        (
            "at_least: 75 %",
            "at_least: true",
            "LW214 workflows/ask/quality/hit@3/at_least: true is not a quantity",
        ),
        ("at_least: 75 %", "at_least: 75 %, at_most: 80 %", "this has both"),
        ("at_least: 75 %", "every_slice: 75 %", "this has neither"),
        ("0.02 EUR", "0.02 Euro", "LW214"),
        ("0.02 EUR", "2 %", "LW215"),
        ("0.02 EUR", "-1 EUR", "LW216"),
        ("user: new colleague", "user: 12", 'quote it: "12"'),
        ("user: new colleague", "user:", "LW212"),
        ("launchworthy: 1", "launchworthy: 2", "this version reads language 1"),
        (
            "owners: {product: ida@example.org}",
            "owners: {boss: ida}",
            "LW211 owners names nobody for product",
        ),
        (
            "    limits:",
            "    limits: {timeout: 5s}\n    limits:",
            '"limits" stands here twice, first in line 15',
        ),
        ("product: handbook", "product: ask", "LW217"),
        ("{cost_per_action: 0.02 EUR}", "{cost_per_acton: 0.02 EUR}", 'did you mean "cost_per_action"?'),
        ("{cost_per_action: 0.02 EUR}", "{asks_per_user: 5}", "LW215"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(minimal: str, old: str, new: str, expected: str) -> None:
    assert minimal.count(old) >= 1
    told = _told(minimal.replace(old, new, 1))
    assert any(expected in line for line in told), told


def test_all_problems_are_told_at_once_in_the_order_of_the_file(minimal: str) -> None:
    broken = (
        minimal.replace("product: handbook", "product: hand book")
        .replace("at_least: 75 %", "at_least: 75 ms")
        .replace("at_most: 3s", "at_most: three")
        .replace("0.02 EUR", "0.02 eur")
        .replace("wrong_page: {kind: wrong", "wrong_page: {kynd: wrong")
        .replace("no_answer: refuse", "no_answer: shrug")
        + "colour: red\n"
    )
    with pytest.raises(ContractError) as raised:
        parse_contract(broken, file="c.yaml")
    problems = raised.value.problems
    assert [problem.place.line for problem in problems] == sorted(problem.place.line for problem in problems)
    assert {problem.code for problem in problems} >= {"LW210", "LW213", "LW214", "LW215", "LW217"}
    assert {problem.place.line for problem in problems} == {2, 8, 10, 12, 14, 15, 16}
    assert all(problem.severity is Severity.ERROR for problem in problems)


def test_what_follows_from_a_broken_line_is_not_told_again(minimal: str) -> None:
    assert len(_told(minimal.replace("at_least: 75 %", "at_least: lots"))) == 1
    assert len(_told(minimal.replace("product: handbook", "product: 12 a"))) == 1
    assert len(_told(minimal.replace("{kind: wrong, fix: retrieval,", "{kind: bad, fix: retrieval,"))) == 1


def test_the_error_lists_the_problems_and_says_where_to_read_on(minimal: str) -> None:
    with pytest.raises(ContractError) as raised:
        parse_contract(minimal.replace("3s", "3 %"), file="c.yaml")
    assert "1 error" in str(raised.value)
    assert "c.yaml:14:30 LW215" in str(raised.value)
    assert "launchworthy lint" in raised.value.hint


def test_a_file_that_is_not_there_or_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such contract"):
        load_contract(tmp_path / "launchworthy.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        load_contract(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        load_contract("a\0b")


def test_a_bom_and_windows_line_ends_change_nothing(minimal: str) -> None:
    plain = [claim.sentence for claim in claims(parse_contract(minimal))]
    windows = "\ufeff" + minimal.replace("\n", "\r\n")
    for text in (windows, windows.encode()):
        contract = parse_contract(text)
        assert [claim.sentence for claim in claims(contract)] == plain
        assert not contract.text.startswith("\ufeff")


def test_owners_that_are_misspelt_are_told_once_and_not_at_every_line_that_names_one(generative: str) -> None:
    [line] = _told(generative.replace("owners:\n", "owner:\n"))
    assert 'did you mean "owners"?' in line


def test_a_waiver_names_a_claim_even_one_without_a_line_of_its_own(generative: str) -> None:
    waiver = "claim: desk/answer/trust/follow_up"
    assert generative.count(waiver) == 1
    for address in ("tools/unnamed", "desk/answer/quality/groundedness/baseline", "records/required_fields"):
        contract = parse_contract(generative.replace(waiver, f"claim: {address}"))
        assert contract.launch.waivers[0].claim == address
    [block] = _told(generative.replace(waiver, "claim: answer/quality"))
    assert "is no claim, but a block of them" in block
    [typo] = _told(generative.replace(waiver, "claim: answer/trust/followup"))
    assert 'did you mean "answer/trust/follow_up"?' in typo
    broken = generative.replace(waiver, "claim: answer/trust/follow_up").replace(
        "at_most: 30 %", "at_most: few"
    )
    assert len(_told(broken)) == 1
