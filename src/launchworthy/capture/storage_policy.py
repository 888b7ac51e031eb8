"""What of a record may rest in the store, and the pseudonyms of people and sessions.

May import ``records`` and this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from launchworthy.capture.redaction import Redact, Redaction
from launchworthy.records.attributes import GenAI, Own
from launchworthy.records.pseudonym import pseudonym

__all__ = ["IDENTITY", "PERSONAL", "Guard", "StoragePolicy", "is_content", "redact_attributes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePolicy:
    """What a contract lets the store keep of a product's records.

    Attributes:
        user_ids: Users and sessions as a keyed hash, not at all, or as sent.
        store_content: Prompts, contexts, answers and texts like them; without, only the figures are kept.
        unstorable_sources: Of documents that come from these, only id, score and source are kept.
        redact: Takes personal data out of each text; None keeps texts as they are.
    """

    user_ids: Literal["pseudonymise", "drop", "keep"] = "pseudonymise"
    store_content: bool = True
    unstorable_sources: frozenset[str] = field(default_factory=frozenset)
    redact: Redact | None = None


# Attributes that are objects of the application's own making.
ASSOCIATION: Final = "traceloop.association.properties"
FREE_FORM: Final = frozenset({"metadata", "llm.invocation_parameters", ASSOCIATION})

# Other names of a user or session, which become ``user.id`` and ``session.id``.
IDENTITY: Final = {
    "enduser.id": GenAI.USER_ID,
    "gen_ai.user": GenAI.USER_ID,
    "llm.user": GenAI.USER_ID,
    "langfuse.user.id": GenAI.USER_ID,
    "langfuse.session.id": GenAI.SESSION_ID,
    f"{ASSOCIATION}.user_id": GenAI.USER_ID,
    f"{ASSOCIATION}.session_id": GenAI.SESSION_ID,
}
# Attributes that name a person: kept only where users are kept as sent.
PERSONAL: Final = frozenset(
    {
        "user.name",
        "user.full_name",
        "user.email",
        "user.hash",
        "enduser.pseudo.id",
        "enduser.role",
        "enduser.scope",
        *IDENTITY,
    }
)
# Keys of such objects that name a user or session, and the form of the pseudonym.
_NAMING: Final = {
    "user_id": "u",
    "userId": "u",
    "user": "u",
    "safety_identifier": "u",
    "username": "u",
    "email": "u",
    "session_id": "s",
    "sessionId": "s",
    "conversation_id": "s",
    "thread_id": "s",
}

_IDENTIFIERS: Final = ((GenAI.CONVERSATION_ID, "s"), (GenAI.SESSION_ID, "s"), (GenAI.USER_ID, "u"))
_TELLING: Final = PERSONAL | FREE_FORM | {name for name, _ in _IDENTIFIERS}
_MEMORABLE_CHARS = 200
_REMEMBERED = 20_000  # pseudonyms of the latest people and sessions

_CONTENT = frozenset(
    {
        GenAI.INPUT_MESSAGES,
        GenAI.OUTPUT_MESSAGES,
        GenAI.SYSTEM_INSTRUCTIONS,
        GenAI.RETRIEVAL_QUERY,
        GenAI.RETRIEVAL_DOCUMENTS,
        GenAI.TOOL_ARGUMENTS,
        GenAI.TOOL_RESULT,
        "gen_ai.tool.definitions",
        Own.INPUT,
        Own.OUTPUT,
        Own.COMMENT,
        Own.CORRECTION,
        GenAI.EVALUATION_EXPLANATION,
        "exception.message",
        "exception.stacktrace",
        "gen_ai.prompt",
        "gen_ai.completion",
        *FREE_FORM,
    }
)
_CONTENT_PREFIXES = (
    "input.",
    "output.",
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompt",
    "llm.choices",
    "llm.function_call",
    "llm.tools",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "traceloop.prompt.template",
    "retrieval.documents",
    "reranker.",
    "embedding.",
    "tool.parameters",
)
_NOT_CONTENT = frozenset({GenAI.PROMPT_NAME, GenAI.PROMPT_VERSION, "embedding.model_name"})
_LONGEST_CHARS = 256  # a longer text of an unknown name may be a prompt under another name


def is_content(name: str, value: Any) -> bool:
    """Whether an attribute may carry what was asked, read or answered."""
    if name in _NOT_CONTENT:
        return False
    if name in _CONTENT or name.startswith(_CONTENT_PREFIXES):
        return True
    return (isinstance(value, str) and len(value) > _LONGEST_CHARS) or isinstance(value, (dict, list))


# Attributes of these that are no content say how a call was made, and name nobody.
_TECHNICAL = (
    "gen_ai.", "launchworthy.", "llm.", "openinference.", "traceloop.", "openai.", "otel.", "telemetry.",
    "service.", "server.", "thread.", "error.type", "exception.type",
)  # fmt: skip
_TOLD = frozenset({Own.DECISION_REASON})  # no content, and yet in somebody's words where a person decided
_DECIDED: Final[Mapping[str, Callable[[Redaction, str], str | None]]] = {
    Own.DECISION_REASON: Redaction.sentence,
    Own.DECISION_FACTS: Redaction.facts,
}
# Who was served becomes a pseudonym, who decided stands for the decision, and the product chooses the policy.
_WHO: Final = PERSONAL | {name for name, _ in _IDENTIFIERS}
_KEPT: Final = _WHO | {Own.EXPOSURE_UNIT, Own.DECISION_BY, Own.PRODUCT}


def redact_attributes(attributes: dict[str, Any], redaction: Redaction, *, content: bool = True) -> None:
    """Take personal data out of all that may hold what somebody wrote; who was served is told apart.

    Args:
        attributes: Of a span, event, link or fact.
        redaction: Takes it out.
        content: False passes over what will not be stored at all.
    """
    by_person = attributes.get(Own.DECISION_BY) is not None
    for name, value in list(attributes.items()):
        said = is_content(name, value)
        if name in _KEPT or (said and not content and name != Own.SAFETY_FLAGS):
            continue
        if (key := redaction.key(name)) != name:
            del attributes[name]
            attributes[name := key] = value
        if name in _DECIDED and isinstance(value, str) and (name == Own.DECISION_FACTS or not by_person):
            attributes[name] = _DECIDED[name](redaction, value)
            continue
        if name.startswith(_TECHNICAL) and not said and name not in _TOLD:
            if isinstance(value, str):
                attributes[name] = redaction.named(value)
            continue
        if name in FREE_FORM and isinstance(value, dict):
            attributes[name] = {
                key: entry if key in _NAMING else redaction.value(entry, name=str(key))
                for key, entry in value.items()
            }
        else:
            attributes[name] = redaction.value(value, name="" if is_content(name, "") else _last(name))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


class Guard:
    """Applies the policies while one request is decoded.

    Args:
        key: Of the pseudonyms.
        policy: The policy of a product, by its name.
        known: Pseudonyms made before, shared by all requests.
    """

    def __init__(
        self, *, key: bytes, policy: Callable[[str], StoragePolicy], known: dict[tuple[str, str], str]
    ) -> None:
        self._key = key
        self._policy = policy
        self._policies: dict[str, StoragePolicy] = {}
        self._known = known

    def policy(self, product: str) -> StoragePolicy:
        """The policy of a product; asked for once."""
        known = self._policies.get(product)
        if known is None:
            known = self._policies[product] = self._policy(product)
        return known

    def person(self, value: str, policy: StoragePolicy) -> str | None:
        """A user as it may be stored."""
        return self._identity(value, policy, "u")

    def session(self, value: str, policy: StoragePolicy) -> str | None:
        """A session as it may be stored."""
        return self._identity(value, policy, "s")

    def strip(self, attributes: dict[str, Any], policy: StoragePolicy) -> None:
        """Take out of the remaining attributes what may not be stored."""
        if policy.user_ids != "keep" and not _TELLING.isdisjoint(attributes):
            for name in PERSONAL & attributes.keys():
                del attributes[name]
            for name, prefix in _IDENTIFIERS:
                if name in attributes:
                    known = self._identity(str(attributes.pop(name)), policy, prefix)
                    if known is not None:
                        attributes[name] = known
            for name in FREE_FORM & attributes.keys():
                held = attributes[name]
                if isinstance(held, dict):
                    attributes[name] = {
                        key: self._identity(str(value), policy, _NAMING[key]) if key in _NAMING else value
                        for key, value in held.items()
                    }
        if not policy.store_content:
            for name in [name for name, value in attributes.items() if is_content(name, value)]:
                del attributes[name]

    def _identity(self, value: str, policy: StoragePolicy, prefix: str) -> str | None:
        if policy.user_ids == "keep":
            return value
        if policy.user_ids == "drop":
            return None
        known = self._known.get((prefix, value))
        if known is None:
            known = pseudonym(value, key=self._key, prefix=prefix)
            if len(value) <= _MEMORABLE_CHARS:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[prefix, value] = known
        return known
