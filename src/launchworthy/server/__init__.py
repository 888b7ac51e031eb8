"""The HTTP application: OTLP endpoints, the API, keys, and the workspace that both it and the CLI use.

Stands on top: may import every room but ``cli`` and ``demo``.
"""

from typing import TYPE_CHECKING, Any

from launchworthy.server.opening import data_folder, open_workspace, read_note
from launchworthy.server.workspace import ApiKey, ContractVersion, Workspace

if TYPE_CHECKING:
    from launchworthy.server.serving import serve

__all__ = ["ApiKey", "ContractVersion", "Workspace", "data_folder", "open_workspace", "read_note", "serve"]


def __getattr__(name: str) -> Any:
    # The web server is loaded by `up` alone, so that every other command starts without it.
    if name == "serve":
        from launchworthy.server.serving import serve

        return serve
    raise AttributeError(name)
