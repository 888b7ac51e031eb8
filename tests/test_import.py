"""What ``import launchworthy`` loads: nothing. What its SDK loads: neither the store nor the server."""

from __future__ import annotations

import subprocess
import sys

import pytest

import launchworthy

HEAVY = (
    "numpy",
    "duckdb",
    "pydantic",
    "starlette",
    "sqlalchemy",
    "arro3",
    "uvicorn",
    "aiohttp",
    "jinja2",
    "rich",
)
ROOMS = ("store", "server", "console", "contract", "evals", "gold", "stats", "metrics", "evidence")


def _loaded(code: str) -> set[str]:
    """Modules loaded by code in a fresh interpreter, beyond what the interpreter loads itself."""
    show = "import sys; print(*sys.modules)"
    done, bare = (
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
        for text in (f"{code}\n{show}", show)
    )
    return set(done.split()) - set(bare.split())


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = _loaded("import launchworthy as lw; lw.__version__")
    assert loaded <= {"launchworthy", "__future__"}


def test_decorating_loads_neither_opentelemetrys_sdk_nor_protobuf() -> None:
    loaded = _loaded("import launchworthy as lw\n@lw.workflow\ndef answer(): return 1")
    assert "opentelemetry.trace" in loaded
    assert not {
        name for name in loaded if name.startswith(("opentelemetry.sdk", "google.protobuf", "http.client"))
    }


def test_using_the_sdk_loads_neither_store_nor_server_nor_what_they_need() -> None:
    loaded = _loaded(
        "import launchworthy as lw\n"
        "lw.init(endpoint='http://127.0.0.1:9', product='p', spill_bytes=0, pseudonym_key='k')\n"
        "with lw.workflow('answer'):\n    lw.outcome('resolved')"
    )
    assert "opentelemetry.sdk.trace" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    assert not {name for name in loaded if name.startswith(tuple(f"launchworthy.{room}" for room in ROOMS))}


def test_every_public_name_is_there_and_is_listed() -> None:
    from launchworthy.capture import sdk

    for name in launchworthy.__all__:
        assert getattr(launchworthy, name) is not None
    assert dir(launchworthy) == sorted(launchworthy.__all__)
    elsewhere = {
        *("Answer", "Enforcer", "NoAnswer", "Pending", "Release", "Sandbox"),
        *("__version__", "evaluate", "flags", "shadow"),
    }
    assert set(launchworthy.__all__) - elsewhere <= set(sdk.__all__)
    assert sdk.__all__ == sorted(sdk.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'workflows'"):
        launchworthy.workflows  # noqa: B018
