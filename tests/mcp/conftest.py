"""A data folder with a product whose refund waits for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from launchworthy.runtime.approval import ProposedCall
from launchworthy.runtime.permission import Request
from launchworthy.server.local import LocalWorkspace

CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [customer, agent, lead]
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    quality: {groundedness: {at_least: 92 %}}
    reliability: {latency_p95: {at_most: 2s}}
tools:
  refund:
    effect: pay
    roles: [agent]
    approval: [{by: lead, preview: [order, amount], expires: 10m}]
    limits: {per_call: 500 USD}
    arguments: {order: {from: any}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    workspace = LocalWorkspace.open(data)
    workspace.register_contract(product="shop", text=CONTRACT, path="launchworthy.yaml")
    call = ProposedCall(
        id="refund-1",
        requester="assistant",
        request=Request(
            tool="refund", roles=("agent",), arguments={"order": "A-1", "amount": 50}, user="u-4"
        ),
        question="Refund A-1, please.",
    )
    workspace.request_approval(product="shop", call=call.as_json())
    workspace.close()
    return data


@pytest.fixture
def lead(folder: Path) -> str:
    """The key of a person who may confirm refunds."""
    workspace = LocalWorkspace.open(folder)
    key = workspace.add_api_key(name="lena", role="read", acts_as=["lead"])
    workspace.close()
    return key
