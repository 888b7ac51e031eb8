"""The HTTP API as data: one row an operation, read by the routes, the remote workspace and the OpenAPI text.

May import every room below ``server``. Each row names a method of :class:`Workspace`; its arguments come
from the path, then from the query string (GET) or the JSON body (everything else), and are validated
against the method's own type hints.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, TypeAdapter, create_model

from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.runtime.approval import Approval
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.workspace import Workspace

__all__ = ["OPERATIONS", "Operation", "Role"]

Role = Literal["ingest", "read", "write"]


def _read_evidence(plain: Any) -> Evidence:
    if isinstance(plain, Evidence):
        return plain
    if not isinstance(plain, Mapping):
        raise InputError(f"evidence is a JSON object, not {plain!r:.60}", where="evidence")
    return Evidence.from_json(plain)


# Evidence has one written form, used in files, on the wire and in the audit chain alike.
_WireEvidence = Annotated[
    Evidence,
    PlainValidator(
        _read_evidence,
        json_schema_input_type=dict[str, Any],
    ),
    PlainSerializer(lambda evidence: evidence.as_json(), return_type=dict[str, Any]),
]


def _read_approval(plain: Any) -> Approval:
    return plain if isinstance(plain, Approval) else Approval.from_json(plain)


_WireApproval = Annotated[
    Approval,
    PlainValidator(_read_approval, json_schema_input_type=dict[str, Any]),
    PlainSerializer(lambda approval: approval.as_json(), return_type=dict[str, Any]),
]


def _wire_type(hint: Any) -> Any:
    if hint is Evidence:
        return _WireEvidence
    if hint is Approval:
        return _WireApproval
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is None or not arguments:
        return hint
    replaced = tuple(_wire_type(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[replaced]  # noqa: UP007 (built at run time)
    return origin[replaced]


@dataclass(frozen=True)
class Operation:
    """One method of the workspace as an HTTP request.

    Attributes:
        name: Method of :class:`Workspace`.
        verb: HTTP method.
        path: Under ``/api/v1``; ``{name}`` parts are arguments.
        role: Least role of the key that may call it.
        waits: It may wait for a person before it answers.
    """

    name: str
    verb: str
    path: str
    role: Role
    waits: bool = False

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(getattr(Workspace, self.name))

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        """What a request says; who calls it cannot say."""
        every = list(inspect.signature(getattr(Workspace, self.name)).parameters.values())[1:]
        return [parameter for parameter in every if self._hints[parameter.name] is not Caller]

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """A model of the arguments, unknown ones refused."""
        fields: dict[str, Any] = {}
        for parameter in self._parameters:
            hint, default = self._hints[parameter.name], parameter.default
            if default is inspect.Parameter.empty:
                # A query string cannot say null: what may be None may be left out.
                default = None if type(None) in typing.get_args(hint) else ...
            fields[parameter.name] = (_wire_type(hint), default)
        return create_model(
            f"{self.name}_arguments", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields
        )

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """Reads and writes what the method answers."""
        return TypeAdapter(_wire_type(self._hints["return"]))

    @cached_property
    def summary(self) -> str:
        """First sentence of the method's docstring."""
        return (inspect.getdoc(getattr(Workspace, self.name)) or "").split("\n\n")[0].replace("\n", " ")

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """Names of the arguments that the method takes by position."""
        return tuple(
            parameter.name
            for parameter in self._parameters
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        )

    def call(
        self, workspace: Workspace, arguments: Mapping[str, Any], *, caller: Caller = THIS_MACHINE
    ) -> Any:
        """Call the method with validated arguments, and with who calls where it asks for that."""
        rest = dict(arguments)
        rest |= {name: caller for name, hint in self._hints.items() if hint is Caller}
        first: Sequence[Any] = [rest.pop(name) for name in self.positional]
        return getattr(workspace, self.name)(*first, **rest)


OPERATIONS: tuple[Operation, ...] = (
    Operation("products", "GET", "/products", "read"),
    Operation("register_contract", "PUT", "/products/{product}/contract", "write"),
    Operation("contract_version", "GET", "/products/{product}/contract", "read"),
    Operation("register_release", "POST", "/products/{product}/releases", "write"),
    Operation("releases", "GET", "/products/{product}/releases", "read"),
    Operation("measure", "POST", "/products/{product}/measure", "write"),
    Operation("verdict", "GET", "/products/{product}/verdict", "read"),
    Operation("add_evidence", "POST", "/products/{product}/evidence", "write"),
    Operation("evidence", "GET", "/products/{product}/evidence", "read"),
    Operation("record", "POST", "/products/{product}/ledger", "write"),
    Operation("ledger_entries", "GET", "/products/{product}/ledger", "read"),
    Operation("audit", "GET", "/products/{product}/audit", "read"),
    Operation("audit_heads", "GET", "/products/{product}/audit/heads", "read"),
    Operation("audit_words", "GET", "/products/{product}/audit/words", "read"),
    Operation("audit_trail", "GET", "/products/{product}/audit/entries", "read"),
    Operation("audit_openings", "GET", "/products/{product}/audit/openings", "write"),
    Operation("decide", "POST", "/products/{product}/decisions", "write"),
    Operation("refused_traces", "GET", "/products/{product}/refused-traces", "read"),
    Operation("preferences", "POST", "/products/{product}/preferences", "write"),
    Operation("erase_subject", "POST", "/products/{product}/erase", "write"),
    Operation("find_texts", "POST", "/files/search", "write"),
    Operation("drill_erasure", "POST", "/products/{product}/erasure-drill", "write"),
    Operation("draw_labels", "POST", "/products/{product}/labels-draw", "write"),
    Operation("request_approval", "POST", "/products/{product}/approvals", "ingest"),
    Operation("seed_approval", "POST", "/products/{product}/approvals-tests", "write"),
    Operation("approvals", "GET", "/products/{product}/approvals", "read"),
    Operation("approval", "GET", "/products/{product}/approvals/{approval_id}", "ingest", waits=True),
    Operation("approve", "POST", "/products/{product}/approvals/{approval_id}/approve", "read"),
    Operation("reject", "POST", "/products/{product}/approvals/{approval_id}/reject", "read"),
    Operation("edit_approval", "POST", "/products/{product}/approvals/{approval_id}/edit", "read"),
    Operation("resolve_approval", "POST", "/products/{product}/approvals/{approval_id}/resolve", "read"),
    Operation("claim_approval", "POST", "/products/{product}/approvals/{approval_id}/claim", "ingest"),
    Operation("settle_approval", "POST", "/products/{product}/approvals/{approval_id}/settle", "ingest"),
    Operation("withdraw_approval", "POST", "/products/{product}/approvals/{approval_id}/withdraw", "ingest"),
    Operation("tell_approvals", "PUT", "/products/{product}/approvals-webhook", "write"),
    Operation("start_ramp", "POST", "/products/{product}/ramps", "write"),
    Operation("ramps", "GET", "/products/{product}/ramps", "read"),
    Operation("step_ramp", "POST", "/products/{product}/ramps/{ramp_id}/steps", "write"),
    Operation("evaluate_ramp", "POST", "/products/{product}/ramps-evaluation", "write"),
    Operation("flags", "GET", "/products/{product}/flags", "ingest"),
    Operation("set_flags", "PUT", "/products/{product}/flags", "write"),
    Operation("switch_flag", "POST", "/products/{product}/flags-switch", "write"),
    Operation("flag_history", "GET", "/products/{product}/flags-history", "read"),
    Operation("experiments", "GET", "/products/{product}/experiments", "read"),
    Operation("experiment", "GET", "/products/{product}/experiments/{key}", "read"),
    Operation("open_incident", "POST", "/products/{product}/incidents", "write"),
    Operation("incidents", "GET", "/products/{product}/incidents", "read"),
    Operation("incident", "GET", "/products/{product}/incidents/{incident_id}", "read"),
    Operation("note_incident", "POST", "/products/{product}/incidents/{incident_id}/notes", "write"),
    Operation("assign_incident", "POST", "/products/{product}/incidents/{incident_id}/assign", "write"),
    Operation("close_incident", "POST", "/products/{product}/incidents/{incident_id}/close", "write"),
    Operation("reopen_incident", "POST", "/products/{product}/incidents/{incident_id}/reopen", "write"),
    Operation("incident_rules", "GET", "/products/{product}/incident-rules", "read"),
    Operation("failure_board", "GET", "/products/{product}/failure-modes", "read"),
    Operation("tell_incidents", "PUT", "/products/{product}/incident-notices", "write"),
    Operation("test_incident_notices", "POST", "/products/{product}/incident-notices/test", "write"),
    Operation("reserve_spending", "POST", "/products/{product}/spending/reserve", "ingest"),
    Operation("settle_spending", "POST", "/products/{product}/spending/settle", "ingest"),
    Operation("release_spending", "POST", "/products/{product}/spending/release", "ingest"),
    Operation("add_gold", "POST", "/gold", "write"),
    Operation("gold_versions", "GET", "/products/{product}/gold", "read"),
    Operation("looks", "GET", "/products/{product}/gold/{name}/looks", "read"),
    Operation("gold_canaries", "GET", "/products/{product}/gold/{name}/canaries", "write"),
    Operation("waiting_items", "GET", "/products/{product}/gold/{name}/waiting", "write"),
    Operation("promote_trace", "POST", "/products/{product}/gold/{name}/promote", "write"),
    Operation("review_item", "POST", "/products/{product}/gold/{name}/review", "write"),
    Operation("gold_items", "GET", "/products/{product}/gold/{name}/{version}", "write"),
    Operation("gold_page", "GET", "/products/{product}/gold/{name}/{version}/page", "write"),
    Operation("add_look", "POST", "/looks", "write"),
    Operation("add_run", "PUT", "/runs", "write"),
    Operation("runs", "GET", "/runs", "read"),
    Operation("run", "GET", "/runs/{run_id}", "read"),
    Operation("add_run_items", "POST", "/runs/{run_id}/items", "write"),
    Operation("run_items", "GET", "/runs/{run_id}/items", "read"),
    Operation("run_page", "GET", "/runs/{run_id}/page", "read"),
    Operation("query", "POST", "/query", "read"),
    Operation("newest_spans", "POST", "/spans", "read"),
    Operation("newest_traces", "POST", "/traces", "read"),
    Operation("trace", "GET", "/traces/{trace_id}", "read"),
    Operation("model_stats", "GET", "/models", "read"),
    Operation("apply_retention", "POST", "/retention", "write"),
    Operation("add_api_key", "POST", "/keys", "write"),
    Operation("api_keys", "GET", "/keys", "write"),
    Operation("revoke_api_key", "DELETE", "/keys/{name}", "write"),
    Operation("counters", "GET", "/counters", "read"),
)
