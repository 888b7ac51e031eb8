"""Presidio as a guard: its findings under our names. Its analyser is stood in for; CI need not install it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.runtime.guards import GuardContext, GuardVerdict, Stage
from launchworthy.runtime.guards import presidio as module
from launchworthy.runtime.guards.presidio import PresidioGuard

TEXT = "Mail ana@shop.com or pay by 4111111111111111, D3"


@dataclass
class Result:
    entity_type: str
    start: int
    end: int
    score: float


FOUND = [
    Result("EMAIL_ADDRESS", 5, 17, 1.0),
    Result("URL", 9, 17, 0.5),
    Result("CREDIT_CARD", 28, 44, 1.0),
    Result("US_BANK_NUMBER", 28, 44, 0.9),
    Result("US_DRIVER_LICENSE", 46, 48, 0.6),
    Result("UK_NHS", 28, 38, 0.2),
]


@pytest.fixture
def analyser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules in the place of Presidio's and spaCy's."""

    class Engine:
        def __init__(self, **options: Any) -> None:
            self.nlp: dict[str, Any] = {}

    class Analyzer:
        def __init__(self, *, nlp_engine: Engine, supported_languages: list[str]) -> None:
            assert nlp_engine.nlp == {"en": "blank en"}

        def analyze(self, *, text: str, language: str) -> list[Result]:
            return FOUND if text == TEXT else []

    names: dict[str, dict[str, Any]] = {
        "presidio_analyzer": {"AnalyzerEngine": Analyzer},
        "presidio_analyzer.nlp_engine": {"SpacyNlpEngine": Engine},
        "spacy": {"blank": lambda language: f"blank {language}"},
        "tldextract": {"TLDExtract": lambda **_: None, "tldextract": SimpleNamespace()},
    }
    for name, content in names.items():
        made = ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)
    monkeypatch.setattr(module, "version", lambda _: "2.2")


def asked(text: str = TEXT, **options: Any) -> GuardVerdict:
    return PresidioGuard(**options).check(Stage.INPUT, text, GuardContext())


@pytest.mark.usefixtures("analyser")
def test_what_it_finds_has_our_names_without_what_hits_almost_any_number() -> None:
    assert [(span.type, span.start) for span in asked().spans] == [("email", 5), ("card", 28)]
    assert asked("nothing").outcome.value == "pass"


@pytest.mark.usefixtures("analyser")
def test_kinds_thresholds_and_exceptions_are_those_of_the_contract() -> None:
    assert [span.type for span in asked(find=["card"]).spans] == ["card"]
    assert [span.type for span in asked(exceptions=["ana@shop.com"]).spans] == ["card"]
    assert [span.type for span in asked(thresholds={"card": 1.0, "uk_nhs": 0.1}, threshold=1.0).spans] == [
        "email",
        "card",
    ]


@pytest.mark.usefixtures("analyser")
def test_a_model_that_is_not_installed_is_refused_and_not_downloaded() -> None:
    with pytest.raises(InputError, match="no_such_model is not installed"):
        PresidioGuard(model="no_such_model")


def test_without_presidio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    with pytest.raises(MissingExtraError, match="presidio_analyzer is not installed"):
        PresidioGuard()
