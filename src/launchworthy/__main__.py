"""``python -m launchworthy`` is the command line."""

from launchworthy.cli import main

main()
