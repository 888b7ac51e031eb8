"""What is attacked: the target by its address, and what of the product an attack reaches through it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.evals import Target
    from launchworthy.evals.redteam import Attacker, Surface
    from launchworthy.records import Release

__all__ = ["Aim", "aim_at", "release_under_attack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A target, and a way to make it once the surface is known.

    Attributes:
        address: As the command line names it.
        surface: As far as this target lets attacks come.
        make: The target for a surface, with the model that attacks it if one does.
    """

    address: str
    surface: Surface
    make: Callable[[Surface, Attacker | None], Target]


def aim_at(
    address: str,
    contract: Contract,
    surface: Callable[[Mapping[str, tuple[str, ...]]], Surface],
    *,
    request: Any = None,
    responses: Mapping[str, str] | None = None,
    bearer_env: str | None = None,
    prompt: Path | None = None,
    base_url: str | None = None,
    key_env: str | None = None,
    trace_seed: str = "",
    look: bool = True,
) -> Aim:
    """Find the target of an address.

    Args:
        address: ``module:attribute`` (an enforcer, a function that makes one, or a function to be asked),
            ``http://…`` or ``openai:MODEL``.
        contract: Of the product.
        surface: Makes the surface from the arguments of tools, as far as they are known.
        request, responses, bearer_env: Of an endpoint.
        prompt, base_url, key_env: Of a model.
        trace_seed: Together with an attempt's id decides the trace id that an endpoint is sent.
        look: Ask an enforcer something harmless first, to see by which ways attacks reach it.

    Raises:
        InputError: There is no such target, or it enforces another contract.
    """
    from launchworthy.evals import redteam
    from launchworthy.evals.suite import is_function, target_of

    if not is_function(address):
        is_http = address.startswith("http")
        inner = target_of(
            address,
            request=({"input": "{input}", "context": "{context}"} if request is None else request)
            if is_http
            else None,
            response=responses,
            bearer_env=bearer_env,
            prompt=prompt,
            base_url=base_url,
            key_env=key_env,
            trace_seed=trace_seed,
        )
        takes_context = not is_http or request is None or "{context}" in str(request)
        carriers: tuple[str, ...] = ("user", "document") if takes_context else ("user",)
        seen = surface({})
        seen = replace(
            seen, carriers=carriers, has_system=not is_http, tools=seen.tools if is_http else ()
        )  # a model alone calls no tool
        return Aim(
            address=address,
            surface=seen,
            make=lambda own, attacker: redteam.AttackedTarget(
                inner, contract, own, planted=not is_http, attacker=attacker
            ),
        )
    found = _loaded(address, contract)
    if not callable(found):
        arguments = {name: _parameters(each) for name, each in found.rules.tools.functions.items()}
        seen = surface({name: own for name, own in arguments.items() if own})
        seen = replace(
            seen, tools=tuple(tool for tool in seen.tools if tool.name in found.rules.tools.functions)
        )
        if look:
            ways = redteam.seen_of(found, seen)
            carriers = tuple(way for way in ways if way != "system")
            seen = replace(seen, carriers=carriers, has_system="system" in ways)
        return Aim(
            address=address,
            surface=seen,
            make=lambda own, attacker: redteam.enforcer_target(found, own, name=address, attacker=attacker),
        )
    return Aim(
        address=address,
        surface=redteam.surface_of_function(found, surface({})),
        make=lambda own, attacker: redteam.function_target(
            found, contract, own, name=address, attacker=attacker
        ),
    )


def _loaded(address: str, contract: Contract) -> Any:
    """An enforcer, or a function that is to be asked."""
    from launchworthy.errors import InputError
    from launchworthy.functions import load_attribute
    from launchworthy.runtime.enforcer import Enforcer

    found = load_attribute(address, what="target")
    if not isinstance(found, Enforcer) and callable(found) and not _parameters(found):
        found = found()
    if isinstance(found, Enforcer):
        if found.product != contract.product:
            raise InputError(
                f"{address} enforces {found.product}, and the contract is of {contract.product}",
                where="--target",
                hint="name the contract that the application loads: --contract FILE",
            )
        return found
    if not callable(found):
        raise InputError(
            f"{address} is {type(found).__name__}: neither an enforcer nor a function",
            where="--target",
            hint="name what Enforcer.load(…) answered, or a function of the user's text",
        )
    return found


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(each.name for each in found if each.name != "idempotency_key")


def release_under_attack(
    address: str, contract: Contract, *, folder: Path, described: Path | None
) -> Release:
    """The release that is attacked: described by a file, else by the contract, else by the target itself."""
    from launchworthy.evals import read_release, release_of, source_of, target_release
    from launchworthy.evals.suite import is_function

    if described is not None:
        return read_release(described)
    found = release_of(contract, folder=folder)
    if found is not None:
        return found
    return target_release(address, source=source_of(address) if is_function(address) else None)
