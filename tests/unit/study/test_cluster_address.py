"""An address is found wanting in seconds and in one line."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from somite.core.errors import InputError
from somite.study import cluster_address
from somite.study.cluster_address import GREETING, check_address


@contextlib.contextmanager
def server(answer: bytes | None):
    """A port at which somebody says this, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(len(GREETING))
                    if answer is not None:
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    thread.join(5)


@pytest.mark.parametrize(
    "address",
    ["", "here", "1.2.3.4", ":6379", "host:", "host:ray", "host:0", "host:70000", "ray://host:1"],
)
def test_another_form_is_refused(address):
    with pytest.raises(InputError, match=r"address must be HOST:PORT or auto, got .* Give what"):
        check_address(address)


def test_auto_is_left_to_ray():
    check_address("auto")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0", b""])
def test_something_else_that_answers_is_refused(answer):
    with server(answer) as address:
        with pytest.raises(InputError, match=r"must be that of a running Ray cluster.*Something"):
            check_address(address)


def test_a_port_that_says_nothing_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(cluster_address, "PATIENCE", 0.2)
    start = time.monotonic()
    with server(None) as address:
        with pytest.raises(InputError, match=r"must be that of a running Ray cluster.*timed out"):
            check_address(address)
    assert time.monotonic() - start < 3


def test_who_greets_as_ray_does_is_let_through(monkeypatch):
    with server(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]) + b"abcdef") as address:
        check_address(address)
    monkeypatch.setenv("RAY_USE_TLS", "1")  # then only that somebody is there can be known
    with server(b"?") as address:
        check_address(address)


def test_a_closed_port_is_one_line_and_exit_code_2_in_seconds(somite):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    start = time.monotonic()
    ended = somite("run", "smoke", "--engine", "ray", "--address", address)
    assert time.monotonic() - start < 20
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "must be that of a running Ray cluster" in ended.err
    assert not list(Path().iterdir())
