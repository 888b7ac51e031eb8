"""The demo product: *Ask the Python docs*, run end to end on the documentation every Python carries.

Stands on top, beside ``cli``.
"""
