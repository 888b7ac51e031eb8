"""The process of a gateway: reads what it serves, binds, answers until it is told to stop.

May import ``capture``, ``contract``, ``runtime`` and this room.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from launchworthy.errors import ConflictError, InputError
from launchworthy.gateway.answering import Means
from launchworthy.gateway.app import Gateway
from launchworthy.gateway.asking import Asker
from launchworthy.gateway.keys import KeyRing
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.served import Arm, Served
from launchworthy.gateway.tracing import trace_lightly
from launchworthy.gateway.upstream import Upstreams

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.rollout.flags import Flags
    from launchworthy.runtime.budget import Prices

__all__ = ["GatewayOptions", "serve_gateway"]

_STOP_S = 10.0
_RELEASE_EVERY_S = 2.0  # how soon a step of the rollout is in force here


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """What the command line says.

    Attributes:
        contract: Of the release that is served.
        upstreams: Provider → address; the empty name stands for every other one.
        names: Model of the contract → its name at the endpoint.
        host, port: Where it answers; port 0 takes any free one.
        keys: File of the clients' keys.
        baseline: Contract of the release that everyone had before.
        stage: Stage of the rollout, whose share gets the new one; None: the rollout that the server has
            under way says who does.
        server: Address of the server that keeps approvals, what is spent and who has which release; None:
            calls that need an approval are withheld, and what is spent is counted in this process.
        server_key: Its key.
    """

    contract: Path
    upstreams: Mapping[str, str]
    names: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = 8322
    keys: Path | None = None
    baseline: Path | None = None
    stage: str | None = None
    server: str | None = None
    server_key: str | None = None


def serve_gateway(options: GatewayOptions, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        options: What and where.
        announce: Called once with the address, when it answers.

    Raises:
        ContractError: A contract cannot be used.
        ConflictError: The port is taken.
        InputError: An address, a key file, a stage or a limit is none.
    """
    listener = _bind(options.host, options.port)
    try:
        gateway = build(options)
        # The thread that exports records holds the interpreter for no longer than this at a time.
        sys.setswitchinterval(0.001)
        # What was loaded stays: the collector of cycles need not look through it for every few calls.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
        asyncio.run(_run(gateway, listener, options.host, announce))
    finally:
        listener.close()


def build(options: GatewayOptions) -> Gateway:
    """The gateway of these options, before it is opened."""
    from launchworthy.capture.pricing import default_prices
    from launchworthy.capture.sdk.process import init
    from launchworthy.runtime.approval import RemoteApprovals
    from launchworthy.runtime.boundary import Boundary
    from launchworthy.runtime.budget import Prices
    from launchworthy.runtime.budget.remote import RemoteSpending
    from launchworthy.runtime.permission import MemorySpending

    keys = KeyRing(options.keys)
    if not keys.required and options.host not in ("127.0.0.1", "::1", "localhost"):
        raise InputError(
            f"bound to {options.host}, anyone who can reach this machine could call",
            hint="make a key first: launchworthy gateway-key NAME --keys FILE, and give --keys FILE",
        )
    upstreams = Upstreams(options.upstreams, names=options.names)
    prices = Prices(default_prices(), clock_ns=time.time_ns)
    served = _served(options)
    for arm in filter(None, (served.arm, served.baseline)):
        _check(arm, upstreams, prices)
    product = served.arm.product
    init(product=product, release=served.arm.release or None)
    trace_lightly()
    Boundary(_load(options.contract)).protect_records()
    ledger, approvals = Ledger(MemorySpending()), None
    if options.server is not None:
        url, key = options.server, options.server_key
        ledger = Ledger(RemoteSpending(url, product=product, key=key), remote=True)
        approvals = RemoteApprovals(url, product=product, key=key, patience_s=5.0)
    means = Means(asker=Asker(upstreams, ledger), prices=prices, ledger=ledger, approvals=approvals)
    return Gateway(served, means, keys=keys)


def _served(options: GatewayOptions) -> Served:
    from launchworthy.contract import stages
    from launchworthy.rollout.ramp.flag import IN_SHADOW

    if options.baseline is None:
        if options.stage is not None:
            raise InputError("--stage is about a release beside its --baseline", hint="give --baseline FILE")
        return Served(arm=_arm(options.contract, options.names, cohort=""))
    contract = _load(options.contract)
    if options.stage is None and options.server is not None:
        flags = _flags(contract.product, options.server, options.server_key)
        return Served(
            arm=_arm(options.contract, options.names, cohort="candidate"),
            baseline=_arm(options.baseline, options.names, cohort="baseline"),
            released=lambda user, session: flags.value("release", "", user, {"session": session}),
            shadowed=lambda: flags.decide("release", "shadow").rule == IN_SHADOW,
        )
    known = {stage.name: stage for stage in stages(contract)}
    if options.stage not in known:
        raise InputError(
            f"the rollout has no stage {options.stage!r}" if options.stage else "which stage is it in?",
            where=str(options.contract),
            hint=f"--stage is one of {', '.join(known)}; with --server it is the rollout that says",
        )
    return Served(
        arm=_arm(options.contract, options.names, cohort=options.stage or ""),
        baseline=_arm(options.baseline, options.names, cohort="baseline"),
        share=known[options.stage or ""].share,
    )


def _flags(product: str, server: str, key: str | None) -> Flags:
    """The flag of the releases, as it was when the server answered last; nothing is known: nobody has
    the new one."""
    from launchworthy.capture.sdk.process import client
    from launchworthy.rollout.flags import Flags, ServerSource

    source = ServerSource(server, product=product, api_key=key, state=client().settings.state)
    return Flags(source, every_s=_RELEASE_EVERY_S)


def _load(path: Path) -> Contract:
    from launchworthy.contract import load_contract

    return load_contract(path)


def _arm(path: Path, names: Mapping[str, str], *, cohort: str) -> Arm:
    from launchworthy.runtime.compiling import guard_pipeline

    contract = _load(path)
    return Arm.of(
        contract,
        folder=path.parent,
        guards=guard_pipeline(contract, root=path.parent),
        cohort=cohort,
        models=names.__contains__,
    )


def _check(arm: Arm, upstreams: Upstreams, prices: Prices) -> None:
    """Everything that would fail at the first call fails now."""
    for model in (*arm.models, *arm.embedders):
        upstreams.place(model)
    for model in arm.embedders:
        if not upstreams.speaks(model, "/embeddings"):
            raise InputError(
                f"{model} is at an address that makes no embeddings",
                where=f"{arm.product}/release/retrieval/embedding",
                hint="give its provider an OpenAI-compatible --upstream",
            )
    for job in arm.jobs.values():
        counted = job.cost_usd is not None or any(each.counts == "cost" for each in job.ceilings)
        unpriced = [each for each in (*job.models, *arm.embedders) if counted and not prices.knows(each)]
        if unpriced:
            raise InputError(
                f"no price is known for {unpriced[0]}, so that its cost cannot be held to a limit",
                where=f"{arm.product}/{job.name}/limits",
                hint="name a price file in LAUNCHWORTHY_PRICES",
            )


async def _run(gateway: Gateway, listener: socket.socket, host: str, announce: Callable[[str], None]) -> None:
    from aiohttp import web

    await gateway.open()
    runner = web.ServerRunner(gateway.server(), shutdown_timeout=_STOP_S)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(each, stop.set)
    try:
        await web.SockSite(runner, listener, backlog=1_024).start()
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{listener.getsockname()[1]}")
        await stop.wait()
    finally:
        await runner.cleanup()
        await gateway.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConflictError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="give another --port, or 0 for any free one",
        ) from error
    return listener
