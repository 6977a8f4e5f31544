import errno
import importlib
import threading

import pytest
from huggingface_hub import errors

from somite.core.errors import InputError
from somite.core.threads import Halt
from somite.training.hub import patience
from somite.training.hub.patience import patiently

# The library under huggingface_hub, which has changed its name before.
httpx = importlib.import_module(errors.HfHubHTTPError.__mro__[1].__module__.split(".")[0])


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)


def http_error(kind, status):
    response = httpx.Response(status, request=httpx.Request("GET", "http://hub/x"))
    return kind("words", response=response)


def wrapped(cause):
    error = errors.LocalEntryNotFoundError("not in the cache either")
    error.__cause__ = cause
    return error


def asking(*outcomes):
    """A request with these outcomes, and the list of its calls."""
    left, calls = list(outcomes), []

    def ask():
        outcome = left[len(calls)] if len(calls) < len(left) else left[-1]
        calls.append(outcome)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask, calls


@pytest.mark.parametrize(
    "error",
    [
        http_error(errors.HfHubHTTPError, 503),
        http_error(errors.HfHubHTTPError, 429),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        wrapped(httpx.ConnectError("refused")),
        OSError("Consistency check failed"),
        RuntimeError("storage"),
    ],
    ids=repr,
)
def test_tries_again_what_may_succeed(error):
    ask, calls = asking(error, error, "answer")
    assert patiently(ask, "it") == "answer"
    assert len(calls) == 3


def test_gives_up_after_so_many():
    ask, calls = asking(httpx.ConnectError("refused"))
    words = (
        r"must be reachable \(4 attempts failed, the last with ConnectError\), got 'it: refused'"
    )
    with pytest.raises(InputError, match=words):
        patiently(ask, "it", attempts=4)
    assert len(calls) == 4
    ask, calls = asking(wrapped(httpx.ConnectError("refused")))
    with pytest.raises(InputError, match=r"the last with ConnectError.*offline\?"):
        patiently(ask, "it")
    assert len(calls) == patience.ATTEMPTS


def test_waits_longer_each_time(monkeypatch):
    waited = []

    class Clock(threading.Event):
        def wait(self, seconds):
            waited.append(seconds)

    monkeypatch.setattr(patience, "FIRST_PAUSE", 8.0)
    ask, _ = asking(OSError("x"))
    with pytest.raises(InputError, match="must be reachable"):
        patiently(ask, "it", Clock())
    assert waited == [8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.OfflineModeIsEnabled("off"), "source cannot be asked for while offline, got 'it'"),
        (http_error(errors.RepositoryNotFoundError, 401), "must be a folder here or a model of"),
        (http_error(errors.GatedRepoError, 403), "source must be open to you"),
        (http_error(errors.RevisionNotFoundError, 404), "revision must be on the Hub"),
        (http_error(errors.RemoteEntryNotFoundError, 404), "revision must be on the Hub"),
        (http_error(errors.HfHubHTTPError, 403), r"must be given by the Hub \(status 403\)"),
        (wrapped(errors.OfflineModeIsEnabled("off")), "cannot be asked for while offline"),
        (OSError(errno.ENOSPC, "No space left"), r"disk must take the download \(No space left\)"),
        (OSError(errno.EACCES, "Permission denied"), r"disk must take the download"),
    ],
    ids=str,
)
def test_says_at_once_what_cannot_succeed(error, words):
    ask, calls = asking(error)
    with pytest.raises(InputError, match=words):
        patiently(ask, "it")
    assert len(calls) == 1


def test_ends_when_it_is_to_end():
    halt = threading.Event()
    halt.set()
    ask, calls = asking("answer")
    with pytest.raises(Halt):
        patiently(ask, "it", halt)
    assert calls == []
