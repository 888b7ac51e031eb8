"""*Ask the Python docs*: finds documents, decides whether they answer, and answers with its sources.

May import ``contract``, ``evals`` (what a release is), ``errors`` and this room. Each call goes through the
enforcer of the contract, like that of any application. What it is made of is read from its release, so a
release is never only a name.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import launchworthy as lw
from launchworthy.capture.pricing import Price, PriceTable, Rates
from launchworthy.contract import load_contract
from launchworthy.demo.corpus import Corpus, Document, load_corpus
from launchworthy.demo.policy import Policy, read_policy
from launchworthy.demo.question import read_question
from launchworthy.demo.reporting import Report, read_report
from launchworthy.demo.retrieval import Found, FusedRetriever, Hit, KeywordRetriever, Retriever
from launchworthy.demo.tickets import Tickets
from launchworthy.demo.writing import (
    EXTRACTION,
    Endpoint,
    Extraction,
    Writer,
    Written,
    no_answer_text,
    without_marks,
)
from launchworthy.errors import InputError
from launchworthy.evals import read_release, release_of
from launchworthy.records import Own, Release
from launchworthy.records.attributes import GenAI
from launchworthy.runtime import no_answer
from launchworthy.runtime.calling import Call
from launchworthy.runtime.enforcer import Enforcer
from launchworthy.runtime.retrieving import Document as Retrieved

__all__ = [
    "FLAG",
    "NEAREST",
    "PRODUCT",
    "RELEASES",
    "WORKFLOW",
    "Answer",
    "Assistant",
    "answer",
    "assistant",
    "product_folder",
]

PRODUCT, WORKFLOW = "python-docs", "answer"
RELEASES = ("baseline", "candidate", "first_try")
NEAREST = 3  # documents that are named where it refuses, unless the flag says otherwise
FLAG = "nearest"
_PACKAGED = Path(__file__).parent / "product"
_SOURCE = "python_docs"
_ROLE = "developer"  # of whoever sits at the keyboard
_READ = (4_000, 1_000, 1_000, 1_000)  # characters of the documents that a model is given
_NAMED = 150  # and of those that are only named where it refuses
_MOST_TOKENS = 600
_NO_ANSWER = "NO ANSWER"
_MASK = re.compile(r"\[[A-Z][A-Z_]{2,40}\]")  # what a guard leaves of what it takes out
_FREE = PriceTable(
    version="demo",
    prices=(
        Price(
            providers=frozenset(),
            models=(EXTRACTION,),
            rates=Rates(input=0.0, output=0.0),
            source="it runs here",
            seen="2026-11-24",
            version="demo",
        ),
    ),
)
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
        confidence: That the documents can answer, 0 to 1; None for a release without a policy, and where
            nothing was looked up or a guard left nothing of it.
        signals: What the confidence rests on; empty where there is none.
        safety_flags: What was noticed about the question.
        release: Release id.
        cost_usd: What it cost; None where the price of the model is not known.
        trace_id: Trace of the call, 32 hex digits.
        approval: Id of the approval that a ticket waits for; None where none does.
        fallback: What answered in place of the model; None where nothing had to.
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
    approval: str | None = None
    fallback: str | None = None
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Notes:
    """What one call found on its way."""

    nearest: int
    asked: str = ""
    found: Found = field(default_factory=lambda: Found(hits=(), signals={}))
    confidence: float | None = None
    citations: tuple[str, ...] = ()
    call: Call | None = None


class Assistant:
    """An assistant made of the parts of a release.

    Args:
        release: Its parts; see ``product/launchworthy.yaml``.
        corpus: What it answers from.
        folder: Where the contract and the files that the release names are.
        environ: Where ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` come from, for a release with a model.
        server: Address of the server that keeps approvals; without one no ticket is filed.

    Attributes:
        lacks: Kinds of documents that its index was made without.
        enforcer: Holds each call to the contract.
        tickets: The tracker that it writes to.

    Raises:
        InputError: A part that it cannot be made of.
    """

    def __init__(
        self,
        release: Release,
        corpus: Corpus,
        *,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        server: str | None = None,
    ) -> None:
        self.release, self.corpus = release, corpus
        retrieval = _part(release, "retrieval")
        self.top_k = _whole(retrieval.get("top_k", 10), "retrieval.top_k")
        self.lacks = frozenset(
            retrieval.get("lacks", ())
        )  # kinds of documents that the index was made without
        self._retriever = _retriever(str(retrieval.get("method")), corpus, kept=_kept_in(folder))
        self._policy = _policy(release.parts.get("policy"), folder)
        model = _part(release, "model")
        self._writer = _writer(model, release, folder, environ or os.environ)
        self._unanswered_usd = 0.0 if isinstance(self._writer, Extraction) else None
        self.tickets = Tickets(folder / "tickets.sqlite")
        self.enforcer = Enforcer.load(
            folder / "launchworthy.yaml",
            models={self._writer.model: self._write},
            tools={
                "find_tickets": self.tickets.find_tickets,
                "file_ticket": self.tickets.file_ticket,
            },
            messages={"refuse": no_answer_text()},
            prices=_FREE,
            server=server,
            release=release,
            requester=PRODUCT,
        )
        self._served = self.enforcer.workflow(WORKFLOW)(self._steps)

    def answer(
        self,
        question: str,
        *,
        user: str | None = None,
        session: str | None = None,
        cohort: str | None = None,
        simulated: bool | None = None,
        nearest: int = NEAREST,
    ) -> Answer:
        """Answer, or say that the documents do not; any text will do as a question.

        Args:
            question: What is asked, or the ticket that is to be filed.
            user: Who asks.
            session: In which session.
            cohort: Rollout stage; ``evaluation`` for calls that no user made.
            simulated: True if no real user asks.
            nearest: How many documents are named as the nearest where it refuses.
        """
        notes = _Notes(nearest=nearest)
        came = self._served(
            question,
            notes=notes,
            user=user,
            session=session,
            roles=(_ROLE,),
            cohort=cohort,
            simulated=simulated,
        )
        answered = isinstance(came, no_answer.Answer)
        citations = notes.citations if answered else ()
        return Answer(
            text=_text(came, notes),
            answered=answered,
            citations=citations,
            documents=tuple(self.corpus[name] for name in citations),
            found=notes.found.hits,
            confidence=notes.confidence,
            safety_flags=notes.call.flags if notes.call is not None else (),
            release=self.release.id,
            cost_usd=came.cost_usd if isinstance(came, no_answer.Answer) else self._unanswered_usd,
            trace_id=came.trace_id,
            approval=came.approval_id if isinstance(came, no_answer.Pending) else None,
            fallback=came.fallback if isinstance(came, no_answer.Answer) else None,
            signals={} if notes.confidence is None else notes.found.signals,
        )

    def _steps(self, call: Call, question: str, *, notes: _Notes | None = None) -> str | None:
        """One call, step by step; the enforcer checks what it answers."""
        notes = notes or _Notes(nearest=NEAREST)
        notes.call = call
        span = lw.current_span()
        span.set_attributes({Own.FALLBACK: False})
        span.set_safety_flags()  # none is a finding too: the question was checked
        if isinstance(self._writer, Extraction):
            span.set_cost(0.0)  # also where nothing is answered
        heard = call.input(question)
        report = read_report(heard)
        if report is not None:
            return self._file(call, report, notes)
        asked = read_question(_MASK.sub(" ", heard))
        if asked.injected:
            call.flag("prompt_injection")
        notes.asked = asked.text
        if call.stopped is None and not asked.text:
            _none(call, "only_orders", notes)
            return None
        looked_up = call.retrieve(self._search, asked.text, notes, source=_SOURCE)
        # Only what this Python carries is quoted, whatever the index was made to say.
        documents = [each for each in looked_up if each.id in self.corpus]
        if looked_up and not documents:
            _none(call, "not_in_sources", notes)
            return None
        if documents and not self._is_sure(notes):
            _none(call, "low_confidence", notes)
            return None
        reply = call.model(
            [{"role": "user", "content": asked.text}],
            notes=notes,
            documents=documents[: len(_READ)],
            max_tokens=_MOST_TOKENS,
        )
        if reply.text == _NO_ANSWER:
            _none(call, "not_in_sources", notes)
            return None
        if reply.fallback is None or not reply.text:
            return reply.text
        notes.citations = reply.cites
        return f"{without_marks(reply.text)}\n\nSource: {', '.join(reply.cites)}"

    def _file(self, call: Call, report: Report, notes: _Notes) -> str:
        """Ask for a ticket, unless there is one; a person confirms it."""
        if report.document not in self.corpus:
            return f"There is no documentation of {report.document}, so no ticket was filed."
        notes.citations = (report.document,)
        known = call.tool("find_tickets", {"document": report.document})
        for each in known.value or ():
            if each["problem"].casefold() == report.problem.casefold():
                return f"It is known: ticket {each['ticket']}.\n\nSource: {report.document}"
        filed = call.tool("file_ticket", {"document": report.document, "problem": report.problem})
        return f"No ticket was filed: {filed.reason}.\n\nSource: {report.document}"

    def _search(self, asked: str, notes: _Notes) -> list[Retrieved]:
        found = self._retriever.search(asked, k=self.top_k)
        hits = tuple(hit for hit in found.hits if self.corpus[hit.id].kind not in self.lacks)
        notes.found = replace(found, hits=hits)
        return [
            Retrieved(
                id=hit.id,
                text=self.corpus[hit.id].text[: _READ[place] if place < len(_READ) else _NAMED] or hit.id,
                source=_SOURCE,
                score=hit.score,
            )
            for place, hit in enumerate(notes.found.hits)
        ]

    def _is_sure(self, notes: _Notes) -> bool:
        if self._policy is None:
            return True
        with lw.step("decide") as span:
            notes.confidence = confidence = self._policy.confidence(notes.found.signals)
            span.set_input(dict(notes.found.signals))
            span.set_output({"confidence": confidence, "threshold": self._policy.threshold})
        return confidence >= self._policy.threshold

    def _write(self, messages: Any, *, notes: _Notes, documents: Sequence[Retrieved], max_tokens: int) -> Any:
        """The model, as the enforcer asks it; within a span of its own."""
        given = [replace(self.corpus[each.id], text=each.text) for each in documents]
        span = lw.current_span()
        span.set_attributes(
            {
                GenAI.PROMPT_NAME: self._writer.prompt_name,
                GenAI.PROMPT_VERSION: self._writer.prompt_version,
            }
        )
        written = self._writer.write(notes.asked, given, max_tokens=max_tokens)
        notes.citations = written.citations
        span.set_messages(list(written.messages))
        if written.response is None:
            span.set_usage(input_tokens=0, output_tokens=0)
            span.set_cost(0.0)
        return _reply(written)


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


def assistant(release: str, *, server: str | None = None) -> Assistant:
    """The assistant of ``baseline``, ``first_try`` or ``candidate``, made once per folder and server.

    Raises:
        InputError: No such release, or one that cannot be made.
    """
    with _MAKING:  # threads that ask at once must not each build an index
        return _assistant(release, product_folder(), server)


@cache
def _assistant(name: str, folder: Path, server: str | None) -> Assistant:
    if name in ("baseline", "first_try"):
        release = read_release(folder / f"{name}.yaml")
    elif name == "candidate":
        found = release_of(load_contract(folder / "launchworthy.yaml"), folder=folder)
        if found is None:
            raise InputError("the contract has no release", where=str(folder / "launchworthy.yaml"))
        release = found
    else:
        raise InputError(f"there is no release {name!r:.80}", hint=f"there are {', '.join(RELEASES)}")
    return Assistant(release, _corpus(folder), folder=folder, server=server)


@cache
def _corpus(folder: Path) -> Corpus:
    return load_corpus(_kept_in(folder))


def _kept_in(folder: Path) -> Path | None:
    """Where what takes long to make is kept: in a folder of the user's, never in the package."""
    return None if folder == _PACKAGED else folder / ".cache"


def _none(call: Call, condition: str, notes: _Notes) -> None:
    """No answer, with what is nearest to the question."""
    given = call.no_answer(condition)
    lw.current_span().set_output(_text(given, notes))


def _text(came: no_answer.Answer | no_answer.NoAnswer | no_answer.Pending, notes: _Notes) -> str:
    """What the user reads."""
    if isinstance(came, no_answer.Answer):
        return came.text
    if isinstance(came, no_answer.Pending):
        return came.message
    if came.policy is no_answer.Policy.REFUSE:
        return no_answer_text(tuple(hit.id for hit in notes.found.hits[: notes.nearest]))
    return came.message


def _reply(written: Written) -> Any:
    """As the enforcer reads what a model's function answers."""
    if written.response is None:
        return written.text
    said = {"role": "assistant", "content": written.text or _NO_ANSWER}
    return {**written.response, "choices": [{"index": 0, "message": said}]}


def _part(release: Release, name: str) -> Mapping[str, Any]:
    part = release.parts.get(name)
    if not isinstance(part, Mapping):
        raise InputError(f"the release has no {name}", where=release.label or release.id)
    return part


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000:
        raise InputError(f"{name} is {value!r:.80}, not a whole number from 1 to 1,000", where="release")
    return value


@lru_cache(maxsize=4)  # releases that look things up alike share an index
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


def _writer(model: Mapping[str, Any], release: Release, folder: Path, environ: Mapping[str, str]) -> Writer:
    name = str(model.get("name"))
    if name == EXTRACTION:
        return Extraction(sentences=_whole(model.get("sentences", 3), "model.sentences"))
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
