"""What a private layer restricts: its allow-lists and the reason users are shown."""

from __future__ import annotations

from typing import Literal

from .base import Row, Text


class Allow(Row):
    """Allow-lists; an absent list restricts nothing, an empty one allows nothing; ``*`` is any run of characters.

    Attributes:
        instance_types: SageMaker instance types (``ml.g5.*``).
        image_hosts: host names images may come from (``*.dkr.ecr.*.amazonaws.com``, ``docker.io``).
        regions: AWS regions (``eu-*``).
        model_servers: model servers (``vllm``).
    """

    instance_types: list[Text] | None = None
    image_hosts: list[Text] | None = None
    regions: list[Text] | None = None
    model_servers: list[Text] | None = None


class PolicyFile(Row):
    """``policy.yaml`` of a layer."""

    kind: Literal["policy"]
    reason: Text
    allow: Allow
    contact: Text | None = None
