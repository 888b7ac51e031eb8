"""What is enforced during a call: guards, permission, approval, budgets, fallbacks, the no-answer policy.

May import ``contract``, ``metrics``, ``stats``, ``capture``, ``records``, ``functions``, ``quantity`` and
``errors``; never the store or the server, for applications load this room.
"""
