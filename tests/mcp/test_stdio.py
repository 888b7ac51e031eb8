"""The MCP server, asked over stdio by the SDK's own client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.cli.in_force import opened
from launchworthy.mcp import build_server
from mcp import Client, MCPError, StdioServerParameters, stdio_client

if TYPE_CHECKING:
    from launchworthy.server import Workspace

READS = {"products", "verdict", "claims", "evidence", "decisions", "approvals", "approval"}


def asked(folder: Path, work: Callable[[Client], Awaitable[Any]], *arguments: str, **environment: str) -> Any:
    """Start the command, let the client ask, and stop it."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "launchworthy", "mcp", "--data", str(folder), *arguments],
        env={"LAUNCHWORTHY_ENABLED": "0", **environment},
    )

    async def run() -> Any:
        async with Client(stdio_client(parameters)) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(run(), 60))


def read(result: Any) -> Any:
    """What a tool answered, as an assistant reads it."""
    assert not result.is_error, result.content
    found = result.structured_content
    return found["result"] if isinstance(found, dict) and set(found) == {"result"} else found


def test_an_assistant_reads_the_state_and_may_decide_nothing(folder: Path) -> None:
    async def work(client: Client) -> dict[str, Any]:
        listed = (await client.list_tools()).tools
        claims = {"product": "shop", "state": "unproven", "under": "answer/quality"}
        return {
            "tools": {tool.name for tool in listed},
            "changes": [
                tool.name for tool in listed if not (tool.annotations and tool.annotations.read_only_hint)
            ],
            "products": read(await client.call_tool("products", {})),
            "verdict": read(await client.call_tool("verdict", {"product": "shop"})),
            "claims": read(await client.call_tool("claims", claims)),
            "met": read(
                await client.call_tool("claims", {"product": "shop", "state": "met", "under": "answer"})
            ),
            "waiting": read(await client.call_tool("approvals", {"product": "shop"})),
            "done": read(await client.call_tool("approvals", {"product": "shop", "state": "done"})),
            "one": read(await client.call_tool("approval", {"product": "shop", "approval_id": "refund-1"})),
            "decisions": read(await client.call_tool("decisions", {"product": "shop"})),
            "case": read(await client.call_tool("decisions", {"product": "shop", "case": "refund-1"})),
            "evidence": read(
                await client.call_tool(
                    "evidence", {"product": "shop", "claim": "answer/quality/groundedness"}
                )
            ),
            "approve": await client.call_tool(
                "approve", {"product": "shop", "approval_id": "refund-1", "arguments_hash": "0" * 64}
            ),
            "contract": await client.read_resource("launchworthy://shop/contract"),
            "whole": await client.read_resource("launchworthy://shop/verdict"),
        }

    seen = asked(folder, work)
    assert seen["tools"] == READS
    assert seen["changes"] == []
    assert seen["products"] == ["shop"]
    assert "unproven" in seen["verdict"]["conclusion"]
    assert [row["claim"] for row in seen["claims"]] == ["shop/answer/quality/groundedness"]
    assert seen["met"] == []
    assert [row["id"] for row in seen["waiting"]] == ["refund-1"]
    assert seen["done"] == []
    assert seen["one"]["call"]["arguments"] == {"order": "A-1", "amount": 50}
    assert seen["decisions"]
    assert all(row["kind"] != "evidence" for row in seen["decisions"])
    [asked_for] = seen["case"]
    assert asked_for in seen["decisions"]
    assert asked_for["body"]["outcome"] == "requested"
    assert (
        asked_for["detail"]["facts"]["arguments_sha256"] == seen["one"]["hash"]
    )  # and why, not its hash alone
    assert seen["evidence"] == []
    assert seen["approve"].is_error
    assert seen["contract"].contents[0].text.startswith("launchworthy: 1")
    assert json.loads(seen["whole"].contents[0].text)["product"] == "shop"


def test_what_is_not_there_is_told_and_ends_nothing(folder: Path) -> None:
    @contextmanager
    def reach() -> Iterator[tuple[Workspace, Mapping[str, Any]]]:
        with opened(folder) as workspace:
            yield workspace, {}

    async def work() -> tuple[list[Any], list[str]]:
        async with Client(build_server(reach)) as client:
            answers = [
                await client.call_tool("verdict", {"product": "other"}),
                await client.call_tool("verdict", {"product": "shop", "stage": "moon"}),
                await client.call_tool("approval", {"product": "shop", "approval_id": "none"}),
                await client.call_tool("claims", {"product": "shop", "state": "fine"}),
                await client.call_tool("verdict", {}),
                await client.call_tool("evidence", {"product": "other", "claim": "answer/quality/x"}),
                await client.call_tool("approvals", {"product": "other"}),
                await client.call_tool("decisions", {"product": "shop", "limit": -5}),
            ]
            resources = []
            for name in ("contract", "verdict"):
                with pytest.raises(MCPError) as error:
                    await client.read_resource(f"launchworthy://other/{name}")
                resources.append(str(error.value))
            return answers, resources

    (*wrong, last), resources = asyncio.run(work())
    assert all(each.is_error for each in wrong)
    assert "no contract of 'other' is known" in wrong[0].content[0].text
    assert "no product 'other' is known" in wrong[-1].content[0].text
    assert not last.is_error
    assert all("no contract of 'other' is known" in each for each in resources)


def test_a_person_may_let_it_decide_for_them_and_only_what_they_may(folder: Path, lead: str) -> None:
    async def work(client: Client) -> list[Any]:
        one = read(await client.call_tool("approval", {"product": "shop", "approval_id": "refund-1"}))
        asked = {"product": "shop", "approval_id": "refund-1"}
        return [
            await client.call_tool("approve", {**asked, "arguments_hash": "0" * 64}),
            await client.call_tool("approve", {**asked, "arguments_hash": one["hash"]}),
            await client.call_tool("reject", {**asked, "reason": "too late"}),
        ]

    wrong, right, late = asked(folder, work, "--decide", LAUNCHWORTHY_KEY=lead)
    assert wrong.is_error
    assert read(right)["state"] == "approved"
    assert late.is_error


def test_a_key_that_is_not_in_force_decides_nothing(folder: Path) -> None:
    async def work(client: Client) -> Any:
        return await client.call_tool(
            "reject", {"product": "shop", "approval_id": "refund-1", "reason": "because"}
        )

    assert asked(folder, work, "--decide", LAUNCHWORTHY_KEY="lw-none").is_error
