"""AWS on a loopback port, strict where a deployment goes wrong in real life.

    python -m tests.standins.aws.server PORT

SageMaker, its runtime and an image registry are played here; STS, IAM, ECR, S3, Logs and Secrets Manager by moto in
the same process, so that the parts know each other: a model needs a role that SageMaker may assume, an image that
was really pushed as a Docker v2 manifest, buckets that exist. An endpoint is Creating for a while, cannot be changed
meanwhile, and calls the real container named in the settings. The registry answers under /v2/ and files what is
pushed in ECR, if the repository was made before.

    POST /_standin/settings   {"seconds": 1, "invoke_url": "http://127.0.0.1:8080", "faults": {...}}
    POST /_standin/reset      forget everything
    GET  /_standin/state      {"endpoints": [...], "configs": [...], "models": [...], "jobs": {...}, "calls": [...]}

Faults: "endpoint": {"reason", "log": [...]} new endpoints fail; "update": true updates roll back; "job": {"reason"};
"late_role": N the first N uses of any role are refused, as right after its creation.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import run_simple
from werkzeug.wrappers import Request, Response

from tests.standins.aws import rules

ACCOUNT = "123456789012"
DOCKER_V2 = "application/vnd.docker.distribution.manifest.v2+json"
Answer = dict[str, Any]


class Refused(Exception):
    """An error answer of the service."""

    def __init__(self, message: str, code: str = "ValidationException", status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.code, self.status, self.more = code, status, more


class Sagemaker:
    """One account's SageMaker in all regions, in memory."""

    def __init__(self) -> None:
        self.seconds, self.invoke_url, self.faults = 1.0, "", {}
        self.models: dict[str, Answer] = {}
        self.configs: dict[str, Answer] = {}
        self.endpoints: dict[str, Answer] = {}
        self.jobs: dict[str, Answer] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.calls: list[str] = []
        self.lock = threading.RLock()

    # --- what is shared ---

    def call(self, operation: str, request: Answer, region: str) -> Answer:
        with self.lock:
            self.calls.append(operation)
            handler = getattr(self, "on_" + operation, None)
            if handler is None:
                raise Refused(f"This stand-in does not know {operation}.", "UnknownOperationException")
            found = rules.violations("sagemaker", operation, request)
            if found:
                raise Refused(f"{len(found)} validation errors detected: {'; '.join(found)}")
            for name in list(self.endpoints):
                self.advance(name)
            return handler(request, region)

    def arn(self, kind: str, name: str, region: str) -> str:
        return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name.lower()}"

    def add(self, shelf: dict[str, Answer], kind: str, key: str, request: Answer, region: str) -> Answer:
        name, arn = request[key], self.arn(kind, request[key], region)
        if name.lower() in {one.lower() for one in shelf}:
            raise Refused(f'Cannot create already existing {kind.replace("-", " ")} "{arn}".')
        self.tags[arn] = request.get("Tags", [])
        shelf[name] = {k: v for k, v in request.items() if k != "Tags"}
        shelf[name] |= {key.replace("Name", "Arn"): arn, "CreationTime": time.time()}
        return shelf[name]

    def get(self, shelf: dict[str, Answer], kind: str, name: str, region: str) -> Answer:
        if name not in shelf or f":{region}:" not in next(
            v for k, v in shelf[name].items() if k.endswith("Arn") and ":sagemaker:" in v
        ):
            raise Refused(f'Could not find {kind.replace("-", " ")} "{self.arn(kind, name, region)}".')
        return shelf[name]

    def listing(self, shelf: dict[str, Answer], key: str, request: Answer, *more: str) -> list[Answer]:
        wanted = request.get("NameContains", "").lower()
        keys = (key, key.replace("Name", "Arn"), "CreationTime", *more)
        return [{k: one[k] for k in keys if k in one} for one in shelf.values() if wanted in one[key].lower()]

    def on_ListTags(self, request: Answer, region: str) -> Answer:
        if request["ResourceArn"] not in self.tags:
            raise Refused(f"Could not find {request['ResourceArn']}.")
        return {"Tags": self.tags[request["ResourceArn"]]}

    def need_bucket(self, uri: str) -> str:
        name = uri.removeprefix("s3://").split("/")[0]
        if name not in s3_backends[ACCOUNT]["aws"].buckets:
            raise Refused(f"The S3 bucket {name} of {uri} does not exist.")
        return uri

    # --- models ---

    def on_CreateModel(self, request: Answer, region: str) -> Answer:
        self.need_role(request["ExecutionRoleArn"])
        self.need_image(request["PrimaryContainer"]["Image"])
        box = request["PrimaryContainer"]
        uri = box.get("ModelDataUrl") or box.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
        if uri:
            bucket, _, key = self.need_bucket(uri).removeprefix("s3://").partition("/")
            if not [k for k in s3_backends[ACCOUNT]["aws"].buckets[bucket].keys if k.startswith(key)]:
                raise Refused(f"Could not find model data at {uri}.")
        return {"ModelArn": self.add(self.models, "model", "ModelName", request, region)["ModelArn"]}

    def need_role(self, arn: str) -> None:
        name = arn.rpartition("/")[2]
        wrong = f"Could not assume role {arn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role."
        try:
            trust = json.dumps(iam_backends[ACCOUNT]["aws"].get_role(name).assume_role_policy_document)
        except Exception as error:  # moto's own not-found error
            raise Refused(wrong) from error
        if "sagemaker.amazonaws.com" not in trust or f":{ACCOUNT}:" not in arn:
            raise Refused(wrong)
        if self.faults.get("late_role", 0) > 0:
            self.faults["late_role"] -= 1
            raise Refused(wrong)

    def need_image(self, image: str) -> None:
        found = re.fullmatch(r"[^/]+/([^:@]+)(?::([^@]+)|@(sha256:[0-9a-f]{64}))", image)
        region = re.search(r"\.ecr\.([a-z0-9-]+)\.", image)
        place = ecr_backends[ACCOUNT][region.group(1) if region else "us-east-1"].repositories
        images = place[found.group(1)].images if found and found.group(1) in place else []
        for one in images:
            if found and (found.group(2) in one.image_tags or one.get_image_digest() == found.group(3)):
                if one.image_manifest_media_type != DOCKER_V2:
                    raise Refused(
                        f"Unsupported manifest media type {one.image_manifest_media_type} for image {image}."
                    )
                return
        raise Refused(f"Requested image {image} not found.")

    def on_DescribeModel(self, request: Answer, region: str) -> Answer:
        return self.get(self.models, "model", request["ModelName"], region)

    def on_DeleteModel(self, request: Answer, region: str) -> Answer:
        self.get(self.models, "model", request["ModelName"], region)
        del self.models[request["ModelName"]]
        return {}

    def on_ListModels(self, request: Answer, region: str) -> Answer:
        return {"Models": self.listing(self.models, "ModelName", request)}

    # --- endpoint configurations ---

    def on_CreateEndpointConfig(self, request: Answer, region: str) -> Answer:
        for variant in request["ProductionVariants"]:
            self.get(self.models, "model", variant["ModelName"], region)
        for uri in request.get("AsyncInferenceConfig", {}).get("OutputConfig", {}).values():
            self.need_bucket(uri)
        made = self.add(self.configs, "endpoint-config", "EndpointConfigName", request, region)
        return {"EndpointConfigArn": made["EndpointConfigArn"]}

    def on_DescribeEndpointConfig(self, request: Answer, region: str) -> Answer:
        return self.get(self.configs, "endpoint-config", request["EndpointConfigName"], region)

    def on_DeleteEndpointConfig(self, request: Answer, region: str) -> Answer:
        name = request["EndpointConfigName"]
        self.get(self.configs, "endpoint-config", name, region)
        if any(one["EndpointConfigName"] == name for one in self.endpoints.values()):
            raise Refused(f"{name} is used by an endpoint: deleting it would strand the endpoint.")
        del self.configs[name]
        return {}

    def on_ListEndpointConfigs(self, request: Answer, region: str) -> Answer:
        return {"EndpointConfigs": self.listing(self.configs, "EndpointConfigName", request)}

    # --- endpoints ---

    def advance(self, name: str) -> None:
        """Let the time that has passed take effect."""
        one = self.endpoints[name]
        if time.time() < one["_until"] or not one["_next"]:
            return
        status, one["_next"] = one["_next"], ""
        if status == "Gone":
            del self.endpoints[name]
            return
        one["EndpointStatus"] = status
        if one.get("_config"):
            one["EndpointConfigName"] = one.pop("_config")
        if status == "Failed":
            fault = self.faults["endpoint"]
            one["FailureReason"] = fault["reason"]
            self.log(
                one["EndpointArn"].split(":")[3],
                f"/aws/sagemaker/Endpoints/{name}",
                "AllTraffic/i-0123",
                fault.get("log", []),
            )

    def on_CreateEndpoint(self, request: Answer, region: str) -> Answer:
        self.get(self.configs, "endpoint-config", request["EndpointConfigName"], region)
        one = self.add(self.endpoints, "endpoint", "EndpointName", request, region)
        one |= {"EndpointStatus": "Creating", "LastModifiedTime": time.time(), "_until": time.time() + self.seconds}
        one["_next"] = "Failed" if "endpoint" in self.faults else "InService"
        if one["_next"] == "InService":
            self.log(
                region,
                f"/aws/sagemaker/Endpoints/{request['EndpointName']}",
                "AllTraffic/i-0123",
                ["server is ready"],
            )
        return {"EndpointArn": one["EndpointArn"]}

    def settled(self, name: str, region: str, *allowed: str) -> Answer:
        one = self.get(self.endpoints, "endpoint", name, region)
        if one["EndpointStatus"] not in allowed:
            raise Refused(f'Cannot update in-progress endpoint "{one["EndpointArn"]}".')
        return one

    def on_UpdateEndpoint(self, request: Answer, region: str) -> Answer:
        one = self.settled(request["EndpointName"], region, "InService")
        self.get(self.configs, "endpoint-config", request["EndpointConfigName"], region)
        one |= {"EndpointStatus": "Updating", "_until": time.time() + self.seconds, "_next": "InService"}
        if not self.faults.get("update"):
            one["_config"] = request["EndpointConfigName"]
        return {"EndpointArn": one["EndpointArn"]}

    def on_DescribeEndpoint(self, request: Answer, region: str) -> Answer:
        one = self.get(self.endpoints, "endpoint", request["EndpointName"], region)
        return {k: v for k, v in one.items() if not k.startswith("_")}

    def on_DeleteEndpoint(self, request: Answer, region: str) -> Answer:
        one = self.settled(request["EndpointName"], region, "InService", "Failed", "OutOfService")
        one |= {"EndpointStatus": "Deleting", "_until": time.time() + self.seconds / 2, "_next": "Gone"}
        return {}

    def on_ListEndpoints(self, request: Answer, region: str) -> Answer:
        return {
            "Endpoints": self.listing(self.endpoints, "EndpointName", request, "EndpointStatus", "LastModifiedTime")
        }

    def log(self, region: str, group: str, stream: str, lines: list[str]) -> None:
        place = logs_backends[ACCOUNT][region]
        if group not in place.groups:
            place.create_log_group(group, {})
        if stream not in place.groups[group].streams:
            place.create_log_stream(group, stream)
        now = int(time.time() * 1000)
        place.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines])

    # --- batch transform ---

    def on_CreateTransformJob(self, request: Answer, region: str) -> Answer:
        model = self.get(self.models, "model", request["ModelName"], region)
        if "ModelDataSource" in model["PrimaryContainer"]:
            raise Refused("ModelDataSource is not supported for batch transform.")
        self.need_bucket(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        self.need_bucket(request["TransformOutput"]["S3OutputPath"])
        job = self.add(self.jobs, "transform-job", "TransformJobName", request, region)
        job |= {"TransformJobStatus": "InProgress", "_until": time.time() + self.seconds}
        return {"TransformJobArn": job["TransformJobArn"]}

    def on_DescribeTransformJob(self, request: Answer, region: str) -> Answer:
        job = self.get(self.jobs, "transform-job", request["TransformJobName"], region)
        if job["TransformJobStatus"] == "InProgress" and time.time() >= job["_until"]:
            self.transform(job, region)
        return {k: v for k, v in job.items() if not k.startswith("_")}

    def transform(self, job: Answer, region: str) -> None:
        source = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        place = s3_backends[ACCOUNT]["aws"]
        keys = [key for key in place.buckets[bucket].keys if key.startswith(prefix)]
        if "job" in self.faults or not keys:
            reason = self.faults["job"]["reason"] if "job" in self.faults else f"No S3 objects found under {source}"
            job |= {"TransformJobStatus": "Failed", "FailureReason": reason}
            self.log(region, "/aws/sagemaker/TransformJobs", job["TransformJobName"] + "/i-0123", [reason])
            return
        out_bucket, _, out_prefix = job["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
        for key in keys:
            body = place.get_object(bucket, key).value
            single = job.get("BatchStrategy") == "SingleRecord"
            parts = body.splitlines() if single else [body]
            answers = [
                self.ask(part, job["TransformInput"].get("ContentType", ""))[2].rstrip(b"\n") for part in parts
            ]
            name = out_prefix + key.removeprefix(prefix).lstrip("/") + ".out"
            place.put_object(out_bucket, name, b"\n".join(answers) + b"\n")
        job["TransformJobStatus"] = "Completed"

    def on_StopTransformJob(self, request: Answer, region: str) -> Answer:
        job = self.get(self.jobs, "transform-job", request["TransformJobName"], region)
        if job["TransformJobStatus"] == "InProgress":
            job["TransformJobStatus"] = "Stopped"
        return {}

    def on_ListTransformJobs(self, request: Answer, region: str) -> Answer:
        found = self.listing(self.jobs, "TransformJobName", request, "TransformJobStatus")
        wanted = request.get("StatusEquals")
        return {"TransformJobSummaries": [one for one in found if wanted in (None, one["TransformJobStatus"])]}

    # --- invocations ---

    def ask(self, body: bytes, content_type: str) -> tuple[int, str, bytes]:
        if not self.invoke_url:
            return 200, "application/json", b'{"predictions": [0]}'
        headers = {"Content-Type": content_type or "application/octet-stream", "Accept": content_type or "*/*"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.invoke_url + "/invocations", body, headers), timeout=60
            ) as got:
                return got.status, got.headers.get("Content-Type", ""), got.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Content-Type", ""), error.read()

    def invoke(self, name: str, request: Request, asynchronous: bool) -> Response:
        with self.lock:
            for one in list(self.endpoints):
                self.advance(one)
            found = self.endpoints.get(name)
            if found is None or found["EndpointStatus"] not in ("InService", "Updating"):
                raise Refused(f"Endpoint {name} of account {ACCOUNT} not found.", "ValidationError")
            config = self.configs[found["EndpointConfigName"]]
        if ("AsyncInferenceConfig" in config) != asynchronous:
            raise Refused(f"Endpoint {name} does not take this kind of invocation.", "ValidationError")
        if not asynchronous:
            status, kind, body = self.ask(request.get_data(), request.headers.get("Content-Type", ""))
            if status != 200:
                text = body.decode(errors="replace")
                said = f'Received server error ({status}) from primary with message "{text}".'
                raise Refused(said, "ModelError", 424, OriginalStatusCode=status, OriginalMessage=text)
            return Response(body, 200, {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}, content_type=kind)
        place = s3_backends[ACCOUNT]["aws"]
        bucket, _, key = request.headers["X-Amzn-SageMaker-InputLocation"].removeprefix("s3://").partition("/")
        body = place.get_object(bucket, key)
        if body is None:
            raise Refused(f"There is no object s3://{bucket}/{key}.", "ValidationError")
        output = config["AsyncInferenceConfig"]["OutputConfig"]
        number = str(uuid.uuid4())
        places = {
            key: output.get(key, output["S3OutputPath"]) + number + ".out"
            for key in ("S3OutputPath", "S3FailurePath")
        }
        status, _, text = self.ask(body.value, request.headers.get("X-Amzn-SageMaker-Content-Type", ""))
        bucket, _, key = (
            places["S3OutputPath" if status == 200 else "S3FailurePath"].removeprefix("s3://").partition("/")
        )
        place.put_object(bucket, key, text)
        headers = {
            "X-Amzn-SageMaker-OutputLocation": places["S3OutputPath"],
            "X-Amzn-SageMaker-FailureLocation": places["S3FailurePath"],
        }
        return Response(json.dumps({"InferenceId": number}), 202, headers, content_type="application/json")


class Registry:
    """The pushing half of a container registry; manifests are filed in moto's ECR of us-east-1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, request: Request) -> Response:
        headers = {"Docker-Distribution-Api-Version": "registry/2.0"}
        found = re.fullmatch(r"/v2/(?:(.+)/(blobs|manifests)/(.*))?", request.path)
        if not found:
            return Response("{}", 404, headers)
        name, kind, rest = found.groups()
        if name is None:
            return Response("{}", 200, headers)
        repositories = ecr_backends[ACCOUNT]["us-east-1"].repositories
        if name not in repositories:
            body = {
                "errors": [{"code": "NAME_UNKNOWN", "message": f"The repository with name '{name}' does not exist"}]
            }
            return Response(json.dumps(body), 404, headers)
        if kind == "manifests":
            return self.manifest(request, name, rest, headers)
        if rest.startswith("uploads"):
            return self.upload(request, name, rest, headers)
        path = self.folder / rest.replace(":", "-")
        if not path.exists():
            return Response(b"", 404, headers)
        return Response(
            b"", 200, headers | {"Content-Length": str(path.stat().st_size), "Docker-Content-Digest": rest}
        )

    def upload(self, request: Request, name: str, rest: str, headers: dict[str, str]) -> Response:
        number = rest.removeprefix("uploads").strip("/") or uuid.uuid4().hex
        path = self.folder / ("upload-" + number)
        with path.open("ab") as file:
            while chunk := request.stream.read(1 << 20):
                file.write(chunk)
            size = file.tell()
        digest = request.args.get("digest")
        if request.method == "PUT" and digest:
            with path.open("rb") as file:
                summed = (
                    hashlib.file_digest(file, "sha256").hexdigest()
                    if hasattr(hashlib, "file_digest")
                    else hashlib.sha256(file.read()).hexdigest()
                )
            if digest != "sha256:" + summed:
                return Response('{"errors": [{"code": "DIGEST_INVALID"}]}', 400, headers)
            path.rename(self.folder / digest.replace(":", "-"))
            return Response(
                b"", 201, headers | {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
            )
        more = {
            "Location": f"/v2/{name}/blobs/uploads/{number}",
            "Docker-Upload-UUID": number,
            "Range": f"0-{max(0, size - 1)}",
        }
        return Response(b"", 202, headers | more)

    def manifest(self, request: Request, name: str, tag: str, headers: dict[str, str]) -> Response:
        place = ecr_backends[ACCOUNT]["us-east-1"]
        if request.method == "PUT":
            text = request.get_data().decode()
            digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
            try:
                place.put_image(name, text, tag, request.content_type, digest)
            except Exception as error:  # moto refuses a tag that is there already with the same image
                if "already exists" not in str(error):
                    raise
            return Response(
                b"", 201, headers | {"Docker-Content-Digest": digest, "Location": f"/v2/{name}/manifests/{digest}"}
            )
        for one in place.repositories[name].images:
            if tag in one.image_tags or tag == one.get_image_digest():
                more = {"Docker-Content-Digest": one.get_image_digest()}
                return Response(one.image_manifest, 200, headers | more, content_type=one.image_manifest_media_type)
        return Response(b"", 404, headers)


class Standin:
    """The WSGI application: ours first, moto for the rest."""

    def __init__(self) -> None:
        self.sagemaker = Sagemaker()
        self.registry = Registry(Path(tempfile.mkdtemp(prefix="registry-")))
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        answer = self.answer(request)
        return (answer or self.moto)(environ, start_response)

    def answer(self, request: Request) -> Response | None:
        target = request.headers.get("X-Amz-Target", "")
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", request.headers.get("Authorization", ""))
        region = scope.group(1) if scope else "us-east-1"
        try:
            if request.path.startswith("/_standin/"):
                return self.control(request)
            if request.path.startswith("/v2/"):
                return self.registry(request)
            if target.startswith("SageMaker."):
                found = self.sagemaker.call(target.partition(".")[2], json.loads(request.get_data() or b"{}"), region)
                return Response(json.dumps(found), content_type="application/x-amz-json-1.1")
            called = re.fullmatch(r"/endpoints/([^/]+)/(async-)?invocations", request.path)
            if called:
                return self.sagemaker.invoke(called.group(1), request, bool(called.group(2)))
        except Refused as error:
            body = {"__type": error.code, "message": str(error), "Message": str(error), **error.more}
            headers = {"x-amzn-ErrorType": error.code}
            return Response(json.dumps(body), error.status, headers, content_type="application/x-amz-json-1.1")
        return None

    def control(self, request: Request) -> Response:
        mine = self.sagemaker
        if request.path.endswith("/reset"):
            with urllib.request.urlopen(
                urllib.request.Request(request.host_url + "moto-api/reset", b"", method="POST"), timeout=30
            ):
                self.sagemaker = Sagemaker()
        elif request.path.endswith("/settings"):
            for name, value in json.loads(request.get_data()).items():
                setattr(mine, name, value)
        for name in list(self.sagemaker.endpoints):
            self.sagemaker.advance(name)
        mine = self.sagemaker
        state = {
            "endpoints": sorted(mine.endpoints),
            "configs": sorted(mine.configs),
            "models": sorted(mine.models),
            "jobs": {name: job["TransformJobStatus"] for name, job in mine.jobs.items()},
            "environments": {
                name: one["PrimaryContainer"].get("Environment", {}) for name, one in mine.models.items()
            },
            "calls": mine.calls,
        }
        return Response(json.dumps(state), content_type="application/json")


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), Standin(), threaded=True)
