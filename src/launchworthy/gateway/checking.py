"""One call under its contract: guards over what was sent, permission for what the model wants to run.

May import ``runtime`` and this room. Tools run in the application, so that a call which may not run is taken
out of the answer before the application sees it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launchworthy.errors import LaunchworthyError
from launchworthy.gateway.caller import Caller
from launchworthy.gateway.known import is_name
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.served import Arm, Job
from launchworthy.gateway.texts import WITHHELD, Answer, Ask, Piece, Proposal
from launchworthy.runtime.action import Action
from launchworthy.runtime.approval import Approvals
from launchworthy.runtime.approval.call import arguments_hash
from launchworthy.runtime.caller import Caller as Asking
from launchworthy.runtime.compiling import rule_address
from launchworthy.runtime.guards import GuardContext, Passage, Stage
from launchworthy.runtime.no_answer import Condition, NoAnswer
from launchworthy.runtime.permission import Request, Ruling
from launchworthy.runtime.pipeline import Checked
from launchworthy.runtime.retrieving import Document
from launchworthy.runtime.telling import UNNAMED, Telling
from launchworthy.runtime.tool_arguments import read_arguments

__all__ = ["Check"]

_LETTERS = string.ascii_letters + string.digits
_LONG = 4_000  # characters from which on guards run beside the loop, and not on it
_EACH = 200  # characters that reading one more text costs as much as
_MOST_CHARACTERS = 2_000_000  # of one request that guards read; a megabyte takes them seconds
_WAY_OF = {Action.ASK: "ask", Action.DEFER: "defer", Action.ROUTE: "route", Action.REFUSE: "refuse"}
_WAITS = "This needs the approval of a person before it is done."
_DENIED = "This may not be done."


class Check:
    """What is known of one call; it is asked about what was sent, then about what came back.

    Attributes:
        notes: What the client is told beside the answer, under ``launchworthy``.
        lowered: Whether a guard found an injection, so that tools have fewer rights.
    """

    def __init__(
        self,
        arm: Arm,
        job: Job,
        caller: Caller,
        ask: Ask,
        *,
        user: str,
        telling: Telling,
        ledger: Ledger,
        approvals: Approvals | None,
    ) -> None:
        self._arm, self._job, self._caller, self._ask, self._user = arm, job, caller, ask, user
        self._telling, self._ledger, self._approvals = telling, ledger, approvals
        # As they were sent: who masks an account number in a question has not unsaid that the user chose it.
        self._sent = [(piece, piece.slot.text) for piece in ask.pieces]
        self._passages: list[Passage] = []
        self._documents: list[Document] = []
        self._context: GuardContext | None = None
        self._asking: Asking | None = None
        self._held_up = 0  # characters that were read since others had their turn
        self.notes: dict[str, Any] = {}
        self._named = set[str]()  # ids of calls so far
        self.lowered = False

    @property
    def guards_output(self) -> bool:
        """Whether an answer is looked at, so that what cannot be looked at may not pass."""
        return any(rule.live for rule in self._arm.guards.rules_at(Stage.OUTPUT))

    @property
    def waits(self) -> bool:
        """Whether a guard of answers asks another process."""
        return any(rule.guard.waits for rule in self._arm.guards.rules_at(Stage.OUTPUT))

    @property
    def context(self) -> GuardContext:
        """What guards of the answer may know."""
        if self._context is None:
            self._context = GuardContext(
                product=self._arm.product,
                workflow=self._job.name,
                question=self._ask.question,
                passages=tuple(self._passages),
                user=self._user,
            )
        return self._context

    # ── what was sent ────────────────────────────────────────────────────────────────────────────

    async def request(self) -> NoAnswer | None:
        """Check every text that was sent, and change it where a guard says so; why there is no answer.

        Raises:
            Refused: It is more than guards read.
        """
        self._bounded()
        found = self._limits()
        if found is None:
            found = await self._tools_of_provider()
        if found is None:
            found = self._unread()
        if found is not None:
            return found
        for piece in self._ask.pieces:
            if piece.stage is Stage.RETRIEVED and not self._may_be_seen(piece):
                piece.slot.text = WITHHELD
            elif piece.stage is not None and self._arm.guards.rules_at(piece.stage):
                checked = await self._guard(piece.stage, piece.slot.text, tool=piece.tool)
                self.lowered = self.lowered or checked.lowered
                if not checked.goes_on and piece.stage is Stage.INPUT and piece.new:
                    return self.stopped(checked)
                if not checked.goes_on:
                    self._withhold(piece, checked)
                elif checked.text != piece.slot.text:
                    piece.slot.text = checked.text
                    self.changed(checked)
            if piece.stage is Stage.RETRIEVED and piece.slot.text != WITHHELD:
                self._documents.append(_document(piece))
                self._passages.append(self._documents[-1].passage)
        return await self._runs()

    async def _runs(self) -> NoAnswer | None:
        """Check texts together that a model reads as one: what is split between them no guard has seen."""
        runs: dict[tuple[int, Stage], list[Piece]] = {}
        for piece in self._ask.pieces:
            stage = piece.stage
            if not piece.run or stage is None or piece.slot.text == WITHHELD:
                continue
            if self._arm.guards.rules_at(stage):
                runs.setdefault((piece.run, stage), []).append(piece)
        for (_, at), pieces in runs.items():
            texts = [piece.slot.text for piece in pieces]
            if (across := await self._across(at, texts, tool=pieces[0].tool)) is None:
                continue
            if at is Stage.INPUT and pieces[-1].new:
                return self.stopped(across)
            for piece in pieces:
                self._withhold(piece, across)
        return None

    def _bounded(self) -> None:
        long = sum(
            len(sent)
            for piece, sent in self._sent
            if piece.stage is not None and self._arm.guards.rules_at(piece.stage)
        )
        if long > _MOST_CHARACTERS:
            reason = f"the texts have {long:,} characters; guards read {_MOST_CHARACTERS:,} of one request"
            self._telling.refused(reason, facts={"characters": long, "limit": _MOST_CHARACTERS})
            raise Refused(
                413,
                "too_long",
                reason,
                hint="send less of the conversation, or the passages that matter",
            )

    def _limits(self) -> NoAnswer | None:
        for name, count, most in (
            ("turns", self._ask.turns, self._job.turns),
            ("steps", self._ask.steps, self._job.steps),
        ):
            if most is not None and count > most:
                return self.over(
                    f"{self._address}/limits/{name}",
                    f"the conversation has more {name} than it may",
                    facts={"spent": count, "limit": most},
                )
        return None

    def over(self, rule: str, reason: str, *, facts: Mapping[str, Any]) -> NoAnswer:
        """A limit is reached: no answer."""
        self._telling.over(rule, stopped=True, reason=reason, facts=facts)
        return self._job.no_answer.give(Condition.OVER_BUDGET, reason=reason, trace_id=self._telling.trace_id)

    def unknown(self, rule: str) -> NoAnswer:
        """What is left of a ceiling is not known: no answer, and no limit was passed."""
        return self._job.no_answer.give(
            Condition.DOWN, reason=_not_known(rule.rpartition("/")[2]), trace_id=self._telling.trace_id
        )

    async def _tools_of_provider(self) -> NoAnswer | None:
        """What runs at the provider cannot be held back later, so that it must be allowed outright now."""
        for name in self._ask.provider_tools:
            request = self._caller_of_tools().request(name, {}, lowered=self.lowered)
            decision = await self._ledger.decide(self._arm.policy, request)
            self._telling.permission(decision, arguments_hash=self._hash(name, {}), request=request)
            if decision.ruling is not Ruling.ALLOW or decision.charges:
                reason = (
                    decision.reason
                    if decision.ruling is Ruling.DENY
                    else f"{name[:80]} runs at the model's provider, where no approval and no budget is kept"
                )
                return self._job.no_answer.give(
                    Condition.UNSAFE,
                    reason=reason,
                    policy="refuse",
                    rule=decision.rule,
                    trace_id=self._telling.trace_id,
                )
        return None

    def _unread(self) -> NoAnswer | None:
        """Pictures and files could not be checked: no answer where a guard of the input fails closed."""
        if not self._ask.unread:
            return None
        checked = self._arm.guards.unread(Stage.INPUT, self._ask.unread[0])
        self._telling.checked(checked)
        self.lowered = self.lowered or checked.lowered
        return None if checked.goes_on else self.stopped(checked)

    def _may_be_seen(self, piece: Piece) -> bool:
        left = self._arm.sources.check(_document(piece), scopes=self._caller.scopes, workflow=self._job.name)
        if left is None:
            return True
        self._telling.left_out(left)
        self._note("withheld_texts", {"stage": "retrieved", "rule": left.rule, "reason": left.reason})
        return False

    def _withhold(self, piece: Piece, checked: Checked) -> None:
        """A passage, a tool's answer or an old message that a guard stops is missed, and the rest goes on."""
        piece.slot.text = WITHHELD
        self._note(
            "withheld_texts",
            {"stage": checked.stage.value, "rule": self._rule(checked), "reason": checked.reason},
        )

    # ── what came back ───────────────────────────────────────────────────────────────────────────

    async def answer(self, answer: Answer) -> NoAnswer | None:
        """Check one answer, and change it where the contract says so; why there is none."""
        if self.guards_output:
            answer.strip()
        if self._arm.guards.rules_at(Stage.OUTPUT):
            slots = answer.texts()
            for slot in slots:
                checked = await self._guard(Stage.OUTPUT, slot.text)
                if not checked.goes_on:
                    stopped = self.stopped(checked)
                    answer.silence(stopped.message, guarded=True)
                    return stopped
                if checked.text != slot.text:
                    slot.text = checked.text
                    self.changed(checked)
            if (across := await self.across([slot.text for slot in slots])) is not None:
                stopped = self.stopped(across)
                answer.silence(stopped.message, guarded=True)
                return stopped
        for proposal in answer.proposals():
            if (message := await self.withheld(proposal)) is not None:
                proposal.withhold()
                answer.settle(message)
        return None

    def changed(self, checked: Checked) -> None:
        """Tell the client that a guard changed a text."""
        self._note("changed", {"stage": checked.stage.value, "rule": self._rule(checked)})

    async def across(self, texts: list[str]) -> Checked | None:
        """What guards find in the texts of one answer that are read as one, and in none of them alone."""
        return await self._across(Stage.OUTPUT, texts)

    async def withheld(self, proposal: Proposal) -> str | None:
        """Why a call of a tool may not reach the application, as a sentence for its user; None: it may."""
        proposal = self._renamed(proposal)
        arguments = read_arguments(proposal.arguments)
        if isinstance(arguments, str):
            named = proposal.name if proposal.name in self._arm.policy.tools else UNNAMED
            self._telling.denied(named, rule=f"{self._arm.product}/tools", reason=arguments)
            self._note("withheld_calls", _denied(proposal, f"{self._arm.product}/tools", arguments))
            return _DENIED
        if self._arm.guards.rules_at(Stage.TOOL):
            written = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
            checked = await self._guard(Stage.TOOL, written, tool=proposal.name)
            self.lowered = self.lowered or checked.lowered
            if not checked.goes_on:
                self._note("withheld_calls", _denied(proposal, self._rule(checked), checked.reason))
                return _DENIED
            arguments = json.loads(checked.text)
        if (message := await self._permitted(proposal, arguments)) is not None:
            return message
        # Exactly what was decided on: JSON that says a name twice may be read in two ways.
        proposal.rewrite(json.dumps(arguments, ensure_ascii=False))
        return None

    def _renamed(self, proposal: Proposal) -> Proposal:
        """The call by an id of ours, where guards look at what goes out, or its own does not name it alone.

        Some models write their ids themselves, so that anything may stand there. Nine letters and digits are
        what every vendor takes back.
        """
        name = proposal.id
        if self.guards_output or not is_name(name) or name in self._named:
            name = "".join(secrets.choice(_LETTERS) for _ in range(9))
            proposal.rename(name)
        self._named.add(name)
        return replace(proposal, id=name)

    async def _permitted(self, proposal: Proposal, arguments: dict[str, Any]) -> str | None:
        request = self._caller_of_tools().request(proposal.name, arguments, lowered=self.lowered)
        decision = await self._ledger.decide(self._arm.policy, request)
        self._telling.permission(
            decision, arguments_hash=self._hash(proposal.name, arguments), request=request
        )
        if decision.ruling is Ruling.ALLOW:
            # The application runs it, so that it counts as spent.
            reserved = await self._ledger.spend(decision.charges)
            if reserved is None:
                return None
            rule, budget = reserved.charge.rule, f"the budget of {proposal.name}"
            reason = _not_known(budget) if reserved.unknown else f"{budget} is used up"
            self._telling.denied(proposal.name, rule=rule, reason=reason)
            self._note("withheld_calls", _denied(proposal, rule, reason))
            return _DENIED
        if decision.ruling is Ruling.DENY:
            self._note("withheld_calls", _denied(proposal, decision.rule, decision.reason))
            return _DENIED
        note = {
            **_denied(proposal, decision.rule, decision.reason),
            "ruling": "needs_approval",
            "approvers": [step.by for step in decision.approvals],
        }
        if self._approvals is not None:
            note |= await self._pend(proposal, request, self._approvals)
        self._note("withheld_calls", note)
        return _WAITS

    async def _pend(self, proposal: Proposal, request: Request, approvals: Approvals) -> dict[str, Any]:
        """Put the call into the queue of approvals; the same call of the same conversation once."""
        bound = self._hash(proposal.name, request.arguments)
        whose = f"{self._caller.key.name}\0{self._caller.session or self._telling.trace_id}"
        seed = f"{self._arm.product}\0{whose}\0{bound}"
        call = self._caller_of_tools().proposed(
            "gw-" + hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:32],
            request,
            question=self._ask.question[:4_000],
            workflow=self._job.name,
            trace_id=self._telling.trace_id,
        )
        try:
            approval = await asyncio.to_thread(approvals.request, call)
        except LaunchworthyError as error:
            return {"approval": None, "problem": error.message}
        return {"approval": approval.id, "state": approval.state.value, "arguments_hash": bound}

    # ── helpers ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _address(self) -> str:
        return f"{self._arm.product}/{self._job.name}"

    async def _across(self, stage: Stage, texts: list[str], *, tool: str = "") -> Checked | None:
        """What guards find in texts that are read as one, and in none of them alone."""
        if len(texts) < 2:
            return None
        joined = "".join(texts)
        checked = await self._guard(stage, joined, tool=tool)
        self.lowered = self.lowered or checked.lowered
        return None if checked.goes_on and checked.text == joined else checked

    async def _guard(self, stage: Stage, text: str, *, tool: str = "") -> Checked:
        context = self.context if stage is Stage.OUTPUT else self._context_of(tool)
        if len(text) > _LONG:
            checked = await asyncio.to_thread(self._arm.guards.check, stage, text, context)
        else:
            checked = await self._arm.guards.check_async(stage, text, context)
            self._held_up += len(text) + _EACH
            if self._held_up > _LONG:  # many short texts are long too
                self._held_up = 0
                await asyncio.sleep(0)
        self._telling.checked(checked, subject=tool, passage=text if stage is Stage.RETRIEVED else "")
        return checked

    def _context_of(self, tool: str) -> GuardContext:
        return GuardContext(
            product=self._arm.product,
            workflow=self._job.name,
            question=self._ask.question,
            tool=tool,
            user=self._user,
        )

    def stopped(self, checked: Checked, *, partial: str = "") -> NoAnswer:
        """A guard ends the call."""
        return self._job.no_answer.give(
            Condition.UNSAFE,
            reason=checked.reason,
            policy=_WAY_OF.get(checked.action),
            rule=self._rule(checked),
            partial=partial,
            trace_id=self._telling.trace_id,
        )

    def _rule(self, checked: Checked) -> str:
        return f"{self._arm.product}/{rule_address(checked.decided_by or '')}"

    def _caller_of_tools(self) -> Asking:
        """Who asks for a tool, with every text of the call by who brought it; made for the first call."""
        if self._asking is None:
            self._asking = Asking(
                user=self._caller.user,
                session=self._caller.session,
                roles=self._caller.roles,
                scopes=self._caller.scopes,
                on_behalf_of=(),
                requester=f"gateway:{self._caller.key.name}",
                release=self._arm.release or None,
                documents=self._documents,
            )
            for piece, sent in self._sent:
                if piece.slot.text != WITHHELD:
                    self._asking.seen.note(piece.origin, sent)
        return self._asking

    def _hash(self, tool: str, arguments: Mapping[str, Any]) -> str:
        people = self._caller_of_tools().people
        return arguments_hash(product=self._arm.product, tool=tool, arguments=arguments, on_behalf_of=people)

    def _note(self, kind: str, what: dict[str, Any]) -> None:
        if self.guards_output and what.get("tool", "") not in ("", *self._arm.policy.tools):
            # A name that the model made up is a text that no guard has seen; the record holds it.
            what = {**what, "tool": "", "reason": "the contract names no such tool"}
        listed = self.notes.setdefault(kind, [])
        if what not in listed:
            listed.append(what)


def _not_known(budget: str) -> str:
    return f"what is left of {budget} is not known, since the ledger did not answer"


def _document(piece: Piece) -> Document:
    return Document(text=piece.slot.text, source=piece.source, owner=piece.owner)


def _denied(proposal: Proposal, rule: str, reason: str) -> dict[str, Any]:
    return {
        "tool": proposal.name[:200],
        "id": proposal.id,
        "ruling": "deny",
        "rule": rule,
        "reason": reason,
    }
