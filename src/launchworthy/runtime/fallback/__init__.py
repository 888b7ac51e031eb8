"""What answers when the model does not: retries, other models, and ways that need none.

May import what ``runtime`` may.
"""

from launchworthy.runtime.fallback.asked import Asked, Failure, Restart
from launchworthy.runtime.fallback.asking import Asking
from launchworthy.runtime.fallback.cache import AnswerCache, CachedAnswer, MemoryAnswerCache, answer_key
from launchworthy.runtime.fallback.extractive import Extract, best_sentences, listed_results
from launchworthy.runtime.fallback.paying import Hold, Purse, TooDear
from launchworthy.runtime.fallback.plan import Fallback, Way, plan_of
from launchworthy.runtime.fallback.reply import NoReply, Reply, ToolCall, reply_of

__all__ = [
    "AnswerCache",
    "Asked",
    "Asking",
    "CachedAnswer",
    "Extract",
    "Failure",
    "Fallback",
    "Hold",
    "MemoryAnswerCache",
    "NoReply",
    "Purse",
    "Reply",
    "Restart",
    "TooDear",
    "ToolCall",
    "Way",
    "answer_key",
    "best_sentences",
    "listed_results",
    "plan_of",
    "reply_of",
]
