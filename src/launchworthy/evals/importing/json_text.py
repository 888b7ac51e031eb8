"""JSON as other tools write it: NaN and infinities, which they use for "no value", are read as null.

May import ``errors`` and the standard library.
"""

from __future__ import annotations

import json
from typing import Any

from launchworthy.errors import InputError

__all__ = ["parsed"]


def parsed(body: bytes, *, where: str) -> Any:
    """The document.

    Raises:
        InputError: Not UTF-8, not JSON, or nested too deeply.
    """
    try:
        # Half of a surrogate pair is no text; it would fail where it is stored.
        text = body.decode("utf-8-sig")
        found = json.loads(text, parse_constant=lambda _: None)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise InputError("the file is not UTF-8 text", where=where) from error
    except RecursionError as error:
        raise InputError("the file is nested too deeply", where=where) from error
    except ValueError as error:
        raise InputError(f"the file is not JSON: {str(error)[:200]}", where=where) from error
    return found
