"""The parts of ``launchworthy judge``: what the contract says of a judge, how it is asked, what is printed.

May import every room; heavy ones are loaded where they are used.
"""
