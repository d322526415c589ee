"""Life of a server process: loading, failing, draining, workers. The model is a few lines of Python here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from servingkit import SERVERS, Server, running

pytestmark = pytest.mark.slow

OWNER = r"""
import json, os, time
os.write(1, b"imported\n")
def model_fn(model_dir):
    time.sleep(float(os.environ.get("LOAD_SECONDS", "0")))
    return "model"
def input_fn(body, content_type):
    return json.loads(body)
def predict_fn(data, model):
    if isinstance(data, dict) and "sleep" in data:
        time.sleep(data["sleep"])
    if data == "crash":
        raise RuntimeError("inner detail at /opt/secret/place")
    if data == "exit":
        os._exit(3)
    return os.getpid()
def output_fn(prediction, accept):
    return json.dumps({"pid": prediction}), accept
"""


@pytest.fixture(scope="module", params=SERVERS)
def project(request, make_owner_project):
    return make_owner_project(request.param, OWNER)


def ask_later(server, body):
    """Start a request in a thread; the list gets its answer (or the exception)."""
    answers: list[object] = []

    def run():
        try:
            answers.append(server.invoke(body))
        except OSError as error:
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def test_503_while_loading_then_200(project, tmp_path):
    """/ping answers at once, with 503; a request then waits for the model, within reason."""
    with running(project, tmp_path, ready=False, LOAD_SECONDS="3", SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        server.wait_for(503)
        assert server.invoke({}).status == 200
        assert server.ping() == 200


def test_a_request_does_not_wait_for_ever(project, tmp_path):
    with running(project, tmp_path, ready=False, LOAD_SECONDS="60", SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        server.wait_for(503)
        answer = server.invoke({})
        assert (answer.status, answer.json["error"]["code"]) == (503, "not_ready")
        code, seconds = server.terminate(10)
        assert code == 0 and seconds < 8  # SIGTERM while loading


@pytest.mark.parametrize("model_server", SERVERS)
@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "tensorflow"])
def test_missing_model(make_project, tmp_path, framework, model_server):
    """/ping stays 503; one clear line names the folder and the names that were looked for."""
    model_format = {"sklearn": "joblib", "xgboost": "json", "tensorflow": "SavedModel"}[framework]
    expected = {"sklearn": "model.joblib", "xgboost": "model.json", "tensorflow": "saved_model.pb"}[framework]
    project, _ = make_project(framework, model_server, model_format)
    (tmp_path / "weights.bin").touch()
    with running(project, tmp_path, ready=False, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        (record,) = server.wait_for_log("model not loaded", seconds=90)
        assert record["level"] == "error" and "traceback" not in record
        assert all(text in record["message"] for text in (str(tmp_path), expected, "weights.bin"))
        assert server.ping() == 503
        assert server.invoke([[1, 2, 3, 4]]).status == 503
        assert len(server.records("model not loaded")) == 1


def test_two_candidates_are_no_model(make_project, tmp_path):
    """Several files with the right ending and none with the usual name: we do not guess."""
    project, _ = make_project("sklearn", "flask", "joblib")
    for name in ("a.joblib", "b.joblib"):
        (tmp_path / name).touch()
    with running(project, tmp_path, ready=False, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        assert "a.joblib, b.joblib" in server.wait_for_log("model not loaded")[0]["message"]


@pytest.mark.parametrize("model_server", SERVERS)
@pytest.mark.parametrize(
    ("code", "words"),
    [("def model_fn(:", "SyntaxError"), ("import not_there", "not_there"), ("raise SystemExit(5)", "SystemExit")],
)
def test_broken_inference_file(make_owner_project, tmp_path, model_server, code, words):
    """The process stays, says 503, and the log has the reason with its traceback."""
    project = make_owner_project(model_server, code)
    with running(project, tmp_path, ready=False, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        (record,) = server.wait_for_log("model not loaded")
        assert words in record["message"] and "Traceback" in record["traceback"]
        assert server.ping() == 503 and server.process.poll() is None


def test_failure_in_the_model_is_500_without_details(project, tmp_path):
    """The client gets an error id, the log the traceback under the same id."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        answer = server.invoke(json.dumps("crash"))
        assert (answer.status, answer.json["error"]["code"]) == (500, "internal_error")
        assert b"secret" not in answer.body and b"Traceback" not in answer.body
        (record,) = server.wait_for_log("prediction failed")
        assert "/opt/secret/place" in record["traceback"] and record["error_id"] in answer.json["error"]["message"]
        assert server.ping() == 200


def test_sigterm_drains(project, tmp_path):
    """A request in flight is answered, then the process ends with 0 and nothing listens."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="2") as server:
        thread, answers = ask_later(server, {"sleep": 3})
        time.sleep(1)
        code, seconds = server.terminate(20)
        thread.join(10)
        assert getattr(answers[0], "status", answers[0]) == 200
        assert code == 0 and 1 < seconds < 10
        assert server.ping(timeout=1) is None
        assert all(line.startswith("{") or line == "imported" for line in server.lines), server.log


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_with_idle_connection(project, tmp_path, workers):
    """An open but idle keep-alive connection, or a client that never finishes its request, delays nothing much."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS=workers) as server:
        connection = server.connect()
        connection.request("GET", "/ping")
        connection.getresponse().read()
        server.wait_for_log("model loaded", int(workers))
        code, seconds = server.terminate(29)
        assert code == 0 and seconds < 8, server.log
        connection.close()


def test_sigterm_with_a_stuck_client_and_a_stuck_prediction(project, tmp_path):
    """What does not end in 20 s is cut off, well before SageMaker's SIGKILL after 30 s."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        stuck = socket.create_connection(("127.0.0.1", server.port))
        stuck.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n[")
        thread, _ = ask_later(server, {"sleep": 35})
        time.sleep(1)
        code, seconds = server.terminate(29)
        assert code == 0 and seconds < 27
        stuck.close()
        thread.join(40)


def test_ping_answers_during_long_predictions(project, tmp_path):
    """One worker, four long predictions: /ping does not wait for them (SageMaker gives it 2 s)."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        threads = [ask_later(server, {"sleep": 3})[0] for _ in range(4)]
        time.sleep(0.5)
        started = time.monotonic()
        assert server.ping() == 200 and time.monotonic() - started < 1
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("name", ["SAGEMAKER_MODEL_SERVER_WORKERS", "WEB_CONCURRENCY"])
def test_workers_load_the_model_once_each(project, tmp_path, name):
    """Two workers: two loads, however many requests come."""
    with running(project, tmp_path, **{name: "2"}) as server:
        server.wait_for_log("model loaded", 2)
        pids = {server.invoke({}).json["pid"] for _ in range(40)}
        loaded = server.records("model loaded")
        assert pids <= {record["pid"] for record in loaded} and len(loaded) == 2
        assert server.log.count("imported") == 2
        assert server.records("starting")[0]["workers"] == 2


def test_default_is_a_worker_per_core(project, tmp_path):
    with running(project, tmp_path) as server:
        record = server.records("starting")[0]
        cores = len(os.sched_getaffinity(0))
        assert 1 <= record["workers"] == record["cores"] <= cores
        assert record["omp_num_threads"] == "1"


def test_a_dead_worker_is_replaced(project, tmp_path):
    """A worker killed by the system, or by the model, comes back."""
    with running(project, tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="2") as server:
        server.wait_for_log("model loaded", 2)
        victim = server.records("model loaded")[0]["pid"]
        os.kill(victim, signal.SIGKILL)
        server.wait_for_log("model loaded", 3)
        assert server.invoke({}).status == 200
        code, _ = server.terminate(20)
        assert code == 0


def test_preload_shares_one_load(make_owner_project, tmp_path):
    """MODEL_PRELOAD=true with gunicorn: one load in the main process, all workers ready."""
    project = make_owner_project("flask", OWNER)
    with running(project, tmp_path, MODEL_PRELOAD="true", SAGEMAKER_MODEL_SERVER_WORKERS="2") as server:
        (record,) = server.wait_for_log("model loaded")
        assert record["pid"] == server.process.pid and server.invoke({}).status == 200
        assert server.log.count("imported") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "many"),
        ("WEB_CONCURRENCY", "0"),
        ("SAGEMAKER_BIND_TO_PORT", "99999"),
        ("MAX_CONTENT_LENGTH", "-5"),
    ],
)
def test_wrong_settings_end_with_one_clear_line(project, tmp_path, name, value):
    server = Server(project, tmp_path, **{name: value})
    assert server.process.wait(20) == 1
    server.reader.join(5)
    assert len(server.lines) == 1 and name in server.log and repr(value) in server.log


@pytest.mark.parametrize("arguments", [(), ("serve",)])
def test_serve_argument_is_optional(project, tmp_path, arguments):
    server = Server(project, tmp_path, arguments, SAGEMAKER_MODEL_SERVER_WORKERS="1")
    try:
        server.wait_for(200)
        assert server.terminate(20)[0] == 0
    finally:
        server.process.kill()


def test_other_commands_are_refused(project, tmp_path):
    server = Server(project, tmp_path, ("train",))
    assert server.process.wait(20) == 1
    server.reader.join(5)
    assert "train" in server.log and "Traceback" not in server.log


def test_port_taken_ends_the_process(project, tmp_path):
    """A taken port is an error and not a silent loop."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = Server(project, tmp_path, SAGEMAKER_BIND_TO_PORT=port)
        try:
            assert server.process.wait(30) != 0
        except subprocess.TimeoutExpired:
            server.process.kill()
            raise
