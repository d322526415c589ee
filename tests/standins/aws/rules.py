"""What the real service would answer to a request: botocore's model, read strictly, and the rules it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session

NVME_FAMILIES = {"g4dn", "g5", "g6", "g6e", "g7e", "p4d", "p4de", "p5", "p5e", "p5en", "c5d", "m5d", "r5d"}
# Source: facts/sagemaker.md, "Disk" (instance types with local NVMe take no VolumeSizeInGB).
_MODELS: dict[str, Any] = {}


def service(name: str) -> Any:
    if name not in _MODELS:
        _MODELS[name] = botocore.session.get_session().get_service_model(name)
    return _MODELS[name]


def violations(service_name: str, operation: str, request: Any) -> list[str]:
    """Every way in which a request breaks the service's model or the rules beside it."""
    shape = service(service_name).operation_model(operation).input_shape
    found = list(_walk(shape, request, operation)) if isinstance(request, dict) else ["the request is no object"]
    if not found and service_name == "sagemaker":
        found = list(_beside(operation, request))
    return found


def _walk(shape: Any, value: Any, where: str) -> Iterator[str]:
    limits = shape.metadata
    kinds = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "float": (int, float),
        "double": (int, float),
    }
    kind = kinds.get(shape.type_name)
    if kind is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        yield f"{where}: {shape.type_name} wanted, not {value!r}"
        return
    size = value if isinstance(value, (int, float)) else len(value) if hasattr(value, "__len__") else None
    if shape.type_name != "structure" and size is not None and not isinstance(value, bool):
        if size < limits.get("min", size):
            yield f"{where}: {value!r} is below the minimum {limits['min']}"
        if size > limits.get("max", size):
            yield f"{where}: {value!r} is above the maximum {limits['max']}"
    if shape.type_name == "structure":
        yield from (f"{where}.{name} is missing" for name in shape.required_members if name not in value)
        for name, item in value.items():
            if name not in shape.members:
                yield f"{where}.{name} is unknown"
            else:
                yield from _walk(shape.members[name], item, f"{where}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _walk(shape.member, item, f"{where}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{where} key")
            yield from _walk(shape.value, item, f"{where}[{key!r}]")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{where}: {value!r} is not one of {', '.join(shape.enum[:6])}..."
        pattern = limits.get("pattern")
        if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"{where}: {value!r} does not match {pattern}"


def _beside(operation: str, request: dict[str, Any]) -> Iterator[str]:
    """Rules that only the guide states. Source: facts/sagemaker.md."""
    if operation == "CreateModel":
        if "ExecutionRoleArn" not in request:
            yield "ExecutionRoleArn is needed"
        boxes = [request.get("PrimaryContainer"), *request.get("Containers", [])]
        for box in filter(None, boxes):
            env = box.get("Environment", {})
            if len(env) > 100 or sum(len(k) + len(v.encode()) for k, v in env.items()) > 32 * 1024:
                yield "Environment: more than 100 entries or 32 KB"
            if "ModelDataUrl" in box and not box["ModelDataUrl"].endswith(".tar.gz"):
                yield "ModelDataUrl must be one .tar.gz"
            source = box.get("ModelDataSource", {}).get("S3DataSource")
            if source and source["S3DataType"] == "S3Prefix" and not source["S3Uri"].endswith("/"):
                yield "S3Uri of a prefix must end in /"
    for variant in request.get("ProductionVariants", []) if operation == "CreateEndpointConfig" else []:
        family = variant.get("InstanceType", "ml..").split(".")[1]
        if family in NVME_FAMILIES and "VolumeSizeInGB" in variant:
            yield f"VolumeSizeInGB: {family} hosts have local disks"
        if "ModelName" in variant and "InitialInstanceCount" not in variant:
            yield "InitialInstanceCount is needed"
    if operation == "CreateTransformJob":
        load = request.get("MaxPayloadInMB", 6) * request.get("MaxConcurrentTransforms", 1)
        if load > 100:
            yield "MaxPayloadInMB x MaxConcurrentTransforms is above 100"
        if "BatchStrategy" in request and request["TransformInput"].get("SplitType", "None") == "None":
            yield "BatchStrategy needs a SplitType"
        if len(request.get("Environment", {})) > 16:
            yield "Environment: more than 16 entries"
