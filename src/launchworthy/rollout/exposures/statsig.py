"""Statsig: its Python client has no callback for decisions, so it is asked through this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launchworthy.rollout.exposures.once import Expose, Exposure, Once, recorded

__all__ = ["StatsigExposures"]


class StatsigExposures:
    """A Statsig client whose decisions are recorded; everything else is the client's own.

    Args:
        client: A ``StatsigServer``, or the module ``statsig.statsig``.
        unit_kind: ``user``, or the custom id by which units are assigned, such as ``companyID``.
        expose: Told of each exposure; the SDK if not given.
    """

    def __init__(self, client: Any, *, unit_kind: str = "user", expose: Expose = recorded) -> None:
        self._client, self._unit_kind, self._once = client, unit_kind, Once(expose)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def check_gate(self, user: Any, gate_name: str, *arguments: Any, **named: Any) -> bool:
        """Whether a gate is open for a user."""
        return bool(self.get_feature_gate(user, gate_name, *arguments, **named).value)

    def get_feature_gate(self, user: Any, gate_name: str, *arguments: Any, **named: Any) -> Any:
        """A gate with the rule that decided."""
        found = self._client.get_feature_gate(user, gate_name, *arguments, **named)
        if _told(*arguments, **named):
            self._tell(user, found, "true" if found.value else "false", name=gate_name)
        return found

    def get_experiment(self, user: Any, experiment_name: str, *arguments: Any, **named: Any) -> Any:
        """Parameters of an experiment; the group is the variant."""
        found = self._client.get_experiment(user, experiment_name, *arguments, **named)
        if _told(*arguments, **named):
            self._tell(user, found, found.group_name or found.rule_id, name=experiment_name)
        return found

    def get_config(self, user: Any, dynamic_config_name: str, *arguments: Any, **named: Any) -> Any:
        """A dynamic config; the rule is the variant."""
        found = self._client.get_config(user, dynamic_config_name, *arguments, **named)
        if _told(*arguments, **named):
            self._tell(user, found, found.group_name or found.rule_id, name=dynamic_config_name)
        return found

    def get_layer(self, user: Any, layer_name: str, *arguments: Any, **named: Any) -> Any:
        """Parameters of a layer; whoever reads one meets the experiment that the layer gave the user to."""
        found = self._client.get_layer(user, layer_name, *arguments, **named)
        experiment = found.allocated_experiment
        if not experiment or not _told(*arguments, **named):
            return found
        variant = found.group_name or found.rule_id
        return _Layer(found, lambda: self._tell(user, found, variant, name=experiment))

    def _tell(self, user: Any, found: Any, variant: str, *, name: str) -> None:
        """A decision that no rule made assigned nobody."""
        rule = str(found.rule_id or "")
        unit = user.user_id
        if self._unit_kind != "user":
            unit = (user.custom_ids or {}).get(self._unit_kind)
        if not rule or not variant or not unit:
            return
        self._once(
            Exposure(
                source="statsig",
                flag=name,
                variant=str(variant),
                unit=str(unit),
                unit_kind=self._unit_kind,
                algorithm="statsig",
                rule=rule,
                reason=str(getattr(found.evaluation_details, "reason", "") or "") or None,
            )
        )


class _Layer:
    """A layer of the client that says when one of its parameters is read."""

    def __init__(self, layer: Any, tell: Callable[[], None]) -> None:
        self._layer, self._tell = layer, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def get(self, key: str, default: Any = None) -> Any:
        self._read(key)
        return self._layer.get(key, default)

    def get_typed(self, key: str, default: Any = None) -> Any:
        self._read(key)
        return self._layer.get_typed(key, default)

    def _read(self, key: str) -> None:
        if self._layer.get_values().get(key) is not None:
            self._tell()


def _told(log_exposure: bool = True) -> bool:
    """Whether the client is to log the exposure, as its own methods take it."""
    return log_exposure
