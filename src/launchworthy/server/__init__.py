"""The HTTP application: OTLP endpoints, the API, keys, and the workspace that both it and the CLI use.

Stands on top: may import every room but ``cli`` and ``demo``.
"""
