"""What the shells make of `portreevectl` and a tab, each by its own means."""

import os
import pty
import select
import shutil
import subprocess
import time

import pytest

from harness import control
from harness.target import greet
from harness.wait import SCALE

pytestmark = pytest.mark.portreeve_only("sshd has no portreevectl")

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "completions")
COMMANDS = {"list", "show", "kick", "status", "explain", "check", "reload", "drain", "watch",
            "log-level"}


def environment():
    path = os.path.dirname(control.program()) + ":" + os.environ["PATH"]
    return {**os.environ, "PATH": path, "TERM": "dumb", "HOME": "/nonexistent"}


def by_bash(line):
    script = """source "$1/portreevectl.bash"; read -ra COMP_WORDS <<<"$2"
        [[ $2 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _portreevectl; printf '%s\\n' "${COMPREPLY[@]}" """
    return set(subprocess.run(["bash", "-c", script, "bash", FOLDER, line], check=True, text=True,
                              capture_output=True, env=environment()).stdout.split())


def by_fish(line):
    script = 'source $argv[1]/portreevectl.fish; complete -C "$argv[2]"'
    done = subprocess.run(["fish", "--no-config", "-c", script, FOLDER, line], check=True,
                          text=True, capture_output=True, env=environment())
    return {found.split("\t")[0] for found in done.stdout.splitlines()}


def by_zsh(line):
    """On a terminal, since zsh completes nowhere else: what follows the line after a tab."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment())
    try:
        setup = (f"fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; PS1=rea''dy\n")
        os.write(terminal, setup.encode())
        seen, deadline = b"", time.monotonic() + 30 * SCALE
        while b"ready" not in seen:
            assert select.select([terminal], [], [], deadline - time.monotonic())[0], seen
            seen += os.read(terminal, 4096)
        os.write(terminal, line.encode() + b"\t\x05 #end\n")
        seen = b""
        while b"#end" not in seen:
            assert select.select([terminal], [], [], deadline - time.monotonic())[0], seen
            seen += os.read(terminal, 4096)
        return seen.decode(errors="replace")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("shell", [by_bash, by_fish])
def test_commands_options_and_tunnels(scene, gate, shell):
    if shell is by_fish and not shutil.which("fish"):
        pytest.skip("fish is not installed")
    scene.tunnel(gate, scene.target(greet("hello")), user="pc42")
    assert COMMANDS <= shell("portreevectl ")
    assert shell("portreevectl ki") == {"kick"}
    assert {"--listen", "--key", "--user", "--from"} <= shell("portreevectl explain --")
    assert {"debug"} == shell("portreevectl log-level de")
    if shell is by_bash:
        assert shell(f"portreevectl --socket {control.path(gate)} show p") == {"pc42"}


@pytest.mark.parametrize("shell", [by_bash, by_fish])
def test_a_name_of_a_clients_choice_is_text_and_no_command(scene, gate, shell):
    if shell is by_fish and not shutil.which("fish"):
        pytest.skip("fish is not installed")
    made = os.path.join(scene.folder, "made")
    user = "p$(touch${IFS}" + made + ")`touch${IFS}" + made + "`;true"
    assert scene.raw(gate, user=user).listen("127.0.0.1")
    found = shell(f"portreevectl --socket {control.path(gate)} kick p")
    assert not os.path.exists(made)
    if shell is by_bash:
        assert len(found) == 1
        assert subprocess.run(["bash", "-c", f"printf %s {found.pop()}"], check=True, text=True,
                              capture_output=True).stdout == user
        assert not os.path.exists(made)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh():
    assert "portreevectl kick" in by_zsh("portreevectl ki")
    assert "portreevectl watch" in by_zsh("portreevectl wa")
    assert "--listen" in by_zsh("portreevectl explain --li")
