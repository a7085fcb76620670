"""`[auth] command`: a program's lines decide a login, and whatever it does holds up nobody else."""

import os
import subprocess

import pytest

from harness import ports, streams
from harness.programs import script
from harness.wait import until

pytestmark = pytest.mark.portreeve_only("sshd's AuthorizedKeysCommand is another program's affair")


def asking(scene, programs, body, words="%u %t %k", lines=(), timeout="10s", **settings):
    command = f"{script(programs, body)} {words}"
    return scene.gate(lines=lines, auth={"command": command, "command_timeout": timeout},
                      **settings)


def refusal(scene, gate, **kwargs):
    """The event of a login that the program does not let in."""
    mark = gate.log.mark()
    assert not scene.ssh(gate, **kwargs).gets_in()
    return gate.log.wait_event("login_refused", after=mark)


def children(gate):
    return gate.pids()[1:]


def test_its_lines_decide_ports_and_limits(scene, programs):
    ranged, other = ports.fixed(), ports.fixed()
    gate = asking(scene, programs, f"""case $1 in
        port) echo "permitlisten=\\"{ranged}\\" $2 $3";;
        few) echo "# a comment"; echo; echo "max-tunnels=\\"1\\" $2 $3";;
        none) echo "restrict $2 $3";;
        second) echo "from=\\"192.0.2.1\\" $2 $3"; echo "port-forwarding $2 $3";;
        esac""")
    for user, wishes, granted in (("port", [ranged, other], [True, False]),
                                  ("few", [ranged, other], [True, False]),
                                  ("none", [ranged], [False]),
                                  ("second", [ranged, other], [True, True])):
        ssh = scene.ssh(gate, *(f"{port}:127.0.0.1:9" for port in wishes), user=user)
        assert ssh.outcomes(len(wishes)) == granted, user
        ssh.close()
        gate.log.wait_event("session_closed", user=user)
    assert gate.log.wait_event("login", user="few")["granted_by"] == "[auth] command:3"


@pytest.mark.parametrize("body, code, why", [
    ("exit 0", "unknown_key", ""),
    ("echo '# nobody'", "unknown_key", ""),
    ("echo no-such-option $2 $3", "unknown_key", "no-such-option"),
    ("echo 'from=\"192.0.2.1\"' $2 $3", "wrong_source", "192.0.2.1"),
    ("echo $2 $3; echo the directory is away >&2; exit 1", "auth_command_failed",
     "the directory is away"),
    ("echo $2 $3; kill -SEGV $$", "auth_command_failed", "signal"),
    ("exec cat /dev/zero", "auth_command_failed", "65536"),
    (": >/dev/full; exec /nowhere/to/be/found", "auth_command_failed", ""),
], ids=["silence", "a comment", "an unknown option", "another source", "exit 1", "a signal",
        "a flood", "a program that is gone"])
def test_what_lets_nobody_in(scene, programs, body, code, why):
    gate = asking(scene, programs, body)
    event = refusal(scene, gate)
    assert event["code"] == code and why in event["why"], event
    until(lambda: not children(gate), "nothing of it is left")
    gate.write_keys([scene.other_key.line])
    gate.reload()
    assert scene.ssh(gate, key=scene.other_key).gets_in()  # the files are another matter


def test_the_key_of_somebody_else(scene, programs):
    gate = asking(scene, programs, f"echo '{scene.other_key.line}'")
    assert refusal(scene, gate)["code"] == "unknown_key"
    assert scene.ssh(gate, key=scene.other_key).gets_in()


def test_what_the_files_let_in_is_not_asked_about(scene, programs):
    gate = asking(scene, programs, "exit 1", lines=[f"no-port-forwarding {scene.key.line}"])
    assert scene.ssh(gate, "0:127.0.0.1:9").outcomes(1) == [False]
    assert not gate.log.events("login_refused")


def test_it_runs_once_for_each_login(scene, programs):
    """ssh shows a key twice: to hear whether it may, and then signed."""
    with open(f"{programs}/runs", "w", encoding="ascii") as file:
        os.chmod(file.name, 0o666)
    gate = asking(scene, programs, f"echo run >>{programs}/runs; echo $2 $3")
    for _ in range(2):
        assert scene.ssh(gate).gets_in()
    with open(f"{programs}/runs", encoding="ascii") as file:
        assert len(file.readlines()) == 2


def test_its_tokens(scene, programs):
    gate = asking(scene, programs, "printf '<%s>' \"$@\" >&2; exit 1",
                  "%u %f %t %k %C %D %% %i '%s' \"a b\" x%ux")
    mark = gate.log.mark()
    why = refusal(scene, gate)["why"]
    client = gate.log.wait_event("session_open", after=mark)["client"].split(":")
    kind, blob = scene.key.line.split()[:2]
    connection = f"{client[0]} {client[1]} 127.0.0.1 {gate.port}"
    words = ["alice", scene.key.fingerprint, kind, blob, connection, "", "%", "", "", "a b",
             "xalicex"]
    assert "".join(f"<{word}>" for word in words) in why


def test_a_login_without_arguments_is_its_only_one(scene, programs):
    gate = asking(scene, programs, "printf '<%s>' \"$@\" >&2; exit 1", "")
    assert "<alice>" in refusal(scene, gate)["why"]


def test_where_it_runs(scene, programs):
    gate = asking(scene, programs,
                  "echo \"$(id -un) $(pwd) $(wc -c) $(ls /proc/$$/fd | wc -l) "
                  "$(tr '\\0' '\\n' </proc/$$/environ | cut -d= -f1 | sort | xargs)\" >&2; exit 1")
    user = "nobody" if os.geteuid() == 0 else subprocess.run(
        ["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    # 0, 1, 2, the script itself, and the pipe to `ls`: nothing of the daemon's
    assert f"{user} / 0 5 HOME LANG LOGNAME PATH USER" in refusal(scene, gate)["why"]


def test_one_that_hangs_is_killed(scene, programs):
    gate = asking(scene, programs, "sleep 300 & exec sleep 300", timeout="500ms")
    event = refusal(scene, gate)
    assert event["code"] == "auth_command_failed" and "500" in event["why"], event
    until(lambda: not children(gate), "nothing of it is left")


def test_one_that_hangs_holds_up_nobody_else(scene, programs):
    """All on one worker: a live tunnel, a login by the files, another one by the program."""
    total, down, up = 64 << 20, streams.Pattern(1), streams.Pattern(2)
    gate = asking(scene, programs, "[ $1 != slow ] || exec sleep 300\necho $2 $3",
                  lines=[scene.key.line], timeout="200s", server={"workers": 1},
                  ssh={"login_grace": "300s"})
    target = scene.target(lambda sock: streams.exchange(sock, total, sent=down, received=up))
    _, port = scene.tunnel(gate, target)

    slow = scene.ssh(gate, key=scene.other_key, user="slow")
    until(lambda: children(gate), "the program runs")
    streams.exchange(scene.visit(port), total, sent=up, received=down)
    target.join(1)
    assert scene.ssh(gate).gets_in()
    assert scene.ssh(gate, key=scene.other_key, user="quick").gets_in()
    assert children(gate) and not slow.ended()


def test_many_that_hang_and_a_stop(scene, programs):
    """SIGTERM does not wait for them: scene's end judges how the gate ends."""
    gate = asking(scene, programs, "exec sleep 300", timeout="300s")
    for _ in range(5):
        scene.ssh(gate)
    until(lambda: len(children(gate)) == 5, "five programs run")
    left = children(gate)
    gate.terminate()
    assert gate.wait_exit() == 0
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left), "nothing is left")


def start(gate, *args):
    return subprocess.run([*gate.command(), *args], env=gate.environment(), timeout=30,
                          capture_output=True, text=True, check=False)


def unsafe(programs, what):
    path = script(programs, "exit 0")
    folder = os.path.join(programs, "folder")
    os.mkdir(folder, 0o755)
    inner = script(folder, "exit 0")
    if what == "a file that others may change":
        os.chmod(path, 0o757)
        return path, f"{path} can be changed by others; run: chmod go-w {path}"
    if what == "a folder that others may change":
        os.chmod(folder, 0o775)
        return inner, f"{folder} can be changed by others; run: chmod go-w {folder}"
    if what == "a link to such a file":
        os.chmod(inner, 0o775)
        os.symlink(inner, path + "-link")
        return path + "-link", f"{inner} can be changed by others"
    if what == "another's file":
        os.chown(path, 1, 1)
        return path, f"{path} belongs to another user"
    if what == "not executable":
        os.chmod(path, 0o644)
        return path, f"{path} cannot be executed; run: chmod +x {path}"
    if what == "missing":
        return path + "-gone", "No such file or directory"
    return folder, "is not a program"


@pytest.mark.parametrize("what", [
    "a file that others may change", "a folder that others may change", "a link to such a file",
    "another's file", "not executable", "missing", "a folder"])
def test_an_unsafe_program_stops_the_start(scene, programs, what):
    if what == "another's file" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path, sentence = unsafe(programs, what)
    gate = scene.new_gate(auth={"command": path})
    os.makedirs(gate.settings["server"]["state_dir"], mode=0o700)
    for args in ([], ["--check"]):
        done = start(gate, *args)
        assert done.returncode == 1, done
        assert sentence in done.stderr and "[auth] command" in done.stderr, done.stderr


def test_an_unknown_account_stops_the_start(scene, programs):
    gate = scene.new_gate(auth={"command": script(programs, "exit 0"),
                                "command_user": "nobody-knows-me"})
    done = start(gate)
    assert done.returncode == 1
    assert "nobody-knows-me" in done.stderr and "[auth] command_user" in done.stderr


def test_a_program_that_became_unsafe_fails_the_reload(scene, programs):
    gate = asking(scene, programs, "echo $2 $3")
    os.chmod(f"{programs}/program", 0o777)
    mark = gate.log.mark()
    gate.reload(outcome="reload_failed")
    assert f"{programs}/program can be changed by others" in gate.log.text(mark)
