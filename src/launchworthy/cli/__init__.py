"""The command line: one file per command, loaded only when it is called.

Stands on top: may import every room. A command's file is ``cli/NAME.py`` (``gold_import`` style groups are
one file too) and holds a click command named ``command``.
"""

from launchworthy.cli.main import main

__all__ = ["main"]
