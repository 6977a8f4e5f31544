"""Whether a Ray cluster answers at an address, known in seconds; Ray itself tries for minutes."""

import os
import socket

from somite.core.errors import InputError

PATIENCE = 3.0
"""Seconds within which the head of a cluster has to answer."""

# Ray speaks gRPC, which is HTTP/2: after this greeting a server sends its settings, frame type 4.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS, FRAME_HEADER = 4, 9

ABSENT = "must be that of a running Ray cluster"
START = "start one with `ray start --head`, or mend the address."


def check_address(address: str) -> None:
    """Require an address at which something like a Ray cluster answers.

    Args:
        address: "HOST:PORT" of the head, or "auto" for the cluster that this machine belongs to.

    Raises:
        InputError: If it has another form, or nobody there answers as Ray does.

    Example:
        >>> check_address("nonsense")
        Traceback (most recent call last):
        somite.core.errors.InputError: address must be HOST:PORT or auto, got 'nonsense'. Give ...
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        remedy = "Give what `ray start --head` printed, and start somite on a node of the cluster."
        raise InputError("address", "must be HOST:PORT or auto", address, remedy)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as connection:
            answers = _speaks_http2(connection)
    except OSError as error:
        raise InputError(
            "address", ABSENT, address, f"{error.strerror or error}; {START}"
        ) from error
    if not answers:
        raise InputError("address", ABSENT, address, f"Something else answers there; {START}")


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether the other side greets as a gRPC server; with TLS it cannot be asked so simply."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("0", ""):
        return True
    connection.settimeout(PATIENCE)
    connection.sendall(GREETING)
    received = b""
    while len(received) < FRAME_HEADER and (more := connection.recv(FRAME_HEADER)):
        received += more
    return len(received) >= FRAME_HEADER and received[3] == SETTINGS
