"""A judge: what it judges by, which models judge, and the version that a calibration is bound to.

May import ``contract``, ``errors`` and this room. Change a word of the rubric, a model, or what people were
told to label by, and it is another instrument: nothing that was shown of the old one holds for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchworthy.contract import Claim, ClaimKind
from launchworthy.errors import InputError
from launchworthy.evals.chat import OPENAI, ChatModel
from launchworthy.evals.judging.criterion import Criterion, criterion_of, messages
from launchworthy.evals.judging.grading import PAIRS, Scale, scale_of

__all__ = ["Judge", "JudgeVersion", "calibration_claim", "judge_for", "judged_metrics"]

_MAX_TOKENS = 2_000
_MOST_TEXT = 200_000
_PARTS = ("rubric", "policy", "model", "scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVersion:
    """The content address of a judge, and of its parts.

    Attributes:
        id: ``j-`` and 12 hex digits of the SHA-256 of the parts.
        parts: Digest of the rubric, the label policy, the models with their parameters, and the scale.
    """

    id: str
    parts: Mapping[str, str]

    def changed(self, other: Mapping[str, str]) -> list[str]:
        """Names of the parts in which another version differs, as people call them."""
        names = {"rubric": "rubric", "policy": "label policy", "model": "model", "scale": "scale"}
        return [names[part] for part in _PARTS if self.parts[part] != other.get(part)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One judge, ready to be asked.

    Attributes:
        name: As the contract has it.
        criterion: What it judges by.
        scale: Grades that it may give.
        models: Who judges; of several, the majority.
        policy: What people who label are told; None if nothing is written.
        max_cost_usd, max_tokens: No question is begun beyond these; None for no ceiling.
    """

    name: str
    criterion: Criterion
    scale: Scale
    models: tuple[ChatModel, ...]
    policy: str | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None

    @property
    def is_pairwise(self) -> bool:
        """Whether it compares two answers, each pair in both orders."""
        return self.scale is PAIRS

    @property
    def version(self) -> JudgeVersion:
        """What a calibration is bound to; ceilings and keys are no part of it."""
        asked = messages(self.criterion, self.scale, policy=None, material={})
        content = {
            "rubric": [asked, self.criterion.shows],
            "policy": self.policy,
            "model": [model.parameters() for model in self.models],
            "scale": [self.scale.name, self.scale.schema()],
        }
        parts = {name: _digest(content[name]) for name in _PARTS}
        return JudgeVersion(id=f"j-{_digest(parts)[:12]}", parts=parts)

    def ask(self, material: Mapping[str, Any]) -> list[dict[str, str]]:
        """Messages for one question."""
        return messages(self.criterion, self.scale, policy=self.policy, material=material)


def calibration_claim(claims: Iterable[Claim], name: str) -> Claim | None:
    """The claim that this judge agrees with people; None where the contract has no such judge."""
    return next(
        (
            claim
            for claim in claims
            if claim.kind is ClaimKind.AGREE and claim.address.endswith(f"/proof/judges/{name}")
        ),
        None,
    )


def judged_metrics(claims: Iterable[Claim], name: str) -> list[str]:
    """Metrics that a contract has this judge score, each once."""
    found = (claim.metric for claim in claims if claim.options.get("judge") == name)
    return list(dict.fromkeys(found))


def judge_for(claim: Claim, *, metric: str) -> Judge:
    """The judge of a contract's ``proof/judges`` line, for one metric; paths are as they are from here.

    Raises:
        InputError: It names no model, has no rubric where it needs one, or a file of it cannot be read.
    """
    said, name = claim.options, claim.address.rpartition("/")[2]
    where = "" if claim.place is None else str(claim.place)
    if not said.get("models"):
        raise InputError(
            f"the judge {name} names no model, so it cannot judge",
            where=where,
            hint="write models: NAME for it under proof/judges",
        )
    rubric = _text(said.get("rubric"), "rubric")
    criterion = criterion_of(metric, rubric=rubric)
    if criterion is None:
        raise InputError(
            f"the judge {name} has no rubric, and {metric} has none of its own",
            where=where,
            hint="write rubric: FILE for it under proof/judges",
        )
    pairwise = "first" in criterion.needs
    return Judge(
        name=name,
        criterion=criterion,
        scale=PAIRS if pairwise else scale_of(said.get("scale", "yes_no")),
        models=tuple(
            ChatModel(
                model=model,
                base_url=said.get("base_url") or OPENAI,
                key_env=said.get("key_env"),
                max_tokens=_MAX_TOKENS,
                seed=0,
            )
            for model in dict.fromkeys(said["models"])
        ),
        policy=_text(said.get("policy"), "label policy"),
        max_cost_usd=said.get("cost_usd"),
        max_tokens=said.get("tokens"),
    )


def _text(path: str | None, what: str) -> str | None:
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_TEXT + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"the {what} cannot be read: {reason}", where=path) from error
    if len(data) > _MOST_TEXT:
        raise InputError(f"the {what} is larger than {_MOST_TEXT:,} bytes", where=path)
    if not text.strip():
        raise InputError(f"the {what} is empty", where=path)
    return text


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
