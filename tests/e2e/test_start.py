"""A daemon that cannot start, or is asked wrongly: an exit code, and one line that says why."""

import os
import re
import socket
import subprocess

import pytest

from harness.wait import SCALE

pytestmark = pytest.mark.portreeve_only("these are portreeved's words and codes")


def run(gate, *args, wrapper=()):
    """Runs it to its end, which must come by itself."""
    command = [*wrapper, *(args or gate.command()[1:])]
    at = len(wrapper)
    return subprocess.run([*command[:at], gate.command()[0], *command[at:]], timeout=30 * SCALE,
                          capture_output=True, text=True, env=gate.environment(), check=False)


def prepare(scene, **settings):
    gate = scene.new_gate(**{"log": {"level": "error"}, **settings})
    for name in ("state_dir", "runtime_dir"):
        os.makedirs(gate.settings["server"][name], mode=0o700, exist_ok=True)
    return gate


def assert_one_line(result, code, *words):
    lines = result.stderr.splitlines()
    assert result.returncode == code, result
    assert len(lines) == 1, f"not one line:\n{result.stderr}"
    for word in words:
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


def test_a_port_in_use(scene):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        gate = prepare(scene, ssh={"listen": [address]})
        assert_one_line(run(gate), 1, address)
    assert not gate.notify.has("READY=1")


@pytest.mark.parametrize("content", [None, "not a key\n"], ids=["missing", "garbage"])
def test_a_host_key_that_cannot_be_read(scene, content):
    path = os.path.join(scene.folder, "the_host_key")
    if content:
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="ascii") as file:
            file.write(content)
    gate = prepare(scene, ssh={"listen": ["127.0.0.1:0"], "host_keys": [path]})
    assert_one_line(run(gate), 1, path)


def test_a_second_daemon_on_the_same_state(scene):
    first = scene.gate()
    second = prepare(scene)
    second.write_config(server={"state_dir": first.settings["server"]["state_dir"]})
    assert_one_line(run(second), 1, first.settings["server"]["state_dir"])
    scene.ssh(first).wait_login()


def test_io_uring_denied_by_seccomp(scene):
    launcher = os.environ.get("DENY_IO_URING")
    if not launcher:
        pytest.skip("DENY_IO_URING must name the built launcher; ctest sets it")
    gate = prepare(scene)
    result = run(gate, wrapper=[launcher])
    assert_one_line(result, 1, "io_uring")
    assert re.search("seccomp", result.stderr, re.IGNORECASE), result.stderr


@pytest.mark.parametrize("text, place", [
    ("[ssh]\nlissen = []\n", "2:1"), ("[ssh]\nkeepalive = \"soon\"\n", "2:"), ("[ssh\n", "1:"),
], ids=["unknown key", "bad value", "no TOML"])
@pytest.mark.parametrize("check", [[], ["--check"]], ids=["start", "check"])
def test_a_broken_configuration(scene, text, place, check):
    gate = prepare(scene)
    with open(gate.config, "w", encoding="utf-8") as file:
        file.write(text)
    assert_one_line(run(gate, "--config", gate.config, *check), 2, f"{gate.config}:{place}")


def test_a_missing_configuration(scene):
    gate = prepare(scene)
    path = os.path.join(scene.folder, "nowhere.toml")
    assert_one_line(run(gate, "--config", path), 2, path)


def test_check_says_nothing_bad_of_a_good_file(scene):
    gate = prepare(scene)
    result = run(gate, "--config", gate.config, "--check")
    assert (result.returncode, result.stderr) == (0, "")
    assert not os.listdir(gate.settings["server"]["state_dir"]), "--check leaves things behind"


@pytest.mark.parametrize("args", [["--nonsense"], ["--config"], ["stray"]])
def test_bad_usage(scene, args):
    result = run(prepare(scene), *args)
    assert result.returncode == 2
    assert result.stderr.strip()


def test_the_host_key_is_made_once_and_kept_private(scene):
    first = scene.gate()
    state = first.settings["server"]["state_dir"]
    private = [os.path.join(state, name) for name in os.listdir(state) if "key" in name
               and not name.endswith(".pub")]
    assert private, os.listdir(state)
    assert [oct(os.stat(path).st_mode & 0o777) for path in private] == ["0o600"] * len(private)
    fingerprint = first.host_fingerprint()
    first.close()

    second = scene.new_gate()
    second.write_config(server={"state_dir": state})
    assert second.start().host_fingerprint() == fingerprint
