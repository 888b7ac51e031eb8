"""The gateway: an OpenAI-compatible address in front of a model, where the contract holds for any client.

A process of its own. It checks, enforces and records; the tools themselves run in the application. May import
``runtime`` and what stands below the server; never the store or the server, whose records it sends like every
other application.
"""

from launchworthy.gateway.keys import add_key
from launchworthy.gateway.serving import GatewayOptions, serve_gateway

__all__ = ["GatewayOptions", "add_key", "serve_gateway"]
