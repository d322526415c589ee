"""A stand-in for vLLM, SGLang and trtllm-serve: it knows the options of a release, fails on any other, and serves.

It uses no accelerator and no package outside the standard library. What the engines answer is imitated only as far
as the adapters can see it: options, routes, streams, signals and the ways to die.

Environment:
    STANDIN_RELEASE   the release whose options it knows
    STANDIN_RECORD    file that gets one JSON line per event: started, request, stopped
    STANDIN_MODE      ok (default), die-at-start, die-later (on the first invocation), never-ready, slow-start
    STANDIN_SLOW_S    seconds that a completion takes (default 0)
"""

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve()
OPTIONS = HERE.with_name("options.json")
"""The option tables, by engine."""
MODE = os.environ.get("STANDIN_MODE", "ok")
SLOW_S = float(os.environ.get("STANDIN_SLOW_S", "0"))


PROGRAM = """#!/usr/bin/env python3
import sys

import recording_engine

words = sys.argv[1:]
{check}recording_engine.main("{engine}", words)
"""
CHECK = """if words[:1] != ["serve"]:
    sys.exit("vllm: the first argument must be serve")
del words[0]
"""
ENTRANCES = {
    "bin/vllm": PROGRAM.format(engine="vllm", check=CHECK),
    "bin/trtllm-serve": PROGRAM.format(engine="tensorrt-llm", check=""),
    "lib/vllm/entrypoints/openai/api_server.py": PROGRAM.format(engine="vllm", check=""),
    "lib/sglang/launch_server.py": PROGRAM.format(engine="sglang", check=""),
}
"""What starts an engine: a program, or a module for ``python3 -m``."""


def install(folder):
    """The folder, with programs in bin/ (for PATH) and modules in lib/ (for PYTHONPATH)."""
    for name, text in ENTRANCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    for path in (HERE, OPTIONS):
        shutil.copy(path, folder / "lib")
    return folder


def record(**event):
    """Append one event to the record file."""
    path = os.environ.get("STANDIN_RECORD")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def json_text(text):
    """Accept JSON objects and arrays only, as the engines' JSON options do."""
    value = json.loads(text)
    if not isinstance(value, (dict, list)):
        raise ValueError("neither object nor array")
    return value


def parser_for(engine, release):
    """Return a parser that knows exactly the options of that release."""
    table = json.loads(OPTIONS.read_text(encoding="utf-8"))[engine]
    order = table["releases"]
    now = order.index(release)
    parser = argparse.ArgumentParser(prog=engine, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for row in table["options"].values():
        if row.get("since") and now < order.index(row["since"]):
            continue
        if row.get("removed_in") and now >= order.index(row["removed_in"]):
            continue
        names, takes = row["names"], row["takes"]
        if takes == "switch":
            parser.add_argument(*names, action="store_true")
        elif takes == "switch and --no-switch":
            parser.add_argument(*names, action=argparse.BooleanOptionalAction)
        elif takes == "values":
            parser.add_argument(*names, nargs="+")
        else:
            kind = {"int": int, "float": float, "json": json_text}.get(takes, str)
            parser.add_argument(*names, type=kind)
    return parser


class Listener(ThreadingHTTPServer):
    """A server that takes many connections at once, as the engines' own servers do."""

    request_queue_size = 128


class Engine(BaseHTTPRequestHandler):
    """The routes of the three engines."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer health and model questions."""
        ready = MODE != "never-ready" and time.monotonic() > self.server.ready_at
        known = {"/health"} if self.server.engine == "tensorrt-llm" else {"/health", "/ping"}
        if self.path in known:
            self.reply(200 if ready else 503, b"")
        else:
            self.reply(404, b"{}")

    def do_POST(self):
        """Echo a completion, stream one, or fail the way the request asks for."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        record(event="request", path=self.path, body=body.decode())
        own = {"/v1/chat/completions", "/v1/completions"}
        if self.path not in (own if self.server.engine == "tensorrt-llm" else own | {"/invocations"}):
            return self.reply(404, b"{}")
        request = json.loads(body)
        if MODE == "die-later":
            os._exit(7)
        if request.get("user") == "fail":
            return self.reply(500, b'Traceback (most recent call last): File "/secret/place.py"')
        if request.get("user") == "wrong":
            return self.reply(422, b'{"error": "temperature must not be negative"}')
        time.sleep(SLOW_S)
        if not request.get("stream"):
            return self.reply(200, json.dumps({"path": self.path, "echo": request}).encode())
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number in range(request.get("n", 3)):
                piece = f"data: {number}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if request.get("user") == "break":
                    self.close_connection = True
                    return None
                time.sleep(0.2)
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            record(event="client gone")
        return None

    def reply(self, status, body):
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Stay silent."""


def main(engine, argv):
    """Check the options, then serve until SIGTERM."""
    parser = parser_for(engine, os.environ["STANDIN_RELEASE"])
    if engine == "tensorrt-llm" or (engine == "vllm" and argv and not argv[0].startswith("-")):
        parser.add_argument("model_tag")
    options = vars(parser.parse_args(argv))
    secrets = {name: os.environ[name] for name in ("HF_TOKEN",) if name in os.environ}
    record(event="started", pid=os.getpid(), argv=argv, options=options, environment=secrets)
    if MODE == "die-at-start":
        print("stand-in: CUDA driver version is insufficient", file=sys.stderr)
        sys.exit(3)
    host = {"localhost": "127.0.0.1", None: "0.0.0.0"}.get(options.get("host"), options.get("host"))
    server = Listener((host, options.get("port", 8000)), Engine)
    server.engine = engine
    server.ready_at = time.monotonic() + (1.5 if MODE == "slow-start" else 0)

    def stop(*_):
        record(event="stopped")
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
