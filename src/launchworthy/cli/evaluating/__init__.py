"""The parts of ``launchworthy eval``: what is asked, what the contract promises, what is printed.

May import every room; heavy ones are loaded where they are used.
"""
