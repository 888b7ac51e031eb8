"""Personal data by Presidio, for companies that have it already: ``uses: presidio`` (extra ``presidio``).

May import the verdicts; Presidio is loaded with the first text. Two of its recognisers hit almost any number
and are left out; nothing is downloaded, neither a model nor a list of domains. Without a model names are not
found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.runtime.guards.answers import hit, passed
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Stage

__all__ = ["PresidioGuard"]

_THRESHOLD = 0.4
_LEFT_OUT = frozenset({"us_driver_license", "us_bank_number"})
_KINDS = {
    "person": "name",
    "email_address": "email",
    "phone_number": "phone",
    "credit_card": "card",
    "iban_code": "iban",
    "ip_address": "ip",
    "location": "place",
    "date_time": "date",
    "organization": "organisation",
}


class PresidioGuard:
    """Asks Presidio's analyser.

    Args:
        find: Kinds, ours or Presidio's own in lower case; all where none is named.
        threshold: Score from which a finding counts; 0.4 if not given.
        thresholds: The same for single kinds.
        exceptions: Texts that are never flagged.
        language: Of the texts.
        model: spaCy model that is installed; none: no names.
        name: As the contract names it.

    Raises:
        MissingExtraError: Presidio is not installed.
        InputError: The model is not.
    """

    estimates = True
    waits = True
    window: int | None = None

    def __init__(
        self,
        *,
        find: Iterable[str] = (),
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        exceptions: Iterable[str] = (),
        language: str = "en",
        model: str | None = None,
        name: str = "presidio",
    ) -> None:
        try:
            self.version = f"presidio-{version('presidio-analyzer')}-{model or 'patterns'}"
        except PackageNotFoundError as error:
            raise MissingExtraError("presidio_analyzer", extra="presidio") from error
        if model is not None and find_spec(model) is None:
            raise InputError(
                f"the spaCy model {model[:60]} is not installed",
                where=f"guards/{name}/options/model",
                hint=f"python -m spacy download {model[:60]}",
            )
        self.name = name
        self._find = frozenset(find)
        self._least = _THRESHOLD if threshold is None else threshold
        self._thresholds = dict(thresholds or {})
        self._exceptions = frozenset(exceptions)
        self._language, self._model = language, model

    @cached_property
    def _analyzer(self) -> Any:
        presidio = import_module("presidio_analyzer")
        engines = import_module("presidio_analyzer.nlp_engine")
        spacy = import_module("spacy")
        with suppress(ImportError):
            domains = import_module("tldextract")
            domains.tldextract.TLD_EXTRACTOR = domains.TLDExtract(suffix_list_urls=())
        engine = engines.SpacyNlpEngine(
            models=[{"lang_code": self._language, "model_name": self._model or "blank"}]
        )
        engine.nlp = {self._language: spacy.load(self._model) if self._model else spacy.blank(self._language)}
        return presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=[self._language])

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look for personal data, at any stage."""
        spans: list[Finding] = []
        for found in self._analyzer.analyze(text=payload, language=self._language):
            entity = found.entity_type.lower()
            kind = _KINDS.get(entity, entity)
            least = self._thresholds.get(kind, self._least)
            wanted = not self._find or kind in self._find or entity in self._find
            if wanted and entity not in _LEFT_OUT and found.score >= least:
                spans.append(Finding(found.start, found.end, kind, min(1.0, float(found.score))))
        apart: list[Finding] = []
        for span in sorted(spans, key=lambda each: (each.start, -each.end, -each.score)):
            if not apart or span.start >= apart[-1].end:
                apart.append(span)
        apart = [span for span in apart if payload[span.start : span.end] not in self._exceptions]
        if not apart:
            return passed(self, score=0.0)
        strongest = max(apart, key=lambda each: each.score)
        return hit(self, strongest.type, score=strongest.score, spans=apart, reason=f"{len(apart)} found")
