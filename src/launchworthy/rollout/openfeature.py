"""The provider for OpenFeature's Python SDK: flags decided in the process, exposures and events recorded.

``pip install 'launchworthy[openfeature]'``; then ``api.set_provider(LaunchworthyProvider())``. May import
``capture.sdk`` and ``rollout.flags``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from launchworthy.errors import MissingExtraError
from launchworthy.rollout.flags import Decision, Flags, Reason
from launchworthy.rollout.flags import flags as flags_of_server

try:
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.event import ProviderEventDetails
    from openfeature.exception import (
        ErrorCode,
        FlagNotFoundError,
        TargetingKeyMissingError,
        TypeMismatchError,
    )
    from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
    from openfeature.flag_evaluation import Reason as OpenReason
    from openfeature.provider import AbstractProvider, Metadata
    from openfeature.track import TrackingEventDetails
except ImportError as error:
    raise MissingExtraError("openfeature-sdk", extra="openfeature") from error

__all__ = ["LaunchworthyProvider"]

_T = TypeVar("_T")
_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]
_REASONS: Final = {
    Reason.STATIC: OpenReason.STATIC,
    Reason.DEFAULT: OpenReason.DEFAULT,
    Reason.TARGETING_MATCH: OpenReason.TARGETING_MATCH,
    Reason.SPLIT: OpenReason.SPLIT,
    Reason.STICKY: OpenReason.SPLIT,
    Reason.OVERRIDE: OpenReason.TARGETING_MATCH,
    Reason.HOLDOUT: OpenReason.SPLIT,
    Reason.DISABLED: OpenReason.DISABLED,
}


class LaunchworthyProvider(AbstractProvider):
    """Flags of this system under OpenFeature.

    Args:
        flags: Those of a file or server; of the SDK's server if not given.
    """

    def __init__(self, flags: Flags | None = None) -> None:
        super().__init__()
        self._flags = flags if flags is not None else flags_of_server()

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Tell the SDK from now on when flags change or cannot be refreshed."""
        self._flags.listen(self._heard)

    def shutdown(self) -> None:
        """Stop refreshing."""
        self._flags.close()

    def get_metadata(self) -> Metadata:
        """Names the provider."""
        return Metadata(name="Launchworthy")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A flag whose variants are true and false."""
        return self._resolved(flag_key, default_value, bool, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A flag whose variants are texts."""
        return self._resolved(flag_key, default_value, str, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A flag whose variants are whole numbers."""
        return self._resolved(flag_key, default_value, int, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A flag whose variants are numbers."""
        return self._resolved(flag_key, default_value, float, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """A flag whose variants are objects."""
        return self._resolved(flag_key, default_value, Mapping, evaluation_context)

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Record an outcome, durably and without waiting."""
        from launchworthy.capture.sdk.events import outcome

        unit, attributes = _asked(evaluation_context)
        session = attributes.get("session")
        outcome(
            tracking_event_name,
            value=None if tracking_event_details is None else tracking_event_details.value,
            user=unit or None,
            session=session if isinstance(session, str) else None,
            attributes=None if tracking_event_details is None else tracking_event_details.attributes,
        )

    def _resolved(
        self, key: str, default: _T, kind: type, context: EvaluationContext | None
    ) -> FlagResolutionDetails[_T]:
        unit, attributes = _asked(context)
        decision = self._flags.decide(key, unit, attributes, expose=False)
        if decision.reason is Reason.UNKNOWN_FLAG:
            raise FlagNotFoundError(f"there is no flag {key!r:.80}")
        if decision.reason is Reason.UNIT_MISSING:
            raise TargetingKeyMissingError(f"the flag assigns by {decision.unit_kind}, which nobody named")
        value = _typed(decision, kind)
        self._flags.shown(decision, unit, attributes)
        return FlagResolutionDetails(
            value=value,
            variant=decision.variant,
            reason=_REASONS[decision.reason],
            flag_metadata={
                "version": decision.version,
                "algorithm": decision.algorithm,
                "unit": decision.unit_kind,
                "because": decision.reason.value,
                **({"rule": decision.rule} if decision.rule else {}),
            },
        )

    def _heard(self, changed: list[str]) -> None:
        if self._flags.problem is not None:
            self.emit_provider_stale(
                ProviderEventDetails(message=self._flags.problem.message, error_code=ErrorCode.GENERAL)
            )
        elif changed:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))
        else:
            self.emit_provider_ready(ProviderEventDetails(message="the flags are refreshed again"))


def _asked(context: EvaluationContext | None) -> tuple[str, Mapping[str, Any]]:
    if context is None:
        return "", {}
    attributes = context.attributes
    if any(isinstance(value, datetime) for value in attributes.values()):
        attributes = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in attributes.items()
        }
    return context.targeting_key or "", attributes


def _typed(decision: Decision, kind: type) -> Any:
    value = decision.value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeMismatchError(f"{decision.flag} is of another type: {type(value).__name__}")
    return value
