"""How records get in: the SDK that applications import, and the decoding of what senders post.

May import ``records``, ``quantity`` and ``errors``. The SDK loads neither the store nor the server.
"""
