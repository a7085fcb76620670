"""Files of keys that change hold without a signal: however they are changed, and for live sessions
too. Nothing but keys is read then: the TOML waits for SIGHUP."""

import os
import subprocess

import pytest

from harness import streams
from harness.target import greet

pytestmark = pytest.mark.portreeve_only("sshd reads keys at each login, and never ends a session")


def replace(path, lines):
    """As editors and deployments do: written beside, then renamed into place."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))
    os.rename(path + ".new", path)


def append(path, line):
    with open(path, "a", encoding="ascii") as file:
        file.write(line + "\n")


def wait_reloaded(gate, mark, keys):
    gate.log.wait_event("keys_reloaded", after=mark, keys=keys)


def assert_denied(scene, gate, key):
    ssh = scene.ssh(gate, key=key)
    assert ssh.wait_exit() == 255
    assert "Permission denied" in ssh.stderr.text()


def folder_gate(scene):
    """A gate whose keys are all files of one folder, with the owner's key in it."""
    path = os.path.join(scene.folder, "keys")
    os.mkdir(path)
    append(os.path.join(path, "owner"), scene.key.line)
    return scene.gate(auth={"authorized_keys": [path]}), path


def test_a_key_that_is_appended_gets_in(scene, gate):
    assert_denied(scene, gate, scene.other_key)
    mark = gate.log.mark()
    append(gate.authorized_keys, scene.other_key.line)
    wait_reloaded(gate, mark, 2)
    scene.ssh(gate, key=scene.other_key).wait_login()


def test_a_backup_in_a_folder_lets_nobody_in(scene):
    gate, path = folder_gate(scene)
    append(os.path.join(path, "bob"), scene.other_key.line)
    wait_reloaded(gate, 0, 2)
    scene.ssh(gate, key=scene.other_key).wait_login()
    os.rename(os.path.join(path, "bob"), os.path.join(path, "bob~"))
    wait_reloaded(gate, 0, 1)
    assert_denied(scene, gate, scene.other_key)


def test_a_file_that_others_can_change_is_warned_of_and_holds(scene, gate):
    mark = gate.log.mark()
    os.chmod(gate.authorized_keys, 0o666)
    append(gate.authorized_keys, scene.other_key.line)
    why = gate.log.wait_event("keys_doubtful", after=mark)["why"]
    path = gate.authorized_keys
    assert why == f"{path} can be changed by others; run: chmod go-w {path}"
    scene.ssh(gate, key=scene.other_key).wait_login()
    checked = subprocess.run([*gate.command(), "--check"], env=gate.environment(), check=True,
                             capture_output=True, text=True).stdout
    assert f"warning: {why}\n" in checked
    mark = gate.log.mark()
    os.chmod(path, 0o600)
    gate.log.wait_event("keys_reloaded", after=mark)
    assert not gate.log.events("keys_doubtful", after=mark)


def test_a_file_that_is_replaced_holds(scene, gate):
    mark = gate.log.mark()
    replace(gate.authorized_keys, [scene.other_key.line])
    wait_reloaded(gate, mark, 1)
    scene.ssh(gate, key=scene.other_key).wait_login()
    assert_denied(scene, gate, scene.key)
    mark = gate.log.mark()
    append(gate.authorized_keys, scene.key.line)  # the new file is watched like the old one
    wait_reloaded(gate, mark, 2)


def test_files_of_a_folder_come_and_go(scene):
    gate, folder = folder_gate(scene)
    mark = gate.log.mark()
    replace(os.path.join(folder, "other"), [scene.other_key.line])
    wait_reloaded(gate, mark, 2)
    scene.ssh(gate, key=scene.other_key).wait_login()
    mark = gate.log.mark()
    os.remove(os.path.join(folder, "other"))
    wait_reloaded(gate, mark, 1)
    assert_denied(scene, gate, scene.other_key)


def test_a_mounted_volume_is_swapped(scene):
    """Kubernetes: the files are links through ..data, and ..data is a link that is replaced."""
    volume = os.path.join(scene.folder, "volume")
    for name, key in (("..one", scene.key), ("..two", scene.other_key)):
        os.makedirs(os.path.join(volume, name))
        append(os.path.join(volume, name, "authorized_keys"), key.line)
    os.symlink("..one", os.path.join(volume, "..data"))
    path = os.path.join(volume, "authorized_keys")
    os.symlink("..data/authorized_keys", path)
    gate = scene.gate(auth={"authorized_keys": [path]})
    scene.ssh(gate).wait_login()
    mark = gate.log.mark()
    os.symlink("..two", os.path.join(volume, "..data.new"))
    os.rename(os.path.join(volume, "..data.new"), os.path.join(volume, "..data"))
    wait_reloaded(gate, mark, 1)
    scene.ssh(gate, key=scene.other_key).wait_login()
    assert_denied(scene, gate, scene.key)


def test_a_removed_key_ends_its_sessions(scene, gate):
    append(gate.authorized_keys, scene.other_key.line)
    gate.log.wait_event("keys_reloaded", keys=2)
    target = scene.target(greet("mine"))
    mine, port = scene.tunnel(gate, target)
    theirs, _ = scene.tunnel(gate, target, key=scene.other_key)
    replace(gate.authorized_keys, [scene.key.line])
    theirs.wait_exit()
    gate.log.wait_event("session_closed", reason="unknown_key")
    assert streams.read_all(scene.visit(port)) == b"mine"
    assert not mine.ended()


def test_a_removed_key_keeps_its_sessions_where_that_is_configured(scene):
    gate = scene.gate(auth={"removed_keys": "keep"})
    ssh, port = scene.tunnel(gate, scene.target(greet("mine")))
    mark = gate.log.mark()
    replace(gate.authorized_keys, [scene.other_key.line])
    wait_reloaded(gate, mark, 1)
    assert_denied(scene, gate, scene.key)
    assert streams.read_all(scene.visit(port)) == b"mine"
    assert not ssh.ended()


def test_a_revoked_key_is_out(scene):
    revoked = os.path.join(scene.folder, "revoked")
    append(revoked, "# nobody")
    gate = scene.gate(auth={"revoked_keys": revoked})
    ssh = scene.ssh(gate)
    ssh.wait_login()
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", revoked + ".new", scene.key.path + ".pub"],
                   check=True)
    os.rename(revoked + ".new", revoked)
    ssh.wait_exit()
    gate.log.wait_event("session_closed", reason="key_revoked")


def test_a_file_that_cannot_be_used_changes_nothing_and_is_named_once(scene):
    revoked = os.path.join(scene.folder, "revoked")
    append(revoked, "# nobody")
    gate = scene.gate(auth={"revoked_keys": revoked})
    mark = gate.log.mark()
    replace(revoked, ["this is no key"])
    gate.log.wait_event("keys_reload_failed", after=mark, level="error")
    assert revoked in gate.log.events("keys_reload_failed")[0]["why"]
    scene.ssh(gate).wait_login()

    append(gate.authorized_keys, scene.other_key.line)  # read, and of no use yet
    gate.log.wait_event("keys_reload_failed", after=mark, level="debug")
    mark = gate.log.mark()
    replace(revoked, ["# nobody"])
    wait_reloaded(gate, mark, 2)
    scene.ssh(gate, key=scene.other_key).wait_login()
    levels = [event["level"] for event in gate.log.events("keys_reload_failed")]
    assert levels.count("error") == 1


def test_what_changed_nothing_is_not_announced(scene, gate):
    mark = gate.log.mark()
    replace(gate.authorized_keys, [scene.key.line])
    gate.log.wait_event("keys_unchanged", after=mark)
    assert not gate.log.events("keys_reloaded")


def test_the_configuration_waits_for_sighup(scene, gate):
    gate.write_config(limits={"tunnels_per_session": 1})
    mark = gate.log.mark()
    append(gate.authorized_keys, scene.other_key.line)
    wait_reloaded(gate, mark, 2)
    scene.ssh(gate, "0:127.0.0.1:8", "0:127.0.0.1:9").allocated_ports(2)


def test_files_named_by_a_reload_are_watched(scene, gate):
    path = os.path.join(scene.folder, "later")
    append(path, scene.key.line)
    gate.write_config(auth={"authorized_keys": [path]})
    gate.reload()
    mark = gate.log.mark()
    append(path, scene.other_key.line)
    wait_reloaded(gate, mark, 2)
    scene.ssh(gate, key=scene.other_key).wait_login()
