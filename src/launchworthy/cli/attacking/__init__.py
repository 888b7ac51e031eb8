"""The parts of ``launchworthy redteam``: what is attacked, what is printed.

May import every room; heavy ones are loaded where they are used.
"""
