"""Loading the registries a command was pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..registry import Registry


def load_registry(paths: Sequence[str] = ()) -> Registry:
    """The shipped registries with the layers of ``REGISTRY_PATH`` and then ``paths`` over them.

    Raises:
        RegistryError: the registries or a layer are broken.
    """
    from ..errors import RegistryError
    from ..registry import Registry

    for path in paths:
        if not path.strip() or "\0" in path:
            from ..loading.faults import get_fault

            text = "--registry-path is empty" if not path.strip() else "--registry-path holds a NUL character"
            raise RegistryError([get_fault("layer-missing", text, "--registry-path", hint="name a folder")])
    return Registry.load(list(paths) or None)
