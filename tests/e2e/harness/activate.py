"""Starts a command with listening sockets passed as systemd passes them (sd_listen_fds(3)).

    activate.py NAME=DESCRIPTOR... -- COMMAND...

A program of its own, because LISTEN_PID must be the pid of the process that becomes COMMAND, and
the sockets must be descriptors 3, 4, ... of it.
"""

import fcntl
import os
import sys

_CLEAR = 200  # above every descriptor that is passed or wanted

split = sys.argv.index("--")
pairs = [word.rpartition("=") for word in sys.argv[1:split]]
moved = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, _CLEAR) for _, _, number in pairs]
os.closerange(3, _CLEAR)
for index, descriptor in enumerate(moved):
    os.dup2(descriptor, 3 + index, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(pairs)),
                  LISTEN_FDNAMES=":".join(name for name, _, _ in pairs))
os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
