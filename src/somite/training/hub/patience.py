"""Requests to the Hub: tried again when they may yet succeed, explained when they cannot."""

import errno
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from somite.core.errors import InputError
from somite.core.threads import Halt

Answer = TypeVar("Answer")
ATTEMPTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before the second attempt, doubled before each later one; the most."""
WORTH_WAITING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of a server that may answer later."""
OWN_FAULT = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of this machine's disk, which waiting does not mend."""


def patiently(
    ask: Callable[[], Answer],
    what: str,
    halt: threading.Event | None = None,
    attempts: int | None = None,
) -> Answer:
    """What a request gives, at the first attempt that succeeds.

    Args:
        ask: The request.
        what: What it asks for, in words, for the message.
        halt: Ends the attempts when it is set.
        attempts: At most so many; `ATTEMPTS` by default.

    Raises:
        InputError: If it cannot succeed, or did not at any attempt.
        Halt: If the attempts were ended.
    """
    from huggingface_hub.errors import HfHubHTTPError

    # What all errors of the connection are, too, whichever library makes the requests.
    transport = cast("type[Exception]", HfHubHTTPError.__mro__[1])
    halt, most = halt or threading.Event(), attempts or ATTEMPTS
    for attempt in range(1, most + 1):
        if halt.is_set():
            raise Halt
        try:
            return ask()
        except (OSError, RuntimeError, transport) as error:
            reason = _reason(error)
            if (refused := _refused(reason, what)) or attempt == most:
                raise refused or _gave_up(reason, what, most) from error
            halt.wait(min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
    raise Halt


def _reason(error: BaseException) -> BaseException:
    """What went wrong, behind "not in the cache either", which is always so here."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    wrapped = isinstance(error, LocalEntryNotFoundError) and error.__cause__
    return wrapped or error


def _refused(error: BaseException, what: str) -> InputError | None:
    """Why a request cannot succeed; None if it may yet."""
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        remedy = "Unset HF_HUB_OFFLINE, or give a folder on this machine."
        return InputError("source", "cannot be asked for while offline", what, remedy)
    if isinstance(error, errors.GatedRepoError):
        remedy = "Ask for access on its page, then log in with `hf auth login`."
        return InputError("source", "must be open to you", what, remedy)
    if isinstance(error, errors.RepositoryNotFoundError):
        remedy = "Check the spelling; if it is private, log in with `hf auth login`."
        return InputError("source", "must be a folder here or a model of the Hub", what, remedy)
    if isinstance(error, errors.RevisionNotFoundError | errors.EntryNotFoundError):
        remedy = "List it again: it may have been removed meanwhile."
        return InputError("revision", "must be on the Hub", what, remedy)
    if isinstance(error, OSError) and error.errno in OWN_FAULT:
        remedy = "Free some space, or set SOMITE_CACHE to a folder on another disk."
        return InputError("disk", f"must take the download ({error.strerror})", what, remedy)
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    if status and status not in WORTH_WAITING:
        remedy = "Log in with `hf auth login`, or check the address of the Hub (HF_ENDPOINT)."
        return InputError("source", f"must be given by the Hub (status {status})", what, remedy)
    return None


def _gave_up(error: BaseException, what: str, attempts: int) -> InputError:
    words = (str(error).splitlines() or [""])[0][:120]
    rule = f"must be reachable ({attempts} attempts failed, the last with {type(error).__name__})"
    remedy = "Check the connection (offline?) and start again; nothing finished is fetched twice."
    return InputError("source", rule, f"{what}: {words}", remedy)
