"""Stops one thread of a process from outside, as a debugger does: how a wedged worker looks to the
rest of the daemon, without anything in the daemon to make one.
"""

import contextlib
import ctypes
import errno
import os
import threading

import pytest

from harness.wait import POLL_S

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


def threads(pid):
    """The names of the threads of a process, by their numbers."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{name}/comm", encoding="utf-8") as file:
            found[int(name)] = file.read().strip()
    return found


def worker(gate, number):
    names = threads(gate.process.pid)
    return next(thread for thread, name in names.items() if name == f"worker-{number}")


def _ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, thread, None, None) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace({request:#x}, {thread}): {os.strerror(error)}")


def _reap(thread, over):
    """Takes note of its death: until then, a killed thread keeps its process from ending."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(thread, _WALL | os.WNOHANG)[0] == 0 and not over.wait(POLL_S):
            pass


def _let_go(thread):
    """It goes on; or it is dying, perhaps so lately that nobody has taken note of it yet."""
    try:
        _ptrace(_DETACH, thread)
    except ProcessLookupError:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(thread, _WALL)


@contextlib.contextmanager
def wedged(thread):
    """Within it, `thread` does not run; unless it has been killed, it goes on afterwards. Where
    threads cannot be stopped from outside, the test is skipped."""
    try:
        _ptrace(_SEIZE, thread)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS):
            pytest.skip(f"threads cannot be stopped from outside here: {error}")
        raise
    over = threading.Event()
    reaper = threading.Thread(target=_reap, args=(thread, over))
    try:
        _ptrace(_INTERRUPT, thread)
        os.waitpid(thread, _WALL)  # once it says so, it has stopped
        reaper.start()
        yield
    finally:
        over.set()
        if reaper.ident:
            reaper.join()
        _let_go(thread)
