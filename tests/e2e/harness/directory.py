"""RUNTIME_DIR/tunnels, as a program finds it that looks while tunnels come and go."""

import json
import os


def entries(gate):
    """The object in each file, by the file's name; one that is not whole is an error."""
    folder = os.path.join(gate.settings["server"]["runtime_dir"], "tunnels")
    found = {}
    for name in os.listdir(folder):
        if name.startswith(".") or name.endswith(".sock"):  # on its way, or a tunnel's socket
            continue
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name] = json.load(file)
        except FileNotFoundError:  # gone since
            pass
    return found
