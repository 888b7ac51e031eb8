"""Other spellings of the same facts: each dialect is turned into the names of ``records.attributes``.

Every dialect is a module with a table of names, used by the receiver and shown in ``docs/receiver.md``.
May import ``records`` and this room's ``otlp``.
"""

from launchworthy.capture.dialects.translation import translate

__all__ = ["translate"]
