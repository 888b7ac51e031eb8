"""The parts of ``launchworthy guard``: reading rows, checking them, and calibrating.

May import every room; heavy ones are loaded where they are used.
"""
