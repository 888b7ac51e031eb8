"""Whatever the bytes are, a contract either loads or says what is wrong: nothing else is raised, soon."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.contract import claims, contract_diff, defaults_in_force, lint_text, parse_contract
from launchworthy.contract.document import MAX_BYTES, read_document
from launchworthy.errors import ContractError

TODAY = date(2026, 11, 24)
_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{this}: &{this} [{','.join([f'*{before}'] * 9)}]\n"
    for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)


def _codes(source: bytes | str) -> set[str]:
    with pytest.raises(ContractError) as raised:
        parse_contract(source, file="c.yaml")
    problems = raised.value.problems
    assert problems
    for problem in problems:
        assert problem.message.isprintable()
        assert len(str(problem)) < 1_000
        assert problem.place.line >= 1
        assert problem.place.column >= 1
    return {problem.code for problem in problems}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"x" * (MAX_BYTES + 1), "LW201"),
        ("x" * (MAX_BYTES + 1), "LW201"),
        (b"launchworthy: \xff\xfe1", "LW202"),
        ("launchworthy: 1".encode("utf-16"), "LW202"),
        (b"launchworthy: 1\x00", "LW202"),
        ("launchworthy: \x1b[31m1", "LW202"),
        ("launchworthy: 1 # \u202e", "LW202"),
        ('launchworthy: "\\e[31m"', "LW202"),
        ('launchworthy: "\\0"', "LW202"),
        ("launchworthy: \ud800", "LW202"),
        ("{", "LW203"),
        ("[1, 2", "LW203"),
        ("a:\n\tb: 1", "LW203"),
        ("? [a]\n: b", "LW203"),
        ("{a: 1}: b", "LW203"),
        ("a: 1\na: 2", "LW204"),
        ("a: " + "[" * 30 + "]" * 30, "LW205"),
        ("- " * 400_000, "LW205"),
        ("[" * 900_000, "LW205"),
        ("{a: " * 200_000, "LW205"),
        ("[" + "1," * 60_000 + "]", "LW205"),
        (_LAUGHS, "LW206"),
        ("a: *b", "LW206"),
        ("a: !!python/object/apply:os.system [id]", "LW206"),
        ("%YAML 1.1\n---\na: 1", "LW206"),
        ("a: 1\n---\nb: 2", "LW206"),
        ("", "LW212"),
        ("- a", "LW212"),
        ("just words", "LW212"),
        ("launchworthy: 99999999999999999999999999999999", "LW213"),
    ],
    ids=lambda value: repr(value)[:24] if not isinstance(value, str) or not value.startswith("LW") else value,
)
def test_hostile_text_is_refused_with_its_reason(source: bytes | str, code: str) -> None:
    assert code in _codes(source)


def test_huge_and_odd_numbers_are_no_quantities(minimal: str) -> None:
    for number in ("1" * 400, "1e999", "-.inf", ".NaN", "9" * 30 + " %", "1e308 %", "0x" + "f" * 40):
        assert _codes(minimal.replace("75 %", number)) <= {"LW214", "LW215", "LW216"}, number
    assert _codes(minimal.replace("limits: {", "limits: {turns: 10000000000000000, ")) == {"LW216"}
    assert _codes(minimal.replace("limits: {", "limits: {turns: -1, ")) == {"LW216"}
    assert _codes(minimal.replace("limits: {", "limits: {turns: 1.5, ")) == {"LW212"}


def test_a_million_bytes_of_keys_are_answered_briefly(minimal: str) -> None:
    many = minimal + "".join(f"k{number}: 1\n" for number in range(20_000))
    assert _codes(many) == {"LW210"}
    with pytest.raises(ContractError) as raised:
        parse_contract(many)
    assert len(str(raised.value)) < 10_000


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(source: bytes) -> None:
    with pytest.raises(ContractError):
        parse_contract(source)


@settings(max_examples=150)
@given(st.text(alphabet=st.sampled_from("ab:{}[],-#&*!|>'\"%@`?\n \t1~.\\"), max_size=120))
def test_any_text_that_looks_like_yaml_loads_or_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        parse_contract(text)


_SCALARS = (
    "",
    "x",
    "-1",
    "0",
    "1",
    "0 %",
    "100 %",
    "1e9",
    "99.99 %",
    "0s",
    "1ms",
    "0 EUR",
    "5 USD",
    "1/d",
    "0/d",
    "[]",
    "{}",
    "true",
    "~",
    "9 USD/month",
    "p99",
    "a/b/c",
    "1e-300 %",
    "100000000/d",
    "0.3",
    "0.0001 EUR",
)


def _mutated(text: str, dice: random.Random) -> str:
    """The text with a few of its values, keys or lines exchanged."""
    lines = text.splitlines()
    for _ in range(dice.randint(1, 2)):
        number = dice.randrange(len(lines))
        line = lines[number]
        what = dice.choice((0, 1, 2, 3, 3, 3, 3, 4))
        if what == 0:
            lines.pop(number)
        elif what == 1:
            lines[number] = lines[dice.randrange(len(lines))]
        elif what == 2 and ":" in line:
            lines[number] = line.partition(":")[0] + ": " + dice.choice(_SCALARS)
        elif what == 3 and "{" in line and "," in line:
            parts = line.split(",")
            place = dice.randrange(len(parts))
            head, colon, tail = parts[place].partition(":")
            end = tail[len(tail.rstrip("}")) :]
            parts[place] = f"{head}{colon} {dice.choice(_SCALARS)}{end}"
            lines[number] = ",".join(parts)
        else:
            lines[number] = line[: dice.randrange(len(line) + 1)]
        if not lines:
            return ""
    return "\n".join(lines) + "\n"


def test_a_mutated_contract_loads_or_says_why_and_lint_agrees(texts: dict[str, str]) -> None:
    dice = random.Random(20_261_124)
    whole = {name: parse_contract(text) for name, text in texts.items()}
    loaded = 0
    for number in range(90):
        name = ("generative", "predictive", "minimal")[number % 3]
        text = _mutated(texts[name], dice)
        found = lint_text(text, today=TODAY)
        try:
            contract = parse_contract(text)
        except ContractError:
            assert found.errors, text
            continue
        loaded += 1
        made = claims(contract)
        assert len({claim.address for claim in made}) == len(made)
        defaults_in_force(contract)
        contract_diff(whole[name], contract)
    assert 8 < loaded < 85


def test_the_reader_gives_no_value_where_it_found_a_problem() -> None:
    document = read_document("a: 1\nb: *x\n", file="c.yaml")
    assert document.value is None
    assert [str(problem.place) for problem in document.problems] == ["c.yaml:2:4"]
