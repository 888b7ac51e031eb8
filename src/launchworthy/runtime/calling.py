"""One call of a product: what goes in, what is looked up, what the model and its tools do, what comes out.

May import what ``runtime`` may; ``standing`` keeps what it has come to. Made by ``Enforcer.call``. Once it is
stopped, by a guard, a limit or a tool that waits for a person, nothing more reaches the model or a tool, each
further step is empty, and ``answer`` gives the reason as a value: the code of an application can be written
straight on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from typing import Any

from launchworthy.capture.sdk.blocks import retrieval
from launchworthy.capture.sdk.scope import shadowing
from launchworthy.runtime.approval import ProposedCall
from launchworthy.runtime.fallback import Asked, Asking, Reply, Restart
from launchworthy.runtime.faults import InjectedFault, faults
from launchworthy.runtime.guards.verdict import Stage
from launchworthy.runtime.no_answer import Answer, Condition, NoAnswer, Pending
from launchworthy.runtime.permission import Origin, Request
from launchworthy.runtime.prompts import last_said
from launchworthy.runtime.released import Released
from launchworthy.runtime.retrieving import Document, read_documents
from launchworthy.runtime.running import settle
from launchworthy.runtime.standing import Standing
from launchworthy.runtime.streaming import HeldStream
from launchworthy.runtime.telling import UNNAMED
from launchworthy.runtime.tool_arguments import read_arguments
from launchworthy.runtime.tool_result import ToolResult, ToolState, denied

__all__ = ["Call"]


class Call(Standing):
    """One call. Its steps are ``input``, ``retrieved``, ``model``, ``tool`` and ``answer``, as needed."""

    # What goes in

    def input(self, text: str) -> str:
        """Check what the user said; the text as it may go to the model, empty where it may not."""
        if self.stopped is not None:
            return ""
        self._heard = True
        self._caller.seen.note(Origin.USER, text)
        self._question = text
        self._span.set_input(text)
        checked = self._check(Stage.INPUT, text)
        if not checked.goes_on:
            self._stop_by_guard(checked)
            return ""
        self._question = checked.text
        return checked.text

    def trusted(self, value: Any) -> None:
        """Note what the application itself brought, such as the caller's own account, as its own choice."""
        self._caller.seen.note(Origin.APPLICATION, value)
        self._instant.private = True

    def retrieved(self, documents: Iterable[Any], *, source: str = "") -> tuple[Document, ...]:
        """Check what was looked up, passage by passage; those that may enter the prompt.

        Args:
            documents: Texts, or mappings or objects with ``text`` or ``content``, and ``id``, ``source``,
                ``owner``.
            source: Source of the contract, for documents that do not name their own.
        """
        if self.stopped is not None:
            return ()
        self._looked_up = True
        if faults().index:
            self._index_down = True
            return ()
        kept = []
        with retrieval(source or None, capture=False) as span:
            for document in read_documents(documents, source=source, scope_of=self._rules.sources.scope_of):
                left_out = self._rules.sources.check(
                    document, scopes=self._caller.scopes, workflow=self._workflow.name
                )
                if left_out is not None:
                    self._telling.left_out(left_out)
                    continue
                checked = self._check(Stage.RETRIEVED, document.text, subject=document.id)
                if checked.goes_on:
                    kept.append(replace(document, text=checked.text))
            span.set_documents(
                [
                    {
                        "id": each.id,
                        "content": each.text,
                        "source": each.source,
                        "score": each.score,
                        # Whose row it is stays here; that it was the caller's own is on record.
                        "scope_checked": self._rules.sources.scope_of(each.source),
                    }
                    for each in kept
                ]
            )
        self._caller.seen.note(Origin.RETRIEVED, [each.text for each in kept])
        self._instant.private = self._instant.private or any(each.owner is not None for each in kept)
        self._caller.documents += kept
        return tuple(kept)

    def retrieve(
        self, search: Callable[..., Iterable[Any]], *arguments: Any, source: str = "", **options: Any
    ) -> tuple[Document, ...]:
        """Look something up, within the time of the call, and check it; a search that fails finds nothing.

        Args:
            search: Called with what follows.
            *arguments: Its arguments.
            source: As for ``retrieved``.
            **options: Its named arguments.
        """
        if self.stopped is not None:
            return ()
        try:
            if faults().index:
                raise InjectedFault("a drill has taken the index away")
            found = self._rules.runner.within(
                self._deadline.left_s,
                lambda job: list(settle(search(*arguments, **options), job=job, loop=self._loop)),
            )
        except Exception as error:
            self._looked_up = self._index_down = True
            self._telling.failed("retrieval", source or "search", type(error).__name__)
            return ()
        return self.retrieved(found, source=source)

    # The model

    def model(self, messages: Any, *, model: str | None = None, **options: Any) -> Reply:
        """Ask the model, within time and money; where it does not answer, the fallbacks.

        Args:
            messages: As the model's function takes them.
            model: Its name; the contract's ``release.model``, or the first that the enforcer was given.
            **options: What else the function is given, such as ``tools`` and ``max_tokens``.

        Returns:
            What it said, not yet checked; empty where the call is stopped.
        """
        messages = self._unseen(messages)
        if not self._may_ask():
            return Reply()
        asked = self._asking().ask(
            model or self._workflow.model,
            messages,
            options,
            deadline=self._deadline,
            purse=self._purse,
            instant=self._instant.answer,
        )
        return self._take(asked)

    def stream(
        self, messages: Any, *, model: str | None = None, **options: Any
    ) -> Generator[str, None, None]:
        """Ask the model for an answer in parts; what it gives has been checked and may go out at once.

        ``result`` holds the answer once the last part is out, or why there is none.
        """
        messages = self._unseen(messages)
        if not self._may_ask():
            self.answer("")
            return
        stream = Released(self._rules.guards, self._context())
        asked = Asked(reply=None)
        for part in self._asking().stream(
            model or self._workflow.model,
            messages,
            options,
            deadline=self._deadline,
            purse=self._purse,
            instant=self._instant.answer,
            committed=stream.has_begun,
        ):
            if isinstance(part, Restart):
                stream.restart()
            elif isinstance(part, Asked):
                asked = part
            else:
                if piece := stream.feed(part):
                    self._span.first_token()
                    yield piece
                if stream.held.stopped:
                    break
        if not stream.held.stopped:
            reply = self._take(asked, partial=stream.held.released)
            if asked.reply is None:
                self.answer("")
                return
            if not stream.parts and (piece := stream.feed(reply.text)):
                yield piece
        if piece := stream.held.end():
            yield piece
        self._end_stream(stream.held)

    # Its tools

    def tool(
        self, name: str, arguments: Any = None, *, call_id: str = "", request_id: str | None = None
    ) -> ToolResult:
        """Run a tool, if the contract lets this caller, with these arguments, chosen by whom they were.

        Args:
            name: Of the tool.
            arguments: An object, or JSON text as a model gives it.
            call_id: Id that the model gave the call.
            request_id: Chosen by the application where it may ask again after a crash: the same id is the
                same call.

        Returns:
            What came of it. A tool that waits for a person stops the call.
        """
        if self.stopped is not None:
            return denied(name, "the call has been stopped", "", call_id)
        most = self._workflow.steps
        if most is not None and self._steps >= most:
            self.stop_over(f"{self._workflow.address}/limits/steps", spent=self._steps, most=most)
            return denied(name, f"the task has taken its {most:,} steps", "", call_id)
        self._steps += 1
        read = read_arguments(arguments)
        if isinstance(read, str):
            named = name if name in self._rules.tools.policy.tools else UNNAMED
            rule = f"{self._rules.product}/tools/{named}"
            self._telling.denied(named, rule=rule, reason=read)
            return self._noted(denied(name, read, rule, call_id))
        tools = self._rules.tools
        if shadowing():
            if name in tools.acting:
                reason = f"{name} acts, and nobody sees what is done in shadow"
                rule = f"{self._rules.product}/tools/{name}"
                self._telling.denied(name, rule=rule, reason=reason)
                return self._noted(denied(name, reason, rule, call_id))
            tools = replace(tools, approvals=None)  # nor is a person asked
        result, checked = tools.call(
            self._caller.request(name, read, lowered=self.lowered),
            call_id=call_id,
            request_id=request_id,
            context=self._context(tool=name),
            telling=self._telling,
            seconds=self._deadline.left_s,
            loop=self._loop,
            proposed=self._proposed,
            again=self._traced,
        )
        if checked is not None:
            self.lowered = self.lowered or checked.lowered
            self._caller.seen.note(Origin.TOOL_RESULT, checked.text)
            self._instant.private = True
        if result.state is ToolState.PENDING and result.approval is not None:
            self.stopped = self._workflow.no_answer.waiting(result.approval, trace_id=self._telling.trace_id)
        return self._noted(result)

    def run_tools(self, reply: Reply) -> list[dict[str, Any]]:
        """Run every tool that a reply asks for; the messages to append for the next question.

        They are the reply itself and an answer to each of its calls, in order. Empty where it asks for none,
        or where the call is stopped: then the loop of an agent ends.
        """
        if self.stopped is not None or not reply.tool_calls:
            return []
        results = [self.tool(each.name, each.arguments, call_id=each.id) for each in reply.tool_calls]
        if any(each.state is ToolState.PENDING for each in results) or not self._goes_on():
            return []
        return [reply.message, *(each.message for each in results)]

    def drill_tool(self, name: str) -> ToolResult:
        """Meet the fault that a drill injects into a tool: the function itself is never called."""
        return self._noted(
            self._rules.tools.drill(
                name, telling=self._telling, context=self._context(tool=name), seconds=self._deadline.left_s
            )
        )

    # What comes out

    def answer(self, text: str | Reply | None = None) -> Answer | NoAnswer | Pending:
        """Check the answer; what may be shown, or why there is none.

        Args:
            text: The answer, or the reply of the model; its last reply where nothing is given.
        """
        if self.stopped is not None:
            return self._finish(self.stopped)
        if isinstance(text, Reply):
            self._reply, text = text, text.text
        if text is None:
            text = self._reply.text if self._reply is not None else ""
        if not text.strip():
            return self._finish(self._give(Condition.DOWN, reason="there is no answer to give"))
        checked = self._check(Stage.OUTPUT, text)
        if not checked.goes_on:
            return self._finish(self._stop_by_guard(checked, draft=text))
        return self._finish(self._answer_of(checked.text))

    def no_answer(self, condition: str, *, reason: str = "", ask: str = "") -> NoAnswer:
        """Give no answer, the way that the contract declares for a condition.

        Args:
            condition: As the contract names it: ``not_in_sources``, ``ambiguous``, ``low_confidence`` …
            reason: Why, in a sentence for records, without the texts.
            ask: The question to ask back.
        """
        given = self._give(condition, reason=reason or f"the application found {condition}", ask=ask)
        self.stopped = given
        self._finish(given)
        return given

    # What the application's own function came to

    def failed(self, error: Exception) -> Answer | NoAnswer | Pending:
        """Its code raised: no answer, the way of ``model_or_tool_down``; the span of the call has failed."""
        self._span.fail(error)
        if self.stopped is None:
            self.stopped = self._give(
                Condition.DOWN, reason=f"the application failed with {type(error).__name__}"
            )
        return self._finish(self.stopped)

    def ended(self, found: Any) -> Answer | NoAnswer | Pending:
        """Its code answered: what has not been checked is checked now."""
        if self.result is not None:
            return self.result
        if found is None or isinstance(found, (str, Reply)):
            return self.answer(found)
        if self.stopped is not None:
            return self._finish(self.stopped)
        return self.failed(TypeError(f"it answered {type(found).__name__}, which is no text"))

    # Within

    def _unseen(self, messages: Any) -> Any:
        """Messages as they may go out: where the application did not call ``input``, that is done here."""
        self._messages = messages
        if self._heard or self.stopped is not None:
            return messages
        said = last_said(messages)
        if said is None:
            return messages
        checked = self.input(said.text)
        if checked != said.text and not said.replaceable and self._goes_on():
            reason = "what a guard would mask stands in a part that is no text"
            self.stopped = self._give(Condition.UNSAFE, reason=reason)
        self._messages = said.with_text(messages, checked)
        return self._messages

    def _may_ask(self) -> bool:
        if self.stopped is not None:
            return False
        if not self._looked_up or self._caller.documents:
            return True
        if self._index_down and (self._workflow.needs_sources or self._workflow.defers):
            self.stopped = self._give(Condition.DOWN, reason="nothing could be looked up")
        elif self._workflow.needs_sources:
            reason = "nothing was found that may enter the prompt"
            self.stopped = self._give(Condition.NOT_IN_SOURCES, reason=reason)
        return self._goes_on()

    def _asking(self) -> Asking:
        return replace(self._workflow.asking, loop=self._loop)

    def _take(self, asked: Asked, *, partial: str = "") -> Reply:
        self._telling.asked(asked)
        if asked.timed_out:
            self._too_late("the models did not answer in time")
        if asked.too_dear is not None:
            dear = asked.too_dear
            spent = {"spent_usd": self._purse.spent_usd}
            self._telling.over(dear.rule, stopped=True, reason=dear.reason, facts=spent)
        if asked.reply is not None:
            self._reply = asked.reply
            return asked.reply
        condition = Condition.DOWN
        if asked.too_dear is not None and asked.only_too_dear:
            condition = Condition.OVER_BUDGET
        failed = ", ".join(dict.fromkeys(f"{each.name}: {each.reason}" for each in asked.failures))
        self.stopped = self._give(
            condition,
            reason=f"nothing answered ({failed})" if failed else "nothing answered",
            policy=asked.policy,
            rule=asked.rule if asked.policy is not None else None,
            partial=partial,
        )
        return Reply()

    def _end_stream(self, held: HeldStream) -> None:
        checked = held.checked
        if checked is None:
            self._finish(self._give(Condition.DOWN, reason="the answer was not checked to its end"))
            return
        self._telling.checked(checked)
        if checked.goes_on:
            self._finish(self._answer_of(checked.text))
            return
        self._finish(self._stop_by_guard(checked, partial=held.released))

    def _traced(self, request: Request) -> Request:
        return self._caller.request(request.tool, request.arguments, lowered=self.lowered or request.lowered)

    def _proposed(self, name: str, request: Request) -> ProposedCall:
        return self._caller.proposed(
            name,
            request,
            question=self._question,
            workflow=self._workflow.name,
            trace_id=self._telling.trace_id,
        )
