"""Attribute names in one table: OpenTelemetry's GenAI conventions where one exists, ``launchworthy.*`` else.

Stands on the ground: standard library only. The packaged constants of the conventions are deprecated and
lag behind, so the names stand here. Older spellings that receivers must still read are in the receiver.
Source: open-telemetry/semantic-conventions-genai, development state of November 2026.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "DECISION_EVENT",
    "EVALUATION_EVENT",
    "EXPOSURE_EVENT",
    "FEEDBACK_EVENT",
    "KINDS",
    "OPERATION_KINDS",
    "OUTCOME_EVENT",
    "GenAI",
    "Own",
]


class GenAI:
    """Names of the GenAI conventions, and the two general ones for who is served."""

    OPERATION: Final = "gen_ai.operation.name"
    PROVIDER: Final = "gen_ai.provider.name"
    REQUEST_MODEL: Final = "gen_ai.request.model"
    RESPONSE_MODEL: Final = "gen_ai.response.model"
    RESPONSE_ID: Final = "gen_ai.response.id"
    FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
    FIRST_CHUNK_S: Final = "gen_ai.response.time_to_first_chunk"  # seconds
    SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
    INPUT_MESSAGES: Final = "gen_ai.input.messages"
    OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
    INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # cached ones included
    OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"  # reasoning included
    CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
    CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
    REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
    PROMPT_NAME: Final = "gen_ai.prompt.name"
    PROMPT_VERSION: Final = "gen_ai.prompt.version"
    CONVERSATION_ID: Final = "gen_ai.conversation.id"
    RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
    RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"  # list of {id, score, content, source}
    DATA_SOURCE: Final = "gen_ai.data_source.id"
    TOOL_NAME: Final = "gen_ai.tool.name"
    TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
    TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
    TOOL_RESULT: Final = "gen_ai.tool.call.result"
    AGENT_NAME: Final = "gen_ai.agent.name"
    WORKFLOW_NAME: Final = "gen_ai.workflow.name"
    EVALUATION_NAME: Final = "gen_ai.evaluation.name"
    EVALUATION_VALUE: Final = "gen_ai.evaluation.score.value"
    EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
    EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
    USER_ID: Final = "user.id"
    SESSION_ID: Final = "session.id"
    ERROR_TYPE: Final = "error.type"


class Own:
    """What the conventions lack."""

    PRODUCT: Final = "launchworthy.product"
    WORKFLOW: Final = "launchworthy.workflow"
    RELEASE: Final = "launchworthy.release"
    COHORT: Final = "launchworthy.cohort"
    SHADOW_OF: Final = "launchworthy.shadow_of"  # trace of the live call that a shadow ran beside
    SHADOW_AGREES: Final = "launchworthy.shadow_agrees"  # whether it decided as the live release did
    KIND: Final = "launchworthy.kind"  # one of KINDS
    INPUT: Final = "launchworthy.input"  # JSON text, where the input is not a list of messages
    OUTPUT: Final = "launchworthy.output"  # JSON text
    FIRST_TOKEN_MS: Final = "launchworthy.first_token_ms"  # noqa: S105 (a duration)
    COST_USD: Final = "launchworthy.cost_usd"
    SAFETY_FLAGS: Final = "launchworthy.safety_flags"  # list of text
    NO_ANSWER: Final = "launchworthy.no_answer"  # refuse, defer, ask or route
    CLOSED_EARLY: Final = (
        "launchworthy.closed_early"  # the reader of a streamed answer stopped before its end
    )
    SIMULATED: Final = "launchworthy.simulated"  # a simulated user made the call
    FALLBACK: Final = "launchworthy.fallback"  # name of the fallback that answered, or false
    REGION: Final = "launchworthy.region"  # where a model call went, such as eu-central-1
    TEXTS_LEFT_OUT: Final = "launchworthy.texts_left_out"  # could not be looked through for personal data
    FEATURE_AGE_MS: Final = "launchworthy.feature_age_ms"  # of the oldest feature, when the call read it
    INDEX_AGE_MS: Final = "launchworthy.index_age_ms"  # of what a retrieval searched, when it did
    SLICE: Final = "launchworthy.slice"  # slice, or list of slices, that the call belongs to
    OUTCOME: Final = "launchworthy.outcome.event"
    OUTCOME_VALUE: Final = "launchworthy.outcome.value"
    RATING: Final = "launchworthy.feedback.rating"  # -1 to 1
    REASON: Final = "launchworthy.feedback.reason"  # a failure mode of the contract
    COMMENT: Final = "launchworthy.feedback.comment"
    CORRECTION: Final = "launchworthy.feedback.correction"
    CONFIDENCE: Final = "launchworthy.feedback.confidence"
    EXPOSURE: Final = "launchworthy.exposure.flag"  # key of the flag or experiment
    EXPOSURE_VARIANT: Final = "launchworthy.exposure.variant"
    EXPOSURE_UNIT: Final = "launchworthy.exposure.unit"  # who was assigned; a pseudonym
    EXPOSURE_UNIT_KIND: Final = "launchworthy.exposure.unit_kind"  # user, session, account …
    EXPOSURE_ALGORITHM: Final = "launchworthy.exposure.algorithm"
    EXPOSURE_VERSION: Final = "launchworthy.exposure.version"  # of the flag, as decided
    EXPOSURE_RULE: Final = "launchworthy.exposure.rule"
    EXPOSURE_REASON: Final = "launchworthy.exposure.reason"
    EXPOSURE_SOURCE: Final = "launchworthy.exposure.source"  # whose flag it is: launchworthy, unleash …
    DECISION_ID: Final = "launchworthy.decision.id"  # the same where an event is sent again
    DECISION_KIND: Final = "launchworthy.decision.kind"  # one of DECISION_KINDS
    DECISION_SUBJECT: Final = "launchworthy.decision.subject"  # what was decided on: a tool, a guard, a case
    DECISION_OUTCOME: Final = "launchworthy.decision.outcome"
    DECISION_RULE: Final = "launchworthy.decision.rule"  # address in the contract
    DECISION_REASON: Final = "launchworthy.decision.reason"
    DECISION_BY: Final = "launchworthy.decision.by"  # who decided, where a person did
    DECISION_FACTS: Final = "launchworthy.decision.facts"  # JSON object of hashes, ids and numbers


# Names of log events.
EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
OUTCOME_EVENT: Final = "launchworthy.outcome"
EXPOSURE_EVENT: Final = "launchworthy.exposure"
FEEDBACK_EVENT: Final = "launchworthy.feedback"
DECISION_EVENT: Final = "launchworthy.decision"

KINDS: Final = (
    "workflow",
    "step",
    "agent",
    "model",
    "embedding",
    "retrieval",
    "tool",
    "guard",
    "evaluation",
    "other",
)

# gen_ai.operation.name → kind of span; what is not listed is ``other``.
OPERATION_KINDS: Final = {
    "chat": "model",
    "generate_content": "model",
    "text_completion": "model",
    "embeddings": "embedding",
    "retrieval": "retrieval",
    "search_memory": "retrieval",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "plan": "agent",
    "invoke_workflow": "workflow",
}
