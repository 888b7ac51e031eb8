"""What a request is refused with: a status, and a body that OpenAI's clients and ours both read.

May import ``errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

__all__ = ["Refused"]

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}


class Refused(Exception):
    """A request that is not let through.

    Args:
        status: HTTP status.
        code: A stable word for programs, such as ``model_not_found``.
        message: One sentence that holds nothing of what was sent but names.
        param: Field or header that is wrong.
        hint: What to do.
        headers: Further headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.param, self.hint = param, hint
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        """``error`` with ``message``, ``type``, ``param`` and ``code``, as OpenAI writes it, and our hint."""
        return {
            "error": {
                "message": f"{self.message}; {self.hint}" if self.hint else self.message,
                "type": _TYPES.get(self.status, "api_error"),
                "param": self.param,
                "code": self.code,
                "where": self.param or "",
                "hint": self.hint,
            }
        }

    def body(self) -> bytes:
        """The same as bytes."""
        return orjson.dumps(self.as_json())
