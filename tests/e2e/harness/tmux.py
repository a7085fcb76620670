"""ssh in a terminal that draws: a pane of tmux, with a server of its own in the test's folder."""

import os
import shlex
import subprocess

from harness.wait import until

# What a terminal is like when nothing draws on it.
PLAIN = {"alternate_on": "0", "cursor_flag": "1", "wrap_flag": "1"}


class Pane:
    """Says "before", runs the command and says "status N"; a cat then keeps the pane."""

    def __init__(self, folder, command, columns=80, rows=24, term=None):
        self._socket = os.path.join(folder, "tmux")
        config = os.path.join(folder, "tmux.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("set -g status off\nset -g default-shell /bin/sh\n")
        words = shlex.join((["env", f"TERM={term}"] if term is not None else []) + command)
        self._tmux("-f", config, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                   f'echo before; {words}; echo "status $?"; exec cat')

    def _tmux(self, *words):
        return subprocess.run(["tmux", "-u", "-S", self._socket, *words], check=True, timeout=30,
                              capture_output=True, text=True).stdout

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, key):
        """A key as tmux names it: "C-c", "Up"."""
        self._tmux("send-keys", key)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self):
        """What is to be seen: as many lines as there are rows."""
        return self._tmux("capture-pane", "-p").split("\n")[:-1]

    def text(self):
        return "\n".join(self.lines())

    def flags(self):
        names = list(PLAIN)
        values = self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, values.split()))

    def wait_for(self, *texts):
        """Until all of these can be seen at once; returns the lines."""
        until(lambda: all(text in self.text() for text in texts),
              lambda: f"{texts} in the terminal:\n{self.text()}")
        return self.lines()

    def wait_status(self):
        """Until the command has ended: its status, and what was to be seen then."""
        self.wait_for("status ")
        lines = self.lines()
        status = next(line for line in lines if line.startswith("status "))
        return int(status.split()[1]), lines

    def close(self):
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, timeout=30,
                       stderr=subprocess.DEVNULL)  # which is gone with its last pane
