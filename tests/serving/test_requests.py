"""Real server processes with their sample models: what they read, answer and refuse."""

from __future__ import annotations

import concurrent.futures
import json
import re

import pytest
from servingkit import running

pytestmark = pytest.mark.slow

ROW, OTHER = [5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]  # a setosa and a virginica
KEYS = [
    ("sklearn", "flask", "joblib"),
    ("sklearn", "fastapi", "joblib"),
    ("xgboost", "flask", "json"),
    ("xgboost", "fastapi", "ubj"),
    ("tensorflow", "flask", "keras"),
    ("tensorflow", "fastapi", "SavedModel"),
]
FURTHER_FORMATS = [
    ("sklearn", "flask", "pkl"),
    ("xgboost", "fastapi", "json"),
    ("xgboost", "flask", "model"),
    ("tensorflow", "fastapi", "keras"),
    ("tensorflow", "flask", "h5"),
]
LIMIT = 20_000
# TensorFlow's C++ part says on stderr that there is no GPU; no setting stops that (tensorflow-cpu has no such lines).
TENSORFLOW_STDERR = re.compile(r"WARNING: All log messages before absl|[IW]\d{4} [\d:.]+ +\d+ \w+\.cc:\d+\] ")
"""What TensorFlow's own C++ writes at start-up (oneDNN, missing CUDA drivers); the server has no say in its form."""


@pytest.fixture(scope="module", params=KEYS, ids="-".join)
def server(request, make_project):
    project, model_dir = make_project(*request.param)
    with running(project, model_dir, MAX_CONTENT_LENGTH=str(LIMIT), SAGEMAKER_MODEL_SERVER_WORKERS="1") as found:
        yield found


def species(prediction):
    """The class of a prediction: itself, or the place of the highest probability."""
    return prediction.index(max(prediction)) if isinstance(prediction, list) else prediction


def test_ping_is_200_with_empty_body(server):
    answer = server.call("GET", "/ping")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"instances": [ROW, OTHER]}, [0, 2]),
        ({"inputs": [OTHER, ROW]}, [2, 0]),
        ([ROW, OTHER, ROW], [0, 2, 0]),
        (OTHER, [2]),
        ({"instances": OTHER}, [2]),
        ({"instances": [[5, 3, 1, 0]]}, [0]),
    ],
    ids=["instances", "inputs", "bare list", "bare row", "one instance", "whole numbers"],
)
def test_json_in_all_its_forms(server, body, expected):
    answer = server.invoke(body)
    assert (answer.status, answer.type) == (200, "application/json"), answer.body
    assert list(answer.json) == ["predictions"]
    assert [species(prediction) for prediction in answer.json["predictions"]] == expected


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV"])
def test_csv_in(server, content_type):
    body = "5.1,3.5,1.4,0.2\r\n6.7, 3.0,5.2,2.3\n\n"
    answer = server.invoke(body, content_type)
    assert answer.status == 200, answer.body
    assert [species(prediction) for prediction in answer.json["predictions"]] == [0, 2]


def test_csv_out(server):
    """Accept text/csv: one line per row, with the very values of the JSON answer."""
    answer = server.invoke([ROW, OTHER], Accept="text/csv")
    assert (answer.status, answer.type) == (200, "text/csv")
    rows = [[float(field) for field in line.split(",")] for line in answer.body.decode().splitlines()]
    plain = server.invoke([ROW, OTHER]).json["predictions"]
    assert rows == [value if isinstance(value, list) else [value] for value in plain]


@pytest.mark.parametrize(
    ("accept", "status", "content_type"),
    [
        ("", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/*", 200, "application/json"),
        ("text/*", 200, "text/csv"),
        ("image/png, text/csv", 200, "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.9", 200, "application/json"),
        ("text/csv;q=0.9, */*;q=0.1", 200, "text/csv"),
        ("image/png", 406, "application/json"),
        ("application/json;q=0", 406, "application/json"),
        ("nonsense;q=;;=,,,", 406, "application/json"),
    ],
)
def test_accept_decides_the_answer(server, accept, status, content_type):
    answer = server.invoke([ROW], Accept=accept)
    assert (answer.status, answer.type) == (status, content_type)


BAD = {
    "empty": (b"", "application/json", 400),
    "only spaces": (b" \n ", "text/csv", 400),
    "cut json": (b'{"instances": [[1, 2', "application/json", 400),
    "not utf-8": (b"\xff\xfe\x00[", "application/json", 400),
    "csv not utf-8": (b"5.1,\xe9,1.4,0.2", "text/csv", 400),
    "deep nesting": (b"[" * 9_000 + b"]" * 9_000, "application/json", (400, 422)),
    "csv with NUL": (b"5.1,\x003.5,1.4,0.2", "text/csv", (400, 422)),
    "form": (b"a=b", "application/x-www-form-urlencoded", 415),
    "pickle": (b"\x80\x04N.", "application/x-pickle", 415),
    "odd type": (b"[]", "\xff/;;;=", 415),
    "no rows": (b'{"instances": []}', "application/json", 422),
    "empty row": (b"[[]]", "application/json", 422),
    "no key": (b'{"rows": [[1, 2, 3, 4]]}', "application/json", 422),
    "null": (b"null", "application/json", 422),
    "a number": (b"5", "application/json", 422),
    "a text": (b'"5.1,3.5,1.4,0.2"', "application/json", 422),
    "three values": (b"[[1, 2, 3]]", "application/json", 422),
    "ragged": (b"[[1, 2, 3, 4], [1, 2, 3]]", "application/json", 422),
    "mixed depth": (b"[[1, 2, 3, 4], 5]", "application/json", 422),
    "too deep": (b"[[[1, 2, 3, 4]]]", "application/json", 422),
    "texts": (b'[["5.1", "3.5", "1.4", "0.2"]]', "application/json", 422),
    "booleans": (b"[[true, true, true, true]]", "application/json", 422),
    "NaN": (b"[[NaN, 1, 2, 3]]", "application/json", 422),
    "infinity": (b"[[1e999, 1, 2, 3]]", "application/json", 422),
    "huge integer": (b"[[" + b"9" * 400 + b", 1, 2, 3]]", "application/json", 422),
    "very huge integer": (b"[[" + b"9" * 6000 + b", 1, 2, 3]]", "application/json", (400, 422)),
    "objects": (b'[{"a": 1}]', "application/json", 422),
    "csv header": (b"a,b,c,d\n5.1,3.5,1.4,0.2", "text/csv", 422),
    "csv ragged": (b"1,2,3,4\n1,2,3", "text/csv", 422),
    "csv nan": (b"nan,2,3,4", "text/csv", 422),
    "too large": (b"[" + b" " * LIMIT + b"]", "application/json", 413),
    "far too large": (b"[" + b" " * (LIMIT * 300) + b"]", "application/json", 413),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_json(server, case):
    """The right status, a code and a message; never a stack trace; the server lives on."""
    body, content_type, status = BAD[case]
    answer = server.invoke(body, content_type)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer.body
    assert answer.type == "application/json"
    assert set(answer.json) == {"error"} and set(answer.json["error"]) == {"code", "message"}
    message = answer.json["error"]["message"]
    assert message and "Traceback" not in message and 'File "' not in message and "\n" not in message
    assert server.invoke([ROW]).status == 200


def test_missing_values_reach_the_model(server, request):
    """null and empty CSV fields are NaN: XGBoost predicts with it, the other sample models cannot."""
    expected = 200 if "xgboost" in request.node.name else 422
    assert server.invoke([[None, 3.5, 1.4, 0.2]]).status == expected
    assert server.invoke(",3.5,1.4,0.2", "text/csv").status == expected


def test_chunked_bodies_count_against_the_limit(server):
    """Without Content-Length the limit still holds, and small bodies still work."""
    headers = {"Content_Type": "application/json", "Transfer_Encoding": "chunked"}
    small = server.call("POST", "/invocations", iter([b"[[5.1,3.5,", b"1.4,0.2]]"]), **headers)
    assert small.status == 200, small.body
    large = server.call("POST", "/invocations", (b" " * 4000 for _ in range(20)), **headers)
    assert (large.status, large.json["error"]["code"]) == (413, "body_too_large")


def test_missing_content_type_means_json(server):
    connection = server.connect()
    connection.putrequest("POST", "/invocations")
    body = json.dumps([ROW]).encode()
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/invocations", 405), ("POST", "/ping", 405), ("GET", "/../../etc/passwd", 404)],
)
def test_other_paths_and_methods(server, method, path, status):
    answer = server.call(method, path)
    assert (answer.status, answer.type) == (status, "application/json")
    assert answer.json["error"]["message"]


def test_one_connection_many_requests(server):
    """Keep-alive works across good and bad requests."""
    connection = server.connect()
    for body, status in [(json.dumps([ROW]), 200), ("{", 400), (json.dumps([[1]]), 422), (json.dumps([OTHER]), 200)]:
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_parallel_requests_do_not_mix(server):
    """64 requests from 16 clients at once: each gets its own answer."""

    def ask(number: int) -> bool:
        rows = [OTHER if number >> bit & 1 else ROW for bit in range(6)]
        got = server.invoke(rows).json["predictions"]
        return [species(prediction) for prediction in got] == [2 * (number >> bit & 1) for bit in range(6)]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(64)))


def test_execution_parameters(server):
    """Batch transform may ask for limits; they follow MAX_CONTENT_LENGTH and the workers."""
    answer = server.call("GET", "/execution-parameters")
    assert answer.status == 200
    assert answer.json == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}


def test_every_log_line_is_json_and_holds_no_payload(server):
    """Runs last: whatever was sent above, one JSON object per line and nothing of a body in it."""
    server.invoke('[["planted-secret-1", 2, 3, 4]]')
    server.invoke("planted-secret-2,2,3,4", "text/csv")
    server.invoke('{"planted-secret-3": 1}')
    lines = [line for line in server.lines if not TENSORFLOW_STDERR.match(line)]
    records = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message"} <= set(record) for record in records)
    assert any(record["message"] == "invocation" and record["status"] == 200 for record in records)
    assert "planted-secret" not in server.log
    assert [record for record in records if record["level"] in ("error", "critical")] == []


@pytest.mark.parametrize("key", FURTHER_FORMATS, ids="-".join)
def test_further_formats(key, make_project):
    """The other model formats load and predict, too."""
    project, model_dir = make_project(*key)
    with running(project, model_dir, SAGEMAKER_MODEL_SERVER_WORKERS="1") as found:
        assert [species(value) for value in found.invoke([ROW, OTHER]).json["predictions"]] == [0, 2]
