"""Any target, asked from the machines of a Ray cluster. May import ``errors``, ``gold`` and this room.

Only the asking moves: the engine stays where it is and treats the cluster as one more target, so that pace,
retries, ceiling, scores and evidence are those of a run on one machine. An actor on each machine makes the
calls; where one dies, what it had not answered is asked elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import sys
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.evals.target import Reply, Target, TargetFailure
from launchworthy.gold import GoldItem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RayTarget"]

_START_S = 60.0
_CONNECT_S = 10.0


class RayTarget:
    """A target behind the actors of a cluster; its name stays its own, since its answers are.

    Args:
        target: Who is asked; each worker gets a copy, and needs what it needs: Launchworthy, its module.
        address: Of the cluster: ``host:port`` of its head, ``ray://…``, or None for ``RAY_ADDRESS``, else a
            cluster of this machine alone.
        workers: Actors; one for each processor of the cluster if None.

    Raises:
        InputError: Ray is not installed, there is no such cluster, or no worker came up.
    """

    def __init__(self, target: Target, *, address: str | None = None, workers: int | None = None) -> None:
        self._target = target
        self._address = address
        self._workers = workers
        self._actors: dict[Any, int] = {}  # and the calls under way at each
        self._connected = False
        self._aside = contextlib.ExitStack()

    @property
    def name(self) -> str:
        return self._target.name

    async def open(self, *, concurrency: int) -> None:
        ray = _ray()
        if not ray.is_initialized():
            _join(ray, self._address or os.environ.get("RAY_ADDRESS"))
            self._connected = True
            # Ray prints what became of its machines to standard output, where the results go.
            self._aside.enter_context(contextlib.redirect_stdout(sys.stderr))
        processors = int(ray.cluster_resources().get("CPU", 1))
        count = max(1, min(self._workers or processors, concurrency))
        worker = ray.remote(num_cpus=0, max_concurrency=concurrency, scheduling_strategy="SPREAD")(_Worker)
        packed = ray.cloudpickle.dumps(self._target)
        started = [worker.remote(packed, sys.path) for _ in range(count)]
        ready = [actor.open.remote(concurrency=-(-concurrency // count)) for actor in started]
        failures = []
        for actor, opened in zip(started, ready, strict=True):
            try:
                ray.get(opened, timeout=_START_S)
                self._actors[actor] = 0
            except (ray.exceptions.RayError, TimeoutError) as error:
                failures.append(error)
        if not self._actors:
            raise InputError(
                f"no worker of the Ray cluster could open the target: {_reason(failures[0])}",
                where=self.name,
                hint="the target and launchworthy must be installed on every machine of the cluster",
            )

    async def ask(self, item: GoldItem) -> Reply:
        ray = _ray()
        while self._actors:
            with self._least_busy() as actor:
                try:
                    told = await actor.ask.remote(item)
                except ray.exceptions.RayActorError:
                    self._actors.pop(actor, None)
                    continue
                except ray.exceptions.RayError as error:
                    raise TargetFailure(_reason(error), transient=False) from error
            if isinstance(told, Reply):
                return told
            message, transient, retry_after_s = told
            raise TargetFailure(message, transient=transient, retry_after_s=retry_after_s)
        raise TargetFailure("every worker of the Ray cluster is gone", transient=False)

    async def close(self) -> None:
        ray = _ray()
        for actor in self._actors:
            with contextlib.suppress(ray.exceptions.RayError):
                await actor.close.remote()
            ray.kill(actor)
        self._actors = {}
        if self._connected:
            ray.shutdown()
            self._aside.close()
            self._connected = False

    @contextlib.contextmanager
    def _least_busy(self) -> Iterator[Any]:
        actor = min(self._actors, key=self._actors.__getitem__)
        self._actors[actor] += 1
        try:
            yield actor
        finally:
            if actor in self._actors:
                self._actors[actor] -= 1


def _join(ray: Any, address: str | None) -> None:
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdecimal():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"there is no Ray cluster to join: {str(error)[:300]}",
            where=address or "RAY_ADDRESS",
            hint="start one: ray start --head; to one that asks for its token: export RAY_AUTH_MODE=token",
        ) from error


class _Worker:
    """Lives on a machine of the cluster; a failure travels as its parts, since an exception would not."""

    def __init__(self, packed: bytes, path: list[str]) -> None:
        # A target's module is found where it was: on machines that share the folder, or have it installed.
        sys.path += [place for place in path if place not in sys.path]
        self._target: Target = pickle.loads(packed)  # noqa: S301 (what this process itself packed)

    async def open(self, *, concurrency: int) -> None:
        await self._target.open(concurrency=concurrency)

    async def ask(self, item: GoldItem) -> Reply | tuple[str, bool, float | None]:
        try:
            return await self._target.ask(item)
        except TargetFailure as failure:
            return failure.message, failure.transient, failure.retry_after_s

    async def close(self) -> None:
        await self._target.close()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "Ray is not installed", where="--engine ray", hint="pip install 'launchworthy[ray]'"
        ) from error
    return ray


def _reason(error: Exception) -> str:
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, LaunchworthyError):
        return cause.message
    lines = str(cause).strip().splitlines()  # Ray puts the worker's traceback before what it says
    return f"{type(cause).__name__}: {lines[-1][:300] if lines else ''}"
