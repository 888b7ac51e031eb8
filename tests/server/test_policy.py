"""What a contract's data block lets the store keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launchworthy.contract import parse_contract
from launchworthy.server.intake import policy_of
from launchworthy.server.local import LocalWorkspace

if TYPE_CHECKING:
    from tests.server.conftest import TraceRequest


@pytest.mark.parametrize(
    ("data", "user_ids", "content", "unstorable"),
    [
        ("", "pseudonymise", True, frozenset()),
        ("data: {pii: {record: keep}}", "keep", True, frozenset()),
        ("data: {pii: {record: drop}}", "drop", False, frozenset()),
        ("data: {pii: {record: redact}}", "drop", True, frozenset()),
        (
            "data: {sources: {docs: {class: public, may: [store]}, hr: {class: restricted, may: [see]}}}",
            "pseudonymise",
            True,
            frozenset({"hr"}),
        ),
    ],
)
def test_a_policy_is_what_the_contract_says(
    contract_text: str, data: str, user_ids: str, content: bool, unstorable: frozenset[str]
) -> None:
    policy = policy_of(parse_contract(contract_text + data + "\n").data)
    assert (policy.user_ids, policy.store_content, policy.unstorable_sources) == (
        user_ids,
        content,
        unstorable,
    )


def test_without_a_contract_people_are_pseudonyms() -> None:
    assert policy_of(None).user_ids == "pseudonymise"


def test_an_edit_of_the_data_block_holds_from_the_next_batch_on(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str, trace_request: TraceRequest
) -> None:
    workspace.follow_contract(contract_file)
    for number, record in enumerate(("pseudonymise", "drop", "keep")):
        contract_file.write_text(contract_text + f"data: {{pii: {{record: {record}}}}}\n")
        body, _ = trace_request(1, seed=number, attributes={"user.id": "ana", "launchworthy.cohort": record})
        workspace.take("traces", body, "application/x-protobuf", None, record)
    workspace._store.flush()
    users = {row["cohort"]: row["user_id"] for row in workspace.query("SELECT cohort, user_id FROM spans")}
    assert users["pseudonymise"].startswith("u_")
    assert (users["drop"], users["keep"]) == (None, "ana")
