"""The workspace on open files: every operation answered by the store, the contracts and the judge.

May import every room below ``server``, and ``server``. One process opens a data folder at a time: the server,
or a command while no server runs.
"""

from launchworthy.server.local.workspace import LocalWorkspace

__all__ = ["LocalWorkspace"]
