"""The frameworks that a pack is mapped to: NIST AI RMF 1.0 functions, and the headings of Annex IV of
Regulation (EU) 2024/1689. Standard library only.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ANNEX_IV", "NIST"]

NIST: Final = {
    "GOVERN": "policies, roles and accountability",
    "MAP": "context, purpose and who may be affected",
    "MEASURE": "what was tested, how, and with what result",
    "MANAGE": "how risks are treated and followed",
}

ANNEX_IV: Final = {
    "1": "General description of the AI system",
    "2": "Elements of the system and of the process for its development",
    "3": "Monitoring, functioning and control",
    "4": "Appropriateness of the performance metrics",
    "5": "Risk management system",
    "6": "Relevant changes through the lifecycle",
    "7": "Harmonised standards applied",
    "8": "EU declaration of conformity",
    "9": "System to evaluate performance after the market (post-market monitoring)",
}
