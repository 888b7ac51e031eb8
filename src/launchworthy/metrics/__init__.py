"""From records to samples: classification, ranking, text, citation, refusal, reliability. Pure.

May import ``stats``, ``records``, ``quantity`` and ``errors``.
"""
