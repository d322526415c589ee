"""With a real engine: do/build, do/run, do/test, do/push to a registry that files in ECR, do/deploy, do/clean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifecycle.conftest import BASE, Aws, docker
from tests.lifecycle.project import PREDICTIVE
from tests.lifecycle.test_against_standin import NOTHING, left, run

pytestmark = [pytest.mark.slow, pytest.mark.container]
SERVER = """
import http.server, json, signal, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        rows = json.loads(body)["instances"] if "json" in self.headers["Content-Type"] else body.split()
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({"predictions": [0] * len(rows)}).encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
assert sys.argv[1:] == ["serve"], sys.argv
http.server.HTTPServer(("0.0.0.0", 8080), H).serve_forever()
"""


def test_from_build_to_clean_with_a_real_container_and_a_real_push(
    engine: Aws, make_project: Callable[..., Path]
) -> None:
    project = make_project(PREDICTIVE, project_name="lifecycle-proof")
    (project / "server.py").write_text(SERVER)
    (project / "Dockerfile").write_text(
        f'FROM {BASE}\nCOPY server.py /server.py\nENTRYPOINT ["python3", "-u", "/server.py"]\n'
    )
    run(project, engine, "build")
    run(project, engine, "run")
    assert run(project, engine, "test").stderr.count(": right") == 2
    pushed = run(project, engine, "push")
    assert "making the ECR repository" in pushed.stderr and "SageMaker can read the image" in pushed.stderr
    image = engine.call("ecr", "describe_images", repositoryName="lifecycle-proof")["imageDetails"][0]
    assert image["imageManifestMediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    run(project, engine, "push")  # safe to repeat

    engine.tell("settings", invoke_url=f"http://127.0.0.1:{engine.env['PORT']}", seconds=1)
    run(project, engine, "deploy", "--create-role")
    assert run(project, engine, "test", "--endpoint").stderr.count(": right") == 2
    run(project, engine, "clean", "--all")
    assert left(engine) == NOTHING
    assert engine.call("ecr", "describe_repositories")["repositories"] == []
    assert docker("inspect", "lifecycle-proof").returncode != 0  # the local container is gone too


def test_a_push_without_an_image_says_what_to_do(engine: Aws, make_project: Callable[..., Path]) -> None:
    project = make_project(PREDICTIVE, project_name="lifecycle-proof")
    assert "run do/build first" in run(project, engine, "push", ok=False).stderr
