"""LaunchDarkly: a hook. ``Config(key, hooks=[launchdarkly_exposures()])``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launchworthy.errors import MissingExtraError
from launchworthy.rollout.exposures.once import Expose, Exposure, Once, recorded, variant_of

if TYPE_CHECKING:
    from ldclient.hook import Hook

__all__ = ["launchdarkly_exposures"]

_NO_EXPOSURE = ("OFF", "ERROR")


def launchdarkly_exposures(*, unit_kind: str = "user", expose: Expose = recorded) -> Hook:
    """The hook of an ``LDClient``: every evaluation that served a variation of a flag that is on.

    Args:
        unit_kind: Kind of the context that is recorded, where a context has several.
        expose: Told of each exposure; the SDK if not given.

    Raises:
        MissingExtraError: LaunchDarkly's client is not installed.
    """
    try:
        from ldclient.hook import EvaluationSeriesContext, Hook, Metadata
    except ImportError as error:
        raise MissingExtraError("launchdarkly-server-sdk", extra="launchdarkly") from error
    once = Once(expose)

    class Exposures(Hook):
        @property
        def metadata(self) -> Metadata:
            return Metadata(name="launchworthy")

        def before_evaluation(
            self, series_context: EvaluationSeriesContext, data: dict[Any, Any]
        ) -> dict[Any, Any]:
            return data

        def after_evaluation(
            self, series_context: EvaluationSeriesContext, data: dict[Any, Any], detail: Any
        ) -> dict[Any, Any]:
            reason = detail.reason or {}
            if detail.variation_index is None or reason.get("kind") in _NO_EXPOSURE:
                return data
            context = series_context.context.get_individual_context(unit_kind) or series_context.context
            if context.multiple:
                return data  # of several kinds, none is the one that counts
            once(
                Exposure(
                    source="launchdarkly",
                    flag=series_context.key,
                    variant=variant_of(detail.value, otherwise=f"variation-{detail.variation_index}"),
                    unit=context.key,
                    unit_kind=context.kind,
                    algorithm="launchdarkly",
                    rule=reason.get("ruleId"),
                    reason="experiment"
                    if reason.get("inExperiment")
                    else str(reason.get("kind", "")).lower(),
                )
            )
            return data

    return Exposures()
