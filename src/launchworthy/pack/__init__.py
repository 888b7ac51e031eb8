"""The evidence pack: one file that a reviewer reads, and whose every number is recomputed from its own chain.

May import every room up to the provers, and not the store or the server. The pack is a pure function of what
it holds: the contract, the audit chain, and the release and moment that were judged. Verifying it is making
it again.
"""

from launchworthy.pack.archive import PackReport, verify_pack, write_pack
from launchworthy.pack.document import Figure, Pack, Section, Table
from launchworthy.pack.inputs import PACKED, PackInputs, pack_record
from launchworthy.pack.making import make_pack
from launchworthy.pack.page import pack_page

__all__ = [
    "PACKED",
    "Figure",
    "Pack",
    "PackInputs",
    "PackReport",
    "Section",
    "Table",
    "make_pack",
    "pack_page",
    "pack_record",
    "verify_pack",
    "write_pack",
]
