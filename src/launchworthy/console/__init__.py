"""The pages: one Python file and one template each, drawn from documented dataclasses.

Stands on top: may import every room but ``cli`` and ``demo``.
"""
