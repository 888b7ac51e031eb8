"""The pages: one Python file and one template each, drawn from documented dataclasses.

Stands on top: may import every room but ``cli`` and ``demo``.
"""

from launchworthy.console.reading import Reading
from launchworthy.console.routing import routes

__all__ = ["Reading", "routes"]
