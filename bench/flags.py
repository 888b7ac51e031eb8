"""Flag evaluations a second in one process, beside other clients on the same rule, and OFREP over loopback.

    .venv/bin/python bench/flags.py [--units 2000] [--repeats 30] [--seconds 3] [--only NAME]

The rule: everybody is split 50/50 between two texts. Each side is asked for every unit in turn, one thread, and
the best of the repeats counts, for others use the machine too. Ours is measured with exposures going to the
SDK's queue (each unit once, as in use) and with units that are new each time. OFREP is a server process on one
core and as many clients as keep it busy, in another process, over kept connections; the answer is one flag.
GrowthBook, LaunchDarkly, Unleash and OpenFeature's in-memory provider take part where they are installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Ask = Callable[[str], Any]

SPLIT = {"variants": {"a": "plain", "b": "warm"}, "rules": [{"name": "half", "split": {"a": 1, "b": 1}}]}
STAFF = {"name": "staff", "when": {"email": {"ends_with": "@acme.example"}}, "serve": "b"}


def ours(folder: Path) -> dict[str, Ask]:
    """This project, in its forms."""
    from launchworthy.rollout.flags import FileSource, Flags

    file = folder / "flags.json"
    deep = {**SPLIT, "rules": [STAFF, *SPLIT["rules"]]}  # type: ignore[misc]
    sha = {**SPLIT, "algorithm": "launchdarkly"}
    murmur = {**SPLIT, "algorithm": "flagd@2"}
    flags = {"tone": SPLIT, "deep": deep, "sha": sha, "murmur": murmur}
    file.write_text(json.dumps({"product": "bench", "flags": flags}))
    made = Flags(FileSource(file), every_s=0, expose=lambda *_: None)
    email = {"email": "ana@elsewhere.example"}
    return {
        "ours (growthbook@2)": lambda unit: made.decide("tone", unit).value,
        "ours, value() with a default": lambda unit: made.value("tone", "x", unit),
        "ours, one targeting rule before": lambda unit: made.decide("deep", unit, email).value,
        "ours, launchdarkly's hash": lambda unit: made.decide("sha", unit).value,
        "ours, flagd@2": lambda unit: made.decide("murmur", unit).value,
    }


def openfeature_ours(folder: Path) -> Ask:
    """This project under OpenFeature's SDK."""
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    from launchworthy.rollout.flags import FileSource, Flags
    from launchworthy.rollout.openfeature import LaunchworthyProvider

    file = folder / "flags.json"
    made = Flags(FileSource(file), every_s=0, expose=lambda *_: None)
    api.set_provider(LaunchworthyProvider(made), domain="ours")
    client = api.get_client("ours")
    return lambda unit: client.get_string_value("tone", "x", EvaluationContext(unit))


def openfeature_memory(_: Path) -> Ask:
    """OpenFeature's in-memory provider with a rule by CRC-32."""
    import zlib

    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.flag_evaluation import FlagResolutionDetails, Reason
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    values = {"a": "plain", "b": "warm"}

    def chosen(_: Any, context: EvaluationContext) -> FlagResolutionDetails[str]:
        variant = "a" if zlib.crc32(str(context.targeting_key).encode()) & 1 else "b"
        return FlagResolutionDetails(value=values[variant], reason=Reason.SPLIT, variant=variant)

    provider = InMemoryProvider({"tone": InMemoryFlag("a", values, context_evaluator=chosen)})
    api.set_provider(provider, domain="memory")
    client = api.get_client("memory")
    return lambda unit: client.get_string_value("tone", "x", EvaluationContext(unit))


def growthbook(_: Path) -> Ask:
    """GrowthBook, one client whose attributes are set for each unit."""
    from growthbook import GrowthBook

    rule = {"variations": ["plain", "warm"], "hashVersion": 2, "hashAttribute": "id", "key": "tone"}
    client = GrowthBook(features={"tone": {"defaultValue": "x", "rules": [rule]}})

    def ask(unit: str) -> Any:
        client.set_attributes({"id": unit})
        return client.get_feature_value("tone", "x")

    return ask


def launchdarkly(folder: Path) -> Ask:
    """LaunchDarkly on its file source."""
    from ldclient import Context
    from ldclient.client import LDClient
    from ldclient.config import Config
    from ldclient.integrations import Files

    halves = [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}]
    flag = {
        "key": "tone", "on": True, "salt": "s", "version": 1, "variations": ["plain", "warm"],
        "offVariation": 0, "fallthrough": {"rollout": {"variations": halves}},
    }  # fmt: skip
    file = folder / "launchdarkly.json"
    file.write_text(json.dumps({"flags": {"tone": flag}}))
    source = Files.new_data_source(paths=[str(file)])
    client = LDClient(Config("sdk", update_processor_class=source, send_events=False))
    return lambda unit: client.variation("tone", Context.create(unit), "x")


def unleash(folder: Path) -> Ask:
    """Unleash, its Rust engine behind the Python client, bootstrapped."""
    from UnleashClient.cache import FileCache
    from UnleashClient.clients.unleash_client import UnleashClient

    variants = [
        {"name": name, "weight": 500, "weightType": "variable", "stickiness": "userId"}
        for name in ("plain", "warm")
    ]
    strategy = {"name": "default", "parameters": {}}
    feature = {"name": "tone", "enabled": True, "strategies": [strategy], "variants": variants}
    cache = FileCache("bench", directory=str(folder))
    cache.bootstrap_from_dict({"version": 2, "features": [feature]})
    client = UnleashClient(
        url="http://127.0.0.1:9/api",
        app_name="bench",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client(fetch_toggles=False)
    return lambda unit: client.get_variant("tone", {"userId": unit})["name"]


OTHERS: dict[str, Callable[[Path], Ask]] = {
    "OpenFeature SDK over ours": openfeature_ours,
    "OpenFeature SDK, in-memory provider": openfeature_memory,
    "growthbook": growthbook,
    "launchdarkly, file source": launchdarkly,
    "unleash get_variant": unleash,
}


def rate(ask: Ask, units: Sequence[str], repeats: int) -> float:
    """Evaluations a second, the best of the repeats."""
    best = float("inf")
    for _ in range(repeats + 1):  # the first warms up
        began = time.perf_counter()
        for unit in units:
            ask(unit)
        best = min(best, time.perf_counter() - began)
    return len(units) / best


def rate_of_new(ask: Ask, count: int, repeats: int) -> float:
    """The same with units that were never asked for."""
    return max(rate(ask, [f"new-{repeat}-{place}" for place in range(count)], 0) for repeat in range(repeats))


async def _asked(host: str, port: int, until: float, place: int) -> int:
    """Requests answered on one kept connection."""
    reader, writer = await asyncio.open_connection(host, port)
    body = json.dumps({"context": {"targetingKey": f"user-{place}"}}).encode()
    request = (
        b"POST /ofrep/v1/evaluate/flags/tone HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    count = 0
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if found is None or b" 200 " not in head[:16]:
            raise SystemExit(head.decode())
        await reader.readexactly(int(found[1]))
        count += 1
    writer.close()
    return count


def _client(port: int, seconds: float, connections: int) -> int:
    async def all_of_them() -> int:
        until = time.monotonic() + seconds
        return sum(
            await asyncio.gather(*(_asked("127.0.0.1", port, until, each) for each in range(connections)))
        )

    return asyncio.run(all_of_them())


def ofrep(folder: Path, seconds: float) -> tuple[float, float]:
    """Evaluations a second over OFREP, and those for each second that the server's core worked."""
    data = folder / "data"
    command = [sys.executable, "-m", "launchworthy"]
    subprocess.run(
        [*command, "flags", "set", str(folder / "flags.json"), "--because", "bench", "--data", str(data)],
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen(
        [*command, "up", "--port", "0", "--data", str(data)], stdout=subprocess.PIPE, text=True, cwd=folder
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
        assert found is not None
        port = int(found[1])
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(_client, (port, 0.5, 8))  # warms up
            before = _cpu_s(server.pid)
            count = pool.apply(_client, (port, seconds, 8))
            worked = _cpu_s(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    return count / seconds, count / worked


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--units", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=3.0, help="of OFREP; 0 leaves it out")
    parser.add_argument("--only", default="", help="sides whose name holds this")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    units = [f"user-{place}" for place in range(given.units)]
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sides: dict[str, Ask] = {name: ask for name, ask in ours(folder).items() if given.only in name}
        first = next(iter(ours(folder).values()))
        for name, make in OTHERS.items():
            if given.only in name:
                try:
                    sides[name] = make(folder)
                except ImportError as error:
                    print(f"{name:<40} not installed: {error}")
        for name, ask in sides.items():
            print(f"{name:<40} {rate(ask, units, given.repeats):>12,.0f} /s", flush=True)
        if not given.only:
            print(
                f"{'ours, units that are new':<40} {rate_of_new(first, given.units, given.repeats):>12,.0f} /s"
            )
        if given.seconds and given.only in "OFREP":
            seen, worked = ofrep(folder, given.seconds)
            print(f"{'OFREP, one flag, loopback':<40} {seen:>12,.0f} /s")
            print(f"{'OFREP, for each second of a core':<40} {worked:>12,.0f} /s")
    os._exit(0)  # clients leave threads behind that would be waited for


if __name__ == "__main__":
    main()
