"""Talking to a container engine through the ``docker`` command, which knows every form of DOCKER_HOST and context.

Every call has a time limit and a limit on what is read; a call that is given up is ended, and its container removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ..errors import MccError, printable

MAX_BYTES = 4_000_000
"""Most that is kept of one stream; the rest is read and thrown away."""

CALL_S = 20.0
"""Longest a question to the engine may take."""

RUN_S = 120.0
"""Longest the probe may run in an image; it takes under two seconds, emulation and cold disks included."""

CLEANUP_S = 30.0

STILL_MADE_S = 5
"""How long a container that is not there may still appear; only after a time-out or Ctrl-C."""

NOBODY = "65534:65534"

SANDBOX = (
    "--rm", "--pull", "never", "--network", "none", "--read-only", "--cap-drop", "ALL",
    "--security-opt", "no-new-privileges", "--memory", "1g", "--memory-swap", "1g", "--cpus", "1",
    "--pids-limit", "128", "--ulimit", "core=0", "--no-healthcheck", "--log-driver", "none", "--workdir", "/",
)  # fmt: skip
"""What every container of ours is run with: nothing it could write, reach or become."""


class EngineError(MccError):
    """The engine cannot be asked at all; the text says why in one clear sentence."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended; ``code`` is None when it was given up after its time."""

    code: int | None
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The last line the command wrote about its failure, safe to show."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        useful = [line for line in lines if not line.startswith(("See '", "Run '"))]
        return shown(useful[-1]) if useful else "no reason was given"


def shown(text: str) -> str:
    """A line of the engine without credentials that an address may carry."""
    text = re.sub(r"://[^/@\s]*@", "://", text)
    text = re.sub(r"^(Error response from daemon|docker|Error): ", "", re.sub(r"^docker: ", "", text))
    return printable(text.rstrip("."), 240)


def find_command() -> str:
    """The ``docker`` command.

    Raises:
        EngineError: there is none.
    """
    import shutil

    path = shutil.which("docker")
    if path is None:
        raise EngineError("there is no docker command on PATH, so no image can be inspected")
    return path


def call(words: Sequence[str], timeout_s: float, *, progress: IO[str] | None = None) -> Done:
    """Run the ``docker`` command.

    Args:
        words: its arguments.
        timeout_s: seconds after which it is ended.
        progress: a terminal that gets what the command writes to its standard output.

    Raises:
        EngineError: the command cannot be started.
    """
    environment = {**os.environ, "DOCKER_CLI_HINTS": "false"}
    out: Any = subprocess.PIPE if progress is None else progress
    try:
        process = subprocess.Popen(
            [find_command(), *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise EngineError(f"the docker command cannot be started: {printable(error, 200)}") from None
    kept: list[bytearray] = [bytearray(), bytearray()]
    readers = [
        threading.Thread(target=_read, args=(stream, sink), daemon=True)
        for stream, sink in zip((process.stdout, process.stderr), kept, strict=True)
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    code: int | None = None
    try:
        code = process.wait(max(0.1, timeout_s))
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join(1.0)
    texts = [bytes(sink).decode("utf-8", "replace") for sink in kept]
    return Done(code, texts[0], texts[1])


def _read(stream: IO[bytes], sink: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError):
        while chunk := os.read(stream.fileno(), 65536):
            sink.extend(chunk[: max(0, MAX_BYTES - len(sink))])


def is_absent(done: Done) -> bool:
    """Whether the engine answered that it has no such image."""
    return re.search(r"no such (image|object)|image not known", done.err, re.IGNORECASE) is not None


def inspect_config(image: str, timeout_s: float) -> str | None:
    """The engine's description of a local image as JSON text; None when it has none.

    Raises:
        EngineError: no engine answers.
    """
    limit = min(timeout_s, CALL_S)
    done = call(["image", "inspect", "--format", "{{json .}}", image], limit)
    if done.code == 0:
        return done.out
    if done.code is None:
        raise EngineError(f"the container engine did not answer within {limit:.0f} s")
    if is_absent(done):
        return None
    raise EngineError(f"no container engine answers: {done.reason}")


def pull(image: str, timeout_s: float, *, platform: str | None = None, progress: IO[str] | None = None) -> Done:
    """Pull an image, with the engine's progress bars where somebody looks."""
    words = ["pull", *(["--platform", platform] if platform else []), *([] if progress else ["--quiet"]), image]
    return call(words, timeout_s, progress=progress)


def has_gpu_runtime(timeout_s: float) -> bool:
    """Whether the engine knows NVIDIA's runtime, so that ``--gpus`` may work."""
    done = call(["info", "--format", "{{json .Runtimes}}"], min(timeout_s, CALL_S))
    return done.code == 0 and '"nvidia"' in done.out


def run(
    image: str, entrypoint: str, arguments: Sequence[str], timeout_s: float, *, user: str | None, gpus: bool
) -> Done:
    """Run one program in an image in the sandbox; the container is gone afterwards, whatever happened.

    Args:
        image: a local image.
        entrypoint: the program.
        arguments: its arguments.
        timeout_s: seconds.
        user: ``UID:GID``; None = the image's own user.
        gpus: show it the GPUs, with the rights ``nvidia-smi`` needs and no more.
    """
    name = f"mcc-inspect-{uuid.uuid4().hex[:12]}"
    words = ["run", "--name", name, "--label", "mcc-registry=inspect-image", *SANDBOX]
    words += ["--user", user] if user else []
    if gpus:
        words += ["--gpus", "all", "--env", "NVIDIA_DRIVER_CAPABILITIES=utility"]
    words += ["--env", "NVIDIA_DISABLE_REQUIRE=1"]  # the image's driver wish must not keep us from reading it
    with _removing(name) as state:
        done = call([*words, "--entrypoint", entrypoint, image, *arguments], min(timeout_s, RUN_S))
        state["ended"] = done.code is not None
    return done


@contextlib.contextmanager
def _removing(name: str) -> Iterator[dict[str, bool]]:
    """Remove a container that did not end by itself, also after Ctrl-C.

    A client that was ended early may have left the engine still making the container: it is waited for.
    """
    state = {"ended": False}
    try:
        yield state
    finally:
        if not state["ended"]:
            until = time.monotonic() + STILL_MADE_S
            with contextlib.suppress(EngineError):
                while True:
                    done = call(["rm", "--force", "--volumes", name], CLEANUP_S)
                    if "no such container" not in done.err.lower() or time.monotonic() > until:
                        break
                    time.sleep(0.2)
