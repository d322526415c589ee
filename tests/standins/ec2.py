"""EC2 for tests: moto's server on a loopback port, which answers DescribeInstanceTypes with real EC2 data.

``with Ec2StandIn() as ec2:`` serves until the end of the block; ``ec2.env`` is what a process needs to use it.
``ec2.types()`` reads the same data straight from moto's files, so that a test can compare without asking twice.
Nothing of the package under test is imported.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def types() -> dict[str, dict[str, Any]]:
    """Every EC2 type by name, as DescribeInstanceTypes spells it."""
    import moto

    folder = Path(moto.__file__).parent / "ec2" / "resources"
    packed, plain = folder / "instance_types.json.gz", folder / "instance_types.json"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    loaded = json.loads(data)
    return loaded if isinstance(loaded, dict) else {row["InstanceType"]: row for row in loaded}


class Ec2StandIn:
    """The server; a context manager."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    def __enter__(self) -> Ec2StandIn:
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def env(self) -> dict[str, str]:
        """Variables that lead an AWS tool here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
