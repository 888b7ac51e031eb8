"""The reference page of the contract, written from the models. May import this room only.

Run ``python -m launchworthy.contract.reference`` to print it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from launchworthy.contract.claim import ClaimKind
from launchworthy.contract.defaults import DEFAULT_BOARD, default_guards, default_stages
from launchworthy.contract.problem import CODES
from launchworthy.contract.schema import contract_schema
from launchworthy.contract.vocabulary import CLOSED, VOCABULARY

__all__ = ["reference_page"]

_OPENING = """# Contract

Generated from the models by `python -m launchworthy.contract.reference > docs/contract.md`; a test keeps it current.

A contract is one file, `launchworthy.yaml`, in the repository of the product. Each line becomes a claim, and its
path is the claim's address: `groundedness` under `quality` of the workflow `answer` of `support` is
`support/answer/quality/groundedness`. This is a whole contract:

```yaml
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need, with its source, within a minute
    no_answer: refuse
    quality:                       # measured on gold/answer.jsonl
      hit@5: {at_least: 80 %}
    reliability:
      latency_p95: {at_most: 2s}
    limits: {cost_per_action: 0.01 USD}
```

The text is YAML 1.2: `on` and `no` are words, a key stands once, anchors and tags are not part of the language.
**Targets** (`at_least`, `at_most`) are proven with an interval; **limits**, `tools`, `guards` and `data` are enforced
on every call. Quantities carry units: `2s`, `0.02 USD`, `99.9 %`, `50/d`.

```
launchworthy init                 # a first contract by a few questions
launchworthy lint --explain       # what is wrong with it, and what holds where it says nothing
launchworthy claims               # what it claims, when each claim is due, what measures it
launchworthy diff HEAD~1:launchworthy.yaml launchworthy.yaml
launchworthy schema               # for editors
```

Keys marked * are needed. NAME stands for a name of your own: letters, digits, `_`, `-`, `.` and `@`, a letter first.
"""

_KINDS = {
    ClaimKind.BOUND: "a value against a threshold: every target",
    ClaimKind.DELTA: "a value against a baseline, the old workflow or another stage",
    ClaimKind.NEVER: "breaches of a rule that is enforced, counted",
    ClaimKind.COVER: "the share or number that has something",
    ClaimKind.FRESH: "the age of something",
    ClaimKind.AGREE: "people, judges or proxies agree",
    ClaimKind.DRILL: "a fault is injected, and the answer observed",
    ClaimKind.HOLDS: "a decision whose trigger to revisit has not fired",
    ClaimKind.ATTEST: "what only a person can vouch for",
}


def reference_page() -> str:
    """The page as Markdown."""
    schema = contract_schema()
    sections = [_OPENING, *_blocks(schema), _metrics(), _defaults(), _claims(), _codes()]
    return "\n".join(sections)


def _blocks(schema: dict[str, Any]) -> Iterator[str]:
    definitions = schema["$defs"]
    paths = _paths(schema)
    yield _block("## The file", "", schema, paths, schema)
    for name, path in paths.items():
        yield _block(
            f"### {path}", definitions[name].get("description", ""), definitions[name], paths, schema
        )


def _paths(schema: dict[str, Any]) -> dict[str, str]:
    """Each kind of block → the path at which it first stands, in the order of the language."""
    found: dict[str, str] = {}

    def visit(node: Any, path: str) -> None:
        for name, below in _references(node):
            own = f"{path}{below}"
            if name not in found:
                found[name] = own
                for key, inner in schema["$defs"][name].get("properties", {}).items():
                    if name != "Workflow" or key not in VOCABULARY:
                        visit(inner, f"{own}/{key}")
                    else:
                        visit(
                            {"patternProperties": dict([*inner["patternProperties"].items()][-1:])},
                            f"{own}/{key}",
                        )

    for key, inner in schema["properties"].items():
        visit(inner, key)
    return found


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """Blocks that may stand at a node, and what is added to the path to get there."""
    if "$ref" in node:
        yield node["$ref"].rpartition("/")[2], ""
    for each in node.get("anyOf", ()):
        yield from _references(each)
    if "items" in node:
        yield from _references(node["items"])
    for each in node.get("patternProperties", {}).values():
        for name, below in _references(each):
            yield name, f"/NAME{below}"


def _block(
    heading: str, about: str, block: dict[str, Any], paths: dict[str, str], schema: dict[str, Any]
) -> str:
    rows = []
    needed = block.get("required", ())
    for key, node in block.get("properties", {}).items():
        default = _default(node)
        rows.append(
            f"| `{key}`{' *' if key in needed else ''} | {_type(node, paths)} | {default} | "
            f"{_cell(_meaning(node, schema))} |"
        )
    extra = block.get("additionalProperties")
    if isinstance(extra, dict):
        rows.append(f"| NAME | {_type(extra, paths)} | | further names |")
    elif extra is True:
        rows.append("| NAME | anything | | further parameters |")
    about = about.replace("``", "`")
    table = "| key | is | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows)
    return f"{heading}\n\n{about + chr(10) * 2 if about else ''}{table}\n"


def _meaning(node: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key means; a block that says no more than its own first sentence is not told twice."""
    if "description" in node or "$ref" not in node:
        return str(node.get("description", ""))
    return str(schema["$defs"][node["$ref"].rpartition("/")[2]].get("description", "")).replace("``", "`")


def _default(node: dict[str, Any]) -> str:
    value = node.get("default")
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`[{', '.join(value)}]`" if isinstance(value, list) else f"`{value}`"


def _type(node: dict[str, Any], paths: dict[str, str]) -> str:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        path = paths[name]
        return f"[block](#{_anchor(path)})"
    if "anyOf" in node:
        parts = [_type(each, paths) for each in node["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in node:
        return ", ".join(f"`{each}`" for each in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    if "items" in node:
        return f"list of {_type(node['items'], paths)}"
    if "patternProperties" in node:
        [*_, last] = node["patternProperties"].values()
        return f"NAME → {_type(last, paths)}"
    if node.get("type") == "object":
        return "NAME → text"
    return _scalar(node)


def _scalar(node: dict[str, Any]) -> str:
    if node.get("examples"):
        return "such as " + ", ".join(f"`{each}`" for each in node["examples"])
    if node.get("type") == "integer":
        return "whole number"
    if node.get("type") == "boolean":
        return "`true` or `false`"
    if node.get("type") == "number":
        return "number"
    if node.get("format") == "date":
        return "date"
    if isinstance(node.get("type"), list):
        return "text, number or `true`/`false`"
    pattern = str(node.get("pattern", ""))
    return "address" if "/" in pattern else "name" if pattern else "text"


def _anchor(path: str) -> str:
    return path.lower().replace("/", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _metrics() -> str:
    lines = [
        "## Metrics\n",
        "`quality`, `reliability` and `economics` know these and no others; `outcomes` and `trust` may also name events",
        "of your own. `-` and `_` are the same. {k} is a depth (`hit@5`), {p} a percentile (`latency_p95`).\n",
    ]
    for family, known in VOCABULARY.items():
        lines.append(f"### {family}{'' if family in CLOSED else ', and events of your own'}\n")
        lines.append("| metric | target | meaning |\n|---|---|---|")
        for word in known:
            kinds = " or ".join(kind.value.partition(",")[0] for kind in word.kinds)
            side = word.direction.value
            lines.append(f"| `{word.name}` | `{side}` {kinds} | {word.doc} |")
        lines.append("")
    return "\n".join(lines)


def _defaults() -> str:
    lines = [
        "## What holds by default\n",
        "`launchworthy lint --explain` prints what holds for one contract.\n",
        "| guard | checks | on a hit | when it cannot check |\n|---|---|---|---|",
    ]
    for name, guard in default_guards().items():
        lines.append(f"| `{name}` | {', '.join(guard.checks)} | {guard.action} | {guard.fail} |")
    lines.append(
        "\nThese hold for generative products that declare no `guards`; predictive ones have none.\n"
    )
    lines.append("| stage | share | lasts | needs |\n|---|---|---|---|")
    for stage in default_stages():
        lines.append(f"| `{stage.name}` | {stage.share} | {stage.for_ or ''} | {', '.join(stage.needs)} |")
    lines.append("\n| line of the board | what stands under it |\n|---|---|")
    for name, selectors in DEFAULT_BOARD.items():
        lines.append(f"| `{name}` | {', '.join(selectors)} |")
    return "\n".join(lines) + "\n"


def _claims() -> str:
    rows = "\n".join(f"| `{kind}` | {told} |" for kind, told in _KINDS.items())
    return f"## Kinds of claim\n\n| kind | what is checked |\n|---|---|\n{rows}\n"


def _codes() -> str:
    rows = "\n".join(
        f"| {name} | {_cell(code.meaning)} | {_cell(code.remedy)} |" for name, code in CODES.items()
    )
    return (
        "## Codes\n\nA message names file, line and column, one of these codes, what is wrong and what would be right; "
        "all are\nlisted at once. Where the remedy says so it is a warning: the contract can be used.\n\n"
        f"| code | what is wrong | what to do |\n|---|---|---|\n{rows}\n"
    )


if __name__ == "__main__":
    print(reference_page(), end="")
