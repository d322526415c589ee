"""The example layer of ``init-layer``: commented, valid, and small enough to be changed at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..loading.kinds import KINDS
from ..loading.schemas import SCHEMA_FOLDER, dump_schema, layer_schema_for
from .checkout import LayerExistsError

_README = """\
# Private registry layer

Laid over the shipped registries with `REGISTRY_PATH`, `--registry-path` or the answer `registry_path`.
A file states only what it changes, entry by entry:

- a mapping merges key by key; `null` removes a key or an entry of the registries below;
- releases (by `version`), models and patterns (by `match`), instance types (by `type`), parameters (by `name`) and
  known issues (by `id`) merge row by row and may be written as a list of rows or as a mapping from key to row;
- every other list is replaced.

Check it with `mcc-registry validate DIR`. Delete the files you do not need.
"""

_POLICY = """\
# yaml-language-server: $schema=.schemas/policy.json
# What this layer allows. Leave out a list to restrict nothing of its kind; * is any run of characters.
kind: policy
# Shown to users whenever something is refused.
reason: example policy of init-layer, restricts nothing until you change it
allow:
  instance_types:
    - "ml.*"
  # image_hosts:
  #   - "*.dkr.ecr.*.amazonaws.com"
  # regions:
  #   - "eu-*"
  # model_servers:
  #   - vllm
"""

_MODEL = """\
# yaml-language-server: $schema=../.schemas/model_family.json
# A family of your own. To change a shipped family instead, name the file like it and state only the changed rows.
kind: model_family
id: {id}
title: Models of the example team
provenance:
  source:
    - the example team's model cards
  checked: "2026-01-31"
  basis: documented
patterns:
  # The most specific pattern wins: the one with most characters besides *.
  - match: "example-team/assistant-*"
    must_match:
      - example-team/assistant-8b
    must_not_match:
      - example-team/embedder-1b
    settings:
      max_model_len: 8192
  # To remove a shipped row, write the list as a mapping from key to row:
  # patterns:
  #   "some/pattern-*": null
"""

_INSTANCES = """\
# yaml-language-server: $schema=../.schemas/instance_family.json
# Prices of your own contract for a shipped family; everything not stated stays as it is.
kind: instance_family
id: {id}
types:
  {type}:
    price_usd_hour: {price}
    price_basis: our contract of 2026  # shown beside the price
  # To take a type away from everybody who uses this layer:
  # {other}: null
"""


def init_layer(folder: str | Path) -> list[Path]:
    """Write a commented, valid example layer.

    Args:
        folder: where; it must not exist or be empty.

    Returns:
        The files written.

    Raises:
        LayerExistsError: the folder holds something already, or cannot be written; nothing is overwritten.
    """
    root = Path(folder)
    texts = {
        "README.md": _README,
        "policy.yaml": _POLICY,
        "models/example-team.yaml": _MODEL.format(id="example-team"),
        "instances/g5.yaml": _INSTANCES.format(id="g5", type="ml.g5.xlarge", price="0.95", other="ml.g5.48xlarge"),
    }
    for kind in KINDS:
        texts[f"{SCHEMA_FOLDER}/{kind}.json"] = dump_schema(layer_schema_for(kind))
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise LayerExistsError(f"{root} exists and is not empty; name a new folder")
        root.parent.mkdir(parents=True, exist_ok=True)
        draft = (root if root.exists() else root.parent) / f".mcc-{os.getpid()}"
        try:
            for name, text in texts.items():
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
            _take_place(draft, root)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise LayerExistsError(f"{root} cannot be written: {error.strerror or error}") from None
    return [root / name for name in texts]


def _take_place(draft: Path, root: Path) -> None:
    """The draft becomes the folder; into one that is there already (``.``, a mount) its entries move, files last."""
    if not root.exists():
        draft.rename(root)
        return
    for entry in sorted(draft.iterdir(), key=lambda path: (path.is_file(), path.name)):
        entry.rename(root / entry.name)
