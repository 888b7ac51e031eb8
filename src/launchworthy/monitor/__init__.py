"""Running proof: evidence for claims that only records of use can settle.

A prover: may import everything below it and no other prover.
"""

from launchworthy.monitor.drawing import LabelDraw, asked_rows, draw_calls
from launchworthy.monitor.measuring import PROVES, measure
from launchworthy.monitor.scanned import Drift, Scan
from launchworthy.monitor.scanning import scan
from launchworthy.monitor.scene import References
from launchworthy.monitor.segments import explained
from launchworthy.monitor.shadowed import shadowed

__all__ = [
    "PROVES",
    "Drift",
    "LabelDraw",
    "References",
    "Scan",
    "asked_rows",
    "draw_calls",
    "explained",
    "measure",
    "scan",
    "shadowed",
]
