"""Private, versioned gold sets: items, slices, splits and the holdout budget.

May import ``errors``, ``quantity``, ``records`` and ``stats``. Where versions rest is a Protocol that
``store`` implements.
"""

from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion, Look

__all__ = ["GoldItem", "GoldStore", "GoldVersion", "Look"]
