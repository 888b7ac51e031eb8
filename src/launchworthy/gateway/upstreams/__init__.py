"""Models that do not speak OpenAI's API: each protocol has an adapter for Chat Completions, there and back.

May import this room. An adapter's library is an extra and is loaded when an address names its protocol, as in
``anthropic+https://api.anthropic.com``.
"""

from launchworthy.gateway.upstreams.adapter import Adapter, adapter_for, protocol_of

__all__ = ["Adapter", "adapter_for", "protocol_of"]
