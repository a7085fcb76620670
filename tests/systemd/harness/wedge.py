"""Stops one thread of a process from outside, as a debugger does: how a wedged worker looks to the
rest of the daemon, without anything in the daemon to make one.
"""

import contextlib
import ctypes
import os

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


def threads(pid):
    """The names of the threads of a process, by their numbers."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{name}/comm", encoding="utf-8") as file:
            found[int(name)] = file.read().strip()
    return found


def _ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, thread, None, None) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace({request:#x}, {thread}): {os.strerror(error)}")


@contextlib.contextmanager
def wedged(thread):
    """Within it, `thread` does not run; unless it has been killed, it goes on afterwards."""
    _ptrace(_SEIZE, thread)
    try:
        _ptrace(_INTERRUPT, thread)
        os.waitpid(thread, _WALL)  # it stops before it is said to have stopped
        yield
    finally:
        with contextlib.suppress(OSError):
            _ptrace(_DETACH, thread)
