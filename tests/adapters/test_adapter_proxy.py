"""adapter.py answers SageMaker for trtllm-serve: routes, streams, limits, truth about health, and ends."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from typing import Any

import pytest

ENV = {"SM_TENSORRT_LLM_MODEL": "Qwen/Qwen3-4B"}
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def ready(start: Any) -> Any:
    """A running container whose engine is ready."""

    def begin(**environment: str) -> Any:
        return start("tensorrt-llm", {**ENV, **environment}).ready()

    return begin


def test_the_body_chooses_the_route_and_the_model_is_filled_in(ready: Any) -> None:
    running = ready()
    for body, path in ((CHAT, "/v1/chat/completions"), ({"prompt": "hi"}, "/v1/completions")):
        status, answer = running.request("POST", "/invocations", body)
        assert status == 200
        assert json.loads(answer) == {"path": path, "echo": {**body, "model": "Qwen/Qwen3-4B"}}


def test_a_named_model_and_the_exact_bytes_are_left_alone(ready: Any) -> None:
    running = ready()
    body = b'{"model":  "lora-1", "prompt": "\\u00e9"}'
    assert running.request("POST", "/invocations", body)[0] == 200
    assert running.events("request")[0]["body"].encode() == body


def test_a_stream_arrives_piece_by_piece(ready: Any) -> None:
    running = ready()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/invocations", json.dumps({**CHAT, "stream": True}))
    response = connection.getresponse()
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.getheader("Content-Type") == "text/event-stream"
    pieces, times = [], []
    while piece := response.read1(65536):
        pieces.append(piece)
        times.append(time.monotonic())
    connection.close()
    assert b"".join(pieces) == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert times[-1] - times[0] > 0.25  # not kept back until the end


def test_a_broken_stream_is_cut_and_not_ended_politely(ready: Any) -> None:
    running = ready()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/invocations", json.dumps({**CHAT, "stream": True, "user": "break"}))
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()
    assert running.request("POST", "/invocations", CHAT)[0] == 200


def test_a_client_that_leaves_makes_the_engine_stop(ready: Any) -> None:
    running = ready()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/invocations", json.dumps({**CHAT, "stream": True, "n": 100}))
    connection.getresponse().read1(10)
    connection.close()
    end = time.monotonic() + 8
    while not running.events("client gone"):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 200_000, 400, "not JSON"),
        (b"[]", 400, "messages"),
        (b'"messages"', 400, "messages"),
        (b'{"inputs": "hi"}', 400, "messages"),
    ],
)
def test_bad_bodies_are_answered_in_json(ready: Any, body: bytes, status: int, word: str) -> None:
    got, answer = ready().request("POST", "/invocations", body)
    assert got == status
    assert word in json.loads(answer)["error"]


def test_an_engine_failure_shows_no_stack_trace_and_a_client_error_passes(ready: Any) -> None:
    running = ready()
    status, answer = running.request("POST", "/invocations", {**CHAT, "user": "fail"})
    assert status == 500
    assert b"Traceback" not in answer
    assert b"secret" not in answer
    assert running.request("POST", "/invocations", {**CHAT, "user": "wrong"}) == (
        422,
        b'{"error": "temperature must not be negative"}',
    )


def test_a_body_over_the_limit_is_refused_and_the_server_lives(ready: Any) -> None:
    running = ready()
    status, answer = running.request("POST", "/invocations", b" " * (25 * 1024 * 1024 + 1), timeout=30)
    assert status == 413
    assert "26214400" in json.loads(answer)["error"]
    assert running.request("POST", "/invocations", CHAT)[0] == 200


def raw(port: int, data: bytes) -> bytes:
    """Send bytes and return everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /invocations HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"411"),
        (b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"DELETE /invocations HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
        (b"POST /invocations\r\n\r\n", b"Bad HTTP/0.9 request"),
        (b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", b"404"),
    ],
)
def test_odd_requests_get_json_and_never_html(ready: Any, data: bytes, status: bytes) -> None:
    running = ready()
    answer = raw(running.port, data)
    assert status in answer
    assert b"<html" not in answer.lower()
    assert b'{"error": ' in answer
    assert running.request("GET", "/ping")[0] == 200


def test_ping_says_503_until_the_engine_is_ready(start: Any) -> None:
    running = start("tensorrt-llm", {**ENV, "STANDIN_MODE": "slow-start"})
    seen = set()
    end = time.monotonic() + 15
    while 200 not in seen and time.monotonic() < end:
        try:
            seen.add(running.request("GET", "/ping")[0])
        except OSError:
            assert running.process.poll() is None, running.text()
        time.sleep(0.05)
    assert seen == {503, 200}


def test_an_engine_that_dies_later_ends_the_container_with_its_status(ready: Any) -> None:
    running = ready(STANDIN_MODE="die-later")
    status, answer = running.request("POST", "/invocations", CHAT)
    assert status == 503
    assert json.loads(answer) == {"error": "the engine does not answer"}
    assert running.ended(10) == 7
    assert '"engine ended", "status": 7' in running.text()
    assert "Traceback" not in running.text()


def test_an_engine_that_is_killed_ends_the_container_with_a_failure(ready: Any) -> None:
    running = ready()
    os.kill(running.events("started")[0]["pid"], signal.SIGKILL)
    assert running.ended(10) == 1


def test_sigterm_lets_the_running_request_end_and_refuses_new_ones(ready: Any) -> None:
    running = ready(STANDIN_SLOW_S="1.5")
    answers: list[tuple[int, bytes]] = []
    thread = threading.Thread(target=lambda: answers.append(running.request("POST", "/invocations", CHAT)))
    thread.start()
    while not running.events("request"):
        time.sleep(0.02)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    assert running.request("GET", "/ping")[0] == 503
    assert running.request("POST", "/invocations", CHAT)[0] == 503
    thread.join()
    assert answers[0][0] == 200
    assert running.ended(10) == 0
    assert running.events("stopped")


def test_sigterm_does_not_wait_for_ever(ready: Any) -> None:
    running = ready(STANDIN_SLOW_S="30", MCC_DRAIN_SECONDS="0.5")
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=40)
    connection.request("POST", "/invocations", json.dumps(CHAT))
    while not running.events("request"):
        time.sleep(0.02)
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(14) == 0
    connection.close()


def test_sigterm_while_the_engine_still_loads_ends_at_once(start: Any) -> None:
    running = start("tensorrt-llm", {**ENV, "STANDIN_MODE": "never-ready"})
    while not running.events("started"):
        time.sleep(0.05)
    time.sleep(0.2)
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(5) == 0


def test_many_requests_at_once_all_get_their_own_answer(ready: Any) -> None:
    running = ready(STANDIN_SLOW_S="0.2")
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        answers[number] = running.request("POST", "/invocations", {"prompt": f"p{number}"}, timeout=120)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(24)), running.text()
    for number, (status, answer) in answers.items():
        assert status == 200, answer
        assert json.loads(answer)["echo"]["prompt"] == f"p{number}"


def test_every_invocation_leaves_one_line_of_json_in_the_log(ready: Any) -> None:
    running = ready()
    running.request("POST", "/invocations", CHAT)
    running.request("POST", "/invocations", b"{")
    time.sleep(0.2)
    lines = [json.loads(line) for line in running.text().splitlines() if line.startswith("{")]
    # A line is written after its answer was sent, so the two may change places.
    assert sorted(line["status"] for line in lines if line["event"] == "invocation") == [200, 400]


def test_a_taken_port_is_named_and_the_engine_is_not_started(start: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        running = start("tensorrt-llm", {**ENV, "SAGEMAKER_BIND_TO_PORT": port})
        assert running.ended(10) == 1
        assert "adapter: cannot start: " in running.text()
        assert "Address already in use" in running.text()
        assert not running.events("started")
