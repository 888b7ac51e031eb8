"""What a command line or a contract names as ``module:name``. May import ``errors``."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError

__all__ = ["load_attribute", "load_function"]


def load_function(address: str, *, what: str = "target") -> Callable[[Any], Any]:
    """The callable at ``module:function``; modules of the current folder are found.

    Raises:
        InputError: No such module or function, or it cannot be imported.
    """
    found = load_attribute(address, what=what)
    if not callable(found):
        raise InputError(f"{address} is {type(found).__name__}, which cannot be called", where=address)
    function: Callable[[Any], Any] = found
    return function


def load_attribute(address: str, *, what: str) -> Any:
    """Whatever is at ``module:name``; modules of the current folder are found.

    Raises:
        InputError: No such module or name, or it cannot be imported.
    """
    module_name, _, path = address.partition(":")
    if not module_name or not path:
        raise InputError(
            f"the {what} {address!r:.80} is neither module:function nor an address",
            hint="write my_app.answer:ask, or http://127.0.0.1:8000/ask",
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise InputError(
                f"there is no module {error.name!r:.80}",
                where=address,
                hint=f"looked in {here} and what is installed",
            ) from error
        raise InputError(f"{module_name} cannot be imported: {error}", where=address) from error
    except (Exception, SystemExit) as error:
        message = f"{module_name} cannot be imported: {type(error).__name__}: {error}"
        raise InputError(message[:500], where=address) from error
    for name in path.split("."):
        if not hasattr(found, name):
            near = [
                other for other in dir(found) if not other.startswith("_") and callable(getattr(found, other))
            ]
            close = difflib.get_close_matches(name, near, n=1)
            hint = f"did you mean {module_name}:{close[0]}?" if close else ""
            raise InputError(f"{module_name} has no {name!r:.80}", where=address, hint=hint)
        found = getattr(found, name)
    return found
