"""The reference page says what the models say, and every default and default meaning is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from launchworthy.contract import CODES, contract_schema, defaults_in_force, parse_contract
from launchworthy.contract.reference import reference_page
from launchworthy.contract.vocabulary import VOCABULARY

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == reference_page(), "run: python -m launchworthy.contract.reference > docs/contract.md"


def test_the_example_of_the_page_loads() -> None:
    example = reference_page().split("```yaml\n")[1].split("```")[0]
    assert parse_contract(example).product == "docs-bot"


def test_every_key_is_on_the_page_with_a_meaning() -> None:
    schema, page = contract_schema(), reference_page()
    blocks: list[dict[str, Any]] = [schema, *schema["$defs"].values()]
    for block in blocks:
        for key in block.get("properties", {}):
            assert f"| `{key}`" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip("| ").count("|") < 2 or row.endswith("|  |")] == []


def test_every_code_and_metric_is_on_the_page() -> None:
    page = reference_page()
    assert [code for code in CODES if f"| {code} |" not in page] == []
    assert [
        word.name for known in VOCABULARY.values() for word in known if f"| `{word.name}` |" not in page
    ] == []


def test_links_within_the_page_lead_to_a_heading() -> None:
    page = reference_page()
    headings = {
        line.lstrip("# ").lower().replace("/", "").replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    links = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert links <= headings


def test_every_default_of_the_shortest_contract_is_explained(minimal: str) -> None:
    told = {each.address: each for each in defaults_in_force(parse_contract(minimal))}
    assert told["proof/confidence"].value == "95 %"
    assert told["proof/valid_for"].value == "30 d"
    assert told["gold/ask/file"].value == "gold/ask.jsonl"
    assert told["gold/ask/holdout"].value == "40 %"
    assert told["tools"].meaning == "every tool is denied"
    assert told["guards/prompt_injection"].value == (
        "{checks: [input, retrieval, tool_output], action: block, fail: closed}"
    )
    assert told["rollout/stages/expand"].value == "25 % for 14 d"
    assert told["ask/failures/wrong_page/severity"].value == "medium"
    assert all(each.meaning and each.value for each in told.values())


def test_what_a_contract_says_itself_is_no_default(generative: str) -> None:
    told = {each.address for each in defaults_in_force(parse_contract(generative))}
    assert told.isdisjoint({"proof/confidence", "tools", "kind", "gold/answer/file", "guards/pii"})
    assert not any(address.startswith(("rollout/stages", "launch/")) for address in told)
    assert {"guards/pii/fail", "abuse/rudeness/attempts", "gold/move/holdout"} <= told


def test_every_default_value_in_the_models_is_found(minimal: str) -> None:
    contract = parse_contract(minimal)
    told = {each.address for each in defaults_in_force(contract)}
    for block in ("proof", "labels", "rollout"):
        model: BaseModel = getattr(contract, block)
        for name, field in type(model).model_fields.items():
            if getattr(model, name) not in (None, (), {}):
                assert any(each.startswith(f"{block}/{field.alias or name}") for each in told), name
