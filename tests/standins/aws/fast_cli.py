"""The real aws command line (version 1), loaded once and forked per call: the same code, a fifth of the time.

    PYTHON_WITH_AWSCLI fast_cli.py serve SOCKET     loads awscli, then answers until it is terminated
    PYTHON fast_cli.py install SOCKET PATH          writes PATH, an executable "aws" that asks the server

The client hands over its arguments, folder, environment and the three standard streams themselves (SCM_RIGHTS).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

CLIENT = """#!{python} -IS
import array, json, os, signal, socket, sys
place = socket.socket(socket.AF_UNIX)
place.connect({socket!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
place.sendmsg([len(call).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
place.sendall(call)
pid = int.from_bytes(place.recv(4), "big")
def hand_on(number, _):
    os.kill(pid, number)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, hand_on)
code = place.recv(1)
sys.exit(code[0] if code else 255)
"""


def warm() -> None:
    """Read the service models once, for all children: that is most of a call's time."""
    import awscli.clidriver
    import botocore.session

    shared = awscli.clidriver.create_clidriver().session.get_component("data_loader")
    for service in ("sagemaker", "sagemaker-runtime", "s3", "ecr", "iam", "sts", "logs"):
        shared.load_service_model(service, "service-2")
        for kind in ("paginators-1", "waiters-2", "endpoint-rule-set-1"):
            with contextlib.suppress(Exception):  # not every service has each
                shared.load_service_model(service, kind)
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        with contextlib.suppress(Exception):
            shared.load_data(name)
    botocore.session.create_loader = lambda *_args, **_more: shared  # type: ignore[attr-defined,assignment]
    if hasattr(botocore.session, "loaders"):
        botocore.session.loaders.create_loader = lambda *_args, **_more: shared


def serve(path: str) -> None:
    warm()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            answer(connection)
            os._exit(0)
        connection.close()


def answer(connection: socket.socket) -> None:
    """Run one call in a child that owns the caller's streams, and report how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    data, wanted = b"", int.from_bytes(size, "big")
    while len(data) < wanted:
        data += connection.recv(wanted - len(data))
    arguments, folder, environment = json.loads(data)
    pid = os.fork()
    if pid:
        connection.sendall(pid.to_bytes(4, "big"))
        status = os.waitpid(pid, 0)[1]
        connection.sendall(bytes([os.waitstatus_to_exitcode(status) % 256]))
        return
    code = 255
    try:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        from awscli.clidriver import main

        sys.argv = ["aws", *arguments]
        code = main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code or 0)


def install(path: str, target: Path) -> None:
    target.write_text(CLIENT.format(python=sys.executable, socket=path))
    target.chmod(0o755)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        install(sys.argv[2], Path(sys.argv[3]))
