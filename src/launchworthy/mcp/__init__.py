"""An MCP server: assistants read the state of products, and the queue of approvals, over stdio.

Needs the extra ``mcp``. May import ``server`` and every room below it.
"""

from launchworthy.mcp.building import Reach, build_server

__all__ = ["Reach", "build_server"]
