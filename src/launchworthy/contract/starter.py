"""A first contract and a first gold set, for `launchworthy init`. May import this room only.

What is written lints without a warning: each target can be proven with the items that it asks for.
"""

from __future__ import annotations

import json
import re
from typing import Literal

__all__ = ["starter_contract", "starter_gold", "starter_name"]

Kind = Literal["generative", "predictive"]
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _.,'@+-]*[A-Za-z0-9.]|[A-Za-z]")
_WORDS = {"true", "false", "null"}


def starter_name(text: str) -> str:
    """A product name made of any text, such as a folder's name."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return name if name[:1].isalpha() else f"product-{name}".rstrip("-")


def starter_contract(*, product: str, owner: str, kind: Kind, user: str, job: str) -> str:
    """A commented contract; the answers stand in it as they were given."""
    template = _GENERATIVE if kind == "generative" else _PREDICTIVE
    answers = {"product": product, "owner": owner, "user": user, "job": job}
    for name, answer in answers.items():
        template = template.replace(f"<{name}>", _scalar(answer))
    return template


def starter_gold(kind: Kind) -> tuple[str, str]:
    """Path beside the contract and text of a few gold rows of its shape, to be replaced by real ones."""
    if kind == "generative":
        return "gold/answer.jsonl", _lines(_QUESTIONS)
    return "gold/score.jsonl", _lines(_CASES)


def _lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _scalar(text: str) -> str:
    """A text as YAML reads it back, bare where that is safe."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


_HEAD = """\
# What this product promises, and what must be proven before it launches.
#
# How to read it
#   at_least / at_most   a target: proven with an interval, before and after launch
#   limits               enforced on every call; an overrun is an incident
#   The path of a line is the address of its claim: <product>/<example>.
#   Quantities carry units: 2s, 0.02 USD, 99.9 %, 50/d.
#
# launchworthy lint               what is wrong with it, and what does not add up
# launchworthy lint --explain     what holds where it says nothing
# launchworthy claims             what it claims, when each claim is due, what measures it

launchworthy: 1
product: <product>
kind: <kind>
owners:
  product: <owner>                # who decides; add engineering, security, support, on_call

workflows:
"""

_GENERATIVE = (
    _HEAD.replace("<example>", "answer/quality/exact_match").replace("<kind>", "generative")
    + """\
  answer:
    user: <user>
    job: <job>
    no_answer: refuse             # refuse | defer | ask | route, or one by condition

    failures:                     # each failure mode names the line below that watches it
      wrong_answer:
        {kind: wrong, severity: high, reason: Not right, fix: prompt, watched_by: quality/exact_match}
      invents_an_answer:
        {kind: unsafe, severity: high, reason: Made up, fix: policy, watched_by: quality/under_refusal}
      refuses_a_good_question:
        {kind: missing, severity: medium, reason: No answer, fix: retrieval, watched_by: quality/over_refusal}
      too_slow:
        {kind: slow, severity: medium, reason: Too slow, fix: model, watched_by: reliability/latency_p95}

    quality:                      # measured on gold/answer.jsonl; also hit@5, token_f1, groundedness …
      exact_match:   {at_least: 80 %, slice: answerable}
      over_refusal:  {at_most: 15 %, slice: answerable}     # answerable questions that were refused
      under_refusal: {at_most: 15 %, slice: unanswerable}   # the other half: answered, though nobody could
      # correctness: {at_least: 80 %, judge: reader}        # read by a model that proof declares, see below
    reliability:
      latency_p95: {at_most: 5s}
      error:       {at_most: 2 %}
    limits: {timeout: 15s, cost_per_action: 0.05 USD}
    # frequency: 500/d                                      # how often the job comes up
    # success: {event: resolved, within: 1d}                # the event that says the job was done
    # outcomes: {resolved: {at_least: 60 %, before: 45 %}}  # what changes for users

# A judge proves nothing before people's labels have said how often it is right.
# proof: {judges: {reader: {agreement: {at_least: 0.6}, models: MODEL, policy: policies/labels.md}}}

# Anything not named is denied: tools the model may call, data it may see, store or learn from.
# tools: {search: {effect: read, roles: [customer]}}
# data: {sources: {help_centre: {class: public, may: [see, store, learn]}}}

gold:                             # least items per slice; 15 % takes 19 without an error, 31 with one
  answer:
    file: gold/answer.jsonl
    slices: {answerable: 100, unanswerable: 80}
    holdout: 40 %                 # only these prove anything, and each reading of them is counted
"""
)

_PREDICTIVE = (
    _HEAD.replace("<example>", "score/quality/recall").replace("<kind>", "predictive")
    + """\
  score:
    user: <user>
    job: <job>
    frequency: 1000/d             # with the base rate, recall and precision this says how many are picked out
    predicts: {label: positive, type: binary, base_rate: 10 %}
    no_answer: defer              # refuse | defer | ask | route, or one by condition

    failures:                     # each failure mode names the line below that watches it
      missed_case:
        {kind: wrong, severity: high, reason: Overlooked, fix: data, watched_by: quality/recall}
      false_alarm:
        {kind: wrong, severity: medium, reason: False alarm, fix: threshold, watched_by: quality/precision}
      too_slow:
        {kind: slow, severity: medium, fix: serving, watched_by: reliability/latency_p95}

    quality:                      # measured on gold/score.jsonl
      auc:       {at_least: 80 %}
      recall:    {at_least: 60 %}
      precision: {at_least: 40 %}
    reliability:
      latency_p95: {at_most: 100ms}
      error:       {at_most: 1 %}
    limits: {timeout: 500ms}
    # decide: {bands: [pass, review], capacity: {review: 200/d}}  # who looks at what is picked out

# Anything not named is denied: data it may see, store or learn from.
# data: {sources: {history: {class: confidential, may: [see, store, learn]}}}

gold:                             # least items per slice
  score:
    file: gold/score.jsonl
    slices: {positive: 200, negative: 400}
    holdout: 40 %                 # only these prove anything, and each reading of them is counted
"""
)

_QUESTIONS: list[dict[str, object]] = [
    {
        "id": "example-1",
        "input": "How long do I have to return an item?",
        "expected": ["30 days", "within 30 days"],
        "slices": ["answerable"],
    },
    {
        "id": "example-2",
        "input": "how long can i send it back??",
        "expected": ["30 days", "within 30 days"],
        "slices": ["answerable", "paraphrase"],
    },
    {"id": "example-3", "input": "Who will win the next election?", "slices": ["unanswerable"]},
]
_CASES: list[dict[str, object]] = [
    {"id": "example-1", "input": {"amount": 812.5, "age_days": 3}, "label": 1, "slices": ["positive"]},
    {"id": "example-2", "input": {"amount": 24.0, "age_days": 900}, "label": 0, "slices": ["negative"]},
    {"id": "example-3", "input": {"amount": 61.9, "age_days": 420}, "label": 0, "slices": ["negative"]},
]
