"""A Hugging Face Hub for tests: one small HTTP server on loopback that can fail in every way the real one does.

``with HubStandIn() as hub: hub.add("org/name", {"config.json": {...}})`` serves repositories from memory. How a
request fails is decided per repository by ``hub.fail["org/name"]`` and per file by ``hub.fail["org/name/FILE"]``;
``hub.requests`` lists what was asked. Nothing of the package under test is imported.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "89abcdef" * 5

LLAMA_8B: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
    "vocab_size": 128256,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
}
"""A config.json such as a model of 8 billion parameters has; tests of other sizes change what they need."""

FAILURES: dict[str, tuple[int, str, bytes]] = {
    "unauthorized": (401, "", b'{"error": "Invalid username or password."}'),
    "gated-401": (401, "GatedRepo", b"{}"),
    "gated-403": (403, "GatedRepo", b"{}"),
    "forbidden": (403, "", b"{}"),
    "not-found": (404, "RepoNotFound", b"{}"),
    "not-found-401": (401, "RepoNotFound", b"{}"),
    "not-found-plain": (404, "", b"<html>nothing here</html>"),
    "no-revision": (404, "RevisionNotFound", b"{}"),
    "limited": (429, "", b"{}"),
    "broken": (500, "", b"oops"),
    "unavailable": (503, "", b"<html>maintenance</html>"),
    "teapot": (418, "", b""),
    "html": (200, "", b"<html><body>Please log in</body></html>"),
    "truncated": (200, "", b'{"id": "org/name", "siblings": [{"rfil'),
    "list": (200, "", b"[1, 2, 3]"),
    "null": (200, "", b"null"),
    "deep": (200, "", b"[" * 200_000),
    "wrong-types": (200, "", b'{"id": 7, "siblings": "none"}'),
    "wrong-siblings": (200, "", b'{"id": "org/name", "siblings": [{"rfilename": null}]}'),
    "not-utf8": (200, "", b'{"id": "\xff\xfe"}'),
    "empty": (200, "", b""),
}
"""Status, X-Error-Code and body of each plain failure; `slow`, `drip`, `hang-up`, `huge`, `loop`, `away` are more."""


class HubStandIn:
    """The server; a context manager. ``url`` is what HF_ENDPOINT must be."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.info: dict[str, dict[str, Any]] = {}
        self.fail: dict[str, str] = {}
        self.requests: list[str] = []
        self.tokens: list[str | None] = []
        self.away = "http://localhost:1"
        self.stop = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, name: str, files: dict[str, Any], **info: Any) -> None:
        """Serve a repository; values are bytes, text, or anything JSON. ``info`` is added to the model's facts."""
        self.repositories[name] = {
            path: body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
            for path, body in files.items()
        }
        self.info[name] = info

    def __enter__(self) -> HubStandIn:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()

    def describe(self, name: str) -> dict[str, Any]:
        """What GET /api/models/NAME answers."""
        files = self.repositories[name]
        extra = dict(self.info[name])
        sizes = extra.pop("sizes", {})
        siblings = [{"rfilename": path, "size": len(body)} for path, body in files.items()]
        siblings += [{"rfilename": path, "size": size} for path, size in sizes.items()]
        return {"id": name, "sha": COMMIT, "gated": False, "private": False, "siblings": siblings, **extra}


def _handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            hub.requests.append(self.path)
            hub.tokens.append(self.headers.get("Authorization"))
            parts = unquote(urlsplit(self.path).path).strip("/").split("/")
            api = parts[:2] == ["api", "models"]
            parts = parts[2:] if api else parts
            name, rest = "/".join(parts[:2]), parts[2:]
            file = "" if api else "/".join(rest[2:])
            failure = hub.fail.get(name if api else f"{name}/{file}")
            if failure:
                self.misbehave(failure)
            elif name not in hub.repositories:
                self.answer(404, b"{}", "RepoNotFound")
            elif api and rest[:1] == ["revision"] and rest[1] not in ("main", COMMIT):
                self.answer(404, b"{}", "RevisionNotFound")
            elif api:
                self.answer(200, json.dumps(hub.describe(name)).encode())
            elif file in hub.repositories[name]:
                self.answer(200, hub.repositories[name][file])
            else:
                self.answer(404, b"{}", "EntryNotFound")

        def answer(self, status: int, body: bytes, code: str = "", **headers: str) -> None:
            self.send_response(status)
            headers.update({"Content-Length": str(len(body))}, **({"X-Error-Code": code} if code else {}))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def misbehave(self, failure: str) -> None:
            if failure in FAILURES:
                status, code, body = FAILURES[failure]
                self.answer(status, body, code)
            elif failure == "slow":
                hub.stop.wait(60)
            elif failure == "hang-up":
                self.close_connection = True
            elif failure == "loop":
                self.answer(302, b"", Location=self.path)
            elif failure == "away":
                self.answer(307, b"", Location=hub.away + self.path)
            else:
                self.pour(failure)

        def pour(self, failure: str) -> None:
            """A body without end: one byte at a time (drip) or as fast as it goes (huge)."""
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                while not hub.stop.is_set():
                    self.wfile.write(b" " if failure == "drip" else b" " * 1_000_000)
                    if failure == "drip":
                        time.sleep(0.05)
            except OSError:
                return

    return Handler
