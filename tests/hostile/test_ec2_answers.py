"""Whatever answers at AWS_ENDPOINT_URL: a finding, within the bounds of time and memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mcc_registry.refresh import aws
from mcc_registry.refresh.common import SourceError
from tests.cli.invoke import invoke

from .hostilekit import ROOT, bounded

pytest.importorskip("boto3")

ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "xxxxxxxxxx">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><r>&j;&j;</r>"
)
Send = Callable[[bytes], None]


def whole(body: bytes, status: str = "200 OK") -> Callable[[Send], None]:
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {len(body)}\r\n\r\n"
    return lambda send: send(head.encode() + body)


def drip(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        send(b" ")
        time.sleep(0.1)


def drip_of_headers(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    while True:
        send(b"x-a: b\r\n")
        time.sleep(0.1)


def endless(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n<a>")
    while True:
        send(b"<b>" * 300_000)


ANSWERS: dict[str, Callable[[Send], None]] = {
    "no XML": whole(b"hello"),
    "nothing": whole(b""),
    "another document": whole(b"<a/>"),
    "entities": whole(ENTITIES),
    "an error that is no XML": whole(b"\x1b[31m", "500 Oops"),
    "deep": whole(b"<a>" * 300_000),
    "a drip": drip,
    "a drip of headers": drip_of_headers,
    "endless": endless,
}


class Server:
    """Answers each connection as it is told."""

    def __init__(self) -> None:
        self.answer: Callable[[Send], None] = whole(b"")
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                self.answer(connection.sendall)
            except OSError:
                return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    for name, value in {
        "AWS_ENDPOINT_URL": made.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    yield made
    made.socket.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_any_answer_of_ec2_is_a_finding(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The time is that of a whole look-up, so that a server cannot stretch it; a machine that is busy needs some."""
    server.answer = ANSWERS[name]
    if "drip" in name:
        monkeypatch.setattr(aws, "EC2_BUDGET_S", 3.0)
    started = time.monotonic()
    with bounded(), pytest.raises(SourceError) as caught:
        aws.read_ec2({"g5.xlarge"})
    assert time.monotonic() - started < aws.EC2_BUDGET_S + 10
    found = caught.value.finding
    assert found.code == "MCC720" and found.message.isprintable() and len(found.message) < 300


def test_a_refresh_against_a_hostile_server_is_a_finding(server: Server) -> None:
    server.answer = ANSWERS["no XML"]
    with bounded():
        done = invoke("refresh", "instances", "--check", "--root", str(ROOT / "registries"), "--format", "json")
    assert done.code == 1 and done.codes == ["MCC720"], done.out + done.err
