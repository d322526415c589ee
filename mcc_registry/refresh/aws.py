"""Sources at AWS: EC2's description of its types, and the SageMaker service model that botocore carries."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

from ..errors import printable
from .common import SourceError

REGION = "us-east-1"
EXTRA = "pip install 'mcc-registry[refresh]'"
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 30
MAX_PAGES = 200
EC2_BUDGET_S = 60.0
"""Seconds for all pages, retries included; EC2 gives its ten in about ten."""
EC2_MEMORY_BYTES = 512 * 1024 * 1024
"""Address space of the process that asks; boto3 with EC2's model needs about 150 MiB of it, a page 2."""
MAX_ANSWER_CHARS = 4_000_000


@dataclass(frozen=True, slots=True)
class Ec2Type:
    """What EC2 says of one type.

    Attributes:
        architectures: CPU architectures it can run.
        kind: cuda, neuron, cpu or other; other = an accelerator that is neither NVIDIA's nor AWS's.
        name: EC2's name of the accelerator.
        count: whole devices; 0 with a kind other than cpu = a fraction of one.
        memory_mib_each: usable memory of one device in MiB.
    """

    vcpus: int
    memory_mib: int
    architectures: tuple[str, ...]
    kind: str = "cpu"
    name: str | None = None
    count: int = 0
    memory_mib_each: int | None = None


@dataclass(frozen=True, slots=True)
class AmiFacts:
    """What the documentation of an AMI name says; None = nothing."""

    accelerator: str | None = None
    driver_branch: int | None = None
    cuda: str | None = None
    neuron_driver: str | None = None
    compat_mount: str | None = None

    def known(self) -> dict[str, Any]:
        """The facts that are there, under the names of ``amis.yaml``."""
        pairs = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """What botocore's model of SageMaker says.

    Attributes:
        version: botocore's version.
        api: version of the API.
        types: endpoint instance types.
        transform: batch transform instance types.
        amis: InferenceAmiVersion to its facts, in the order of the documentation.
        transform_amis: documented TransformAmiVersion to its facts.
    """

    version: str
    api: str
    types: tuple[str, ...]
    transform: frozenset[str]
    amis: Mapping[str, AmiFacts]
    transform_amis: Mapping[str, AmiFacts] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The service model as a source line."""
        return f"botocore {self.version}, sagemaker {self.api} model"


def read_service_model() -> ServiceModel:
    """The SageMaker service model inside the installed botocore.

    Raises:
        SourceError: botocore is missing, or its model lacks a shape this room reads.
    """
    try:
        botocore, loaders = import_module("botocore"), import_module("botocore.loaders")
    except ImportError:
        raise SourceError("boto3 is not installed; refresh instances reads it", EXTRA) from None
    try:
        loader = loaders.Loader(extra_search_paths=_data_path())
        model = loader.load_service_model("sagemaker", "service-2")
        return parse_service_model(model, botocore.__version__)
    except SourceError:
        raise
    except Exception as error:  # botocore's own kinds; the message may hold paths and nothing secret
        raise SourceError(f"botocore's SageMaker model cannot be read ({type(error).__name__})") from error


def _data_path() -> list[str]:
    """The folders of ``AWS_DATA_PATH``, where every AWS tool looks for newer models first."""
    import os

    return [part for part in os.environ.get("AWS_DATA_PATH", "").split(os.pathsep) if part]


def parse_service_model(model: Mapping[str, Any], version: str) -> ServiceModel:
    """The parts of a service model that registries hold.

    Raises:
        SourceError: a shape is missing.
    """
    try:
        shapes = model["shapes"]
        names = shapes[shapes["ProductionVariant"]["members"]["InferenceAmiVersion"]["shape"]]["enum"]
        documented = parse_amis(
            shapes["ProductionVariant"]["members"]["InferenceAmiVersion"].get("documentation", "")
        )
        transform = shapes["TransformResources"]["members"].get("TransformAmiVersion", {})
        ordered = [*(n for n in documented if n in names), *(n for n in names if n not in documented)]
        return ServiceModel(
            version,
            str(model["metadata"]["apiVersion"]),
            tuple(shapes["ProductionVariantInstanceType"]["enum"]),
            frozenset(shapes["TransformInstanceType"]["enum"]),
            {name: documented.get(name, AmiFacts()) for name in ordered},
            parse_amis(transform.get("documentation", "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        text = f"botocore {version} describes SageMaker in another way: {printable(error)} is missing"
        raise SourceError(text, "refresh must learn the new layout: report it") from error


class _Terms(HTMLParser):
    """Terms of a definition list to the texts of their list items."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.here = ""
        self.term = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Remember where text belongs."""
        if tag in ("dt", "li"):
            self.here = tag
            if tag == "li" and self.term:
                self.found[self.term].append("")

    def handle_endtag(self, tag: str) -> None:
        """Text after the end belongs nowhere."""
        if tag == self.here:
            self.here = ""

    def handle_data(self, data: str) -> None:
        """A term, or a piece of an item's text."""
        if self.here == "dt" and data.strip():
            self.term = data.strip()
            self.found[self.term] = []
        elif self.here == "li" and self.term and self.found[self.term]:
            self.found[self.term][-1] += data


def parse_amis(documentation: str) -> dict[str, AmiFacts]:
    """AMI names and their facts from the API's documentation text.

    Example:
        >>> parse_amis("<dl><dt>a-gpu-1</dt><dd><ul><li><p>NVIDIA driver version: 535.1</p></li></ul></dd></dl>")
        {'a-gpu-1': AmiFacts(accelerator=None, driver_branch=535, cuda=None, neuron_driver=None, compat_mount=None)}
    """
    terms = _Terms()
    terms.feed(documentation)
    terms.close()
    return {name: _ami_facts(lines) for name, lines in terms.found.items()}


def _ami_facts(lines: Collection[str]) -> AmiFacts:
    text = "\n".join(" ".join(line.split()) for line in lines)

    def find(pattern: str) -> str | None:
        match = re.search(pattern, text, re.IGNORECASE)
        return match[1] if match else None

    accelerator = find(r"(?m)^Accelerator: *(.+)$")
    driver = find(r"NVIDIA driver version: *(\d+)")
    kind = None
    if accelerator is not None:
        kind = "neuron" if re.search("inferentia|trainium|neuron", accelerator, re.IGNORECASE) else "cuda"
    return AmiFacts(
        kind,
        int(driver) if driver else None,
        find(r"CUDA(?: driver)? version: *(\d+\.\d+)"),
        find(r"Neuron driver version: *(\d+(?:\.\d+)+)"),
        "disabled" if re.search("disabled CUDA-compat", text, re.IGNORECASE) else None,
    )


def read_ec2(wanted: Collection[str]) -> tuple[dict[str, Ec2Type], str]:
    """EC2's description of types, and the source line for it.

    Whatever answers at ``AWS_ENDPOINT_URL`` is read in a process of its own, under limits of time and memory: botocore
    reads an answer whole, however long it is and however slowly it comes.

    Args:
        wanted: EC2 names (``g5.xlarge``) to keep; EC2 is asked for all its types, page by page.

    Raises:
        SourceError: boto3 is missing, nobody is signed in, EC2 cannot be asked, or a limit is hit.
    """
    import json
    import subprocess
    import sys
    from pathlib import Path

    path = [str(Path(__file__).resolve().parents[2]), *sys.path]
    request = json.dumps({"wanted": sorted(wanted), "path": path, "cpu_s": int(EC2_BUDGET_S) + 1})
    hint = "check the network and AWS_ENDPOINT_URL, or use --offline"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", "-c", CHILD.format(module=__name__)],
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=EC2_BUDGET_S,
            check=False,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise SourceError(f"EC2 was not done with its answer after {EC2_BUDGET_S:g} s", hint) from None
    except OSError as error:
        raise SourceError(f"no process could be started to ask EC2 in ({error.strerror})") from None
    except ValueError:
        raise SourceError("EC2's answer needs too much time or memory", hint) from None
    if "refused" in answer:
        raise SourceError(*answer["refused"])
    types = {name: Ec2Type(**row) for name, row in answer["types"].items()}
    return {name: replace(t, architectures=tuple(t.architectures)) for name, t in types.items()}, answer["source"]


CHILD = """
import json, sys
request = json.loads(sys.stdin.buffer.read())
sys.path[:] = request["path"]
from {module} import answer_in_child
sys.stdout.write(answer_in_child(request))
"""


def answer_in_child(request: Mapping[str, Any]) -> str:
    """What EC2 says, or why it says nothing, as JSON; for the process that :func:`read_ec2` starts, which it limits."""
    import json
    from dataclasses import asdict

    _limit(request["cpu_s"])
    try:
        found, source = ask_ec2(set(request["wanted"]))
        text = json.dumps({"types": {name: asdict(row) for name, row in found.items()}, "source": source})
        if len(text) > MAX_ANSWER_CHARS:
            raise SourceError("the answer is not what EC2 gives: its texts are too long")
        return text
    except SourceError as error:
        return json.dumps({"refused": [error.finding.message, error.finding.hint]})
    except MemoryError:
        return json.dumps({"refused": ["EC2's answer needs too much memory", "check AWS_ENDPOINT_URL"]})


def _limit(cpu_s: int) -> None:
    """Bound the memory and the time of this process."""
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit remains
        return
    for kind, value in (
        (resource.RLIMIT_AS, EC2_MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):  # a stricter limit is already set, or the system has none
            continue


def ask_ec2(wanted: Collection[str]) -> tuple[dict[str, Ec2Type], str]:
    """What :func:`read_ec2` gives, asked in this process, without limits.

    Raises:
        SourceError: boto3 is missing, nobody is signed in, or EC2 cannot be asked.
    """
    try:
        boto3, configs = import_module("boto3"), import_module("botocore.config")
        errors = import_module("botocore.exceptions")
    except ImportError:
        raise SourceError("boto3 is not installed; refresh instances reads it", EXTRA) from None
    config = configs.Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"max_attempts": 3, "mode": "standard"},
    )
    found: dict[str, Ec2Type] = {}
    try:
        client = boto3.client("ec2", region_name=REGION, config=config)
        pages = client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 100})
        for number, page in enumerate(pages):
            if number >= MAX_PAGES:
                raise SourceError(f"EC2 answered with more than {MAX_PAGES} pages")
            for row in page["InstanceTypes"]:
                if row["InstanceType"] in wanted:
                    found[row["InstanceType"]] = parse_ec2_type(row)
        endpoint = str(client.meta.endpoint_url)
    except errors.NoCredentialsError:
        hint = "sign in to AWS (ec2:DescribeInstanceTypes suffices), set AWS_ENDPOINT_URL, or use --offline"
        raise SourceError("EC2 was not asked: no AWS credentials", hint) from None
    except errors.ClientError as error:
        code = printable(error.response.get("Error", {}).get("Code", "an error"))
        hint = "the permission ec2:DescribeInstanceTypes suffices"
        raise SourceError(f"EC2 refused DescribeInstanceTypes: {code}", hint) from None
    except (errors.BotoCoreError, ValueError, OSError) as error:
        hint = "check the network and AWS_ENDPOINT_URL, or use --offline"
        raise SourceError(f"EC2 could not be asked ({type(error).__name__})", hint) from None
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise SourceError(f"the answer is not what EC2 gives ({type(error).__name__}: {printable(error)})") from error
    except SourceError:
        raise
    except Exception as error:  # botocore.parsers.ResponseParserError and whatever else a server can provoke
        hint = "check AWS_ENDPOINT_URL, or use --offline"
        raise SourceError(f"the answer is not what EC2 gives ({type(error).__name__})", hint) from None
    place = "" if re.search(r"\.amazonaws\.com(\.cn)?(/|$)", endpoint) else ", as served at AWS_ENDPOINT_URL"
    return found, f"EC2 DescribeInstanceTypes, {REGION}{place}"


def parse_ec2_type(row: Mapping[str, Any]) -> Ec2Type:
    """One entry of DescribeInstanceTypes.

    Example:
        >>> parse_ec2_type({"VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 4096},
        ...                 "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]}}).vcpus
        2
    """
    kind = "cpu"
    devices: list[Mapping[str, Any]] = []
    gpus = (row.get("GpuInfo") or {}).get("Gpus") or []
    if gpus:
        kind, devices = "cuda" if all(g["Manufacturer"] == "NVIDIA" for g in gpus) else "other", gpus
    elif neuron := (row.get("NeuronInfo") or {}).get("NeuronDevices"):
        kind, devices = "neuron", neuron
    elif other := (row.get("InferenceAcceleratorInfo") or {}).get("Accelerators"):
        kind, devices = "other", other
    return Ec2Type(
        int(row["VCpuInfo"]["DefaultVCpus"]),
        int(row["MemoryInfo"]["SizeInMiB"]),
        tuple(row["ProcessorInfo"]["SupportedArchitectures"]),
        kind,
        str(devices[0]["Name"]) if devices else None,
        sum(int(d.get("Count", 0)) for d in devices),
        int(devices[0]["MemoryInfo"]["SizeInMiB"]) if devices else None,
    )
