from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from launchworthy.demo.corpus import Corpus
from launchworthy.demo.policy import read_policy

DOCS = Path(__file__).parents[2] / "docs" / "demo-product.md"


@pytest.mark.usefixtures("recorded", "candidate")
def test_the_example_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(block, {})
    assert capsys.readouterr().out == "('list.sort',) True\n() False\n"


def test_the_docs_say_how_large_corpus_and_gold_set_are(corpus: Corpus, product: Path) -> None:
    told = DOCS.read_text(encoding="utf-8")
    rows = (product / "gold" / "answer.jsonl").read_text().splitlines()
    assert f"{len(rows)} questions" in told
    modules = sum(document.kind == "module" for document in corpus.documents)
    assert 180 <= modules <= 200
    assert len(corpus) > 5_000
    slices = {name for row in rows for name in json.loads(row)["slices"]}
    assert all(f"`{name}`" in told for name in slices)


def test_the_packaged_files_are_those_that_the_docs_name(product: Path) -> None:
    told = DOCS.read_text(encoding="utf-8")
    for name in ("baseline.yaml", "policy.json", "gold/answer.jsonl", "flags.yaml", "experiment.yaml"):
        assert name in told
        assert (product / name).is_file()
    assert 0.0 < read_policy(product / "policy.json").threshold < 1.0
