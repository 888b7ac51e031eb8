"""A model that runs here: OpenAI's chat and embedding endpoints, with fixed answers and cached tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "gpt-4o-2024-08-06"
USAGE = {
    "prompt_tokens": 1_200,
    "completion_tokens": 80,
    "total_tokens": 1_280,
    "prompt_tokens_details": {"cached_tokens": 1_024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 32, "audio_tokens": 0},
}
ANSWER = "Use shutil.copytree."
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "search_docs", "arguments": '{"query": "copy a folder"}'},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            self._answer(
                {
                    "object": "list",
                    "model": "text-embedding-3-small",
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
                    "usage": {"prompt_tokens": 8, "total_tokens": 8},
                }
            )
        elif request["messages"][-1]["content"] == "fail":
            self._answer({"error": {"message": "slow down", "type": "rate_limit"}}, status=429)
        elif request.get("stream"):
            self._stream(request)
        else:
            self._answer(_completion(request))

    def _answer(self, value: dict[str, Any], *, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, request: dict[str, Any]) -> None:
        pieces = [{"delta": {"role": "assistant", "content": ""}}]
        pieces += [{"delta": {"content": piece}} for piece in ("Use ", "shutil.", "copytree.")]
        events: list[dict[str, Any]] = [
            _chunk([{"index": 0, "finish_reason": None, **piece}]) for piece in pieces
        ]
        events.append(_chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
        if (request.get("stream_options") or {}).get("include_usage"):
            events.append({**_chunk([]), "usage": USAGE})
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def _chunk(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": choices,
    }


def _completion(request: dict[str, Any]) -> dict[str, Any]:
    asks_tool = bool(request.get("tools")) and request["messages"][-1]["role"] == "user"
    message = (
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
        if asks_tool
        else {"role": "assistant", "content": ANSWER}
    )
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if asks_tool else "stop"}],
        "usage": USAGE,
    }


@contextmanager
def model_server() -> Iterator[str]:
    """The base URL of a server that runs until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
