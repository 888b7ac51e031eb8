"""What the contract lets leave this process: applied to each record before it is written down or sent.

May import ``records``, orjson and this room. Runs on the exporter's thread, so that no call waits for it. The
server does the same again, for senders that know no contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from launchworthy.capture.documents import storable
from launchworthy.capture.redaction import Redaction
from launchworthy.capture.storage_policy import PERSONAL, StoragePolicy, is_content, redact_attributes
from launchworthy.records.attributes import GenAI, Own

__all__ = ["Protection"]

_USERS: Final = frozenset(
    {GenAI.USER_ID, GenAI.SESSION_ID, GenAI.CONVERSATION_ID, Own.EXPOSURE_UNIT, *PERSONAL}
)


class Protection:
    """The policies of the products that this process serves; of others everything leaves as it is."""

    def __init__(self) -> None:
        self._policies: dict[str, StoragePolicy] = {}

    def add(self, product: str, policy: StoragePolicy) -> None:
        """From now on the records of a product leave by this policy."""
        self._policies[product] = policy

    def of(self, attributes: Mapping[str, Any]) -> StoragePolicy | None:
        """The policy of the product that a record belongs to."""
        return self._policies.get(str(attributes.get(Own.PRODUCT))) if self._policies else None

    def applied(self, attributes: Mapping[str, Any], policy: StoragePolicy) -> dict[str, Any]:
        """Attributes of a span, event or link as they may leave."""
        kept = dict(attributes)
        if policy.user_ids == "drop":
            for name in _USERS & kept.keys():
                del kept[name]
        if not policy.store_content:
            kept = {name: value for name, value in kept.items() if not is_content(name, value)}
        documents = kept.get(GenAI.RETRIEVAL_DOCUMENTS)
        if documents is not None:
            kept[GenAI.RETRIEVAL_DOCUMENTS], reduced = storable(
                documents, source=kept.get(GenAI.DATA_SOURCE), unstorable=policy.unstorable_sources
            )
            if reduced:  # a retriever answers with the documents themselves
                kept.pop(Own.OUTPUT, None)
        if policy.redact is not None:
            redaction = Redaction(policy.redact)
            redact_attributes(kept, redaction)
            if redaction.left_out:
                kept[Own.TEXTS_LEFT_OUT] = redaction.left_out
        return kept

    def name(self, text: str, policy: StoragePolicy) -> str:
        """The name of a span or event as it may leave."""
        return text if policy.redact is None else Redaction(policy.redact).named(text)

    def message(self, text: str, policy: StoragePolicy) -> str:
        """The message of an error as it may leave."""
        if not policy.store_content:
            return ""
        if policy.redact is None or not text:
            return text
        return Redaction(policy.redact).text(text) or ""
