"""*Ask the Python docs*: finds documents, decides whether they answer, and answers with its sources.

May import ``contract``, ``evals`` (what a release is), ``errors`` and this room; instrumented with the SDK
like any application. What it is made of is read from its release, so a release is never only a name.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import launchworthy as lw
from launchworthy.contract import load_contract
from launchworthy.demo.corpus import Corpus, Document, load_corpus
from launchworthy.demo.policy import Policy, read_policy
from launchworthy.demo.question import Question, read_question
from launchworthy.demo.retrieval import Found, FusedRetriever, Hit, KeywordRetriever, Retriever
from launchworthy.demo.writing import (
    EXTRACTION,
    Endpoint,
    Extraction,
    Writer,
    WritingFailed,
    Written,
    no_answer_text,
)
from launchworthy.errors import InputError
from launchworthy.evals import read_release, release_of
from launchworthy.records import Own, Release

__all__ = ["PRODUCT", "RELEASES", "WORKFLOW", "Answer", "Assistant", "answer", "assistant", "product_folder"]

PRODUCT, WORKFLOW = "python-docs", "answer"
RELEASES = ("baseline", "candidate")
_PACKAGED = Path(__file__).parent / "product"
_GIVEN_TO_MODEL = 4
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        text: What the user reads, also where nothing is answered.
        answered: Whether it answers.
        citations: Ids of the documents it rests on; none for a refusal.
        documents: These documents, whole.
        found: What was retrieved, best first.
        confidence: That the documents can answer, 0 to 1; None for a release without a policy.
        safety_flags: What was noticed about the question.
        release: Release id.
        cost_usd: What it cost; None where the price of the model is not known here.
        trace_id: Trace of the call, 32 hex digits.
    """

    text: str
    answered: bool
    citations: tuple[str, ...]
    documents: tuple[Document, ...]
    found: tuple[Hit, ...]
    confidence: float | None
    safety_flags: tuple[str, ...]
    release: str
    cost_usd: float | None
    trace_id: str


class Assistant:
    """An assistant made of the parts of a release.

    Args:
        release: Its parts; see ``product/launchworthy.yaml``.
        corpus: What it answers from.
        folder: Where the files that the release names are.
        environ: Where ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` come from, for a release with a model.

    Raises:
        InputError: A part that it cannot be made of.
    """

    def __init__(
        self, release: Release, corpus: Corpus, *, folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.release, self.corpus = release, corpus
        retrieval = _part(release, "retrieval")
        self.top_k = _whole(retrieval.get("top_k", 10), "retrieval.top_k")
        self._retriever = _retriever(str(retrieval.get("method")), corpus, kept=_kept_in(folder))
        self._policy = _policy(release.parts.get("policy"), folder)
        model = _part(release, "model")
        self._extraction = Extraction(sentences=_whole(model.get("sentences", 3), "model.sentences"))
        self._writer = _writer(str(model.get("name")), release, folder, environ or os.environ)

    def answer(
        self,
        question: str,
        *,
        user: str | None = None,
        session: str | None = None,
        cohort: str | None = None,
        simulated: bool | None = None,
    ) -> Answer:
        """Answer, or say that the documents do not; any text will do as a question.

        Args:
            question: What is asked.
            user: Who asks.
            session: In which session.
            cohort: Rollout stage; ``evaluation`` for calls that no user made.
            simulated: True if no real user asks.
        """
        asked = read_question(question)
        block = lw.workflow(
            WORKFLOW,
            user=user,
            session=session,
            cohort=cohort,
            release=self.release,
            product=PRODUCT,
            simulated=simulated,
        )
        with block as span:
            span.set_input(asked.text or question[:200])
            span.set_attributes({Own.FALLBACK: False})
            flags = ("prompt_injection",) if asked.injected else ()
            span.set_safety_flags(*flags)  # none is a finding too: the question was checked
            found = self._search(asked.text)
            confidence = self._decide(found)
            written = self._write(asked, found, confidence)
            if written is None or not written.text:
                span.no_answer("refuse")
            text = written.text if written and written.text else no_answer_text(_nearest(found))
            span.set_output(text)
            if self._writer is None:
                span.set_cost(0.0)
            citations = written.citations if written else ()
            return Answer(
                text=text,
                answered=bool(written and written.text),
                citations=citations,
                documents=tuple(self.corpus[name] for name in citations),
                found=found.hits,
                confidence=confidence,
                safety_flags=flags,
                release=self.release.id,
                cost_usd=0.0 if self._writer is None else None,
                trace_id=span.trace_id,
            )

    def _search(self, asked: str) -> Found:
        with lw.retrieval("python_docs") as span:
            span.set_input(asked)
            found = self._retriever.search(asked, k=self.top_k) if asked else Found(hits=(), signals={})
            span.set_documents(
                [
                    {"id": hit.id, "score": hit.score, "content": self.corpus[hit.id].text[:500]}
                    for hit in found.hits
                ]
            )
        return found

    def _decide(self, found: Found) -> float | None:
        if self._policy is None:
            return None
        with lw.step("decide") as span:
            confidence = self._policy.confidence(found.signals)
            span.set_input(dict(found.signals))
            span.set_output({"confidence": confidence, "threshold": self._policy.threshold})
        return confidence

    def _write(self, asked: Question, found: Found, confidence: float | None) -> Written | None:
        """None where nothing may be answered."""
        if not found.hits:
            return None
        if self._policy is not None and (confidence or 0.0) < self._policy.threshold:
            return None
        documents = [self.corpus[hit.id] for hit in found.hits[:_GIVEN_TO_MODEL]]
        if self._writer is not None:
            try:
                return _called(self._writer, asked.text, documents)
            except WritingFailed:
                lw.current_span().set_attributes({Own.FALLBACK: EXTRACTION})
        return _called(self._extraction, asked.text, documents)


def answer(
    question: str,
    *,
    release: str = "candidate",
    user: str | None = None,
    session: str | None = None,
    cohort: str | None = None,
    simulated: bool | None = None,
) -> Answer:
    """Ask the Python docs; see :meth:`Assistant.answer`.

    Raises:
        InputError: No such release.
    """
    return assistant(release).answer(question, user=user, session=session, cohort=cohort, simulated=simulated)


def product_folder() -> Path:
    """The working folder where it holds the product's files (perhaps edited), else the packaged ones."""
    here = Path.cwd()
    if all((here / name).is_file() for name in ("launchworthy.yaml", "baseline.yaml")):
        return here
    return _PACKAGED


def assistant(release: str) -> Assistant:
    """The assistant of ``baseline`` or ``candidate``, made once per folder.

    Raises:
        InputError: No such release, or one that cannot be made.
    """
    with _MAKING:  # threads that ask at once must not each build an index
        return _assistant(release, product_folder())


@cache
def _assistant(name: str, folder: Path) -> Assistant:
    if name == "baseline":
        release = read_release(folder / "baseline.yaml")
    elif name == "candidate":
        found = release_of(load_contract(folder / "launchworthy.yaml"), folder=folder)
        if found is None:
            raise InputError("the contract has no release", where=str(folder / "launchworthy.yaml"))
        release = found
    else:
        raise InputError(f"there is no release {name!r:.80}", hint=f"there are {', '.join(RELEASES)}")
    return Assistant(release, _corpus(folder), folder=folder)


@cache
def _corpus(folder: Path) -> Corpus:
    return load_corpus(_kept_in(folder))


def _kept_in(folder: Path) -> Path | None:
    """Where what takes long to make is kept: in a folder of the user's, never in the package."""
    return None if folder == _PACKAGED else folder / ".cache"


def _called(writer: Writer, question: str, documents: Sequence[Document]) -> Written:
    """Write within a span of the model."""
    block = lw.model_call(
        writer.model,
        provider=writer.provider,
        prompt=writer.prompt_name,
        prompt_version=writer.prompt_version,
    )
    with block as span:
        if isinstance(writer, Extraction):
            span.set_usage(input_tokens=0, output_tokens=0)
            span.set_cost(0.0)
        span.set_messages([{"role": "user", "content": question}])
        written = writer.write(question, documents)
        span.set_messages(list(written.messages))
        if written.response is None or not span.set_response(written.response):
            span.set_output(written.text)
    return written


def _nearest(found: Found) -> tuple[str, ...]:
    return tuple(hit.id for hit in found.hits[:3])


def _part(release: Release, name: str) -> Mapping[str, Any]:
    part = release.parts.get(name)
    if not isinstance(part, Mapping):
        raise InputError(f"the release has no {name}", where=release.label or release.id)
    return part


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000:
        raise InputError(f"{name} is {value!r:.80}, not a whole number from 1 to 1,000", where="release")
    return value


def _retriever(method: str, corpus: Corpus, *, kept: Path | None) -> Retriever:
    if method == "bm25":
        return KeywordRetriever(corpus)
    if method == "fused":
        return FusedRetriever(corpus, kept=kept)
    raise InputError(f"there is no retrieval method {method!r:.80}", hint="there are bm25 and fused")


def _policy(part: Any, folder: Path) -> Policy | None:
    if part == "always_answer":
        return None
    if isinstance(part, Mapping) and isinstance(part.get("file"), str):
        return read_policy(folder / part["file"])
    raise InputError(
        f"the policy of the release is {part!r:.80}", hint="write always_answer, or the path of a policy file"
    )


def _writer(name: str, release: Release, folder: Path, environ: Mapping[str, str]) -> Writer | None:
    """None for extraction, which needs no model."""
    if name == EXTRACTION:
        return None
    prompt = release.parts.get("prompt")
    if not isinstance(prompt, Mapping) or not isinstance(prompt.get("file"), str):
        raise InputError("a model needs a prompt", where="release/prompt", hint="prompt: prompts/answer.md")
    base = environ.get("OPENAI_BASE_URL", "")
    if not base:
        raise InputError(
            f"the release names the model {name!r:.80}, and no address serves it",
            where="OPENAI_BASE_URL",
            hint=f"set it, or write model: {{name: {EXTRACTION}}}",
        )
    return Endpoint(
        name,
        base_url=base,
        prompt=(folder / prompt["file"]).read_text(encoding="utf-8"),
        api_key=environ.get("OPENAI_API_KEY") or None,
    )
