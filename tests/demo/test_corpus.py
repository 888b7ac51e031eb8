from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launchworthy.demo import corpus as corpus_module
from launchworthy.demo.corpus import Corpus, gather, load_corpus
from launchworthy.demo.modules import MODULES


def _python(code: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_it_holds_thousands_of_objects_by_the_names_that_people_use(corpus: Corpus) -> None:
    assert len(corpus) > 5_000
    for name in (
        "sorted",
        "list.sort",
        "json.dumps",
        "itertools.groupby",
        "os.path.join",
        "pathlib.Path.read_text",
        "pathlib.PurePath.joinpath",
        "concurrent.futures.ThreadPoolExecutor",
        "collections.Counter.most_common",
        "json",
        "topic:with",
    ):
        assert name in corpus, name


def test_each_document_says_something(corpus: Corpus) -> None:
    assert [document.id for document in corpus.documents if not document.text.strip()] == []
    assert corpus["json.dumps"].signature.startswith("dumps(obj, ")
    assert "Serialize" in corpus["json.dumps"].text
    assert corpus["json.dumps"].kind == "function"
    assert corpus["list.sort"].kind == "method"
    assert corpus["pathlib.PurePath.suffix"].kind == "attribute"
    assert corpus["topic:with"].kind == "topic"


def test_an_object_stands_once_under_the_name_it_was_given(corpus: Corpus) -> None:
    assert "bisect.bisect_right" in corpus
    assert "bisect.bisect" not in corpus
    assert "random.choice" in corpus
    assert "random.Random.choice" not in corpus
    assert "json.decoder.JSONDecoder" not in corpus
    ids = [document.id for document in corpus.documents]
    assert ids == sorted(set(ids))


def test_nothing_of_this_machine_stands_in_it(corpus: Corpus) -> None:
    for document in corpus.documents:
        told = f"{document.signature} {document.text}"
        assert " at 0x" not in told, document.id
        assert sys.prefix not in told, document.id


def test_every_process_reads_the_same() -> None:
    code = (
        "import sys; from launchworthy.demo.corpus import gather; print(gather().digest);"
        "print(sorted({'antigravity', 'this', 'idlelib', 'tkinter', 'turtle', 'test'} & set(sys.modules)))"
    )
    ran = [_python(code, "-W", "error::ImportWarning", PYTHONHASHSEED=seed) for seed in ("7", "8")]
    assert ran[0].stdout == ran[1].stdout
    assert ran[0].stdout.endswith("\n[]\n"), ran[0].stderr
    assert ran[0].stderr == ""


def test_nothing_is_fetched_or_opened_on_a_screen() -> None:
    code = (
        "import socket, subprocess, webbrowser\n"
        "def refuse(*_, **__): raise SystemExit('reached out')\n"
        "socket.socket.connect = subprocess.Popen.__init__ = webbrowser.open = refuse\n"
        "from launchworthy.demo.corpus import gather\n"
        "print(len(gather()) > 5000)"
    )
    ran = _python(code)
    assert (ran.stdout, ran.stderr) == ("True\n", "")


def test_a_python_without_docstrings_is_told_so() -> None:
    ran = _python("from launchworthy.demo.corpus import gather; gather()", "-OO")
    assert "dropped its docstrings" in ran.stderr
    assert "without -OO" in ran.stderr


def test_modules_that_are_not_there_are_passed_over() -> None:
    found = gather(["json", "no_such_module_anywhere"])
    assert "json.dumps" in found
    assert all(document.id.startswith(("json", "topic:")) for document in found.documents)


def test_the_list_names_each_module_once_and_nothing_that_acts_on_import() -> None:
    assert len(MODULES) == len(set(MODULES))
    assert not {
        "antigravity",
        "this",
        "idlelib",
        "test",
        "turtle",
        "turtledemo",
        "tkinter",
        "__main__",
    } & set(MODULES)


def test_it_is_kept_and_read_again(tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_corpus(tmp_path).digest == corpus.digest
    [file] = tmp_path.iterdir()

    def refuse(*_: object) -> Corpus:
        raise AssertionError("gathered again")

    monkeypatch.setattr(corpus_module, "gather", refuse)
    assert load_corpus(tmp_path) == corpus
    assert file.name.startswith(f"corpus-{corpus.python}-")


@pytest.mark.parametrize("damage", ["", "{", "null", '{"documents": []}', "[" * 100_000, "edited", "binary"])
def test_a_damaged_copy_is_read_anew(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = gather(["json"])
    monkeypatch.setattr(corpus_module, "gather", lambda: corpus)
    load_corpus(tmp_path)
    [file] = tmp_path.iterdir()
    if damage == "edited":
        kept = json.loads(file.read_text())
        kept["documents"][0][3] = "Something else."
        file.write_text(json.dumps(kept))
    elif damage == "binary":
        file.write_bytes(b"\xff\xfe\x00")
    else:
        file.write_text(damage)
    assert load_corpus(tmp_path) == corpus
    assert json.loads(file.read_text())["digest"] == corpus.digest
