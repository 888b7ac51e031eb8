"""How the tagger is trained: texts made from templates, and the fitting of its weights.

May import what ``pii`` may; an application never loads it. Run as ``python -m``.
"""

__all__: list[str] = []
