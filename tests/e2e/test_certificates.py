"""User certificates made by the real ssh-keygen, shown by the real ssh, and judged beside sshd."""

import base64
import contextlib
import re
import tempfile

import paramiko
import pytest

from harness import ports, streams
from harness.keys import Authority, Key, revoke
from harness.scene import Scene
from harness.target import echo, greet

pytestmark = pytest.mark.portreeve_only("it is compared with sshd in the same test")

BOTH, NEITHER, OURS, THEIRS = {"portreeve", "sshd"}, set(), {"portreeve"}, {"sshd"}

KINDS = {"ed25519": ["ed25519"], "ecdsa-256": ["ecdsa", "-b", "256"],
         "ecdsa-384": ["ecdsa", "-b", "384"], "ecdsa-521": ["ecdsa", "-b", "521"],
         "rsa": ["rsa", "-b", "2048"]}


@pytest.fixture(scope="module")
def authorities():
    """Three of them; which is trusted, and how, is for the test to say."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-ca-") as folder:
        yield {name: Authority(folder, name) for name in ("filed", "lined", "unknown")}


@pytest.fixture(scope="module")
def gates(keys, authorities):
    """Both servers: `filed` is in [auth] trusted_user_ca, `lined` is for lines of a test."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-") as folder, \
            contextlib.closing(Scene(folder, keys)) as scene:
        yield scene.both(auth={"trusted_user_ca": [authorities["filed"].path + ".pub"]})


def ssh_with(scene, gate, certificate, *forwards, **kwargs):
    options = {"CertificateFile": certificate, **kwargs.pop("options", {})}
    return scene.ssh(gate, *forwards, options=options, **kwargs)


def get_in(scene, gate, certificate, **kwargs):
    ssh = ssh_with(scene, gate, certificate, **kwargs)
    inside = ssh.gets_in()
    ssh.close()
    return inside


def codes(gate, after):
    return [event["code"] for event in gate.log.events("login_refused", after)]


# principals ({user}: the login name), words for ssh-keygen, who lets it in, why portreeve does not
CERTIFICATES = {
    "good": ("{user}", [], BOTH, None),
    "several principals": ("one,{user},three", [], BOTH, None),
    "valid now": ("{user}", ["-V", "-1h:+1h"], BOTH, None),
    "valid for ever": ("{user}", ["-V", "always:forever"], BOTH, None),
    "expired": ("{user}", ["-V", "-2h:-1h"], NEITHER, "certificate_expired"),
    "not yet valid": ("{user}", ["-V", "+1h:+2h"], NEITHER, "certificate_not_yet_valid"),
    "wrong principal": ("mallory", [], NEITHER, "certificate_wrong_principal"),
    "principal in another case": ("{USER}", [], NEITHER, "certificate_wrong_principal"),
    "principal with a glob": ("*", [], NEITHER, "certificate_wrong_principal"),
    "no principals": ("", [], NEITHER, "certificate_no_principals"),
    "right source": ("{user}", ["-O", "source-address=127.0.0.0/8"], BOTH, None),
    "wrong source": ("{user}", ["-O", "source-address=192.0.2.0/24"], NEITHER,
                     "certificate_wrong_source"),
    "unknown critical option": ("{user}", ["-O", "critical:new@example.com=x"], NEITHER,
                                "certificate_not_valid"),
    "unknown extension": ("{user}", ["-O", "extension:new@example.com=x"], BOTH, None),
    "verify-required": ("{user}", ["-O", "verify-required"], THEIRS, "verify_not_checkable"),
}


@pytest.mark.parametrize("trusted", ["filed", "lined"])
@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate(scene, gates, authorities, trusted, name):
    principals, words, let_in_by, code = CERTIFICATES[name]
    if (trusted, name) == ("lined", "no principals"):
        let_in_by = THEIRS  # to sshd it is for everybody then
    for gate in gates:
        authority = authorities[trusted]
        gate.authorize(f"cert-authority {authorities['lined'].line}")
        mark = gate.log.mark()
        certificate = authority.certify(
            scene.key, principals.format(user=gate.user, USER=gate.user.upper()), *words)
        assert get_in(scene, gate, certificate) == (gate.kind in let_in_by), gate.kind
        if gate.kind == "portreeve" and code:
            assert code in codes(gate, mark)


def test_an_unknown_authority(scene, gates, authorities):
    for gate in gates:
        gate.authorize(f"cert-authority {authorities['lined'].line}")
        mark = gate.log.mark()
        assert not get_in(scene, gate, authorities["unknown"].certify(scene.key, gate.user))
        assert gate.kind == "sshd" or "unknown_authority" in codes(gate, mark)


def test_an_authority_is_no_key_and_a_key_no_authority(scene, gates, authorities):
    for gate in gates:
        gate.authorize(f"cert-authority {scene.key.line}", authorities["unknown"].line)
        assert not scene.ssh(gate).gets_in()
        assert not get_in(scene, gate, authorities["unknown"].certify(scene.key, gate.user))
        assert not scene.ssh(gate, key=authorities["filed"]).gets_in()


# Options in front of the authority; {user} is the certificate's only principal.
@pytest.mark.parametrize("options, let_in_by", [
    ('principals="{user}"', BOTH),
    ('principals="devices,{user}"', BOTH),
    ('principals="devices"', NEITHER),
    ('from="127.0.0.1"', BOTH),
    ('from="192.0.2.1"', NEITHER),
    ('expiry-time="20200101"', NEITHER),
    ("no-such-option", NEITHER),
])
def test_the_options_of_the_line_hold_too(scene, gates, authorities, options, let_in_by):
    for gate in gates:
        gate.authorize(f"cert-authority,{options.format(user=gate.user)} "
                       f"{authorities['lined'].line}")
        certificate = authorities["lined"].certify(scene.key, gate.user)
        assert get_in(scene, gate, certificate) == (gate.kind in let_in_by), gate.kind


def test_principals_of_a_line_take_the_place_of_the_login_name(scene, gates, authorities):
    for gate in gates:
        gate.authorize(f'cert-authority,principals="devices" {authorities["lined"].line}')
        assert get_in(scene, gate, authorities["lined"].certify(scene.key, "devices"))
        assert not get_in(scene, gate, authorities["filed"].certify(scene.key, "devices"))


@pytest.mark.parametrize("options, words, granted", [
    ("", [], True),
    ("", ["-O", "no-port-forwarding"], False),
    ("", ["-O", "clear"], False),
    ("", ["-O", "clear", "-O", "permit-port-forwarding"], True),
    ("no-port-forwarding", [], False),
    ("restrict", [], False),
    ("restrict,port-forwarding", [], True),
    ("restrict,port-forwarding", ["-O", "no-port-forwarding"], False),
])
def test_both_must_permit_forwarding(scene, gates, authorities, options, words, granted):
    for gate in gates:
        gate.authorize(",".join(filter(None, ["cert-authority", options])) + " " +
                       authorities["lined"].line)
        certificate = authorities["lined"].certify(scene.key, gate.user, *words)
        ssh = ssh_with(scene, gate, certificate, f"{ports.fixed()}:127.0.0.1:9")
        assert ssh.outcomes(1) == [granted], gate.kind
        ssh.close()


def test_permitlisten_of_the_line_and_who_is_logged(scene, gates, authorities):
    gate = gates[0]
    may, may_not = ports.fixed(), ports.fixed()
    gate.authorize(f'cert-authority,permitlisten="{may}" {authorities["lined"].line}')
    mark = gate.log.mark()
    certificate = authorities["lined"].certify(scene.key, gate.user)
    ssh = ssh_with(scene, gate, certificate, f"{may}:127.0.0.1:9", f"{may_not}:127.0.0.1:9")
    assert ssh.outcomes(2) == [True, False]
    event = gate.log.wait_event("login", after=mark)
    assert event["fingerprint"] == scene.key.fingerprint  # the owner is the key, not its paper
    assert event["granted_by"] == f"{gate.authorized_keys}:1"
    assert re.fullmatch(rf"certificate \d+ of {re.escape(authorities['lined'].fingerprint)}",
                        event["certificate"])


@pytest.mark.parametrize("line, let_in", [
    ("", True), ('command="other"', False), ('command="tell"', True)])
def test_a_forced_command_is_shown_as_refused(scene, gates, authorities, line, let_in):
    """Where line and certificate force different ones, sshd lets nobody in either."""
    for gate in gates:
        gate.authorize(",".join(filter(None, ["cert-authority", line])) + " " +
                       authorities["lined"].line)
        certificate = authorities["lined"].certify(scene.key, gate.user, "-O", "force-command=tell")
        target = scene.target(greet("forwarded"))
        ssh = ssh_with(scene, gate, certificate, f"0:127.0.0.1:{target.port}", shell=True)
        if gate.kind == "sshd":
            if let_in:
                ssh.wait_login()  # "tell" then fails as a program that there is not
            continue
        assert ssh.gets_in() == let_in
        if let_in:
            ssh.stdout.wait_for("portreeve: refused the command of", process=None)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_of_key(scene, folder, gates, kind):
    """As the certified key, and as the authority's."""
    key, authority = Key(folder, "key", KINDS[kind]), Authority(folder, "ca", KINDS[kind])
    for gate in gates:
        gate.authorize(f"cert-authority {authority.line}")
        assert get_in(scene, gate, authority.certify(key, gate.user), key=key), gate.kind


@pytest.mark.parametrize("algorithm, let_in_by", [
    ("rsa-sha2-256", BOTH), ("rsa-sha2-512", BOTH), ("ssh-rsa", NEITHER)])
def test_how_an_rsa_authority_signs(scene, folder, gates, algorithm, let_in_by):
    authority = Authority(folder, "ca", KINDS["rsa"])
    for gate in gates:
        gate.authorize(f"cert-authority {authority.line}")
        certificate = authority.certify(scene.key, gate.user, "-t", algorithm)
        assert get_in(scene, gate, certificate) == (gate.kind in let_in_by), gate.kind


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_how_a_certified_rsa_key_signs(scene, folder, gates, authorities, algorithm):
    key = Key(folder, "key", KINDS["rsa"])
    for gate in gates:
        certificate = authorities["filed"].certify(key, gate.user)
        options = {"PubkeyAcceptedAlgorithms": f"{algorithm}-cert-v01@openssh.com,{algorithm}"}
        assert get_in(scene, gate, certificate, key=key, options=options), gate.kind


def test_a_raw_client_gets_in(scene, gates, authorities):
    """So that what it is denied in the next two is not its own mistake."""
    for gate in gates:
        scene.raw(gate, certificate=authorities["filed"].certify(scene.key, gate.user))


def test_a_certificate_for_a_host(scene, gates, authorities):
    """The stock client does not even offer one."""
    for gate in gates:
        gate.authorize()
        mark = gate.log.mark()
        with pytest.raises(paramiko.AuthenticationException):
            scene.raw(gate, certificate=authorities["filed"].certify(scene.key, gate.user, "-h"))
        assert gate.kind == "sshd" or "certificate_not_user" in codes(gate, mark)


def test_a_certificate_changed_after_signing(scene, folder, gates, authorities):
    """The stock client does not offer this one either. Its serial number is another."""
    for gate in gates:
        with open(authorities["filed"].certify(scene.key, gate.user, "-z", "12345"),
                  encoding="ascii") as file:
            kind, blob = file.read().split()[:2]
        signed = base64.b64decode(blob)
        serial = (12345).to_bytes(8, "big")
        assert signed.count(serial) == 1
        changed = f"{folder}/changed-cert.pub"
        with open(changed, "w", encoding="ascii") as file:
            forged = signed.replace(serial, (12346).to_bytes(8, "big"))
            file.write(f"{kind} {base64.b64encode(forged).decode()} changed\n")
        gate.authorize()
        mark = gate.log.mark()
        with pytest.raises(paramiko.AuthenticationException):
            scene.raw(gate, certificate=changed)
        assert gate.kind == "sshd" or "certificate_not_valid" in codes(gate, mark)


@pytest.fixture
def revoking(scene, folder, authorities):
    """Both servers with a list of revoked keys, to be written, and used from then on."""
    path = f"{folder}/revoked"
    with open(path, "w", encoding="ascii"):
        pass
    gates = scene.both(lines=[], auth={"trusted_user_ca": [authorities["filed"].path + ".pub"],
                             "revoked_keys": path})
    return path, gates


# What revokes: files given to ssh-keygen -k, or its specification, or lines of a plain list.
@pytest.mark.parametrize("how", ["serial", "range of serials", "id", "certificate", "its key",
                                 "fingerprint", "authority", "list: its key", "list: authority"])
def test_a_revoked_certificate(scene, revoking, authorities, how):
    path, gates = revoking
    authority = authorities["filed"]
    for gate in gates:
        certificate = authority.certify(scene.key, gate.user)
        spared = authority.certify(scene.other_key, gate.user)
        serial = int(re.search(r"-(\d+)-cert", certificate)[1])
        assert get_in(scene, gate, certificate), gate.kind
        if how.startswith("list: "):
            with open(path, "w", encoding="ascii") as file:
                revoked = scene.key if "its key" in how else authority
                file.write(f"# revoked\n\n{revoked.line}\n")
        else:
            files = {"certificate": [certificate], "its key": [scene.key.path + ".pub"],
                     "authority": [authority.path + ".pub"]}.get(how, [])
            told = {"serial": f"serial: {serial}", "id": f"id: id-{serial}",
                    "range of serials": f"serial: {serial - 1}-{serial}",
                    "fingerprint": f"hash: {scene.key.fingerprint}"}.get(how)
            revoke(path, *files, specification=told,
                   authority=None if files or how == "fingerprint" else authority)
        gate.reload()
        mark = gate.log.mark()
        assert not get_in(scene, gate, certificate), gate.kind
        assert gate.kind == "sshd" or "key_revoked" in codes(gate, mark)
        assert get_in(scene, gate, spared, key=scene.other_key) == ("authority" not in how)
        with open(path, "w", encoding="ascii"):
            pass
        gate.reload()


@pytest.mark.parametrize("listed", ["krl", "list"])
def test_a_revoked_plain_key(scene, revoking, listed):
    path, gates = revoking
    for gate in gates:
        gate.authorize(scene.key.line, scene.other_key.line)
        if listed == "krl":
            revoke(path, scene.key.path + ".pub")
        else:
            with open(path, "w", encoding="ascii") as file:
                file.write(scene.key.line + "\n")
        gate.reload()
        assert not scene.ssh(gate).gets_in()
        assert scene.ssh(gate, key=scene.other_key).gets_in()


def test_a_tunnel_by_certificate_carries(scene, gates, authorities):
    for gate in gates:
        certificate = authorities["filed"].certify(scene.key, gate.user)
        target = scene.target(echo)
        ssh = ssh_with(scene, gate, certificate, f"0:127.0.0.1:{target.port}")
        sock = scene.visit(ssh.allocated_ports()[0])
        sock.sendall(b"carried")
        assert streams.read_exactly(sock, 7) == b"carried"
