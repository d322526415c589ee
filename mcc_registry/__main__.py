"""``python -m mcc_registry`` and the console script ``mcc-registry``."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; see ``mcc_registry.cli``."""
    import atexit
    import gc

    # Loading makes many objects that live to the end: looking for cycles among them every 700 costs 4 % of a command,
    # and looking for them once more at the very end 7 %.
    gc.set_threshold(100_000, 50, 50)
    atexit.register(gc.freeze)
    from .cli.main import main as run

    return run(sys.argv[1:] if argv is None else list(argv))


if __name__ == "__main__":
    sys.exit(main())
