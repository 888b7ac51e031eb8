"""Simulated users of the assistant: ``python -m launchworthy.demo.users --questions 300 --seed 2026``.

May import ``errors``, ``gold``, ``jsonl``, ``rollout.flags``, ``runtime.faults`` and this room. Everything
that they do is recorded as simulated. They ask from the dev split only, so that the questions which prove a
release are not the ones that it serves. How many documents each is named as the nearest, a flag decides. Some
also ask for a ticket about the documentation, which waits for a maintainer. For a moment the model is made to
fail, and what the contract declares for that answers.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import launchworthy as lw
from launchworthy.demo.assistant import FLAG, NEAREST, PRODUCT, WORKFLOW, Answer, assistant, product_folder
from launchworthy.demo.endpoint import adopt_model
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.gold import GoldItem, load_gold
from launchworthy.jsonl import read_jsonl
from launchworthy.runtime.faults import Faults, injected

if TYPE_CHECKING:
    from launchworthy.rollout.flags import Flags

__all__ = [
    "Reaction",
    "Request",
    "SimulatedQuestion",
    "ask_all",
    "ask_for_tickets",
    "gold_items",
    "question_stream",
    "reaction",
    "read_requests",
]

_CANDIDATE_SHARE = 2 / 3  # of users; the others still have the baseline
_GREETINGS = ("hi, ", "hey, ", "quick question: ", "sorry, ")
_ENDINGS = (" thanks", " please", " in python", " python 3")
_QUESTIONS_A_USER = 1.5
_MOST_IN_SESSION = 3
_AWAY_FROM, _AWAY_FOR = 20, 3  # from this question on, so many requests to the model fail


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedQuestion:
    """One question of one simulated user; ``item`` is the gold item that it was made from."""

    text: str
    item: GoldItem
    user: str
    session: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What the user does after the answer.

    Attributes:
        event: Outcome: ``found_it`` or ``asked_elsewhere``; None where they just leave.
        follows_up: Whether they ask once more before that.
        rating: From -1 to 1; None where they rate nothing.
        reason: Failure mode of the contract; None where nothing is said.
    """

    event: str | None
    follows_up: bool = False
    rating: float | None = None
    reason: str | None = None

    @property
    def events(self) -> tuple[str, ...]:
        """Outcome events, in their order."""
        return (
            *(("followed_up",) if self.follows_up else ()),
            *(() if self.event is None else (self.event,)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A ticket that a user asks for; ``is_useful`` is what a person who reads it finds."""

    document: str
    problem: str
    is_useful: bool


def read_requests(folder: Path) -> tuple[Request, ...]:
    """Those of the product's ``requests.jsonl``."""
    return tuple(
        Request(document=str(row["document"]), problem=str(row["problem"]), is_useful=row["useful"] is True)
        for _, row in read_jsonl(folder / "requests.jsonl")
    )


def question_stream(items: Iterable[GoldItem], *, questions: int, seed: int) -> Iterator[SimulatedQuestion]:
    """The same questions for the same seed: few users ask much, most ask little.

    Raises:
        InputError: There is no dev item to ask about.
    """
    known = [item for item in items if item.split == "dev" and isinstance(item.input, str)]
    if not known:
        raise InputError("the gold set has no dev items, so there is nothing to ask")
    chance = random.Random(seed)  # noqa: S311 (reproducible on purpose)
    users = max(1, round(questions / _QUESTIONS_A_USER))
    often = [1.0 / (rank + 1) ** 0.5 for rank in range(users)]
    release_of = {
        user: "candidate" if chance.random() < _CANDIDATE_SHARE else "baseline" for user in range(users)
    }
    left = questions
    session = 0
    while left > 0:
        [user] = chance.choices(range(users), weights=often)
        session += 1
        for _ in range(min(left, chance.randint(1, _MOST_IN_SESSION))):
            item = chance.choice(known)
            yield SimulatedQuestion(
                text=_varied(item.input, chance),
                item=item,
                user=f"simulated-user-{seed}-{user}",
                session=f"simulated-session-{seed}-{session}",
                release=release_of[user],
            )
            left -= 1


def _varied(text: str, chance: random.Random) -> str:
    """The question as another hand would type it; meaning and answer stay."""
    kind = chance.random()
    if kind < 0.4:
        return text
    if kind < 0.6:
        return text.lower().rstrip("?. ")
    if kind < 0.75:
        return chance.choice(_GREETINGS) + text[:1].lower() + text[1:]
    if kind < 0.9:
        return text.rstrip("?. ") + chance.choice(_ENDINGS)
    return _with_slip(text, chance)


def _with_slip(text: str, chance: random.Random) -> str:
    """Two neighbouring letters of one longer word swapped."""
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not long:
        return text
    number = chance.choice(long)
    word = words[number]
    at = chance.randrange(1, len(word) - 2)
    words[number] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def reaction(
    question: SimulatedQuestion, found: Answer, chance: random.Random, *, nearest: int = NEAREST
) -> Reaction:
    """What this user does, by whether the answer, or one of the nearest, is what answers the question."""
    relevant: Mapping[str, object] = question.item.expected or {}
    rated = chance.random()
    if question.item.answerable is False:
        if not found.answered:
            return Reaction(event="asked_elsewhere" if chance.random() < 0.5 else None)
        reason = "answers_undocumented" if rated < 0.3 else None
        return Reaction(event="asked_elsewhere", rating=-1.0 if reason else None, reason=reason)
    if found.answered and any(name in relevant for name in found.citations):
        happy = chance.random() < 0.9
        return Reaction(event="found_it" if happy else None, rating=1.0 if happy and rated < 0.1 else None)
    named = any(hit.id in relevant for hit in found.found[:nearest])
    if not found.answered:
        if named and chance.random() < 0.4:
            return Reaction(event="found_it")
        reason = "refuses_documented" if rated < 0.2 else None
        return Reaction(event="asked_elsewhere", rating=-1.0 if reason else None, reason=reason)
    follows_up = chance.random() < 0.4
    if follows_up and named and chance.random() < 0.9:  # the answer was not far off
        return Reaction(event="found_it", follows_up=True)
    reason = None if rated >= 0.3 else "wrong_object" if chance.random() < 0.7 else "wrong_citation"
    return Reaction(
        event="asked_elsewhere", follows_up=follows_up, rating=-1.0 if reason else None, reason=reason
    )


def ask_all(
    questions: Iterable[SimulatedQuestion],
    *,
    seed: int,
    server: str | None = None,
    flags: Flags | None = None,
) -> list[tuple[SimulatedQuestion, Answer]]:
    """Ask them one after the other, and report what the users did; all of it as simulated.

    ``flags`` decide how many documents each user is named as the nearest.
    """
    chance = random.Random(seed + 1)  # noqa: S311 (reproducible on purpose)
    away = Faults(models=True, first=_AWAY_FOR)
    told = []
    for place, question in enumerate(questions):
        with lw.identify(user=question.user, session=question.session, simulated=True):
            nearest = NEAREST if flags is None else flags.value(FLAG, NEAREST, question.user)
        with injected(away if place >= _AWAY_FROM else Faults()):
            found = assistant(question.release, server=server).answer(
                question.text,
                user=question.user,
                session=question.session,
                simulated=True,
                nearest=nearest,
            )
        then = reaction(question, found, chance, nearest=nearest)
        for event in then.events:
            lw.outcome(
                event,
                trace_id=found.trace_id,
                user=question.user,
                session=question.session,
                workflow=WORKFLOW,
                simulated=True,
            )
        if then.rating is not None:
            lw.feedback(
                rating=then.rating,
                reason=then.reason,
                trace_id=found.trace_id,
                user=question.user,
                session=question.session,
                workflow=WORKFLOW,
                simulated=True,
            )
        told.append((question, found))
    return told


def ask_for_tickets(requests: Iterable[Request], *, seed: int, server: str | None) -> list[Answer]:
    """Ask for tickets, each as a user of their own; what each was told."""
    asked = assistant("candidate", server=server)
    return [
        asked.answer(
            f"Please file a ticket about {each.document}: {each.problem}",
            user=f"simulated-reporter-{seed}-{number}",
            simulated=True,
        )
        for number, each in enumerate(requests)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stream against the server at ``LAUNCHWORTHY_ENDPOINT``; 1 if records could not be delivered."""
    parser = argparse.ArgumentParser(prog="python -m launchworthy.demo.users", description=main.__doc__)
    parser.add_argument("--questions", type=int, default=300, help="how many are asked (default 300)")
    parser.add_argument("--seed", type=int, default=2026, help="of users, questions and what they do")
    given = parser.parse_args(arguments)
    if given.questions < 1:
        parser.error("--questions is at least 1")
    folder = product_folder()
    try:
        changed = adopt_model(folder, os.environ)
        if changed:
            print(f"The release now answers by {changed}, as LAUNCHWORTHY_DEMO_MODEL says.")
        stream = question_stream(gold_items(folder), questions=given.questions, seed=given.seed)
        lw.init(product=PRODUCT)
        server = os.environ.get("LAUNCHWORTHY_ENDPOINT")
        flags = lw.flags() if server else None
        told = ask_all(stream, seed=given.seed, server=server, flags=flags)
        reported = ask_for_tickets(read_requests(folder), seed=given.seed, server=server)
    except LaunchworthyError as error:
        print(error, file=sys.stderr)
        return 1
    arrived = lw.flush(30.0)
    users = len({question.user for question, _ in told})
    answered = sum(found.answered for _, found in told)
    instead = sum(found.fallback is not None for _, found in told)
    waiting = sum(found.approval is not None for found in reported)
    print(
        f"{users:,} simulated users asked {len(told):,} questions: {answered:,} were answered, "
        f"{instead:,} of them by the nearest sentences while the model was made to fail; "
        f"{len(told) - answered:,} were refused.\n"
        f"{len(reported):,} more asked for a ticket: {waiting:,} wait for a maintainer."
    )
    if not arrived:
        print("The server did not take all records; they wait on disk and are sent later.", file=sys.stderr)
    return 0 if arrived else 1


def gold_items(folder: Path) -> tuple[GoldItem, ...]:
    """The gold set, divided as the contract says."""
    from launchworthy.contract import load_contract

    gold = load_contract(folder / "launchworthy.yaml").gold_of(WORKFLOW)
    path = folder / (gold.file or "gold/answer.jsonl")
    return load_gold(path, holdout=gold.holdout.value, sealed=gold.sealed.value)


if __name__ == "__main__":
    raise SystemExit(main())
